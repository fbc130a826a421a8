"""The data sets that netwright was developed on, as files: scikit-learn's own, others of a folder or a wheel."""

from __future__ import annotations

import csv
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from sklearn import datasets

from worth_parts.sets import DataSet

ADULT = (
    *("age", "workclass", "fnlwgt", "education", "education_num", "marital_status", "occupation", "relationship"),
    *("race", "sex", "capital_gain", "capital_loss", "hours_per_week", "native_country", "income"),
)
SERIES = ("GunPoint", "ItalyPowerDemand", "ArrowHead", "OSULeaf", "BasicMotions")
PICTURES = 4000  # of MNIST and CIFAR-10
CHARACTERS = 400_000  # of the text

Maker = Callable[[Path], DataSet]


def bundled() -> dict[str, Maker]:
    """Those that come with scikit-learn, by name."""

    def table(name: str) -> Maker:
        def make(folder: Path) -> DataSet:
            found = getattr(datasets, f"load_{name}")()
            labels = found.target if name == "diabetes" else found.target_names[found.target]
            names = [each.replace(" ", "_") for each in found.feature_names]
            rows = [[*map(repr, map(float, row)), label] for row, label in zip(found.data, labels, strict=True)]
            return DataSet(name, _table(folder / f"{name}.csv", [*names, "answer"], rows), {"target_column": "answer"})

        return make

    def digits(folder: Path) -> DataSet:
        found = datasets.load_digits()
        return DataSet(
            "digits", _arrays(folder / "digits.npz", (found.images * 255 / 16).astype(np.uint8), found.target)
        )

    return {"digits": digits, **{name: table(name) for name in ("breast_cancer", "wine", "diabetes", "iris")}}


def shared(place: Path) -> dict[str, Maker]:
    """Those for which files are needed, by name.

    place: with mnist/mnist.npz, cifar10-jpeg/train.npz, tabular/adult-train.csv, tabular/california_housing.csv,
        membrane/, text/ag_news.csv and text/shakespeare.txt; what is not there is left out.
    """

    def mnist(folder: Path) -> DataSet:
        with np.load(place / "mnist" / "mnist.npz") as held:
            return DataSet(
                "mnist", _arrays(folder / "mnist.npz", held["x_train"][:PICTURES], held["y_train"][:PICTURES])
            )

    def cifar(folder: Path) -> DataSet:
        with np.load(place / "cifar10-jpeg" / "train.npz") as held:
            data, borders, labels = held["data"], held["offsets"], held["labels"]
            for number in range(PICTURES):
                target = folder / "cifar10" / str(labels[number]) / f"{number:05d}.jpg"
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(data[borders[number] : borders[number + 1]].tobytes())
        return DataSet("cifar10", folder / "cifar10")

    def adult(folder: Path) -> DataSet:
        with (place / "tabular" / "adult-train.csv").open(newline="") as file:
            rows = [[each.strip() for each in row] for row in csv.reader(file) if row]
        path = _table(folder / "adult.csv", ADULT, [[each.replace("?", "") for each in row] for row in rows])
        return DataSet("adult", path, {"target_column": "income"})

    def california(folder: Path) -> DataSet:
        path = place / "tabular" / "california_housing.csv"
        return DataSet("california", path, {"target_column": "median_house_value", "nan": "impute-median"})

    def news(folder: Path) -> DataSet:
        options = {"header": "no", "text_column": "1;2", "target_column": "0"}
        return DataSet("ag_news", place / "text" / "ag_news.csv", options)

    def shakespeare(folder: Path) -> DataSet:
        (folder / "shakespeare.txt").write_text((place / "text" / "shakespeare.txt").read_text()[:CHARACTERS])
        return DataSet("shakespeare", folder / "shakespeare.txt")

    needs: dict[str, tuple[str, Maker]] = {
        "mnist": ("mnist/mnist.npz", mnist),
        "cifar10": ("cifar10-jpeg/train.npz", cifar),
        "adult": ("tabular/adult-train.csv", adult),
        "california": ("tabular/california_housing.csv", california),
        "membranes": ("membrane", lambda folder: DataSet("membranes", place / "membrane")),
        "ag_news": ("text/ag_news.csv", news),
        "shakespeare": ("text/shakespeare.txt", shakespeare),
    }
    return {name: make for name, (needed, make) in needs.items() if (place / needed).exists()}


def series(wheels: Path) -> dict[str, Maker]:
    """Series out of the wheel of aeon, which `pip download aeon --no-deps -d FOLDER` brings.

    wheels: the folder that it lies in.
    """
    found = sorted(wheels.glob("aeon-*.whl"))
    if not found:
        raise SystemExit(f"worth: there is no aeon-*.whl in {wheels}; pip download aeon --no-deps -d {wheels}")

    def maker(name: str) -> Maker:
        def make(folder: Path) -> DataSet:
            with zipfile.ZipFile(found[-1]) as wheel:
                for part in ("TRAIN", "TEST"):
                    inside = f"aeon/datasets/data/{name}/{name}_{part}.ts"
                    (folder / f"{name}_{part}.ts").write_bytes(wheel.read(inside))
            return DataSet(name, folder / f"{name}_TRAIN.ts")

        return make

    return {name: maker(name) for name in SERIES}


def _table(path: Path, names: Sequence[str], rows: Sequence[Sequence[object]]) -> Path:
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([names, *rows])
    return path


def _arrays(path: Path, x: np.ndarray, y: np.ndarray) -> Path:
    np.savez_compressed(path, x=x, y=y)
    return path

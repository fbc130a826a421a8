"""A data set cut in two: what a competitor is given, and what it never sees and is judged on."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from worth_parts.sets import DataSet

PICTURES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".ppm", ".txt")
MOST_CLASSES = 30  # different whole numbers in a column beyond which they are numbers to predict
IMAGES, MASKS = "images", "masks"


@dataclass(frozen=True)
class Split:
    """Where the parts lie.

    given: what a competitor reads.
    asked: the held-out inputs alone, for `model.py`.
    labelled: the held-out examples with their answers, in the form of `given`, for references that judge themselves.
    kind: of answers: classes, numbers, masks or text.
    truth: by the name of the file or the number of the row, the class or number; of masks where they lie.
    """

    given: Path
    asked: Path
    labelled: Path
    kind: str
    truth: dict[str, Any]

    def save(self, folder: Path) -> None:
        kept = {name: str(value) if isinstance(value, Path) else value for name, value in vars(self).items()}
        (folder / "split.json").write_text(json.dumps(kept))

    @classmethod
    def load(cls, folder: Path) -> Split:
        kept = json.loads((folder / "split.json").read_text())
        return cls(**{name: Path(kept[name]) for name in ("given", "asked", "labelled")}, **_rest(kept))


def _rest(kept: dict[str, Any]) -> dict[str, Any]:
    return {"kind": kept["kind"], "truth": kept["truth"]}


def split(data: DataSet, folder: Path, seed: int, share: float) -> Split:
    """The two parts of a data set as files in a folder; those that lie there already are used again.

    data: to be cut.
    folder: for the parts, of this set and seed alone.
    seed: decides who is held out.
    share: that is held out, of each class where classes are asked for.

    Raises SystemExit with one line where it is not known how to cut such data.
    """
    if (folder / "split.json").exists():
        return Split.load(folder)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    found = _cutter(data)(data, folder, np.random.default_rng(seed), share)
    found.save(folder)
    return found


def _cutter(data: DataSet) -> Any:
    for name in ("horizon", "time_column"):
        if name in data.options and "series" not in data.options:
            raise SystemExit(f"worth: {data.name} has {name}; only what may be held out at random is compared here")
    if data.path.is_dir():
        return _masks if (data.path / IMAGES).is_dir() and (data.path / MASKS).is_dir() else _folders
    ending = data.path.suffix.lower()
    if ending == ".txt" and "target_column" not in data.options:
        return _prose
    cutters = {".npz": _arrays, ".ts": _series, **dict.fromkeys((".csv", ".tsv", ".txt", ".data"), _table)}
    if ending not in cutters:
        raise SystemExit(f"worth: {data.path} is a file of an unknown kind; expected a folder or {', '.join(cutters)}")
    return cutters[ending]


def held_out(labels: Sequence[Any], draws: np.random.Generator, share: float) -> np.ndarray:
    """Which are held out, (n,) of bool: a share of each class, where classes have two examples or more.

    labels: a class each; all alike where numbers are asked for.
    draws: decides.
    share: of each class.
    """
    codes = np.unique(np.asarray(labels, dtype=str), return_inverse=True)[1]
    chosen = np.zeros(len(codes), dtype=bool)
    for code in np.unique(codes):
        places = draws.permutation(np.flatnonzero(codes == code))
        count = min(len(places) - 1, max(1, round(share * len(places))))
        chosen[places[:count]] = True
    return chosen


def are_numbers(texts: Sequence[str]) -> bool:
    """Whether these answers are numbers to predict, and not the names of classes."""
    try:
        values = np.array([float(each) for each in texts])
    except ValueError:
        return False
    return bool((values % 1).any()) or len(np.unique(values)) > MOST_CLASSES


def _folders(data: DataSet, folder: Path, draws: np.random.Generator, share: float) -> Split:
    """Class folders; those inside train/, val/ and test/ are put together before they are cut."""
    files = sorted(each for each in data.path.rglob("*") if each.suffix.lower() in PICTURES)
    labels = [each.parent.name for each in files]
    test, truth = held_out(labels, draws, share), {}
    for number, (file, label, out) in enumerate(zip(files, labels, test, strict=True)):
        name = f"{number:06d}{file.suffix.lower()}"
        for target in ("asked", "labelled/test/" + label) if out else ("given/" + label, "labelled/train/" + label):
            _linked(file, folder / target / name)
        if out:
            truth[name] = label
    return Split(folder / "given", folder / "asked", folder / "labelled", "classes", truth)


def _masks(data: DataSet, folder: Path, draws: np.random.Generator, share: float) -> Split:
    """Images with masks of the same names."""
    files = sorted(each for each in (data.path / IMAGES).iterdir() if each.suffix.lower() in PICTURES)
    masks = {each.stem: each for each in (data.path / MASKS).iterdir()}
    truth = {}
    for file, out in zip(files, held_out([0] * len(files), draws, share), strict=True):
        mask = masks[file.stem]
        for target in ("labelled/test",) if out else ("given", "labelled/train"):
            _linked(file, folder / target / IMAGES / file.name)
            _linked(mask, folder / target / MASKS / mask.name)
        if out:
            _linked(file, folder / "asked" / file.name)
            truth[file.name] = str(mask.resolve())
    return Split(folder / "given", folder / "asked", folder / "labelled", "masks", truth)


def _linked(file: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(file, target)


def _arrays(data: DataSet, folder: Path, draws: np.random.Generator, share: float) -> Split:
    """x and y; x_test, y_test and the like are put together with them before they are cut."""
    with np.load(data.path) as held:
        x, y = (np.concatenate([held[key] for key in _keys(held.files, name)]) for name in "xy")
    numbers = are_numbers(y.astype(str).tolist())
    test = held_out([0] * len(y) if numbers else y.tolist(), draws, share)
    np.savez_compressed(folder / "given.npz", x=x[~test], y=y[~test])
    np.savez_compressed(folder / "labelled.npz", x=x[test], y=y[test])
    np.save(folder / "asked.npy", x[test])
    truth = {str(place): each for place, each in enumerate(y[test].tolist())}
    kind = "numbers" if numbers else "classes"
    return Split(folder / "given.npz", folder / "asked.npy", folder / "labelled.npz", kind, truth)


def _keys(names: Sequence[str], letter: str) -> list[str]:
    order = (letter, *(f"{letter}_{part}" for part in ("train", "val", "test")))
    return [each for each in order if each in names]


def _prose(data: DataSet, folder: Path, draws: np.random.Generator, share: float) -> Split:
    """A text, in its own order: its last part is held out."""
    text = data.path.read_text()
    border = round(len(text) * (1 - share))
    for name, part in (("given", text[:border]), ("asked", text[border:])):
        (folder / f"{name}.txt").write_text(part)
    return Split(folder / "given.txt", folder / "asked.txt", folder / "asked.txt", "text", {})


def _series(data: DataSet, folder: Path, draws: np.random.Generator, share: float) -> Split:
    """A .ts file, or NAME_TRAIN.ts with NAME_TEST.ts beside it; a line a series, its answer behind the last colon."""
    other = data.path.with_name(data.path.name.replace("_TRAIN", "_TEST"))
    head, lines = _lines(data.path)
    lines += _lines(other)[1] if other != data.path and other.exists() else []
    answers = [each.rpartition(":")[2].strip() for each in lines]
    numbers = are_numbers(answers)
    test = held_out([0] * len(lines) if numbers else answers, draws, share)
    bare = [_without_answer(each) for each in head]
    parts = {"given": (head, lines, ~test), "labelled": (head, lines, test)}
    parts["asked"] = (bare, [each.rpartition(":")[0] for each in lines], test)
    for name, (first, rest, chosen) in parts.items():
        kept = [line for line, out in zip(rest, chosen, strict=True) if out]
        (folder / f"{name}.ts").write_text("\n".join([*first, *kept, ""]))
    held = [each for each, out in zip(answers, test, strict=True) if out]
    truth = {str(place): float(each) if numbers else each for place, each in enumerate(held)}
    kind = "numbers" if numbers else "classes"
    return Split(folder / "given.ts", folder / "asked.ts", folder / "labelled.ts", kind, truth)


def _lines(path: Path) -> tuple[list[str], list[str]]:
    """The head of a .ts file up to @data, without its comments, and a line a series."""
    lines = [each for each in path.read_text().splitlines() if each.strip() and not each.startswith("#")]
    border = 1 + next(place for place, each in enumerate(lines) if each.strip().lower() == "@data")
    return lines[:border], lines[border:]


def _without_answer(line: str) -> str:
    word = line.split()[0].lower()
    return {"@classlabel": "@classLabel false", "@targetlabel": "@targetlabel false"}.get(word, line)


def _table(data: DataSet, folder: Path, draws: np.random.Generator, share: float) -> Split:
    """A row an example, or the rows of one series or group together."""
    separator = {"tab": "\t", "space": " "}.get(data.options.get("delimiter", ","), data.options.get("delimiter", ","))
    with data.path.open(newline="") as file:
        rows = [each for each in csv.reader(file, delimiter=separator) if each]
    named = data.options.get("header", "yes") == "yes"
    head, rows = (rows[0], rows[1:]) if named else ([str(each) for each in range(len(rows[0]))], rows)
    target = head.index(_target(data)) if named else int(_target(data)) % len(head)
    answers = [each[target].strip() for each in rows]
    numbers = data.options.get("problem", "") == "regression" or are_numbers(answers)
    units = _units(data, head, rows)
    whole = dict(zip(units, answers, strict=True))
    test = held_out([0] * len(whole) if numbers else list(whole.values()), draws, share)
    chosen = {unit for unit, out in zip(whole, test, strict=True) if out}
    of_series = "series" in data.options
    held = {unit: whole[unit] for unit in units if unit in chosen} if of_series else None
    out = [unit in chosen for unit in units]
    asked = [each for each, test in zip(rows, out, strict=True) if test]
    given = [each for each, test in zip(rows, out, strict=True) if not test]
    known = list(held.values()) if held is not None else [each[target].strip() for each in asked]
    places = [place for place in range(len(head)) if place != target or not named]
    filler = given[0][
        target
    ]  # where columns have no names, none is left out, and an answer stands there that tells nothing
    hidden = [[filler if place == target else each[place] for place in places] for each in asked]
    _written(folder / "given.csv", head if named else None, given, separator)
    _written(folder / "labelled.csv", head if named else None, asked, separator)
    _written(folder / "asked.csv", [head[each] for each in places] if named else None, hidden, separator)
    truth = {str(place): float(each) if numbers else each for place, each in enumerate(known)}
    kind = "numbers" if numbers else "classes"
    return Split(folder / "given.csv", folder / "asked.csv", folder / "labelled.csv", kind, truth)


def _target(data: DataSet) -> str:
    if "target_column" not in data.options:
        raise SystemExit(f"worth: which column of {data.path} is asked for? Say {data.name}=PATH,target_column=NAME")
    return data.options["target_column"]


def _units(data: DataSet, head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """What each row belongs to: its series or group, or itself."""
    column = data.options.get("series") or data.options.get("group_column")
    if column is None or column not in head:
        return [str(each) for each in range(len(rows))]
    place = list(head).index(column)
    return [each[place] for each in rows]


def _written(path: Path, head: Sequence[str] | None, rows: Sequence[Sequence[str]], separator: str) -> None:
    with path.open("w", newline="") as file:
        csv.writer(file, delimiter=separator).writerows([*([head] if head else []), *rows])

"""Every kind of task has `predict.py`, which reads the same files as `model.py` where torch is not."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from netwright import spaces, tasks
from netwright.core.space import Space
from netwright.results import Contender, Exported, Figures, export

RNG = np.random.default_rng(0)
WORDS = ["the", "quick", "brown", "fox", "jumps", "over", "a", "lazy", "dog", "and", "runs", "away", "from", "it"]


def classes(folder: Path) -> Any:
    kinds = [f"{RNG.normal():.3f},{'red' if i % 3 else 'blue'},{'ab'[i % 2]}" for i in range(80)]
    (folder / "t.csv").write_text("\n".join(["size,colour,kind", *kinds]))
    return tasks.csv(folder / "t.csv", target="kind")


def numbers(folder: Path) -> Any:
    rows = [f"{RNG.normal():.3f},{RNG.normal():.3f},{100 * RNG.normal():.2f}" for _ in range(80)]
    (folder / "n.csv").write_text("\n".join(["a,b,price", *rows]))
    return tasks.csv(folder / "n.csv", target="price")


def labels(folder: Path) -> Any:
    rows = [f"{RNG.normal():.3f},{'|'.join(n for n in 'xyz' if RNG.random() < 0.5) or 'x'}" for _ in range(120)]
    (folder / "l.csv").write_text("\n".join(["a,genres", *rows]))
    return tasks.csv(folder / "l.csv", target="genres", separator="|")


def pictures(folder: Path) -> Any:
    for name in "ab":
        (folder / "pictures" / name).mkdir(parents=True)
        for i in range(20):
            values = RNG.integers(0, 255, (20, 24, 3), dtype=np.uint8)
            Image.fromarray(values).save(folder / "pictures" / name / f"{i}.png")
    return tasks.image_folder(folder / "pictures")


def masks(folder: Path) -> Any:
    for i in range(12):
        mask = np.zeros((40, 50), np.uint8)
        mask[5 + i : 20, 5:30] = 1
        values = (mask * 150 + RNG.integers(0, 100, mask.shape)).astype(np.uint8)
        for name, each in (("images", values), ("masks", mask)):
            (folder / "m" / name).mkdir(parents=True, exist_ok=True)
            Image.fromarray(each).save(folder / "m" / name / f"{i}.png")
    return tasks.mask_folder(folder / "m")


def series(folder: Path) -> Any:
    lines = [",".join(map(str, RNG.normal(size=16 - i % 3).round(3))) + f":{'ab'[i % 2]}" for i in range(60)]
    (folder / "hills.ts").write_text("\n".join(["@equalLength false", "@data", *lines, ""]))
    return tasks.series(folder / "hills.ts")


def forecast(folder: Path) -> Any:
    (folder / "load.csv").write_text("t,load\n" + "".join(f"{t},{np.sin(t):.4f}\n" for t in range(200)))
    return tasks.forecast(folder / "load.csv", horizon=2, window=8, time_column="t")


def texts(folder: Path) -> Any:
    rows = [f"{' '.join(RNG.choice(WORDS, 9))},{'ab'[i % 2]}" for i in range(80)]
    (folder / "texts.csv").write_text("\n".join(["text,kind", *rows]))
    return tasks.text_table(folder / "texts.csv", text="text", target="kind")


def language(folder: Path) -> Any:
    (folder / "text.txt").write_text(" ".join(RNG.choice(WORDS, 2_000)))
    return tasks.text(folder / "text.txt", window=16)


KINDS: dict[str, tuple[Callable[[Path], Any], Callable[[], Space]]] = {
    "classes": (classes, spaces.Tables),
    "numbers": (numbers, spaces.Mlp),
    "labels": (labels, spaces.Mlp),
    "pictures": (pictures, spaces.Mobile),
    "masks": (masks, spaces.UNet),
    "series": (series, spaces.TimeSeries),
    "forecast": (forecast, spaces.Series),
    "texts": (texts, spaces.TextClasses),
    "language": (language, spaces.Texts),
}


def exported(kind: str, folder: Path) -> tuple[Any, Exported]:
    make, of = KINDS[kind]
    task, space = make(folder), of()
    torch.manual_seed(0)
    architecture = space.sample(np.random.default_rng(1))
    network = space.build(architecture, task.shape)
    winner = Contender("found network", (0.5,), (0,))
    figures = Figures(task.name, str(architecture), winner, (), len(task.test), 0, metrics=task.problem.metrics)
    return task, export(folder / "best", network, architecture, space, task, figures, formats="onnx,int8")


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_it_answers_to_the_users_own_files(kind: str, tmp_path: Path) -> None:
    """The export itself compares the answers, with torch and without, and raises where one differs."""
    task, made = exported(kind, tmp_path)
    plain, eight = made.formats
    name = task.problem.main.name
    assert plain.metrics[name] == pytest.approx(plain.before[name], rel=1e-3) and eight.size < plain.size


@pytest.mark.slow
def test_onnxruntime_and_numpy_are_enough(tmp_path: Path) -> None:
    _, made = exported("classes", tmp_path)
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "venv"], check=True)
    python = tmp_path / "venv" / "bin" / "python"
    pins = Path(__file__).parents[2] / "constraints" / "ci.txt"
    command = [python, "-m", "pip", "install", "-q", "-c", pins, "onnxruntime", "numpy"]
    subprocess.run(command, check=True, capture_output=True)
    alone = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    for model in ("model.onnx", "model-int8.onnx"):
        words = [python, made.directory / "predict.py", "--model", model, tmp_path / "t.csv"]
        done = subprocess.run(words, check=True, capture_output=True, text=True, env=alone)
        assert len(done.stdout.splitlines()) == 80 and not done.stderr

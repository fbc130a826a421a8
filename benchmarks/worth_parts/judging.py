"""One judge for all: answers to the held-out examples against the truth, larger is better."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from worth_parts.splitting import Split

MEASURES = {
    "classes": "accuracy in %",
    "numbers": "R² in %",
    "masks": "mean IoU in %",
    "text": "bits per token, negative",
}


class NoAnswer(Exception):
    """What a competitor handed over does not answer all that was asked."""


def points(kind: str, truth: Sequence[Any], answers: Sequence[Any]) -> float:
    """The score of answers in points, 100 at best.

    kind: classes or numbers.
    truth, answers: one for each example, in the same order.
    """
    if len(truth) != len(answers):
        raise NoAnswer(f"{len(answers)} answers to {len(truth)} examples")
    if kind == "classes":
        return 100 * float(np.mean([_same(one, other) for one, other in zip(truth, answers, strict=True)]))
    known, found = np.asarray(truth, dtype=float), np.asarray(answers, dtype=float)
    return 100 * (1 - float(np.square(known - found).sum() / np.square(known - known.mean()).sum()))


def _same(truth: Any, answer: Any) -> bool:
    """Whether two names are of one class: a class 1 may be written 1.0."""
    one, other = str(truth).strip(), str(answer).strip()
    try:
        return one == other or float(one) == float(other)
    except ValueError:
        return False


def overlap(truth: Sequence[np.ndarray], answers: Sequence[np.ndarray]) -> float:
    """Mean over the classes of hits / (hits + misses + false alarms), in points, over all pixels together.

    truth, answers: masks, (height, width) each.
    """
    found = []
    for value in np.unique(np.concatenate([np.unique(each) for each in truth])):
        pairs = [(one == value, other == value) for one, other in zip(truth, answers, strict=True)]
        hits = sum(int((one & other).sum()) for one, other in pairs)
        found.append(hits / max(1, sum(int((one | other).sum()) for one, other in pairs)))
    return 100 * float(np.mean(found))


def standard_error(kind: str, score: float, examples: int) -> float:
    """Of a score by the choice of the held-out examples, in points, where that is known: of a share right; else 0.

    kind: of answers.
    score: in points.
    examples: held out.
    """
    share = score / 100
    return 100 * (share * (1 - share) / examples) ** 0.5 if kind == "classes" and examples else 0.0


def judged(model: Path, split: Split, folder: Path) -> float:
    """The score of an exported folder, by its `model.py` over the held-out files, as its user would call it.

    model: the exported folder.
    split: with what is asked, and the truth.
    folder: for the masks that it writes.

    Raises NoAnswer.
    """
    into = ["--into", str(folder / "masks")] if split.kind == "masks" else []
    command = [sys.executable, str(model / "model.py"), "--json", *into, str(split.asked)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    answers = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    if done.returncode != 0 or not answers:
        raise NoAnswer(f"model.py ended with {done.returncode}: {' '.join(done.stderr.split())[-300:]}")
    if split.kind == "text":
        return -_bits(answers)
    if split.kind == "masks":
        return _of_masks(split, folder / "masks")
    return points(split.kind, *_in_order(split, answers))


def _bits(answers: Sequence[dict[str, Any]]) -> float:
    """Bits a token of the whole text, by its parts where it was read in parts."""
    tokens = np.array([each.get("tokens", 1) for each in answers], dtype=float)
    logarithms = np.array([np.log2(each["perplexity"]) for each in answers])
    return float((tokens * logarithms).sum() / tokens.sum())


def _in_order(split: Split, answers: Sequence[dict[str, Any]]) -> tuple[list[Any], list[Any]]:
    """The truth and the answer of each example; files go by their names, rows by their order."""
    found = [_answer(each) for each in answers]
    if not split.asked.is_dir():
        return list(split.truth.values()), found
    named = {Path(each["file"]).name: answer for each, answer in zip(answers, found, strict=True)}
    if set(named) != set(split.truth):
        raise NoAnswer(f"{len(named)} of {len(split.truth)} files were answered")
    return list(split.truth.values()), [named[name] for name in split.truth]


def _answer(said: dict[str, Any]) -> Any:
    """The class, or the one number, that a line of `model.py --json` has."""
    if "class" in said:
        return said["class"]
    numbers = said.get("numbers", said.get("number"))
    return next(iter(numbers.values())) if isinstance(numbers, dict) else numbers


def _of_masks(split: Split, folder: Path) -> float:
    predicted = {each.stem: each for each in folder.iterdir()}
    pairs = [(_mask(Path(truth)), _mask(predicted[Path(name).stem])) for name, truth in split.truth.items()]
    return overlap([one for one, _ in pairs], [other for _, other in pairs])


def _mask(path: Path) -> np.ndarray:
    with Image.open(path) as picture:
        return np.asarray(picture if picture.mode in ("L", "P", "I;16", "I") else picture.convert("L"))

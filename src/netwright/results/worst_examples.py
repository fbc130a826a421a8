"""The test examples that the network which is handed over answers worst, with a small look at each.

A person sees in a moment what no number tells: pictures with a wrong label, rows with a slip of the pen, texts that
hold two opinions. Of each only a small picture, the lines of its series, the cells of its row or the beginning of its
text is kept.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from netwright.core.trees import mapped
from netwright.core.wording import shortened
from netwright.results.figures import WorstExample

if TYPE_CHECKING:
    from netwright.tasks.task import Task

MOST = 12
LARGEST = 64  # pixels of a picture's longer side
SMALLEST = 32  # below which pixels are shown larger
LINES = ("#0072b2", "#d55e00", "#009e73", "#cc79a7")  # of the first channels of a series
FINER = 4  # times as large are lines drawn, before they are made smaller
LONGEST_TEXT, LONGEST_CELL, MOST_CELLS = 300, 40, 30  # characters, characters, columns
_CHUNK = 4096  # examples whose loss is taken at once


def worst_examples(outputs: Tensor, task: Task) -> tuple[WorstExample, ...]:
    """Those of the highest loss, the worst first; of equal ones the first.

    outputs: to the test examples, or to the first of them, on the CPU.
    task: whose test examples they are.

    None where examples continue each other, as the windows of a text do, and none of a loss that is no number.
    """
    problem, test = task.problem, task.test
    if problem.continues or not len(outputs):
        return ()
    spans = [(start, min(start + _CHUNK, len(outputs))) for start in range(0, len(outputs), _CHUNK)]
    targets = [mapped(lambda each: each.cpu(), test.batch_targets(*span)) for span in spans]
    losses = torch.cat([problem.loss(outputs[slice(*span)], own) for span, own in zip(spans, targets, strict=True)])
    losses = losses.double().nan_to_num(nan=-1.0, posinf=float(np.finfo(np.float64).max))
    order = torch.argsort(losses, descending=True, stable=True)[:MOST].tolist()
    places = [place for place in order if losses[place] >= 0]
    looks = _looks(task, places)
    return tuple(
        _worst(task, outputs, place, float(losses[place]), look) for place, look in zip(places, looks, strict=True)
    )


def _looks(task: Task, places: Sequence[int]) -> Sequence[Mapping[str, Any]]:
    """What the user's own data say of these; nothing where they cannot be read any more."""
    try:
        found = [] if task.preparation is None else task.preparation.looks(places)
    except (OSError, ValueError, LookupError):
        found = []
    return found or [{} for _ in places]


def _worst(task: Task, outputs: Tensor, place: int, loss: float, look: Mapping[str, Any]) -> WorstExample:
    targets = mapped(lambda each: each.cpu(), task.test.batch_targets(place, place + 1))
    asked, answered = task.problem.in_words(outputs[place : place + 1], targets)
    row = {name: shortened(str(cell), LONGEST_CELL) for name, cell in list(look.get("row", {}).items())[:MOST_CELLS]}
    text = shortened(" ".join(str(look.get("text", "")).split()), LONGEST_TEXT)
    picture = _picture(task, place) if task.shape.is_image else _lines(task, place) if task.shape.is_series else ""
    return WorstExample(place, loss, asked, answered, str(look.get("file", "")), row, text, picture)


def _picture(task: Task, place: int) -> str:
    """A small PNG as a data address; empty for what is no picture of one or three channels of uint8."""
    from PIL import Image

    inputs = task.test.batch(place, place + 1)
    if not isinstance(inputs, Tensor) or inputs.dtype != torch.uint8 or inputs.shape[1] not in (1, 3):
        return ""
    pixels = inputs[0].cpu().numpy().transpose(1, 2, 0)
    made = Image.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels)
    longer = max(made.size)
    if longer < SMALLEST:
        times = -(-SMALLEST // longer)
        made = made.resize((times * made.width, times * made.height), Image.Resampling.NEAREST)
    made.thumbnail((LARGEST, LARGEST))
    return _address(made)


def _lines(task: Task, place: int) -> str:
    """A series as lines over time, a colour a channel, each from its own least to its own greatest value."""
    from PIL import Image, ImageDraw

    inputs = task.test.batch(place, place + 1)
    if not isinstance(inputs, Tensor) or inputs.ndim != 3 or inputs.shape[2] < 2:
        return ""
    side = LARGEST * FINER
    made = Image.new("RGB", (side, side), "white")
    pen = ImageDraw.Draw(made)
    for values, colour in zip(inputs[0].cpu().double().numpy(), LINES, strict=False):
        there = np.flatnonzero(np.isfinite(values))
        if len(there) > 1:
            low, wide = values[there].min(), np.ptp(values[there]) or 1.0
            across = FINER + there / (len(values) - 1) * (side - 2 * FINER - 1)
            up = side - 3 * FINER - (values[there] - low) / wide * (side - 6 * FINER)
            pen.line(list(zip(across.tolist(), up.tolist(), strict=True)), fill=colour, width=FINER)
    return _address(made.resize((LARGEST, LARGEST), Image.Resampling.LANCZOS))


def _address(picture: Any) -> str:
    """A picture as a data address that holds it."""
    file = io.BytesIO()
    picture.save(file, "png", optimize=True)
    return f"data:image/png;base64,{base64.b64encode(file.getvalue()).decode()}"

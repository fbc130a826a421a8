"""Answers of a forecast: what comes next, and how far off it would have been at each earlier time of a table.

Stands behind `numbers`, whose functions of the same names it replaces.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from netwright.problems.portable.numbers import in_words, middle, told

GOES_ON: tuple[int, ...]  # of each target, the channel of the input whose values it goes on
INPUT_SHAPE: tuple[int, ...]  # channels and times
TARGET_NAMES: tuple[str, ...]
UNIT: str
prepared: Callable[[Any], Tensor]
respond: Callable[[nn.Module, Any], Tensor]
stretches: Callable[[Path], list[Any]]  # of a table the values of rows in even steps, (channels, rows)


def options(parser: argparse.ArgumentParser) -> None:
    """What the command line offers beside the files."""
    what = "forecast from each window of a table's rows, too, and say how far off that was from the rows behind it"
    if "stretches" in globals():
        parser.add_argument("--score", action="store_true", help=what)


def answers(
    network: nn.Module, inputs: Any, names: Sequence[tuple[str, str]], asked: argparse.Namespace
) -> list[dict[str, Any]]:
    """What comes behind each table, and how far off the network is within it where that is asked for."""
    found = told(respond(network, inputs))
    if vars(asked).get("score"):
        for answer, (path, _) in zip(found, names, strict=True):
            answer["score"] = score(network, stretches(Path(path)))
    return found


def score(network: nn.Module, parts: Sequence[Any]) -> dict[str, float]:
    """How far off forecasts from all windows are: R², MAE, RMSE and MAPE, each the mean over all numbers.

    parts: values in even steps, (channels, rows) each; a window in which one is missing is left out.
    """
    length, horizon = INPUT_SHAPE[-1], len(TARGET_NAMES) // len(GOES_ON)
    guesses, truths = [torch.zeros(0, len(TARGET_NAMES))], [torch.zeros(0, len(TARGET_NAMES))]
    for values in parts:
        windows = (
            np.lib.stride_tricks.sliding_window_view(values, length + horizon, 1)
            if _long_enough(values)
            else values[:0]
        )
        for start in range(0, windows.shape[1] if len(windows) else 0, 256):
            some = windows[:, start : start + 256].swapaxes(0, 1)
            some = some[~np.isnan(some).any((1, 2))]
            if len(some):
                guesses.append(middle(respond(network, prepared(some[:, :, :length]))))
                truths.append(torch.from_numpy(some[:, list(GOES_ON), length:].reshape(len(some), -1)))
    return _judged(torch.cat(guesses), torch.cat(truths))


def _long_enough(values: Any) -> bool:
    return values.shape[1] >= INPUT_SHAPE[-1] + len(TARGET_NAMES) // len(GOES_ON)


def _judged(guesses: Tensor, truth: Tensor) -> dict[str, float]:
    """The metrics of (n, names), NaN without a window, and the number of windows."""
    error = guesses.double() - truth.double()
    left, total = error.square().sum(0), (truth - truth.mean(0)).square().sum(0)
    explained = torch.where(total > 0, 1 - left / total.where(total > 0, total + 1), (left == 0).double())
    tiny = torch.finfo(torch.float64).eps
    found = {
        "r2": explained if len(truth) > 1 else explained * torch.nan,
        "mae": error.abs().mean(0),
        "rmse": error.square().mean(0).sqrt(),
        "mape": (error.abs() / truth.abs().clamp(min=tiny)).mean(0),
    }
    return {"windows": len(truth), **{name: float(each.mean()) for name, each in found.items()}}


def line(answer: dict[str, Any]) -> str:
    """One answer as people read it."""
    found, unit = answer.get("score"), f" {UNIT}" if UNIT else ""
    if found is None:
        return in_words(answer)
    if not found["windows"]:
        return f"{in_words(answer)}; no window of it has what follows behind it"
    errors = f"MAE {found['mae']:,.6g}{unit}, RMSE {found['rmse']:,.6g}{unit}, MAPE {found['mape']:.2%}"
    return f"{in_words(answer)}; from {found['windows']:,} windows within it R² {found['r2']:.4g}, {errors}"

"""Answers of a regression: the numbers that are asked for, in their own units."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

CENTRE: tuple[float, ...]
LEVELS: tuple[float, ...]
SCALE: tuple[float, ...]
TARGET_NAMES: tuple[str, ...]
UNIT: str
respond: Callable[[nn.Module, Any], Tensor]
responses: Callable[[nn.Module, Any, int], list[Tensor]]
printable: Callable[[str], str]


def predict(network: nn.Module, raw: Any, batch_size: int = 256) -> list[Any]:
    """The number of each example; where several are asked for, each by its name.

    network: gives numbers on the scale that it was trained on.
    raw: examples as their user has them.
    batch_size: by default 256, on a GPU more, as far as they fit.
    """
    found = [each for outputs in responses(network, raw, batch_size) for each in _numbers(outputs)]
    return found if len(TARGET_NAMES) > 1 else [value for each in found for value in each.values()]


def quantiles(outputs: Tensor) -> Tensor:
    """What the network gives, (n, names x levels), in the units of the numbers, float64 (n, names, levels).

    Without LEVELS there is one number each.
    """
    found = outputs.double().unflatten(1, (len(TARGET_NAMES), max(1, len(LEVELS))))
    scale, centre = (torch.tensor(each, dtype=torch.float64).view(1, -1, 1) for each in (SCALE, CENTRE))
    return found * scale + centre


def middle(outputs: Tensor) -> Tensor:
    """One number for each that is asked for, (n, names), in its units, float64: the middle one of quantiles."""
    place = min(range(len(LEVELS)), key=lambda i: abs(LEVELS[i] - 0.5)) if LEVELS else 0
    return quantiles(outputs)[:, :, place]


def _numbers(outputs: Tensor) -> list[dict[str, float]]:
    return [dict(zip(TARGET_NAMES, each, strict=True)) for each in middle(outputs).tolist()]


def options(parser: argparse.ArgumentParser) -> None:
    """What the command line offers beside the files: nothing more."""


def answers(
    network: nn.Module, inputs: Any, names: Sequence[tuple[str, str]], asked: argparse.Namespace
) -> list[dict[str, Any]]:
    """The numbers of each example, and their quantiles where it was trained for them."""
    return told(respond(network, inputs))


def told(outputs: Tensor) -> list[dict[str, Any]]:
    """What the network gives for some examples, as answers."""
    found: list[dict[str, Any]] = [{"numbers": each} for each in _numbers(outputs)]
    if LEVELS:
        for answer, each in zip(found, quantiles(outputs).tolist(), strict=True):
            levels = [{f"{level:g}": value for level, value in zip(LEVELS, own, strict=True)} for own in each]
            answer["quantiles"] = dict(zip(TARGET_NAMES, levels, strict=True))
    return found


def line(answer: dict[str, Any]) -> str:
    """One answer as people read it."""
    return in_words(answer)


def in_words(answer: dict[str, Any]) -> str:
    """The numbers of one answer, and the range of their quantiles."""
    behind = f" {UNIT}" if UNIT else ""
    own = [f"{printable(name)} {value:,.6g}{behind}" for name, value in answer["numbers"].items()]
    ranges = answer.get("quantiles", {}).values()
    told = [f" ({min(each.values()):,.6g} to {max(each.values()):,.6g})" for each in ranges] or [""] * len(own)
    return ", ".join(f"{each}{spread}" for each, spread in zip(own, told, strict=True))


def closing(asked: argparse.Namespace) -> list[str]:
    """What is printed behind all answers."""
    return []

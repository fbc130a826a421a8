"""Answers where several labels may be there at once: those that are more probable than a threshold."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

LABEL_NAMES: tuple[str, ...]
respond: Callable[[nn.Module, Any], Tensor]
responses: Callable[[nn.Module, Any, int], list[Tensor]]
printable: Callable[[str], str]


def predict(network: nn.Module, raw: Any, batch_size: int = 256, threshold: float = 0.5) -> list[list[str]]:
    """The labels of each example, none, one or several.

    network: gives logits (n, labels).
    raw: examples as their user has them.
    batch_size: by default 256, on a GPU more, as far as they fit.
    threshold: probability from which on a label is said.
    """
    return [_above(each, threshold) for each in probabilities(network, raw, batch_size).tolist()]


def probabilities(network: nn.Module, raw: Any, batch_size: int = 256) -> Tensor:
    """The probability of every label, (n, labels), in the order of LABEL_NAMES, on the CPU."""
    found = [each.sigmoid() for each in responses(network, raw, batch_size)]
    return torch.cat(found) if found else torch.zeros(0, len(LABEL_NAMES))


def _above(values: Sequence[float], threshold: float) -> list[str]:
    return [name for name, p in zip(LABEL_NAMES, values, strict=True) if p > threshold]


def options(parser: argparse.ArgumentParser) -> None:
    """What the command line offers beside the files."""
    what = "probability above which a label is said; 0.5 by default"
    parser.add_argument("--threshold", type=share, metavar="P", default=0.5, help=what)


def share(text: str) -> float:
    """A number from 0 to 1, as an option."""
    try:
        found = float(text)
    except ValueError:
        found = -1.0
    if not 0 <= found <= 1:
        raise argparse.ArgumentTypeError(f"expected a number from 0 to 1, found {text!r}")
    return found


def answers(
    network: nn.Module, inputs: Any, names: Sequence[tuple[str, str]], asked: argparse.Namespace
) -> list[dict[str, Any]]:
    """The labels of each example, and the probability of every label."""
    found = respond(network, inputs).sigmoid().tolist()
    return [
        {"labels": _above(each, asked.threshold), "probabilities": dict(zip(LABEL_NAMES, each, strict=True))}
        for each in found
    ]


def line(answer: dict[str, Any]) -> str:
    """One answer as people read it."""
    found = [f"{printable(each)} ({answer['probabilities'][each]:.1%})" for each in answer["labels"]]
    return ", ".join(found) or "none of the labels"


def closing(asked: argparse.Namespace) -> list[str]:
    """What is printed behind all answers."""
    return []

"""Answers of a classifier: the most probable classes of each example."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

CLASS_NAMES: tuple[str, ...]
respond: Callable[[nn.Module, Any], Tensor]
responses: Callable[[nn.Module, Any, int], list[Tensor]]
printable: Callable[[str], str]
whole_number: Callable[[str], int]


def predict(network: nn.Module, raw: Any, batch_size: int = 256) -> list[tuple[str, float]]:
    """The most probable class of each example, and its probability.

    network: gives logits (n, classes).
    raw: examples as their user has them.
    batch_size: by default 256, on a GPU more, as far as they fit.
    """
    best = probabilities(network, raw, batch_size).max(1)
    return [(CLASS_NAMES[i], p) for p, i in zip(best.values.tolist(), best.indices.tolist(), strict=True)]


def probabilities(network: nn.Module, raw: Any, batch_size: int = 256) -> Tensor:
    """The probability of every class, (n, classes), in the order of CLASS_NAMES, on the CPU."""
    found = [each.softmax(1) for each in responses(network, raw, batch_size)]
    return torch.cat(found) if found else torch.zeros(0, len(CLASS_NAMES))


def options(parser: argparse.ArgumentParser) -> None:
    """What the command line offers beside the files."""
    parser.add_argument(
        "--top", type=whole_number, metavar="K", help="how many classes of each example; 3 by default, with --json all"
    )


def answers(
    network: nn.Module, inputs: Any, names: Sequence[tuple[str, str]], asked: argparse.Namespace
) -> list[dict[str, Any]]:
    """The most probable classes of each example, the first one first."""
    top = asked.top or (len(CLASS_NAMES) if asked.json else 3)
    best = respond(network, inputs).softmax(1).topk(min(top, len(CLASS_NAMES)))
    return [
        _answer({CLASS_NAMES[i]: p for p, i in zip(values, places, strict=True)})
        for values, places in zip(best.values.tolist(), best.indices.tolist(), strict=True)
    ]


def _answer(found: dict[str, float]) -> dict[str, Any]:
    best = next(iter(found))
    return {"class": best, "probability": found[best], "probabilities": found}


def line(answer: dict[str, Any]) -> str:
    """One answer as people read it."""
    return ", ".join(f"{printable(each)} ({p:.1%})" for each, p in answer["probabilities"].items())


def closing(asked: argparse.Namespace) -> list[str]:
    """What is printed behind all answers."""
    return []

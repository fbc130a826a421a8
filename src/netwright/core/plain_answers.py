"""Answers of a kind of problem that does not say how its networks answer: their plain outputs."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from typing import Any

from torch import Tensor, nn

respond: Callable[[nn.Module, Any], Tensor]
responses: Callable[[nn.Module, Any, int], list[Tensor]]


def predict(network: nn.Module, raw: Any, batch_size: int = 256) -> list[Any]:
    """What the network gives for each example, numbers in lists.

    network: as `load` gives it.
    raw: examples as their user has them.
    batch_size: by default 256, on a GPU more, as far as they fit.
    """
    return [each for outputs in responses(network, raw, batch_size) for each in _rows(outputs)]


def _rows(outputs: Tensor) -> list[Any]:
    """Numbers in lists, one an example."""
    found: list[Any] = outputs.numpy().tolist()
    return found


def options(parser: argparse.ArgumentParser) -> None:
    """What the command line offers beside the files: nothing more."""


def answers(
    network: nn.Module, inputs: Any, names: Sequence[tuple[str, str]], asked: argparse.Namespace
) -> list[dict[str, Any]]:
    """The outputs for each example."""
    return [{"outputs": each} for each in _rows(respond(network, inputs))]


def line(answer: dict[str, Any]) -> str:
    """One answer as people read it."""
    return " ".join(f"{each:.6g}" if isinstance(each, float) else str(each) for each in answer["outputs"])


def closing(asked: argparse.Namespace) -> list[str]:
    """What is printed behind all answers."""
    return []

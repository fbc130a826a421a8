"""The preparation of tasks that have none: their examples are stored as their user holds them."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from netwright.core.preparation import Preparation
from netwright.core.trees import mapped
from netwright.tasks.portable import plain

if TYPE_CHECKING:
    from torch import Tensor

    from netwright.core.task import Examples


class Plain(Preparation):
    """Tensors as the task holds them, from .npy files; several under names from .npz files.

    test: the examples that `own_files` writes.
    """

    def __init__(self, test: Examples) -> None:
        self._test = test

    def describe(self) -> str:
        return " and ".join(f"{name}: {_described(each)}" if name else _described(each) for name, each in self._each())

    def _each(self) -> list[tuple[str, Tensor]]:
        stored = self._test.stored
        return list(stored.items()) if isinstance(stored, Mapping) else [("", stored)]

    def constants(self) -> Mapping[str, Any]:
        stored = self._test.stored
        named = isinstance(stored, Mapping)
        return {
            "INPUT_SHAPE": mapped(lambda each: tuple(each.shape[1:]), stored),
            "INPUT_TYPE": mapped(lambda each: str(each.dtype).removeprefix("torch."), stored),
            "ENDINGS": (".npz",) if named else (".npy",),
        }

    def code(self) -> str:
        return inspect.getsource(plain)

    def own_files(self, count: int, folder: Path) -> Sequence[Path]:
        first = mapped(lambda each: each.cpu().numpy(), self._test.batch(0, count))
        if isinstance(first, Mapping):
            path = folder / "test-examples.npz"
            np.savez(path, **first)
        else:
            path = folder / "test-examples.npy"
            np.save(path, first)
        return [path]


def _described(stored: Tensor) -> str:
    shape = tuple(stored.shape[1:])
    if len(shape) == 1:
        return f"vectors of {shape[0]} features" if stored.is_floating_point() else f"{shape[0]} tokens"
    if len(shape) != 3:
        return f"{'series' if len(shape) == 2 else 'volumes'} of the shape {'x'.join(map(str, shape))}"
    channels, height, width = shape
    kind = {1: "grey", 3: "RGB"}.get(channels, f"{channels}-channel")
    return f"{kind} images of {height}x{width} pixels"

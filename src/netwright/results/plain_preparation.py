"""The preparation of tasks that have none: their examples are stored as their user holds them."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from netwright.core.preparation import Preparation
from netwright.tasks.portable import plain

if TYPE_CHECKING:
    from netwright.core.task import Examples


class Plain(Preparation):
    """uint8 images or float vectors of one shape, from .npy files.

    test: the examples that `own_files` writes.
    """

    def __init__(self, shape: tuple[int, ...], test: Examples) -> None:
        self._shape, self._test = shape, test

    def describe(self) -> str:
        if len(self._shape) == 1:
            return f"vectors of {self._shape[0]} features"
        channels, height, width = self._shape
        kind = {1: "grey", 3: "RGB"}.get(channels, f"{channels}-channel")
        return f"{kind} images of {height}x{width} pixels"

    def constants(self) -> Mapping[str, Any]:
        return {"INPUT_SHAPE": self._shape}

    def code(self) -> str:
        return inspect.getsource(plain)

    def own_files(self, count: int, folder: Path) -> Sequence[Path]:
        path = folder / "test-examples.npy"
        np.save(path, self._test.batch(0, count).cpu().numpy())
        return [path]

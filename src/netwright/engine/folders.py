"""Where trials keep their checkpoints: while they are under way, and while a later one may go on from them."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from netwright.engine.continuing import Continuations

if TYPE_CHECKING:
    from netwright.core.strategy import Strategy


class Folders:
    """One folder a trial, made by whoever writes to it; trials that go on from one another share one.

    root: None for nowhere.
    """

    def __init__(self, root: Path | None, strategy: Strategy) -> None:
        self.continuations = Continuations()
        self._root = root
        self._may_continue: Callable[[int], bool] = strategy.may_continue
        self._kept: set[int] = set()  # trials that have ended and still have their folder

    def of(self, number: int) -> Path | None:
        """The folder that all attempts at a trial share."""
        return None if self._root is None else self._root / str(self.continuations.first(number))

    def clear(self, number: int) -> None:
        """Remove what a trial that has ended for good kept, unless another goes on from it or may yet.

        So are those that were kept for that and need not be any more.
        """
        if self._root is None or not os.path.isdir(self._place(number)):
            return
        self._kept.add(number)
        for each in tuple(self._kept):
            if not self.continuations.is_latest(each):  # whoever goes on from it clears the folder
                self._kept.discard(each)
            elif not self._may_continue(each):
                self._kept.discard(each)
                shutil.rmtree(self._place(each), ignore_errors=True)

    def clear_all(self) -> None:
        """Remove what all trials kept, now that the search has ended."""
        if self._root is not None:
            shutil.rmtree(self._root, ignore_errors=True)

    def _place(self, number: int) -> str:
        return f"{self._root}/{self.continuations.first(number)}"

"""What reports read of a run, so that this room need not know the engine that made it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

from netwright.core.estimator import Estimator
from netwright.core.objective import Constraint, Objective
from netwright.core.space import Space
from netwright.core.strategy import Strategy
from netwright.core.trial import Trial


class Searched(Protocol):
    """What was searched, and how; `engine.Search` is one."""

    @property
    def space(self) -> Space: ...

    @property
    def strategy(self) -> Strategy: ...

    @property
    def estimator(self) -> Estimator: ...

    @property
    def objectives(self) -> Sequence[Objective]: ...

    @property
    def limits(self) -> Sequence[Constraint]: ...

    @property
    def seed(self) -> int: ...


class FinishedRun(Protocol):
    """The trials of a search, with what is kept beside them; `engine.Run` is one."""

    @property
    def name(self) -> str: ...

    @property
    def search(self) -> Searched: ...

    @property
    def trials(self) -> Sequence[Trial]: ...

    @property
    def stopped(self) -> str: ...

    @property
    def seconds(self) -> float: ...

    @property
    def store_directory(self) -> Path | None: ...

    @cached_property
    def best(self) -> Trial: ...

    @property
    def counts(self) -> Mapping[str, int]: ...

    def weights(self, trial: Trial) -> Path | None: ...

    def keep(self, key: str, value: Any) -> None: ...

    def kept(self, key: str) -> Any: ...

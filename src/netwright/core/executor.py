"""Where trials run: in this process, in others, on a cluster. An executor has three members and a number of slots."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from netwright.core.trial import Measurement

if TYPE_CHECKING:
    from netwright.core.estimator import Estimator
    from netwright.core.objective import Constraint
    from netwright.core.trial import Proposal, State


@dataclass(frozen=True, slots=True)
class Job:
    """One trial to run: everything that a worker needs."""

    number: int
    proposal: Proposal
    seed: int
    stages: Sequence[Estimator]
    constraints: Sequence[Constraint] = ()


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a job ended. `traceback` is empty unless the state is "error"."""

    number: int
    state: State
    measurement: Measurement = field(default_factory=lambda: Measurement({}))
    seconds: float = 0.0
    device: str = ""
    reason: str = ""
    traceback: str = ""


class Executor(Protocol):
    slots: int

    def submit(self, job: Job) -> None:
        """Start a job; at most `slots` are under way at once."""
        ...

    def wait(self, timeout: float | None = None) -> Sequence[Outcome]:
        """Outcomes that have come in, at least one unless `timeout` seconds pass first."""
        ...

    def cancel(self, number: int) -> None:
        """End this job; its outcome has state "cancelled"."""
        ...

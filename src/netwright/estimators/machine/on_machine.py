"""What estimators have in common that measure networks on a machine, or foretell what would be measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from torch import nn

from netwright.core.architecture import Architecture
from netwright.core.checks import whole_number
from netwright.core.errors import TrialFailed, UserError
from netwright.core.estimator import Estimator
from netwright.core.objective import Constraint
from netwright.core.roles import ChoosesTraining
from netwright.core.space import Space
from netwright.core.task import TaskShape
from netwright.core.workplace import workplace
from netwright.runtimes.machine import Place
from netwright.runtimes.running import checked_runtime


class OnMachine(Estimator):
    """A space, a shape, and where networks run."""

    def __init__(
        self,
        space: Space,
        shape: TaskShape | Mapping[str, Any],
        runtime: str = "torch",
        threads: int = 1,
        batch: int = 1,
        machine: str = "cpu",
    ) -> None:
        self.space = space
        self.shape = shape if isinstance(shape, TaskShape) else TaskShape.from_json(shape)
        runtime = checked_runtime(runtime)
        threads, batch = whole_number(self, "threads", threads), whole_number(self, "batch", batch)
        self.place = Place(runtime, threads, batch, machine)
        self.networks = space.space if isinstance(space, ChoosesTraining) else space

    def untrained(self, candidate: Any) -> Architecture:
        """The candidate in the space of the networks alone."""
        if not isinstance(candidate, Architecture):
            raise UserError(f"{type(self).__name__} measures architectures; a mixture of all options is no network")
        if candidate.space is not self.space:
            self.space.validate(candidate)
        return self.space.untrained(candidate) if isinstance(self.space, ChoosesTraining) else candidate

    def configuration(self) -> dict[str, Any]:
        """The estimator as JSON; the shape as `TaskShape.as_json` gives it, which the constructor takes too."""
        configuration = super().configuration()
        configuration["arguments"]["shape"] = self.shape.as_json()
        return configuration


class TooSlow(TrialFailed):
    """A network that cannot keep a limit on its latency, as far as is known before it is trained."""

    state = "infeasible"


def fresh(space: Space, architecture: Architecture, shape: TaskShape, seed: int) -> nn.Module:
    """The architecture's network with its first weights; the global generators stay as they are."""
    from netwright.training import seeded

    with seeded(seed):
        return space.build(architecture, shape)


def limits_on(metric: str) -> Sequence[Constraint]:
    """The limits of the search on this metric, where an estimator runs in a trial."""
    return [each for each in workplace().limits if each.metric == metric]

"""One-shot optimisers on the spaces of NAS-Bench-1Shot1, with what a table knows of the architecture at each epoch."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from netwright.core.errors import ConfigurationError, TrialFailed, nearest
from netwright.core.strategy import Strategy, Wrapper
from netwright.core.trial import Proposal
from netwright.estimators.table import Table
from netwright.methods.single_path import random_weight_sharing
from netwright.methods.two_level import darts
from netwright.methods.weight_sharing import resolved
from netwright.spaces import NasBench101
from netwright.strategies.differentiable import Differentiable, Schedule, StraightThrough

if TYPE_CHECKING:
    import numpy as np

    from netwright.core.decision_space import DecisionSpace
    from netwright.core.trial import Trial
    from netwright.engine.search import Search
    from netwright.tasks.task import Task

__all__ = ["nasbench1shot1"]

PAPERS = {
    "nasbench1shot1": (
        "netwright search DATA --method nasbench1shot1 --space nasbench1shot1:number=1",
        "PC-DARTS and ENAS among its optimisers, and its study of their settings",
    ),
}


def nasbench1shot1(
    space: DecisionSpace,
    task: Task,
    *,
    optimiser: str = "darts",
    table: str | Table | None = None,
    epochs: int = 50,
    seed: int = 0,
    device: str = "auto",
    **settings: Any,
) -> Search:
    """NAS-Bench-1Shot1 (Zela et al. 2020): a one-shot optimiser on cells of NAS-Bench-101, looked up in its table.

    After each epoch the architecture that the mixture stands for is looked up, so that an epoch's figures have
    `table_val_accuracy` and so on beside the losses of the shared weights. Defaults are those of the authors' code: SGD
    from 0.025 to 0.001, batches of 96, 50 epochs for DARTS and 100 for the others. Published are curves of the regret;
    the best validation accuracies of the three spaces are 95.07, 94.84 and 95.15 %. Each edge is a decision by itself,
    where the paper takes a softmax over what a vertex reads; the architecture keeps the likeliest parents. Left out:
    PC-DARTS, since parts of channels need cells that sum on edges, ENAS, and the study of settings by BOHB.

    space: `NasBench1Shot1(number=...)`, or `NasBench101(one_shot=True)`.
    task: the data.
    optimiser: one of `OPTIMISERS`: "darts", "darts-second-order", "gdas" or "random-weight-sharing".
    table: a file of cells and their accuracies, as `Table(NasBench101(), table)` reads it, or what
        `nw.benchmarks.nasbench101(path)` gives; None looks nothing up.
    epochs: of the training of the shared weights.
    seed: everything random follows from it.
    device: "auto", "cpu", "cuda", "cuda:1", ...
    settings: any training setting and any option of `SharedWeights`, by name.
    """
    if not isinstance(space, NasBench101) or not space.one_shot:
        raise ConfigurationError(
            f"nasbench1shot1 searches cells of NAS-Bench-101, found {space}; expected NasBench1Shot1(number=1), "
            "nasbench1shot1:number=1 on the command line"
        )
    if optimiser not in OPTIMISERS:
        raise ConfigurationError(f"nasbench1shot1 has no optimiser {optimiser!r}{nearest(optimiser, OPTIMISERS)}")
    found = OPTIMISERS[optimiser](
        space, task, epochs=epochs, seed=seed, device=device, **{"batch_size": 96, **settings}
    )
    if table is None:
        return found
    from netwright.engine.search import Search

    known = Table(NasBench101(), table) if isinstance(table, str) else table
    return Search(LookedUp(found.strategy, known), found.estimator, seed=seed)


def _gdas(space: DecisionSpace, task: Task, *, epochs: int, seed: int, device: str, **settings: Any) -> Search:
    """GDAS with the temperatures of this paper's code, from 10 to 1."""
    strategy = Differentiable(space, StraightThrough(Schedule(10.0, 1.0)))
    return resolved(task, epochs, {}, settings).search(strategy, seed=seed, device=device)


OPTIMISERS: Mapping[str, Callable[..., Search]] = {
    "darts": darts,
    "darts-second-order": lambda space, task, **options: darts(space, task, order=2, **options),
    "gdas": _gdas,
    "random-weight-sharing": random_weight_sharing,
}
"""By the name that `nasbench1shot1` takes."""


class LookedUp(Wrapper):
    """A strategy on shared weights; each epoch also says what a table knows of the architecture it stands for.

    strategy: the one that searches.
    table: of a space that reads this one's architectures as text.
    """

    space: DecisionSpace

    def __init__(self, strategy: Strategy, table: Table) -> None:
        super().__init__(strategy)
        self.table = table

    def ask(self, rng: np.random.Generator) -> Proposal | None:
        return self.strategy.ask(rng)

    def tell(self, trial: Trial) -> None:
        self.strategy.tell(trial)

    def figures(self) -> Mapping[str, float]:
        return {**super().figures(), **self._known()}

    def _known(self) -> Mapping[str, float]:
        """The table's metrics; none where it lacks the architecture, or the strategy stands for no mixture."""
        mixture = self.mixture()
        if mixture is None:
            return {}
        stands_for = self.table.space.parse(str(self.space.discretize(mixture)))
        try:
            found = self.table.estimate(Proposal(stands_for), 0)
        except TrialFailed:
            return {}
        return {f"table_{name}": float(value) for name, value in found.metrics.items()}

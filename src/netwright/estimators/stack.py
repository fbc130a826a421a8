"""Several estimators as one."""

from __future__ import annotations

import operator
from collections.abc import Mapping, Sequence

from netwright.core.errors import ConfigurationError
from netwright.core.estimator import Estimator
from netwright.core.trial import Measurement, Proposal

PROVIDES = ("core.train_eval",)


class Stack(Estimator):
    """Runs estimators in the order given and puts what they measure together; of equal names the later one wins.

    Put the cheap ones first: a search checks its limits after each of their stages.
    Raises ConfigurationError for none at all, and for what is not an estimator.

    estimators: in the order in which they are run.
    """

    def __init__(self, *estimators: Estimator) -> None:
        if not estimators:
            raise ConfigurationError("Stack needs at least one estimator")
        self.estimators = estimators
        self.metrics = tuple(dict.fromkeys(name for stage in self.stages() for name in stage.metrics))

    def measuring(self, *names: str) -> Stack:
        missing = [each for each in names if each not in self.metrics]
        found = tuple(each.measuring(*missing) for each in self.estimators)
        return self if all(map(operator.is_, found, self.estimators)) else type(self)(*found)

    def stages(self) -> Sequence[Estimator]:
        return tuple(stage for each in self.estimators for stage in each.stages())

    def estimate(self, proposal: Proposal, seed: int) -> Measurement:
        """Everything that the stages measure; curves follow each other, of gradients the last one stays."""
        metrics: dict[str, float] = {}
        curve: list[Mapping[str, float]] = []
        gradient = None
        for stage in self.stages():
            found = stage.estimate(proposal, seed)
            metrics.update(found.metrics)
            curve.extend(found.curve)
            gradient = gradient if found.gradient is None else found.gradient
        return Measurement(metrics, gradient, tuple(curve))

"""Keeps networks that a cheap score puts low from being measured by anything dearer."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cached_property

from netwright.core.architecture import Architecture
from netwright.core.checks import share, whole_number
from netwright.core.errors import ConfigurationError, TrialFailed, UserError, nearest
from netwright.core.estimator import Estimator
from netwright.core.objective import Objective
from netwright.core.roles import space_of
from netwright.core.trial import Measurement, Proposal
from netwright.estimators.zero_cost.ranking import different, score_of


class BelowThreshold(TrialFailed):
    """The cheap score is below what a share of random architectures reach."""

    state = "infeasible"


class Filter(Estimator):
    """Measures with `estimator` what a cheap score puts among the best `keep` of random architectures.

    The others end as infeasible, before `estimator` has cost anything. For a limit that is known as a number no filter
    is needed: put both estimators into a `Stack`, and give the search a constraint such as "synflow >= 50".

    estimator: measures what passes.
    proxy: the estimator of the score, for one a `ZeroCost`.
    metric: which of its metrics; by default its first.
    keep: share of random architectures that would pass.
    sample: how many random architectures give the threshold, drawn and scored when the first one is estimated; the same
        for the same `seed`.
    seed: of the sample.

    Raises ConfigurationError for a share outside 0..1, a metric that the proxy does not give, and a proxy that does not
    say its space.
    """

    def __init__(
        self,
        estimator: Estimator,
        proxy: Estimator,
        metric: str | None = None,
        keep: float = 0.5,
        sample: int = 100,
        seed: int = 0,
    ) -> None:
        share(self, "keep", keep)
        whole_number(self, "sample", sample, 2)
        space = space_of(proxy)
        if space is None:
            raise ConfigurationError(f"Filter: {type(proxy).__name__} does not say the space whose networks it scores")
        if not proxy.metrics or (metric is not None and metric not in proxy.metrics):
            raise ConfigurationError(
                f"Filter: {type(proxy).__name__} does not measure {metric!r}{nearest(metric, proxy.metrics)}"
            )
        self.estimator, self.proxy, self.space = estimator, proxy, space
        self.metric = metric or proxy.metrics[0]
        self.keep, self.sample, self.seed = keep, sample, seed
        self.device = estimator.device
        self._gate = _Gate(self)

    @cached_property
    def threshold(self) -> float:
        """The least score that passes, larger is better: that of the lowest among the best `keep` of the sample."""
        objective = Objective.parse(self.metric)
        drawn = different(self.space, self.sample, self.seed)
        found = sorted((score_of(self.proxy, objective, each, self.seed) for each in drawn), reverse=True)
        return found[math.ceil(self.keep * len(found)) - 1]

    def stages(self) -> Sequence[Estimator]:
        cheaper = [each for each in self.proxy.stages() if each is not self.proxy]
        return (*cheaper, self._gate, *self.estimator.stages())

    def estimate(self, proposal: Proposal, seed: int) -> Measurement:
        """Score the candidate and, where it passes, measure it. Raises BelowThreshold where it does not."""
        cheap = self._gate.estimate(proposal, seed)
        found = self.estimator.estimate(proposal, seed)
        return Measurement({**cheap.metrics, **found.metrics}, found.gradient, found.curve)


class _Gate(Estimator):
    """The proxy as a stage that only the better networks pass."""

    def __init__(self, owner: Filter) -> None:
        self.owner = owner
        self.space, self.metrics = owner.space, owner.proxy.metrics
        self.device = owner.proxy.device

    def estimate(self, proposal: Proposal, seed: int) -> Measurement:
        if not isinstance(proposal.candidate, Architecture):
            raise UserError("Filter scores architectures; a mixture of all options has no score of its own")
        found = self.owner.proxy.estimate(proposal, seed)
        score = Objective.parse(self.owner.metric).score(found.metrics)
        if score < self.owner.threshold:
            raise BelowThreshold(
                f"{self.owner.metric} {found.metrics[self.owner.metric]:.6g} is not among the best "
                f"{self.owner.keep:.0%} of {self.owner.sample} random networks",
                found.metrics,
            )
        return found

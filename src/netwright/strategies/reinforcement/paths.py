"""A controller that learns beside the shared weights, step by step (Bender et al. 2020, "TuNAS")."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar

from netwright.core.checks import probability
from netwright.core.decision_space import DecisionSpace
from netwright.core.space import Space
from netwright.strategies.fetching import fetched
from netwright.strategies.reinforcement.controller import Controller, Learning
from netwright.strategies.reinforcement.factorised import Factorised
from netwright.strategies.rounds import Rounds, Script, probe, train

if TYPE_CHECKING:
    import numpy as np

    from netwright.core.architecture import Architecture
    from netwright.strategies.reinforcement.policy import Policy

PROVIDES = ("search.dist_pg", "est.oneshot")


class PathController(Rounds):
    """First paths are drawn uniformly; then each step trains a draw of the controller and scores another one.

    The controller is rewarded with the score on a validation minibatch, less what the terms of the estimator add to the
    loss, such as a penalty on the distance from a cost. In the end stands what it finds likeliest.

    space: the one to search.
    policy: how the controller draws; None for `Factorised()`, a distribution for each decision.
    learning: how it learns; None for `Learning(None, 0.0048)`.
    warm_up: share of the training in which the controller rests; a quarter in the paper.
    """

    needs: ClassVar[type[Space]] = DecisionSpace

    def __init__(
        self,
        space: DecisionSpace,
        policy: Policy | None = None,
        learning: Learning | None = None,
        warm_up: float = 0.25,
    ) -> None:
        self.space = space
        self.warm_up = probability(self, "warm_up", warm_up)
        self.controller = Controller(space, policy or Factorised(), learning or Learning(None, 4.8e-3))

    def script(self, rng: np.random.Generator) -> Script:
        if self.progress.share < self.warm_up:
            yield train(self.space.sample(rng))
            return
        yield train(self.controller.draw(rng).architecture)
        told = yield probe(self.controller.draw(rng).architecture)
        score, added = fetched([told.metrics["score"], told.metrics.get("added", 0.0)])
        if math.isfinite(score - added):
            self.controller.learn([told.architecture], [score - added])

    def result(self) -> Architecture:
        return self.controller.likeliest()

    def figures(self) -> Mapping[str, float]:
        return {"reward": self.controller.baseline.value or 0.0}

"""How long weight sharing takes, measured on a few steps before a search begins."""

from __future__ import annotations

import math
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from netwright.core.errors import Diverged
from netwright.core.randomness import Generators
from netwright.core.strategy import RoundStrategy, in_role, mixture_of, untold
from netwright.core.trial import Proposal, Trial
from netwright.engine.rounds import round_estimator
from netwright.estimators.shared_weights import SharedWeights
from netwright.strategies.differentiable import Differentiable

if TYPE_CHECKING:
    from netwright.core.estimator import RoundEstimator
    from netwright.core.strategy import Strategy
    from netwright.engine.search import Search

STEPS = 5  # training steps that are timed at least, after one that pays for what is done once
MOST_ROUNDS = 400
PROBES = 3  # that are timed for those behind an epoch
OVERHEAD = 1.1  # keeping the weights, and what is read of them


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds of one epoch with what it ends with, and of one evaluation on the trained weights."""

    epoch: float
    evaluation: float

    def epochs(self, seconds: float) -> int:
        """Whole epochs that fit, beside one evaluation of what is found."""
        return max(0, int((seconds - self.evaluation) / self.epoch))


def pace(search: Search, most: float = math.inf) -> Pace:
    """Measured on a few steps of new weights that are thrown away.

    most: seconds after which no further step is timed; where the first alone takes as long, it is the only one, with
        what is done once.

    An epoch is its steps, as often as the strategy probes beside them and behind it, and once what its alarms evaluate.
    Where the weights get fewer on the way to a limit, steps are as long as they will be on average.
    The strategy is told that half of the training is done, so that what it asks at first or at last only is left out.
    """
    estimator = round_estimator(search.estimator)
    assert estimator is not None
    own, strategy = estimator.replace(), untold(search.strategy)
    own.begin(0)
    each, steps = _steps(own, strategy, most)
    if isinstance(own, SharedWeights):
        each *= own.mean_step(search.limits, search.estimator.stages())
    began = time.monotonic()
    with suppress(Diverged):  # which the search will say, or not
        own.epoch(mixture_of(strategy))
    ends = time.monotonic() - began + _probes(own, strategy, most)
    began = time.monotonic()
    own.estimate(Proposal(search.space.sample(Generators(0)(0, 0))), 0)
    return Pace(OVERHEAD * (steps * each + ends), time.monotonic() - began)


def _probes(own: RoundEstimator, strategy: Strategy, most: float) -> float:
    """Seconds of the validation rounds behind an epoch, by those of a few."""
    rounds = in_role(strategy, RoundStrategy)
    count = 0 if rounds is None else rounds.probes_behind_epoch
    if not count:
        return 0.0
    draw, first, made = Generators(0), time.monotonic(), 0
    while made < min(count, PROBES) and (not made or time.monotonic() - first <= most):
        found = own.advance(Proposal(strategy.space.sample(draw(1, made)), "probe"))
        float(dict[str, Any](found.metrics)["loss"])  # waits for the device
        made += 1
    return count * (time.monotonic() - first) / made


def _steps(own: RoundEstimator, strategy: Strategy, most: float) -> tuple[float, float]:
    """Seconds of one training step with the rounds beside it, and how many steps an epoch has."""
    draw, wanted = Generators(0), STEPS
    if isinstance(strategy, Differentiable):
        wanted = strategy.every * -(-STEPS // strategy.every)  # whole turns of steps and probes
    trained, steps, first = 0, 1.0, time.monotonic()
    began = first
    for number in range(MOST_ROUNDS):
        proposal = strategy.ask(draw(0, number))
        if proposal is None or not proposal.is_round:
            break
        found = own.advance(proposal)
        metrics: dict[str, Any] = dict(found.metrics)
        steps = float(metrics["steps"])
        halfway = {**metrics, "progress": 0.5, "epoch": 0.0 if number == 0 else metrics["epoch"]}
        strategy.tell(Trial(0, proposal, "completed", type(found)(halfway, found.gradient)))
        float(metrics.get("loss", 0.0))  # waits for the device
        trained += proposal.purpose == "train"
        if trained == 1 and proposal.purpose == "train":
            began = time.monotonic()
        late = trained > 0 and time.monotonic() - first > most
        if late or trained == wanted + 1 or (proposal.purpose == "train" and metrics["progress"] >= 1.0):
            break
    now = time.monotonic()
    return ((now - began) / (trained - 1) if trained > 1 else now - first), steps

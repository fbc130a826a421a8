"""How long an epoch of weight sharing takes, measured on a few steps before a search begins."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from netwright.core.randomness import Generators
from netwright.core.trial import Trial
from netwright.engine.rounds import round_estimator
from netwright.engine.session import fresh

if TYPE_CHECKING:
    from netwright.engine.search import Search

STEPS = 3  # training steps that are timed, after one that pays for what is done once
MOST_ROUNDS = 200
OVERHEAD = 1.1  # validation at the end of each epoch, and keeping the weights


def epoch_seconds(search: Search) -> float:
    """Seconds of one epoch, from a few steps of new weights that are thrown away.

    The strategy is told that half of the training is done, so that what it asks at first or at last only is left out.
    """
    estimator = round_estimator(search.estimator)
    assert estimator is not None
    own, strategy, draw = estimator.replace(), fresh(search.strategy), Generators(0)
    own.begin(0)
    trained, steps, began = 0, 1.0, time.monotonic()
    for number in range(MOST_ROUNDS):
        proposal = strategy.ask(draw(0, number))
        if proposal is None or not proposal.is_round:
            break
        found = own.advance(proposal)
        metrics: dict[str, Any] = dict(found.metrics)
        steps = float(metrics["steps"])
        halfway = {**metrics, "progress": 0.5, "epoch": 0.0 if number == 0 else metrics["epoch"]}
        strategy.tell(Trial(0, proposal, "completed", type(found)(halfway, found.gradient)))
        float(metrics["loss"])  # waits for the device
        trained += proposal.purpose == "train"
        if trained == 1 and proposal.purpose == "train":
            began = time.monotonic()
        if trained == STEPS + 1:
            break
    return OVERHEAD * steps * (time.monotonic() - began) / max(1, trained - 1)

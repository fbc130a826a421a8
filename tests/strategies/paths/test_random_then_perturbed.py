"""The search of the program of SMASH: random architectures, then changes of the best, then steps from it."""

from __future__ import annotations

import numpy as np
import pytest

import netwright as nw
from netwright.core.errors import StopSearch
from netwright.core.trial import Measurement, Proposal, Trial
from netwright.strategies.paths import RandomThenPerturbed
from netwright.testing import check_strategy
from netwright.testing.small_spaces import Layers


def test_it_keeps_the_contract() -> None:
    check_strategy(lambda space: RandomThenPerturbed(space, drawn=12, changed=6, steps=6, rate=0.3))


def scored(number: int, proposal: Proposal, score: float) -> Trial:
    return Trial(number, proposal, "completed", Measurement({"score": score}), scores=(score,))


@pytest.mark.parametrize("space", [Layers(), nw.spaces.FreeGraph(most=6)], ids=["decisions", "graphs"])
def test_changes_are_of_the_best_drawn_and_steps_of_the_best_so_far(space: nw.Space) -> None:
    strategy, rng = RandomThenPerturbed(space, drawn=5, changed=3, steps=3, rate=0.2), np.random.default_rng(0)
    drawn = [strategy.ask(rng) for _ in range(5)]
    assert strategy.ask(rng) is None  # the best of them is not known yet
    for number, proposal in enumerate(drawn):
        assert proposal is not None and proposal.parent is None
        strategy.tell(scored(number, proposal, float(number == 2)))
    changed = [strategy.ask(rng) for _ in range(3)]
    assert strategy.ask(rng) is None
    assert {each.parent for each in changed if each is not None} <= {2, None}
    for number, proposal in enumerate(changed, start=5):
        assert proposal is not None
        strategy.tell(scored(number, proposal, 2.0 if number == 6 else 0.0))
    for number in range(8, 11):
        step = strategy.ask(rng)
        assert step is not None and step.parent in (number - 1 if number > 8 else 6, None)
        strategy.tell(scored(number, step, float(number)))
    with pytest.raises(StopSearch, match="5 random architectures and 6 changes"):
        strategy.ask(rng)

"""A strategy that plans the time itself begins trials while there is some, and they end by when it is up."""

from __future__ import annotations

from netwright.core.objective import Objective
from netwright.core.trial import Measurement, Proposal, Trial
from netwright.engine.stops import Stopper, Stops
from netwright.spaces import NasBench201
from netwright.strategies import Race

ARCHITECTURE = NasBench201().at(0)


def stopper(*, keeps_time: bool) -> Stopper:
    """With 10 s of which 2 are for what follows, after a trial that took 5."""
    found = Stopper(Stops(seconds=10.0), (Objective.parse("val_accuracy"),), lambda _: 2.0, keeps_time=keeps_time)
    found.note(Trial(0, Proposal(ARCHITECTURE), "completed", Measurement({"val_accuracy": 0.5}), (0.5,), seconds=5.0))
    return found


def test_trials_may_begin_while_there_is_time_and_end_with_what_they_have() -> None:
    assert Race.keeps_time
    found = stopper(keeps_time=True)
    assert found.given(lambda: 6.5) == (1.5, True)
    assert found.may_begin(0, lambda: 6.5)
    assert not found.may_begin(0, lambda: 8.5)


def test_of_other_strategies_a_trial_must_be_expected_to_fit() -> None:
    found = stopper(keeps_time=False)
    assert found.given(lambda: 6.5)[1] is False
    assert not found.may_begin(0, lambda: 6.5)

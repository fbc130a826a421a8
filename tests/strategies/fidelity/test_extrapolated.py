"""What will not win is not trained to the end, and the best is found all the same."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import pytest
from fidelity_parts import CELL, EPOCHS, Known

import netwright as nw
from netwright.core.errors import ConfigurationError
from netwright.predictors.curves import Curve, CurvePredictor, FinalValue, LastValue, Pairwise, Parametric
from netwright.predictors.predictor import Prediction
from netwright.strategies import Extrapolated, Listed, RandomSearch, RegularizedEvolution
from netwright.strategies.fidelity.source import Learner
from netwright.testing import check_strategy

SOME = [CELL.at(k) for k in np.random.default_rng(5).permutation(CELL.size)[:60].tolist()]


def epochs(run: nw.Run) -> int:
    """What was trained, where promoted trials go on from those below."""
    trials = {trial.number: trial for trial in run.trials}
    before = sum(len(trials[t.proposal.parent].measurement.curve) for t in run.trials if t.proposal.parent is not None)
    return sum(len(trial.measurement.curve) for trial in run.trials) - before


@pytest.mark.parametrize("predictor", [LastValue(), Parametric(), Pairwise()])
def test_it_saves_epochs_and_finds_the_best(predictor) -> None:
    whole = nw.Search(Listed(CELL, SOME), Known()).run()
    run = nw.Search(Extrapolated(Listed(CELL, SOME), predictor), Known()).run()
    assert len({trial.architecture for trial in run.trials}) == len(SOME)
    assert epochs(run) < 0.85 * epochs(whole)
    assert run.best.scores[0] > whole.best.scores[0] - 0.02
    assert run.best.proposal.fidelity is None


class Sure(FinalValue):
    """Foretells that everything ends at `value`."""

    def __init__(self, value: float) -> None:
        self.value = value

    def fit(self, curves, seed: int = 0) -> None:
        pass

    def predict(self, seen, length: int) -> Prediction:
        return Prediction(np.full(len(seen), self.value), np.full(len(seen), 1e-9))


class Hearing(Learner):
    """Asks a list, and keeps what it is told."""

    heard: ClassVar[list] = []

    def __init__(self, space) -> None:
        self.space, self._asked = space, 0

    def ask(self, rng):
        self._asked += 1
        return nw.Proposal(SOME[self._asked - 1])

    def tell(self, trial) -> None:
        Hearing.heard.append(trial)

    def learn(self, trial) -> None:
        raise AssertionError


def test_the_strategy_inside_is_told_of_each_of_its_trials_once() -> None:
    Hearing.heard = []
    run = nw.Search(Extrapolated(Hearing(CELL), Sure(0.0), looks=[1 / 9, 1 / 3]), Known()).run(trials=13)
    # The first runs to its end over both looks; all others stop at the first one, with what is foretold.
    shares = [trial.proposal.fidelity for trial in run.trials]
    assert shares == [1 / 9, 1 / 3, None, *[1 / 9] * 10]
    assert [trial.proposal.parent for trial in run.trials[:3]] == [None, 0, 1]
    assert [trial.number for trial in Hearing.heard] == [2, *range(3, 13)]
    assert all(trial.proposal == nw.Proposal(SOME[k]) for k, trial in enumerate(Hearing.heard))
    assert [trial.scores for trial in Hearing.heard[1:]] == [(0.0,)] * 10
    Hearing.heard = []
    run = nw.Search(Extrapolated(Hearing(CELL), Sure(9.0)), Known()).run(trials=12)
    assert [trial.proposal.fidelity for trial in run.trials] == [1 / 3, None] * 6


def test_where_less_is_better_the_curve_is_turned_round() -> None:
    class Seen(CurvePredictor):
        seen: ClassVar[list] = []

        def fit(self, curves, seed: int = 0) -> None:
            Seen.seen.extend(curves)

        def chance(self, seen: Curve, best: Curve) -> float:
            Seen.seen.append(seen)
            return 1.0

    strategy = Extrapolated(RandomSearch(CELL), Seen(), metric="val_accuracy")
    nw.Search(strategy, Known(), objective="val_accuracy:minimize").run(trials=6)
    assert all(max(curve.values) < 0 for curve in Seen.seen) and {len(curve.values) for curve in Seen.seen} == {
        3,
        EPOCHS,
    }


def test_without_curves_everything_is_trained_to_the_end() -> None:
    run = nw.Search(Extrapolated(RandomSearch(CELL), Sure(0.0), metric="val_loss"), Known()).run(trials=12)
    assert [trial.proposal.fidelity for trial in run.trials] == [1 / 3, None] * 6


def test_it_is_a_strategy() -> None:
    check_strategy(lambda space: Extrapolated(RandomSearch(space), Parametric()), trials=16)
    check_strategy(lambda space: Extrapolated(RegularizedEvolution(space, 5, 2), LastValue(), [0.1, 0.5]), trials=16)


@pytest.mark.parametrize("looks", [[], [0.0], [1.0], [0.5, 0.2], 0.5, ["a"]])
def test_looks_are_checked(looks) -> None:
    with pytest.raises(ConfigurationError, match="expected shares of the budget"):
        Extrapolated(RandomSearch(CELL), Parametric(), looks=looks)

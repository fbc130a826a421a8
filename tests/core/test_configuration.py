"""The constructor is the configuration: copies, pickles, changes, repr and JSON follow from the arguments."""

from __future__ import annotations

import copy
import pickle
import subprocess
import sys

import numpy as np
import pytest
from torch import nn

from netwright.core.configuration import Configured, as_json
from netwright.core.decision_space import DecisionSpace
from netwright.core.errors import ConfigurationError
from netwright.core.trial import Proposal
from netwright.engine import Search
from netwright.estimators import Cost, Stack, Training
from netwright.spaces import Mlp, NasBench201
from netwright.strategies import Exhaustive, GeneticAlgorithm, LocalSearch, RandomSearch, RegularizedEvolution
from netwright.tasks import arrays

SPACE = Mlp(widths=(4, 8), most=2)
GENERATOR = np.random.default_rng(0)
TASK = arrays(GENERATOR.normal(size=(60, 5)).astype("float32"), np.arange(60) % 3)
TRAINING = Training(SPACE, TASK, epochs=1, batch_size=20, device="cpu")
COST = Cost(SPACE, TASK.shape)


class Listing(Configured):
    def __init__(self, first: int, *others: int, last: int = 0, **named: int) -> None:
        self.all = (first, *others, last, named)


class Wide(DecisionSpace):
    def __init__(self, *widths: int) -> None:
        self.widths = widths

    def network(self, choose, shape):
        return nn.Linear(3, choose.value("width", self.widths))


@pytest.mark.parametrize(
    "made",
    [
        *(kind(SPACE) for kind in (RandomSearch, RegularizedEvolution, LocalSearch, GeneticAlgorithm, Exhaustive)),
        RegularizedEvolution(NasBench201(), population=7),
        TRAINING,
        TRAINING.settings,
        COST,
        Stack(COST, TRAINING),
        Search(RandomSearch(SPACE), TRAINING, constraints=["params <= 10k"], seed=3),
        Listing(1, 2, 3, last=4, more=5),
        Wide(3, 5),
    ],
    ids=lambda made: type(made).__name__,
)
def test_copies_and_pickles_have_the_same_configuration(made: Configured) -> None:
    for again in (pickle.loads(pickle.dumps(made)), copy.deepcopy(made), copy.copy(made), made.replace()):
        assert type(again) is type(made)
        assert again.configuration() == made.configuration()


def test_a_pickled_estimator_measures_the_same_and_carries_no_caches() -> None:
    proposal = Proposal(SPACE.at(3))
    for estimator in (TRAINING, COST, Stack(COST, TRAINING)):
        fresh = len(pickle.dumps(estimator))
        measured = estimator.estimate(proposal, seed=5)
        again = pickle.loads(pickle.dumps(estimator)).estimate(proposal, seed=5)
        assert again.metrics == measured.metrics
        assert len(pickle.dumps(estimator)) == fresh


def test_a_pickled_strategy_begins_anew() -> None:
    strategy = Exhaustive(SPACE)
    first = strategy.ask(np.random.default_rng(0))
    strategy.ask(np.random.default_rng(0))
    assert pickle.loads(pickle.dumps(strategy)).ask(np.random.default_rng(0)) == first


def test_arguments_without_a_name_stay_when_others_change() -> None:
    listing = Listing(1, 2, 3, last=4, more=5)
    assert listing.replace(last=7).all == (1, 2, 3, 7, {"more": 5})
    assert listing.replace(others=(8,)).all == (1, 8, 4, {"more": 5})
    assert listing.replace(more=6, less=1).all == (1, 2, 3, 4, {"more": 6, "less": 1})
    assert repr(listing) == "Listing(1, 2, 3, last=4, more=5)"
    assert repr(Listing(1)) == "Listing(first=1)"
    assert repr(Wide(3, 5)) == "Wide(3, 5)" and pickle.loads(pickle.dumps(Wide(3, 5))).widths == (3, 5)
    assert Stack(COST).replace(estimators=(COST, TRAINING)).estimators == (COST, TRAINING)
    assert TRAINING.replace(epochs=2).settings.epochs == 2
    with pytest.raises(ConfigurationError, match="did you mean 'batch_size'"):
        TRAINING.replace(batchsize=2)


def test_the_json_of_a_set_is_the_same_in_every_process() -> None:
    assert as_json(frozenset({"b", "a", "c"})) == ["a", "b", "c"] and as_json({3, 20, 1}) == sorted([1, 20, 3], key=str)
    script = (
        "from netwright.core.configuration import as_json; print(as_json({'relu', 'gelu', 'silu', 'tanh', ('x', 1)}))"
    )
    seen = {
        subprocess.run(
            [sys.executable, "-c", script], env={"PYTHONHASHSEED": seed, "PYTHONPATH": ":".join(sys.path)},
            capture_output=True, text=True, check=True,
        ).stdout
        for seed in ("1", "2", "3")
    }  # fmt: skip
    assert len(seen) == 1

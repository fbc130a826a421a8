from __future__ import annotations

import numpy as np
import pytest
from path_parts import TRUTH, Driver, Edges, Fitting, Terms, continues_alike
from torch import nn

from netwright.core.decision_space import DecisionSpace
from netwright.core.errors import ConfigurationError
from netwright.strategies.paths import MultinomialLearning
from netwright.strategies.paths.categorical import Categoricals
from netwright.strategies.paths.multinomial import Comparison


class One(DecisionSpace):
    def network(self, choose, shape):
        return choose.one("op", dict.fromkeys("abc", nn.Identity))


def test_the_counters_by_hand():
    made = Comparison(One(), rate=0.1)
    p = made.probabilities.probabilities

    made.update((0,), 0.5)  # a: one epoch, 0.5; the others none and no score, so nobody wins
    assert p[0] == pytest.approx([1 / 3, 1 / 3, 1 / 3])
    made.update((0,), 0.6)  # a: two epochs, 0.6
    assert p[0] == pytest.approx([1 / 3, 1 / 3, 1 / 3])
    made.update((1,), 0.7)  # b: one epoch, 0.7: better than a with less training
    assert p[0] == pytest.approx([1 / 3 - 0.1, 1 / 3 + 0.1, 1 / 3])
    made.update((2,), 0.65)  # c: one epoch, 0.65: beats a, as b does; b and c had equal training
    assert p[0] == pytest.approx([1 / 3 - 0.3, 1 / 3 + 0.2, 1 / 3 + 0.1])
    made.update((2,), 0.8)  # c: two epochs, 0.8: better than b, but with more training; b beats a still
    assert p[0] == pytest.approx(np.array([0.0, 1 / 3 + 0.3, 1 / 3 + 0.1]) / (2 / 3 + 0.4))
    assert made.epochs[0].tolist() == [2, 1, 2]
    assert made.scores[0].tolist() == [0.6, 0.7, 0.8]


def test_of_equally_likely_options_the_one_that_did_best_is_taken():
    made = Comparison(One())
    assert made.likeliest()["op"] == "a"
    made.update((2,), 0.4)
    made.update((1,), 0.3)  # with as much training as c, so that neither wins
    assert made.likeliest()["op"] == "c"


def test_only_active_decisions_are_counted():
    space = Terms(uneven=True)
    made = Comparison(space)
    made.update(space.decisions.point({"term0": "once", "term1": "once", "term2": "plain"}), 0.5)
    assert [each.sum() for each in made.epochs] == [1, 1, 1, 0]


def test_each_epoch_trains_one_architecture_which_is_then_evaluated():
    space = Terms()
    driver = Driver(MultinomialLearning(space), Fitting(space, epochs=5, steps=10)).go()
    assert [each.purpose for each in driver.asked] == (["train"] * 10 + ["evaluate"]) * 5 + ["evaluate"]
    for start in range(0, 55, 11):
        assert len({each.candidate for each in driver.asked[start : start + 11]}) == 1
    assert driver.asked[-1].candidate == driver.strategy.recommend(driver.trials)
    assert driver.stopped == "the weight training is over"


def test_it_finds_the_terms():
    space = Terms()
    driver = Driver(MultinomialLearning(space, rate=0.03), Fitting(space, epochs=200, steps=2, rate=0.05)).go()
    found = driver.strategy.recommend(driver.trials)
    assert len(set(found.decisions.values()) & set(TRUTH)) >= 2
    assert driver.strategy.figures()["certainty"] > 0.5


@pytest.mark.parametrize("rounds", [0, 1, 10, 11, 12, 44, 45])
def test_a_state_taken_at_any_time_continues_identically(rounds):
    space = Terms(uneven=True)
    continues_alike(lambda: MultinomialLearning(space), Fitting(space), rounds)


def test_a_rate_must_be_a_share():
    with pytest.raises(ConfigurationError, match="rate is 0"):
        MultinomialLearning(Terms(), rate=0)


def test_probabilities_are_drawn_from():
    space = Edges()
    made = Categoricals(space)
    made.probabilities[0] = np.array([0.5, 0.0, 0.5])
    rng = np.random.default_rng(0)
    found = [made.draw(rng) for _ in range(2000)]
    for each in found:
        space.validate(each)
    kept = [each["node/sources"] for each in found]
    assert (0, 2) not in kept
    assert abs(kept.count((0, 1)) - 1000) < 4.5 * 500**0.5
    assert made.mixture().weights["node/sources"].tolist() == [0.5, 1.0, 0.5]

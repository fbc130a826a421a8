from __future__ import annotations

import numpy as np
import pytest
import torch
from path_parts import Driver, Edges, Fitting, Terms, continues_alike

from netwright.core.errors import ConfigurationError
from netwright.core.trial import Measurement, Proposal, Trial
from netwright.strategies import RandomSearch
from netwright.strategies.paths import PathDropout, TrainThenSearch


def at(space, rate, progress):
    strategy = PathDropout(space, rate)
    strategy.tell(
        Trial(
            0,
            Proposal(space.sample(np.random.default_rng(0)), "train"),
            "completed",
            Measurement({"progress": progress}),
        )
    )
    return strategy


def drawn(strategy, count=4000):
    rng = np.random.default_rng(1)
    return [strategy.ask(rng).candidate for _ in range(count)]


def test_nothing_is_dropped_at_first_and_every_kept_option_weighs_one():
    for mixture in drawn(at(Terms(), 0.5, 0.0), 50):
        assert mixture.active == dict.fromkeys(("term0", "term1", "term2"), (0, 1, 2, 3))
        assert all(weight.equal(torch.ones(4)) for weight in mixture.weights.values())


@pytest.mark.parametrize("progress", [0.5, 0.99])
def test_a_path_is_dropped_with_the_kth_root_of_a_rate_that_rises_linearly(progress):
    rate = 0.2 * progress
    each = rate ** (1 / 4)
    mixtures = drawn(at(Terms(), 0.2, progress))
    kept = np.array([[k in mixture.active["term1"] for k in range(4)] for mixture in mixtures])
    alone = (1 - each) * each**3  # one kept by itself; rescued from nothing with probability rate / 4
    expected = 1 - each + rate / 4
    assert abs(kept.mean(axis=0) - expected).max() < 4 * (0.25 / len(mixtures)) ** 0.5
    single = (kept.sum(axis=1) == 1).mean()
    assert abs(single - (4 * alone + rate)) < 4 * (0.25 / len(mixtures)) ** 0.5
    assert kept.any(axis=1).all()


def test_the_paths_into_one_node_are_those_of_all_its_sources():
    mixtures = drawn(at(Edges(), 0.3, 1 - 1e-9))
    each = 0.3 ** (1 / 6)
    names = ("node/0", "node/1", "node/2")
    kept = np.array([[k in mixture.active[name] for name in names for k in range(2)] for mixture in mixtures])
    assert abs(kept.mean() - (1 - each + 0.3 / 6)) < 0.01
    assert kept.any(axis=1).all()
    assert not kept.reshape(-1, 3, 2).any(axis=2).all()  # a whole edge may be dropped
    assert "node/sources" not in mixtures[0].weights


def test_the_rate_follows_the_progress_of_the_training():
    space = Terms()
    driver = Driver(PathDropout(space, 0.3), Fitting(space, epochs=6, steps=50)).go()
    counts = np.array([sum(map(len, each.candidate.active.values())) for each in driver.asked])
    assert counts[0] == 12
    assert counts[:60].mean() > counts[-60:].mean() + 1
    assert all(each.purpose == "train" for each in driver.asked)


def test_a_rate_of_one_would_drop_everything():
    with pytest.raises(ConfigurationError, match="drops every path"):
        PathDropout(Terms(), 1.0)


def test_states_continue_identically():
    space = Terms(uneven=True)
    continues_alike(
        lambda: TrainThenSearch(PathDropout(space), RandomSearch(space), 5), Fitting(space, epochs=2, steps=10), 13
    )

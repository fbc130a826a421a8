"""Growing and trimming, with a ranker of whole sets."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from free_search import Cell, search

import netwright as nw
from netwright.core.errors import UserError
from netwright.predictors.encodings import OneHot
from netwright.strategies.reinforcement import GrowTrim
from netwright.strategies.reinforcement.grow_trim import SetRanker
from netwright.testing import check_strategy
from netwright.testing.small_spaces import Layers


def test_the_ranker_learns_an_order_of_networks_that_it_has_not_seen():
    space, rng = Cell(4), np.random.default_rng(0)
    rows = torch.from_numpy(OneHot(space).encode([space.sample(rng) for _ in range(120)]))
    values = rows[:, [0, 5, 10, 15]].sum(1) + 0.3 * rows[:, [1, 6]].sum(1)
    torch.manual_seed(0)
    ranker = SetRanker(rows.shape[1], 16)
    ranker.learn(rows[:80], values[:80], 60, 0.02, rng)
    scores, truth = ranker.scores(rows[80:], rng), values[80:].numpy()
    better = [
        (scores[i] > scores[j]) == (truth[i] > truth[j]) for i in range(40) for j in range(i) if truth[i] != truth[j]
    ]
    assert np.mean(better) > 0.9


def test_a_network_is_ranked_beside_the_others():
    """Its score depends on the set that it is in."""
    torch.manual_seed(0)
    ranker, rows = SetRanker(5, 4), torch.eye(5)
    alone, among = ranker.scores(rows[:1], np.random.default_rng(0)), ranker.scores(rows, np.random.default_rng(0))
    assert alone[0] != pytest.approx(among[0], abs=1e-6)


def test_candidates_have_grown_and_were_trimmed():
    space = nw.spaces.NasBench201(channels=4, cells=1)
    strategy, rng = GrowTrim(space), np.random.default_rng(0)
    parent = space.parse("|nor_conv_3x3~0|+|none~0|nor_conv_3x3~1|+|skip_connect~0|none~1|nor_conv_3x3~2|")
    grown, trimmed = ([strategy._size(strategy._changed(parent, way, rng)) for _ in range(12)] for way in (1, -1))
    assert np.mean(grown) > strategy._size(parent) + 0.5 > strategy._size(parent) - 0.5 > np.mean(trimmed)


def test_a_space_without_networks_will_do():
    space = nw.spaces.Tabular({"width": [8, 32, 16], "operation": ["convolution", "none"], "wide": [False, True]})
    strategy = GrowTrim(space, initial=3, batch=2, candidates=4, steps=2)
    assert len(search(strategy, 9, lambda architecture: (float(architecture.point[0]),))) == 9
    sizes = {tuple(each.decisions.values()): strategy._size(each) for each in space.enumerate()}
    assert sizes[16, "none", False] == 0.5 and sizes[32, "convolution", True] == 3.0


def test_it_finds_more_than_random_search_would():
    trials = search(GrowTrim(Cell(4), initial=10, batch=5, candidates=20, steps=30), 40)
    assert len({trial.architecture for trial in trials}) == 40
    scores = [trial.scores[0] for trial in trials]
    assert np.mean(scores[-15:]) > np.mean(scores[:10]) + 0.7


def test_it_keeps_to_the_protocol():
    check_strategy(
        lambda space: GrowTrim(space, initial=3, batch=2, candidates=4, steps=2, hidden=4), trials=9, exhausts=True
    )


def test_bad_settings_are_named():
    with pytest.raises(UserError, match="batch is 0; expected a whole number of at least 1"):
        GrowTrim(Layers(), batch=0)

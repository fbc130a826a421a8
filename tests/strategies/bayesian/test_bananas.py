"""BANANAS in the authors' setting and in the quick one."""

from __future__ import annotations

import numpy as np
import pytest

import netwright as nw
from netwright.methods import bayesian as named
from netwright.predictors.encodings import Flow, Paths
from netwright.predictors.mlp import MlpEnsemble
from netwright.strategies.bayesian import MutationsOfBest

SPACE = nw.spaces.NasBench201()


def parts(**options):
    made = named.bananas(SPACE, **options)
    assert isinstance(made.predictor, MlpEnsemble) and isinstance(made.candidates, MutationsOfBest)
    return made.predictor, made.candidates


def test_the_papers_form_has_the_authors_settings():
    predictor, candidates = parts(quick=False)
    wanted = {"networks": 5, "layers": 10, "width": 20, "epochs": 150, "batch": 32, "rate": 0.01, "loss": "mae"}
    assert {name: predictor.arguments[name] for name in wanted} == wanted
    assert predictor.arguments["steps"] is None and predictor.arguments["schedule"] == "constant"
    assert (candidates.size, candidates.parents, candidates.random) == (100, 1, 0)


def test_the_quick_form_is_another_ensemble_on_another_encoding():
    predictor, candidates = parts()
    assert isinstance(predictor.encoding, Flow) and predictor.arguments["steps"] == 50
    assert (candidates.size, candidates.parents, candidates.random) == (100, 10, 30)


@pytest.mark.parametrize("quick", [True, False])
def test_the_number_of_parents_can_be_set(quick):
    assert parts(quick=quick, parents=3)[1].parents == 3


def test_a_mutation_changes_one_and_a_half_decisions():
    mutation, rng = parts(quick=False)[1].mutation, np.random.default_rng(0)
    start = SPACE.sample(rng)
    changed = [np.sum(np.not_equal(mutation.mutate(SPACE, start, rng).point, start.point)) for _ in range(2000)]
    assert np.mean(changed) == pytest.approx(1.5, abs=0.1)
    assert np.var(changed) == pytest.approx(6 * 0.25 * 0.75, abs=0.15)  # each decision by itself


def test_paths_are_truncated_where_the_authors_truncate_them():
    assert named.truncated_paths(SPACE).dimension == 5 + 25
    assert named.truncated_paths(nw.spaces.NasBench101()).dimension == 1 + 3 + 9 + 27
    rng = np.random.default_rng(0)
    some = [SPACE.sample(rng) for _ in range(20)]
    whole, short = Paths(SPACE).encode(some), named.truncated_paths(SPACE).encode(some)
    assert np.array_equal(short, whole[:, :30])


def test_a_space_without_cells_has_no_paths_to_truncate():
    space = nw.spaces.Mlp()
    assert named.truncated_paths(space).dimension == Paths(space).dimension

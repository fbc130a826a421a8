"""Parts of a space that are listed, and spaces of tables whose networks nobody builds."""

from __future__ import annotations

import json
import pickle

import numpy as np
import pytest

import netwright as nw
from netwright.core.errors import ConfigurationError, InvalidArchitecture, SpaceExhausted, UserError
from netwright.core.task import TaskShape
from netwright.estimators import Table
from netwright.spaces import Among, Darts, NasBench101, NasBench201, Tabular

WHOLE = NasBench201()


def some(count=40, seed=0, space=WHOLE):
    rng = np.random.default_rng(seed)
    return list(dict.fromkeys(space.sample(rng) for _ in range(count)))


def apart(one, other):
    return sum(a != b for a, b in zip(one, other, strict=True))


@pytest.mark.parametrize("space", [WHOLE, Darts(), NasBench101()], ids=lambda space: space.name)
def test_all_that_is_drawn_or_changed_is_listed(space):
    part = Among(space, some(space=space))
    listed, rng = set(part.points), np.random.default_rng(1)
    assert part.size == len(listed) == len({each.point for each in part.enumerate()})
    assert [part.at(k).point for k in range(part.size)] == list(part.points)
    drawn = [part.sample(rng) for _ in range(60)]
    changed = [part.mutate(each, rng) for each in drawn]
    crossed = [part.crossover(a, b, rng) for a, b in zip(drawn, changed, strict=True)]
    assert {each.point for each in (*drawn, *changed, *crossed)} <= listed
    assert all(a != b for a, b in zip(drawn, changed, strict=True))
    for each in drawn[:5]:
        near = {found.point for found in part.neighbors(each)}
        assert near and near <= listed - {each.point}
        farthest = max(apart(each.point, point) for point in near)
        assert all(apart(each.point, point) >= farthest for point in listed - near - {each.point})
    assert part.parse(str(drawn[0])) == drawn[0] == space.parse(str(drawn[0]))


def test_a_mutation_leads_to_the_nearest_that_is_listed(monkeypatch):
    part = Among(WHOLE, [(0,) * 6, (0, 0, 0, 0, 1, 1), (4,) * 6])
    rng = np.random.default_rng(0)
    near = part.mutate(part.at(0), rng)
    assert near.point == (0, 0, 0, 0, 1, 1)  # whatever changed, at most 3 decisions away; the other one at least 5
    assert {part.mutate(part.at(2), rng).point for _ in range(50)} == {(0,) * 6, (0, 0, 0, 0, 1, 1)}


def test_what_is_not_listed_is_refused():
    part = Among(WHOLE, some())
    other = next(each for each in WHOLE.enumerate() if each.point not in part.points)
    for refused in (lambda: part.validate(other), lambda: part.parse(str(other))):
        with pytest.raises(InvalidArchitecture, match="none of the 40 that are listed"):
            refused()
    with pytest.raises(ConfigurationError, match="at least one"):
        Among(WHOLE, [])
    with pytest.raises(InvalidArchitecture):
        Among(WHOLE, [(9,) * 6])
    with pytest.raises(SpaceExhausted):
        Among(WHOLE, [(0,) * 6]).mutate(Among(WHOLE, [(0,) * 6]).at(0), np.random.default_rng(0))


def test_it_is_a_value_that_can_be_sent():
    part = Among(WHOLE, some())
    again = pickle.loads(pickle.dumps(part))
    assert again == part and again.points == part.points and part != Among(WHOLE, some(39)) and "40 arch" in repr(part)
    assert part.id == WHOLE.id and part.at(0) == WHOLE.parse(str(part.at(0)))
    json.dumps(part.configuration())


@pytest.mark.parametrize("space", [WHOLE, Darts()], ids=lambda space: space.name)
@pytest.mark.parametrize(
    "make",
    [
        nw.strategies.RandomSearch,
        lambda space: nw.strategies.RegularizedEvolution(space, 8, 3),
        lambda space: nw.strategies.RegularizedEvolution(space, 8, 3, repeats=False),
        lambda space: nw.strategies.GeneticAlgorithm(space, 6),
        nw.strategies.LocalSearch,
        lambda space: nw.strategies.TreeParzen(space, 5),
        lambda space: nw.strategies.BayesianOptimization(space, initial=5, batch=5),
        nw.strategies.MonteCarloTreeSearch,
        lambda space: nw.strategies.ProgressiveBeam(space, beam=8),
        lambda space: nw.strategies.Harmonica(space, samples=6),
        lambda space: nw.methods.nao(space, quick=True, initial=8, new=6, epochs=20),
        lambda space: nw.strategies.KernelDensity(space, least_points=3),
    ],
)
def test_strategies_search_a_partial_table_and_meet_nothing_that_it_lacks(space, make):
    rows = some(30, space=space)
    table = Table(
        space, {"arch": [str(each) for each in rows], "score": [float(k * 7 % 31) for k in range(30)]}, within=True
    )
    assert table.report.size == space.size and table.space.size == 30
    run = nw.Search(make(table.space), table, "score").run(trials=25)
    assert run.counts["completed"] == 25
    assert {trial.architecture.point for trial in run.trials} <= {each.point for each in rows}


def test_a_table_whose_networks_nobody_builds():
    space = Tabular({"width": [8, 16, 32], "op": ["a", "b"], "skip": [True, False]})
    assert space.size == 12 and pickle.loads(pickle.dumps(space)) == space
    every = [each.decisions for each in space.enumerate()]
    source = {name: [each[name] for each in every] for name in ("width", "op", "skip")}
    table = Table(
        space, {**source, "score": [each["width"] + (each["op"] == "b") for each in every]}, architecture=None
    )
    run = nw.Search(nw.strategies.RegularizedEvolution(space, 4, 2, repeats=False), table, "score").run(trials=12)
    assert run.best.metrics["score"] == 33.0 and run.best.architecture["op"] == "b"
    with pytest.raises(UserError, match="builds no networks"):
        space.build(space.at(0), TaskShape((1, 8, 8), 2))


@pytest.mark.parametrize("decisions", [{}, [], {"a": []}, {"a": "xyz"}, {"a": [1, 1]}])
def test_what_is_no_mapping_of_options_is_refused(decisions):
    with pytest.raises(ConfigurationError, match="Tabular"):
        Tabular(decisions)

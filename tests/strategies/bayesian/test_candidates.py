from __future__ import annotations

import numpy as np
import pytest
from free_search import Cell, Single, Sorted, count_a

from netwright.core.errors import ConfigurationError
from netwright.strategies import EachDecision
from netwright.strategies.bayesian import AnnealingTree, EvolvedCandidates, MutationsOfBest, RandomPool
from netwright.strategies.bayesian.asked import Asked
from netwright.strategies.bayesian.candidates import Standing
from netwright.strategies.bayesian.evolved import shares

ALL = [RandomPool(50), MutationsOfBest(50), EvolvedCandidates(50), AnnealingTree()]


def rng(seed=0):
    return np.random.default_rng(seed)


def score(architectures):
    return np.array([count_a(each)[0] for each in architectures])


def standing(space, evaluated=20):
    asked = Asked(space)
    drawn = [asked.draw(rng(k)) for k in range(min(evaluated, space.size))]
    drawn.sort(key=lambda each: count_a(each)[0], reverse=True)
    return Standing(space, drawn, score(drawn).tolist(), asked, score)


@pytest.mark.parametrize("candidates", ALL, ids=repr)
def test_candidates_are_new_and_different(candidates):
    for space in (Cell(6), Sorted()):
        now = standing(space, 8)
        found = candidates.propose(now, rng())
        points = [space.canonical(each).point for each in found]
        assert len(set(points)) == len(points) and not any(point in now.asked for point in points)
        for each in found:
            space.validate(each)


@pytest.mark.parametrize("candidates", ALL, ids=repr)
def test_a_space_of_one_has_no_candidates(candidates):
    assert candidates.propose(standing(Single()), rng()) == []


def test_a_pool_is_the_whole_of_a_small_space():
    now = standing(Cell(2), 5)
    assert len(RandomPool(100).propose(now, rng())) == 20
    assert len(RandomPool(100).propose(standing(Cell(6)), rng())) == 100


def test_mutations_are_of_the_best():
    space = Cell(8)
    now = standing(space)
    found = MutationsOfBest(20, parents=2).propose(now, rng())
    parents = now.ranked[:10]
    assert len(found) == 20
    for child in found[:16]:
        assert any(sum(a != b for a, b in zip(child.point, p.point, strict=True)) == 1 for p in parents[:2])


def test_mutations_fall_back_on_more_of_the_ranking():
    space = Cell(2)
    now = standing(space, 15)
    found = MutationsOfBest(10, parents=1).propose(now, rng())
    near = {each for each in space.neighbors(now.ranked[0]) if each.point not in now.asked}
    assert len(found) > len(near & set(found))


def test_some_may_be_random_and_another_mutation_may_be_used():
    now = standing(Cell(8))
    found = MutationsOfBest(40, parents=1, mutation=EachDecision(1.0), random=10).propose(now, rng())
    assert 30 < len(found) <= 40


def test_evolution_climbs_the_acquisition():
    now = standing(Cell(8))
    bred = score(EvolvedCandidates(200).propose(now, rng()))
    pool = score(RandomPool(200).propose(now, rng()))
    assert bred.mean() > pool.mean() + 1 and bred.max() >= now.values[0]


def test_edits_are_as_many_as_their_probabilities_say():
    space, evolved = Cell(40), EvolvedCandidates()
    now, start, generator = standing(space, 1), space.at(0), rng()
    changed = [
        sum(option > 0 for option in evolved._edited(now, start, generator).point) for _ in range(3_000)
    ]  # of 40 decisions the same is hardly ever edited twice
    found = np.bincount(changed, minlength=6)[1:6] / 3_000
    assert found == pytest.approx([0.5, 0.25, 0.125, 0.075, 0.05], abs=0.03)


def test_parents_are_drawn_by_their_scores():
    found = shares(np.array([0.0, 1.0]))
    assert found[1] / found[0] == pytest.approx(np.exp(2))  # apart by two deviations
    assert shares(np.ones(4)) == pytest.approx([0.25] * 4)


def test_the_tree_expands_the_most_promising():
    now = standing(Cell(8))
    cold = AnnealingTree(start=1e-3, least=1e-4, children=30).propose(now, rng())
    warm = AnnealingTree(start=100.0, least=10.0, children=30).propose(now, rng())
    assert score(cold).max() >= score(warm).max() - 1
    assert score(cold).max() > now.values[0]


@pytest.mark.parametrize(
    "make",
    [
        lambda: RandomPool(0),
        lambda: MutationsOfBest(parents=0),
        lambda: MutationsOfBest(random=-1),
        lambda: EvolvedCandidates(edits=(0.5, 0.2)),
        lambda: AnnealingTree(cooling=1.0),
    ],
)
def test_wrong_arguments_are_refused(make):
    with pytest.raises(ConfigurationError, match="expected"):
        make()

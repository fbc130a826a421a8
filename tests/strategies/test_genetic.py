from __future__ import annotations

import numpy as np
import pytest
from free_search import Cell, Nested, Single, count_a, search, trial_of
from hypothesis import given, settings
from hypothesis import strategies as st

from netwright.core.architecture import Architecture
from netwright.core.errors import ConfigurationError, SpaceExhausted
from netwright.core.randomness import Generators
from netwright.core.trial import Proposal, Trial
from netwright.strategies import (
    EachDecision,
    Elitist,
    Generational,
    GeneticAlgorithm,
    NoCrossover,
    NoMutation,
    OldestDies,
    OneDecision,
    OnePointCrossover,
    Roulette,
    Successive,
    Tournament,
    Truncation,
    Uniform,
    UniformCrossover,
    WorstDies,
)
from netwright.strategies.evolution.ranking import Population

SPACE = Cell(8)
CHI_SQUARE_3 = 16.27  # 99.9 % quantile, 3 degrees of freedom


def rng(seed=0):
    return np.random.default_rng(seed)


def population(*scores):
    return Population(Trial(k, Proposal(None), "completed", scores=(float(s),)) for k, s in enumerate(scores))


def shares_hold(selection, members, expected, n=8_000):
    chosen = [trial.number for trial in selection.select(members, n, rng())]
    counts = np.bincount(chosen, minlength=len(expected))
    expected = np.array(expected) * n
    assert (counts[expected == 0] == 0).all()
    counts, expected = counts[expected > 0], expected[expected > 0]
    assert ((counts - expected) ** 2 / expected).sum() < CHI_SQUARE_3


class TestSelection:
    def test_uniform(self):
        shares_hold(Uniform(), population(5, 1, 3, 2), [0.25] * 4)

    def test_tournament_of_two(self):
        # The k-th best of n wins with probability ((n - k + 1)^2 - (n - k)^2) / n^2.
        shares_hold(Tournament(2), population(5, 1, 3, 2), [7 / 16, 1 / 16, 5 / 16, 3 / 16])

    def test_truncation(self):
        shares_hold(Truncation(2), population(5, 1, 3, 2), [0.5, 0, 0.5, 0])

    def test_roulette_is_in_proportion_to_the_gain_over_the_worst(self):
        shares_hold(Roulette(), population(5, 1, 3, 2), [4 / 7, 0, 2 / 7, 1 / 7])

    def test_roulette_among_equals_and_the_infinitely_bad(self):
        shares_hold(Roulette(), population(1, 1, 1, 1), [0.25] * 4)
        shares_hold(Roulette(), population(1, float("-inf"), 1, 1), [1 / 3, 0, 1 / 3, 1 / 3])
        shares_hold(Roulette(), population(*[float("-inf")] * 4), [0.25] * 4)
        shares_hold(Roulette(), population(1, 2, float("inf"), 1), [0, 0, 1, 0])

    def test_several_objectives(self):
        scores = [(1.0, 3.0), (3.0, 1.0), (0.0, 0.0), (2.0, 2.0)]
        members = Population(Trial(k, Proposal(None), "completed", scores=s) for k, s in enumerate(scores))
        assert {t.number for t in Truncation(3).select(members, 200, rng())} == {0, 1, 3}
        shares_hold(Roulette(), members, [1 / 3, 1 / 3, 0, 1 / 3])


class TestCrossover:
    @given(st.integers(0, 2**32 - 1))
    @settings(max_examples=100, deadline=None)
    def test_children_inherit(self, seed):
        for space in (SPACE, Nested()):
            generator = rng(seed)
            first, second = space.sample(generator), space.sample(generator)
            for crossover in (UniformCrossover(), OnePointCrossover()):
                child = crossover.cross(space, first, second, generator)
                space.validate(child)
                for name, label in child.decisions.items():
                    parents = [p.decisions[name] for p in (first, second) if name in p.decisions]
                    assert label in parents

    @pytest.mark.parametrize("space", [SPACE, Nested()], ids=repr)
    def test_children_take_from_both_parents_alike(self, space):
        points = [architecture.point for architecture in space.enumerate()] if space.size < 100 else []
        first, second = (points[-64], points[-1]) if points else (space.at(0).point, space.at(space.size - 1).point)
        differ = [place for place, (ours, theirs) in enumerate(zip(first, second, strict=True)) if ours != theirs]
        assert len(differ) >= 6
        generator, parents = rng(), [Architecture(space, point) for point in (first, second)]
        children = [UniformCrossover().cross(space, *parents, generator).point for _ in range(400)]
        for place in differ:
            taken = sum(child[place] == first[place] for child in children)
            assert 140 < taken < 260 and taken + sum(child[place] == second[place] for child in children) == 400

    def test_one_point_cuts_once_anywhere(self):
        first, second = SPACE.at(0), SPACE.at(SPACE.size - 1)
        generator, cuts = rng(), set()
        for _ in range(300):
            point = OnePointCrossover().cross(SPACE, first, second, generator).point
            cut = point.count(0)
            assert point == (0,) * cut + (4,) * (8 - cut)
            cuts.add(cut)
        assert cuts == set(range(1, 8))

    def test_probability_zero_keeps_the_first(self):
        first, second = SPACE.at(0), SPACE.at(SPACE.size - 1)
        for crossover in (UniformCrossover(0.0), OnePointCrossover(0.0), NoCrossover()):
            assert crossover.cross(SPACE, first, second, rng()) == first


class TestMutation:
    def test_each_decision_redraws_at_its_rate(self):
        generator, start = rng(), SPACE.at(0)
        changed = [
            sum(EachDecision(0.5).mutate(SPACE, start, generator).point[k] > 0 for k in range(8)) for _ in range(2_000)
        ]
        assert abs(np.mean(changed) - 8 * 0.5 * 4 / 5) < 0.15  # a redraw keeps the option one time in five
        changed = [
            sum(EachDecision().mutate(SPACE, start, generator).point[k] > 0 for k in range(8)) for _ in range(2_000)
        ]
        assert abs(np.mean(changed) - 4 / 5) < 0.1

    def test_each_decision_draws_what_it_activates(self):
        space, generator = Nested(), rng()
        poor = space.architecture({"kind": "poor"})
        children = {EachDecision(1.0).mutate(space, poor, generator) for _ in range(500)}
        for child in children:
            space.validate(child)
        assert len(children) > 40  # of 65

    def test_rates_of_zero_and_one(self):
        start = SPACE.sample(rng())
        assert EachDecision(0.0).mutate(SPACE, start, rng()) == start
        assert NoMutation().mutate(SPACE, start, rng()) == start

    def test_one_after_the_other(self):
        start, generator = SPACE.at(0), rng()
        twice = Successive([OneDecision(), OneDecision()])
        differ = [sum(o > 0 for o in twice.mutate(SPACE, start, generator).point) for _ in range(300)]
        assert max(differ) == 2
        assert Successive([]).mutate(SPACE, start, generator) == start


class TestSurvival:
    parents = population(5, 1, 3, 2).members
    offspring = population(4, 0, 6, 6).members

    def scores(self, survivor, size=4):
        return [trial.scores[0] for trial in survivor.survivors(self.parents, self.offspring, size, rng())]

    def test_elitist_keeps_the_best_of_both(self):
        assert self.scores(Elitist()) == [6, 6, 5, 4]

    def test_generational_keeps_the_offspring_and_elites(self):
        assert self.scores(Generational()) == [6, 6, 4, 0]
        assert self.scores(Generational(elites=2)) == [5, 3, 6, 6]

    def test_generational_fills_up_with_parents(self):
        few = Generational().survivors(self.parents, self.offspring[:1], 4, rng())
        assert [trial.scores[0] for trial in few] == [5, 3, 2, 4]

    def test_oldest_dies(self):
        assert self.scores(OldestDies()) == [4, 0, 6, 6]
        assert [t.scores[0] for t in OldestDies().survivors(self.parents, self.offspring[:1], 4, rng())] == [1, 3, 2, 4]

    def test_worst_dies(self):
        # 4 for 1, 0 for 2, 6 for 0, 6 for 3
        assert self.scores(WorstDies()) == [5, 4, 6, 6]

    def test_worst_of_a_pair_dies(self):
        generator, died = rng(), np.zeros(4)
        for _ in range(4_000):
            left = WorstDies(2).survivors(self.parents, self.offspring[:1], 4, generator)
            died[next(k for k, t in enumerate(self.parents) if t not in left)] += 1
        expected = np.array([1, 7, 3, 5]) / 16 * 4_000
        assert ((died - expected) ** 2 / expected).sum() < CHI_SQUARE_3


class TestGeneticAlgorithm:
    def test_a_generation_is_awaited_before_the_next(self):
        strategy, generators = GeneticAlgorithm(SPACE, population=4), Generators(0)
        asked = [strategy.ask(generators(k)) for k in range(4)]
        assert strategy.ask(generators(4)) is None
        for k in (2, 0, 3):
            strategy.tell(trial_of(k, asked[k]))
            assert strategy.ask(generators(4)) is None
        strategy.tell(trial_of(1, asked[1]))
        children = [strategy.ask(generators(4 + k)) for k in range(4)]
        assert {child.parent for child in children} <= {0, 1, 2, 3}
        assert strategy.ask(generators(8)) is None

    def test_steady_states_never_wait(self):
        for survivor in (OldestDies(), WorstDies()):
            strategy, generators = GeneticAlgorithm(SPACE, population=4, survivor=survivor), Generators(0)
            assert all(strategy.ask(generators(k)) is not None for k in range(50))

    @pytest.mark.parametrize("survivor", [Elitist(), Elitist(3), Generational(elites=1), OldestDies(), WorstDies(2)])
    @pytest.mark.parametrize("slots", [1, 5])
    def test_climbs(self, survivor, slots):
        trials = search(GeneticAlgorithm(SPACE, population=10, survivor=survivor), 400, slots=slots)
        assert max(trial.scores[0] for trial in trials) >= 6
        assert np.mean([t.scores[0] for t in trials[-50:]]) > np.mean([t.scores[0] for t in trials[:10]]) + 2

    def test_elitist_with_several_objectives_spreads_over_the_front(self):
        def score(architecture):
            return (*count_a(architecture), float(architecture.point.count(1)))

        trials = search(GeneticAlgorithm(SPACE, population=20, mutation=OneDecision()), 800, score=score)
        assert len({trial.scores for trial in trials if sum(trial.scores) == 8}) >= 6

    def test_a_generation_that_fails_altogether_is_survived(self):
        failing = iter([True] * 25 + [False] * 1_000)
        trials = search(
            GeneticAlgorithm(SPACE, population=10), 100, state=lambda _: "error" if next(failing) else "completed"
        )
        assert all(trial.proposal.parent is None for trial in trials[:30])
        assert all(trial.proposal.parent is not None for trial in trials[30:])

    def test_no_repeats_until_the_space_is_exhausted(self):
        space = Cell(3)
        strategy = GeneticAlgorithm(space, population=10, repeats=False)
        trials = search(strategy, 125)
        assert {trial.architecture for trial in trials} == set(space.enumerate())
        with pytest.raises(SpaceExhausted):
            search(strategy, 1)

    def test_a_single_architecture_is_asked_once(self):
        strategy = GeneticAlgorithm(Single())
        search(strategy, 1)
        with pytest.raises(SpaceExhausted, match="one architecture only"):
            strategy.ask(Generators(0)(1))

    def test_phases_are_part_of_the_configuration(self):
        strategy = GeneticAlgorithm(SPACE, mutation=EachDecision(0.1), survivor=Generational(elites=2))
        arguments = strategy.configuration()["arguments"]
        assert arguments["mutation"]["arguments"] == {"rate": 0.1}
        assert arguments["survivor"]["class"] == "netwright.strategies.evolution.selection:Generational"
        assert "Generational(elites=2)" in repr(strategy)


@pytest.mark.parametrize(
    "make",
    [
        lambda: GeneticAlgorithm(SPACE, population=0),
        lambda: Tournament(0),
        lambda: Truncation(0),
        lambda: UniformCrossover(2),
        lambda: OnePointCrossover(-0.1),
        lambda: EachDecision(1.1),
        lambda: Elitist(0),
        lambda: Generational(elites=-1),
        lambda: WorstDies(1),
    ],
)
def test_wrong_arguments_are_refused(make):
    with pytest.raises(ConfigurationError, match="expected"):
        make()

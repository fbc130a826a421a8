"""The phases that published methods of evolution have of their own: who dies, how children differ, the beginning."""

from __future__ import annotations

import numpy as np
import pytest
from free_search import Cell

from netwright.core.errors import ConfigurationError
from netwright.core.randomness import Generators
from netwright.core.space import Space
from netwright.core.trial import Proposal, Trial
from netwright.methods import genetic_cnn
from netwright.spaces import Chain, FreeGraph, GeneticCnn, WithTraining
from netwright.strategies import (
    FlipEach,
    Generational,
    GeneticAlgorithm,
    GroupCrossover,
    NeutralDrift,
    NobodyDies,
    NoCrossover,
    NoMutation,
    OneDecision,
    OneKind,
    PairwiseTournament,
    Simple,
    TournamentOfShare,
    Uniform,
)
from netwright.strategies.evolution.ranking import Population

SPACE = GeneticCnn()
GRAPHS = FreeGraph(widths=(2, 4), most=5)


class Rows(Space):
    """Five numbers, of which the first alone is the network."""

    def content(self, data):
        return tuple(data)

    def sample(self, rng):
        return self.architecture([0] * 5)

    def mutate(self, architecture, rng):
        first, *rest = architecture.content
        return self.architecture([first + 1, *rest])

    @property
    def mutations(self):
        return {"neutral": lambda each, rng: self.architecture([*each.content[:4], each.content[4] + 1])}

    def build(self, architecture, shape):
        raise NotImplementedError


def rng(seed=0):
    return np.random.default_rng(seed)


def population(*scores):
    return Population(Trial(k, Proposal(None), "completed", scores=(float(s),)) for k, s in enumerate(scores))


def asked(strategy, scores, seed=0, state="completed"):
    """Ask and tell one trial after the other; the proposals."""
    found, generators = [], Generators(seed)
    for number, score in enumerate(scores):
        found.append(strategy.ask(generators(number)))
        completed = score is not None
        told = Trial(number, found[-1], "completed" if completed else "diverged", scores=(score,) if completed else ())
        strategy.tell(told)
    return found


class TestWhoDies:
    def test_the_worse_of_a_pair_dies_and_the_better_is_the_parent(self):
        members = population(5, 1, 3, 2)
        for seed in range(50):
            (winner,), (loser,) = PairwiseTournament().contest(members, 1, rng(seed))
            assert winner.scores > loser.scores

    def test_of_equals_the_older_dies(self):
        (winner,), (loser,) = PairwiseTournament().contest(population(1, 1), 1, rng())
        assert (winner.number, loser.number) == (1, 0)

    def test_one_alone_has_children_and_lives(self):
        assert PairwiseTournament().contest(population(1), 1, rng())[1] == []

    def test_pairs_keep_a_population_at_its_size_whoever_fails(self):
        strategy = GeneticAlgorithm(Cell(8), 5, PairwiseTournament(), NoCrossover(), OneDecision(), NobodyDies())
        scores = [float(k % 7) if k % 3 else None for k in range(60)]
        asked(strategy, scores)
        assert len(strategy._alive) + len(strategy._arrived) == 5
        assert all(each.number > 5 for each in strategy._alive.members)

    def test_without_removal_a_population_grows_and_contests_with_it(self, monkeypatch):
        sizes = []
        plain = Population.best
        monkeypatch.setattr(Population, "best", lambda self, places: sizes.append(len(places)) or plain(self, places))
        strategy = GeneticAlgorithm(Cell(8), 4, TournamentOfShare(0.1), NoCrossover(), OneDecision(), NobodyDies())
        asked(strategy, range(50))
        assert len(strategy._alive) + len(strategy._arrived) == 50
        assert sizes[0] == 2 and sizes[-1] == 5

    def test_a_parent_that_no_child_beats_drifts(self):
        strategy = GeneticAlgorithm(Rows(), 1, Uniform(), NoCrossover(), OneDecision(), NeutralDrift(2))
        found = [each.candidate.content for each in asked(strategy, [1.0, 0.0, 1.0, 0.5, 0.5, 0.0, 2.0, 0.0, 0.0])]
        ones = [(1, 0, 0, 0, 0)] * 2, [(1, 0, 0, 0, 1)] * 2, [(1, 0, 0, 0, 2)] * 2  # drifts, and is asked by children
        assert found == [(0, 0, 0, 0, 0), *ones[0], *ones[1], *ones[2], *[(2, 0, 0, 0, 2)] * 2]

    def test_a_child_as_good_takes_its_place_where_nothing_is_neutral(self):
        strategy = GeneticAlgorithm(Cell(8), 1, Uniform(), NoCrossover(), OneDecision(), NeutralDrift(2))
        found = asked(strategy, [1.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0])
        assert [each.parent for each in found] == [None, 0, 0, 2, 2, 2, 2]


class TestVariation:
    def test_every_bit_flips_or_none(self):
        architecture = SPACE.sample(rng())
        all_flipped = FlipEach(1.0, 1.0).mutate(SPACE, architecture, rng())
        assert [a + b for a, b in zip(architecture.point, all_flipped.point, strict=True)] == [1] * 19
        assert FlipEach(0.0, 1.0).mutate(SPACE, architecture, rng()) == architecture
        assert FlipEach(1.0, 0.0).mutate(SPACE, architecture, rng()) == architecture

    def test_a_flip_takes_each_other_option_alike(self):
        space, draws = Chain(stages=1, most=1), rng()
        parent = space.sample(draws)
        taken = [FlipEach(1.0, 1.0).mutate(space, parent, draws).decisions["stage1/width"] for _ in range(600)]
        counts = [taken.count(each) for each in (0.5, 1.0, 1.5, 2.0) if each != parent.decisions["stage1/width"]]
        assert sum(counts) == 600 and min(counts) > 150

    def test_rates_are_kept(self):
        architecture, draws = SPACE.sample(rng()), rng(1)
        children = [FlipEach(0.05, 0.8).mutate(SPACE, architecture, draws) for _ in range(2000)]
        flips = sum(a != b for child in children for a, b in zip(child.point, architecture.point, strict=True))
        assert flips / (2000 * 19) == pytest.approx(0.05 * 0.8, rel=0.1)

    def test_whole_stages_are_exchanged(self):
        zeros, ones = SPACE.at(0), SPACE.at(SPACE.size - 1)
        seen = set()
        for seed in range(120):
            child = GroupCrossover(1.0, 0.5).cross(SPACE, zeros, ones, rng(seed))
            stages = [set(stage.replace("-", "")) for stage in str(child).split("|")]
            assert all(len(each) == 1 for each in stages)
            seen.add("".join(min(each) for each in stages))
        assert len(seen) == 8
        assert GroupCrossover(0.0, 1.0).cross(SPACE, zeros, ones, rng()) is zeros

    def test_a_kind_of_change_is_drawn_by_weight(self):
        mutation = OneKind({"remove_layer": 1.0})
        parent = GRAPHS.parse('[["conv_1x1",2,1,"sum",[0]],["conv_1x1",4,1,"sum",[1]],["output",0,1,"sum",[2]]]')
        for seed in range(10):
            assert len(mutation.mutate(GRAPHS, parent, rng(seed)).content) == 2

    def test_where_a_kind_does_not_apply_another_is_drawn(self):
        alone = GRAPHS.parse('[["conv_1x1",2,1,"sum",[0]],["output",0,1,"sum",[1]]]')
        child = OneKind({"remove_edge": 1000.0, "change_stride": 0.001}).mutate(GRAPHS, alone, rng())
        assert child.content[0][2] == 2

    def test_kinds_that_there_are_not_are_refused_with_the_nearest(self):
        with pytest.raises(ConfigurationError, match="did you mean 'remove_edge'"):
            OneKind({"remove_edges": 1.0}).mutate(GRAPHS, GRAPHS.sample(rng()), rng())
        with pytest.raises(ConfigurationError, match="Cell offers no kinds of change"):
            OneKind().mutate(Cell(8), Cell(8).sample(rng()), rng())
        with pytest.raises(ConfigurationError, match="numbers above 0"):
            OneKind({"remove_edge": 0.0})


class TestBeginning:
    def test_it_begins_with_the_simplest(self):
        strategy = GeneticAlgorithm(GRAPHS, 3, crossover=NoCrossover(), mutation=OneDecision(), beginning=Simple())
        first = [each.candidate for each in asked(strategy, [1.0, 1.0, 1.0])]
        assert all(len(each.content) == 2 for each in first)

    def test_or_with_what_mutations_make_of_them(self):
        longer = GeneticAlgorithm(GRAPHS, 3, crossover=NoCrossover(), beginning=Simple(30))
        assert max(len(each.candidate.content) for each in asked(longer, [1.0, 1.0, 1.0])) > 2

    def test_without_repeats_the_simplest_are_asked_once(self):
        strategy = GeneticAlgorithm(GRAPHS, 3, crossover=NoCrossover(), beginning=Simple(), repeats=False)
        first = [each.candidate for each in asked(strategy, [1.0, 1.0, 1.0])]
        assert len(set(first)) == 3


@pytest.mark.parametrize("either", [True, False])
def test_a_child_of_two_is_mutated_as_well_unless_it_is_either(either):
    phases = Uniform(), GroupCrossover(1.0, 0.5), FlipEach(1.0, 1.0), Generational()
    strategy = GeneticAlgorithm(SPACE, 2, *phases, either=either)
    first, second, *children = [str(each.candidate).split("|") for each in asked(strategy, [1.0] * 4)]
    for child in children:
        inherited = [part in parts for part, parts in zip(child, zip(first, second, strict=True), strict=True)]
        assert inherited == [either] * 3


def test_what_was_stored_before_there_were_such_phases_is_the_same_search():
    described = GeneticAlgorithm(Cell(8)).configuration()["arguments"]
    assert set(described) == {"space", "population", "selection", "crossover", "mutation", "survivor", "repeats"}
    assert set(GeneticAlgorithm(Cell(8), either=True, inherit=True).configuration()["arguments"]) == {
        *described,
        "either",
        "inherit",
        "child_share",
    }


def test_parents_stay_on_disk_while_children_may_begin_from_them():
    strategy = GeneticAlgorithm(Cell(8), 2, Uniform(), NoCrossover(), OneDecision(), Generational(), inherit=True)
    asked(strategy, [1.0, 2.0, 3.0, 4.0])
    assert [strategy.may_continue(k) for k in range(4)] == [True, True, True, True]
    strategy.ask(rng())
    assert [strategy.may_continue(k) for k in range(4)] == [False, False, True, True]
    assert strategy.inherits == 1.0 and not GeneticAlgorithm(Cell(8)).inherits


def test_genetic_cnn_exchanges_stages_in_its_own_space_and_decisions_elsewhere():
    assert genetic_cnn(SPACE).either and isinstance(genetic_cnn(SPACE).crossover, GroupCrossover)
    trained = WithTraining(SPACE, {"learning_rate": (0.1, 0.01)})
    assert isinstance(genetic_cnn(trained).mutation, FlipEach)
    assert not genetic_cnn(Chain()).either and not isinstance(genetic_cnn(Chain()).mutation, NoMutation)

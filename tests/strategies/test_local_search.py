from __future__ import annotations

from itertools import pairwise

import pytest
from free_search import Cell, Nested, count_a, search, trial_of

from netwright.core.decision_space import DecisionSpace
from netwright.core.errors import ConfigurationError, SpaceExhausted
from netwright.core.objective import dominates
from netwright.core.randomness import Generators
from netwright.strategies import LocalSearch

SPACE = Cell()


def climbs(trials):
    """The trials from each random start on."""
    found = []
    for trial in trials:
        if trial.proposal.parent is None:
            found.append([])
        found[-1].append(trial)
    return found


def test_all_neighbours_then_the_best_of_them():
    first = climbs(search(LocalSearch(SPACE), 200))[0]
    here, neighborhood = first[0], []
    for trial in first[1:]:
        if trial.proposal.parent != here.number:
            best = max(neighborhood, key=lambda each: each.scores)
            assert trial.proposal.parent == best.number
            assert best.scores > here.scores
            here, neighborhood = best, []
        assert trial.architecture in set(SPACE.neighbors(here.architecture))
        neighborhood.append(trial)
    assert len(first) > 24


def test_a_climb_reaches_the_optimum_and_another_begins():
    """`count_a` has no local optimum but the best: every climb ends there, at 6, at most 24 trials a step."""
    runs = climbs(search(LocalSearch(SPACE), 400))
    assert max(trial.scores[0] for trial in runs[0]) == 6
    assert len(runs) > 2


def test_nothing_is_evaluated_twice_and_known_neighbours_count():
    """Later climbs run through known architectures without asking for them, until there is nothing new to start at."""
    strategy = LocalSearch(Cell(3))
    trials = search(strategy, 125)
    assert len({trial.architecture for trial in trials}) == 125
    assert len(climbs(trials)) > 3
    with pytest.raises(SpaceExhausted):
        strategy.ask(Generators(0)(125))


def test_first_improvement_moves_at_once():
    trials = search(LocalSearch(SPACE, move="first"), 60)
    here = trials[0]
    for trial in climbs(trials)[0][1:]:
        assert trial.proposal.parent == here.number
        if trial.scores > here.scores:
            here = trial
    assert here.scores == (6.0,)


def test_a_climb_begins_at_the_best_of_its_starts():
    trials = search(LocalSearch(SPACE, starts=10), 11)
    assert all(trial.proposal.parent is None for trial in trials[:10])
    assert trials[trials[10].proposal.parent].scores == max(trial.scores for trial in trials[:10])


def test_waits_for_pending_trials_before_it_moves():
    strategy, generators = LocalSearch(Cell(1)), Generators(0)
    start = strategy.ask(generators(0))
    assert strategy.ask(generators(1)) is None
    strategy.tell(trial_of(0, start))
    neighbors = [strategy.ask(generators(number)) for number in range(1, 5)]
    assert strategy.ask(generators(5)) is None
    for number in (3, 1, 4, 2):
        strategy.tell(trial_of(number, neighbors[number - 1]))
    with pytest.raises(SpaceExhausted):
        strategy.ask(generators(5))


def test_several_slots_find_the_same_optimum():
    for move in ("best", "first"):
        trials = search(LocalSearch(SPACE, move=move), 300, slots=7)
        assert max(trial.scores[0] for trial in trials) == 6
        assert len({trial.architecture for trial in trials}) == 300


def test_a_start_that_fails_is_replaced():
    trials = search(LocalSearch(Cell(3)), 60, state=lambda a: "completed" if a.point[0] == 0 else "diverged")
    assert any(trial.proposal.parent is not None for trial in trials)
    assert max(trial.scores[0] for trial in trials if trial.completed) == 3


def test_an_unlucky_neighbourhood_ends_in_a_new_start():
    """Only the start completes: no neighbour can be better."""
    told = []

    def state(architecture):
        told.append(architecture)
        return "completed" if len(told) == 1 else "timeout"

    runs = climbs(search(LocalSearch(SPACE), 40, state=state))
    assert len(runs[0]) == 25  # the start and its 24 neighbours
    assert all(len(run) == 1 for run in runs[1:])


class Wide(DecisionSpace):
    """Turning `kind` on activates 40 decisions: more neighbours than could ever be listed."""

    def network(self, choose, shape):
        from torch import nn

        def many():
            return nn.Sequential(*[choose.one(f"part{k}", {"x": nn.Identity, "y": nn.Flatten}) for k in range(40)])

        return choose.one("kind", {"off": nn.Identity, "on": many})


def test_an_enormous_neighbourhood_is_sampled():
    strategy = LocalSearch(Wide(), most_neighbors=10)
    trials = search(strategy, 200, score=lambda architecture: (float(architecture.point.count(1)),))
    off = [trial.number for trial in trials if trial.architecture["kind"] == "off"]
    assert off  # from there, nearly all of 2^40 neighbours are out of reach of a list
    assert max(trial.scores[0] for trial in trials) > 25


def test_with_several_objectives_a_move_dominates():
    def score(architecture):
        return (*count_a(architecture), float(architecture.point.count(1)))

    trials = search(LocalSearch(SPACE), 500, score=score)
    steps = 0
    for climb in climbs(trials):
        stood = [climb[0].number, *(trial.proposal.parent for trial in climb[1:])]
        for earlier, later in pairwise(dict.fromkeys(stood)):
            assert dominates(trials[later].scores, trials[earlier].scores)
            steps += 1
    assert steps > 10
    assert {sum(trial.scores) for trial in trials} >= {6.0}


def test_conditional_spaces_are_climbed():
    trials = search(LocalSearch(Nested()), 65, score=lambda a: (float(a.point.count(1)),))
    assert len({trial.architecture for trial in trials}) == 65


@pytest.mark.parametrize("arguments", [{"move": "any"}, {"starts": 0}, {"most_neighbors": 0}])
def test_wrong_arguments_are_refused(arguments):
    with pytest.raises(ConfigurationError, match="LocalSearch"):
        LocalSearch(SPACE, **arguments)

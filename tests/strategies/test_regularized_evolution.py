from __future__ import annotations

import pytest
from free_search import Cell, Single, count_a, search, trial_of

from netwright.core.errors import ConfigurationError, SpaceExhausted
from netwright.core.randomness import Generators
from netwright.strategies import RandomSearch, RegularizedEvolution

SPACE = Cell(8)


def test_first_random_then_one_mutation_of_somebody_alive():
    trials = search(RegularizedEvolution(SPACE, population=10, tournament=3), 200)
    assert all(trial.proposal.parent is None for trial in trials[:10])
    for trial in trials[10:]:
        parent = trials[trial.proposal.parent]
        assert trial.number - 10 <= parent.number < trial.number  # the oldest member is 10 trials old
        differ = sum(a != b for a, b in zip(parent.architecture.point, trial.architecture.point, strict=True))
        assert differ == 1


def test_the_best_of_a_tournament_over_everybody_is_the_parent():
    trials = search(RegularizedEvolution(SPACE, population=10, tournament=500), 100)
    for trial in trials[10:]:
        alive = trials[trial.number - 10 : trial.number]
        assert trials[trial.proposal.parent].scores == max(each.scores for each in alive)


def test_parents_are_drawn_with_replacement_from_the_whole_population():
    """With a tournament of one, every member is as likely a parent as any other."""
    strategy = RegularizedEvolution(SPACE, population=10, tournament=1)
    for number in range(10):
        strategy.tell(trial_of(number, strategy.ask(Generators(0)(number))))
    generators = Generators(1)
    parents = [strategy.ask(generators(number)).parent for number in range(5_000)]  # nothing told: nobody dies
    counts = [parents.count(number) for number in range(10)]
    assert sum((count - 500) ** 2 / 500 for count in counts) < 27.9  # 99.9 % quantile of chi-square, 9 degrees


def test_better_than_random_search():
    best = {}
    for make in (RandomSearch, lambda space: RegularizedEvolution(space, population=20, tournament=5)):
        best[make] = sum(max(t.scores[0] for t in search(make(SPACE), 150, seed=seed)) for seed in range(10)) / 10
    random, evolution = best.values()
    assert evolution > random + 1


def test_identity_asks_parents_once_more():
    trials = search(RegularizedEvolution(SPACE, population=10, tournament=3, identity=0.3), 1_000)
    same = sum(trial.architecture == trials[trial.proposal.parent].architecture for trial in trials[10:])
    assert 240 < same < 360  # 990 x 0.3, four standard deviations to either side


def test_no_repeats_until_the_space_is_exhausted():
    space = Cell(3)
    strategy = RegularizedEvolution(space, population=10, tournament=5, repeats=False)
    trials = search(strategy, 125)
    assert {trial.architecture for trial in trials} == set(space.enumerate())
    with pytest.raises(SpaceExhausted):
        strategy.ask(Generators(0)(125))


def test_one_in_fifty_feasible_is_enough_to_evolve_from():
    """A limit that two of three decisions break: the few who hold it become parents once P were asked."""

    def state(architecture):
        return "completed" if architecture.point[:3].count(0) >= 2 else "infeasible"

    trials = search(RegularizedEvolution(SPACE, population=50, tournament=5), 400, state=state)
    feasible = [trial.completed for trial in trials]
    assert sum(feasible[:50]) < 15
    assert sum(feasible[300:]) > 60
    assert all(trials[t.proposal.parent].completed for t in trials if t.proposal.parent is not None)


def test_while_nothing_completes_it_goes_on_drawing():
    trials = search(RegularizedEvolution(SPACE, population=5, tournament=2), 50, state=lambda _: "out_of_memory")
    assert all(trial.proposal.parent is None for trial in trials)
    assert len({trial.architecture for trial in trials}) > 40


def test_more_slots_than_members():
    trials = search(RegularizedEvolution(SPACE, population=5, tournament=5), 300, slots=20)
    assert sum(trial.proposal.parent is None for trial in trials) == 20
    assert sum(trial.scores[0] for trial in trials[-20:]) > sum(trial.scores[0] for trial in trials[:20]) + 20


def test_with_several_objectives_the_front_is_approached():
    """Many "a", and many "b": the front is where every edge is one of both."""

    def score(architecture):
        return (*count_a(architecture), float(architecture.point.count(1)))

    trials = search(RegularizedEvolution(SPACE, population=30, tournament=6), 600, score=score)
    on_front = {trial.scores for trial in trials if sum(trial.scores) == 8}
    assert len(on_front) >= 3


def test_a_single_architecture_is_asked_once():
    strategy = RegularizedEvolution(Single())
    search(strategy, 1)
    with pytest.raises(SpaceExhausted, match="one architecture only"):
        strategy.ask(Generators(0)(1))


@pytest.mark.parametrize(
    "arguments",
    [{"population": 0}, {"tournament": 0}, {"population": 2.5}, {"identity": 1.5}, {"identity": 0.1, "repeats": False}],
)
def test_wrong_arguments_are_refused(arguments):
    with pytest.raises(ConfigurationError, match="RegularizedEvolution"):
        RegularizedEvolution(SPACE, **arguments)

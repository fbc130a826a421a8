from __future__ import annotations

import math

import numpy as np
import pytest
from free_search import Cell, Nested, count_a, search, trial_of

from netwright.core.architecture import Architecture
from netwright.core.errors import ConfigurationError, SpaceExhausted
from netwright.core.randomness import Generators
from netwright.core.trial import Proposal
from netwright.strategies import RandomSearch, TreeParzen, tpe
from netwright.testing import check_strategy


def tell_all(strategy, points, scores):
    """Tell a strategy of these architectures, as if it had asked them."""
    for number, (point, score) in enumerate(zip(points, scores, strict=True)):
        architecture = strategy.space.from_tokens([option + 1 for option in point])
        strategy._pending[architecture.point] = number
        strategy._unseen.add(architecture)
        strategy.tell(trial_of(number, Proposal(architecture), lambda _, score=score: (score,)))


def test_it_keeps_to_the_protocol():
    check_strategy(lambda space: TreeParzen(space, startup=6), exhausts=True, trials=20)
    check_strategy(lambda space: TreeParzen(space, startup=4), Nested(), trials=12)


def test_densities_by_hand():
    """Nine trials, gamma 1/4: ceil(0.75) = 1 is good for "root", ceil(2.25) = 3 for "share"."""
    points = [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2), (2, 0), (2, 1), (2, 2)]
    scores = [9, 8, 7, 6, 5, 4, 3, 2, 1]
    root = TreeParzen(Cell(2), split="root", gamma=0.25)
    tell_all(root, points, scores)
    good, other = root.densities()
    assert good[0] == pytest.approx([2 / 6, 1 / 6, 1 / 6, 1 / 6, 1 / 6])  # one observation, five pseudo-counts
    assert other[0] == pytest.approx([3 / 13, 4 / 13, 4 / 13, 1 / 13, 1 / 13])
    share = TreeParzen(Cell(2), split="share", gamma=0.25, prior=0.5)
    tell_all(share, points, scores)
    good, other = share.densities()
    assert good[0] == pytest.approx(np.array([3.5, 0.5, 0.5, 0.5, 0.5]) / 5.5)
    assert other[1] == pytest.approx(np.array([2.5, 2.5, 2.5, 0.5, 0.5]) / 8.5)


def test_the_draw_with_the_largest_ratio_is_asked():
    """With more draws than there are architectures, the exact maximum of l/g among those that were not asked."""
    strategy = TreeParzen(Cell(2), startup=1, candidates=3_000)
    points = [(0, 0), (0, 1), (1, 1), (2, 3), (3, 3), (4, 2), (4, 4)]
    tell_all(strategy, points, [7, 6, 5, 4, 3, 2, 1])
    strategy._asked = len(points)
    good, other = strategy.densities()
    ratio = {
        each.point: math.prod(good[i][k] / other[i][k] for i, k in enumerate(each.point))
        for each in Cell(2).enumerate()
        if each.point not in points
    }
    asked = strategy.ask(Generators(0)(7)).candidate.point
    assert ratio[asked] == pytest.approx(max(ratio.values()))


def test_only_active_decisions_are_counted():
    strategy = TreeParzen(Nested())
    tell_all(strategy, [(0, -1, -1, -1, -1, -1, -1), (1, 0, 0, 0, 0, 0, 0)], [2.0, 1.0])
    good, other = strategy.densities()
    assert good[1] == [0.5, 0.5] and good[0] == pytest.approx([2 / 3, 1 / 3])
    assert other[1] == pytest.approx([2 / 3, 1 / 3])


def test_old_observations_count_less():
    """40 observations, 25 recent: a line from 1/40 to 1 over the first 15, then ones."""
    weights = TreeParzen(Cell(2))._weights(40)
    assert weights[:15] == pytest.approx(np.linspace(1 / 40, 1, 15)) and weights[15:].tolist() == [1.0] * 25


def test_pending_and_failed_trials_are_among_the_others():
    strategy = TreeParzen(Cell(2), startup=2)
    generators = Generators(0)
    first, second, third = (strategy.ask(generators(number)) for number in range(3))
    strategy.tell(trial_of(0, first))
    strategy.tell(trial_of(1, second, state=lambda _: "error"))
    good, other = strategy._split()
    assert good.tolist() == [list(first.candidate.point)]
    assert other.tolist() == [list(second.candidate.point), list(third.candidate.point)]


def test_counting_at_once_is_counting_one_by_one():
    """60 trials of a space with inactive decisions, some pending and some failed: the densities of the definition."""
    strategy = TreeParzen(Nested(), startup=5, split="share", gamma=0.2)
    rng = np.random.default_rng(0)
    asked = []
    for number in range(60):
        asked.append(strategy.ask(rng).candidate.point)
        if number % 7:
            state = "error" if number % 5 == 0 else "completed"
            strategy.tell(
                trial_of(number, Proposal(Architecture(strategy.space, asked[-1])), score, lambda _, state=state: state)
            )
    completed = [n for n in range(60) if n % 7 and n % 5]
    best = sorted(completed, key=lambda n: (-score_of(asked[n]), n))[: math.ceil(0.2 * len(completed))]
    for found, numbers in zip(
        strategy.densities(), (sorted(best), [n for n in range(60) if n not in best]), strict=True
    ):
        for i, row in enumerate(found):
            taken = [asked[n][i] for n in numbers if asked[n][i] >= 0]
            counts = [1.0] * len(row)
            for place, option in enumerate(taken):
                old = len(taken) - 25
                line = 1 / len(taken) + (1 - 1 / len(taken)) / max(old - 1, 1) * place
                counts[option] += line if place < old else 1.0
            assert row == pytest.approx([count / sum(counts) for count in counts])


def score_of(point):
    return point[0] + 0.1 * sum(max(option, 0) for option in point)


def score(architecture):
    return (score_of(architecture.point),)


def test_better_than_random_search():
    best = {
        make: np.mean([max(t.scores[0] for t in search(make(Cell(8)), 150, seed=seed)) for seed in range(5)])
        for make in (RandomSearch, TreeParzen)
    }
    assert best[TreeParzen] > best[RandomSearch] + 1


def test_fronts_are_not_sorted_anew_for_every_trial(monkeypatch):
    sorted_at = []
    fronts = tpe.front_numbers
    monkeypatch.setattr(tpe, "front_numbers", lambda scores: sorted_at.append(len(scores)) or fronts(scores))
    strategy = TreeParzen(Cell(8), startup=10)
    search(strategy, 400, score=lambda each: (score_of(each.point), -float(each.point[1])))
    assert sorted_at[:90] == list(range(10, 100)) and len(sorted_at) < 90 + 150


def test_no_repeats_until_the_space_is_exhausted():
    strategy = TreeParzen(Cell(2), startup=5)
    trials = search(strategy, 25, score=count_a, slots=3)
    assert len({trial.architecture for trial in trials}) == 25
    with pytest.raises(SpaceExhausted):
        strategy.ask(Generators(0)(25))


@pytest.mark.parametrize("arguments", [{"gamma": 0}, {"gamma": 1.5}, {"prior": -1}, {"split": "half"}, {"startup": 0}])
def test_wrong_arguments_are_refused(arguments):
    with pytest.raises(ConfigurationError, match="TreeParzen"):
        TreeParzen(Cell(2), **arguments)

"""Successive halving and Hyperband: the published rungs, and that exactly the best of each rung go on."""

from __future__ import annotations

from collections import Counter, defaultdict

import numpy as np
import pytest
from fidelity_parts import CELL, Known

import netwright as nw
from netwright.core.errors import ConfigurationError, SpaceExhausted, StopSearch
from netwright.core.trial import Measurement, Proposal, Trial
from netwright.methods import bohb
from netwright.strategies import Asha, Hyperband, RandomSearch, RegularizedEvolution, SuccessiveHalving
from netwright.testing import check_strategy

# Li et al. 2018, table 1: R = 81, eta = 3; (n_i, r_i) of the brackets s = 4 to 0.
PUBLISHED = (
    ((81, 1), (27, 3), (9, 9), (3, 27), (1, 81)),
    ((34, 3), (11, 9), (3, 27), (1, 81)),
    ((15, 9), (5, 27), (1, 81)),
    ((8, 27), (2, 81)),
    ((5, 81),),
)


def test_the_brackets_are_those_of_the_paper() -> None:
    found = Hyperband(CELL, least=1 / 81).rungs()
    assert tuple(tuple((n, round(81 * r, 9)) for n, r in bracket) for bracket in found) == PUBLISHED


@pytest.mark.parametrize(
    ("least", "eta", "shares"),
    [
        (1 / 27, 3, [1 / 27, 1 / 9, 1 / 3, 1]),
        (0.05, 3, [1 / 9, 1 / 3, 1]),
        (0.1, 2, [1 / 8, 1 / 4, 1 / 2, 1]),
        (1 / 3, 3, [1 / 3, 1]),
    ],
)
def test_the_lowest_rung_is_the_smallest_power_that_is_no_less(least, eta, shares) -> None:
    assert [r for _, r in Hyperband(CELL, least=least, eta=eta).rungs()[0]] == pytest.approx(shares)


def test_a_whole_hyperband_asks_the_published_numbers() -> None:
    total = sum(n for bracket in PUBLISHED for n, _ in bracket)
    run = nw.Search(Hyperband(CELL, least=1 / 81), Known()).run(trials=total)
    asked = Counter(round(81 * trial.proposal.fidelity) for trial in run.trials)
    expected: Counter[int] = Counter()
    for bracket in PUBLISHED:
        for n, r in bracket:
            expected[r] += n
    assert asked == expected
    assert run.best.proposal.fidelity == 1.0


def test_exactly_the_best_of_each_rung_go_on() -> None:
    run = nw.Search(SuccessiveHalving(CELL, 27, 1 / 9), Known()).run()
    rungs = defaultdict(list)
    for trial in run.trials:
        rungs[trial.proposal.fidelity].append(trial)
    assert [len(rungs[share]) for share in sorted(rungs)] == [27, 9, 3] and "complete" in run.stopped
    for below, above in zip(sorted(rungs), sorted(rungs)[1:], strict=False):
        best = sorted(rungs[below], key=lambda trial: -trial.scores[0])[: len(rungs[above])]
        assert {trial.proposal.parent for trial in rungs[above]} == {trial.number for trial in best}
        assert {trial.architecture for trial in rungs[above]} == {trial.architecture for trial in best}


def told(strategy, states, slots: int = 1):
    """Asks until it ends; trial number k ends as `states(k)` says. The trials in the order of tells."""
    trials, pending = [], []
    while True:
        try:
            while len(pending) < slots:
                proposal = strategy.ask(np.random.default_rng(len(trials) + len(pending)))
                if proposal is None:
                    break
                pending.append((len(trials) + len(pending), proposal))
        except StopSearch:
            if not pending:
                return trials
        number, proposal = pending.pop(0)
        state = states(number)
        scores = (float(number % 10),) if state == "completed" else ()
        trials.append(Trial(number, proposal, state, Measurement({}), scores))
        strategy.tell(trials[-1])


def test_failures_count_as_the_worst_and_never_go_on() -> None:
    trials = told(SuccessiveHalving(CELL, 9, 1 / 3), lambda number: "error" if number in (7, 8) else "completed")
    assert [trial.proposal.parent for trial in trials[9:]] == [6, 5, 4]
    trials = told(SuccessiveHalving(CELL, 9, 1 / 3), lambda number: "completed" if number == 4 else "diverged")
    assert len(trials) == 10 and trials[9].proposal.parent == 4
    assert len(told(SuccessiveHalving(CELL, 9, 1 / 3), lambda number: "error")) == 9


def test_a_network_that_breaks_a_limit_leaves_its_place_to_another() -> None:
    trials = told(SuccessiveHalving(CELL, 9, 1 / 3), lambda number: "infeasible" if number < 20 else "completed")
    assert len(trials) == 20 + 9 + 3 and all(trial.proposal.parent >= 20 for trial in trials[-3:])


def test_it_waits_for_its_rung_and_overlaps_only_where_asked() -> None:
    for overlapping in (False, True):
        strategy = Hyperband(CELL, least=1 / 3, overlapping=overlapping)
        rng = np.random.default_rng(0)
        first = [strategy.ask(rng) for _ in range(3)]
        assert [each.fidelity for each in first] == pytest.approx([1 / 3] * 3)
        following = strategy.ask(rng)
        assert (following is not None and following.fidelity == 1.0) if overlapping else following is None


def test_candidates_come_from_any_strategy_and_it_is_told_of_them() -> None:
    run = nw.Search(Hyperband(CELL, least=1 / 3, sampler=RegularizedEvolution(CELL, 8, 4)), Known()).run(trials=300)
    children = [trial for trial in run.trials if trial.proposal.fidelity < 1 and trial.proposal.parent is not None]
    assert len(children) > 50
    numbers = {trial.number: trial for trial in run.trials}
    for child in children:
        parent = numbers[child.proposal.parent].architecture
        assert sum(a != b for a, b in zip(child.architecture.point, parent.point, strict=True)) == 1


def test_it_ends_with_its_space() -> None:
    run = nw.Search(Hyperband(CELL, least=1 / 9), Known()).run(trials=5000)
    assert "1,024" in run.stopped and len({trial.architecture for trial in run.trials}) == 1024


def test_with_several_objectives_a_rung_is_ordered_by_front() -> None:
    search = nw.Search(SuccessiveHalving(CELL, 27, 1 / 3), Known(), objective=["val_accuracy", "cost_seconds:minimize"])
    run = search.run()
    lower = [trial.scores for trial in run.trials[:27]]
    free = [
        i
        for i, own in enumerate(lower)
        if not any(all(a >= b for a, b in zip(other, own, strict=True)) and other != own for other in lower)
    ]
    promoted = {trial.proposal.parent for trial in run.trials[27:]}
    assert promoted <= set(free) or set(free) <= promoted


@pytest.mark.parametrize("make", [SuccessiveHalving, Hyperband, lambda space: Hyperband(space, overlapping=True), bohb])
def test_they_are_strategies(make) -> None:
    check_strategy(make, trials=32)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Hyperband(CELL, eta=1), "eta is 1; expected a number above 1"),
        (lambda: Hyperband(CELL, least=0), "least is 0; expected the smallest share"),
        (lambda: SuccessiveHalving(CELL, candidates=0), "candidates is 0"),
        (lambda: Hyperband(CELL, sampler=RandomSearch(nw.spaces.Mlp())), "expected one space"),
        (lambda: Hyperband(CELL, sampler=RandomSearch), "sampler is the class RandomSearch; expected a Strategy"),
    ],
)
def test_what_it_is_made_with_is_checked(make, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        make()


def test_the_given_sampler_stays_as_it_is() -> None:
    sampler = RandomSearch(CELL)
    list(
        zip(range(3), iter(lambda: Hyperband(CELL, sampler=sampler).ask(np.random.default_rng(0)), None), strict=False)
    )
    everything = {sampler.ask(np.random.default_rng(k)).candidate for k in range(CELL.size)}
    assert len(everything) == CELL.size
    with pytest.raises(SpaceExhausted):
        sampler.ask(np.random.default_rng(0))


def test_equal_proposals_that_are_pending_at_once_are_told_apart_by_their_order() -> None:
    class Same(RandomSearch):
        def ask(self, rng):
            return Proposal(CELL.at(7))

    trials = told(SuccessiveHalving(CELL, 9, 1 / 3, sampler=Same(CELL)), lambda number: "completed", slots=4)
    assert len(trials) == 12


@pytest.mark.parametrize("make", [Hyperband, SuccessiveHalving, Asha, bohb])
@pytest.mark.parametrize("least", [0.5, 1, 0.34])
def test_a_ladder_of_one_rung_is_refused(make, least):
    with pytest.raises(ConfigurationError, match=r"one rung.*at most 1/eta, 0\.333"):
        make(CELL, least=least)

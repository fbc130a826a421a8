"""Searches over tables that hold only a part of their space."""

from __future__ import annotations

import numpy as np
import pytest

from netwright.benchmarks import Problem, compare
from netwright.core.errors import DataError, UserError
from netwright.core.objective import Objective
from netwright.core.trial import Proposal
from netwright.engine.search import Search
from netwright.estimators import Table
from netwright.executors import Simulated
from netwright.spaces import NasBenchMacro
from netwright.strategies import Asha, Hyperband, LocalSearch, RandomSearch, RegularizedEvolution

SPACE = NasBenchMacro()


def partial(share: float, budgets: tuple[int, ...] = (1,)) -> Table:
    """So much of the space, so that what is left out has no equal among the rest."""
    rng = np.random.default_rng(0)
    classes = sorted({SPACE.canonical(each).point for each in SPACE.enumerate()})
    kept = {classes[number] for number in rng.permutation(len(classes))[: int(share * len(classes))]}
    known = [each for each in SPACE.enumerate() if SPACE.canonical(each).point in kept]
    columns = {
        "arch": [str(each) for each in known] * len(budgets),
        "epochs": np.repeat(budgets, len(known)),
        "valid": np.concatenate([[sum(each.point) * budget for each in known] for budget in budgets]),
        "seconds": np.repeat(budgets, len(known)) * 10.0,
    }
    return Table(SPACE, columns, fidelity="epochs", cost="seconds", metrics="valid")


@pytest.mark.parametrize("make", [RandomSearch, RegularizedEvolution, LocalSearch])
def test_an_architecture_that_is_not_there_costs_nothing_and_counts_as_none(make) -> None:
    """Of 40 seeds none is ended by what is not there, though a few begin with more misses than hits."""
    table, began = partial(0.4), 0
    for seed in range(40):
        run = Search(make(SPACE), table, objective="valid", seed=seed).run(trials=25, executor=Simulated())
        states = [trial.state for trial in run.trials]
        assert states.count("completed") == 25 and run.seconds == 250
        assert set(states) <= {"completed", "infeasible"}
        began += states[:9].count("infeasible") >= 5
        lost = next(trial for trial in run.trials if trial.state == "infeasible")
        assert f"has no row for {lost.architecture}" in lost.reason
    assert began > 5


@pytest.mark.parametrize("make", [Hyperband, Asha])
def test_promotions_go_on_among_what_is_there(make) -> None:
    run = Search(make(SPACE, least=1 / 9), partial(0.5, (1, 3, 9)), objective="valid").run(trials=60)
    assert max(trial.proposal.fidelity or 0 for trial in run.trials if trial.completed) == 1
    assert all(trial.state in ("completed", "infeasible") for trial in run.trials)


def test_a_comparison_gives_every_strategy_its_evaluations() -> None:
    strategies = [RandomSearch, RegularizedEvolution, LocalSearch, Hyperband(SPACE, least=1 / 9)]
    problem = Problem(partial(0.5, (1, 3, 9)), "valid")
    for workers in (1, 3):
        found = compare(strategies, problem, evaluations=20, repeats=6, workers=workers)
        assert not found.failures
        for cell in found.cells.values():
            counted = cell.column("counted")
            assert 19 < counted.sum() <= 20 + 1e-9 and found.spent(cell) > 0.95
            refused = np.isnan(cell.column("searched"))
            assert refused.any() and not counted[refused].any()


def test_a_table_that_holds_next_to_nothing_says_so() -> None:
    table = Table(SPACE, {"arch": ["01201201"], "valid": [1.0]})
    with pytest.raises(UserError, match=r"none of the 200 networks .* will do; columns in memory has no row for"):
        Search(RandomSearch(SPACE), table, objective=Objective("valid", "maximize")).run(trials=10)


def test_a_row_at_no_budget_is_no_measurement_for_nothing():
    names = [str(SPACE.at(0))] * 3
    table = Table(SPACE, {"arch": names, "epochs": [0, 5, 10], "accuracy": [10.0, 50.0, 60.0]}, fidelity="epochs")
    assert table.estimate(Proposal(SPACE.at(0), fidelity=0.6), 0).metrics == {"accuracy": 50.0}
    with pytest.raises(UserError, match=r"above 0, 5; the smallest share is 0\.5"):
        table.estimate(Proposal(SPACE.at(0), fidelity=0.1), 0)
    with pytest.raises(DataError, match="expected budgets above 0"):
        Table(SPACE, {"arch": names[:1], "epochs": [0], "accuracy": [10.0]}, fidelity="epochs")

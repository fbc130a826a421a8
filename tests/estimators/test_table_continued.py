"""What trials cost on a table that go on from earlier ones: the seconds and the evaluations that they add."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest

from netwright.benchmarks import Problem, compare
from netwright.core.errors import DataError
from netwright.core.executor import Job
from netwright.core.trial import Proposal, Trial
from netwright.engine import Interrupted
from netwright.engine.run import Run
from netwright.engine.search import Search
from netwright.estimators import Table
from netwright.executors import Simulated, perform
from netwright.methods import bohb
from netwright.predictors.curves import LastValue
from netwright.spaces import NasBenchMacro
from netwright.strategies import Asha, Extrapolated, Hyperband, RandomSearch, SuccessiveHalving

SPACE = NasBenchMacro()
EPOCHS = 9
ARCHITECTURES = [str(each) for each in SPACE.enumerate()]


def curves() -> tuple[np.ndarray, np.ndarray]:
    """Accuracies and the seconds since the start after each epoch, (architectures, epochs)."""
    rng = np.random.default_rng(0)
    quality = np.array([each.point for each in SPACE.enumerate()]).sum(axis=1)
    accuracy = quality[:, None] * (1 - 0.5 ** np.arange(1, EPOCHS + 1)) + rng.normal(size=(len(quality), EPOCHS))
    return accuracy, rng.integers(1, 100, size=(len(quality), EPOCHS)).cumsum(axis=1).astype(float)


ACCURACY, SECONDS = curves()
NUMBER = {text: number for number, text in enumerate(ARCHITECTURES)}


def rows(budgets: tuple[int, ...] = (1, 3, 9)) -> Mapping[str, object]:
    return {
        "arch": ARCHITECTURES * len(budgets),
        "epochs": np.repeat(budgets, len(ARCHITECTURES)),
        "val_accuracy": np.concatenate([ACCURACY[:, budget - 1] for budget in budgets]),
        "seconds": np.concatenate([SECONDS[:, budget - 1] for budget in budgets]),
    }


def one_training(**options: object) -> Table:
    return Table(SPACE, rows(), fidelity="epochs", cost="seconds", curve=True, **options)  # type: ignore[arg-type]


def separate() -> Table:
    return Table(SPACE, rows(), fidelity="epochs", cost="seconds")


def seconds_of(trial: Trial) -> float:
    """Of the whole training up to the trial's fidelity."""
    return SECONDS[NUMBER[str(trial.architecture)], round((trial.proposal.fidelity or 1.0) * EPOCHS) - 1]


def expected(trials: Sequence[Trial]) -> list[float]:
    """What each trial adds."""
    of = {trial.number: seconds_of(trial) for trial in trials}
    return [of[trial.number] - of.get(trial.proposal.parent, 0.0) for trial in trials]  # type: ignore[arg-type]


STRATEGIES = [
    SuccessiveHalving(SPACE, candidates=9, least=1 / 9),
    Hyperband(SPACE, least=1 / 9),
    Asha(SPACE, least=1 / 9),
    bohb(SPACE, least=1 / 9),
]


def searched(strategy: object, table: Table, workers: int = 1, trials: int = 80) -> Run:
    search = Search(strategy, table, objective="val_accuracy", seed=1)  # type: ignore[arg-type]
    return search.run(trials=trials, executor=Simulated(workers))


@pytest.mark.parametrize("strategy", STRATEGIES, ids=lambda each: type(each.sampler).__name__ + type(each).__name__)
@pytest.mark.parametrize("workers", [1, 4])
def test_a_promoted_trial_takes_what_is_missing(strategy, workers) -> None:
    run = searched(strategy, one_training(), workers)
    promoted = [trial for trial in run.trials if trial.proposal.parent is not None]
    assert len(promoted) >= 4
    assert [trial.seconds for trial in run.trials] == expected(run.trials)
    assert [trial.metrics["cost_seconds"] for trial in run.trials] == expected(run.trials)
    if workers == 1:
        assert run.seconds == sum(expected(run.trials))


def test_without_a_clock_the_metric_says_the_same() -> None:
    run = Search(STRATEGIES[1], one_training(), objective="val_accuracy").run(trials=40)
    assert [trial.metrics["cost_seconds"] for trial in run.trials] == expected(run.trials)


def test_rows_that_are_trainings_of_their_own_cost_the_whole() -> None:
    run = searched(STRATEGIES[1], separate())
    assert [trial.seconds for trial in run.trials] == [seconds_of(trial) for trial in run.trials]


def test_what_ends_early_and_goes_on_to_the_full_budget_takes_what_is_missing() -> None:
    strategy = Extrapolated(RandomSearch(SPACE), LastValue(), looks=[1 / 9, 1 / 3])
    run = searched(strategy, one_training())
    whole = [trial for trial in run.trials if trial.proposal.fidelity is None]
    assert len(whole) > 3 and all(trial.proposal.parent is not None for trial in whole)
    assert [trial.seconds for trial in run.trials] == expected(run.trials)


def test_curves_beside_the_rows_cost_in_proportion() -> None:
    columns = {"arch": ARCHITECTURES, "seconds": SECONDS[:, -1]}
    table = Table(SPACE, columns, cost="seconds", curve={"val_accuracy": ACCURACY})
    run = searched(STRATEGIES[2], table)
    for trial in run.trials:
        share, whole = trial.proposal.fidelity, SECONDS[NUMBER[str(trial.architecture)], -1]
        assert share is not None
        before = 0.0 if trial.proposal.parent is None else share / 3
        assert trial.seconds == pytest.approx(whole * (share - before))
    plain = Search(RandomSearch(SPACE), table, objective="val_accuracy").run(trials=5, executor=Simulated())
    assert all(trial.seconds == seconds_of(trial) for trial in plain.trials)


def test_repeats_stay_with_their_own_training() -> None:
    doubled = {name: [*each, *each] for name, each in rows().items()}  # type: ignore[misc]
    half = len(doubled["arch"]) // 2
    doubled["seed"] = [0] * half + [1] * half
    doubled["seconds"] = [*doubled["seconds"][:half], *[10 * each for each in doubled["seconds"][half:]]]
    table = Table(SPACE, doubled, fidelity="epochs", cost="seconds", curve=True, repeat="seed", metrics="val_accuracy")
    run = searched(STRATEGIES[1], table)
    factors = [trial.seconds / found for trial, found in zip(run.trials, expected(run.trials), strict=True)]
    assert {round(each, 9) for each in factors} == {1.0, 10.0}


@pytest.mark.parametrize(("continued", "cost"), [(1 / 9, 90.0 - 50.0), (1 / 3, 90.0)])
def test_a_repeat_goes_on_from_its_own_rows_alone(continued, cost) -> None:
    """At three epochs there is only the other repeat, which took longer than this one does for all nine."""
    columns = {
        "arch": [ARCHITECTURES[0]] * 5,
        "epochs": [1, 1, 3, 9, 9],
        "seed": [0, 1, 1, 0, 1],
        "val_accuracy": [1.0, 2.0, 3.0, 4.0, 5.0],
        "seconds": [50.0, 60.0, 180.0, 90.0, 540.0],
    }
    table = Table(SPACE, columns, fidelity="epochs", cost="seconds", curve=True, repeat="seed")
    proposal = Proposal(SPACE.parse(ARCHITECTURES[0]), fidelity=1.0, parent=0)
    found = perform(Job(1, proposal, 0, [table], continued=continued)).measurement.metrics
    assert (found["val_accuracy"], found["cost_seconds"]) == (4.0, cost)


@pytest.mark.parametrize(("options", "costs"), [({"repeat": True}, [40.0, 120.0]), ({"duplicates": "mean"}, [0.0] * 2)])
def test_repeats_without_names(options, costs) -> None:
    """They are told apart by their order; their mean falls where some end early, which makes no time negative."""
    columns = {
        "arch": [ARCHITECTURES[0]] * 5,
        "epochs": [1, 1, 9, 9, 9],
        "val_accuracy": [1.0, 2.0, 3.0, 4.0, 5.0],
        "seconds": [50.0, 180.0, 90.0, 120.0, 30.0] if "repeat" not in options else [50.0, 60.0, 90.0, 180.0, 300.0],
    }
    table = Table(SPACE, columns, fidelity="epochs", cost="seconds", curve=True, **options)
    proposal = Proposal(SPACE.parse(ARCHITECTURES[0]), fidelity=1.0, parent=0)
    found = [perform(Job(1, proposal, seed, [table], continued=1 / 9)).measurement for seed in range(2)]
    assert [each.metrics["cost_seconds"] for each in found] == costs
    ways = [[1.0, 3.0], [2.0, 4.0]] if "repeat" in options else [[1.5, 4.0]] * 2
    assert [[point["val_accuracy"] for point in each.curve] for each in found] == ways


def test_a_resumed_search_costs_what_it_would_have(tmp_path: Path) -> None:
    search = Search(STRATEGIES[1], one_training(), objective="val_accuracy", seed=3)
    whole = search.run(trials=60, executor=Simulated(3))

    def stop(trial: Trial) -> None:
        if trial.number == 25:
            raise KeyboardInterrupt

    with pytest.raises(Interrupted):
        search.run(trials=60, executor=Simulated(3), store=tmp_path, name="r", on_trial=stop)
    run = search.run(trials=60, executor=Simulated(3), store=tmp_path, name="r", resume=True)
    assert run.seconds == whole.seconds
    assert [trial.seconds for trial in run.trials] == [trial.seconds for trial in whole.trials]


def test_a_job_says_from_where_it_goes_on() -> None:
    table, proposal = one_training(), Proposal(SPACE.parse(ARCHITECTURES[5]), fidelity=1.0, parent=0)
    job = Job(1, proposal, 0, [table], continued=1 / 3)
    added = SECONDS[5, 8] - SECONDS[5, 2]
    assert perform(job).measurement.metrics["cost_seconds"] == added


# Budgets of evaluations.


@pytest.mark.parametrize(
    ("table", "continues"),
    [
        (one_training(), True),
        (separate(), False),
        (Table(SPACE, {"arch": ARCHITECTURES, "a": ACCURACY[:, -1]}, curve={"val_accuracy": ACCURACY}), True),
    ],
)
def test_a_comparison_counts_the_epochs_that_are_trained(table, continues) -> None:
    found = compare(
        [Hyperband(SPACE, least=1 / 9), RandomSearch], Problem(table, "val_accuracy"), evaluations=30, repeats=4
    )
    for cell in found.cells.values():
        counted, shares = cell.column("counted"), cell.column("fidelity")
        assert 29 < counted.sum() <= 30 + 1e-9
        assert found.spent(cell) == pytest.approx(counted.sum() / 30)
        seen: dict[str, float] = {}
        for architecture, share, count in zip(cell.architectures, shares, counted, strict=True):
            before = seen.get(architecture, 0.0) if continues else 0.0
            if share > before:  # an architecture that random search draws again begins anew
                assert count == pytest.approx(share - before)
            seen[architecture] = share


def test_an_evaluation_counts_as_the_epochs_that_the_table_gives() -> None:
    """A share of less than one epoch gives one epoch, and 0.3 of nine epochs give two."""
    table = Table(SPACE, {"arch": ARCHITECTURES, "a": ACCURACY[:, -1]}, curve={"val_accuracy": ACCURACY})
    shares = {0.01: 1 / 9, 0.3: 2 / 9, 1 / 3: 3 / 9, 1.0: 1.0, None: 1.0}
    assert {each: table.share(each) for each in shares} == pytest.approx(shares)
    assert separate().share(0.5) == pytest.approx(3 / 9)
    problem = Problem(table, "val_accuracy")
    found = compare([Hyperband(SPACE, least=1 / 81)], problem, evaluations=20, repeats=1)
    cell = found.cells[found.places("Hyperband(least=0.012345679012345678)", "val_accuracy")[0]]
    first = cell.column("fidelity") < 0.02
    assert first.sum() >= 81 and cell.column("counted")[first] == pytest.approx(1 / 9)


# What is no number of seconds since the start.


def test_seconds_below_zero_are_refused() -> None:
    with pytest.raises(DataError, match=r"row 1 .*-3 in column 'time' is no number of seconds"):
        Table(SPACE, {"arch": ["00000000", "11111111"], "a": [1.0, 2.0], "time": [3.0, -3.0]}, cost="time")


def test_seconds_that_fall_along_one_training_are_refused() -> None:
    columns = {"arch": ["00000000"] * 3, "epochs": [1, 3, 9], "a": [1.0, 2, 3], "time": [10.0, 30.0, 20.0]}
    assert Table(SPACE, columns, fidelity="epochs", cost="time").budgets == (1, 3, 9)
    with pytest.raises(
        DataError, match=r"row 2 .*20 in column 'time' is less than the 30 of row 1.*since the training"
    ):
        Table(SPACE, columns, fidelity="epochs", cost="time", curve=True)


@pytest.mark.parametrize("options", [{"duplicates": "mean"}, {"duplicates": "mean", "repeat": "seed"}])
def test_rows_at_one_budget_are_not_before_one_another(options) -> None:
    columns = {"arch": ["00000000"] * 3, "epochs": [1, 1, 3], "seed": [7, 7, 7], "a": [1.0, 2.0, 3.0]}
    columns["time"] = [10.0, 9.0, 30.0]
    table = Table(SPACE, columns, fidelity="epochs", cost="time", curve=True, metrics="a", **options)
    assert table.column("cost_seconds", 1 / 3).tolist() == [9.5]

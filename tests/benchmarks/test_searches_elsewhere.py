"""The searches of a comparison as jobs of an executor: the same cells, by whomever they are carried out."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from small_tables import Breaking, problem

from netwright.benchmarks import Comparison, Searches, compare
from netwright.benchmarks.cells import Cell
from netwright.core.errors import ConfigurationError, NetwrightError
from netwright.core.executor import Job, Outcome
from netwright.core.trial import Measurement
from netwright.executors import Inline, Processes
from netwright.executors.folder.messages import outcome_from_json, outcome_to_json

STRATEGIES: dict[str, Any] = {"random": "random", "breaking": Breaking, "local": "local"}


def told(found: Comparison) -> dict[Any, Any]:
    """All but the seconds that a search took."""
    return {
        place: (repr(each.numbers.tolist()), each.architectures, each.stopped, each.reason)
        for place, each in found.cells.items()
    }


class OverFiles(Inline):
    """Carries jobs out here, and sends their outcomes the way that a shared folder takes. lost: the first time."""

    def __init__(self, lost: int | None = None) -> None:
        super().__init__()
        self.lost, self.attempts = lost, 0

    def submit(self, job: Job) -> None:
        self.attempts += 1
        super().submit(job)

    def wait(self, timeout: float | None = None) -> list[Outcome]:
        found = [outcome_from_json(outcome_to_json(each), each.number, each.attempt) for each in super().wait(timeout)]
        return [
            replace(each, state="lost") if each.number == self.lost and each.attempt == 1 else each for each in found
        ]


def comparison(**options: Any) -> Comparison:
    return compare(STRATEGIES, problem(cost="seconds"), evaluations=9, repeats=3, seed=4, **options)


def test_an_executor_gives_the_cells_of_this_process():
    here, executor = comparison(processes=1), OverFiles(lost=4)
    elsewhere = comparison(executor=executor)
    assert told(elsewhere) == told(here)
    assert executor.attempts == 9 + 1
    assert [each.failed for each in elsewhere.cells.values()].count(True) == 3


@pytest.mark.skipif(sys.platform != "linux", reason="trials run in process groups")
def test_worker_processes_give_the_cells_of_this_process():
    executor = Processes(2, threads=1)
    try:
        assert told(comparison(executor=executor)) == told(comparison(processes=1))
    finally:
        executor.close()


def test_a_comparison_in_a_folder_goes_on_by_an_executor(tmp_path: Path):
    compare("random", problem(), evaluations=5, repeats=2, folder=tmp_path)
    executor = OverFiles()
    found = compare("random,local", problem(), evaluations=5, repeats=3, folder=tmp_path, executor=executor)
    assert executor.attempts == 6 - 2
    assert told(found) == told(compare("random,local", problem(), evaluations=5, repeats=3))


def test_the_number_of_a_search_says_which_it_is():
    one, two = problem(), replace(problem(), name="other")
    searches = Searches("random,local,evolution:population=2,tournament=2", [one, two], evaluations=4)
    tasks = [(strategy, task, repeat) for repeat in range(4) for task in range(2) for strategy in range(3)]
    assert [searches.number_of(each) for each in tasks] == list(range(24))
    assert [searches.task_of(number) for number in range(24)] == tasks


def test_what_differs_is_another_configuration():
    wanted = Searches("random,local", problem(), evaluations=4).configuration()
    assert wanted == Searches(["random", "local"], [problem()], evaluations=4).configuration()
    others = [
        Searches("local,random", problem(), evaluations=4),
        Searches("random,local", problem(), evaluations=5),
        Searches("random,local", problem(), evaluations=4, seed=1),
        Searches("random,local", replace(problem(), report="valid"), evaluations=4),
    ]
    assert all(each.configuration() != wanted for each in others)


def test_a_search_without_an_end_is_a_failed_cell():
    searches = Searches("random", problem(), evaluations=4)
    cell = searches.cell((0, 0, 1), Outcome(3, "lost", reason="worker w is gone", seconds=2.0))
    assert cell == Cell(searches.work.place(0, 0, 1), cell.numbers, reason="worker w is gone", seconds=2.0)
    with pytest.raises(NetwrightError, match="is no search"):
        searches.cell((0, 0, 1), Outcome(3, "completed", Measurement({"accuracy": 1.0})))


def test_numbers_that_are_none_arrive_as_they_were():
    searches = Searches("random", problem(), evaluations=4)
    cell = searches.work.cell(0, 0, 0)
    sent = outcome_from_json(outcome_to_json(Outcome(0, "completed", searches.estimate(None, 0))), 0, 1)  # type: ignore[arg-type]
    back = searches.cell((0, 0, 0), sent)
    assert np.isnan(cell.numbers).any(), "a table without costs has no seconds"
    np.testing.assert_array_equal(back.numbers, cell.numbers)
    assert back.architectures == cell.architectures and back.stopped == cell.stopped != ""


def test_processes_and_an_executor_do_not_go_together():
    with pytest.raises(ConfigurationError, match="give one of them"):
        comparison(processes=2, executor=Inline())

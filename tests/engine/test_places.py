"""Places at which trials are lost: what is said of them is true, and saying it never ends a search."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from search_parts import Cell, Counting, Sampling

from netwright.core.executor import Job, Outcome
from netwright.engine import RetryPolicy, Search
from netwright.executors import perform
from netwright.store import Store
from netwright.store.problems import NoRoom


class Losing:
    """One place that loses the first attempts at three trials."""

    slots = 1

    def __init__(self) -> None:
        self._job: Job | None = None

    def submit(self, job: Job) -> None:
        self._job = job

    def wait(self, timeout: float | None = None) -> Sequence[Outcome]:
        job, self._job = self._job, None
        assert job is not None
        if job.attempt > 1 or job.number > 2:
            return (perform(job),)
        return (Outcome(job.number, "lost", reason="killed", attempt=1, place="node0"),)

    def cancel(self, number: int) -> None: ...

    def close(self) -> None: ...


class Quarantining(Losing):
    def __init__(self, *, last: bool) -> None:
        super().__init__()
        self.last = last

    def quarantine(self, place: str) -> bool:
        return not self.last


@pytest.mark.parametrize(
    ("executor", "said"),
    [
        (Losing(), "it cannot be taken out of use"),
        (Quarantining(last=False), "it gets no more trials"),
        (Quarantining(last=True), "it stays in use, for there is no other"),
    ],
)
def test_the_notice_says_what_came_of_it(executor: Losing, said: str) -> None:
    run = Search(Sampling(Cell()), Counting()).run(trials=5, executor=executor, retries=RetryPolicy((0.0, 0.0)))
    assert run.counts == {"completed": 5}
    (notice,) = run.notices
    assert notice.startswith("trials 0, 1, 2 were lost at node0") and f"; {said}, the search goes on" in notice


def test_a_notice_for_which_there_is_no_room_is_written_at_the_end(tmp_path: Path) -> None:
    class Full(Store):
        full = True

        def add_event(self, run: str, kind: str, data: Mapping[str, Any] | None = None) -> None:
            if self.full and kind == "quarantine":
                self.full = False
                raise NoRoom("no room left")
            super().add_event(run, kind, data)

    with Full(tmp_path) as store:
        search = Search(Sampling(Cell()), Counting())
        run = search.run(trials=5, store=store, executor=Losing(), retries=RetryPolicy((0.0, 0.0)))
        assert run.counts == {"completed": 5} and not store.full
        (event,) = [each for each in store.events() if each["type"] == "quarantine"]
        assert event["data"]["text"] == run.notices[0]

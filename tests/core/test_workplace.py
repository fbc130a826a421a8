"""What a trial finds where it runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from netwright.core.estimator import Estimator
from netwright.core.executor import Job
from netwright.core.trial import Measurement, Proposal
from netwright.core.workplace import Workplace, at, workplace
from netwright.executors import Inline, perform


def test_outside_of_an_executor_nothing_is_kept_or_heard() -> None:
    place = workplace()
    assert place.folder is None and place.attempt == 1 and place.share_of_batch(64) == 64
    place.report({"loss": 1.0})


def test_a_workplace_holds_within_its_block() -> None:
    outer, inner = Workplace(attempt=2), Workplace(attempt=3)
    with at(outer):
        with pytest.raises(ValueError), at(inner):
            assert workplace() is inner
            raise ValueError
        assert workplace() is outer
    assert workplace().attempt == 1


@pytest.mark.parametrize(("share", "batch", "expected"), [(0.5, 65, 32), (0.5, 1, 1), (0.25, 64, 16), (1.0, 7, 7)])
def test_a_share_of_the_batch_is_rounded_down(share: float, batch: int, expected: int) -> None:
    assert Workplace(batch_share=share).share_of_batch(batch) == expected


class Asks(Estimator):
    def estimate(self, proposal: Proposal, seed: int) -> Measurement:
        place = workplace()
        place.report({"epoch": 1.0})
        return Measurement({"attempt": place.attempt, "share": place.batch_share, "known": place.folder is not None})


def test_a_job_brings_its_workplace_and_reports_are_heard(tmp_path: Path) -> None:
    heard: list[dict] = []
    job = Job(4, Proposal(None), 5, [Asks()], attempt=2, folder=tmp_path, batch_share=0.5)  # type: ignore[arg-type]
    outcome = perform(job, lambda entry: heard.append(dict(entry)))
    assert outcome.measurement.metrics == {"attempt": 2.0, "share": 0.5, "known": 1.0}
    assert outcome.attempt == 2 and heard == [{"epoch": 1.0}, {}]
    assert workplace().attempt == 1


def test_in_this_process_attempts_are_passed_on_and_closing_forgets() -> None:
    executor = Inline()
    for number in range(3):
        executor.submit(Job(number, Proposal(None), 5, [Asks()], attempt=3))  # type: ignore[arg-type]
    executor.cancel(1)
    (cancelled,) = executor.wait()
    (done,) = executor.wait()
    assert (cancelled.state, cancelled.attempt, done.state, done.attempt) == ("cancelled", 3, "completed", 3)
    executor.close()
    executor.close()
    assert not executor.wait()

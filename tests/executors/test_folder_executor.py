"""Workers over a shared folder: what they measure, and whatever befalls them, their driver or the folder."""

from __future__ import annotations

import errno
import os
import random
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from faulty_parts import Faulty
from folder_parts import HERE, HURRIED, LONGEST, ByHand, Started, noisy, wait_until

from netwright.core.errors import ConfigurationError, NetwrightError, UserError
from netwright.core.executor import Job, Outcome
from netwright.core.objective import Constraint
from netwright.core.trial import Proposal, Trial
from netwright.engine import RetryPolicy
from netwright.executors import Folder, serve
from netwright.executors.folder import folder_files as files
from netwright.executors.folder.folder_session import DRIVER, Session
from netwright.executors.folder.messages import outcome_to_json
from netwright.store import Store

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="a worker's trials run in process groups")


class Site:
    """A shared folder with its driver and its workers."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.queue = folder, folder / "queue"
        self.told: list[str] = []
        self._drivers: list[Folder] = []
        self.workers: list[Started] = []

    def drive(self, **options: object) -> Folder:
        options = {"patience": 60.0, "tell": self.told.append, **options}
        self._drivers.append(Folder(self.queue, **options))  # type: ignore[arg-type]
        return self._drivers[-1]

    def start(self, *faulty: object, work: str = "", idle: float = 60.0) -> Started:
        self.workers.append(Started(self.queue, work or faulty, self.folder, idle))
        return self.workers[-1]

    def end(self) -> None:
        for each in self._drivers:
            each.close()
        for each in self.workers:
            each.kill()


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    for module, name, seconds in HURRIED:
        monkeypatch.setattr(module, name, seconds)
    made = Site(tmp_path)
    yield made
    made.end()


def job(number: int, stage: Faulty | None = None, seed: int = 0, limits: Sequence[str] = (), **more: object) -> Job:
    stages = [stage or Faulty()]
    return Job(number, Proposal(None), seed, stages, [Constraint.parse(each) for each in limits], **more)  # type: ignore


def outcomes(executor: Folder, *jobs: Job) -> list[Outcome]:
    """How these jobs ended, by number."""
    for each in jobs:
        executor.submit(each)
    return awaited(executor, len(jobs))


def awaited(executor: Folder, count: int) -> list[Outcome]:
    found: list[Outcome] = []
    end = time.monotonic() + LONGEST
    while len(found) < count and time.monotonic() < end:
        found += executor.wait(end - time.monotonic())
    assert len(found) == count, f"only {found} came back"
    return sorted(found, key=lambda each: each.number)


def written(path: Path) -> int:
    wait_until(lambda: path.exists() and path.read_text(), f"a process id in {path}")
    return int(path.read_text())


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


# Workers as they should be.


def test_a_worker_measures_and_tells_where(site: Site) -> None:
    executor = site.drive()
    worker = site.start()
    more = job(0, seed=7, attempt=2, batch_share=0.5, continued=0.25, limits=["share <= 0.7"])
    first, second = outcomes(executor, more, job(1, seed=8, limits=["share <= 0.7"]))
    metrics = dict(first.measurement.metrics)
    own = metrics.pop("pid")
    assert metrics == {"seed": 7, "attempt": 2, "share": 0.5, "continued": 0.25}
    assert (first.state, first.attempt, second.attempt) == ("completed", 2, 1)
    assert (second.state, second.reason) == ("infeasible", "share 1 breaks the limit share <= 0.7")
    assert str(worker.process.pid) in first.place and f"(process {own:.0f})" in first.place and first.threads == 1
    assert first.peak_memory and executor.slots == 1 and not executor.wait() and not executor.wait(5.0)
    executor.close()
    assert worker.end() == 0 and "nothing more is to be done" in worker.said


def test_a_worker_may_be_there_before_its_driver(site: Site) -> None:
    worker = site.start()
    wait_until(lambda: "waiting for work" in worker.said, "a worker that waits")
    executor = site.drive()
    (found,) = outcomes(executor, job(0))
    assert found.state == "completed"
    assert worker.said.count("waiting for work") == 1


def test_workers_go_on_with_the_next_session(site: Site) -> None:
    first = site.drive(stays=True)
    worker = site.start()
    (one,) = outcomes(first, job(0))
    first.close()
    wait_until(lambda: "stopped for now" in worker.said, "a worker that knows that its driver has stopped")
    (two,) = outcomes(site.drive(), job(0))
    assert one.measurement == two.measurement and worker.process.poll() is None  # in the same process


def test_slots_are_those_of_the_workers_that_are_there(site: Site) -> None:
    executor = site.drive()
    assert executor.slots == 1  # a first trial may wait for a worker
    workers = [site.start(), site.start()]
    wait_until(lambda: executor.slots == 2, "two workers")
    workers[0].process.terminate()
    assert workers[0].end() == 143
    wait_until(lambda: executor.slots == 1, "one worker")
    assert site.told[0] == "1 worker at work" or site.told[0] == "2 workers at work"
    assert site.told[-1] == "1 worker at work"


def test_who_waits_for_a_worker_says_so_once(site: Site) -> None:
    executor = site.drive(invitation="netwright worker this")
    executor.submit(job(0))
    end = time.monotonic() + LONGEST
    while not site.told and time.monotonic() < end:
        executor.wait(0.1)
    for _ in range(3):
        executor.wait(0.6)
    assert site.told == ["no worker is there; waiting for one: netwright worker this"]
    site.start()
    assert awaited(executor, 1)[0].state == "completed" and site.told[1:] == ["1 worker at work"]


# Trials that end in other ways.


@pytest.mark.parametrize(
    ("fault", "state", "reason"),
    [
        ("segmentation", "error", "the worker died of SIGSEGV"),
        ("exit", "error", "the worker ended with exit code 0"),
        ("terminated", "lost", "the worker was killed from outside by SIGTERM"),
        ("raises", "error", "ValueError: the shapes do not fit"),
    ],
)
def test_a_fault_of_the_trial_is_told_and_leaves_the_worker_whole(
    site: Site, fault: str, state: str, reason: str
) -> None:
    executor, stage = site.drive(), Faulty(fault, "", 1)
    worker = site.start(fault, "", 1)
    first, second = outcomes(executor, job(0, stage, seed=1), job(1, stage))
    assert (first.state, first.reason) == (state, reason) and second.state == "completed"
    assert worker.process.poll() is None and f"trial 0 {state}" in worker.said


def test_a_trial_beyond_its_time_is_ended(site: Site, tmp_path: Path) -> None:
    executor, stage = site.drive(trial_timeout=0.6), Faulty("sleeps", str(tmp_path / "pid"), 1)
    site.start("sleeps", str(tmp_path / "pid"), 1)
    first, second = outcomes(executor, job(0, stage, seed=1), job(1, stage))
    assert first.state == "timeout" and second.state == "completed" and not alive(written(tmp_path / "pid"))


def test_a_job_can_be_cancelled_before_and_after_it_has_begun(site: Site, tmp_path: Path) -> None:
    executor, stage = site.drive(), Faulty("sleeps", str(tmp_path / "pid"))
    site.start("sleeps", str(tmp_path / "pid"))
    executor.submit(job(0, stage))
    pid = written(tmp_path / "pid")
    executor.submit(job(1, stage))
    for number in (1, 0, 99):
        executor.cancel(number)
    first, second = awaited(executor, 2)
    assert (first.state, first.reason) == ("cancelled", "cancelled") and not alive(pid)
    assert (second.state, second.reason) == ("cancelled", "cancelled before it began")


def test_what_is_no_use_is_refused(site: Site) -> None:
    executor = site.drive()
    executor.submit(job(0))
    with pytest.raises(NetwrightError, match="trial 0 is under way"):
        executor.submit(job(0))
    with pytest.raises(UserError, match="these trials have another"):
        executor.submit(job(1, Faulty("raises")))
    executor.close()
    executor.close()
    assert not executor.wait()
    with pytest.raises(NetwrightError, match="was left"):
        executor.submit(job(2))
    for wrong in ({"memory": -1}, {"patience": 0}, {"trial_timeout": "soon"}, {"project": "/elsewhere"}):
        with pytest.raises(ConfigurationError):
            site.drive(**wrong)


def test_waiting_ends_in_time_and_with_a_signal(site: Site) -> None:
    executor = site.drive()
    executor.submit(job(0))
    begin = time.monotonic()
    assert not executor.wait(0.2) and time.monotonic() - begin >= 0.19
    threading.Timer(0.1, lambda: os.kill(os.getpid(), signal.SIGINT)).start()
    with pytest.raises(KeyboardInterrupt):
        executor.wait(LONGEST)


# Workers that go.


def test_a_worker_that_is_told_to_end_gives_its_trial_back(site: Site, tmp_path: Path) -> None:
    executor, stage = site.drive(patience=600.0), Faulty("sleeps", str(tmp_path / "pid"), 1)
    first = site.start("sleeps", str(tmp_path / "pid"), 1)
    executor.submit(job(0, stage, seed=1))
    pid = written(tmp_path / "pid")
    first.process.terminate()
    assert first.end() == 143 and not alive(pid)
    waiting = ByHand(site.queue)
    given_back = waiting.claim()
    waiting.leave(given_back, outcome_to_json(Outcome(0, "completed")))
    (found,) = awaited(executor, 1)
    assert (found.state, found.attempt) == ("completed", 1)


def test_a_worker_that_vanishes_loses_its_trial(site: Site, tmp_path: Path) -> None:
    executor, stage = site.drive(patience=2.0), Faulty("sleeps", str(tmp_path / "pid"), 1)
    worker = site.start("sleeps", str(tmp_path / "pid"), 1)
    executor.submit(job(0, stage, seed=1))
    pid = written(tmp_path / "pid")
    worker.kill()
    (found,) = awaited(executor, 1)
    assert found.state == "lost" and f"-{worker.process.pid}-" in found.reason and "is gone" in found.reason
    wait_until(lambda: not alive(pid), "the end of what the worker has started")
    assert any("gave no sign of life for 2 s" in each for each in site.told)


def test_who_was_given_up_and_comes_back_is_not_believed(site: Site) -> None:
    executor = site.drive(patience=1.0)
    slow, quick = ByHand(site.queue), ByHand(site.queue, "node-8-11111111")
    executor.submit(job(0))
    late = slow.claim()
    (lost,) = awaited(executor, 1)  # it gives no further sign of life
    assert lost.state == "lost"
    assert late in files.names(slow.folder / "stops")
    with quick.living():
        executor.submit(job(0, attempt=2))
        second = quick.claim()
        slow.leave(late, outcome_to_json(Outcome(0, "completed", seconds=1.0)))
        wait_until(lambda: not executor.wait(0.05) and not files.names(slow.folder / "outcomes"), "a look at it")
        quick.leave(second, outcome_to_json(Outcome(0, "completed", seconds=2.0)))
        (found,) = awaited(executor, 1)
    assert (found.attempt, found.seconds) == (2, 2.0)


@pytest.mark.parametrize("left", [b"", b"{", b'{"state": "fine"}', b"\xff" * 100, b"[]", b" " * 10_000_001])
def test_what_no_worker_would_leave_loses_that_attempt_only(site: Site, left: bytes) -> None:
    executor = site.drive()
    worker = ByHand(site.queue)
    executor.submit(job(0))
    worker.leave(worker.claim(), left)
    (found,) = awaited(executor, 1)
    assert found.state == "lost" and "cannot be read" in found.reason and len(found.reason) < 400
    executor.submit(job(0, attempt=2))
    worker.leave(worker.claim(), outcome_to_json(Outcome(0, "completed")))
    (found,) = awaited(executor, 1)
    assert (found.state, found.attempt) == ("completed", 2)


def test_a_job_that_nobody_has_is_lost(site: Site) -> None:
    executor = site.drive(patience=1.0)
    executor.submit(job(0))
    session = Session.read(site.queue)
    assert session is not None
    (path,) = (session.folder(site.queue) / "jobs").iterdir()
    path.unlink()
    (found,) = awaited(executor, 1)
    assert (found.state, found.reason) == ("lost", "no worker has it, and its file is gone")


def test_a_worker_that_has_forgotten_a_job_loses_it(site: Site) -> None:
    executor = site.drive(patience=1.0)
    worker = ByHand(site.queue)
    executor.submit(job(0))
    worker.claim()
    worker.holds.clear()
    with worker.living():
        (found,) = awaited(executor, 1)
    assert found.state == "lost" and "forgot it" in found.reason


def test_a_damaged_job_is_handed_in_unread(site: Site) -> None:
    executor = site.drive()
    site.start().ready()
    session = Session.read(site.queue)
    assert session is not None
    jobs = session.folder(site.queue) / "jobs"
    usual = files.write

    def damaged(folder: Path, name: str, value: object) -> None:
        usual(folder, name, [value] if folder == jobs else value)

    files.write = damaged
    try:
        (found,) = outcomes(executor, job(0))
    finally:
        files.write = usual
    assert found.state == "lost" and found.reason == "its file cannot be read: it holds list in place of an object"
    assert outcomes(executor, job(0))[0].state == "completed"


# Workers that do not fit.


def test_a_worker_of_another_version_is_refused(site: Site) -> None:
    site.drive()
    session = Session.read(site.queue)
    assert session is not None
    replace(session, versions={"netwright": "9.9"}).write(site.queue)
    worker = site.start()
    assert worker.end() == 2 and "the driver runs netwright 9.9, this worker" in worker.said


def test_a_worker_that_would_measure_otherwise_is_refused(site: Site) -> None:
    executor = site.drive()
    executor.submit(job(0, Faulty("prints")))
    worker = site.start("raises")
    assert worker.end() == 2
    assert "with other settings than the driver: fault: 'prints' there, 'raises' here" in worker.said
    assert not executor.wait(0.6) and executor.slots == 1


def test_a_worker_without_work_ends(site: Site) -> None:
    worker = site.start(idle=0.3)
    assert worker.end() == 2 and "nobody has begun to share work" in worker.said
    executor = site.drive()
    second = site.start(idle=2.0)
    (found,) = outcomes(executor, job(0))
    assert found.state == "completed" and second.end() == 0 and "no work for 2 s" in second.said


def test_a_folder_that_leads_elsewhere_is_not_worked_in(site: Site, tmp_path: Path) -> None:
    site.drive()
    session = Session.read(site.queue)
    assert session is not None
    outcomes_folder, elsewhere = session.folder(site.queue) / "outcomes", tmp_path / "elsewhere"
    elsewhere.mkdir()
    outcomes_folder.rmdir()
    outcomes_folder.symlink_to(elsewhere)
    worker = site.start()
    assert worker.end() != 0 and "links are not followed" in worker.said and not list(elsewhere.iterdir())


# Drivers that go.

PROGRAM = """
    import sys
    sys.path[:0] = [{here!r}]
    from folder_parts import noisy
    from netwright.executors import Folder
    executor = Folder({queue!r}, stays=True)
    tell = lambda trial: print(trial.number, flush=True)
    noisy().run(trials=24, store={store!r}, name="r", executor=executor, on_trial=tell)
"""


def test_workers_go_on_with_a_driver_that_takes_over_after_a_kill(site: Site, tmp_path: Path) -> None:
    code = textwrap.dedent(PROGRAM.format(here=str(HERE), queue=str(site.queue), store=str(tmp_path / "runs")))
    workers = [site.start(work="noisy") for _ in range(2)]
    driver = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert driver.stdout is not None
    for _ in range(6):
        assert driver.stdout.readline(), "the driver has ended"
    driver.kill()
    driver.communicate()
    executor = site.drive()
    run = noisy().run(trials=24, store=tmp_path / "runs", name="r", executor=executor, resume=True)
    assert table(run.trials) == table(noisy(0.0).run(trials=24).trials)
    executor.close()
    assert [each.end() for each in workers] == [0, 0]


def test_of_two_drivers_the_first_gives_up(site: Site) -> None:
    first = site.drive()
    first.submit(job(0))
    site.drive()
    with pytest.raises(NetwrightError, match="another driver works in"):
        first.wait(LONGEST)


def test_a_driver_whose_folder_is_gone_says_so(site: Site) -> None:
    executor = site.drive()
    session = Session.read(site.queue)
    assert session is not None
    site.queue.rename(site.queue.with_name("moved"))
    with pytest.raises(NetwrightError, match=r"the shared folder .* cannot be used"):
        executor.submit(job(0))


def test_a_server_that_fails_for_a_moment_is_waited_for(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    executor = site.drive(patience=600.0)
    usual, failing = os.rename, [OSError(errno.EIO, "no answer"), OSError(errno.ENOSPC, "no room")]

    def rename(source: Path, target: Path) -> None:
        if failing and target.name != DRIVER:
            raise failing.pop()
        usual(source, target)

    monkeypatch.setattr(os, "rename", rename)
    executor.submit(job(0))
    worker = ByHand(site.queue)
    worker.leave(worker.claim(), outcome_to_json(Outcome(0, "completed")))
    assert awaited(executor, 1)[0].state == "completed" and not failing


def test_a_worker_whose_driver_is_silent_ends(site: Site, tmp_path: Path) -> None:
    """Also in the middle of a trial, which nobody would ask for."""
    code = textwrap.dedent(f"""
        import sys, time
        sys.path[:0] = [{str(HERE)!r}]
        from faulty_parts import Faulty
        from netwright.core.executor import Job
        from netwright.core.trial import Proposal
        from netwright.executors import Folder
        executor = Folder({str(site.queue)!r})
        executor.submit(Job(0, Proposal(None), 0, [Faulty("sleeps", {str(tmp_path / "pid")!r})]))
        time.sleep(600)
    """)
    driver = subprocess.Popen([sys.executable, "-c", code])
    wait_until((site.queue / "session.json").exists, "a driver")
    worker = site.start("sleeps", str(tmp_path / "pid"), idle=5.0)
    pid = written(tmp_path / "pid")
    driver.kill()
    driver.wait()
    assert worker.end() == 0 and "the driver gave no sign of life for 5 s" in worker.said
    assert not alive(pid)


# Whole searches.


def table(trials: Sequence[Trial]) -> list[tuple[object, ...]]:
    """What is the same wherever and in whatever order trials run."""
    rows: list[tuple[object, ...]] = []
    for each in sorted(trials, key=lambda each: each.number):
        metrics = {name: repr(value) for name, value in each.metrics.items() if name != "train_seconds"}
        curve = [dict(point) for point in each.measurement.curve]
        reason = each.reason.partition(" (")[0]
        rows.append((each.number, str(each.architecture), each.state, metrics, repr(curve), each.scores, reason))
    return rows


def test_workers_killed_and_started_at_random_give_the_table_of_one_process(site: Site, tmp_path: Path) -> None:
    dice, killed = random.Random(0), 0
    executor = site.drive(patience=2.0)
    search, expected = noisy(), table(noisy(0.0).run(trials=30).trials)
    for _ in range(3):
        site.start(work="noisy")
    ended = 0

    def on_trial(_: Trial) -> None:
        """After every few trials kill a worker, half of them as a node dies, and start another."""
        nonlocal ended, killed
        ended += 1
        if ended % 6 == 0:
            victim = dice.choice([each for each in site.workers if each.process.poll() is None])
            victim.process.send_signal(dice.choice([signal.SIGKILL, signal.SIGTERM]))
            killed += 1
            site.start(work="noisy")

    retries = RetryPolicy((0.0,) + (0.2,) * 9)
    run = search.run(
        trials=30, store=tmp_path / "runs", name="r", executor=executor, on_trial=on_trial, retries=retries
    )
    assert killed >= 4 and table(run.trials) == expected
    executor.close()
    with Store.open_readonly(tmp_path / "runs") as store:
        attempts = store.attempts("r")
    assert len({(each.trial, each.attempt) for each in attempts}) == len(attempts)
    for each in site.workers:
        if each.process.poll() is None:
            assert each.end() == 0


def test_serve_in_python_counts_what_it_has_done(site: Site) -> None:
    executor = site.drive()
    said: list[str] = []
    counted: list[int] = []
    worker = threading.Thread(target=lambda: counted.append(serve(site.queue, Faulty(), threads=1, say=said.append)))
    worker.start()
    assert [each.state for each in outcomes(executor, job(0), job(1))] == ["completed"] * 2
    executor.close()
    worker.join(LONGEST)
    assert counted == [2] and said[-1] == "nothing more is to be done"


def test_messages_of_the_session_name_what_is_wrong(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.queue.mkdir()
    (site.queue / "session.json").write_text("{")
    with pytest.raises(UserError, match=r"session in .* cannot be read: not valid JSON, line 1.*waited 0.3 s"):
        serve(site.queue, Faulty(), idle=0.3, say=lambda _: None)

"""Worker processes: what they measure, and every fault that a trial can bring about or that befalls it."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from faulty_parts import Faulty

from netwright.core.errors import ConfigurationError, NetwrightError, UserError
from netwright.core.executor import Job, Outcome
from netwright.core.objective import Constraint
from netwright.core.trial import Proposal
from netwright.executors import Inline, Processes
from netwright.executors.processes import family

HERE = Path(__file__).parent
LONGEST = 30.0  # seconds that anything here may take on a busy machine

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="/proc tells whether processes are gone")


def job(number: int, *stages: Faulty, seed: int = 0, limits: Sequence[str] = (), **more: object) -> Job:
    return Job(number, Proposal(None), seed, stages, [Constraint.parse(each) for each in limits], **more)  # type: ignore


@pytest.fixture
def start() -> Iterator[Callable[..., Processes]]:
    """Makes executors; afterwards this process has no child that it had not before."""
    made: list[Processes] = []
    before = {each.pid for each in family.everybody()}

    def make(workers: int = 1, **options: object) -> Processes:
        made.append(Processes(workers, **{"grace": 0.3, **options}))  # type: ignore[arg-type]
        return made[-1]

    yield make
    for each in made:
        each.close()
    children = [each for each in family.everybody() if each.parent == os.getpid() and each.pid not in before]
    assert not children, children


def outcomes(executor: Processes, *jobs: Job) -> list[Outcome]:
    """How these jobs ended, by number."""
    for each in jobs:
        executor.submit(each)
    found: list[Outcome] = []
    end = time.monotonic() + LONGEST
    while len(found) < len(jobs) and time.monotonic() < end:
        found += executor.wait(end - time.monotonic())
    assert len(found) == len(jobs), f"only {found} came back"
    return sorted(found, key=lambda each: each.number)


def pid(outcome: Outcome) -> int:
    return int(outcome.measurement.metrics["pid"])


def alive(number: int) -> bool:
    return any(each.pid == number for each in family.everybody())


def wait_until(true: Callable[[], object], what: str) -> None:
    end = time.monotonic() + LONGEST
    while not true():
        assert time.monotonic() < end, f"{what} did not come about"
        time.sleep(0.005)


def written(path: Path) -> int:
    """The process id that a trial wrote to this file."""
    wait_until(lambda: path.exists() and path.read_text(), f"a process id in {path}")
    return int(path.read_text())


def test_a_worker_stays_and_tells_what_it_measured(start) -> None:
    executor = start(1)
    more = job(0, Faulty(), seed=7, attempt=2, batch_share=0.5, continued=0.25)
    first, second = outcomes(executor, more, job(1, Faulty(), seed=8))
    assert pid(first) == pid(second) != os.getpid()
    assert first.state == "completed" and dict(first.measurement.metrics) == {
        "pid": pid(first),
        "seed": 7,
        "attempt": 2,
        "share": 0.5,
        "continued": 0.25,
    }
    assert (first.attempt, second.attempt) == (2, 1) and second.measurement.metrics["seed"] == 8
    assert first.place == f"worker 0 (process {pid(first)})" and first.threads == executor.threads
    assert 5e6 < (first.peak_memory or 0) < 1e9 and first.log == ""
    assert not executor.wait() and not executor.wait(5.0)


def test_jobs_share_the_workers_and_limits_are_checked(start) -> None:
    found = outcomes(start(2), *(job(number, Faulty(), limits=["share <= 0.5"]) for number in range(6)))
    assert len({pid(each) for each in found}) == 2 and {each.state for each in found} == {"infeasible"}
    assert found[0].reason == "share 1 breaks the limit share <= 0.5"


def test_a_killed_worker_is_lost_and_replaced_while_the_others_go_on(start) -> None:
    executor = start(2)
    before = {pid(each) for each in outcomes(executor, job(0, Faulty()), job(1, Faulty()))}
    faulty = Faulty("killed", when=1)
    pausing = Faulty("pauses", when=2)
    jobs = [job(2, faulty, seed=1), job(3, pausing, seed=2), job(4, pausing, seed=2)]
    first, *others = outcomes(executor, *jobs)
    assert first.state == "lost" and first.reason == "the worker was killed from outside by SIGKILL"
    assert first.traceback == "" and first.place.startswith("worker ")
    after = {pid(each) for each in others}
    assert {each.state for each in others} == {"completed"} and len(before & after) == 1 and len(after - before) == 1
    wait_until(lambda: sum(map(alive, before | after)) <= 2, "two workers, and one that is gone")


def test_a_worker_that_dies_between_trials_is_replaced(start) -> None:
    executor = start(1)
    (first,) = outcomes(executor, job(0, Faulty()))
    os.kill(pid(first), signal.SIGKILL)
    wait_until(lambda: not alive(pid(first)), "the end of the idle worker")
    time.sleep(0.05)
    (second,) = outcomes(executor, job(1, Faulty()))
    assert second.state == "completed" and pid(second) != pid(first)


@pytest.mark.parametrize(
    ("fault", "state", "reason"),
    [
        ("segmentation", "error", "the worker died of SIGSEGV"),
        ("exit", "error", "the worker ended with exit code 0"),
        ("terminated", "lost", "the worker was killed from outside by SIGTERM"),
        ("closes_everything", "error", "the worker ended with exit code 1"),
        ("forks", "completed", ""),
        ("interrupts", "error", "KeyboardInterrupt"),
        ("raises", "error", "ValueError: the shapes do not fit"),
    ],
)
def test_a_fault_of_the_trial(start, fault: str, state: str, reason: str) -> None:
    executor = start(1)
    first, second = outcomes(executor, job(0, Faulty(fault, when=1), seed=1, attempt=3), job(1, Faulty(fault, when=1)))
    assert (first.state, first.reason, first.attempt) == (state, reason, 3)
    assert second.state == "completed"
    if fault == "raises":
        assert 'raise ValueError("the shapes do not fit")' in first.traceback and "_raises" in first.traceback
    if fault == "segmentation":  # what was printed, and Python's own account of where it was
        assert "about to read address 0" in first.log and "_segmentation" in first.log


@pytest.mark.parametrize("fault", ["holds_interpreter", "sleeps", "stopped"])
def test_a_trial_beyond_its_time_is_ended(start, tmp_path: Path, fault: str) -> None:
    executor = start(1, trial_timeout=0.6)
    faulty = Faulty(fault, str(tmp_path / "pid"), when=1)
    begin = time.monotonic()
    first, second = outcomes(executor, job(0, faulty, seed=1), job(1, faulty))
    assert first.state == "timeout" and first.reason == "it ran for longer than the limit of 0.6 s"
    assert 0.6 <= first.seconds < 5 and time.monotonic() - begin < 15
    assert not alive(written(tmp_path / "pid")) and second.state == "completed"


def test_only_a_trial_that_gives_no_sign_of_life_has_stalled(start, tmp_path: Path) -> None:
    faulty = Faulty("reports_and_sleeps", str(tmp_path / "pid"))
    (found,) = outcomes(start(1, stall_timeout=0.6), job(0, faulty))
    assert found.state == "timeout" and found.reason == "there was no sign of life for 0.6 s"
    assert found.seconds > 6 * 0.15 + 0.6 - 0.1  # it was heard six times before
    assert not alive(written(tmp_path / "pid"))


def test_a_stopped_worker_has_stalled(start, tmp_path: Path) -> None:
    (found,) = outcomes(start(1, stall_timeout=0.4), job(0, Faulty("stopped", str(tmp_path / "pid"))))
    assert found.state == "timeout" and not alive(written(tmp_path / "pid"))


def test_all_that_a_trial_has_started_ends_with_it(start, tmp_path: Path) -> None:
    """One child ignores SIGTERM; the other has left the group of its parent."""
    executor = start(1, grace=0.2)
    executor.submit(job(0, Faulty("stubborn_child", str(tmp_path / "pid"))))
    own = written(tmp_path / "pid")
    children = [written(tmp_path / f"pid.{index}") for index in range(2)]
    assert all(map(alive, children)) and os.getpgid(children[0]) == own != os.getpgid(children[1])
    executor.cancel(0)
    (found,) = executor.wait(LONGEST)
    assert found.state == "cancelled"
    wait_until(lambda: not any(map(alive, [own, *children])), "the end of all processes")


@pytest.mark.skipif(sys.platform != "linux", reason="nothing else tells whose child a daemon was")
def test_a_child_that_detached_with_a_clean_environment_ends_with_the_trial(start, tmp_path: Path) -> None:
    executor = start(1, trial_timeout=3.0, grace=0.2)
    executor.submit(job(0, Faulty("detached_child", str(tmp_path / "pid"))))
    own, child = written(tmp_path / "pid"), written(tmp_path / "pid.0")
    assert alive(child) and os.getsid(child) not in (own, os.getsid(0))
    (found,) = executor.wait(LONGEST)
    assert found.state == "timeout"
    wait_until(lambda: not any(map(alive, [own, child])), "the end of both processes")


def test_children_of_a_worker_that_died_are_ended(start, tmp_path: Path) -> None:
    (found,) = outcomes(start(1), job(0, Faulty("stubborn_child_then_killed", str(tmp_path / "pid"))))
    child = written(tmp_path / "pid")
    assert found.state == "lost"
    wait_until(lambda: not alive(child), "the end of the child")


@pytest.mark.parametrize("fault", ["greedy", "greedy_shared"])
def test_a_trial_beyond_its_memory_leaves_the_others_alone(start, fault: str) -> None:
    executor = start(2, memory=400_000_000)
    faulty = Faulty(fault, when=1)
    first, second, third = outcomes(executor, job(0, faulty, seed=1), job(1, faulty), job(2, faulty))
    assert first.state == "out_of_memory" and "limit of a trial" in first.reason and "400 MB" in first.reason
    assert second.state == third.state == "completed"
    if fault == "greedy":  # refused before it was taken
        assert first.reason.startswith("MemoryError") and (first.peak_memory or 0) < 400_000_000
    else:
        assert (first.peak_memory or 0) > 400_000_000


def test_a_job_can_be_cancelled_before_and_after_it_has_begun(start, tmp_path: Path) -> None:
    executor = start(1)
    executor.submit(job(0, Faulty("sleeps", str(tmp_path / "pid"))))
    executor.submit(job(1, Faulty()))
    worker = written(tmp_path / "pid")
    for number in (1, 0, 99):
        executor.cancel(number)
    first, second = sorted([*executor.wait(LONGEST), *executor.wait(LONGEST)], key=lambda each: each.number)
    assert (first.state, first.reason) == ("cancelled", "cancelled") and not alive(worker)
    assert (second.state, second.reason) == ("cancelled", "cancelled before it began")


def test_waiting_ends_in_time(start, tmp_path: Path) -> None:
    executor = start(1)
    executor.submit(job(0, Faulty("sleeps", str(tmp_path / "pid"))))
    begin = time.monotonic()
    assert not executor.wait(0.2) and 0.19 < time.monotonic() - begin < 2
    with pytest.raises(NetwrightError, match="trial 0 is under way"):
        executor.submit(job(0, Faulty()))


def test_waiting_can_be_interrupted(start, tmp_path: Path) -> None:
    executor = start(1)
    executor.submit(job(0, Faulty("sleeps", str(tmp_path / "pid"))))
    written(tmp_path / "pid")
    threading.Timer(0.1, lambda: os.kill(os.getpid(), signal.SIGINT)).start()
    with pytest.raises(KeyboardInterrupt):
        executor.wait(LONGEST)
    threading.Timer(0.1, executor.close).start()
    assert not executor.wait(LONGEST)


def test_trials_go_on_where_nothing_can_be_logged(start, tmp_path: Path) -> None:
    executor = start(1, logs=tmp_path / "logs")
    (before,) = outcomes(executor, job(0, Faulty("prints")))
    shutil.rmtree(tmp_path / "logs")
    first, second = outcomes(executor, job(1, Faulty("prints")), job(2, Faulty("killed")))
    (third,) = outcomes(executor, job(3, Faulty("prints")))
    states = [each.state for each in (before, first, second, third)]
    assert states == ["completed", "completed", "lost", "completed"]
    assert before.log and not first.log and not third.log


def test_closing_ends_all_workers_and_is_final(start, tmp_path: Path) -> None:
    executor = start(2)
    (idle,) = outcomes(executor, job(1, Faulty()))
    executor.submit(job(0, Faulty("stubborn_child", str(tmp_path / "pid"))))
    busy = [written(tmp_path / "pid"), written(tmp_path / "pid.0"), written(tmp_path / "pid.1"), pid(idle)]
    begin = time.monotonic()
    executor.close()
    assert time.monotonic() - begin < 10
    wait_until(lambda: not any(map(alive, busy)), "the end of all processes")
    executor.close()
    assert not executor.wait()
    with pytest.raises(NetwrightError, match="closed"):
        executor.submit(job(2, Faulty()))


DRIVER = """
    import os, sys
    sys.path[:0] = [{here!r}]
    from faulty_parts import Faulty
    from netwright.core.executor import Job
    from netwright.core.trial import Proposal
    from netwright.executors import Processes
    executor = Processes(2)
    executor.submit(Job(0, Proposal(None), 0, [Faulty({fault!r}, {note!r})]))
    executor.submit(Job(1, Proposal(None), 1, [Faulty({fault!r}, {note!r})]))
    while True:
        for outcome in executor.wait(0.05):
            assert outcome.number == 1
        if os.path.exists({note!r}) and not {wait}:
            break
"""


def driver(tmp_path: Path, fault: str, wait: bool) -> subprocess.Popen:
    note = str(tmp_path / "pid")
    code = textwrap.dedent(DRIVER.format(here=str(HERE), fault=fault, note=note, wait=wait))
    return subprocess.Popen([sys.executable, "-c", code], start_new_session=True)


@pytest.mark.parametrize("fault", ["sleeps", "holds_interpreter", "stubborn_child"])
def test_workers_end_when_their_driver_is_killed(tmp_path: Path, fault: str) -> None:
    process = driver(tmp_path, fault, wait=True)
    worker = written(tmp_path / "pid")
    # A child that left the group on purpose is not looked for once nobody is there to do so.
    started = [worker] + ([written(tmp_path / "pid.0")] if fault == "stubborn_child" else [])
    others = [each.pid for each in family.everybody() if each.parent == process.pid]
    assert worker in others and len(others) == 3  # two workers, and the warden
    process.kill()
    assert process.wait() == -signal.SIGKILL
    wait_until(lambda: not any(map(alive, [*started, *others])), "the end of all processes")
    if fault == "stubborn_child":
        os.kill(written(tmp_path / "pid.1"), signal.SIGKILL)


def test_workers_end_with_an_interpreter_that_forgets_them(tmp_path: Path) -> None:
    process = driver(tmp_path, "sleeps", wait=False)
    worker = written(tmp_path / "pid")
    assert process.wait(LONGEST) == 0 and not alive(worker)


def test_an_interruption_in_the_terminal_reaches_only_the_driver(start, tmp_path: Path) -> None:
    executor = start(1)
    executor.submit(job(0, Faulty("sleeps", str(tmp_path / "pid"))))
    worker = written(tmp_path / "pid")
    assert os.getsid(worker) == worker != os.getsid(0)
    os.killpg(worker, signal.SIGINT)
    assert not executor.wait(0.2) and alive(worker)


def test_what_a_trial_prints_is_kept(start, tmp_path: Path) -> None:
    executor = start(1, logs=tmp_path / "logs")
    first, second = outcomes(executor, job(3, Faulty("prints"), attempt=2), job(4, Faulty()))
    # In any order: C has a buffer of its own, which is written when the trial ends.
    assert sorted(first.log.splitlines()) == ["first line", "from C", "from a child", "last line α"]
    (file,) = (tmp_path / "logs").iterdir()
    assert file.name == "trial-000003-attempt-2.log" and file.read_text() == first.log
    assert file.stat().st_mode & 0o777 == 0o600 and second.log == ""


def test_a_long_log_keeps_its_beginning_and_its_end(start, tmp_path: Path) -> None:
    (found,) = outcomes(start(1, logs=tmp_path), job(0, Faulty("prints_without_end")))
    text = (tmp_path / "trial-000000-attempt-1.log").read_text()
    assert found.state == "completed" and 4_000_000 < len(text) <= 10_000_000
    assert text.startswith("the beginning") and text.endswith("the end\n") and "was left out" in text
    assert found.log.endswith("the end\n") and len(found.log) <= 10_000


def test_short_trials_cost_little(start) -> None:
    executor, stage, count = start(2), Faulty(), 400
    outcomes(executor, job(-1, stage), job(-2, stage))
    begin = time.perf_counter()
    outcomes(executor, *(job(number, stage) for number in range(count)))
    each = (time.perf_counter() - begin) / count
    print(f"{1000 * each:.2f} ms a trial")
    assert each < 0.02  # the aim is 0.005 on a machine that does nothing else


def test_what_cannot_be_sent_is_refused_by_name(start) -> None:
    from netwright.estimators import Function, Stack

    class Local(Faulty):
        pass

    executor = start(1)
    with pytest.raises(UserError, match=r"Function's function, <function .*lambda.*cannot be sent.*top level of a mod"):
        executor.submit(job(0, Function(lambda architecture: 1.0, "one")))  # type: ignore[arg-type]
    with pytest.raises(UserError, match=r"Stack's estimators.*lambda"):
        executor.submit(job(0, Stack(Function(lambda architecture: 1.0, "one"))))  # type: ignore[arg-type]
    with pytest.raises(UserError, match=r"Local.*cannot be sent.*Inline"):
        executor.submit(job(0, Local()))
    assert outcomes(executor, job(0, Faulty()))[0].state == "completed"


def test_classes_of_the_script_itself_are_refused(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        textwrap.dedent(f"""
        import sys
        sys.path[:0] = [{str(HERE)!r}]
        from faulty_parts import Faulty
        from netwright.core.executor import Job
        from netwright.core.trial import Proposal
        from netwright.executors import Processes

        class Mine(Faulty):
            pass

        Processes(1).submit(Job(0, Proposal(None), 0, [Mine()]))
        """)
    )
    ended = subprocess.run([sys.executable, str(script)], capture_output=True, text=True)
    assert ended.returncode == 1
    assert "UserError: Mine, Mine(), cannot be sent to a worker process: Mine is defined in the script" in ended.stderr


def test_classes_of_a_file_that_the_user_named_work(start, tmp_path: Path) -> None:
    from netwright.catalogue import load
    from netwright.core.strategy import Strategy

    file = tmp_path / "mine_in_a_file.py"
    file.write_text(
        "from faulty_parts import Faulty\nfrom netwright.strategies import RandomSearch\n"
        "class Mine(Faulty):\n    pass\nclass Strategy(RandomSearch):\n    pass\n"
    )
    try:
        found_class = load("strategy", f"{file}:Strategy")
        assert isinstance(found_class, type) and issubclass(found_class, Strategy)
        mine = sys.modules["mine_in_a_file"].Mine()
        (found,) = outcomes(start(1), job(0, mine))
    finally:
        sys.modules.pop("mine_in_a_file", None)
    assert found.state == "completed" and pid(found) != os.getpid()


def test_a_module_that_cannot_be_loaded_in_the_worker_is_an_error(start, tmp_path: Path, monkeypatch) -> None:
    (tmp_path / "fails_elsewhere.py").write_text(
        f"import os\nfrom faulty_parts import Faulty\nif os.getpid() != {os.getpid()}:\n    raise OSError('not here')\n"
        "class Mine(Faulty):\n    pass\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    from fails_elsewhere import Mine  # type: ignore[import-not-found]

    first, second = outcomes(start(1), job(0, Mine()), job(1, Faulty()))
    assert first.state == "error" and first.reason == "OSError: not here" and "fails_elsewhere.py" in first.traceback
    assert second.state == "completed"


@pytest.mark.parametrize(
    "options",
    [
        {"workers": 0},
        {"workers": 1.5},
        {"trial_timeout": -1},
        {"stall_timeout": "1m"},
        {"memory": 0},
        {"threads": 0},
        {"gpus_per_trial": 1.5},
        {"gpus_per_trial": -0.5},
    ],
)
def test_numbers_that_make_no_sense_are_refused(options: dict) -> None:
    with pytest.raises(ConfigurationError, match=f"Processes: {next(iter(options))} is "):
        Processes(**options)


def test_the_same_search_gives_the_same_trials_as_in_this_process(start) -> None:
    import torch

    import netwright as nw

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        task = nw.tasks.digits()
        space = nw.spaces.Mlp()
        estimator = nw.estimators.Training(space, task, epochs=1, device="cpu")
        search = nw.Search(nw.strategies.RandomSearch(space), estimator, seed=3)
        here = search.run(trials=4, executor=Inline())
        there = search.run(trials=4, executor=start(2, threads=1))
    finally:
        torch.set_num_threads(threads)

    def table(run: nw.Run) -> list:
        return sorted((each.number, str(each.architecture), each.scores, dict(each.metrics)) for each in run.trials)

    assert len(table(here)) == 4 and {each.state for each in here.trials} == {"completed"}
    assert table(here) == table(there)


def test_workers_come_and_go_while_trials_run(start: Callable[..., Processes]) -> None:
    """A trial ends in the worker that it has, whatever is asked meanwhile; who waits gets a worker that was added."""
    executor = start(1, threads=1)
    executor.submit(job(0, Faulty("pauses")))
    executor.submit(job(1, Faulty()))
    assert executor.resize(2, job(2, Faulty())) == "2 workers with 1 thread each" and executor.slots == 2
    found = {each.number: each for _ in range(2) for each in executor.wait(LONGEST)}
    assert found[0].place.startswith("worker 0") and found[1].place.startswith("worker 1")
    assert executor.resize(1, job(2, Faulty())) == "1 worker with 1 thread"
    left = outcomes(executor, job(2, Faulty()), job(3, Faulty()))
    assert {each.place for each in left} == {found[0].place} and all(each.state == "completed" for each in left)


def test_threads_are_shared_out_anew_and_what_cannot_be_sent_is_refused(
    start: Callable[..., Processes], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Local(Faulty):
        pass

    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr("netwright.executors.processes.placement.cores", lambda: 4)
    executor = start(1)
    before = outcomes(executor, job(0, Faulty()))[0]
    assert executor.threads == 4
    assert executor.resize(2, job(1, Faulty())) == "2 workers with 2 threads each"
    after = outcomes(executor, job(1, Faulty()))[0]
    assert before.place != after.place, "one that was started for other threads is replaced"
    with pytest.raises(UserError, match="top level of a module"):
        executor.resize(3, job(1, Local()))
    assert executor.slots == 2

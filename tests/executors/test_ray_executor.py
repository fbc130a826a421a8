"""The executor on Ray, on one real cluster of several nodes on this machine."""

from __future__ import annotations

import hashlib
import logging
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "engine"))
from search_parts import Cell, Climbing, Listing, Noisy

import netwright as nw
from netwright.core.errors import ConfigurationError, MissingExtra, UserError
from netwright.core.estimator import Estimator
from netwright.core.executor import Job, Outcome
from netwright.core.trial import Measurement, Proposal, Trial
from netwright.core.workplace import workplace
from netwright.executors.on_ray.ray_worker import at_home, ending
from netwright.executors.on_ray.shipping import Kit, job, order
from netwright.executors.ray import Ray
from netwright.store import Store

pytestmark = pytest.mark.ray
STORE = 100_000_000  # bytes of shared memory a node
SPACE = Cell()


class Doing(Estimator):
    """Does one thing to its worker, on the first `attempts` attempts only."""

    def __init__(self, what: str = "", attempts: int = 9, every: int = 1) -> None:
        self.what, self.attempts, self.every = what, attempts, every

    def estimate(self, proposal: Proposal, seed: int) -> Measurement:
        print(f"to do: {self.what}")
        if workplace().attempt <= self.attempts and seed % self.every == 0:
            self.do()
        # What is named after seconds is measured, not compared.
        return Measurement({"val_accuracy": (seed % 100) / 100, "seconds_torch": float("torch" in sys.modules)})

    def do(self) -> None:
        if self.what == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        elif self.what == "crash":
            import ctypes

            ctypes.string_at(0)
        elif self.what == "exit":
            os._exit(7)
        elif self.what == "hang":
            time.sleep(600)
        elif self.what == "nap":
            time.sleep(0.3)
        elif self.what == "grow":
            bytearray(4_000_000_000)
        elif self.what == "raise":
            raise RuntimeError("no such luck")


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    """Two nodes of four processors each, by name only; the driver is on the first. One cluster for all tests here."""
    os.environ.setdefault("RAY_AUTH_TOKEN", secrets.token_hex(32))  # none in the user's home for a test
    os.environ.setdefault("RAY_AUTH_MODE", "token")
    pytest.importorskip("ray", reason="the extra `ray` is not installed")
    import ray
    from ray._raylet import Config  # pyright: ignore[reportMissingImports, reportAttributeAccessIssue]
    from ray.cluster_utils import Cluster

    Config.initialize("")  # where Ray was imported before, it reads the environment again

    before = signal.getsignal(signal.SIGTERM)
    made = Cluster(initialize_head=True, head_node_args=_node(4))
    made.add_node(**_node(4))
    ray.init(address=made.address, include_dashboard=False, log_to_driver=False, logging_level=logging.ERROR)
    signal.signal(signal.SIGTERM, before)  # each node and the driver put one there that ends this process
    yield made
    ray.shutdown()
    made.shutdown()


def _node(processors: int) -> dict[str, Any]:
    return {"num_cpus": processors, "object_store_memory": STORE, "include_dashboard": False}


@pytest.fixture(scope="module")
def shared(cluster: Any) -> Iterator[Ray]:
    """An executor for tests that only look at outcomes."""
    executor = Ray(2, trial_timeout=4.0, memory=1_000_000_000)
    yield executor
    executor.close()


def outcome(executor: Ray, *jobs: Job) -> list[Outcome]:
    """The outcomes of these jobs by number."""
    for each in jobs:
        executor.submit(each)
    found: list[Outcome] = []
    end = time.monotonic() + 60
    while len(found) < len(jobs) and time.monotonic() < end:
        found += executor.wait(1.0)
    return sorted(found, key=lambda each: each.number)


def a_job(number: int, what: str, attempt: int = 1, **settings: Any) -> Job:
    return Job(number, Proposal(SPACE.at(number)), 100 + number, (Doing(what, **settings),), attempt=attempt)


@pytest.mark.parametrize(
    ("what", "state", "reason"),
    [
        ("crash", "error", "the worker died of SIGSEGV"),
        ("exit", "error", "the worker ended with exit code 7"),
        ("kill", "lost", "the worker was killed from outside"),
        ("hang", "timeout", "took longer than 4 s"),
        ("grow", "out_of_memory", "MemoryError (limit of a trial: 1 GB)"),
        ("raise", "error", "RuntimeError: no such luck"),
    ],
)
def test_what_befalls_a_trial_is_its_outcome_and_others_go_on(shared: Ray, what: str, state: str, reason: str) -> None:
    ended, good = outcome(shared, a_job(1, what, attempt=2), a_job(2, ""))
    assert (ended.state, ended.reason, ended.attempt) == (state, reason, 2)
    assert ended.place and (what == "hang" or f"to do: {what}" in ended.log)
    assert (good.state, good.log.strip()) == ("completed", "to do:")
    assert good.measurement.metrics["seconds_torch"] == 0.0, "a worker imported torch for nothing"


def test_a_job_is_cancelled_wherever_it_is(shared: Ray) -> None:
    while shared.slots < 2:
        time.sleep(0.05)
    for number in (1, 2, 3):
        shared.submit(a_job(number, "hang"))
    for number in (3, 1, 2):
        shared.cancel(number)
    found = [each for _ in range(3) for each in shared.wait(0)]
    assert {(each.number, each.state) for each in found} == {(1, "cancelled"), (2, "cancelled"), (3, "cancelled")}
    assert not shared.wait(5), "nothing is left to wait for"


def test_a_search_ends_as_in_this_process(cluster: Any) -> None:
    search = nw.Search(Climbing(SPACE), Noisy(0.3), seed=3)
    executor = Ray(1)
    assert search.run(trials=20, executor=executor).table() == search.run(trials=20).table()
    executor.close()
    together = nw.Search(Listing(Cell(edges=2)), Noisy(0.3), seed=3)
    executor = Ray(3)
    assert together.run(executor=executor, trials=25).table() == together.run(trials=25).table()
    executor.close()
    executor.close()
    with pytest.raises(UserError, match="was closed"):
        executor.submit(a_job(0, ""))


def test_trials_of_killed_workers_are_begun_again(cluster: Any, tmp_path: Path) -> None:
    search = nw.Search(Listing(Cell(edges=2)), Doing("kill", attempts=1, every=4), seed=1)
    executor = Ray(2)
    run = search.run(trials=9, executor=executor, store=tmp_path, name="r")
    executor.close()
    assert (
        run.table()
        == nw.Search(Listing(Cell(edges=2)), Doing("kill", attempts=0, every=4), seed=1).run(trials=9).table()
    )
    with Store.open_readonly(tmp_path) as store:
        attempts = [each.attempt for each in store.read_run("r").trials]
    assert set(attempts) == {1, 2}, "no worker was killed"


def ready(executor: Ray, count: int) -> None:
    """Wait until so many workers are."""
    end = time.monotonic() + 120
    while executor.slots < count and time.monotonic() < end:
        time.sleep(0.05)
    assert executor.slots == count


def on_each_node(nodes: int) -> tuple[Ray, list[str]]:
    """An executor with a worker on each of so many nodes, and their places: Ray may put two on one."""
    end = time.monotonic() + 90
    while True:
        executor = Ray(nodes)
        ready(executor, nodes)
        jobs = [a_job(number, "nap") for number in range(1_000, 1_000 + nodes)]
        places = sorted({each.place for each in outcome(executor, *jobs)})
        if len(places) == nodes:
            return executor, places
        executor.close()
        assert time.monotonic() < end, f"the workers are not spread over the nodes: {places}"


def test_a_search_survives_the_loss_of_a_node(cluster: Any, tmp_path: Path) -> None:
    before = signal.getsignal(signal.SIGTERM)
    node = cluster.add_node(**_node(4))
    signal.signal(signal.SIGTERM, before)
    executor, _ = on_each_node(3)

    def lose(trial: Trial) -> None:
        if trial.number == 4:
            cluster.remove_node(node, allow_graceful=False)

    search = nw.Search(Listing(Cell(edges=2)), Doing("nap"), seed=1)
    run = search.run(trials=15, executor=executor, store=tmp_path, name="r", on_trial=lose)
    executor.close()
    assert run.counts == {"completed": 15}
    with Store.open_readonly(tmp_path) as store:
        trials = store.read_run("r").trials
        lost = [each for trial in trials for each in store.attempts("r", trial.number) if each.state == "lost"]
    assert lost and {each.place for each in lost} == {f"{socket.gethostname()}-{node.node_id[:6]}"}


def test_a_node_in_quarantine_gets_no_trials(cluster: Any) -> None:
    executor, (bad, good) = on_each_node(2)
    assert executor.quarantine(bad)
    ready(executor, 2)
    assert {each.place for each in outcome(executor, *(a_job(number, "nap") for number in range(2, 6)))} == {good}
    assert not executor.quarantine(good)
    assert executor.slots == 2, "the last node stays in use"
    executor.close()


@pytest.fixture
def one_thread() -> Iterator[None]:
    """In this process as in a worker that reserves one processor: the last bits may depend on it."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.mark.slow
def test_finals_proxies_and_audits_on_a_cluster_give_what_this_process_does(
    cluster: Any, one_thread: None, tmp_path: Path
) -> None:
    executor = Ray(1)  # one worker, which imports torch once for all three
    try:
        found = [evidence(tmp_path / name, chosen) for name, chosen in (("here", None), ("there", executor))]
    finally:
        executor.close()
    assert found[0] == found[1]


def evidence(folder: Path, executor: Ray | None) -> list[Any]:
    """Scores of untrained networks, an audit of shared weights, and final trainings: every number of them as text."""
    from netwright.benchmarks.auditing import audit
    from netwright.estimators.zero_cost import EveryScore, ZeroCost
    from netwright.estimators.zero_cost.ranking import different, outcomes_of
    from netwright.executors import Inline
    from netwright.results import conclude

    task = nw.tasks.digits(limit=100)
    space = nw.spaces.NasBench201(channels=2, cells=1)
    every = EveryScore(ZeroCost(space, task, ("synflow", "naswot"), 8, device="cpu"))
    scored = outcomes_of(every, different(space, 3, seed=1), 1, executor or Inline())
    shared = nw.methods.darts(space, task, epochs=1, device="cpu", alarms=False).run(store=folder, name="shared")
    audited = audit(shared, networks=2, epochs=1, executor=executor)
    training = nw.estimators.Training(nw.spaces.Mlp(widths=(4, 8)), task, epochs=1, device="cpu")
    run = nw.Search(nw.strategies.RandomSearch(training.space), training).run(trials=1, store=folder, name="r")
    finals = conclude(run, final_epochs=1, final_seeds=2, baselines=False, executor=executor).figures
    weights = sorted((folder / "final").rglob("*.safetensors"))
    assert len(weights) == 2
    return [
        *(repr(sorted(each.measurement.metrics.items())) for each in scored),
        *(repr((each.architecture, each.shared, each.true)) for each in (*audited.random, audited.recommended)),
        list(finals.winner.values),
        *sorted(hashlib.sha256(each.read_bytes()).hexdigest() for each in weights),
    ]


DRIVER = """
import os, sys
sys.path.insert(0, sys.argv[1])
from search_parts import Cell, Climbing, Noisy
import netwright as nw
from netwright.engine import Interrupted
from netwright.executors.ray import Ray
search = nw.Search(Climbing(Cell()), Noisy(0.3, 0.02), seed=5)
executor = Ray(1, address=sys.argv[3])
try:
    search.run(trials=500, executor=executor, store=sys.argv[2], name="r",
               on_trial=lambda trial: print(trial.number, flush=True))
except Interrupted as stop:
    executor.close()
    sys.exit(stop.exit_code)
"""


@pytest.mark.parametrize(("number", "code"), [(signal.SIGKILL, -signal.SIGKILL), (signal.SIGTERM, 143)])
def test_a_run_whose_driver_was_ended_is_resumed_without_ray(
    cluster: Any, tmp_path: Path, number: int, code: int
) -> None:
    """SIGTERM is what SLURM sends before it preempts; Ray must not take it for itself."""
    engine = str(Path(__file__).parents[1] / "engine")
    command = [sys.executable, "-c", DRIVER, engine, str(tmp_path), cluster.address]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        acknowledged = [int(process.stdout.readline()) for _ in range(10)]
        process.send_signal(number)
        acknowledged += [int(line) for line in process.stdout]
    assert process.returncode == code
    search = nw.Search(Climbing(SPACE), Noisy(0.3, 0.02), seed=5)
    again: list[int] = []

    def note(trial: Trial) -> None:
        again.append(trial.number)

    count = len(acknowledged) + 10
    run = search.run(trials=count, store=tmp_path, name="r", resume=True, on_trial=note)
    assert not set(again) & set(acknowledged), "an acknowledged trial was run again"
    assert set(again) | set(acknowledged) == set(range(count))
    assert run.table() == search.run(trials=count).table()


def test_what_cannot_be_is_refused(cluster: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UserError, match=r"no node of the cluster has room for a trial, which needs CPU 64; the nodes"):
        Ray(1, cpus_per_trial=64)
    with pytest.raises(ConfigurationError, match="workers is 0; expected at least 1"):
        Ray(0)
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(MissingExtra, match=r"get it with: .*python.* -m pip install 'ray>=2\.52'"):
        Ray(1)


def test_an_estimator_that_cannot_be_sent_is_named(shared: Ray) -> None:
    class Locked(Doing):
        def __reduce__(self) -> Any:
            raise TypeError("cannot pickle a lock")

    with pytest.raises(UserError, match="Locked cannot be sent to the cluster: cannot pickle a lock"):
        shared.submit(Job(1, Proposal(SPACE.at(1)), 1, (Locked(),)))


# What needs no Ray.


def test_an_order_and_its_kit_are_the_job() -> None:
    whole = a_job(7, "nap", attempt=3)
    kit = Kit.of(whole)
    assert job(order(whole), kit) == whole
    assert getattr(job(order(whole), kit).proposal.candidate, "space") is SPACE  # noqa: B009  # the same object
    assert order(whole).job.stages == () and kit.serves(whole) and not kit.serves(a_job(7, "nap"))


def test_checkpoints_are_kept_where_the_project_is_seen(tmp_path: Path) -> None:
    seen, unseen = (replace(a_job(1, ""), folder=base / "trials" / "r" / "1") for base in (tmp_path, tmp_path / "no"))
    assert at_home(seen).folder == seen.folder
    assert at_home(unseen).folder is None


@pytest.mark.parametrize(
    ("log", "state"),
    [
        ("a line\nFatal Python error: Bus error\n", ("error", "the worker died of SIGBUS")),
        ("-- the trial ended the worker with exit code 0 --", ("error", "the worker ended with exit code 0")),
        ("epoch 3 of 4\n", ("lost", "the worker was killed from outside")),
    ],
)
def test_a_log_tells_how_a_worker_died(log: str, state: tuple[str, str]) -> None:
    assert ending(log) == state

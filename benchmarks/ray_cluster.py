"""A cluster of 8 nodes with 4 workers each, all of them on this machine: python benchmarks/ray_cluster.py

Trials sleep for 0.5 to 2 s, so that one machine can stand for eight. Prints the share of the slots' time that trials
took under asynchronous evolution, between the first full house and the last question; what becomes of the search when
two nodes are lost; and the engine's own cost of a trial over 1,000 trials that do nothing.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import secrets
import tempfile
import time
from collections.abc import Sequence
from functools import cached_property
from typing import Any

import ray
from ray.cluster_utils import Cluster

import netwright as nw
from netwright.core.decision_space import DecisionSpace
from netwright.core.decisions import Decision, DecisionTable
from netwright.core.estimator import Estimator
from netwright.core.executor import Job, Outcome
from netwright.core.trial import Measurement, Proposal, Trial
from netwright.executors.ray import Ray
from netwright.store import Store

STORE = 100_000_000  # bytes of shared memory a node


class Edges(DecisionSpace):
    """Six decisions of five options, as many architectures as NAS-Bench-201 has; no worker needs torch for it."""

    @cached_property
    def decisions(self) -> DecisionTable:
        return DecisionTable([Decision(f"edge{k}", tuple("abcde"), "one") for k in range(6)])

    def network(self, choose: Any, shape: Any) -> Any:
        raise NotImplementedError("the estimator here only sleeps")


class Sleeping(Estimator):
    """Takes between `least` and `most` seconds, by the trial's seed; the more often the first option, the better."""

    metrics = ("val_accuracy",)

    def __init__(self, least: float = 0.5, most: float = 2.0) -> None:
        self.least, self.most = least, most

    def estimate(self, proposal: Proposal, seed: int) -> Measurement:
        time.sleep(self.least + (self.most - self.least) * (seed % 10_007) / 10_007)
        assert isinstance(proposal.candidate, nw.Architecture)
        return Measurement({"val_accuracy": proposal.candidate.point.count(0) / 6})


def search(estimator: Estimator, seed: int) -> nw.Search:
    return nw.Search(nw.strategies.RegularizedEvolution(Edges(), population=50, tournament=10), estimator, seed=seed)


def started(nodes: int, workers: int) -> tuple[Cluster, list[Any]]:
    """A head without processors for the driver, and so many nodes."""
    os.environ.setdefault("RAY_AUTH_TOKEN", secrets.token_hex(32))
    os.environ.setdefault("RAY_worker_niceness", "0")  # on nodes of their own they would have a machine to themselves
    settings = {"object_store_memory": STORE, "include_dashboard": False}
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, **settings})
    others = [cluster.add_node(wait=False, num_cpus=workers, **settings) for _ in range(nodes)]
    cluster.wait_for_nodes(timeout=600)
    ray.init(address=cluster.address, log_to_driver=False, logging_level=logging.ERROR)
    return cluster, others


def ready(executor: Ray, count: int, seconds: float = 900) -> float:
    """Wait for so many workers; seconds that it took."""
    start = time.monotonic()
    while executor.slots < count and time.monotonic() < start + seconds:
        time.sleep(0.2)
    return time.monotonic() - start


class Timed:
    """An executor that notes when each job was submitted, and how long it says that it took."""

    def __init__(self, executor: Ray) -> None:
        self._executor = executor
        self.begun: dict[int, float] = {}
        self.seconds: dict[int, float] = {}

    @property
    def slots(self) -> int:
        return self._executor.slots

    def submit(self, job: Job) -> None:
        self.begun[job.number] = time.monotonic()
        self._executor.submit(job)

    def wait(self, timeout: float | None = None) -> Sequence[Outcome]:
        outcomes = self._executor.wait(timeout)
        self.seconds.update((each.number, each.seconds) for each in outcomes)
        return outcomes

    def cancel(self, number: int) -> None:
        self._executor.cancel(number)

    def close(self) -> None:
        self._executor.close()


def busy(executor: Ray, slots: int, trials: int, seed: int) -> dict[str, Any]:
    """Share of slot time in which a trial ran, from the first question to the last, which is when slots may run dry."""
    timed = Timed(executor)
    with tempfile.TemporaryDirectory() as folder:
        search(Sleeping(), seed).run(trials=trials, executor=timed, store=folder)
    first, last = min(timed.begun.values()), max(timed.begun.values())
    taken = sum(min(timed.seconds[number], last - begun) for number, begun in timed.begun.items())
    return {
        "trials": len(timed.seconds),
        "seconds": round(last - first, 1),
        "busy": round(taken / (slots * (last - first)), 4),
    }


def lossy(executor: Ray, cluster: Cluster, nodes: list[Any], trials: int, seed: int) -> dict[str, Any]:
    """The search while two nodes are taken away."""

    def lose(trial: Trial) -> None:
        if trial.number in (trials // 4, trials // 2) and nodes:
            cluster.remove_node(nodes.pop(), allow_graceful=False)

    start = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        run = search(Sleeping(), seed).run(trials=trials, executor=executor, store=folder, name="r", on_trial=lose)
        with Store.open_readonly(folder) as store:
            numbers = [each.number for each in store.read_run("r").trials]
            lost = [each for number in numbers for each in store.attempts("r", number) if each.state == "lost"]
    return {
        "ended": run.counts,
        "attempts lost": len(lost),
        "on nodes": len({each.place for each in lost}),
        "seconds": round(time.monotonic() - start, 1),
    }


def overhead(executor: Ray, trials: int, seed: int) -> dict[str, Any]:
    """Milliseconds of the driver a trial where trials do nothing."""
    search(Sleeping(0, 0), seed).run(trials=32, executor=executor)
    with tempfile.TemporaryDirectory() as folder:
        start, own = time.monotonic(), time.process_time()
        search(Sleeping(0, 0), seed).run(trials=trials, executor=executor, store=folder, name="r")
        seconds, own = time.monotonic() - start, time.process_time() - own
    return {
        "trials": trials,
        "milliseconds a trial": round(1000 * seconds / trials, 2),
        "of which the driver computes": round(1000 * own / trials, 2),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--nodes", type=int, default=8)
    parser.add_argument("--workers", type=int, default=4, help="on each node")
    parser.add_argument("--trials", type=int, default=640)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    slots = options.nodes * options.workers
    start = time.monotonic()
    cluster, nodes = started(options.nodes, options.workers)
    executor = Ray(slots)
    ready(executor, slots)
    report("cluster", {"slots": executor.slots, "seconds to start": round(time.monotonic() - start, 1)})
    report("engine's cost", overhead(executor, 1000, options.seed))
    report("busy", busy(executor, slots, options.trials, options.seed))
    report("two nodes lost", lossy(executor, cluster, nodes[-2:], options.trials // 2, options.seed))
    executor.close()
    ray.shutdown()
    cluster.shutdown()


def report(name: str, found: dict[str, Any]) -> None:
    print(f"{name}: {json.dumps(found)}", flush=True)


if __name__ == "__main__":
    main()

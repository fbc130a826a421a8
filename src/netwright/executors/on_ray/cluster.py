"""Ray itself: joining or starting a cluster, the workers on it, and what is asked of its nodes."""

from __future__ import annotations

import contextlib
import logging
import math
import os
import signal
import sys
import threading
from collections.abc import Generator, Sequence
from typing import Any

from netwright.core.errors import MissingExtra, NetwrightError, UserError
from netwright.executors.on_ray.ray_worker import Worker, tail
from netwright.executors.on_ray.reaching import because, require_answer
from netwright.executors.on_ray.shipping import Kit, own_modules
from netwright.executors.on_ray.tokens import ask_for_token_by_default, require_protected, require_version

LOCAL_STORE = 200_000_000  # bytes of shared memory for a cluster of one's own; what is larger goes through the disk
NODE = "ray.io/node-id"  # the label by which Ray knows a node


class Cluster:
    """A connection to Ray.

    address: None for one of its own on this machine, "auto" or host:port to join one.

    Raises MissingExtra without Ray, and UserError where no cluster is found, where one elsewhere lets in everybody, or
    where no node has what a trial needs.
    """

    def __init__(self, address: str | None, workers: int, cpus: float, gpus: float, memory: int | None) -> None:
        address = address or os.environ.get("RAY_ADDRESS")
        if address in (None, "local") and "ray" not in sys.modules:
            ask_for_token_by_default()
        try:
            import ray
            from ray import cloudpickle, exceptions
        except ImportError:
            raise MissingExtra("ray", "ray") from None
        require_version(ray.__version__)
        self.ray, self.errors, self._pickler = ray, exceptions, cloudpickle
        self._memory = memory
        self._needs: dict[str, Any] = {"num_cpus": cpus, "num_gpus": gpus}
        if memory is not None:
            self._needs["memory"] = memory
        self.own = not ray.is_initialized()
        if self.own:
            self._join(address, workers, cpus, gpus)
        try:
            self._require_room()
        except BaseException:
            self.leave()
            raise
        self._actor: Any = ray.remote(max_restarts=0, max_task_retries=0)(Worker)
        self._reader: Any = ray.remote(num_cpus=0, max_retries=0)(tail)

    def _join(self, address: str | None, workers: int, cpus: float, gpus: float) -> None:
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
        options: dict[str, Any] = {"include_dashboard": False, "log_to_driver": False, "logging_level": logging.ERROR}
        if address in (None, "local"):
            room = max(os.cpu_count() or 1, math.ceil(workers * cpus))  # as many workers as were asked for
            options |= {"address": "local", "num_cpus": room, "object_store_memory": LOCAL_STORE}
        else:
            place = require_answer(address, self.errors)
            if place is not None:
                require_protected(place)
            options["address"] = address
        try:
            with _signals_kept():
                self.ray.init(**options)
        except Exception as problem:  # Ray has no common class for what keeps it from starting
            with contextlib.suppress(Exception):
                self.ray.shutdown()  # of what was started by then
            raise because(address, problem) from problem
        _be_quiet()

    def _require_room(self) -> None:
        names = {"num_cpus": "CPU", "num_gpus": "GPU", "memory": "memory"}
        wanted = {names[name]: amount for name, amount in self._needs.items() if amount}
        nodes = [each["Resources"] for each in self.nodes()]
        if any(all(node.get(name, 0) >= amount for name, amount in wanted.items()) for node in nodes):
            return
        found = "; ".join(", ".join(f"{name} {node.get(name, 0):g}" for name in wanted) for node in nodes[:8])
        asked = ", ".join(f"{name} {amount:g}" for name, amount in wanted.items())
        raise UserError(f"no node of the cluster has room for a trial, which needs {asked}; the nodes have: {found}")

    def nodes(self) -> list[dict[str, Any]]:
        """The nodes that are alive, as Ray describes them."""
        return [each for each in self.ray.nodes() if each["Alive"]]

    def hire(self, avoided: Sequence[str]) -> Any:
        """Start a worker somewhere, spread over the nodes, on none of those that are to be avoided; its handle."""
        options: dict[str, Any] = {**self._needs, "scheduling_strategy": "SPREAD"}
        if avoided:
            options["label_selector"] = {NODE: f"!in({','.join(avoided)})"}
        return self._actor.options(**options).remote(self._memory)

    def dismiss(self, actor: Any) -> None:
        """Kill a worker; one that is dead already will do."""
        with contextlib.suppress(Exception):
            self.ray.kill(actor, no_restart=True)

    def put(self, kit: Kit) -> Any:
        """Put a kit where each node fetches it once; its reference. Raises UserError where it cannot be sent."""
        own, pickler = own_modules(kit), self._pickler
        for module in own:
            pickler.register_pickle_by_value(module)
        try:
            return self.ray.put(kit)
        except Exception as problem:  # any class may refuse in its own way
            reason = str(problem.__cause__ or problem).strip().partition("\n")[0]
            names = ", ".join(type(each).__name__ for each in kit.stages)
            raise UserError(f"the search's {names} cannot be sent to the cluster: {reason}") from problem
        finally:
            for module in own:
                pickler.unregister_pickle_by_value(module)

    def remains(self, node: str, logs: Sequence[str]) -> Any:
        """Ask a node for the end of a dead worker's log; the reference of the answer."""
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        return self._reader.options(scheduling_strategy=NodeAffinitySchedulingStrategy(node, soft=False)).remote(logs)

    def wait(self, references: Sequence[Any], timeout: float | None) -> Sequence[Any]:
        """The references whose answers are there, at least one unless the time passes first."""
        return self.ray.wait(list(references), num_returns=1, timeout=timeout)[0]

    def ready(self, references: Sequence[Any]) -> Sequence[Any]:
        """All references whose answers are there now."""
        if not references:
            return ()
        return self.ray.wait(list(references), num_returns=len(references), timeout=0)[0]

    def leave(self) -> None:
        """Disconnect; a cluster that was started here ends."""
        if self.own:
            self.own = False
            self.ray.shutdown()


@contextlib.contextmanager
def _signals_kept() -> Generator[None]:
    """Put back what handles SIGINT and SIGTERM: Ray's own handler for SIGTERM would abort the driver."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            if handler is not None:  # None: set by other than Python, and unknown to it
                signal.signal(number, handler)


def _be_quiet() -> None:
    """Keep standard output for results: Ray would print there about each worker that dies, which outcomes tell."""
    with contextlib.suppress(Exception):  # no official part of Ray; without it the lines are printed
        from ray._private import worker

        worker.print_to_stdstream = _unprinted


def _unprinted(data: object, ignore_prefix: bool = False) -> None:
    """What is told by outcomes already."""


def trouble(problem: BaseException) -> NetwrightError:
    """What to raise where a worker doesn't start."""
    reason = str(problem).strip().replace("\n", " ")[:300]
    return NetwrightError(f"no worker can be started on the Ray cluster: {reason}")

"""The executor on Ray Core: warm actors spread over the nodes, one trial at a time each."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from netwright.core.errors import ConfigurationError, UserError
from netwright.core.executor import Job, Outcome
from netwright.executors.on_ray.cluster import Cluster, trouble
from netwright.executors.on_ray.ray_worker import ending, versions
from netwright.executors.on_ray.shipping import Kit, order

if TYPE_CHECKING:
    from netwright.core.trial import State
    from netwright.executors.on_ray.ray_worker import About

ASKING = 20.0  # seconds that a node has to tell what a dead worker printed
UNMANNED = 300.0  # seconds that jobs wait where no worker is ready at all
FAILED_STARTS = 8  # in a row, after which no more are tried
_LOOK = 0.05  # seconds between two looks for workers that have come
_NEVER = float("inf")


@dataclass(eq=False)
class Hand:
    """One worker from its start to its end.

    hello: the answer that says it is ready.
    answer: of the job it runs.
    """

    actor: Any
    hello: Any
    about: About | None = None
    job: Job | None = None
    answer: Any = None
    begun: float = 0.0
    last: bool = False  # whether it gets no other job

    @property
    def place(self) -> str:
        return self.about.place if self.about else ""


@dataclass(eq=False)
class Inquest:
    """A worker has died, and its node was asked what it printed last."""

    hand: Hand
    job: Job
    seconds: float
    until: float


class Ray:
    """Runs trials on a Ray cluster, `workers` at once.

    workers: how many.
    address: "auto" for the cluster that this machine is part of, or host:port; None starts one on this machine for as
        long as the executor lives, unless RAY_ADDRESS names one or Ray runs in this process already.
    cpus_per_trial, gpus_per_trial: what each worker reserves; fractions share a device.
    trial_timeout: seconds.
    memory: bytes that a trial may take; also reserved on its node.

    `slots` counts the workers that are ready: it grows while they start, and shrinks where nodes are lost. A worker
    that dies is replaced. Ray retries nothing; that is for the search. The results stay with the driver.
    """

    def __init__(
        self,
        workers: int = 4,
        *,
        address: str | None = None,
        cpus_per_trial: float = 1.0,
        gpus_per_trial: float = 0.0,
        trial_timeout: float | None = None,
        memory: int | None = None,
    ) -> None:
        _check(workers, cpus_per_trial, gpus_per_trial, trial_timeout, memory)
        self._cluster = Cluster(address, workers, cpus_per_trial, gpus_per_trial, memory)
        self._limit = trial_timeout
        self._avoided: dict[str, str] = {}  # node -> place
        self._waiting: deque[Job] = deque()
        self._outcomes: list[Outcome] = []
        self._answers: dict[Any, Hand | Inquest] = {}  # what each reference that is waited for belongs to
        self._latest: tuple[int, Kit | None, Any] = (0, None, None)
        self._failed_starts, self._looked, self._manned = 0, 0.0, time.monotonic()
        self._hands: list[Hand] = []
        self._closed = False
        for _ in range(workers):
            self._hire()

    # The protocol.

    @property
    def slots(self) -> int:
        """How many workers are ready."""
        if any(each.about is None for each in self._hands) and time.monotonic() - self._looked > _LOOK:
            self._look()
        return sum(each.about is not None and not each.last for each in self._hands)

    def submit(self, job: Job) -> None:
        if self._closed:
            raise UserError("this executor was closed")
        self._sent_kit(job)  # what cannot be sent is said here
        self._waiting.append(job)
        self._give_out()

    def wait(self, timeout: float | None = None) -> Sequence[Outcome]:
        """Outcomes that have come in; nothing where no job is under way."""
        end = _NEVER if timeout is None else time.monotonic() + timeout
        while True:
            self._look()
            if self._outcomes:
                found, self._outcomes = self._outcomes, []
                return found
            left = min(end, self._next_limit()) - time.monotonic()
            if end <= time.monotonic() or not self._under_way():
                return ()
            self._cluster.wait(list(self._answers), None if left == _NEVER else max(0.0, left))

    def cancel(self, number: int) -> None:
        for job in self._waiting:
            if job.number == number:
                self._waiting.remove(job)
                self._end(job, "cancelled", "cancelled before it began")
                return
        for hand in self._hands:
            if hand.job is not None and hand.job.number == number:
                self._stop(hand, "cancelled", "cancelled")
                return
        for reference, each in list(self._answers.items()):
            if isinstance(each, Inquest) and each.job.number == number:
                del self._answers[reference]
                self._end(each.job, "cancelled", "cancelled", each.seconds, each.hand)

    def close(self) -> None:
        """End every worker, and the cluster where this executor started it."""
        if self._closed:
            return
        self._closed = True
        for hand in self._hands:
            self._cluster.dismiss(hand.actor)
        self._hands.clear()
        self._answers.clear()
        self._waiting.clear()
        self._cluster.leave()

    def quarantine(self, place: str) -> bool:
        """Give no more trials to the node of this name, unless it is the only one that is left; whether it is done."""
        nodes = {each.about.node for each in self._hands if each.about and each.place == place}
        left = {each["NodeID"] for each in self._cluster.nodes()} - nodes - self._avoided.keys()
        if not nodes or not left:
            return False
        self._avoided.update(dict.fromkeys(nodes, place))
        for hand in [each for each in self._hands if each.about and each.about.node in nodes]:
            hand.last = True
            if hand.job is None:
                self._replace(hand)
        return True

    # Workers.

    def _hire(self) -> None:
        actor = self._cluster.hire(tuple(self._avoided))
        hand = Hand(actor, actor.about.remote())
        self._hands.append(hand)
        self._answers[hand.hello] = hand

    def _replace(self, hand: Hand) -> None:
        """End a worker and start another one."""
        self._answers.pop(hand.hello, None)
        self._answers.pop(hand.answer, None)
        self._hands.remove(hand)
        self._cluster.dismiss(hand.actor)
        if not self._closed:
            self._hire()

    def _give_out(self) -> None:
        """Hand jobs that wait to workers that don't, the one that has waited longest first."""
        idle = [each for each in self._hands if each.about is not None and each.job is None and not each.last]
        for hand in idle:
            if not self._waiting:
                return
            job = self._waiting.popleft()
            number, reference = self._sent_kit(job)
            hand.job, hand.begun = job, time.monotonic()
            hand.answer = hand.actor.carry_out.remote(number, [reference], order(job))
            self._answers[hand.answer] = hand

    def _sent_kit(self, job: Job) -> tuple[int, Any]:
        """Number and reference of the kit for this job, which is put on the cluster where it is another search's."""
        number, kit, reference = self._latest
        if kit is None or not kit.serves(job):
            number, kit = number + 1, Kit.of(job)
            reference = self._cluster.put(kit)
            self._latest = number, kit, reference
        return number, reference

    # Answers.

    def _look(self) -> None:
        """Take in all answers that are there, and end what has taken too long."""
        self._looked = time.monotonic()
        for reference in self._cluster.ready(list(self._answers)):
            owner = self._answers.pop(reference, None)
            if isinstance(owner, Inquest):
                self._concluded(owner, reference)
            elif owner is not None and reference == owner.hello:
                self._arrived(owner)
            elif owner is not None:
                self._answered(owner)
        self._keep_limits()
        self._give_out()

    def _arrived(self, hand: Hand) -> None:
        errors = self._cluster.errors
        try:
            about: About = self._cluster.ray.get(hand.hello)
        except errors.RayError as problem:
            self._failed_starts += 1
            if self._failed_starts >= FAILED_STARTS:
                raise trouble(problem) from None
            self._replace(hand)
            return
        self._failed_starts = 0
        if about.versions != versions():
            raise UserError(f"node {about.place} has {about.versions}, but this search runs with {versions()}")
        hand.about = about
        if about.node in self._avoided:
            self._replace(hand)

    def _answered(self, hand: Hand) -> None:
        """A trial has ended, or its worker has."""
        job, errors = hand.job, self._cluster.errors
        assert job is not None
        seconds = time.monotonic() - hand.begun
        try:
            outcome: Outcome = self._cluster.ray.get(hand.answer)
        except errors.RayTaskError as problem:  # what was sent could not be read there
            self._done(hand)
            reason = str(problem.cause).strip().partition("\n")[0] or type(problem.cause).__name__
            self._end(job, "error", f"the worker could not run the trial: {reason}", seconds, hand, str(problem))
        except errors.RayError as problem:
            self._died(hand, job, seconds, problem)
        else:
            self._done(hand)
            self._outcomes.append(replace(outcome, place=hand.place))

    def _done(self, hand: Hand) -> None:
        hand.job, hand.answer = None, None
        if hand.last:
            self._replace(hand)

    def _died(self, hand: Hand, job: Job, seconds: float, problem: BaseException) -> None:
        """A worker is dead: replace it, and ask its node, where that lives, what it printed last."""
        about, text = hand.about, str(problem)
        assert about is not None
        self._replace(hand)
        alive = {each["NodeID"] for each in self._cluster.nodes()}
        if "NODE_OUT_OF_MEMORY" in text or isinstance(problem, self._cluster.errors.OutOfMemoryError):
            self._end(job, "out_of_memory", "the node had no memory left, and Ray ended the worker", seconds, hand)
        elif about.node not in alive:
            self._end(job, "lost", f"node {about.place} is gone", seconds, hand)
        else:
            inquest = Inquest(hand, job, seconds, time.monotonic() + ASKING)
            self._answers[self._cluster.remains(about.node, about.logs)] = inquest

    def _concluded(self, inquest: Inquest, reference: Any) -> None:
        try:
            log: str = self._cluster.ray.get(reference)
        except self._cluster.errors.RayError:
            self._unexplained(inquest)
            return
        state, reason = ending(log)
        self._end(inquest.job, state, reason, inquest.seconds, inquest.hand, log=log)

    def _unexplained(self, inquest: Inquest) -> None:
        place = inquest.hand.place
        self._end(inquest.job, "lost", f"node {place} is gone or does not answer", inquest.seconds, inquest.hand)

    # Limits and ends.

    def _under_way(self) -> bool:
        waiting = bool(self._waiting) or any(each.job is not None for each in self._hands)
        return waiting or any(isinstance(each, Inquest) for each in self._answers.values())

    def _next_limit(self) -> float:
        """When the next time limit is reached, on the monotonic clock."""
        limits = [each.until for each in self._answers.values() if isinstance(each, Inquest)]
        if self._limit is not None:
            limits += [each.begun + self._limit for each in self._hands if each.job is not None]
        if self._waiting:
            limits.append(self._manned + UNMANNED)
        return min(limits, default=_NEVER)

    def _keep_limits(self) -> None:
        now = time.monotonic()
        for reference, each in list(self._answers.items()):
            if isinstance(each, Inquest) and each.until <= now:
                del self._answers[reference]
                self._unexplained(each)
        if any(each.about is not None for each in self._hands):
            self._manned = now
        elif now >= self._manned + UNMANNED:
            while self._waiting:
                self._end(self._waiting.popleft(), "lost", f"no worker was ready for {UNMANNED:g} s")
        if self._limit is None:
            return
        for hand in [each for each in self._hands if each.job is not None and each.begun + self._limit <= now]:
            self._stop(hand, "timeout", f"took longer than {self._limit:g} s")

    def _stop(self, hand: Hand, state: State, reason: str) -> None:
        """End a job together with its worker."""
        job = hand.job
        assert job is not None
        self._replace(hand)
        self._end(job, state, reason, time.monotonic() - hand.begun, hand)

    def _end(
        self,
        job: Job,
        state: State,
        reason: str,
        seconds: float = 0.0,
        hand: Hand | None = None,
        traceback: str = "",
        log: str = "",
    ) -> None:
        """Note an outcome that the driver found out itself."""
        place = "" if hand is None else hand.place
        self._outcomes.append(
            Outcome(
                *(job.number, state),
                seconds=seconds,
                reason=reason,
                traceback=traceback,
                attempt=job.attempt,
                place=place,
                log=log,
            )
        )


def _check(workers: int, cpus: float, gpus: float, timeout: float | None, memory: int | None) -> None:
    for name, value, right, expected in (
        ("workers", workers, workers >= 1, "at least 1"),
        ("cpus_per_trial", cpus, cpus >= 0, "0 or more"),
        ("gpus_per_trial", gpus, gpus >= 0, "0 or more"),
        ("trial_timeout", timeout, timeout is None or timeout > 0, "seconds, more than 0"),
        ("memory", memory, memory is None or memory > 0, "bytes, more than 0"),
    ):
        if not right:
            raise ConfigurationError(f"Ray: {name} is {value!r}; expected {expected}")

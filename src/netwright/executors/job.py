"""One job from its first stage to its outcome: what every executor does in the place where it runs trials."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Mapping, Sequence
from time import monotonic, perf_counter
from typing import Any

from netwright.core.errors import TrialFailed
from netwright.core.executor import Job, Outcome
from netwright.core.memory_use import is_out_of_memory, peak_on, release, reset_peak_on, threads
from netwright.core.objective import Constraint
from netwright.core.trial import STATES, Measurement, State
from netwright.core.workplace import NOWHERE, Workplace, at, workplace

LONGEST_REASON = 300
LONGEST_TRACEBACK = 20_000


def perform(job: Job, report: Callable[[Mapping[str, float]], None] | None = None) -> Outcome:
    """Run the stages in order and check the limits after each; every end but a KeyboardInterrupt is an outcome.

    Metrics of a later stage replace those of an earlier one with the same name; curves follow each other.

    job: what is asked, with the stages that answer.
    report: hears what an estimator reports while it works, and an empty entry after each stage.
    """
    work = _Work(job, report)
    place = _place(job, report)
    start = perf_counter()
    try:
        if place is workplace():
            reason = work.run()
        else:
            with at(place):
                reason = work.run()
    except KeyboardInterrupt:
        raise
    except BaseException as problem:
        return work.failed(problem, perf_counter() - start)
    return work.outcome("infeasible" if reason else "completed", perf_counter() - start, reason)


def _place(job: Job, report: Callable[[Mapping[str, float]], None] | None) -> Workplace:
    ends = None if job.seconds is None else monotonic() + job.seconds
    if report is not None:
        own = job.folder, report, job.attempt, job.batch_share, job.continued, ends, job.settles, job.parent
        return Workplace(*own, job.constraints)
    plain = (
        not job.constraints and job.attempt == 1 and job.batch_share == 1.0 and not job.continued and job.parent is None
    )
    if plain and job.folder is None and ends is None:
        return NOWHERE
    own = {"attempt": job.attempt, "batch_share": job.batch_share, "continued": job.continued}
    return Workplace(job.folder, **own, ends=ends, settles=job.settles, parent=job.parent, limits=job.constraints)


class _Work:
    """What the stages of one job have measured so far."""

    __slots__ = ("device", "found", "job", "peak", "report", "unchecked")

    def __init__(self, job: Job, report: Callable[[Mapping[str, float]], None] | None) -> None:
        self.job, self.report = job, report
        self.found = _NOTHING
        self.unchecked: Sequence[Constraint] = job.constraints
        self.device = ""
        self.peak = 0

    def run(self) -> str:
        """The limit that is broken, in one line; empty where all that were measured hold."""
        job = self.job
        for stage in job.stages:
            self.device = device = str(stage.device or "")
            if device:
                reset_peak_on(device)
            found = stage.estimate(job.proposal, job.seed)
            if device:
                self.peak = max(self.peak, peak_on(device) or 0)
            self.found = _joined(self.found, found)
            if self.unchecked:
                broken = self.broken_limit()
                if broken:
                    return broken
            if self.report is not None:
                self.report({})
        return ""

    def broken_limit(self) -> str:
        remaining: list[Constraint] = []
        for constraint in self.unchecked:
            if constraint.metric not in self.found.metrics:
                remaining.append(constraint)
            elif not constraint.holds(self.found.metrics):
                return constraint.violation(self.found.metrics)
        self.unchecked = remaining
        return ""

    def outcome(self, state: State, seconds: float, reason: str, trace: str = "") -> Outcome:
        job, device, found = self.job, self.device, self.found
        if not device and self.report is None:
            return Outcome(job.number, state, found, seconds, "", reason, trace, job.attempt, "", self.peak or None)
        return Outcome(
            *(job.number, state, found, seconds, device, reason, trace, job.attempt),
            peak_memory=(max(self.peak, peak_on(device) or 0) if device else self.peak) or None,
            threads=threads(),
        )

    def failed(self, problem: BaseException, seconds: float) -> Outcome:
        state: State = "error"
        if isinstance(problem, TrialFailed):
            state = problem.state if problem.state in STATES else "error"
            self._keep(problem)
        elif is_out_of_memory(problem):
            state = "out_of_memory"
        trace = _shortened(traceback.format_exception(problem)) if state == "error" else ""
        outcome = self.outcome(state, seconds, one_line(problem, state), trace)
        if state == "out_of_memory":
            traceback.clear_frames(problem.__traceback__)
            release()
        return outcome

    def _keep(self, problem: TrialFailed) -> None:
        """What was measured before the end, unless that is itself the problem."""
        try:
            self.found = _joined(self.found, Measurement(problem.metrics, None, problem.curve))
        except (TypeError, ValueError):
            return


_NOTHING = Measurement({})


def _joined(before: Measurement, found: Measurement) -> Measurement:
    """Both as one, in numbers of Python's and mappings that the estimator does not hold."""
    metrics = {**before.metrics, **found.metrics}
    for name, value in metrics.items():
        if type(value) is not float:
            metrics[name] = _number(name, value)
    gradient = before.gradient if found.gradient is None else found.gradient
    if not found.curve:
        return Measurement(metrics, gradient, before.curve)
    curve = [{name: _number(name, value) for name, value in point.items()} for point in found.curve]
    return Measurement(metrics, gradient, (*before.curve, *curve))


def failure(number: int, attempt: int, problem: BaseException) -> Outcome:
    """The outcome of a job that an exception ended outside of its stages."""
    trace = _shortened(traceback.format_exception(problem))
    return Outcome(number, "error", reason=one_line(problem), traceback=trace, attempt=attempt)


def one_line(problem: BaseException, state: State = "error") -> str:
    """What went wrong, for a table: the kind of error unless the state says it, and the first line of its message."""
    lines = str(problem).strip().splitlines()
    message = lines[0] if lines else ""
    kind = type(problem).__name__
    plain = isinstance(problem, TrialFailed) and message
    text = message if plain else (f"{kind}: {message}" if message else kind)
    return _clean(text if len(text) <= LONGEST_REASON else text[: LONGEST_REASON - 1] + "…")


def _number(name: str, value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError, RuntimeError) as problem:
        raise TypeError(
            f"the estimator gave {name!r} as {type(value).__name__} {str(value)[:60]!r}; expected one number"
        ) from problem


def _shortened(lines: Sequence[str]) -> str:
    text = _clean("".join(lines))
    half = LONGEST_TRACEBACK // 2
    return text if len(text) <= LONGEST_TRACEBACK else f"{text[:half]}\n[...]\n{text[-half:]}"


def _clean(text: str) -> str:
    """Text that can be written as UTF-8 whatever was in the message."""
    return text.encode("utf-8", "replace").decode("utf-8")

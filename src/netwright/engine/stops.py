"""When a search ends: it has done enough, or is not worth going on with because its trials fail."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Self

from netwright.core.errors import ConfigurationError, NetwrightError, SearchFailed, UserError, shown
from netwright.core.objective import Constraint, Objective, dominates
from netwright.core.spelling import option
from netwright.core.trial import STATES, Trial
from netwright.core.wording import NAMED, duration, shortened
from netwright.engine.duration import format_duration, parse_duration

OVERRUN = 1.1  # a trial is begun where it should end within this share of the time
FUTILE = 10_000  # networks in a row that break the limits before the search gives up
FIRST = 2.0  # seconds that the first trial may take in any case
THEN_SEARCH = 0.75  # of the time for the training of shared weights, where a search on them follows
SETTLED = 0.6  # of the time, by which a trial before which none has completed ends where something follows the search
_RECENT = 5  # trials that tell how long the next one takes


@dataclass(frozen=True, slots=True)
class Stops:
    """What was asked of one run; None stands for no limit. They count the whole run, sessions before a resume too.

    trials: that ended in any way; networks that broke a limit before they were measured cost nothing, and do not count.
    seconds: wall-clock.
    target: value of the first objective's metric.
    patience: trials in a row without an improvement.
    """

    trials: int | None = None
    seconds: float | None = None
    target: float | None = None
    patience: int | None = None

    @classmethod
    def of(
        cls,
        trials: int | None,
        time: str | float | None,
        target: float | None,
        patience: int | None,
        *,
        bounded: bool = False,
    ) -> Self:
        """Checked stops; ConfigurationError where nothing ends the search, UserError for a time that is none.

        bounded: whether the strategy ends by itself.
        """
        for name, value in (("trials", trials), ("patience", patience)):
            if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < 1):
                raise ConfigurationError(f"{name} must be a whole number of at least 1; found {shown(value)}")
        if target is not None and (
            isinstance(target, bool) or not isinstance(target, (int, float)) or target != target
        ):
            raise ConfigurationError(f"target must be a number, a value of the first objective; found {target!r}")
        seconds = None if time is None else parse_duration(time)
        if trials is None and seconds is None and target is None and patience is None and not bounded:
            raise ConfigurationError(
                f"nothing would end the search; give for example {option('trials', 50)} or {option('time', '10m')}"
            )
        return cls(trials, seconds, target, patience)


class Stopper:
    """Watches the trials of one run, and says when to stop and why."""

    def __init__(
        self,
        stops: Stops,
        objectives: tuple[Objective, ...],
        reserve: Callable[[Trial], float] | None = None,
        *,
        patient: bool = False,
        expected: float | None = None,
        training: float = 1.0,
        keeps_time: bool = False,
    ) -> None:
        """patient: time ends the search only after a trial has completed, and the training of shared weights before it.

        expected: seconds of a typical trial, as far as that is known beforehand.
        training: share of the time after which shared weights are trained no further, where there are any.
        keeps_time: whether the strategy plans the time itself: any trial may begin while there is some, and all end by
            when it is up with what they have.
        """
        self._keeps_time = keeps_time
        self._training = training
        self._expected, self._completed = expected, False
        self._stops = stops
        self._patient = patient
        self._reserve, self._reserved, self._best = reserve, 0.0, None
        self._first = objectives[0]
        self._target = None if stops.target is None else self._first.score({self._first.metric: stops.target})
        self._single = len(objectives) == 1
        self._front: list[tuple[float, ...]] = []
        self._since = self._refused = 0
        self._recent: deque[float] = deque(maxlen=_RECENT)
        self.finished = 0
        self.reason = ""
        self.reached: str | None = None  # the field of `Stops` that is the reason, where it is one of them

    @property
    def stops(self) -> Stops:
        """What holds now."""
        return self._stops

    def change(self, change: Callable[[Stops], Stops]) -> Stops:
        """Change how many trials and how much time there are; what holds now."""
        self._stops = change(self._stops)
        return self._stops

    def note(self, trial: Trial) -> None:
        """Take note of a trial in the order of tells."""
        if cost_nothing(trial, self._first):
            self._refused += 1
            if self._refused >= FUTILE and not self.reason:
                self.reason = f"{self._refused:,} networks in a row were infeasible"
            return
        self._refused = 0
        self.finished += 1
        if self.finished == 2:
            self._recent.clear()
        self._recent.append(trial.seconds)
        scores = trial.scores
        self._patient = self._patient and not scores
        self._completed = self._completed or bool(scores)
        if self._reserve is not None and scores and (self._best is None or scores > self._best):
            self._best, self._reserved = scores, max(0.0, self._reserve(trial))
        if scores and self._target is not None and scores[0] >= self._target and not self.reason:
            value = trial.metrics[self._first.metric]
            self.reason = f"target reached: {self._first.metric} {value:.6g} in trial {trial.number}"
        if self._stops.patience is not None:
            self._since = 0 if scores and self._improves(scores) else self._since + 1
            if self._since >= self._stops.patience and not self.reason:
                self._stop("patience", f"no improvement in {self._since} trials")

    def judge_anew(self, trials: Sequence[Trial]) -> None:
        """Take note of trials as other limits judge them; how many there were stays as it is."""
        self._best, self._reserved, self._front = None, 0.0, []
        for trial in trials:
            if trial.scores and not trial.proposal.is_round:
                self._improves(trial.scores)
                if self._reserve is not None and (self._best is None or trial.scores > self._best):
                    self._best, self._reserved = trial.scores, max(0.0, self._reserve(trial))

    def _improves(self, scores: tuple[float, ...]) -> bool:
        """Whether no earlier trial was as good; with several objectives, whether it joins the Pareto front."""
        if any(kept == scores or dominates(kept, scores) for kept in self._front):
            return False
        self._front = [kept for kept in self._front if not dominates(scores, kept)]
        self._front.append(scores)
        return True

    def may_begin(self, pending: int, seconds: Callable[[], float]) -> bool:
        """Whether another trial may begin while so many are under way. seconds: tells how many have passed.

        `reason` says why not, but where only those under way are in the way.
        """
        if self.reason:
            return False
        stops = self._stops
        if stops.trials is not None and self.finished + pending >= stops.trials:
            if not pending:
                self._stop("trials", f"{self.finished} trials done")
            return False
        if stops.seconds is None or self._patient or self._fits(seconds(), stops.seconds):
            return True
        if not (self.finished or pending) and self._expected is not None:
            return True  # it ends by when it must, with what it has: there is nothing else to hand over
        self.end_of_time()
        return False

    def weights_end(self, seconds: Callable[[], float]) -> bool:
        """Whether the training of shared weights, after which the first trials come, has had its part of the time."""
        limit = self._stops.seconds
        if limit is None or not self._patient:
            return False
        return seconds() >= self._training * (OVERRUN * limit if self._reserve is None else SETTLED * limit)

    def end_of_time(self) -> None:
        """Take note that the time is up, which is why the search stops unless there is a reason already."""
        assert self._stops.seconds is not None
        limit, kept = self._stops.seconds, self._reserved
        said = format_duration(limit)
        if kept:
            said = f"{duration(max(0.0, limit - kept))} of {duration(limit)}; the rest is for the final training"
        if not self.reason:
            self._stop("seconds", f"time is up: {said}")

    def _stop(self, limit: str, reason: str) -> None:
        self.reached, self.reason = limit, reason

    @property
    def seconds(self) -> float | None:
        """The time limit."""
        return self._stops.seconds

    def _fits(self, seconds: float, limit: float) -> bool:
        if seconds >= limit - self._reserved or self._keeps_time:
            return seconds < limit - self._reserved
        return seconds + self._typical() + self._reserved <= limit * OVERRUN

    def _typical(self) -> float:
        """Seconds of the next trial: the median of the recent ones; of the very first only what it should have taken.

        The first one pays for what is done once (libraries, caches), which tells little about the next.
        """
        if self.finished > 1:
            return median(self._recent)
        first = self._recent[0] if self._recent else 0.0
        return first if self._expected is None else min(first, 2 * self._expected) or self._expected

    def remaining(self, seconds: Callable[[], float]) -> float | None:
        """Seconds until trials that still run should be cancelled; None where time does not matter."""
        limit = self._stops.seconds
        if limit is None or self._patient:
            return None
        least = 0.0 if self._completed or self._expected is None else 2 * FIRST
        return max(0.0, max(limit * OVERRUN, least) - self._reserved - seconds())

    def given(self, seconds: Callable[[], float]) -> tuple[float | None, bool]:
        """Seconds that a trial which begins now may take, and whether it then ends with what it has.

        Without a single completed trial there is nothing to hand over.
        """
        limit = self._stops.seconds
        if self._keeps_time and limit is not None and self._completed:
            return max(0.0, limit - self._reserved - seconds()), True
        if limit is None or self._patient or self._completed:
            return self.remaining(seconds), False
        by = limit if self._reserve is None else SETTLED * limit
        return max(0.0 if self._expected is None else FIRST, by - seconds()), True


def cost_nothing(trial: Trial, first: Objective) -> bool:
    """Whether a network broke a limit before it was measured, so that it does not count. first: the first objective."""
    return trial.state == "infeasible" and first.metric not in trial.metrics


BREAKER_TRIALS = 5
BREAKER_SHARE = 0.5
ONLY_INFEASIBLE = 200
_FAULTS = ("error", "out_of_memory", "timeout", "lost")


class Failures:
    """Counts how trials end. `verdict` is the error that should end the search, if any.

    Trials that break a limit are no failures, and a network that diverges is one only while none has completed.
    """

    def __init__(
        self,
        constraints: Sequence[Constraint],
        foretold: Mapping[str, str] | None = None,
        nearest: Callable[[], str] = str,
    ) -> None:
        """foretold: by metric, what foretells it. nearest: says what came nearest to the limits beside the trials."""
        self._beside = nearest
        self._constraints, self._foretold = constraints, foretold or {}
        self._broken: dict[Constraint, None] = {}
        self._counts = dict.fromkeys(STATES, 0)
        self._first = self._refusal = ""
        self._nearest: dict[Constraint, tuple[float, str, Trial]] = {}

    def note(self, trial: Trial, traceback: str = "") -> None:
        state = trial.state
        self._counts[state] += 1
        if state == "completed":
            return
        if state == "infeasible":
            self._refusal = self._refusal or trial.reason
            self._note_limits(trial)
        elif state != "cancelled" and not self._first:
            lines = traceback.strip().splitlines()
            self._first = f"trial {trial.number} ({state}): {lines[-1] if lines else trial.reason}"

    def _note_limits(self, trial: Trial) -> None:
        for constraint in self._constraints:
            metric = constraint.metric
            if metric not in trial.metrics:
                metric = self._foretold.get(metric, metric)
            if metric not in trial.metrics:
                continue
            value = trial.metrics[metric]
            if not constraint.holds({constraint.metric: value}):
                self._broken[constraint] = None
            before, sign = self._nearest.get(constraint), 1 if constraint.relation == "<=" else -1
            if before is None or not sign * value >= sign * before[0]:
                self._nearest[constraint] = value, metric, trial

    def verdict(self) -> NetwrightError | None:
        """The error that ends the search now."""
        counts = self._counts
        if counts["completed"] == 0:
            if counts["infeasible"] >= ONLY_INFEASIBLE and counts["infeasible"] == sum(counts.values()):
                return self._limits_message()
            faults = sum(counts[state] for state in (*_FAULTS, "diverged"))
        else:
            faults = sum(counts[state] for state in _FAULTS)
        tried = sum(counts.values()) - counts["infeasible"] - counts["cancelled"]
        if faults >= BREAKER_TRIALS and faults > BREAKER_SHARE * tried:
            return SearchFailed(f"{faults} of {tried} trials failed; the first was {self._first}")
        return None

    def final_verdict(self) -> NetwrightError | None:
        """The error of a search that has come to its end: it has nothing to show."""
        counts = self._counts
        faults = sum(counts[state] for state in (*_FAULTS, "diverged"))
        if counts["completed"] or not sum(counts.values()) - counts["cancelled"]:
            return None
        if faults:
            return SearchFailed(
                f"none of the {sum(counts.values())} trials completed; the first failure was {self._first}"
            )
        return self._limits_message()

    def _also(self) -> str:
        """What came nearest to the limits beside the trials."""
        beside = self._beside()
        return f"; {beside}" if beside else ""

    def _limits_message(self) -> UserError:
        if not self._nearest:  # what refused them was no limit
            return UserError(
                f"none of the {self._counts['infeasible']} networks that were tried will do; {self._refusal}"
            )
        found = "; ".join(_nearest(limit, *self._nearest[limit]) for limit in self._broken or self._nearest)
        return UserError(
            f"none of the {self._counts['infeasible']} networks that were tried keeps the limits ({found}"
            f"{self._also()}); loosen the limit or choose a space of smaller networks"
        )


def _nearest(limit: Constraint, value: float, metric: str, trial: Trial) -> str:
    """What came nearest to a limit, by which metric, and which architecture that was."""
    end = "smallest" if limit.relation == "<=" else "largest"
    which = shortened(str(trial.proposal.candidate), NAMED)
    return f"{end} {metric} found {value:,.6g}, limit {limit}, by {which}"

"""Whole methods on one task at equal cost: what each found in each repeat, and how it differs from random search."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np

from netwright.benchmarks.statistics import LEVEL, holm
from netwright.core.problem import Metric
from netwright.results.figures import ACCURACY, Contender, difference

COMPLETED = "completed"


@dataclass(frozen=True, slots=True)
class Approach:
    """A method in a space.

    label: what tables call it.
    method: as the command line names it, with its options.
    space: in which it searches, as the command line names it; empty for the usual one of the data.
    family: of its paper, as "gradient"; empty where it has none.
    baseline: the label of the random search in the same space; its own label for that search itself.
    """

    label: str
    method: str
    space: str
    family: str
    baseline: str

    @property
    def is_baseline(self) -> bool:
        """Whether it is what others are set beside."""
        return self.label == self.baseline


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one repeat of an approach.

    label: of the approach.
    repeat: its number, from 0.
    run: its name in the project.
    state: "completed", or "failed" with the reason.
    value: of the network that was found, by the metric that leads, on the test split.
    params, macs: of that network.
    search_seconds: of the search; training_seconds: of the final training and its test.
    memory: the most bytes that the process held, or tensors on the device; None where that is not known.
    trials: architectures that were measured.
    architecture: that was found, in its space's notation.
    """

    label: str
    repeat: int
    run: str
    state: str = COMPLETED
    reason: str = ""
    value: float | None = None
    params: float | None = None
    macs: float | None = None
    search_seconds: float | None = None
    training_seconds: float | None = None
    memory: int | None = None
    trials: int = 0
    architecture: str = ""

    @property
    def seconds(self) -> float | None:
        """Of search, final training and test together."""
        if self.search_seconds is None or self.training_seconds is None:
            return None
        return self.search_seconds + self.training_seconds

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Line:
    """A row of the table: an approach over its repeats.

    values: of the metric that leads, by repeat.
    failed: repeats without a network, and why the first one has none.
    params, search_seconds, seconds: means; memory: the most.
    gain: mean difference from the baseline, in the metric's own direction; None where either has no value.
    interval: its 95 % interval by Welch's t test; None with fewer than two values on either side.
    p, corrected: of that test, the latter by Holm for all methods of the table; None without an interval.
    """

    approach: Approach
    values: tuple[float, ...]
    failed: tuple[int, str] = (0, "")
    params: float | None = None
    search_seconds: float | None = None
    seconds: float | None = None
    memory: int | None = None
    gain: float | None = None
    interval: tuple[float, float] | None = None
    p: float | None = None
    corrected: float | None = None

    @property
    def mean(self) -> float | None:
        return statistics.fmean(self.values) if self.values else None

    @property
    def deviation(self) -> float | None:
        """Sample standard deviation; None for fewer than two values."""
        return statistics.stdev(self.values) if len(self.values) > 1 else None

    def as_json(self) -> dict[str, Any]:
        """The row with what follows from it, flat."""
        own = {**asdict(self.approach), **asdict(self), "mean": self.mean, "deviation": self.deviation}
        del own["approach"]
        return {**own, "failed": self.failed[0], "reason": self.failed[1], "told_apart": self.told_apart}

    @property
    def told_apart(self) -> bool:
        """Whether it differs from random search: a corrected p below 0.05, and an interval on one side of zero."""
        return (
            self.corrected is not None
            and self.corrected < LEVEL
            and self.interval is not None
            and not self.interval[0] <= 0 <= self.interval[1]
        )


@dataclass(frozen=True)
class MethodComparison:
    """The table of all approaches: Table I of a survey, for one's own data.

    task: its name. budget: of each repeat, in words. repeats: that were asked for.
    approaches: in the order in which they were named, random searches last.
    outcomes: of the repeats that have ended.
    metric: that leads. test_examples: on which it was measured. notes: what a reader must know.
    """

    task: str
    budget: str
    repeats: int
    approaches: Sequence[Approach]
    outcomes: Sequence[Outcome]
    metric: Metric = ACCURACY
    test_examples: int = 0
    notes: tuple[str, ...] = field(default=())

    @property
    def missing(self) -> int:
        """Repeats that have not ended yet."""
        ended = {(each.label, each.repeat) for each in self.outcomes}
        return sum((a.label, n) not in ended for a in self.approaches for n in range(self.repeats))

    def of(self, label: str) -> list[Outcome]:
        """The repeats of an approach that have ended, in their order."""
        return sorted((each for each in self.outcomes if each.label == label), key=lambda each: each.repeat)

    def lines(self) -> list[Line]:
        """A row an approach, the best mean first; what has no value comes last."""
        return list(self._lines)

    @cached_property
    def _lines(self) -> list[Line]:
        rows = {each.label: self._line(each) for each in self.approaches}
        found = [self._beside(row, rows[row.approach.baseline]) for row in rows.values()]
        tested = [each for each in found if each.p is not None]
        corrected = dict(
            zip((each.approach.label for each in tested), holm([each.p or 0.0 for each in tested]), strict=True)
        )
        found = [replace(each, corrected=corrected.get(each.approach.label)) for each in found]
        sign = 1 if self.metric.larger_is_better else -1
        return sorted(found, key=lambda each: -np.inf if each.mean is None else sign * each.mean, reverse=True)

    def _line(self, approach: Approach) -> Line:
        ended = self.of(approach.label)
        done = [each for each in ended if each.state == COMPLETED and each.value is not None]
        failed = [each for each in ended if each not in done]
        return Line(
            approach,
            tuple(each.value for each in done if each.value is not None),
            (len(failed), failed[0].reason if failed else ""),
            _mean([each.params for each in done]),
            _mean([each.search_seconds for each in done]),
            _mean([each.seconds for each in done]),
            max((each.memory for each in ended if each.memory is not None), default=None),
        )

    def _beside(self, row: Line, baseline: Line) -> Line:
        """The row with its difference from random search in the same space."""
        if row.approach.is_baseline or not row.values or not baseline.values:
            return row
        ours, theirs = _contender(row), _contender(baseline)
        found = difference(ours, theirs, self.metric.larger_is_better)
        return replace(row, gain=found.value, interval=found.interval, p=welch_p(row.values, baseline.values))

    def as_json(self) -> dict[str, Any]:
        return {
            "task": self.task,
            "metric": asdict(self.metric),
            "test_examples": self.test_examples,
            "budget": self.budget,
            "repeats": self.repeats,
            "methods": [each.as_json() for each in self.lines()],
            "runs": [each.as_json() for each in self.outcomes],
            "missing": self.missing,
            "notes": list(self.notes),
        }


def welch_p(first: Sequence[float], second: Sequence[float]) -> float | None:
    """Two-sided p of Welch's t test (1947); None with fewer than two values on either side.

    Where neither side varies nothing is known of chance: 1 where they are equal, and None where they differ.
    """
    from scipy import stats

    if min(len(first), len(second)) < 2:
        return None
    if np.ptp(first) == np.ptp(second) == 0:
        return 1.0 if first[0] == second[0] else None
    tested: Any = stats.ttest_ind(first, second, equal_var=False)
    return float(tested.pvalue)


def _contender(line: Line) -> Contender:
    return Contender(line.approach.label, line.values, tuple(range(len(line.values))))


def _mean(values: Sequence[float | None]) -> float | None:
    known = [each for each in values if each is not None]
    return statistics.fmean(known) if known else None

"""What was measured on the test split, by whom, at what cost: plain data that reports are made of."""

from __future__ import annotations

import json
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True)
class Contender:
    """One row of the comparison: the winner, or a baseline.

    name: as the report calls it.
    accuracies: share of correct test examples, one for each of `seeds`; no seeds where nothing is random.
    seeds: of the trainings, one for each accuracy; none where nothing is random.
    params, macs: of one network; the mean where the networks differ.
    seconds: training and testing, all seeds together.
    note: what a reader must know.
    """

    name: str
    accuracies: tuple[float, ...]
    seeds: tuple[int, ...] = ()
    params: float | None = None
    macs: float | None = None
    seconds: float = 0.0
    note: str = ""

    @property
    def fixed(self) -> bool:
        """Whether nothing in it is random, so that one measurement is all there is."""
        return not self.seeds

    @property
    def mean(self) -> float:
        return statistics.fmean(self.accuracies)

    @property
    def std(self) -> float | None:
        """Sample standard deviation; None for a single measurement."""
        return statistics.stdev(self.accuracies) if len(self.accuracies) > 1 else None

    @classmethod
    def from_json(cls, described: Mapping[str, Any]) -> Contender:
        lists = {name: tuple(described[name]) for name in ("accuracies", "seeds")}
        return cls(**{**described, **lists})


@dataclass(frozen=True)
class Difference:
    """How much better the winner's mean is than a baseline's, as a share.

    baseline: the name of the baseline.
    value: winner's mean less the baseline's, as a share.
    counts: how many accuracies the winner and the baseline have.
    interval: 95 % confidence interval over seeds, of Welch's t-test (1947), or of Student's where the baseline has no
        randomness; None where a side that is random was measured only once. It says nothing of other test examples.
    """

    baseline: str
    value: float
    counts: tuple[int, int]
    interval: tuple[float, float] | None

    @property
    def better(self) -> bool:
        """Whether the data say so: the whole interval is above zero."""
        return self.interval is not None and self.interval[0] > 0


def difference(winner: Contender, baseline: Contender) -> Difference:
    """Winner minus baseline. A baseline without randomness is a fixed number; otherwise both sides vary.

    winner: the network that was found.
    baseline: what it is set beside.
    """
    value = winner.mean - baseline.mean
    sides = [winner] if baseline.fixed else [winner, baseline]
    counts = len(winner.accuracies), len(baseline.accuracies)
    if any(each.std is None for each in sides):
        return Difference(baseline.name, value, counts, None)
    half = _half_width([((each.std or 0.0) ** 2 / len(each.accuracies), len(each.accuracies)) for each in sides])
    return Difference(baseline.name, value, counts, (value - half, value + half))


def _half_width(sides: Sequence[tuple[float, int]]) -> float:
    """Half of the 95 % interval of a sum of means, each with its squared standard error and number (Welch 1947)."""
    from scipy.stats import t  # comes with scikit-learn

    total = sum(error for error, _ in sides)
    if total < 1e-24:
        return 0.0
    freedom = total**2 / sum(error**2 / (n - 1) for error, n in sides)
    return float(t.ppf(0.975, freedom)) * total**0.5


@dataclass(frozen=True)
class ClassRecall:
    """How many of the test examples of one class are found.

    name: of the class.
    examples: how many test examples are of it.
    recall: as a share; None for a class without examples.
    """

    name: str
    examples: int
    recall: float | None


@dataclass(frozen=True)
class Figures:
    """Everything a report states about a finished network.

    task: its name.
    architecture: in the space's own notation.
    winner: the network that was found.
    baselines: what it is set beside.
    test_examples: how many the accuracies rest on.
    exported_seed: whose weights are handed out.
    hardware: device, threads and versions.
    training: settings and cost of the final training.
    search: cost and settings of the search that found the network; empty where there was none.
    skipped: baselines that were not run, and why.
    data: lines about the data, as where its splits come from.
    notes: what a reader must know.
    left_out: what the time did not suffice for.
    chance: share of the test examples that are of the most frequent class.
    classes: what the weights of `exported_seed` find of each class; empty where classes are about as frequent and
        accuracy alone was asked for.
    """

    task: str
    architecture: str
    winner: Contender
    baselines: tuple[Contender, ...]
    test_examples: int
    exported_seed: int
    hardware: dict[str, Any] = field(default_factory=dict)
    training: dict[str, Any] = field(default_factory=dict)
    search: dict[str, Any] = field(default_factory=dict)
    skipped: dict[str, str] = field(default_factory=dict)
    data: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    chance: float | None = None
    classes: tuple[ClassRecall, ...] = ()

    @property
    def balanced_accuracy(self) -> float | None:
        """The mean of the recalls, in which each class counts alike; None where they were not wanted."""
        known = [each.recall for each in self.classes if each.recall is not None]
        return statistics.fmean(known) if known else None

    @property
    def differences(self) -> tuple[Difference, ...]:
        return tuple(difference(self.winner, each) for each in self.baselines)

    def as_json(self) -> dict[str, Any]:
        """Every figure as JSON; what has no JSON form is written as text."""
        computed = {"differences": [asdict(each) for each in self.differences]}
        described = {**asdict(self), **computed, "balanced_accuracy": self.balanced_accuracy}
        return json.loads(json.dumps(described, default=str))

    @classmethod
    def from_json(cls, described: Mapping[str, Any]) -> Figures:
        """The figures that `as_json` described."""
        fields = {name: described[name] for name in described if name not in ("differences", "balanced_accuracy")}
        fields["classes"] = tuple(ClassRecall(**each) for each in described.get("classes", ()))
        fields["winner"] = Contender.from_json(described["winner"])
        fields["baselines"] = tuple(Contender.from_json(each) for each in described["baselines"])
        lists = {name: tuple(described.get(name, ())) for name in ("data", "notes", "left_out")}
        return cls(**{**fields, **lists})

"""What was measured on the test split, by whom, at what cost: plain data that reports are made of."""

from __future__ import annotations

import json
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from netwright.core.problem import Breakdown, Metric

_NO_INTERVAL = ("paired", None)
ACCURACY = Metric("accuracy", percent=True, of_examples=True)


@dataclass(frozen=True)
class Contender:
    """One row of the comparison: the winner, or a baseline.

    name: as the report calls it.
    values: the leading metric on the test examples, one for each of `seeds`; no seeds where nothing is random.
    seeds: of the trainings, one for each value; none where nothing is random.
    params, macs: of one network; the mean where the networks differ.
    seconds: training and testing, all seeds together.
    note: what a reader must know.
    others: by name, what else was measured, as `values` is.
    paired: 95 % interval, by the choice of test examples, of how far the winner's mean lies from this one's: both were
        judged on the same examples, resampled together. None for the winner itself, and where it is not known.
    outputs: what was answered to the test examples, float32 (n, outputs) on the CPU, or to as many of the first as were
        kept; only until it is compared.
    """

    name: str
    values: tuple[float, ...]
    seeds: tuple[int, ...] = ()
    params: float | None = None
    macs: float | None = None
    seconds: float = 0.0
    note: str = ""
    others: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    paired: tuple[float, float] | None = None
    outputs: Any = field(default=None, compare=False, repr=False)

    @property
    def fixed(self) -> bool:
        """Whether nothing in it is random, so that one measurement is all there is."""
        return not self.seeds

    @property
    def mean(self) -> float:
        return statistics.fmean(self.values)

    @property
    def std(self) -> float | None:
        """Sample standard deviation; None for a single measurement."""
        return statistics.stdev(self.values) if len(self.values) > 1 else None

    def led_by(self, metric: str, before: str) -> Contender:
        """The same with another metric's values first. before: the metric that they are of now."""
        others = {before: self.values, **self.others}
        return replace(self, values=others.pop(metric), others=others)

    @classmethod
    def from_json(cls, described: Mapping[str, Any]) -> Contender:
        """The contender of its fields, or of those of earlier versions, which had accuracies only."""
        own = dict(described)
        accuracies = own.pop("accuracies", ())
        own["values"], own["seeds"] = tuple(own.get("values", accuracies)), tuple(own["seeds"])
        own["others"] = {name: tuple(each) for name, each in own.get("others", {}).items()}
        paired = own.get("paired")
        own["paired"] = None if paired is None else tuple(paired)
        return cls(**own)

    def as_json(self) -> dict[str, Any]:
        """All but the outputs, and an interval where none is known."""
        described = asdict(replace(self, outputs=None))
        return {name: value for name, value in described.items() if name != "outputs" and (name, value) != _NO_INTERVAL}


@dataclass(frozen=True)
class Difference:
    """How far the winner's mean lies from a baseline's in the leading metric; a share where that is one.

    baseline: the name of the baseline.
    value: winner's mean less the baseline's.
    counts: how many values the winner and the baseline have.
    interval: 95 % confidence interval over seeds, of Welch's t-test (1947), or of Student's where the baseline has no
        randomness; None where a side that is random was measured only once. It says nothing of other test examples.
    larger_is_better: of the metric.
    paired: 95 % interval by the choice of test examples; None where it is not known. It says nothing of other seeds.
    """

    baseline: str
    value: float
    counts: tuple[int, int]
    interval: tuple[float, float] | None
    larger_is_better: bool = True
    paired: tuple[float, float] | None = None

    @property
    def whole(self) -> tuple[float, float] | None:
        """What both intervals hold together, the one that is known, or None."""
        known = [each for each in (self.interval, self.paired) if each is not None]
        return (min(low for low, _ in known), max(high for _, high in known)) if known else None

    @property
    def better(self) -> bool:
        """Whether the data say so: all that is known of it is on the good side of zero."""
        if self.whole is None:
            return False
        return self.whole[0] > 0 if self.larger_is_better else self.whole[1] < 0

    @property
    def worse(self) -> bool:
        """Whether the data say so: all that is known of it is on the bad side of zero."""
        if self.whole is None:
            return False
        return self.whole[1] < 0 if self.larger_is_better else self.whole[0] > 0

    @property
    def ahead(self) -> bool:
        """Whether the winner's mean is the better one, by chance or not."""
        return self.value > 0 if self.larger_is_better else self.value < 0


def difference(winner: Contender, baseline: Contender, larger_is_better: bool = True) -> Difference:
    """Winner minus baseline. A baseline without randomness is a fixed number; otherwise both sides vary.

    winner: the network that was found.
    baseline: what it is set beside.
    larger_is_better: of the metric that both were judged by.
    """
    value = winner.mean - baseline.mean
    sides = [winner] if baseline.fixed else [winner, baseline]
    counts = len(winner.values), len(baseline.values)
    if any(each.std is None for each in sides):
        return Difference(baseline.name, value, counts, None, larger_is_better, baseline.paired)
    half = _half_width([((each.std or 0.0) ** 2 / len(each.values), len(each.values)) for each in sides])
    return Difference(baseline.name, value, counts, (value - half, value + half), larger_is_better, baseline.paired)


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
class WorstExample:
    """A test example that is answered worse than most.

    number: its place among the test examples, from 0.
    loss: of the answer.
    asked, answered: in words; empty where the kind of problem has none.
    file: where its user has it; empty where it is no file of its own.
    row: the cells of its row, by column.
    text: the beginning of it.
    picture: a small PNG, as a data address.
    """

    number: int
    loss: float
    asked: str = ""
    answered: str = ""
    file: str = ""
    row: Mapping[str, str] = field(default_factory=dict)
    text: str = ""
    picture: str = ""

    @property
    def looks(self) -> str:
        """What it is, in a line: its file, the cells of its row, or the beginning of its text."""
        cells = ", ".join(f"{name} {cell}" for name, cell in self.row.items())
        return self.file or cells or self.text


@dataclass(frozen=True)
class Figures:
    """Everything a report states about a finished network.

    task: its name.
    architecture: in the space's own notation.
    winner: the network that was found.
    baselines: what it is set beside.
    test_examples: how many the values rest on.
    exported_seed: whose weights are handed out.
    hardware: device, threads and versions.
    training: settings and cost of the final training.
    search: cost and settings of the search that found the network; empty where there was none.
    skipped: baselines that were not run, and why.
    data: lines about the data, as where its splits come from.
    notes: what a reader must know.
    left_out: what the time did not suffice for.
    chance: what the best answer that looks at no input gives in the leading metric; None where there is none.
    classes: what the weights of `exported_seed` find of each class; empty where no classes are asked for.
    metrics: what was measured on the test examples; the first one leads: `values` are of it.
    constant: the name of that answer, as in "always the mean"; its row stands among the baselines.
    error: standard error of the leading metric by the choice of test examples, where it is no share of them and could
        be found by resampling them.
    confusion: how many test examples of each class (rows, in the order of `classes`) the weights of `exported_seed`
        take for each (columns); empty above 200 classes.
    breakdown: what the weights of `exported_seed` give for each label, number or the like, where the kind of problem
        says so.
    verdict: what a report says first: which is better, and by how much; empty where there is nothing to say.
    instead: lines of Python that make what is better than the network, where it is something simpler.
    known: how the well-known networks fared that the search began with; None where it did not.
    worst: the test examples of the highest loss with the weights of `exported_seed`, the worst first.
    limits: of a machine, each as it was predicted, measured in the search, and of the network that is handed over.
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
    metrics: tuple[Metric, ...] = (ACCURACY,)
    constant: str = ""
    error: float | None = None
    confusion: tuple[tuple[int, ...], ...] = ()
    breakdown: Breakdown | None = None
    verdict: str = ""
    instead: tuple[str, ...] = ()
    known: Breakdown | None = None
    limits: Breakdown | None = None
    worst: tuple[WorstExample, ...] = ()

    @property
    def main(self) -> Metric:
        """The metric that tables, differences and verdicts are of."""
        return self.metrics[0]

    @property
    def standard_error(self) -> float | None:
        """Of the winner's mean, by the choice of so many test examples; None where it is not known."""
        if self.main.of_examples:
            return (self.winner.mean * (1 - self.winner.mean) / max(1, self.test_examples)) ** 0.5
        return self.error

    @property
    def balanced_accuracy(self) -> float | None:
        """The mean of the recalls, in which each class counts alike; None where no classes are asked for."""
        known = [each.recall for each in self.classes if each.recall is not None]
        return statistics.fmean(known) if known else None

    @property
    def differences(self) -> tuple[Difference, ...]:
        return tuple(difference(self.winner, each, self.main.larger_is_better) for each in self.baselines)

    def as_json(self) -> dict[str, Any]:
        """Every figure as JSON; what has no JSON form is written as text."""
        computed = {name: getattr(self, name) for name in ("balanced_accuracy", "standard_error")}
        computed["differences"] = [asdict(each) for each in self.differences]
        bare = replace(self, winner=replace(self.winner, outputs=None), baselines=())
        described = {**asdict(bare), **computed, "winner": self._row(self.winner)}
        described["baselines"] = [self._row(each) for each in self.baselines]
        return json.loads(json.dumps(described, default=str))

    def _row(self, contender: Contender) -> dict[str, Any]:
        """Accuracies are also called that, as they always were."""
        found = contender.values if self.main.name == "accuracy" else contender.others.get("accuracy")
        return {**contender.as_json(), **({} if found is None else {"accuracies": found})}

    @classmethod
    def from_json(cls, described: Mapping[str, Any]) -> Figures:
        """The figures that `as_json` described, here or in an earlier version."""
        computed = ("differences", "balanced_accuracy", "standard_error")
        fields = {name: described[name] for name in described if name not in computed}
        fields["classes"] = tuple(ClassRecall(**each) for each in described.get("classes", ()))
        fields["metrics"] = tuple(Metric(**each) for each in described.get("metrics", ())) or (ACCURACY,)
        fields["confusion"] = tuple(map(tuple, described.get("confusion", ())))
        fields["breakdown"] = Breakdown.from_json(described.get("breakdown"))
        fields["known"] = Breakdown.from_json(described.get("known"))
        fields["limits"] = Breakdown.from_json(described.get("limits"))
        fields["worst"] = tuple(WorstExample(**each) for each in described.get("worst", ()))
        fields["winner"] = Contender.from_json(described["winner"])
        fields["baselines"] = tuple(Contender.from_json(each) for each in described["baselines"])
        lists = {name: tuple(described.get(name, ())) for name in ("data", "notes", "left_out", "instead")}
        return cls(**{**fields, **lists})

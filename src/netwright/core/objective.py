"""What is wanted: metrics with a direction, limits on metrics, and which of several trials is the better one."""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol, TypeVar

from netwright.core.amounts import parse_amount_of, plain
from netwright.core.combination import combination, is_combination, is_name
from netwright.core.errors import UserError, nearest
from netwright.core.kinds import kinds_checked

if TYPE_CHECKING:
    from netwright.core.problem import Metric, Problem

PROVIDES = ("obj.scalarise",)

Direction = Literal["maximize", "minimize"]
LESS_IS_BETTER = frozenset(
    (
        *("loss", "error", "err", "mse", "mae", "rmse", "perplexity"),
        *("params", "parameters", "macs", "flops", "memory", "bytes", "size", "kb", "mb", "gb"),
        *("latency", "time", "seconds", "ms", "us", "energy", "j", "mj", "cost"),
    )
)  # as words of a metric's name


@dataclass(frozen=True, slots=True)
class Objective:
    """A number to make large or small: a metric, or a combination of several.

    metric: its name, or a combination such as "val_accuracy * (macs / 30M) ^ -0.07"; the combination's value is kept
        with each trial under this very text.
    direction: "maximize" or "minimize".
    """

    metric: str
    direction: Direction = "maximize"

    @classmethod
    @kinds_checked
    def parse(cls, text: str | Objective) -> Objective:
        """Read a metric's name or a combination, with or without ":maximize" or ":minimize".

        Of a name its words say that parameters, operations, losses, errors, times, memory, sizes and costs are to be
        small; everything else is to be large, combinations, too.
        """
        if isinstance(text, Objective):
            return text
        metric, _, direction = text.partition(":")
        known: dict[str, Direction] = {
            "maximize": "maximize",
            "max": "maximize",
            "minimize": "minimize",
            "min": "minimize",
        }
        if direction and direction not in known:
            raise UserError(f"objective {text!r} has direction {direction!r}{nearest(direction, known)}")
        if is_combination(metric):
            return cls(metric.strip(), known.get(direction, "maximize"))
        if not direction:
            small = not LESS_IS_BETTER.isdisjoint(re.findall("[a-z]+", metric.lower()))
            return cls(metric, "minimize" if small else "maximize")
        return cls(metric, known[direction])

    @classmethod
    def weighted(cls, **weights: float) -> Objective:
        """The sum of metrics times weights, as `Objective.weighted(val_accuracy=1.0, macs=-1e-9)`; larger is better."""
        return cls.parse(" + ".join(f"{plain(weight)} * {name}" for name, weight in weights.items()))

    @classmethod
    def product(cls, **powers: float) -> Objective:
        """The product of powers of metrics, as `Objective.product(val_accuracy=1.0, macs=-0.07)`; larger is better."""
        return cls.parse(" * ".join(f"{name} ^ {plain(power)}" for name, power in powers.items()))

    @classmethod
    def with_target(
        cls,
        metric: str,
        cost: str,
        target: str | float,
        *,
        exponent: float = -0.07,
        shape: Literal["soft", "hard", "absolute"] = "soft",
    ) -> Objective:
        """A metric, less where a cost misses its target.

        metric: to be large, such as "val_accuracy".
        cost: to be at the target, such as "macs".
        target: a number, or an amount such as "30M".
        exponent: how much it counts; below 0. That of Tan et al. (2019) is -0.07 for "soft", and -1 for "hard".
        shape: "soft" is metric * (cost / target) ^ exponent, "hard" the same where the cost is above the target and the
            metric itself below (Tan et al. 2019, "MnasNet"); "absolute" is metric + exponent * |cost / target - 1|
            (Bender et al. 2020, "TuNAS").
        """
        if not exponent < 0 or shape not in ("soft", "hard", "absolute"):
            raise UserError(
                f"with_target: exponent = {exponent!r}, shape = {shape!r}; expected an exponent below 0, and the shape "
                "'soft', 'hard' or 'absolute'"
            )
        ratio = f"{cost} / {plain(target) if isinstance(target, (int, float)) else target}"
        forms = {
            "soft": f"{metric} * ({ratio}) ^ {plain(exponent)}",
            "hard": f"{metric} * max(1, {ratio}) ^ {plain(exponent)}",
            "absolute": f"{metric} - {plain(-exponent)} * abs({ratio} - 1)",
        }
        return cls.parse(forms[shape])

    def needs(self, known: Collection[str] = ()) -> tuple[str, ...]:
        """The metrics that it follows from.

        known: names of metrics, which stand for themselves.

        Raises UserError where it is none of them, and no combination that can be read.
        """
        if self.metric in known or is_name(self.metric):
            return (self.metric,)
        return combination(self.metric).needs

    def value(self, metrics: Mapping[str, float]) -> float:
        """The metric, or what the combination comes to. UserError where a metric that it needs was not measured."""
        if self.metric in metrics:
            return float(metrics[self.metric])
        missing = [name for name in self.needs() if name not in metrics]
        if missing:
            needs = "" if missing[0] == self.metric else f" needs {missing[0]!r}, which"
            raise UserError(f"the objective {self.metric!r}{needs} was not measured{nearest(missing[0], metrics)}")
        return combination(self.metric).value(metrics)

    def score(self, metrics: Mapping[str, float]) -> float:
        """The value, oriented so that larger is better; NaN counts as the worst there is."""
        measured = metrics.get(self.metric)
        value = self.value(metrics) if measured is None else float(measured)
        if math.isnan(value):
            return -math.inf
        return value if self.direction == "maximize" else -value

    def __str__(self) -> str:
        return f"{self.metric}:{self.direction}"


@dataclass(frozen=True, slots=True)
class Constraint:
    """A limit that a network must keep: metric <= limit, or metric >= limit.

    metric: its name.
    limit: in the metric's own unit.
    relation: "<=" or ">=".
    """

    metric: str
    limit: float
    relation: Literal["<=", ">="] = "<="

    @classmethod
    @kinds_checked
    def parse(cls, text: str | Constraint) -> Constraint:
        """Read "params <= 500k", "val_accuracy >= 0.9" or "latency_ms <= 5 ms".

        k, M and G stand for thousands, millions and milliards, kB, MB and GB likewise, KiB, MiB and GiB for powers of
        1,024; times and energies have units of their own (see `core.amounts`), by themselves they are in that of the
        metric's name.
        """
        if isinstance(text, Constraint):
            return text
        match = re.fullmatch(r"\s*(\w+)\s*(<=|>=|<|>|==?)\s*(.*\S)\s*", text)
        if match is None:
            raise UserError(f"limit {text!r} was not understood; expected for example 'params <= 500k'")
        metric, relation, amount = match.groups()
        if relation not in ("<=", ">="):
            meant = "<= or >=" if "=" in relation else f"{relation}="
            raise UserError(f"limit {text!r} has {relation!r}; expected {meant}, as in 'params <= 500k'")
        return cls(metric, _signed(metric, amount), "<=" if relation == "<=" else ">=")

    def holds(self, metrics: Mapping[str, float]) -> bool:
        value = metrics[self.metric]
        return value <= self.limit if self.relation == "<=" else value >= self.limit

    @property
    def exactly(self) -> str:
        """The limit as text from which exactly the same is read."""
        return f"{self.metric} {self.relation} {float(self.limit)!r}"

    def violation(self, metrics: Mapping[str, float]) -> str:
        """One line that says by how much the limit is missed."""
        return f"{self.metric} {_shown(metrics[self.metric])} breaks the limit {self}"

    def __str__(self) -> str:
        return f"{self.metric} {self.relation} {_shown(self.limit)}"


def names_in(asked: Iterable[str | Objective | Constraint]) -> list[str]:
    """The names in objectives, combinations and limits, as far as they can be told without knowing the metrics."""
    found = (name for each in asked for name in re.findall(r"[^\W\d]\w*", str(each).partition(":")[0]))
    return list(dict.fromkeys(found))


def leading(objectives: Sequence[Objective], problem: Problem) -> Metric:
    """The metric that reports lead with: the first objective that is one of the problem's, its main one otherwise."""
    measured = {"loss", *(each.name for each in problem.metrics)}
    asked = [each.metric.removeprefix("val_") for each in objectives]
    return next((problem.metric(each) for each in asked if each in measured), problem.main)


def _shown(value: float) -> str:
    """A whole number in full, others with six digits."""
    return f"{value:,.0f}" if math.isfinite(value) and value == round(value) else f"{value:,.6g}"


def _signed(metric: str, text: str) -> float:
    return -parse_amount_of(metric, text[1:]) if text.startswith("-") else parse_amount_of(metric, text)


def dominates(first: Sequence[float], second: Sequence[float]) -> bool:
    """Whether `first` is at least as good in every score and better in one (larger is better)."""
    return all(a >= b for a, b in zip(first, second, strict=True)) and tuple(first) != tuple(second)


class Scored(Protocol):
    """A trial, as far as it is compared with others: `core.trial.Trial`, and the store's own."""

    @property
    def number(self) -> int: ...

    @property
    def completed(self) -> bool: ...

    @property
    def scores(self) -> tuple[float, ...]: ...

    @property
    def share(self) -> float: ...


S = TypeVar("S", bound=Scored)


def front(trials: Sequence[S]) -> list[S]:
    """The completed trials that no other dominates, best first score first; of equal ones the earliest."""
    ordered = sorted((t for t in trials if t.completed), key=lambda t: (*(-score for score in t.scores), t.number))
    if not ordered or len(ordered[0].scores) == 1:
        return ordered[:1]
    from moocore import is_nondominated  # pyright: ignore[reportMissingTypeStubs]

    kept = is_nondominated([trial.scores for trial in ordered], maximise=True, keep_weakly=False)
    return [trial for trial, stays in zip(ordered, kept, strict=True) if stays]


def fitness(trial: Scored) -> tuple[float, ...]:
    """A sort key, larger is better: scores in the objectives' order, below them every trial that did not complete."""
    return (1.0, *trial.scores) if trial.completed else (0.0,)


def fittest(trials: Sequence[S]) -> S:
    """The best trial; with one objective the highest score, with several the first objective decides, then the next.

    Of equal ones the earliest.
    """
    return max(trials, key=lambda trial: (fitness(trial), -trial.number))


def rank(trial: Scored) -> tuple[float, tuple[float, ...], int]:
    """A sort key of completed trials, larger is better: fidelity, scores, and of equal ones the earlier."""
    return trial.share, trial.scores, -trial.number


def comparable(trials: Sequence[S]) -> list[S]:
    """The completed evaluations at the highest fidelity that any of them has."""
    scored = [trial for trial in trials if trial.completed and trial.scores]
    highest = max((trial.share for trial in scored), default=1.0)
    return [trial for trial in scored if trial.share == highest]

"""What is wanted: metrics with a direction, limits on metrics, and which of several trials is the better one."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, TypeVar

from netwright.core.errors import UserError, nearest
from netwright.core.kinds import kinds_checked

Direction = Literal["maximize", "minimize"]
LESS_IS_BETTER = frozenset(
    (
        *("loss", "error", "err", "mse", "mae", "rmse", "perplexity"),
        *("params", "parameters", "macs", "flops", "memory", "bytes", "size", "kb", "mb", "gb"),
        *("latency", "time", "seconds", "ms", "energy", "cost"),
    )
)  # as words of a metric's name
_DECIMAL = {"k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12}
_BINARY = {f"{letter}ib": 2 ** (10 * power) for power, letter in enumerate("kmgt", 1)}
_FACTORS = {"": 1, "b": 10**9, **_DECIMAL, **{f"{each}b": factor for each, factor in _DECIMAL.items()}, **_BINARY}


@dataclass(frozen=True, slots=True)
class Objective:
    """A metric to make large or small.

    `Objective.parse("params")` knows from the words of a name that parameters, operations, losses, errors, times,
    memory, sizes and costs are to be small; everything else large. "params:maximize" says otherwise.
    """

    metric: str
    direction: Direction = "maximize"

    @classmethod
    @kinds_checked
    def parse(cls, text: str | Objective) -> Objective:
        if isinstance(text, Objective):
            return text
        metric, _, direction = text.partition(":")
        known: dict[str, Direction] = {
            "maximize": "maximize",
            "max": "maximize",
            "minimize": "minimize",
            "min": "minimize",
        }
        if not direction:
            small = not LESS_IS_BETTER.isdisjoint(re.findall("[a-z]+", metric.lower()))
            return cls(metric, "minimize" if small else "maximize")
        if direction not in known:
            raise UserError(f"objective {text!r} has direction {direction!r}{nearest(direction, known)}")
        return cls(metric, known[direction])

    def score(self, metrics: Mapping[str, float]) -> float:
        """The metric, oriented so that larger is better; NaN counts as the worst there is."""
        if self.metric not in metrics:
            raise UserError(f"the objective {self.metric!r} was not measured{nearest(self.metric, metrics)}")
        value = float(metrics[self.metric])
        if math.isnan(value):
            return -math.inf
        return value if self.direction == "maximize" else -value

    def __str__(self) -> str:
        return f"{self.metric}:{self.direction}"


@dataclass(frozen=True, slots=True)
class Constraint:
    """A limit that a network must keep: metric <= limit, or metric >= limit."""

    metric: str
    limit: float
    relation: Literal["<=", ">="] = "<="

    @classmethod
    @kinds_checked
    def parse(cls, text: str | Constraint) -> Constraint:
        """Read "params <= 500k" or "val_accuracy >= 0.9"; k, M and G stand for thousands, millions and milliards,
        kB, MB and GB likewise, KiB, MiB and GiB for powers of 1,024."""
        if isinstance(text, Constraint):
            return text
        match = re.fullmatch(r"\s*(\w+)\s*(<=|>=|<|>|==?)\s*(.*\S)\s*", text)
        if match is None:
            raise UserError(f"limit {text!r} was not understood; expected for example 'params <= 500k'")
        metric, relation, amount = match.groups()
        if relation not in ("<=", ">="):
            meant = "<= or >=" if "=" in relation else f"{relation}="
            raise UserError(f"limit {text!r} has {relation!r}; expected {meant}, as in 'params <= 500k'")
        return cls(metric, _signed(amount), "<=" if relation == "<=" else ">=")

    def holds(self, metrics: Mapping[str, float]) -> bool:
        value = metrics[self.metric]
        return value <= self.limit if self.relation == "<=" else value >= self.limit

    def violation(self, metrics: Mapping[str, float]) -> str:
        """One line that says by how much the limit is missed."""
        return f"{self.metric} {_shown(metrics[self.metric])} breaks the limit {self}"

    def __str__(self) -> str:
        return f"{self.metric} {self.relation} {_shown(self.limit)}"


def _shown(value: float) -> str:
    """A whole number in full, others with six digits."""
    return f"{value:,.0f}" if math.isfinite(value) and value == round(value) else f"{value:,.6g}"


def _signed(text: str) -> float:
    return -parse_amount(text[1:]) if text.startswith("-") else parse_amount(text)


def parse_amount(text: str) -> float:
    """A positive number with an optional unit in any case: 500k and 500 kB are 500,000, 1 KiB is 1,024."""
    match = re.fullmatch(r"(\d[\d_,]*(?:\.\d+)?(?:e[+-]?\d+)?)\s*([kmgt]?(?:i?b)?|b)", text.strip().lower())
    if match is None or match[2] not in _FACTORS:
        raise UserError(f"{text!r} is not an amount; expected a number such as 500000, 500k, 1.5M, 4 MB or 512 KiB")
    value = float(match[1].replace(",", "").replace("_", "")) * _FACTORS[match[2]]
    if not math.isfinite(value):
        raise UserError(f"{text!r} is too large a number for a limit")
    return value


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

"""Before a search trains: do the smallest and the largest network of the space run, and can the limits be kept?"""

from __future__ import annotations

import itertools
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from netwright.core.errors import TrialFailed, UntrainableSpace, UserError, marked
from netwright.core.randomness import derived_seed
from netwright.core.trial import Proposal
from netwright.engine.first_batch import NoRoom, attempt, unbuildable
from netwright.engine.refused import refused_line
from netwright.engine.rounds import round_estimator

if TYPE_CHECKING:
    from netwright.core.architecture import Architecture
    from netwright.core.estimator import Estimator, RoundEstimator
    from netwright.core.objective import Constraint
    from netwright.engine.first_batch import Trains, Tried
    from netwright.engine.search import Search

SAMPLES = 200
RANDOM = 3  # networks beside the smallest and the largest whose export is tried
COUNTING = 2.0  # seconds for counting networks, where nothing depends on the smallest one
COUNTING_FOR_LIMITS = 20.0  # seconds for it, where there are limits on what is counted
OTHERS = 4  # networks that are tried where the smallest raises an error, before all are taken for faulty
CLIMBING = 0.3  # seconds for going on from the smallest and the largest sample, by one decision at a time


@dataclass(frozen=True)
class Preflight:
    """What was found.

    sampled: how many architectures were counted. warnings: what the search will meet on its way. not_exportable: why a
    network of the space cannot be exported; empty where those that were tried can.
    """

    smallest: Tried
    largest: Tried | None
    sampled: int
    seconds: float
    device: str
    size: int
    warnings: tuple[str, ...] = field(default=())
    typical: Architecture | None = None  # the middle one by multiply-adds of those that keep the limits
    not_exportable: str = ""

    def lines(self) -> list[str]:
        """What to tell the user."""
        first = self.smallest
        if self.size == 1:
            head = f"the space holds one network, of {first.params:,} parameters; it"
        elif self.largest is None or self.largest.architecture == first.architecture:
            head = f"the smallest network of {self.sampled}, of {first.params:,} parameters,"
        else:
            head = (
                f"the smallest and the largest network of {self.sampled}, of {first.params:,} and "
                f"{self.largest.params:,} parameters,"
            )
        ran = f"preflight: {head} ran a batch forward and backward on {self.device} ({self.seconds:.1f} s)"
        warnings = [*self.warnings, self.not_exportable] if self.not_exportable else self.warnings
        return [ran, *(f"warning: {each}" for each in warnings)]


def preflight(search: Search, *, exports: bool = True) -> Preflight | None:
    """Try the smallest and the largest network of the space on the task; None where the search trains none.

    About 200 random architectures are counted, not built, to find them. Raises UserError where one cannot be trained
    (its output has a wrong shape, is complex or has no gradient), or where none of the 200 keeps a limit on parameters,
    multiply-adds or activations; UntrainableSpace where all that are tried raise an error. Where only some raise one,
    or only the largest needs too much memory, that is a warning: such a network costs one trial.
    exports: whether to try if the networks can be exported, which runs them in evaluation in this process.
    """
    shared = round_estimator(search.estimator)
    if shared is not None:
        _try_shared(shared, search.seed)
        return None
    estimator = trains(search)
    if estimator is None:
        return None
    start = time.perf_counter()
    sample = _Sample(estimator, search.limits, np.random.default_rng(search.seed))
    warnings = sample.check_limits()
    smallest, largest = sample.extremes()
    first, failures = _first_sound(estimator, sample, smallest, largest)
    last = None
    if largest not in (smallest, first.architecture) and largest not in failures:
        try:
            last = attempt(estimator, largest, sample.figures(largest))
        except NoRoom as problem:
            warnings = [*warnings, f"{problem}; trials of networks as large as that end as out_of_memory"]
        except UntrainableSpace as problem:
            failures[largest] = problem
    warnings = [*warnings, *sample.refused_lines(), *(_one_trial(each) for each in failures.values())]
    few = [smallest, largest, *itertools.islice(sample.counted, RANDOM)] if exports else []
    return Preflight(
        *(first, last, len(sample.counted), time.perf_counter() - start, str(estimator.device), estimator.space.size),
        warnings=tuple(warnings),
        typical=sample.middle(),
        not_exportable=_not_exportable(estimator, [each for each in few if each not in failures]),
    )


def _not_exportable(estimator: Trains, architectures: Sequence[Architecture]) -> str:
    """Why one of these networks cannot be exported; empty where all can."""
    from netwright.results.exportable import check_exportable

    try:
        check_exportable(estimator.space, estimator.task.shape, dict.fromkeys(architectures))
    except UserError as problem:
        return str(problem)
    return ""


def _first_sound(
    estimator: Trains, sample: _Sample, smallest: Architecture, largest: Architecture
) -> tuple[Tried, dict[Architecture, UntrainableSpace]]:
    """The smallest network, or where it raises an error another one that does not; and those that raised one."""
    failures: dict[Architecture, UntrainableSpace] = {}
    for each in (smallest, *sample.others(smallest, largest)):
        try:
            return attempt(estimator, each, sample.figures(each)), failures
        except UntrainableSpace as problem:
            failures[each] = problem
    raise next(iter(failures.values()))


def _one_trial(problem: UntrainableSpace) -> str:
    return f"{problem}; each such network costs a trial: restrict the space to what goes together"


def _try_shared(estimator: RoundEstimator, seed: int) -> None:
    """Make the shared weights once, so that what they cannot be made of is said before there is a run."""
    if getattr(estimator, "trained", None) is None:
        try:
            estimator.begin(derived_seed(seed))
        except TrialFailed as problem:
            raise UserError(f"the shared weights cannot be made: {marked(problem)}") from problem
        finally:
            estimator.forget()


def trains(search: Search) -> Trains | None:
    """The stage of the search that trains networks on a task, if there is one."""
    names = ("space", "task", "settings", "device", "cost")
    stages = (search.estimator, *search.estimator.stages())
    return next((each for each in stages if all(hasattr(each, name) for name in names)), None)  # pyright: ignore


class _Sample:
    """Random architectures of a space with what they cost."""

    def __init__(self, estimator: Trains, limits: Sequence[Constraint], rng: np.random.Generator) -> None:
        self._cost: Estimator = estimator.cost
        known = self._cost.metrics
        self._space, self._limits = estimator.space, [each for each in limits if each.metric in known]
        self.counted: dict[Architecture, dict[str, float]] = {}
        self.refused: dict[Architecture, Exception] = {}
        self._draw(rng)
        if not self.counted:
            raise unbuildable(*next(iter(self.refused.items())), len(self.refused))

    def figures(self, architecture: Architecture) -> dict[str, float]:
        found = self.counted.get(architecture)
        if found is None:
            found = dict(self._cost.estimate(Proposal(architecture), 0).metrics)
        return found

    def _draw(self, rng: np.random.Generator) -> None:
        self._count(self._space.sample(rng))  # the first one also pays for what is found out once
        end = time.monotonic() + (COUNTING_FOR_LIMITS if self._limits else COUNTING)
        few = self._space.size <= SAMPLES
        candidates = self._space.enumerate() if few else (self._space.sample(rng) for _ in range(SAMPLES - 1))
        for architecture in candidates:
            if time.monotonic() > end:
                break
            self._count(architecture)

    def _count(self, architecture: Architecture) -> None:
        try:
            self.counted[architecture] = self.figures(architecture)
        except Exception as problem:  # a combination of answers that cannot be built costs a trial, not the search
            self.refused[architecture] = problem

    def refused_lines(self) -> list[str]:
        """A warning where some of the networks cannot be built."""
        return [refused_line(self.refused, list(self.counted))] if self.refused else []

    def others(self, *known: Architecture) -> list[Architecture]:
        """A few further networks, from the smallest to the largest."""
        further = sorted((each for each in self.counted if each not in known), key=self._params)
        return further[:: max(1, len(further) // OTHERS)][:OTHERS] + list(known[1:])

    def _params(self, architecture: Architecture) -> float:
        return self.counted[architecture]["params"]

    def check_limits(self) -> list[str]:
        """Warnings; UserError where no network that was counted keeps a limit."""
        if not self._limits or any(self._keeps(each) for each in self.counted.values()):
            return []
        for limit in self._limits:
            sign = 1 if limit.relation == "<=" else -1
            best = min((each[limit.metric] for each in self.counted.values()), key=lambda value: sign * value)
            if limit.holds({limit.metric: best}):
                continue
            climbed = self._climbed(limit.metric, sign)
            if not limit.holds(self.figures(climbed)):
                extreme = "smallest" if sign > 0 else "largest"
                reached = self.figures(climbed)[limit.metric]
                further = "" if reached == best else f", and changing it step by step leads to {reached:,.0f}"
                raise UserError(
                    f"no network keeps the limit {limit}: the {extreme} of {len(self.counted)} has {best:,.0f} "
                    f"{limit.metric}{further}; loosen the limit, or choose a space or options of "
                    f"{'smaller' if sign > 0 else 'larger'} networks"
                )
        return [
            f"none of {len(self.counted)} random networks keeps the limits "
            f"{', '.join(map(str, self._limits))}; few networks of this space do"
        ]

    def _keeps(self, figures: dict[str, float]) -> bool:
        return all(limit.holds(figures) for limit in self._limits)

    def extremes(self) -> tuple[Architecture, Architecture]:
        """The smallest and the largest that keep the limits, by parameters; of all where none is known to."""
        keeping = [each for each, figures in self.counted.items() if self._keeps(figures)] or list(self.counted)
        if self._limits or self._space.size <= SAMPLES:
            return min(keeping, key=self._params), max(keeping, key=self._params)
        return self._climbed("params", 1), self._climbed("params", -1)

    def middle(self) -> Architecture:
        """The one with the median of multiply-adds among the random ones that keep the limits."""
        keeping = [each for each, figures in self.counted.items() if self._keeps(figures)] or list(self.counted)
        keeping.sort(key=lambda each: self.counted[each].get("macs", 0.0))
        return keeping[len(keeping) // 2]

    def _climbed(self, metric: str, sign: int) -> Architecture:
        """From the best sample by single changes to a better one, as far as the time goes; the smallest for sign 1."""

        def value(architecture: Architecture) -> float:
            if architecture in self.refused:
                return float("inf")
            try:
                return sign * self.figures(architecture)[metric]
            except Exception as problem:  # a neighbour that cannot be built is no better one
                self.refused[architecture] = problem
                return float("inf")

        best = min(self.counted, key=value)
        end = time.monotonic() + CLIMBING
        better = True
        while better and time.monotonic() < end:
            better = False
            for neighbor in self._space.neighbors(best):
                if time.monotonic() > end:
                    break
                if value(neighbor) < value(best):
                    best, better = neighbor, True
                    break
        return best

"""Before a search trains: do the smallest and the largest network of the space run, and can the limits be kept?"""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from netwright.core.closest import smallest
from netwright.core.decision_space import DecisionSpace
from netwright.core.errors import ConfigurationError, TrialFailed, UntrainableSpace, UserError, marked
from netwright.core.objective import Constraint
from netwright.core.randomness import derived_seed
from netwright.core.roles import KeepsLimits, LooksAgain, TrainsAlone
from netwright.core.spelling import plain
from netwright.core.strategy import is_led, mixture_of
from netwright.core.trial import Measurement, Proposal
from netwright.core.warning import warn
from netwright.engine.bounds import limits_as_told, told_by
from netwright.engine.preflight.feasibility import check_limits
from netwright.engine.preflight.first_batch import NoRoom, attempt
from netwright.engine.preflight.sample import Counted
from netwright.engine.region import Region, seconds_of
from netwright.engine.rounds import round_estimator

if TYPE_CHECKING:
    from netwright.core.architecture import Architecture, Mixture
    from netwright.core.estimator import Estimator, RoundEstimator
    from netwright.core.objective import Constraint
    from netwright.engine.preflight.first_batch import Tried
    from netwright.engine.search import Search

SAMPLES = 200
COUNTED = ("params", "macs", "activation_memory")  # what is known of a network without building it
RANDOM = 3  # networks beside the smallest and the largest whose export is tried


@dataclass(frozen=True)
class Preflight:
    """What was found.

    sampled: how many architectures were counted. warnings: what the search will meet on its way. by_cost: the random
    ones that keep the limits with their multiply-adds, from the cheapest on. not_exportable: why a network of the space
    cannot be exported; empty where those that were tried can. notes: what was done beforehand.
    """

    smallest: Tried
    largest: Tried | None
    sampled: int
    seconds: float
    device: str
    size: int | None
    warnings: tuple[str, ...] = field(default=())
    by_cost: tuple[tuple[float, Architecture], ...] = ()
    not_exportable: str = ""
    notes: tuple[str, ...] = ()

    def typical(self, most: float = math.inf) -> Architecture | None:
        """The middle one by multiply-adds of the random ones with at most so many; None where none were drawn."""
        within = [architecture for macs, architecture in self.by_cost if macs <= most]
        return within[len(within) // 2] if within else None

    def lines(self, spell: Callable[[str], str] = plain) -> list[str]:
        """What to tell the user. spell: turns marked options into what is shown (see `core.spelling`)."""
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
        told = [*self.warnings, self.not_exportable] if self.not_exportable else self.warnings
        return [*self.notes, ran, *(f"warning: {spell(each)}" for each in told)]


def preflight(search: Search, *, exports: bool = True, seconds: float | None = None) -> Preflight | None:
    """Try the smallest and the largest network that keep the limits on the task; None where the search trains none.

    About 200 random architectures are counted, not built, to find them. Raises UserError where one cannot be trained
    (its output has a wrong shape, is complex or has no gradient), or where no architecture is found that keeps the
    limits, as far as they are known before training; UntrainableSpace where all that are tried raise an error. Where
    only some raise one, or only the largest needs too much memory, that is a warning: such a network costs one trial.
    exports: whether to try if the networks can be exported, which runs them in evaluation in this process.
    seconds: of the search, of which a share is taken at most for finding architectures that keep the limits.
    """
    counting = seconds_of(seconds)
    notes, warned = _looked_again(search)
    shared = round_estimator(search.estimator)
    estimator = trains(search) if shared is None else None
    if estimator is None:
        _check_limits_alone(search, shared, counting)
    if shared is not None:
        _try_shared(shared, search.seed)
    if estimator is None:
        for line in (*notes, *warned):
            warn(plain(line))
        return None
    start = time.perf_counter()
    cost = _Together([estimator.cost, *_asked(search)])
    rng, stages = np.random.default_rng(search.seed), search.estimator.stages()
    sample = Counted(cost, estimator.space, limits_as_told(stages, search.limits), rng, SAMPLES, counting)
    region = Region(estimator.space, [estimator.cost, *stages], search.limits, search.seed, counting)
    told = check_limits(sample, region, stages, counting)
    smallest, largest = sample.extremes()
    first, failures = _first_sound(estimator, sample, smallest, largest)
    last = None
    if largest not in (smallest, first.architecture) and largest not in failures and sample.keeping():
        try:
            last = attempt(estimator, largest, sample.figures(largest))
        except NoRoom as problem:
            told = [*told, f"{problem}; trials of networks as large as that end as out_of_memory"]
        except UntrainableSpace as problem:
            failures[largest] = problem
    told = [*warned, *told, *sample.refused_lines(), *(_one_trial(each) for each in failures.values())]
    few = [smallest, largest, *itertools.islice(sample.counted, RANDOM)] if exports else []
    return Preflight(
        *(first, last, sample.drawn, time.perf_counter() - start, str(estimator.device), estimator.space.size),
        warnings=tuple(told),
        by_cost=sample.by_cost(),
        not_exportable=_not_exportable(estimator, [each for each in few if each not in failures]),
        notes=tuple(notes),
    )


def _looked_again(search: Search) -> tuple[list[str], list[str]]:
    """What was done since what was known of this machine does not hold any longer, and warnings."""
    found: list[tuple[str, str]] = []
    for each in search.estimator.stages():
        if isinstance(each, LooksAgain):
            with suppress(Exception):  # of a space whose networks cannot be built, which is told below
                found.append(each.look_again())
    return [done for done, _ in found if done], [warning for _, warning in found if warning]


def _not_exportable(estimator: TrainsAlone, architectures: Sequence[Architecture]) -> str:
    """Why one of these networks cannot be exported; empty where all can."""
    from netwright.results.exportable import check_exportable

    try:
        check_exportable(estimator.space, estimator.task.shape, dict.fromkeys(architectures))
    except UserError as problem:
        return str(problem)
    return ""


def _first_sound(
    estimator: TrainsAlone, sample: Counted, smallest: Architecture, largest: Architecture
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


def _check_limits_alone(search: Search, shared: RoundEstimator | None, counting: float) -> None:
    """The limits of a search that trains no network of its own: what is met only after shared weights were trained.

    Raises UserError where no network of the space is found that keeps them, or hardly one would be.
    """
    cost = _Together(_counting(search))
    stages = search.estimator.stages()
    limits = [each for each in limits_as_told(stages, search.limits) if each.metric in cost.metrics]
    if not limits:
        return
    first = shared is not None and shared.trained is None
    mixture = mixture_of(search.strategy) if first else None
    if mixture is not None and _is_decoded(mixture, search, shared, limits):
        return
    if first and is_led(search.strategy) and _keeps_at_its_smallest(search, cost, limits):
        return
    rng = np.random.default_rng(search.seed)
    sample = Counted(cost, search.space, limits, rng, SAMPLES, counting)
    region = Region(search.space, stages, search.limits, search.seed, counting)
    for line in check_limits(sample, region, stages, counting):
        warn(plain(line))


def _is_decoded(mixture: Mixture, search: Search, shared: RoundEstimator | None, limits: Sequence[Constraint]) -> bool:
    """Whether a network that keeps the limits is found in a mixture without preferences yet.

    Raises ConfigurationError where what shares the weights cannot keep any.
    """
    if not isinstance(shared, KeepsLimits):
        raise ConfigurationError(
            f"{type(search.strategy).__name__} follows a gradient and cannot keep {', '.join(map(str, limits))} with "
            f"{type(shared).__name__}; strategies that search on trained weights can"
        )
    decoder = shared.within(search.limits, search.estimator.stages())
    return decoder.holds(decoder.decode(mixture))


def _keeps_at_its_smallest(search: Search, cost: _Together, limits: Sequence[Constraint]) -> bool:
    """Whether the smallest network keeps the limits, so that a larger one can be led there."""
    space = search.space
    if not isinstance(space, DecisionSpace):
        return False
    found = cost.estimate(Proposal(smallest(space)), 0).metrics
    return all(each.holds(found) for each in limits)


def _counting(search: Search) -> list[Estimator]:
    """The stages that know what a network costs without training or running it, as far as that is needed here."""
    counted = [each for each in search.estimator.stages() if tuple(each.metrics) == COUNTED][:1]
    return [*counted, *_asked(search)]


def _asked(search: Search) -> list[Estimator]:
    """Further stages of that sort, which limits ask for."""
    limited = {told_by(search.estimator.stages(), each) for each in search.limits}
    stages = [each for each in search.estimator.stages() if each.analytic and tuple(each.metrics) != COUNTED]
    return [each for each in stages if not limited.isdisjoint(each.metrics)]


class _Together:
    """What several estimators know of a network, in one."""

    def __init__(self, estimators: Sequence[Estimator]) -> None:
        self._estimators = estimators
        self.metrics = tuple(name for each in estimators for name in each.metrics)

    def estimate(self, proposal: Proposal, seed: int) -> Measurement:
        return Measurement(
            {k: v for each in self._estimators for k, v in each.estimate(proposal, seed).metrics.items()}
        )


def _try_shared(estimator: RoundEstimator, seed: int) -> None:
    """Make the shared weights once, so that what they cannot be made of is said before there is a run."""
    if estimator.trained is None:
        try:
            estimator.begin(derived_seed(seed))
        except TrialFailed as problem:
            raise UserError(f"the shared weights cannot be made: {marked(problem)}") from problem
        finally:
            estimator.forget()


def trains(search: Search) -> TrainsAlone | None:
    """The stage of the search that trains networks on a task, if there is one."""
    return next(
        (each for each in (search.estimator, *search.estimator.stages()) if isinstance(each, TrainsAlone)), None
    )

"""Can the limits of a search be kept by networks of its space, and by how many? Found out by counting alone."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from netwright.core.descent import Descent, descended
from netwright.core.errors import UserError
from netwright.core.roles import MeasuresAgain
from netwright.core.spelling import spelled
from netwright.core.wording import shortened
from netwright.engine.preflight.sample import COUNTING_FOR_LIMITS

if TYPE_CHECKING:
    from netwright.core.architecture import Architecture
    from netwright.core.descent import Value
    from netwright.core.estimator import Estimator
    from netwright.core.objective import Constraint
    from netwright.engine.bounds import AsTold
    from netwright.engine.preflight.sample import Counted
    from netwright.engine.region import Region

STARTS = 3  # of the way to networks that keep the limits
FEW = 0.02  # share of the networks that keep the limits, below which that is said
WHOLE = 1000  # from which on numbers are told in full
OFTEN = 0.05  # share of the networks that keep the limit which is proposed
SPARE = 1.06  # times what was measured, is a limit that a clock keeps at other times, too
LONGEST = 400  # characters of an architecture


def check_limits(
    sample: Counted,
    region: Region | None = None,
    stages: Sequence[Estimator] = (),
    seconds: float = COUNTING_FOR_LIMITS,
) -> list[str]:
    """Warnings where few networks of the space keep the limits; UserError where none that was found does.

    What is found beyond the sample that keeps them is added to it.
    region: in which architectures that keep the limits are looked for. stages: of the search, which may measure what
    is foretold. seconds: for all of that, at most.
    """
    if not sample.limits:
        return []
    keeping, drawn = len(sample.keeping()), len(sample.counted)
    if keeping:
        return [] if sample.whole or keeping >= FEW * drawn else [_few(sample, keeping)]
    end = time.monotonic() + seconds
    if region is not None and region.find(first=_best(sample)):
        for each in region.known:
            sample.add(each)
    if not sample.keeping():
        for limit in sample.limits:
            _refuse(sample, limit, end, stages)
        _refuse_together(sample, end)
    return [f"none of {drawn} random networks keeps the limits {_all(sample)}; {LED}"]


LED = "few networks of this space do, and what is proposed is led to the nearest of them"


def _best(sample: Counted) -> list[Architecture]:
    """Those of the sample that break the limits least."""
    return sorted(sample.counted, key=lambda each: excess(sample.limits, sample.counted[each]))[:STARTS]


def _few(sample: Counted, keeping: int) -> str:
    return (
        f"only {keeping:,} of {len(sample.counted):,} random networks keep {_all(sample)}: what is proposed is led to "
        f"the nearest that does; {_looser(sample)}"
    )


def _refuse(sample: Counted, limit: AsTold, end: float, stages: Sequence[Estimator]) -> None:
    """UserError where no network is found that keeps this limit, whatever it does to the others."""
    sign = _sign(limit)
    drawn = _end(sample, limit)
    if limit.holds({limit.metric: drawn}):
        return
    found = _reached(sample, lambda each: sign * sample.figures(each)[limit.metric], sign * limit.limit, end)
    value = sample.figures(found.architecture)[limit.metric]
    if limit.holds({limit.metric: value}) or not found.ended:
        return
    measured = _measured(found.architecture, limit, stages)
    if measured is not None and limit.asked.holds({limit.asked.metric: measured}):
        return
    further = "" if value == drawn else f", and changing it step by step leads to {figure(value)}"
    clock = "" if measured is None else f", measured {figure(measured)} {limit.asked.metric}"
    nearest = value if measured is None else SPARE * measured
    raise UserError(
        f"no network keeps the limit {limit}: the {'smallest' if sign > 0 else 'largest'} of {len(sample.counted)} has "
        f"{figure(drawn)} {limit.metric}{further}; {_spelled(limit.asked, nearest)} is the nearest limit that can be "
        f"kept, by {shortened(str(found.architecture), LONGEST)}{clock}; or choose a space or options of "
        f"{'smaller' if sign > 0 else 'larger'} networks"
    )


def _measured(architecture: Architecture, limit: AsTold, stages: Sequence[Estimator]) -> float | None:
    """What a clock says of an architecture, where the limit is foretold before it is measured; None elsewhere."""
    if limit.metric == limit.asked.metric:
        return None
    for stage in stages:
        if isinstance(stage, MeasuresAgain) and limit.asked.metric in stage.metrics:
            return stage.again(architecture)[limit.asked.metric]
    return None


def _refuse_together(sample: Counted, end: float) -> None:
    """UserError where each limit can be kept, but no network is found that keeps them all."""
    if len(sample.limits) < 2:
        return
    found = _reached(sample, lambda each: excess(sample.limits, sample.figures(each)), 0.0, end)
    figures = sample.figures(found.architecture)
    if sample.keeps(figures) or not found.ended:
        return
    nearest = " and ".join(f"{figure(figures[each.metric])} {each.metric}" for each in sample.limits)
    broken = [each for each in sample.limits if not each.holds(figures)]
    looser = " and ".join(_spelled(each.asked, figures[each.metric]) for each in broken)
    raise UserError(
        f"no network was found that keeps {_all(sample)} together: the nearest has {nearest}, "
        f"{shortened(str(found.architecture), LONGEST)}; {looser} would be kept"
    )


def excess(limits: Sequence[Constraint], figures: Mapping[str, float]) -> float:
    """By how much a network breaks the limits, as the sum of shares of each; 0 where it keeps them."""
    return sum(
        max(0.0, _sign(each) * (figures[each.metric] - each.limit)) / (abs(each.limit) or 1.0) for each in limits
    )


def _reached(sample: Counted, value: Value, enough: float, end: float) -> Descent:
    """Where a few ways lead that begin at the best of the sample; ended, where there was time to go each to its end."""
    rng, ways = np.random.default_rng(0), list[Descent]()
    known = sample.guarded(value)
    for start in sorted(sample.counted, key=known)[:STARTS]:
        ways.append(descended(start, known, rng, enough=enough, until=end))
        if ways[-1].value <= enough:
            break
    least = min(ways, key=lambda way: way.value)
    return Descent(least.architecture, least.value, all(each.ended for each in ways))


def _looser(sample: Counted) -> str:
    """What the sample reaches, and limits that one network in twenty keeps, each for itself."""
    proposed = [_spelled(each.asked, _often(sample, each)) for each in sample.limits if _rare(sample, each)]
    if not proposed:
        return "loosen one of them"
    ends = [
        f"the {'smallest' if _sign(each) > 0 else 'largest'} has {figure(_end(sample, each))} {each.metric}"
        for each in sample.limits
    ]
    return f"{', '.join(ends)}, and one in {round(1 / OFTEN)} keeps {' or '.join(proposed)}"


def _end(sample: Counted, limit: Constraint) -> float:
    """The value of the sample that is nearest to keeping the limit, or furthest within it."""
    return min((each[limit.metric] for each in sample.counted.values()), key=lambda value: _sign(limit) * value)


def _rare(sample: Counted, limit: Constraint) -> bool:
    return sum(limit.holds(each) for each in sample.counted.values()) < OFTEN * len(sample.counted)


def _often(sample: Counted, limit: Constraint) -> float:
    """The value that a twentieth of the sample reaches."""
    values = sorted((each[limit.metric] for each in sample.counted.values()), key=lambda value: _sign(limit) * value)
    return values[math.ceil(OFTEN * len(values)) - 1]


def _sign(limit: Constraint) -> int:
    """1 where less is wanted, -1 where more is."""
    return 1 if limit.relation == "<=" else -1


def _all(sample: Counted) -> str:
    """The limits in words."""
    return " and ".join(map(str, sample.limits))


def _spelled(limit: Constraint, value: float) -> str:
    """Another amount for this limit, as the user would write it."""
    amount = f"{value:.0f}" if value >= WHOLE else f"{_rounded(value, _sign(limit)):g}"
    return spelled(f"{limit.metric} {limit.relation} {amount}")


def figure(value: float) -> str:
    """A count in full, a small measurement in three digits."""
    return f"{value:,.0f}" if value >= WHOLE or value == round(value) else f"{value:.3g}"


def _rounded(value: float, sign: int) -> float:
    """To three digits, to the side on which the limit is kept."""
    digits = 2 - math.floor(math.log10(abs(value))) if value else 0
    return sign * math.ceil(sign * value * 10**digits) / 10**digits

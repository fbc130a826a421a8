"""Can the limits of a search be kept by networks of its space, and by how many? Found out by counting alone."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING

from netwright.core.errors import UserError
from netwright.core.spelling import spelled
from netwright.engine.preflight.sample import COUNTING_FOR_LIMITS

if TYPE_CHECKING:
    from netwright.core.architecture import Architecture
    from netwright.core.objective import Constraint
    from netwright.engine.preflight.sample import Counted, Value

STARTS = 3  # of the way to networks that keep the limits
FEW = 0.02  # share of the networks that keep the limits, below which that is said
WHOLE = 1000  # from which on numbers are told in full
OFTEN = 0.05  # share of the networks that keep the limit which is proposed


def check_limits(sample: Counted, draws: int | None = None) -> list[str]:
    """Warnings where few networks of the space keep the limits; UserError where none that was found does.

    draws: how many networks a search draws before it gives up, where what it does before the first one is too much to
    be done in vain; it is refused where not even one of so many can be expected to keep the limits.
    """
    if not sample.limits:
        return []
    keeping, drawn = len(sample.keeping()), len(sample.counted)
    hopeless = draws is not None and not sample.whole and keeping * draws < drawn
    if keeping and not hopeless:
        return [] if sample.whole or keeping >= FEW * drawn else [_few(sample, keeping)]
    end = time.monotonic() + COUNTING_FOR_LIMITS
    if not keeping:
        for limit in sample.limits:
            _refuse(sample, limit, end)
        _refuse_together(sample, end)
    if hopeless:
        raise UserError(
            f"{keeping or 'none'} of {drawn:,} random networks keep{'s' * (keeping < 2)} {_all(sample)}: the shared "
            f"weights would be trained, and the search on them hardly find a network; {_looser(sample)}"
        )
    return [f"none of {drawn} random networks keeps the limits {_all(sample)}; few networks of this space do"]


def _few(sample: Counted, keeping: int) -> str:
    return (
        f"only {keeping:,} of {len(sample.counted):,} random networks keep {_all(sample)}: most of what is proposed "
        f"breaks a limit; {_looser(sample)}"
    )


def _refuse(sample: Counted, limit: Constraint, end: float) -> None:
    """UserError where no network is found that keeps this limit, whatever it does to the others."""
    sign = _sign(limit)
    drawn = _end(sample, limit)
    if limit.holds({limit.metric: drawn}):
        return
    best, sure = _reached(sample, lambda figures: sign * figures[limit.metric], sign * limit.limit, end)
    value = sample.figures(best)[limit.metric]
    if limit.holds({limit.metric: value}) or not sure:
        return
    further = "" if value == drawn else f", and changing it step by step leads to {figure(value)}"
    raise UserError(
        f"no network keeps the limit {limit}: the {'smallest' if sign > 0 else 'largest'} of {len(sample.counted)} has "
        f"{figure(drawn)} {limit.metric}{further}; {_spelled(limit, value)} is the nearest limit that can be kept, or "
        f"choose a space or options of {'smaller' if sign > 0 else 'larger'} networks"
    )


def _refuse_together(sample: Counted, end: float) -> None:
    """UserError where each limit can be kept, but no network is found that keeps them all."""
    if len(sample.limits) < 2:
        return
    best, sure = _reached(sample, lambda figures: excess(sample.limits, figures), 0.0, end)
    figures = sample.figures(best)
    if sample.keeps(figures) or not sure:
        return
    nearest = " and ".join(f"{figure(figures[each.metric])} {each.metric}" for each in sample.limits)
    looser = " and ".join(_spelled(each, figures[each.metric]) for each in sample.limits if not each.holds(figures))
    raise UserError(
        f"no network was found that keeps {_all(sample)} together: the nearest has {nearest}; {looser} would be kept"
    )


def excess(limits: list[Constraint], figures: Mapping[str, float]) -> float:
    """By how much a network breaks the limits, as the sum of shares of each; 0 where it keeps them."""
    return sum(
        max(0.0, _sign(each) * (figures[each.metric] - each.limit)) / max(1.0, abs(each.limit)) for each in limits
    )


def _reached(sample: Counted, value: Value, enough: float, end: float) -> tuple[Architecture, bool]:
    """The architecture of least value on a few ways, and whether there was time to go each to its end."""
    ways: list[tuple[float, Architecture, bool]] = []
    for start in range(min(STARTS, len(sample.counted))):
        best, ended = sample.descended(value, end, start)
        ways.append((value(sample.figures(best)), best, ended))
        if ways[-1][0] <= enough:
            break
    least = min(ways, key=lambda way: way[0])
    return least[1], all(ended for _, _, ended in ways)


def _looser(sample: Counted) -> str:
    """What the sample reaches, and limits that one network in twenty keeps, each for itself."""
    proposed = [_spelled(each, _often(sample, each)) for each in sample.limits if _rare(sample, each)]
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

"""The ladder of fidelities that a search climbs: shares of the full budget, each `eta` times the one before."""

from __future__ import annotations

import math

from netwright.core.checks import is_number, refused
from netwright.core.errors import ConfigurationError

ROUNDING = 1e-9  # what logarithms and powers of whole numbers are off by, at most


def checked_eta(owner: object, eta: float) -> float:
    """The value; ConfigurationError unless it is a number above 1."""
    if not is_number(eta) or eta <= 1:
        raise refused(owner, "eta", eta, "a number above 1, such as 3")
    return eta


def steps_below(owner: object, least: float, eta: float) -> int:
    """How often the full budget can be divided by eta without falling below the share `least`.

    The s_max of Hyperband, floor(log_eta R), with R = 1 / least. Raises ConfigurationError unless 0 < least <= 1 / eta.
    """
    if not is_number(least) or not 0 < least <= 1:
        expected = "the smallest share of the full budget, above 0 and at most 1/eta, such as 1/27"
        raise refused(owner, "least", least, expected)
    steps = math.floor(math.log(1 / least) / math.log(eta) + ROUNDING)
    if not steps:
        raise ConfigurationError(
            f"{type(owner).__name__}: least is {least:g} and eta {eta:g}, which leaves one rung, the full budget, as "
            f"random search has; expected a least of at most 1/eta, {1 / eta:.3g}"
        )
    return steps


def shares(steps: int, eta: float) -> tuple[float, ...]:
    """The shares of `steps` + 1 rungs, the last of which is 1."""
    return tuple(eta**-step if step else 1.0 for step in range(steps, -1, -1))


def sizes(candidates: int, steps: int, eta: float) -> tuple[int, ...]:
    """How many of so many candidates reach each rung: floor(n / eta^i), but one at least."""
    return tuple(max(1, math.floor(candidates * eta**-rung + ROUNDING)) for rung in range(steps + 1))

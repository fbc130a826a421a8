"""Amounts with units, as people write them."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping

from netwright.core.errors import UserError

_DECIMAL = {"k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12}
_BINARY = {f"{letter}ib": 2 ** (10 * power) for power, letter in enumerate("kmgt", 1)}
_FACTORS: Mapping[str, float] = {
    "": 1,
    "b": 10**9,
    **_DECIMAL,
    **{f"{each}b": factor for each, factor in _DECIMAL.items()},
    **_BINARY,
}
_SECONDS: Mapping[str, float] = {"ns": 1e-9, "us": 1e-6, "ms": 1e-3, "s": 1.0, "min": 60.0}
_JOULES: Mapping[str, float] = {"uj": 1e-6, "mj": 1e-3, "j": 1.0, "kj": 1e3}
_OWN_UNITS: Mapping[str, tuple[Mapping[str, float], str, str]] = {
    "ns": (_SECONDS, "nanoseconds", "5 µs, 2 ms or 1 s"),
    "us": (_SECONDS, "microseconds", "500 µs (or us), 5 ms or 1 s"),
    "ms": (_SECONDS, "milliseconds", "5, 5 ms, 500 µs (or us) or 1 s"),
    "s": (_SECONDS, "seconds", "5, 5 s, 20 ms or 500 µs (or us)"),
    "seconds": (_SECONDS, "seconds", "5, 5 s, 20 ms or 500 µs (or us)"),
    "mj": (_JOULES, "millijoules", "5, 5 mJ or 0.1 J"),
    "j": (_JOULES, "joules", "5, 5 J or 20 mJ"),
}  # by the last word of a metric's name: factors to a base unit, the unit in words, and what may be written
_NUMBER = r"(\d[\d_,]*(?:\.\d+)?(?:e[+-]?\d+)?)"


def parse_amount(text: str) -> float:
    """A positive number with an optional unit in any case: 500k and 500 kB are 500,000, 1 KiB is 1,024."""
    match = re.fullmatch(rf"{_NUMBER}\s*([kmgt]?(?:i?b)?|b)", text.strip().lower())
    if match is None or match[2] not in _FACTORS:
        raise UserError(f"{text!r} is not an amount; expected a number such as 500000, 500k, 1.5M, 4 MB or 512 KiB")
    return _finite(text, match[1], _FACTORS[match[2]])


def parse_amount_of(metric: str, text: str) -> float:
    """An amount in the metric's own unit, which the last word of its name says.

    metric: its name; one that ends with _ms, _us, _s or _seconds is a time, with _j or _mj an energy, all others are
        numbers or bytes (see `parse_amount`).
    text: a positive number, by itself in the metric's own unit, or with a unit in any case: "1.5 s" of latency_ms is
        1500, "20 mJ" of energy_j 0.02.

    Raises UserError, which names the units that fit.
    """
    own = metric.lower().rpartition("_")[2]
    if own not in _OWN_UNITS:
        try:
            return parse_amount(text)
        except UserError as problem:
            if _unit_of(text) in {**_SECONDS, **_JOULES}:
                raise UserError(f"{metric} is no time and no energy, found {text!r}; {_expected(problem)}") from None
            raise
    factors, words, examples = _OWN_UNITS[own]
    unit = _unit_of(text)
    match = re.match(_NUMBER, text.strip().lower())
    if match is None or (unit and unit not in factors):
        raise UserError(f"{text!r} is not an amount of {metric}, which is in {words}; expected for example {examples}")
    base = factors["s" if own == "seconds" else own]
    return float(f"{_finite(text, match[1], factors[unit] / base if unit else 1.0):.15g}")


def _unit_of(text: str) -> str:
    """What stands behind the number, in lower case, microseconds as "us"."""
    found = re.sub(rf"^{_NUMBER}\s*", "", text.strip().lower())
    return re.sub("^[\u00b5\u03bc]", "u", found)  # the micro sign and the Greek letter


def _expected(problem: UserError) -> str:
    return str(problem).partition("; ")[2]


def _finite(text: str, number: str, factor: float) -> float:
    value = float(number.replace(",", "").replace("_", "")) * factor
    if not math.isfinite(value):
        raise UserError(f"{text!r} is too large a number for a limit")
    return value


def plain(value: float) -> str:
    """A number as a combination of metrics reads it; a negative one in brackets."""
    return f"({value!r})" if value < 0 else repr(value)

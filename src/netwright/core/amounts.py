"""Amounts with units, as people write them."""

from __future__ import annotations

import math
import re

from netwright.core.errors import UserError

_DECIMAL = {"k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12}
_BINARY = {f"{letter}ib": 2 ** (10 * power) for power, letter in enumerate("kmgt", 1)}
_FACTORS = {"": 1, "b": 10**9, **_DECIMAL, **{f"{each}b": factor for each, factor in _DECIMAL.items()}, **_BINARY}


def parse_amount(text: str) -> float:
    """A positive number with an optional unit in any case: 500k and 500 kB are 500,000, 1 KiB is 1,024."""
    match = re.fullmatch(r"(\d[\d_,]*(?:\.\d+)?(?:e[+-]?\d+)?)\s*([kmgt]?(?:i?b)?|b)", text.strip().lower())
    if match is None or match[2] not in _FACTORS:
        raise UserError(f"{text!r} is not an amount; expected a number such as 500000, 500k, 1.5M, 4 MB or 512 KiB")
    value = float(match[1].replace(",", "").replace("_", "")) * _FACTORS[match[2]]
    if not math.isfinite(value):
        raise UserError(f"{text!r} is too large a number for a limit")
    return value


def plain(value: float) -> str:
    """A number as a combination of metrics reads it; a negative one in brackets."""
    return f"({value!r})" if value < 0 else repr(value)

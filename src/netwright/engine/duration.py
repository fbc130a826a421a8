"""Times as people write them: "10m", "1h30m", "90" (seconds)."""

from __future__ import annotations

import math
import re

from netwright.core.errors import UserError, shown

_SECONDS = {"d": 86_400.0, "h": 3_600.0, "m": 60.0, "s": 1.0}
_PART = r"(?:(?P<{unit}>\d+(?:\.\d+)?){unit}\s*)?"
_FORM = re.compile("".join(_PART.format(unit=unit) for unit in _SECONDS))


def parse_duration(text: str | float) -> float:
    """Seconds, more than none: "30s", "10m", "1h30m", "2h", "1d12h", or a number of seconds.

    text: as a person writes it; a number is seconds.
    """
    if isinstance(text, bool) or not isinstance(text, (str, int, float)):
        raise UserError(
            f"a time cannot be {shown(text)}; expected for example '10m', '1h30m', '30s' or a number of seconds"
        )
    seconds = _from_text(text) if isinstance(text, str) else float(text)
    if not math.isfinite(seconds) or seconds <= 0:
        raise UserError(f"a time must be more than 0 seconds and finite; found {text!r}")
    return seconds


def _from_text(text: str) -> float:
    cleaned = text.strip().lower()
    if re.fullmatch(r"\d+(?:\.\d+)?", cleaned):
        return float(cleaned)
    match = _FORM.fullmatch(cleaned)
    if match is None or not cleaned:
        raise UserError(
            f"the time {text!r} was not understood; expected hours, minutes and seconds such as '2h', '1h30m', '10m' "
            "or '30s', or a number of seconds"
        )
    return sum(float(amount) * _SECONDS[unit] for unit, amount in match.groupdict().items() if amount)


def format_duration(seconds: float) -> str:
    """Two units at most: 5430 is "1h30m", 42 is "42s", 0.25 is "0.25s".

    seconds: 0 or more.
    """
    if seconds < 10:
        return f"{seconds:.3g}s"
    whole = round(seconds)
    for large, small in (("d", "h"), ("h", "m"), ("m", "s")):
        if whole >= _SECONDS[large]:
            first, rest = divmod(whole, int(_SECONDS[large]))
            second = int(rest // _SECONDS[small])
            return f"{first}{large}{second}{small}" if second else f"{first}{large}"
    return f"{whole}s"

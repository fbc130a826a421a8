"""The texts of a table's cells as numbers: amounts, percentages, dates, times, yes and no."""

from __future__ import annotations

import datetime
import functools
import math
import re
from collections.abc import Mapping
from typing import Any

SPACES = " \t\r\n\v\f\u00a0\u2007\u202f"
MISSING = frozenset(("", "?", "na", "n/a", "<na>", "nan", "-nan", "nat", "null", "none", "-", "--")) | frozenset(
    ("#n/a", "#n/a n/a", "#na", "#div/0!", "#value!", "#ref!", "#num!", "#name?", "#null!")  # as Excel writes them
)
TRUE, FALSE = ("true", "yes", "on", "t", "y"), ("false", "no", "off", "f", "n")
CURRENCIES = (
    r"(?:US|CA|AU|NZ|HK|R|C|A|S)?\$|[€£¥₹₽₩₺₴₫₪฿₱₦¢]|(?:USD|EUR|GBP|CHF|JPY|CNY|INR|CAD|AUD|NZD|SEK|NOK|DKK|PLN|CZK|HUF"
    r"|RUB|BRL|ZAR|MXN|KRW|TRY|SGD|HKD)(?![A-Za-z])|(?:kr|zł|Kč|Ft|Fr|Rs)(?![A-Za-z])\.?"
)
COUNTED = re.compile("[-+]?([0-9]{1,3}|[1-9][0-9]{0,2}(,[0-9]{3})+)")  # whole numbers with commas for thousands
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_CLOCK = r"([0-9]{1,3}):([0-9]{2})(?::([0-9]{2}(?:[.,][0-9]+)?))?(?:\s?([ap])\.?m\.?)?"
_ZONE = r"(?:\s?(Z|UTC|GMT|[+-][0-9]{2}(?::?[0-9]{2})?))?"
_DAYS = {
    "year": r"([0-9]{4})(?:-([0-9]{1,2})-|/([0-9]{1,2})/|\.([0-9]{1,2})\.)([0-9]{1,2})",
    "day": r"([0-9]{1,2})([/.-])([0-9]{1,2})\2([0-9]{4})|([0-9]{1,2})/([0-9]{1,2})/([0-9]{2})"
    r"|([0-9]{2})\.([0-9]{2})\.([0-9]{2})",
    "name": r"(?:[a-z]{3,9},?\s+)?(?:([0-9]{1,2})(?:st|nd|rd|th)?[\s.-]+([a-z]{3,9})\.?,?[\s-]+([0-9]{4}|[0-9]{2})"
    r"|([a-z]{3,9})\.?[\s-]+([0-9]{1,2})(?:st|nd|rd|th)?,?[\s-]+([0-9]{4}))",
}
_DAYS["month"] = _DAYS["day"]
ORDERS = ("year", "day", "month", "name")


def is_missing(text: str) -> bool:
    return text.lower() in MISSING


def cell_value(column: Mapping[str, Any], text: str) -> float | None:
    """What a cell of a column of numbers holds: NaN where it is missing, None where it is not of the column's kind.

    Dates are days since 1970, times are hours, yes and no are 1 and 0, percentages stay as they are written.
    """
    if is_missing(text):
        return math.nan
    if column["kind"] == "number":
        return amount(text, column["decimal"], column["thousands"], column["sign"], column["brackets"])
    if column["kind"] == "date":
        return days_of(text, column["order"])
    return hours_of(text) if column["kind"] == "time" else truth_of(text)


def amount(text: str, decimal: str, thousands: str, sign: str = "", brackets: bool = False) -> float | None:
    """A number as it is written with these signs for decimals and thousands, or None.

    sign: "%" for percentages, a currency that may stand before or behind it.
    brackets: whether "(5)" stands for -5.
    """
    found = amount_pattern(decimal, thousands, sign, brackets).fullmatch(text)
    if found is None:
        return None
    bracket, minus, digits = found["bracket"], found["minus"] or found["inner"], found["digits"]
    if (bracket is None) == text.endswith(")") or (sign == "%" and "%" not in text and float(digits or 1) != 0):
        return None
    if thousands:
        digits = re.sub(thousand_marks(thousands), "", digits)
    value = float(digits.replace(decimal, "."))
    if math.isinf(value):
        return None
    return -value if bracket or minus in ("-", "\u2212") else value


def thousand_marks(thousands: str) -> str:
    """The characters that one stands for, as a pattern: all kinds of spaces, both apostrophes."""
    return {" ": "[ \u00a0\u2007\u2009\u202f]", "'": "['\u2019]"}.get(thousands, re.escape(thousands))


@functools.lru_cache(maxsize=64)
def amount_pattern(decimal: str, thousands: str, sign: str, brackets: bool) -> re.Pattern[str]:
    point, whole = re.escape(decimal), "[0-9]+"
    if thousands:
        whole = f"(?:[1-9][0-9]{{0,2}}(?:{thousand_marks(thousands)}[0-9]{{3}})+|[0-9]+)"
    digits = f"(?P<digits>(?:{whole}(?:{point}[0-9]*)?|{point}[0-9]+)(?:[eE][+-]?[0-9]+)?)"
    opening, closing = (r"(?P<bracket>\()?", r"\)?") if brackets else ("(?P<bracket>(?!))?", "")
    minus, inner, before, behind = "(?P<minus>[-+\u2212])?", "(?P<inner>(?!))?", "", ""
    if sign == "%":
        behind = r"\s?%?"
    elif sign:
        mark = re.escape(sign)
        before, behind, inner = rf"(?:{mark}\s?)?", rf"(?:\s?{mark})?", r"(?P<inner>[-+\u2212])?\s?"
        opening = rf"(?:{mark}\s?(?=\())?{opening}" if brackets else opening
    return re.compile(rf"{opening}{minus}\s?{before}{inner}{digits}{behind}{closing}")


def truth_of(text: str) -> float | None:
    lower = text.lower()
    return 1.0 if lower in TRUE else 0.0 if lower in FALSE else None


@functools.lru_cache(maxsize=8)
def date_pattern(order: str) -> re.Pattern[str]:
    return re.compile(rf"(?:{_DAYS[order]})(?:(?:T|,?\s+){_CLOCK}{_ZONE})?", re.IGNORECASE)


def days_of(text: str, order: str) -> float | None:
    """Days since the beginning of 1970, in UTC where a zone is given.

    order: what comes first, "name" for a month's.
    """
    found = date_pattern(order).fullmatch(text)
    if found is None:
        return None
    *parts, hour, minute, second, half, zone = found.groups()
    hours = 0.0 if hour is None else _hours(hour, minute, second, half)
    try:
        day = datetime.date(*_year_month_day([part for part in parts if part and part not in "/.-"], order))
    except ValueError:
        return None
    if hours is None or hours >= 24:
        return None
    return day.toordinal() - 719163 + (hours - _zone_hours(zone)) / 24


def _year_month_day(parts: list[str], order: str) -> tuple[int, int, int]:
    if order == "year":
        return int(parts[0]), int(parts[1]), int(parts[2])
    first, second, year = parts
    if len(year) == 2:
        year = ("19" if int(year) >= 70 else "20") + year
    if order == "name":
        day, month = (first, second) if first.isdigit() else (second, first)
        number = [i + 1 for i, name in enumerate(_MONTHS) if month.lower().startswith(name)]
        return int(year), number[0] if number else 0, int(day)
    day, month = (first, second) if order == "day" else (second, first)
    return int(year), int(month), int(day)


def _zone_hours(zone: str | None) -> float:
    if zone is None or zone[0] not in "+-":
        return 0.0
    hours = int(zone[1:3]) + int(zone[3:].strip(":") or 0) / 60
    return -hours if zone[0] == "-" else hours


@functools.lru_cache(maxsize=1)
def clock_pattern() -> re.Pattern[str]:
    return re.compile(_CLOCK, re.IGNORECASE)


def hours_of(text: str) -> float | None:
    """A time of day, or a duration, in hours."""
    found = clock_pattern().fullmatch(text)
    return None if found is None else _hours(*found.groups())


def _hours(hour: str, minute: str, second: str | None, half: str | None) -> float | None:
    hours, seconds = int(hour), float((second or "0").replace(",", "."))
    if int(minute) > 59 or seconds >= 61 or (half and not 1 <= hours <= 12):
        return None
    if half:
        hours = hours % 12 + (12 if half in "pP" else 0)
    return hours + int(minute) / 60 + seconds / 3600

"""What a column of texts holds, decided over all of it: numbers, dates, times, yes and no, or categories."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from netwright.core.wording import listed
from netwright.tasks.portable.cells import (
    COUNTED,
    CURRENCIES,
    FALSE,
    ORDERS,
    TRUE,
    amount_pattern,
    cell_value,
    days_of,
    hours_of,
    is_missing,
)

Spec = dict[str, Any]

_STYLES = [(point, mark) for point in ".," for mark in ("", ",.".replace(point, ""), " ", "'")]
_SPACES = "\u00a0\u2007\u2009\u202f"
_DECORATED = re.compile(
    rf"\(?[-+\u2212]?\s?(?:(?P<before>{CURRENCIES})\s?)?[-+\u2212]?\s?\(?"
    rf"(?P<digits>[.,]?[0-9](?:[0-9.,'\u2019 {_SPACES}]*[0-9.,])?(?:[eE][+-]?[0-9]+)?)"
    rf"(?:\s?(?P<behind>{CURRENCIES}|%))?\)?"
)
_LOOKED_AT = 50  # distinct texts, to see which kinds are worth trying on all


@dataclass(frozen=True)
class Kind:
    """spec: what `cell_value` needs; None for categories.
    odd: places of the texts that do not fit it.
    """

    spec: Spec | None
    odd: tuple[int, ...] = ()
    note: str = ""


def looks_like_a_number(text: str) -> bool:
    """Whether a cell holds a number, an amount, a percentage, a date or a time."""
    if not any("0" <= character <= "9" for character in text):
        return False
    return (
        _DECORATED.fullmatch(text) is not None
        or any(days_of(text, each) is not None for each in ORDERS)
        or (hours_of(text) is not None)
    )


def decimal_of(rows: Sequence[Sequence[str]], delimiter: str) -> tuple[str, tuple[str, ...]]:
    """The decimal sign of a table: the one that some cell of the first rows can only mean, else what is usual there.

    And what is said of it.

    "3,5" can only be a decimal comma and "3.25" a point; "45,310" is either.
    """
    columns = [[cell for cell in column if not is_missing(cell)] for column in zip(*rows, strict=False)]
    commas, points = (any(_can_only_be(sign, column) for column in columns) for sign in ",.")
    if commas and not points:
        return ",", ("the decimal sign is a comma",)
    return "," if delimiter == ";" and not points else ".", ()


def _can_only_be(decimal: str, column: Sequence[str]) -> bool:
    """Whether a column holds numbers, some of which can only have this decimal sign."""
    point, mark = re.escape(decimal), re.escape(",.".replace(decimal, ""))
    some = (
        rf"[-+]?([0-9]+{point}([0-9]{{1,2}}|[0-9]{{4,}})|0{point}[0-9]+|[0-9]{{1,3}}({mark}[0-9]{{3}})+{point}[0-9]+)"
    )
    number = amount_pattern(decimal, ",.".replace(decimal, ""), "", False)
    return any(re.fullmatch(some, cell) for cell in column) and all(number.fullmatch(cell) for cell in column)


def kind_of(texts: Sequence[str], counts: Sequence[int], decimal: str) -> Kind:
    """The kind that most of a column's cells are of: numbers before dates before times, else categories.

    texts: the different ones.
    counts: how many cells hold each.
    decimal: the table's decimal sign.
    """
    places = [i for i, text in enumerate(texts) if not is_missing(text)]
    if not places:
        return Kind(None)
    if len(places) == len(texts) and _truth([text.lower() for text in texts]):
        return Kind({"kind": "truth"}, note="yes and no as 1 and 0")
    tried = [make(texts, places, decimal) for make in (_amounts, _dates, _times)]
    found = [each for each in tried if each is not None]
    return min(found, key=lambda each: sum(counts[i] for i in each.odd), default=Kind(None))


def _truth(texts: Sequence[str]) -> bool:
    pairs = list(zip(TRUE, FALSE, strict=True))
    return any({yes, no} == set(texts) for yes, no in pairs)


def _amounts(texts: Sequence[str], places: Sequence[int], decimal: str) -> Kind | None:
    seen = [_DECORATED.fullmatch(texts[i]) for i in places[:_LOOKED_AT]]
    if sum(each is not None for each in seen) < len(seen) / 2:
        return None
    found = {i: _DECORATED.fullmatch(texts[i]) for i in places}
    marks = Counter(each["before"] or each["behind"] or "" for each in found.values() if each is not None)
    sign = max((mark for mark in marks if mark), key=lambda mark: marks[mark], default="")
    if sign == "%" and marks["%"] < marks[""]:
        sign = ""
    bracketed = sum(text.endswith(")") for text in (texts[i] for i in places))
    if sign == "" and bracketed == len(places):
        return None
    brackets = 0 < bracketed < len(places) or (bool(sign) and bracketed > 0)
    best: Kind | None = None
    for style in _styles(texts, places, decimal):
        spec = {"kind": "number", "decimal": style[0], "thousands": style[1], "sign": sign, "brackets": brackets}
        odd = _odd(spec, texts, places)
        if best is None or len(odd) < len(best.odd):
            best = Kind(spec, odd, _amount_note(spec, decimal))
        if not odd:
            break
    plain = best is not None and best.spec is not None and not (sign or best.spec["thousands"])
    if (
        plain
        and any(len(texts[i]) > 1 and texts[i][0] == "0" for i in places)
        and all(texts[i].isdigit() for i in places)
    ):
        return Kind(None, note="codes")
    return best


def _styles(texts: Sequence[str], places: Sequence[int], decimal: str) -> list[tuple[str, str]]:
    """Decimal signs and marks of thousands that occur, those with the table's decimal sign first.

    In "980", "45,310" the comma marks thousands even where others are decimal commas.
    """
    used = set("".join(texts[i] for i in places))
    spaces = used & set(f" {_SPACES}")
    there = {"": True, " ": bool(spaces), "'": bool(used & {"'", "\u2019"}), ",": "," in used, ".": "." in used}
    marked = ["," in texts[i] for i in places] if decimal == "," else []
    if any(marked) and not all(marked) and all(COUNTED.fullmatch(texts[i]) for i in places):
        decimal = "."
    styles = sorted(_STYLES, key=lambda style: style[0] != decimal)
    return [style for style in styles if there[style[1]]]


def _amount_note(spec: Spec, decimal: str) -> str:
    marks = {",": "commas", ".": "points", " ": "spaces", "'": "apostrophes"}
    parts = {"": "", "%": "percentages"}.get(spec["sign"], f"amounts in {spec['sign']}")
    signs = [f"{marks[spec['thousands']]} marking thousands"] if spec["thousands"] else []
    signs += [f"a decimal {'comma' if spec['decimal'] == ',' else 'point'}"] if spec["decimal"] != decimal else []
    signs += ["brackets for negative ones"] if spec["brackets"] else []
    return f"{parts or 'numbers'} with {' and '.join(signs)}" if signs else parts


def _dates(texts: Sequence[str], places: Sequence[int], decimal: str) -> Kind | None:
    def tried(order: str) -> Kind:
        return Kind({"kind": "date", "order": order}, _none(lambda text: days_of(text, order), texts, places))

    if all(days_of(texts[i], order) is None for i in places[:_LOOKED_AT] for order in ORDERS):
        return None
    day_first = decimal == "," or any("." in texts[i][:6] for i in places[:_LOOKED_AT])
    order = ("year", "day", "month", "name") if day_first else ("year", "month", "day", "name")
    kinds: dict[str, Kind] = {}
    for each in order:
        kinds[each] = tried(each)
        if not kinds[each].odd and each not in ("day", "month"):
            break
    best = min(kinds, key=lambda each: len(kinds[each].odd))
    if best in ("year", "name"):
        return Kind(kinds[best].spec, kinds[best].odd, "dates as days")
    both = len(kinds["day"].odd) == len(kinds["month"].odd)
    words = f"dates as days, the {best} first"
    return Kind(kinds[best].spec, kinds[best].odd, words + (" (the other way fits, too)" if both else ""))


def _times(texts: Sequence[str], places: Sequence[int], decimal: str) -> Kind | None:
    if all(hours_of(texts[i]) is None for i in places[:_LOOKED_AT]):
        return None
    return Kind({"kind": "time"}, _none(hours_of, texts, places), "times as hours")


def _odd(spec: Spec, texts: Sequence[str], places: Sequence[int]) -> tuple[int, ...]:
    fits = amount_pattern(spec["decimal"], spec["thousands"], spec["sign"], spec["brackets"]).fullmatch
    quick = [i for i in places if fits(texts[i]) is None]
    if len(quick) > len(places) / 2 or not (spec["sign"] == "%" or spec["brackets"]):
        return tuple(quick)
    return _none(lambda text: cell_value(spec, text), texts, places)


def _none(value: Callable[[str], float | None], texts: Sequence[str], places: Sequence[int]) -> tuple[int, ...]:
    return tuple(i for i in places if value(texts[i]) is None)


def described(columns: Mapping[str, Sequence[str]]) -> str:
    """Columns with what is said of them: 'a', 'b' (percentages), 'c' (dates as days)."""
    return ", ".join(f"{quoted(names)} ({what})" for what, names in columns.items())


def quoted(names: Sequence[str]) -> str:
    """The first few names in quotes, and how many more there are."""
    return listed([repr(name) for name in names], 5)


def values_of(spec: Spec, texts: Sequence[str]) -> tuple[np.ndarray, list[int]]:
    """Each text as a number, and the places of those that are none of the column's kind."""
    found = [cell_value(spec, text) for text in texts]
    odd = [i for i, value in enumerate(found) if value is None]
    return np.array([np.nan if value is None else value for value in found], np.float64), odd

"""How figures are said to people: tables of aligned columns, durations and counts."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

_STEERING = re.compile(  # what steers a terminal, turns the order of what is read, or ends a line; and lone surrogates
    "[\x00-\x08\x0a-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufff9-\ufffb"
    "\ud800-\udfff\U000e0000-\U000e007f]"
)

_FORMULAS = ("=", "+", "-", "@", "\t", "\r")


def printable(text: str) -> str:
    """Text as one line for people, whoever wrote it: what a terminal would obey is shown as its code, as \\x1b."""
    return _STEERING.sub(lambda found: ascii(found[0])[1:-1], text)


def as_cell(value: Any) -> Any:
    """A cell of a CSV file: a text that a spreadsheet would take for a formula is preceded by ', the rest stays."""
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULAS) else value


NAMED = 100  # characters of an architecture in a message


def shortened(text: str, most: int) -> str:
    """A text as one line of at most so many characters; dots stand for what was cut."""
    line = " ".join(text.split())
    return line if len(line) <= most else f"{line[: most - 3]}..."


def listed(names: Sequence[object], most: int, separator: str = ", ") -> str:
    """The first so many names, and how many more there are: "a, b, and 3 more"."""
    first = separator.join(map(str, names[:most]))
    return first if len(names) <= most else f"{first}{separator}and {len(names) - most:,} more"


def counted(number: int, noun: str) -> str:
    """A number with its noun: "1 epoch", "5 epochs"."""
    return f"{number:,} {noun}{'s' * (number != 1)}"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Aligned columns as plain lines: the first column to the left, numbers to the right."""
    cells = [[printable(cell) for cell in row] for row in (head, *rows)]
    widths = [max(len(row[k]) for row in cells) for k in range(len(head))]
    numeric = [all(_is_number(row[k]) for row in cells[1:]) for k in range(len(head))]
    align: list[Callable[[str, int], str]] = [str.rjust if n else str.ljust for n in numeric]
    return ["  ".join(align[k](row[k], widths[k]) for k in range(len(head))).rstrip() for row in cells]


def _is_number(text: str) -> bool:
    return not text or text[0] in "-+.0123456789"


def duration(seconds: float) -> str:
    """Seconds as a person says them: 0.8 s, 42 s, 3 min 05 s, 2 h 10 min."""
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def amount(value: float) -> str:
    """A count in three digits: 812, 35.2k, 1.53M."""
    for factor, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= factor:
            return f"{value / factor:.3g}{letter}"
    return f"{value:g}"


def rough(count: int) -> str:
    """A count of architectures: exact up to a million, then in powers of ten."""
    if count >= 10**300:  # more than a float holds
        power = math.log10(count)
        return f"about {10 ** (power % 1):.1f} x 10^{int(power):,}"
    return f"{count:,}" if count < 10**6 else f"about {count:.1e}".replace("e+", " x 10^")


def settings_text(settings: Mapping[str, object]) -> str:
    """Settings as people read them: "learning rate 0.1, no gradient clip, flip"."""
    return ", ".join(_setting(name.replace("_", " "), value) for name, value in settings.items())


def _setting(words: str, value: object) -> str:
    if value is None or value is False or value == 0:
        return f"no {words}"
    return words if value is True else f"{words} {value}"

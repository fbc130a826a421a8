"""How the command line speaks: plain lines or colours, JSON on request, errors in one to three lines."""

from __future__ import annotations

import json
import math
import os
import sys
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TextIO


def colours(stream: TextIO) -> bool:
    """Whether this stream shows colours and redraws lines: a terminal, unless NO_COLOR or a dumb terminal says no."""
    return stream.isatty() and "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb"


def say(*lines: str, stream: TextIO | None = None) -> None:
    """Print lines at once; characters that the stream cannot show are replaced rather than failing."""
    stream = stream if stream is not None else sys.stdout
    for line in lines:
        encoding = getattr(stream, "encoding", None) or "utf-8"
        print(line.encode(encoding, "replace").decode(encoding), file=stream, flush=True)


def say_json(value: Any) -> None:
    """Print a value as JSON; numbers that JSON does not have become null."""
    print(json.dumps(finite(value), indent=2, ensure_ascii=True, default=str), flush=True)


def finite(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, dict):
        return {key: finite(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [finite(each) for each in value]
    return value


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Aligned columns as plain lines: the first column to the left, numbers to the right."""
    cells = [list(head), *[list(row) for row in rows]]
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


def number(metric: str, value: float) -> str:
    """A metric for a person: accuracies in percent, counts short, the rest in four digits."""
    if metric.endswith("accuracy"):
        return f"{100 * value:.2f} %"
    if metric in ("params", "macs", "activation_memory"):
        return amount(value)
    return f"{value:.4g}"


def rough(count: int) -> str:
    """A count of architectures: exact up to a million, then in powers of ten."""
    return f"{count:,}" if count < 10**6 else f"about {count:.1e}".replace("e+", " x 10^")

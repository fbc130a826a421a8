"""How the command line speaks: plain lines or colours, JSON on request, errors in one to three lines."""

from __future__ import annotations

import json
import math
import os
import sys
from typing import Any, TextIO

from netwright.core.wording import printable


def colours(stream: TextIO) -> bool:
    """Whether this stream shows colours and redraws lines: a terminal, unless NO_COLOR or a dumb terminal says no."""
    return stream.isatty() and "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb"


def say(*lines: str, stream: TextIO | None = None) -> None:
    """Print lines at once; characters that the stream cannot show are replaced rather than failing.

    Each is one line, in which nothing that was read somewhere can steer the terminal (`printable`).
    """
    stream = stream if stream is not None else sys.stdout
    for line in lines:
        encoding = getattr(stream, "encoding", None) or "utf-8"
        print(printable(line).encode(encoding, "replace").decode(encoding), file=stream, flush=True)


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

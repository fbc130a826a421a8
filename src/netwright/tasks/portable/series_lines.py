"""Series of .ts files of the UCR and UEA archives: a series a line, its channels apart by colons."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from netwright.tasks.portable.series import require_fit

CHANNELS: int

ENDINGS = (".ts",)
TRUTH = {"true": True, "false": False}


def says(head: Mapping[str, Sequence[str]], name: str) -> bool | None:
    """What a line such as "@equalLength true" says; None where it says neither, or is not there."""
    words = head.get(name, ())
    return TRUTH.get(words[0].lower()) if words else None


def ts_lines(path: Path) -> tuple[dict[str, list[str]], list[tuple[int, str]]]:
    """The words of the lines before @data, by their first one, and the numbered lines behind it; ValueError."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise ValueError("is no .ts file: it is no text") from None
    if not text:
        raise ValueError("is empty (0 bytes)")
    lines = [(number, line.strip()) for number, line in enumerate(text.splitlines(), 1)]
    head: dict[str, list[str]] = {}
    for place, (_, line) in enumerate(lines):
        word, *rest = line.split() or [""]
        if word.lower() == "@data":
            if says(head, "timestamps"):
                raise ValueError("has time stamps, which are not read; write values at even times")
            return head, [(number, each) for number, each in lines[place + 1 :] if each and not each.startswith("#")]
        if word.startswith("@"):
            head[word[1:].lower()] = rest
    raise ValueError("is no .ts file: it has no line @data")


def ts_values(channels: Sequence[str], number: int) -> NDArray[Any]:
    """The values of a line's channels, (channels, times), NaN where one is missing; ValueError with the line."""
    rows: list[list[float]] = []
    for channel in channels:
        cells = [each.strip() for each in channel.split(",")]
        try:
            rows.append([np.nan if each in ("?", "", "NaN") else float(each) for each in cells])
        except ValueError as problem:
            raise ValueError(f"line {number}: {problem}; expected numbers, or ? where one is missing") from None
    lengths = [len(row) for row in rows]
    if len(set(lengths)) > 1:
        raise ValueError(f"line {number}: its channels have different lengths: {lengths}")
    return np.array(rows)


def read(path: Path) -> tuple[list[str], list[NDArray[Any]]]:
    """The series of a .ts file, with or without what is asked for behind each, named by their lines."""
    names: list[str] = []
    found: list[NDArray[Any]] = []
    for number, line in ts_lines(path)[1]:
        channels = line.split(":")
        if len(channels) not in (CHANNELS, CHANNELS + 1):
            raise ValueError(
                f"line {number}: {len(channels)} parts between colons; expected {CHANNELS} channels, and what is asked "
                "for or nothing"
            )
        names.append(f"line {number}")
        found.append(ts_values(channels[:CHANNELS], number))
        require_fit(names[-1], found[-1])
    if not found:
        raise ValueError("holds no series behind @data")
    return names, found

"""Texts as numbers: characters, words or bytes, by the vocabulary of a training part."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor

from netwright.tasks.portable.rows import encoding_of

# A word with its apostrophes and hyphens, a mark such as <unk>, one sign of punctuation, or the end of a line.
_WORD = re.compile(r"<\w+>|\w+(?:['\u2019-]\w+)*|[^\w\s]|\n")
_CONTROLS = re.compile("[\x00-\x08\x0e-\x1a\x1c-\x1f]")


def text_in(path: Path) -> str:
    """A file's text with plain line ends; ValueError where it is none."""
    body = path.read_bytes()
    if not body.strip():
        raise ValueError(f"is empty ({len(body)} bytes)")
    try:
        text = body.decode(encoding_of(body))
    except UnicodeDecodeError as problem:
        raise ValueError(f"is no text: byte {problem.start:,} cannot be read as {problem.encoding}") from None
    control = _CONTROLS.search(text)
    if control is not None:
        raise ValueError(f"is no text: character {control.start():,} is a control character ({control[0]!r})")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def pieces_of(text: str, unit: str) -> Sequence[str]:
    """The characters, or the words and signs, of a text."""
    return text if unit == "characters" else _WORD.findall(text)


def words_of(text: str) -> list[str]:
    """The words and signs of a text in lower case, without ends of lines."""
    return [each for each in _WORD.findall(text.lower()) if each != "\n"]


def numbers_of(pieces: Iterable[str], known: Mapping[str, int], unknown: int) -> list[int]:
    """The number of each piece in the vocabulary."""
    return [known.get(each, unknown) for each in pieces]


def tokens_in(path: Path, unit: str, vocabulary: Sequence[str]) -> Tensor:
    """All tokens of a file, int64; token 0 stands for what is not in the vocabulary. ValueError where it is no text."""
    if unit == "bytes":
        return torch.frombuffer(bytearray(path.read_bytes()), dtype=torch.uint8).long()
    known = {piece: number for number, piece in enumerate(vocabulary)}
    return torch.tensor(numbers_of(pieces_of(text_in(path), unit), known, 0))


def windows(tokens: Tensor, length: int) -> tuple[Tensor, Tensor]:
    """The tokens in rows of one length, (n, length), each going on where the one before ends; and what follows each.

    What does not fill a row at the end is left out.
    """
    count = max(0, len(tokens) - 1) // length
    return tuple(tokens[start : start + count * length].view(count, length) for start in (0, 1))  # pyright: ignore


def in_one_length(numbers: Sequence[Sequence[int]], length: int) -> Tensor:
    """Texts as rows of one length, (n, length): long ones without their end, short ones with zeros in front."""
    rows = torch.zeros(len(numbers), length, dtype=torch.int64)
    for row, text in zip(rows, numbers, strict=True):
        kept = text[:length]
        if kept:
            row[length - len(kept) :] = torch.tensor(kept)
    return rows

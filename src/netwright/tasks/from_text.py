"""A text file whose next token is asked for: characters, words or bytes, split in the order of the text."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from netwright.core.checks import one_of, part, whole_number
from netwright.core.errors import DataError
from netwright.core.kinds import kinds_checked
from netwright.core.spelling import option
from netwright.core.task import Examples
from netwright.problems.language import UNITS, Language
from netwright.tasks.given_paths import existing
from netwright.tasks.portable import texts
from netwright.tasks.raw_texts import Windows
from netwright.tasks.remaking import remakeable
from netwright.tasks.splits import kept
from netwright.tasks.task import Task

WINDOWS = {"characters": 64, "bytes": 64, "words": 35}
UNKNOWN = {"characters": "\ufffd", "words": "<unk>"}
_LEAST = 8  # windows to train and validate on
_KEPT = 1 << 16  # tokens of the test part
_MEANT = "a text (.txt)"
_LOOKED_AT, _LINES, _ALIKE = 1 << 16, 50, 0.9  # bytes and lines by which a table is told; lines that are alike in one


@remakeable("text")
@kinds_checked
def text(
    path: str | os.PathLike[str],
    *,
    tokens: str = "characters",
    window: int | None = None,
    words: int = 10_000,
    validation: str | os.PathLike[str] | None = None,
    test: str | os.PathLike[str] | None = None,
    limit: int | float | None = None,
    test_share: float = 0.1,
) -> Task:
    """A task of a text: the token that follows on each token.

    The text is cut into windows, each going on where the one before ends. Its last part is the final test, and a search
    validates on the last part of the rest, so that nothing is asked that was read before. The vocabulary is that of the
    rest, too: what only the test has is unknown, token 0.

    path: of the file.
    tokens: "characters", "words" (with signs of punctuation and ends of lines), or "bytes".
    window: tokens that a network is given at a time, and answers; by default 64, of words 35 (Liu et al. 2019). What a
        recurrent network carries on reaches further.
    words: how many different ones are known at most, the most frequent.
    validation, test: further files, which are validated and tested on in place of parts of this one.
    limit: keep the beginning, as a number of tokens or a share.
    test_share: of the tokens, at the end, where there is no `test`.

    Raises DataError for a file that is empty, no text, or too short for its windows.
    """
    one_of("", "tokens", tokens, UNITS)
    length = WINDOWS[tokens] if window is None else whole_number("", "window", window)
    whole_number("", "words", words, 2)
    part("", "test_share", test_share)
    place = existing(path, "file", _MEANT)
    whole = _pieces(place, tokens)
    found = whole[: kept(len(whole), limit)]
    own = [None if each is None else _pieces(existing(each, "file", _MEANT), tokens) for each in (validation, test)]
    cut = len(found) if own[1] is not None else round(len(found) * (1 - test_share))
    vocabulary = _vocabulary(found[:cut], tokens, words)
    parts = [found[:cut], own[0], found[cut:] if own[1] is None else own[1]]
    windows = [None if each is None else texts.windows(_numbers(each, tokens, vocabulary), length) for each in parts]
    holds = f"{place} holds {len(whole):,} {tokens}"
    holds += f", of which {option('limit')} keeps {len(found):,}" if len(found) < len(whole) else ""
    _require_enough(holds, length, windows)
    learnt, validated, tested = windows
    assert learnt is not None and tested is not None
    places = None
    if validated is not None:
        places = np.arange(len(learnt[0]), len(learnt[0]) + len(validated[0]))
        learnt = tuple(torch.cat(each) for each in zip(learnt, validated, strict=True))
    return Task(
        *(place.stem, Examples(*learnt), Examples(*tested), Language(vocabulary, unit=tokens)),
        vocabulary=len(vocabulary),
        by_time=True,
        validation=places,
        preparation=Windows(tokens, vocabulary, length, parts[2][:_KEPT] if parts[2] is not None else ()),
        notes=(*_limited(len(whole), len(found), tokens), *_notes(parts, windows, tokens, vocabulary)),
    )


def _pieces(path: Path, unit: str) -> Sequence[Any]:
    """The tokens of a file: a text of characters, a list of words, or bytes."""
    if unit == "bytes":
        body = path.read_bytes()
        if not body:
            raise DataError(f"{path} is empty (0 bytes)")
        return body
    try:
        return texts.pieces_of(texts.text_in(path), unit)
    except ValueError as problem:
        raise DataError(f"{path} {problem}; {option('tokens', 'bytes')} reads any file") from None


def _vocabulary(learnt: Sequence[Any], unit: str, words: int) -> tuple[str, ...]:
    if unit == "bytes":
        return tuple(f"{each:02x}" for each in range(256))
    counts = Counter(learnt)
    counts.pop(UNKNOWN[unit], None)
    known = sorted(counts) if unit == "characters" else [each for each, _ in counts.most_common(words - 1)]
    return UNKNOWN[unit], *known


def _numbers(pieces: Sequence[Any], unit: str, vocabulary: Sequence[str]) -> Tensor:
    """In two bytes each where that is enough."""
    if unit == "bytes":
        return torch.frombuffer(bytearray(pieces), dtype=torch.uint8).to(torch.int16)
    known = {piece: number for number, piece in enumerate(vocabulary)}
    dtype = torch.int16 if len(vocabulary) <= 1 << 15 else torch.int32
    return torch.tensor(texts.numbers_of(pieces, known, 0), dtype=dtype)


def _require_enough(holds: str, length: int, windows: Sequence[Any]) -> None:
    for each, least, what in zip(windows, (_LEAST, 1, 1), ("train and validate", "validate", "test"), strict=True):
        if each is not None and len(each[0]) < least:
            raise DataError(
                f"{holds}, too few: there are {len(each[0])} windows of {length} to {what} on, "
                f"at least {least} are needed; give a longer text, or a smaller window"
            )


def _limited(whole: int, count: int, unit: str) -> tuple[str, ...]:
    return (f"limit: the first {count:,} of {whole:,} {unit} kept",) if count < whole else ()


def _notes(
    parts: Sequence[Sequence[Any] | None], windows: Sequence[Any], unit: str, vocabulary: Sequence[str]
) -> tuple[str, ...]:
    """What was decided, a sentence each."""
    learnt, tested = len(parts[0] or ()), len(parts[2] or ())
    tested_too = f"{tested:,} to test on"
    notes = [f"split in the order of the text: {learnt:,} {unit} to train and validate on, then {tested_too}"]
    if parts[1] is not None:
        validated = f"{len(parts[1]):,} to validate and {tested_too}"
        notes = [f"{learnt:,} {unit} to train on, {validated}, each of its own file"]
    if unit == "bytes":
        return tuple(notes)
    share = [float((each[0] == 0).float().mean()) for each in (windows[0], windows[2])]
    notes.append(
        f"the vocabulary has {len(vocabulary) - 1:,} {unit} of the training part, and one for all others: "
        f"{share[0]:.2%} of what is trained and {share[1]:.2%} of what is tested on"
    )
    return tuple(notes)


def is_prose(path: Path) -> bool:
    """Whether a text file is no table: its first lines have no separator as often each, and hold more than numbers."""
    with path.open("rb") as file:
        lines = file.read(_LOOKED_AT).decode("utf-8", errors="replace").splitlines()
    lines = [line for line in lines if line.strip()][:_LINES]
    if not lines or all(_is_number(each) for line in lines[1:] or lines for each in line.split()):
        return False
    counts = [[line.count(mark) for line in lines] for mark in ",;\t|"]
    return not any(each[0] and each.count(each[0]) >= _ALIKE * len(each) for each in counts)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True

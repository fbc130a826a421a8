"""A text file as the windows that a language model is given."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from netwright.tasks.portable.texts import numbers_of, pieces_of, tokens_in

VOCABULARY: tuple[str, ...]
UNIT: str
WINDOW: int

ENDINGS = (".txt",)
following_tokens = {}


def read(path: Path) -> tuple[list[str], Tensor]:
    """The windows of a text file, (n, length), with a name for each; raises ValueError."""
    tokens = tokens_in(path, UNIT, VOCABULARY)
    count = max(0, len(tokens) - 1) // WINDOW
    if not count:
        raise ValueError(f"holds {len(tokens):,} {UNIT}; expected at least {WINDOW + 1}, a window and what follows it")
    following_tokens[str(path)] = int(tokens[count * WINDOW])
    return [f"window {i}" for i in range(1, count + 1)], tokens[: count * WINDOW].view(count, WINDOW)


def prepared(raw: Any) -> Tensor:
    """Windows of tokens, (n, length), as they are; or those of a text."""
    if not isinstance(raw, str):
        return torch.as_tensor(raw)
    known = {piece: number for number, piece in enumerate(VOCABULARY)}
    tokens = torch.tensor(numbers_of(pieces_of(raw, UNIT), known, 0))
    return tokens[: len(tokens) // WINDOW * WINDOW].view(-1, WINDOW)

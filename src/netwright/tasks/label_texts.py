"""Texts as rows of numbers: a vocabulary that was taken from some of them; and text files in class folders."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import torch
from torch import Tensor

from netwright.core.errors import DataError
from netwright.core.wording import listed
from netwright.tasks.portable import texts

_FILLING, _UNKNOWN = "<pad>", "<unk>"
_TWICE = 2  # a word that occurs once tells nothing about other texts


@dataclass(frozen=True)
class Vocabulary:
    """words: in the order of their numbers: what fills short texts, any unknown word, and the known ones."""

    words: tuple[str, ...]

    @classmethod
    def of(cls, found: Iterable[str], most: int) -> Vocabulary:
        """The most frequent words of these texts, those that occur twice at least.

        most: how many there are at most, the filling and the unknown one among them.
        """
        counts = Counter(word for text in found for word in texts.words_of(text))
        known = [word for word, count in counts.most_common(most - 2) if count >= _TWICE]
        return cls((_FILLING, _UNKNOWN, *known))

    @property
    def size(self) -> int:
        return len(self.words)

    @cached_property
    def _numbers(self) -> dict[str, int]:
        return {word: number for number, word in enumerate(self.words)}

    def counts(self, found: Iterable[str]) -> list[int]:
        """How many words each text has."""
        return [len(texts.words_of(text)) for text in found]

    def numbers(self, found: Iterable[str], length: int) -> Tensor:
        """Texts as rows of `length` tokens, int16 or int32."""
        rows = texts.in_one_length([texts.numbers_of(texts.words_of(each), self._numbers, 1) for each in found], length)
        return rows.to(torch.int16 if self.size <= 1 << 15 else torch.int32)


def read_texts(folder: Path, names: Sequence[str]) -> tuple[list[str], list[int]]:
    """The texts of the .txt files in each class folder, and their classes' numbers; DataError names what is wrong."""
    if len(names) < 2:
        raise DataError(
            f"{folder} has {len(names)} class folders; expected at least 2, each with .txt files of its class"
        )
    found: list[str] = []
    codes: list[int] = []
    for code, name in enumerate(names):
        files = sorted((folder / name).glob("*.txt"))
        if not files:
            raise DataError(f"{folder / name} holds no .txt file; the class folders are {listed(list(names), 8)}")
        for file in files:
            try:
                found.append(texts.text_in(file))
            except ValueError as problem:
                raise DataError(f"{file} {problem}; remove it, or give it a text") from None
            codes.append(code)
    return found, codes

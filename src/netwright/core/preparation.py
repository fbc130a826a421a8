"""How raw examples become what a network takes: a value that goes with a task, and code that runs without netwright."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any


class Preparation(ABC):
    """Turns the user's own files into a task's inputs, by the same code while training and in an exported `model.py`.

    That code stands in a module of `netwright.tasks.portable`, which imports only the standard library, torch, numpy
    and Pillow; a reader calls it, and `code` gives its text to the export. So the two cannot come to differ.
    """

    @abstractmethod
    def describe(self) -> str:
        """What one example is, as in "a classifier of ...": "RGB images of 32x32 pixels", "rows of 14 columns"."""

    def needs(self) -> str:
        """What a user's file must hold, in a sentence: "A row needs the columns age, city." Empty where it is plain."""
        return ""

    @abstractmethod
    def constants(self) -> Mapping[str, Any]:
        """Names in capitals that `code` uses, and their values: numbers, texts, None, and tuples and dicts of them."""

    @abstractmethod
    def code(self) -> str:
        """Python text, its imports first, that defines three names for `model.py`.

        `ENDINGS`: the endings of the files that `read` takes, as a tuple of texts such as ".png".
        `read(path: Path) -> tuple[list[str], raw]`: the examples of one file with a name for each; ValueError with one
        line of text where the file cannot be used.
        `prepared(raw) -> Tensor`: examples as a person holds them (tensor, array, list of rows), (n, ...), in the
        stored form of the task's inputs: uint8 images or float32 vectors, before mean and deviation are applied.
        """

    @abstractmethod
    def own_files(self, count: int, folder: Path) -> Sequence[Path]:
        """Files with the first so many test examples (fewer where there are fewer), in order, as their user has them.

        The user's own paths where an example is a file; parts of larger files (rows, arrays) are written to `folder`.
        """

    def looks(self, places: Sequence[int]) -> Sequence[Mapping[str, Any]]:
        """What the test examples at these places are to their user: "file", a path; "row", cells by column; or "text".

        An empty mapping for what is not known any more; nothing at all where no example has more than its inputs.
        """
        return []

    def stood_for(self, inputs: Any) -> Any:
        """What `prepared` gives for the files of `own_files`, made of the first test inputs; by default these.

        inputs: of the task's test split, as many as `own_files` was asked for. Where an example of the user's is
            several inputs of the task, such as the tiles of a picture, these are put together, as a list.
        """
        return inputs

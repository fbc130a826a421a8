"""What reads a table, and tells its content from another's."""

from __future__ import annotations

import hashlib
import os
from abc import ABC, abstractmethod
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from netwright.core.configuration import Configured
from netwright.core.decision_space import DecisionSpace
from netwright.tasks.given_paths import existing

if TYPE_CHECKING:
    from netwright.estimators.tables.source_columns import Columns

_BLOCK = 1 << 20


class Source(Configured, ABC):
    """Reads a table. The constructor takes what is needed to read it again in another process."""

    @abstractmethod
    def read(self, space: DecisionSpace) -> Columns:
        """All cells; DataError says what cannot be read, and where."""

    @property
    @abstractmethod
    def fingerprint(self) -> str:
        """SHA-256 of the content, in hexadecimal."""

    @property
    @abstractmethod
    def name(self) -> str:
        """What a person calls it."""

    @property
    def signature(self) -> object:
        """Equal for equal content, without reading it; what a second reading in one process is saved by."""
        return self.fingerprint

    def configuration(self) -> dict[str, Any]:
        """What identifies the content, wherever it lies."""
        return {"name": self.name, "sha256": self.fingerprint}


class FileSource(Source):
    """A table in one file; a relative path is made absolute, so that worker processes find it."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(os.path.abspath(existing(path, "file", "a table")))
        self._arguments["path"] = str(self.path)

    @property
    def name(self) -> str:
        return self.path.name

    @cached_property
    def fingerprint(self) -> str:
        return sha256(self.path)

    @property
    def signature(self) -> object:
        found = self.path.stat()
        return str(self.path), found.st_mtime_ns, found.st_size


def sha256(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()

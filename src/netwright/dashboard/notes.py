"""Notes and tags on runs and trials: a file of their own beside the database, which only its driver writes."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
from collections.abc import Generator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from netwright.core.errors import UserError
from netwright.core.inside import open_inside
from netwright.core.serial import parse_json

NAME = "notes.json"
LOCK = "notes.lock"
LARGEST = 5_000_000  # bytes of all notes
LONGEST_NOTE = 10_000  # characters
LONGEST_TAG = 40
MOST_TAGS = 20


@dataclass(frozen=True)
class Note:
    """What was noted on a run, or on one of its trials."""

    text: str = ""
    tags: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.text or self.tags)


class Notes:
    """The notes of a project directory. Several servers may write them; each change is whole or not at all."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._path = directory / NAME
        self._read: tuple[tuple[int, int], dict[str, Note]] = ((0, 0), {})

    def of(self, run: str, trial: int | None = None) -> Note:
        return self._all().get(_key(run, trial), Note())

    def trials(self, run: str) -> dict[int, Note]:
        """The trials of a run that something was noted on."""
        before = f"{run}/"
        found = {key.removeprefix(before): note for key, note in self._all().items() if key.startswith(before)}
        return {int(number): note for number, note in found.items() if number.isdigit()}

    def change(self, run: str, trial: int | None, text: str, tags: list[str]) -> Note:
        """Set what is noted; empty takes it away. UserError for what is too long."""
        note = Note(
            _plain(text, LONGEST_NOTE, "note"), tuple(dict.fromkeys(_tag(each) for each in tags if each.strip()))
        )
        if len(note.tags) > MOST_TAGS:
            raise UserError(f"{len(note.tags)} tags; at most {MOST_TAGS}")
        with self._alone():
            found = dict(self._load())
            found[_key(run, trial)] = note
            self._write({key: each for key, each in found.items() if each})
        return note

    def _all(self) -> Mapping[str, Note]:
        """As they are now; read again where the file has changed."""
        try:
            found = os.stat(self._path)
        except OSError:
            return {}
        mark = (found.st_mtime_ns, found.st_size)
        if self._read[0] != mark:
            self._read = (mark, self._load())
        return self._read[1]

    def _load(self) -> dict[str, Note]:
        try:
            with os.fdopen(open_inside(self._path, os.O_RDONLY), "rb") as file:
                stored = parse_json(file.read(LARGEST).decode())
        except (OSError, UserError, UnicodeDecodeError):
            return {}
        return {str(key): _note(value) for key, value in stored.items()} if isinstance(stored, dict) else {}

    def _write(self, notes: Mapping[str, Note]) -> None:
        text = json.dumps({key: {"text": each.text, "tags": each.tags} for key, each in notes.items()}).encode()
        if len(text) > LARGEST:
            raise UserError(f"the notes take {len(text):,} bytes; at most {LARGEST:,}")
        unfinished = self._directory / f"{NAME}.{secrets.token_hex(4)}"
        with os.fdopen(open_inside(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL), "wb") as file:
            file.write(text)
        os.replace(unfinished, self._path)

    @contextlib.contextmanager
    def _alone(self) -> Generator[None]:
        """One change after the other, also of several servers."""
        import fcntl

        lock = open_inside(self._directory / LOCK, os.O_RDWR | os.O_CREAT)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)


def _key(run: str, trial: int | None) -> str:
    return run if trial is None else f"{run}/{trial}"


def _note(value: Any) -> Note:
    if not isinstance(value, dict):
        return Note()
    tags = value.get("tags")
    return Note(str(value.get("text", ""))[:LONGEST_NOTE], tuple(map(str, tags)) if isinstance(tags, list) else ())


def _plain(text: str, longest: int, what: str) -> str:
    if len(text) > longest:
        raise UserError(f"the {what} has {len(text):,} characters; at most {longest:,}")
    return text.encode("utf-8", "replace").decode().strip()


def _tag(text: str) -> str:
    return " ".join(_plain(text, LONGEST_TAG, "tag").split())

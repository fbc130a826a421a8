"""Files from which work goes on after it was stopped: whole or not there, checked before use, the one before kept.

A generation is what was written for one step: files `epoch-<step>.<kind>` and a manifest `epoch-<step>.json` with the
SHA-256 of each, of what it says itself, and of nothing else. Files are written under another name, brought to disk and
renamed, the manifest last: a generation without one does not count. Nobody but the one who writes here needs to know.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Generator, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

GENERATIONS = 2
LITTLE = 1_000_000  # bytes; with less left than this a failure to write is put down to a full disk
_FORMAT = 1
_MANIFEST = re.compile(r"epoch-(\d{6,})\.json")
_OURS = re.compile(r"epoch-(\d{6,})\.[a-z]+")


class Generation(NamedTuple):
    """What was saved at a step.

    path: `path.with_suffix(".kind")` are its files.
    facts: JSON that was given with it.
    """

    step: int
    path: Path
    facts: Mapping[str, Any]


class Checkpoints:
    """The generations in one folder, which is made when the first one is saved.

    notes: a sentence for each generation that was passed over because it is damaged, and one where none was left.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = Path(folder)
        self.notes: list[str] = []
        self._damaged: set[int] = set()

    def save(self, step: int, writer: Callable[[Path], None], facts: Mapping[str, Any] | None = None) -> None:
        """Keep a generation and the one before it, no others: later ones are of work that is being done again.

        writer: is given a path and writes files beside it, `path.with_suffix(".kind")`, kind in lower-case letters.
            Raises OSError, with the space that is left where that is the reason; what was there before is then as it
            was.
        """
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        stem = f"epoch-{step:06d}"
        with _temporary(self.folder, stem) as temporary, self._explained():
            writer(temporary / stem)
            names = sorted(each.name for each in temporary.iterdir())
            assert all(_OURS.fullmatch(name) and not name.endswith(".json") for name in names), names
            manifest: dict[str, Any] = {
                "format": _FORMAT,
                "epoch": step,
                "sha256": {name: _settled(temporary / name) for name in names},
                "facts": dict(facts or {}),
            }
            text = json.dumps({**manifest, "manifest_sha256": digest(manifest)}, indent=1)
            (temporary / f"{stem}.json").write_text(text)
            _settled(temporary / f"{stem}.json")
            (self.folder / f"{stem}.json").unlink(missing_ok=True)  # its files are about to be replaced
            for name in (*names, f"{stem}.json"):
                os.replace(temporary / name, self.folder / name)
        synchronise(self.folder)
        self._damaged.discard(step)
        self._remove_old(step)

    def latest(self, highest: int | None = None) -> Generation | None:
        """The newest generation whose files are as they were written; None without one. See `generations`."""
        return next(self.generations(highest), None)

    def generations(self, highest: int | None = None) -> Iterator[Generation]:
        """Those whose files are as they were written, newest first, up to step `highest`."""
        steps = [step for step in self.steps() if highest is None or step <= highest]
        for step in reversed(steps):
            try:
                yield self._checked(step)
            except Damaged as problem:
                self.pass_over(step, problem)
        if steps and self._damaged.issuperset(steps):
            self.notes.append(f"no undamaged checkpoint is left in {self.folder}: it starts again")

    def pass_over(self, step: int, problem: Exception) -> None:
        """Note that a generation cannot be used; it is the first to go when the next is saved."""
        self._damaged.add(step)
        self.notes.append(f"checkpoint of epoch {step} in {self.folder} was passed over: {problem}")

    def steps(self) -> list[int]:
        """The steps of all generations, damaged ones included, in order."""
        names = [path.name for path in self.folder.iterdir()] if self.folder.is_dir() else []
        return sorted(int(match[1]) for match in map(_MANIFEST.fullmatch, names) if match)

    def damages(self) -> list[str]:
        """A sentence for each generation that is not as it was written."""
        found: list[str] = []
        for step in self.steps():
            try:
                self._checked(step)
            except Damaged as problem:
                self._damaged.add(step)
                found.append(f"checkpoint of epoch {step} in {self.folder} is damaged: {problem}")
        return found

    def clean(self) -> None:
        """Remove what a process that died in the middle of writing has left. Only for who alone writes here."""
        if not self.folder.is_dir():
            return
        steps = set(self.steps())
        for path in self.folder.iterdir():
            if path.name.startswith("epoch-") and path.name.endswith(".tmp"):
                shutil.rmtree(path) if path.is_dir() else path.unlink()
            elif (match := _OURS.fullmatch(path.name)) and int(match[1]) not in steps:
                path.unlink()

    def _checked(self, step: int) -> Generation:
        stem = self.folder / f"epoch-{step:06d}"
        manifest = _read_manifest(stem.with_suffix(".json"))
        for name, expected in manifest["sha256"].items():
            if not isinstance(name, str) or not _OURS.fullmatch(name):
                raise Damaged(f"{stem.name}.json names a file {name!r} that is none of its own")
            if _sha256(self.folder / name) != expected:
                raise Damaged(f"the SHA-256 of {name} is not the one that was recorded")
        return Generation(step, stem, manifest["facts"])

    def _remove_old(self, newest: int) -> None:
        steps = self.steps()
        whole = [step for step in steps if step <= newest and step not in self._damaged]
        for step in set(steps) - set(whole[-GENERATIONS:]):
            stem = self.folder / f"epoch-{step:06d}"
            # The manifest first, so that what is left never counts as a generation.
            stem.with_suffix(".json").unlink(missing_ok=True)
            for path in self.folder.glob(f"{stem.name}.*"):
                if _OURS.fullmatch(path.name):
                    path.unlink(missing_ok=True)

    @contextlib.contextmanager
    def _explained(self) -> Generator[None]:
        """Libraries say many things when the disk is full, few of them that it is."""
        try:
            yield
        except Exception as problem:
            free = shutil.disk_usage(self.folder).free
            if getattr(problem, "errno", None) == errno.ENOSPC or free < LITTLE:
                raise OSError(errno.ENOSPC, f"no room left on the disk ({free / 1e6:,.1f} MB free)") from problem
            raise


class Damaged(Exception):
    """What is there is not what was written."""


def digest(manifest: Mapping[str, Any]) -> str:
    """SHA-256 in hex of a manifest without this digest itself."""
    return hashlib.sha256(json.dumps(manifest, sort_keys=True).encode()).hexdigest()


def synchronise(folder: Path) -> None:
    """Make what was renamed in this folder survive a loss of power."""
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def _temporary(folder: Path, stem: str) -> Generator[Path]:
    """A private folder that is gone afterwards."""
    path = Path(tempfile.mkdtemp(prefix=f"{stem}.", suffix=".tmp", dir=folder))
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def _settled(path: Path) -> str:
    """Bring a file to the disk, readable by its owner only; its SHA-256."""
    os.chmod(path, 0o600)
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
        os.fsync(file.fileno())
    return found


def _sha256(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as problem:
        raise Damaged(f"{path.name} cannot be read ({problem.strerror})") from None


def _read_manifest(path: Path) -> dict[str, Any]:
    try:
        manifest: dict[str, Any] = json.loads(path.read_bytes())
        expected = manifest.pop("manifest_sha256")
        if digest(manifest) == expected and manifest["format"] == _FORMAT:
            return manifest
    except (OSError, ValueError, KeyError, AttributeError, TypeError, RecursionError) as problem:
        raise Damaged(f"{path.name} cannot be read ({problem})") from None
    raise Damaged(f"the SHA-256 of {path.name} is not the one that was recorded")

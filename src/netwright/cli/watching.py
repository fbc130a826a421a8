"""Who looks on while a search runs: pages beside it, and whoever is told of its end."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from netwright.cli.notifying import notifying
from netwright.cli.pages_beside import pages_beside


class Looking(Protocol):
    """The options of a command that is watched."""

    @property
    def serve(self) -> bool: ...

    @property
    def notify(self) -> str | None: ...

    @property
    def as_json(self) -> bool: ...

    @property
    def quiet(self) -> bool: ...


@contextmanager
def watched(options: Looking, directory: Path) -> Generator[None]:
    """Inside, what the options ask for holds."""
    with (
        notifying(options.notify, directory),
        pages_beside(directory, wanted=options.serve, aloud=not (options.as_json or options.quiet)),
    ):
        yield

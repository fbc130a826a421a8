"""`netwright worker`: carries out the trials of a run that shares its work over a folder."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from netwright.cli.output import say
from netwright.cli.sharing import QUEUES, home_of, queue_of
from netwright.cli.stopping import stoppable
from netwright.cli.workshop import Workshop
from netwright.core.errors import ConfigurationError, UserError, nearest

if TYPE_CHECKING:
    from netwright.executors.folder.folder_session import Session


def work(
    directory: Path, run: str | None, *, workers: int, threads: int | None, idle: str, trust: bool, quiet: bool
) -> None:
    """Work until the run has ended, or nothing came for `idle`. Ctrl-C and SIGTERM give back what was begun.

    trust: agree to the code that the run names.
    """
    from netwright.engine import parse_duration
    from netwright.executors.folder import Worker

    for name, value in (("workers", workers), ("threads", threads)):
        if value is not None and value < 1:
            raise ConfigurationError(f"--{name} {value}: expected a whole number of at least 1")
    queue = found_queue(directory, run)

    def tell(text: str) -> None:
        if not quiet:
            say(text)

    make = Workshop(tell, home_of(Path(os.path.abspath(queue))), trust=trust)
    worker = Worker(queue, make, slots=workers, threads=threads, idle=parse_duration(idle), say=tell)
    tell_unknown(queue, tell)
    with stoppable():
        reason = worker.run()
    tell(f"{reason}; {carried_out(worker.carried_out)} carried out here")


def carried_out(counts: Mapping[str, int]) -> str:
    """What a worker was given, in words: "2 trials", "1 search and 3 trainings"."""
    found = [f"{count:,} {noun if count == 1 else plural(noun)}" for noun, count in counts.items() if count]
    return " and ".join(found) or "nothing"


def plural(noun: str) -> str:
    return f"{noun}es" if noun.endswith(("s", "ch", "sh", "x")) else f"{noun}s"


def tell_unknown(queue: Path, tell: Callable[[str], object]) -> None:
    """Say so where the project has runs, but none of this name: a worker may come first, or be named wrongly."""
    from netwright.core.errors import NetwrightError
    from netwright.store import Store

    if queue.exists() or queue.parent.name != QUEUES:
        return
    with contextlib.suppress(NetwrightError, OSError), Store.open_readonly(queue.parent.parent) as store:
        if store.names() and queue.name not in store.names():
            tell(f"there is no run {queue.name!r} yet{nearest(queue.name, store.names())}")


def found_queue(directory: Path, run: str | None) -> Path:
    """The folder in which work is shared: of a run by its name, by DIR/RUN, or any that holds shared work."""
    from netwright.executors.folder.folder_session import FILE

    if run is None:
        return _only(directory)
    path = Path(run)
    if (path / FILE).is_file():
        return path
    if path.parent == Path() and not run.startswith("."):
        return queue_of(directory, run)
    if not path.is_dir():
        return queue_of(path.parent, path.name)
    others = [name for name in sorted(os.listdir(path)) if not name.startswith((".", "session"))]
    if others:
        raise UserError(
            f"{run} holds no shared work but other files ({', '.join(others[:3])}); expected the name of a run, or the "
            "folder in which one shares its work"
        )
    return path


def _only(directory: Path) -> Path:
    """The run of a project that shares its work now, where there is one."""
    shared = {path.name: path for path in sorted((directory / QUEUES).glob("*")) if _is_open(path)}
    if len(shared) == 1:
        return next(iter(shared.values()))
    if shared:
        raise UserError(f"several runs in {directory} share their work: {', '.join(shared)}; name one of them")
    raise UserError(
        f"no run in {directory} shares its work now; begin one with: netwright search DATA --executor folder, or name "
        "the run to wait for it"
    )


def _is_open(queue: Path) -> bool:
    from netwright.executors.folder.folder_files import Unreadable
    from netwright.executors.folder.folder_session import ENDED, Session

    try:
        session: Session | None = Session.read(queue)
    except (OSError, Unreadable):
        return False
    return session is not None and session.state != ENDED

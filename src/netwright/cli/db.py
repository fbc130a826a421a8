"""`netwright db` and `clean`: check what is stored, copy it, save what can be saved, remove what only saves time."""

from __future__ import annotations

import shutil
from pathlib import Path

from netwright.cli.output import say, say_json
from netwright.core.errors import CorruptStore, UserError
from netwright.core.wording import counted


def check(directory: Path, *, as_json: bool) -> int:
    """Read everything; exit code 0 where all is as it was written, 6 where something is not."""
    from netwright.store.checking import check

    report = check(directory)
    if as_json:
        say_json({"ok": not report.problems, **vars(report)})
    else:
        say(*report.problems, *report.notes)
        found = (
            (report.runs, "run"),
            (report.trials, "trial"),
            (report.checkpoints, "checkpoint"),
            (report.backups, "backup"),
        )
        read = ", ".join(counted(number, noun) for number, noun in found)
        say(f"{directory}: {read}: " + (f"{len(report.problems)} damaged" if report.problems else "all as written"))
        if report.problems:
            say(f"save what is whole with: netwright db recover --dir {directory}")
    return CorruptStore.exit_code if report.problems else 0


def back_up(directory: Path, to: Path | None, *, as_json: bool) -> None:
    """Copy the database, whole whatever is going on, to `to` or beside the project's other backups."""
    from netwright.store.opening import copy_to
    from netwright.store.store import Store

    if to is not None and to.exists():
        raise UserError(f"{to} exists already; nothing is overwritten, give another file")
    if to is None:
        with Store(directory, min_free_disk=0) as store:
            made = store.back_up()
        if made is None:
            raise UserError(f"there is no run in {directory}, so there is nothing to back up")
    else:
        made = copy_to(directory, to)
    size = made.stat().st_size
    if as_json:
        say_json({"backup": str(made), "bytes": size})
    else:
        say(f"{made}: {size / 1e6:,.1f} MB; restore it by copying it to {directory / 'netwright.db'}")


def recover(directory: Path, to: Path | None, *, as_json: bool) -> None:
    """Write a new project with everything that is left whole; the old one is not touched."""
    from netwright.store.recovering import new_directory, recover

    target = to or new_directory(directory.absolute())
    before = target.exists()
    try:
        found = recover(directory, target)
    except BaseException:
        if not before:
            shutil.rmtree(target, ignore_errors=True)
        raise
    if as_json:
        say_json(vars(found))
        return
    runs, trials = counted(found.runs, "run"), counted(found.trials, "trial")
    say(f"{found.directory}: {runs} with {trials} recovered; {directory} is as it was")
    say(*[f"lost: {each}" for each in found.lost] or ["nothing that was written is known to be missing"])


def clean(directory: Path, *, as_json: bool) -> None:
    """Remove the decoded images. Commands that read them now keep what they have; later ones decode anew."""
    from netwright.store.directory import DECODED
    from netwright.tasks.decoded_files import remove

    if not directory.is_dir():
        raise UserError(f"there is no directory {directory}; name that of a project with --dir")
    freed = remove(directory / DECODED)
    if as_json:
        say_json({"directory": str(directory), "bytes": freed})
    else:
        say(
            f"{directory}: {freed / 1e6:,.1f} MB of decoded images removed"
            if freed
            else f"{directory}: nothing to remove"
        )

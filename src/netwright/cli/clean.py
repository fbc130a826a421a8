"""`netwright clean`: remove what a project keeps only to save time."""

from __future__ import annotations

from pathlib import Path

from netwright.cli.output import say, say_json
from netwright.core.errors import UserError


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

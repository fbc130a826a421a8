"""`netwright serve`: the pages on a project, in a browser."""

from __future__ import annotations

import os
import secrets
import webbrowser
from collections.abc import Sequence
from pathlib import Path

from netwright.cli.options import RUNS
from netwright.cli.output import say
from netwright.core.errors import UserError, nearest
from netwright.store.directory import DATABASE

TOKEN = "NETWRIGHT_TOKEN"  # noqa: S105 - the variable that may hold one
AUTO = "auto"
LEAST_TOKEN = 16  # characters


def serve_pages(
    directory: Path,
    host: str,
    port: int | None,
    token: str | None,
    allowed: tuple[str, ...],
    *,
    control: bool,
    charts: Sequence[str] = (),
    rate: float = 0.0,
    open_browser: bool,
    quiet: bool,
) -> None:
    """Serve until interrupted.

    token: as given, `auto` for a new one, None for what the environment says.
    charts: the user's own, as mine.py:function.
    """
    from netwright.dashboard.serving import require, serve

    require()
    if not rate >= 0:
        raise UserError(f"--rate {rate}: expected what an hour of a device costs, 0 or more")
    from netwright.cli.plot import chart_of

    _check_there(directory)
    if (directory / "methods.json").is_file():  # a comparison of methods, whose runs lie in a folder of their own
        directory = directory / "runs"
    own = {each.name: each for each in map(chart_of, charts)}

    def ready(link: str) -> None:
        say(link if quiet else f"pages on {directory}: {link}")
        if not quiet:
            say("Ctrl-C ends them; a search is not touched by that")
        if open_browser:
            webbrowser.open(link)

    serve(directory, host, port, _token(token), allowed, control=control, charts=own, rate=rate, ready=ready)


def _check_there(directory: Path) -> None:
    """Refuse a folder that is not there; the usual one may come with the first search."""
    if directory.is_dir() or str(directory) == RUNS:
        return
    beside = directory.absolute().parent
    known = sorted(each.name for each in beside.iterdir() if (each / DATABASE).is_file()) if beside.is_dir() else []
    where = nearest(directory.name, known) if known else f", and no project in {beside} either"
    raise UserError(f"there is no folder {directory}{where}")


def _token(given: str | None) -> str:
    found = os.environ.get(TOKEN, "") if given is None else given
    if found == AUTO:
        return secrets.token_urlsafe(32)
    if found and len(found) < LEAST_TOKEN:
        raise UserError(f"the token has {len(found)} characters; expected at least {LEAST_TOKEN}, or: --token {AUTO}")
    return found

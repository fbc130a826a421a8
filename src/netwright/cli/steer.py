"""`netwright steer`: a running search is asked something from the command line, as the pages ask it."""

from __future__ import annotations

import getpass
import socket
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from netwright.cli.output import say
from netwright.cli.show import at, named
from netwright.core.errors import UserError

PATIENCE = 10.0  # seconds that an answer is waited for
LOOK = 0.1  # seconds between two looks for it
OPTIONS = "--workers, --trials, --time, --limit, --lift, --try, --pause, --continue or --stop"


def steer_run(directory: Path, run: str | None, asked: Sequence[Mapping[str, Any]]) -> None:
    """Ask a running search for each of these, and say what came of it.

    Raises UserError where nothing is asked, nothing drives the run, or all of it was refused.
    """
    from netwright.engine.control import REFUSED, send
    from netwright.store import Store

    if not asked:
        raise UserError(f"nothing was asked; give {OPTIONS}")
    with Store.open_readonly(directory) as store:
        name = named(store, run)
        summary, events = store.summary(name), store.events()
    if not (summary.driven and summary.state == "running"):
        again = f"; go on with: netwright resume {name}{at(directory)}"
        raise UserError(f"nothing drives run {name!r} now, it is {summary.state}{again}")
    by = f"command line, {_person()}"
    sent = [send(directory, name, {**each, "by": by}) for each in asked]
    answers = _answers(directory, name, sent, events[-1]["seq"] if events else 0)
    refused = [each.removeprefix(REFUSED) for each in answers.values() if each.startswith(REFUSED)]
    say(*[f"{name}: {each}" for each in answers.values() if not each.startswith(REFUSED)])
    if len(answers) < len(sent):
        see = f"netwright show {name}{at(directory)}"
        say(f"asked; {name} takes it up when a trial that runs has ended. What came of it: {see}")
    if refused:
        raise UserError("; ".join(refused))


def _person() -> str:
    try:
        return f"{getpass.getuser()} on {socket.gethostname()}"
    except (OSError, KeyError):  # nobody of this number is known here
        return f"somebody on {socket.gethostname()}"


def _answers(directory: Path, name: str, sent: Sequence[str], before: int) -> dict[str, str]:
    """What was done, by request; those that were not taken up in time are left out."""
    from netwright.engine.control import EVENT
    from netwright.store import Store

    found: dict[str, str] = {}
    end = time.monotonic() + PATIENCE
    while len(found) < len(sent) and time.monotonic() < end:
        time.sleep(LOOK)
        with Store.open_readonly(directory) as store:
            told = [each["data"] for each in store.events(name, before) if each["type"] == EVENT]
        found = {each["request"]: str(each["done"]) for each in told if each.get("request") in sent}
    return found


def requests(
    workers: int | None,
    trials: int | None,
    limit_of_time: str | None,
    limits: Sequence[str],
    lifted: Sequence[str],
    architecture: str | None,
    **words: bool,
) -> list[dict[str, Any]]:
    """The requests that options stand for, those that make room before those that take it. words: by their name."""
    found: list[dict[str, Any]] = [{"ask": word} for word, given in words.items() if given]
    if workers is not None:
        found.append({"ask": "workers", "count": workers})
    stops = {"trials": trials, "time": limit_of_time}
    if any(each is not None for each in stops.values()):
        found.append({"ask": "stops", **{key: value for key, value in stops.items() if value is not None}})
    found += [{"ask": "limits", "lift": each} for each in lifted]
    found += [{"ask": "limits", "set": each} for each in limits]
    return found if architecture is None else [*found, {"ask": "try", "architecture": architecture}]

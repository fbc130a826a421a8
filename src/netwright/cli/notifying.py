"""`--notify`: an address or a command of the user's that hears when a run ends, and when it begins to fail.

An address is sent JSON, a command gets the same on its standard input, and in NETWRIGHT_EVENT, NETWRIGHT_RUN and
NETWRIGHT_TEXT. What goes wrong there is said, and never ends a search.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections import deque
from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from netwright.cli.output import say
from netwright.core.errors import Told, UserError

if TYPE_CHECKING:
    from netwright.core.trial import Trial

SECONDS = 10.0  # for an address to answer
COMMAND_SECONDS = 60.0  # for a command to end
RECENT = 10  # trials that are looked at
FAILING = 5  # of them that failed, with which a run is said to fail
AT_ONCE = 3  # the same where the very first trials fail
_FAULTS = ("error", "out_of_memory", "timeout", "lost", "diverged")


class Notifier:
    """Hears of trials and of the end, and tells the user's address or command. run: as far as its name is known."""

    def __init__(self, target: str, directory: Path) -> None:
        """Raises UserError for an address that is none, and for a command that is not there."""
        self.run = ""
        self._address, self._command = _target(target)
        self._directory = directory
        self._recent: deque[bool] = deque(maxlen=RECENT)
        self._failing = False
        self._threads: list[threading.Thread] = []

    def trial(self, trial: Trial) -> None:
        """Take note of a trial; tell once where the latest ones fail."""
        if trial.proposal.is_round or trial.state in ("infeasible", "cancelled"):
            return
        self._recent.append(trial.state in _FAULTS)
        failed = sum(self._recent)
        if not failed:
            self._failing = False
        few = len(self._recent) == failed == AT_ONCE
        if not self._failing and (few or failed >= FAILING):
            self._failing = True
            text = f"{failed} of the latest {len(self._recent)} trials failed; the last: {trial.state}: {trial.reason}"
            self.tell("failing", text)

    def tell(self, event: str, text: str) -> None:
        """Tell of an event after those before it, without waiting for an answer."""
        now, before = datetime.now(UTC).isoformat(timespec="seconds"), self._threads[-1:]
        made = threading.Thread(target=self._tell, args=(event, text, now, before), daemon=True)
        made.start()
        self._threads.append(made)

    def settle(self) -> None:
        """Wait until everything was told, or took too long."""
        for each in self._threads:
            each.join(COMMAND_SECONDS + 5)

    def _tell(self, event: str, text: str, now: str, before: list[threading.Thread]) -> None:
        for each in before:
            each.join(COMMAND_SECONDS + 5)
        told = {"event": event, "run": self.run, "text": text, "directory": str(self._directory), "time": now}
        body = json.dumps(told).encode()
        try:
            if self._address:
                _post(self._address, body)
            else:
                _call(
                    self._command,
                    body,
                    {f"NETWRIGHT_{name.upper()}": str(told[name]) for name in ("event", "run", "text")},
                )
        except (OSError, ValueError, subprocess.SubprocessError, urllib.error.URLError) as problem:
            say(f"netwright: --notify could not tell of {event!r}: {problem}", stream=sys.stderr)


def _target(target: str) -> tuple[str, list[str]]:
    """The address, or the words of the command."""
    if "://" in target.split(" ")[0]:
        if urlsplit(target).scheme not in ("http", "https") or not urlsplit(target).hostname:
            raise UserError(f"--notify {target}: expected an address with http:// or https://, or a command")
        return target, []
    try:
        words = shlex.split(target)
    except ValueError as problem:
        raise UserError(f"--notify {target}: {problem}") from None
    if not words or shutil.which(words[0]) is None:
        raise UserError(f"--notify {target}: there is no such command; expected one, or an address with https://")
    return "", words


class _Nowhere(urllib.request.HTTPRedirectHandler):
    """What was meant for one address goes to no other."""

    def redirect_request(self, *_: object) -> None:
        return None


def _post(address: str, body: bytes) -> None:
    headers = {"content-type": "application/json", "user-agent": "netwright"}
    request = urllib.request.Request(address, body, headers)  # noqa: S310 - http or https, as was checked
    with urllib.request.build_opener(_Nowhere).open(request, timeout=SECONDS):
        pass


def _call(words: list[str], body: bytes, told: dict[str, str]) -> None:
    done = subprocess.run(  # noqa: S603 - the user's own command, without a shell
        words, input=body, env={**os.environ, **told}, timeout=COMMAND_SECONDS, capture_output=True, check=False
    )
    if done.returncode:
        last = done.stderr.decode("utf-8", "replace").strip().splitlines()[-1:]
        raise OSError(f"{words[0]} ended with {done.returncode}{f': {last[0]}' if last else ''}")


_NOTIFIER: ContextVar[Notifier | None] = ContextVar("notifier", default=None)


def current() -> Notifier | None:
    """Who hears of the search that this command drives; None where nobody does."""
    return _NOTIFIER.get()


@contextmanager
def notifying(target: str | None, directory: Path) -> Generator[None]:
    """Inside, the user's address or command hears of trials that fail; at the end, of how it ended."""
    if target is None:
        yield
        return
    mine = Notifier(target, directory)
    before = _NOTIFIER.set(mine)
    try:
        yield
    except BaseException as problem:
        interrupted = isinstance(problem, KeyboardInterrupt) or getattr(problem, "exit_code", 1) in (129, 130, 143)
        lines = str(problem).strip().splitlines() if isinstance(problem, Told | Exception) else []
        mine.tell("interrupted" if interrupted else "failed", lines[0] if lines else type(problem).__name__)
        raise
    else:
        mine.tell("finished", _found(directory, mine.run))
    finally:
        _NOTIFIER.reset(before)
        mine.settle()


def _found(directory: Path, run: str) -> str:
    """What a finished run has found, in one line."""
    from netwright.cli.show import REPORT, metric_names
    from netwright.core.errors import NetwrightError
    from netwright.results.metric_words import metrics_text
    from netwright.store import Store

    try:
        with Store.open_readonly(directory) as store:
            report, best = store.document(run, REPORT), store.best(run)
            names = metric_names(store.summary(run))
    except (NetwrightError, OSError):
        return "the run has ended"
    if isinstance(report, dict) and report.get("lines"):
        return str(report["lines"][0])
    return "no trial completed" if best is None else f"best: trial {best.number}  {metrics_text(best.metrics, names)}"

"""One search of a comparison of methods, in a process of its own, so that its memory is its own and it harms no other.

It is a run as `netwright search` makes it. The process ends with the one that started it, whatever ends that; the same
call goes on with what it left.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from netwright.core.installing import HOME

if TYPE_CHECKING:
    from netwright.cli.plan import Plan

_BOOT = "import sys; sys.path.append(sys.argv.pop()); from netwright.cli.method_runs import main; main()"
_PATIENCE = 30.0  # seconds for a search to keep what it has, once it was told to stop


@dataclass(frozen=True)
class Ended:
    """How a search ended. reason: one line where there is no network. memory: the most bytes that its process held."""

    reason: str
    memory: int | None


def carried_out(plan: Plan, directory: Path, name: str) -> Ended:
    """Search and train finally in a process of its own; a run of that name that is there already goes on.

    plan: as of `netwright search`.
    directory: of the project.
    name: of the run.
    """
    told = json.dumps({"plan": plan.to_json(), "directory": str(directory), "name": name})
    process = subprocess.Popen(  # noqa: S603  # our own interpreter and code
        [sys.executable, "-P", "-c", _BOOT, str(os.getpid()), str(HOME)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,  # Ctrl-C reaches this process, which tells that one
    )
    try:
        peak, said = process.communicate(told)
    except BaseException:
        _stop(process)
        raise
    memory = int(peak) if peak.strip().isdigit() else None
    if process.returncode == 0:
        return Ended("", memory)
    return Ended(_last_line(said) or f"its process ended with {_code(process.returncode)}", memory)


def _stop(process: subprocess.Popen[str]) -> None:
    process.send_signal(signal.SIGINT)
    try:
        process.wait(_PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _last_line(said: str) -> str:
    lines = [each for each in said.splitlines() if each.strip()]
    return lines[-1].removeprefix("netwright: ").strip() if lines else ""


def _code(code: int) -> str:
    return signal.Signals(-code).name if code < 0 else f"exit code {code}"


def main() -> None:
    """What the process does: search, and print the most bytes that it held."""
    from netwright.cli import clock
    from netwright.cli.flags import in_flags
    from netwright.cli.output import say
    from netwright.core.errors import NetwrightError
    from netwright.core.memory_use import peak_of_process
    from netwright.executors.processes.process_worker import die_with

    die_with(int(sys.argv[1]))
    clock.start()
    code = 0
    try:
        with open(os.devnull, "w", encoding="utf-8") as nowhere, redirect_stdout(nowhere):
            _search(json.load(sys.stdin))
    except NetwrightError as problem:
        say(f"netwright: {in_flags(problem)}", stream=sys.stderr)
        code = problem.exit_code
    except Exception as problem:  # of a method of somebody's own, which may raise anything
        say(f"netwright: unexpected {type(problem).__name__}: {problem}", stream=sys.stderr)
        code = 1
    print(peak_of_process() or "")
    sys.exit(code)


def _search(told: Mapping[str, Any]) -> None:
    from netwright.cli.again import go_on_again, stored
    from netwright.cli.plan import Plan
    from netwright.cli.refusals import refuse_early
    from netwright.cli.search import begin

    plan, directory, name = Plan.from_json(told["plan"]), Path(told["directory"]), str(told["name"])
    before = stored(directory, name, plan, trust=True)  # whoever started this process has seen to it
    if before is not None:
        go_on_again(before, plan, directory, name, None, as_json=True, quiet=True)
        return
    refuse_early(plan, directory, {}, name)
    begin(plan, directory, name, None, as_json=True, quiet=True)

"""`netwright`: the entry point, where every error becomes one to three lines and an exit code."""

from __future__ import annotations

import os
import re
import sys
import traceback
import warnings
from collections import namedtuple
from collections.abc import Callable
from typing import Any


def main() -> None:
    """Run the command line.

    Exit codes: 0 done, 1 unexpected, 2 what the user wrote, 3 every trial failed, 4 locked, 5 data, 6 corrupt store,
    129 the terminal hung up, 130 interrupted, 143 terminated.
    """
    from netwright.cli import clock

    clock.start()
    _let_threads_sleep()
    if "--debug" not in sys.argv:
        warnings.showwarning = _shown(warnings.showwarning)
    code = run(sys.argv[1:])
    # A KeyboardInterrupt that passed through code made from text, as named tuples are, has marked this process to end
    # by SIGINT whatever its exit code. Making one more takes the mark away.
    namedtuple("Unmarked", ())
    sys.exit(code)


def _let_threads_sleep() -> None:
    """Have threads that wait for others give their core away, unless the person has decided, before torch is loaded.

    By its own setting the OpenMP library lets them spin, which on a machine with other work, such as a second trial,
    makes two threads several times slower than one.
    """
    if not {"OMP_WAIT_POLICY", "GOMP_SPINCOUNT", "KMP_BLOCKTIME"} & set(os.environ):
        os.environ["OMP_WAIT_POLICY"] = "PASSIVE"


def _shown(usual: Callable[..., None]) -> Callable[..., None]:
    """Show warnings that are meant for users as one line, without the place in the code that --debug tells."""
    from netwright.cli.output import say

    def show(message: Warning | str, category: type[Warning], *place: Any, **more: Any) -> None:
        if issubclass(category, UserWarning):
            say(f"netwright: {' '.join(str(message).split())}", stream=sys.stderr)
        else:
            usual(message, category, *place, **more)

    return show


def run(arguments: list[str]) -> int:
    """Run one command and give its exit code; errors are printed to standard error."""
    import typer

    from netwright.cli.app import app
    from netwright.cli.flags import in_flags
    from netwright.core.errors import NetwrightError

    debug = "--debug" in arguments
    arguments = _with_bare_options(arguments)
    arguments = [each for each in arguments if each != "--debug"] or ["--help"]
    # typer brings click or a copy of it, by version; what they have in common is the base of BadParameter.
    usage_error: Any = next(each for each in reversed(typer.BadParameter.__mro__) if hasattr(each, "exit_code"))
    try:
        return app(arguments, standalone_mode=False) or 0
    except typer.Exit as end:
        return end.exit_code
    except usage_error as problem:
        _complain(*_usage(problem.format_message(), arguments))
        return 2
    except (typer.Abort, KeyboardInterrupt):
        _complain("interrupted")
        return 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except NetwrightError as problem:
        if debug:
            _trace()
        _complain(in_flags(problem))
        return problem.exit_code
    except Exception as problem:
        if debug:
            _trace()
        _complain(f"unexpected {type(problem).__name__}: {problem}", "run again with --debug for the traceback")
        return 1


def _usage(message: str, arguments: list[str]) -> tuple[str, str]:
    """What was typed wrongly, with what was found and what was expected, and where options are listed."""
    from netwright.cli.app import app

    wrong = re.fullmatch(r"Invalid value for '(--[\w-]+)'.*: Input should be a valid (integer|number)\b.*", message)
    if wrong:
        kind = {"integer": "a whole number", "number": "a number"}[wrong[2]]
        message = f"{wrong[1]}{_given(wrong[1], arguments)}: expected {kind}"
    known = {each.name or each.callback.__name__ for each in app.registered_commands if each.callback is not None}
    known |= {each.name for each in app.registered_groups if each.name}
    first = next((each for each in arguments if not each.startswith("-")), "")
    command = f"netwright {first}" if first in known else "netwright"
    return message, f"see {command} --help"


def _given(name: str, arguments: list[str]) -> str:
    """What was typed behind an option, with the blank before it."""
    for place, each in enumerate(arguments):
        option, equals, value = each.partition("=")
        if option == name:
            return f" {value if equals else ''.join(arguments[place + 1 : place + 2])}"
    return ""


def _with_bare_options(arguments: list[str]) -> list[str]:
    """The same with `--skip-bad 1%` for a `--skip-bad` that nothing like an amount follows."""
    given: list[str] = []
    for place, each in enumerate(arguments):
        given.append(each)
        following = "".join(arguments[place + 1 : place + 2])
        if each == "--skip-bad" and not following.rstrip("%").replace(".", "", 1).isdigit():
            given.append("1%")
    return given


def _trace() -> None:
    """The traceback of what is being handled, to standard error."""
    from netwright.cli.output import say

    say(*traceback.format_exc().splitlines(), stream=sys.stderr)


def _complain(*lines: str) -> None:
    """At most three lines to standard error."""
    from netwright.cli.output import say

    text = "\n".join(lines).splitlines()
    say(f"netwright: {text[0]}", *[f"  {line}" for line in text[1:3]], stream=sys.stderr)


if __name__ == "__main__":
    main()

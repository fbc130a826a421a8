"""Ctrl-C, SIGTERM and SIGHUP while a command works."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

from netwright.core.errors import NetwrightError, marked
from netwright.core.wording import counted


class Stopped(NetwrightError):
    """Ctrl-C, SIGTERM or SIGHUP, with the exit code of the signal."""

    def __init__(self, reason: str, exit_code: int) -> None:
        super().__init__(reason)
        self.exit_code = exit_code


def tell(stop: KeyboardInterrupt, further: str) -> None:
    """Have the last line that a command prints say how to go on, in place of the call in Python."""
    from netwright.engine import Interrupted

    count = sum(stop.run.counts.values()) if isinstance(stop, Interrupted) else 0
    after = f" after {counted(count, 'trial')}" if count else ""
    stop.told = f"interrupted{after}; {further}"  # pyright: ignore[reportAttributeAccessIssue]


@contextmanager
def stoppable() -> Generator[None]:
    """Inside, Ctrl-C, SIGTERM and SIGHUP become `Stopped`, which typer passes on, unlike a KeyboardInterrupt."""
    from netwright.engine import interruptible
    from netwright.engine.process import interruption, signal_of

    with interruptible():
        try:
            yield
        except BaseException as problem:
            stop = interruption(problem)
            if stop is None:
                raise
            raise Stopped(
                getattr(stop, "told", None) or marked(stop) or "interrupted", 128 + signal_of(stop)
            ) from problem

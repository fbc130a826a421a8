"""How a worker's death is told: by whom it was brought about decides between "error", "lost" and "out_of_memory"."""

from __future__ import annotations

import signal

from netwright.core.trial import State

OWN_FAULT = {
    getattr(signal, name)
    for name in ("SIGSEGV", "SIGBUS", "SIGABRT", "SIGFPE", "SIGILL", "SIGSYS", "SIGTRAP")
    if hasattr(signal, name)
}


def ending(status: int, *, begun: bool, memory_gone: bool) -> tuple[State, str]:
    """State and reason of a trial whose worker ended with this status: an exit code, or minus a signal's number.

    memory_gone: whether the kernel has killed a process for want of memory since the trial began.
    """
    when = "" if begun else " before the trial began"
    if status >= 0:
        return "error", f"the worker ended with exit code {status}{when}"
    name = _name(-status)
    if -status in OWN_FAULT:
        return "error", f"the worker died of {name}{when}"
    if -status == signal.SIGKILL and memory_gone:
        return "out_of_memory", "the kernel killed the worker because the machine had no memory left"
    return "lost", f"the worker was killed from outside by {name}{when}"


def _name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"

"""Ends a run of the tests that hangs as a whole, whatever it hangs in, with the stacks of all threads of each process.

A test has a limit of its own; this one is for what no test's limit ends: a worker that never answers, a fixture of a
session, the end of a process. Workers end a minute before the process that hands out the tests, so that it can still
say which test each was at.
"""

from __future__ import annotations

import faulthandler
import os

import pytest

SECONDS = 45 * 60.0
NAME = "NETWRIGHT_TESTS_SECONDS"  # of the environment: other seconds than these
LEAD = 60.0  # seconds by which workers end before the process that hands out the tests


def seconds(is_worker: bool) -> float:
    """After how long a process of the run is ended."""
    whole = float(os.environ.get(NAME, SECONDS))
    return max(whole - LEAD, whole / 2) if is_worker else whole


def pytest_configure(config: pytest.Config) -> None:
    error = os.dup(2)  # where stacks go although output is captured while tests run
    config.add_cleanup(lambda: os.close(error))
    config.add_cleanup(faulthandler.cancel_dump_traceback_later)
    faulthandler.dump_traceback_later(seconds(hasattr(config, "workerinput")), exit=True, file=error)

"""SIGTERM outside the loop."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest
from search_parts import Cell, Counting, Sampling

from netwright.engine import Interrupted, Search, Terminated, interruptible
from netwright.engine.signals import interruption, signal_of


def terminate(*_: object) -> None:
    os.kill(os.getpid(), signal.SIGTERM)


def test_sigterm_is_an_exception_before_in_and_after_a_search() -> None:
    before = signal.getsignal(signal.SIGTERM)
    assert before is signal.SIG_DFL, "another test left its handler behind, which may end this process"
    with pytest.raises(Terminated) as stop, interruptible():
        Search(Sampling(Cell()), Counting()).run(trials=2)
        terminate()
    assert stop.value.exit_code == 143 and isinstance(stop.value, KeyboardInterrupt)
    with pytest.raises(Interrupted) as found, interruptible():
        Search(Sampling(Cell()), Counting()).run(trials=20, on_trial=terminate)
    assert found.value.exit_code == 143 and 1 <= len(found.value.run.trials) < 20
    assert signal.getsignal(signal.SIGTERM) is before


def test_a_handler_of_the_user_is_left_alone() -> None:
    received: list[int] = []
    before = signal.signal(signal.SIGTERM, lambda number, frame: received.append(number))
    try:
        with interruptible():
            terminate()
    finally:
        signal.signal(signal.SIGTERM, before)
    assert received == [signal.SIGTERM]


def test_an_interruption_is_found_behind_what_it_became() -> None:
    class Interrupting:
        def __set_name__(self, owner: type, name: str) -> None:
            raise Terminated("terminated")

    with pytest.raises(BaseException) as found:
        type("Made", (), {"part": Interrupting()})  # a RuntimeError until Python 3.11
    stop = interruption(found.value)
    assert stop is not None and signal_of(stop) == signal.SIGTERM
    assert signal_of(KeyboardInterrupt()) == signal.SIGINT
    assert interruption(ValueError("no")) is None


def test_an_interruption_within_code_made_from_text_leaves_the_exit_code() -> None:
    script = """
from netwright.cli import main
def run(arguments):
    try:
        exec("raise KeyboardInterrupt")
    except KeyboardInterrupt:
        return 143
main.run = run
main.main()
"""
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 143

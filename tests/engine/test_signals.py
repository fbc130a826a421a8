"""SIGTERM outside the loop."""

from __future__ import annotations

import os
import signal

import pytest
from search_parts import Cell, Counting, Sampling

from netwright.engine import Interrupted, Search, Terminated, interruptible


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

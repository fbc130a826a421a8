"""SIGTERM and SIGHUP outside the loop."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from search_parts import Cell, Counting, Sampling

from netwright.engine import Interrupted, Search, Terminated, interruptible
from netwright.engine.process import interruption, signal_of
from netwright.store import Store


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


def hang_up(*_: object) -> None:
    os.kill(os.getpid(), signal.SIGHUP)


def test_a_terminal_that_hangs_up_ends_a_search_as_sigterm_does() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    try:
        with pytest.raises(Terminated) as stop, interruptible():
            hang_up()
        assert stop.value.exit_code == 129 and signal_of(stop.value) == signal.SIGHUP
        with pytest.raises(Interrupted) as found:
            Search(Sampling(Cell()), Counting()).run(trials=20, on_trial=hang_up)
        assert found.value.exit_code == 129 and 1 <= len(found.value.run.trials) < 20
        signal.signal(signal.SIGHUP, signal.SIG_IGN)  # as nohup does
        with interruptible():
            assert len(Search(Sampling(Cell()), Counting()).run(trials=5, on_trial=hang_up).trials) == 5
    finally:
        signal.signal(signal.SIGHUP, before)


PRINTING = """
import sys
sys.path.insert(0, sys.argv[1])
from search_parts import Cell, Noisy, Sampling
from netwright.engine import Interrupted, Search
try:
    Search(Sampling(Cell()), Noisy(0.0, 0.01)).run(
        trials=100_000, store=sys.argv[2], name="r", on_trial=lambda trial: print(trial.number, flush=True))
except Interrupted as stop:
    print("said into the void", flush=True)
    sys.exit(stop.exit_code)
"""


def test_what_is_printed_to_a_terminal_that_is_gone_hides_nothing(tmp_path: Path) -> None:
    process, terminal = pty.fork()
    if process == 0:
        os.execv(sys.executable, [sys.executable, "-c", PRINTING, str(Path(__file__).parent), str(tmp_path)])
    assert os.read(terminal, 1)
    os.close(terminal)
    assert os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]) == 129
    with Store.open_readonly(tmp_path) as store:
        assert (store.summary("r").state, store.summary("r").stopped) == ("interrupted", "interrupted")


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


class Finalised:
    def __del__(self) -> None:
        terminate()


def test_a_signal_that_comes_where_nothing_can_be_raised_is_raised_a_moment_later() -> None:
    passed = []
    with pytest.raises(Terminated), interruptible():
        Finalised()
        passed.append("the finaliser has swallowed nothing and raised nothing")
        time.sleep(10)
    assert passed

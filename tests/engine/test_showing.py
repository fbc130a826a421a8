"""What a search shows by itself: a line that changes on a terminal and in a notebook, and how to go on with it."""

from __future__ import annotations

import ast
import io
import multiprocessing
import os
import pty
import re
import subprocess
import sys
import types
from pathlib import Path
from typing import Any

import pytest
from search_parts import Cell, Counting, Listing, Noisy, Sampling

from netwright.core import display
from netwright.core.trial import Measurement, Proposal
from netwright.engine import Interrupted, Progress, Search
from netwright.executors import Inline

PARTS = Path(__file__).parent
SEARCH = """
from search_parts import Cell, Counting, Sampling
from netwright import Search
search = Search(Sampling(Cell()), Counting())
run = search.run(trials=7, {options})
print("answer", len(run.trials))
"""


def on_a_terminal(code: str, columns: int = 0, **environment: str) -> str:
    """What a program writes whose standard error is a terminal, and its standard output a pipe."""
    driver, terminal = pty.openpty()
    if columns:
        import fcntl
        import struct
        import termios

        fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    known = {name: value for name, value in os.environ.items() if name != "PYTEST_CURRENT_TEST"}
    with subprocess.Popen(
        [sys.executable, "-c", code],
        stdout=subprocess.PIPE,
        stderr=terminal,
        env={**known, "TERM": "xterm", "PYTHONPATH": os.pathsep.join([str(PARTS), *sys.path]), **environment},
    ) as program:
        os.close(terminal)
        written = b""
        while True:
            try:
                more = os.read(driver, 65536)
            except OSError:  # Linux says so where the other end was closed
                break
            if not more:
                break
            written += more
        assert program.stdout is not None and program.stdout.read().startswith(b"answer 7")
    os.close(driver)
    return written.decode()


def test_a_terminal_shows_one_line_that_changes() -> None:
    shown = on_a_terminal(SEARCH.format(options=""))
    lines = shown.rstrip().split("\r")
    assert shown.count("\n") == 1 and lines[1].startswith("0/7 trials")
    assert re.match(r"7/7 trials  best val_accuracy \d+\.\d\d % \(trial \d\)  \d\.\d s$", lines[-1].strip())


def test_the_end_says_the_call_that_goes_on(tmp_path: Path) -> None:
    shown = on_a_terminal(SEARCH.format(options=f"store={str(tmp_path)!r}, name='r'"))
    said = f"7 trials done; for more: search.run(trials=14, store={str(tmp_path)!r}, name='r', resume=True)"
    assert shown.replace("\r", "").rstrip().split("\n")[-1] == said


def test_a_narrow_terminal_keeps_the_line_in_one() -> None:
    lines = on_a_terminal(SEARCH.format(options=""), columns=20).strip().split("\r")
    assert max(map(len, lines)) < 20 and lines[-1].startswith("7/7 trials  best")


@pytest.mark.parametrize("options", ["progress=False", "on_trial=print.__class__", "on_progress=lambda now: None"])
def test_who_watches_or_says_no_gets_no_line(options: str) -> None:
    assert on_a_terminal(SEARCH.format(options=options.replace("print.__class__", "lambda trial: None"))) == ""


def test_a_terminal_that_cannot_change_a_line_gets_none() -> None:
    assert on_a_terminal(SEARCH.format(options=""), TERM="dumb") == ""


class Screen(io.StringIO):
    def isatty(self) -> bool:
        return True


def watched(monkeypatch: pytest.MonkeyPatch, screen: Screen | None = None) -> Screen:
    """A terminal as standard error, outside of a test as far as the search can see."""
    found = screen or Screen()
    monkeypatch.setattr(sys, "stderr", found)
    monkeypatch.setattr(display, "TESTING", "NETWRIGHT_NO_TEST")
    monkeypatch.setenv("TERM", "xterm")
    return found


SMALL = Search(Sampling(Cell()), Counting())


def test_pipes_tests_and_worker_processes_show_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = watched(monkeypatch)
    with monkeypatch.context() as changed:
        changed.setattr(multiprocessing, "parent_process", lambda: object())
        SMALL.run(trials=3)
    with monkeypatch.context() as changed:
        changed.setattr(display, "TESTING", "PYTEST_CURRENT_TEST")
        SMALL.run(trials=3)
    with monkeypatch.context() as changed:
        changed.setattr(sys, "stderr", pipe := io.StringIO())
        SMALL.run(trials=3)
    assert screen.getvalue() == pipe.getvalue() == ""
    SMALL.run(trials=3)
    assert screen.getvalue()


def test_progress_that_is_asked_for_goes_to_a_pipe_in_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    pipe = io.StringIO()
    monkeypatch.setattr(sys, "stderr", pipe)
    seen: list[Progress] = []
    SMALL.run(trials=3, progress=True, on_progress=seen.append)
    lines = pipe.getvalue().splitlines()
    assert lines[0].startswith("0/3 trials") and lines[-1].startswith("3/3 trials") and seen[-1].finished == 3


def test_failed_trials_and_the_time_limit_are_said(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = watched(monkeypatch)
    run = Search(Sampling(Cell()), Noisy(trouble=0.5)).run(trials=40, time="5m")
    failed = sum(count for state, count in run.counts.items() if state not in ("completed", "infeasible"))
    last = screen.getvalue().rstrip().split("\r")[-1]
    assert failed and f"  {failed} failed  " in last and "s of 5 min" in last


class Gone(Screen):
    def write(self, text: str) -> int:
        raise OSError("the terminal was closed")


def test_a_terminal_that_goes_does_not_end_the_search(monkeypatch: pytest.MonkeyPatch) -> None:
    watched(monkeypatch, Gone())
    assert len(SMALL.run(trials=3).trials) == 3


# Notebooks.


class Output:
    def __init__(self, states: list[str]) -> None:
        self.states = states

    def update(self, data: dict[str, str], *, raw: bool) -> None:
        assert raw
        self.states.append(data["text/plain"])


@pytest.fixture
def outputs(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The outputs of a notebook's cell, each with the states that it had."""
    found: list[list[str]] = []

    def show(data: dict[str, str], *, raw: bool, display_id: bool = False) -> Output | None:
        assert raw
        found.append([data["text/plain"]])
        return Output(found[-1]) if display_id else None

    shell, view = types.ModuleType("IPython"), types.ModuleType("IPython.display")
    shell.get_ipython = lambda: types.SimpleNamespace(kernel=object())  # type: ignore[attr-defined]
    view.display = show  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "IPython", shell)
    monkeypatch.setitem(sys.modules, "IPython.display", view)
    monkeypatch.setattr(display, "TESTING", "NETWRIGHT_NO_TEST")
    return found


def test_a_notebook_has_one_output_that_changes(outputs: list[list[str]], tmp_path: Path) -> None:
    SMALL.run(trials=5, store=tmp_path, name="r")
    line, end = outputs
    assert line[0].startswith("0/5 trials") and line[-1].startswith("5/5 trials  best val_accuracy")
    assert end == [f"5 trials done; for more: search.run(trials=10, store={str(tmp_path)!r}, name='r', resume=True)"]


def test_a_prompt_of_ipython_without_a_notebook_is_a_terminal(
    outputs: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    screen = watched(monkeypatch)
    sys.modules["IPython"].get_ipython = lambda: types.SimpleNamespace()  # type: ignore[attr-defined]
    SMALL.run(trials=5)
    assert not outputs and "5/5 trials" in screen.getvalue()


def test_nothing_of_ipython_is_imported_where_it_is_not_loaded() -> None:
    code = f"{SEARCH.format(options='')}\nimport sys; assert not [each for each in sys.modules if 'IPython' in each]"
    assert on_a_terminal(code)


# Going on.


class Stopping(Counting):
    """Interrupted at the nth estimate."""

    def __init__(self, at: int) -> None:
        self.at = at
        self.count = 0

    def estimate(self, proposal: Proposal, seed: int) -> Measurement:
        self.count += 1
        if self.count == self.at:
            raise KeyboardInterrupt
        return super().estimate(proposal, seed)


def carried_out(call: str, search: Search, **known: Any) -> Any:
    """The outcome of a call that was said."""
    tree = ast.parse(call, mode="eval").body
    assert isinstance(tree, ast.Call) and ast.unparse(tree.func) == "search.run" and not tree.args
    given = {str(each.arg): each.value for each in tree.keywords}
    values = {n: known[v.id] if isinstance(v, ast.Name) else ast.literal_eval(v) for n, v in given.items()}
    return search.run(**values)


def test_an_interruption_says_the_call_that_goes_on(tmp_path: Path) -> None:
    search = Search(Sampling(Cell()), Stopping(4))
    with pytest.raises(Interrupted) as stopped:
        search.run(trials=9, time="1h30m", patience=50, target=2.0, store=tmp_path, name="r")
    call = str(stopped.value).partition("go on with: ")[2]
    assert call == stopped.value.run.further and "time='1h30m'" in call
    run = carried_out(call, search)
    assert len(run.trials) == 9 and [each.number for each in run.trials] == list(range(9))


def test_an_interruption_of_a_search_in_memory_says_how_to_keep_one() -> None:
    with pytest.raises(Interrupted, match=r"no store to be resumed from; give one: search.run\(..., store="):
        Search(Sampling(Cell()), Stopping(4)).run(trials=9)


def test_an_executor_is_to_be_given_again(tmp_path: Path) -> None:
    run = SMALL.run(trials=3, store=tmp_path, name="r", executor=Inline())
    assert run.further.endswith("executor=executor, resume=True)")
    assert len(carried_out(run.further, SMALL, executor=Inline()).trials) == 6


def test_each_limit_that_ends_a_search_is_raised_in_the_call_that_goes_on(tmp_path: Path) -> None:
    by_patience = SMALL.run(patience=5, trials=1000, store=tmp_path, name="patience")
    assert by_patience.stopped.startswith("no improvement") and "patience=10" in by_patience.further
    more = carried_out(by_patience.further, SMALL)
    assert len(more.trials) > len(by_patience.trials)
    by_time = SMALL.run(time=0.05, store=tmp_path, name="time")
    assert by_time.stopped.startswith("time is up") and "time='0.1s'" in by_time.further
    assert carried_out(by_time.further, SMALL).name == "time"


def test_a_search_that_has_nothing_more_says_no_call(tmp_path: Path) -> None:
    small = Search(Listing(Cell(edges=1)), Counting())
    assert small.run(trials=100, store=tmp_path).further == ""  # all of the space
    assert SMALL.run(trials=100, target=0.0, store=tmp_path).further == ""  # the target
    assert SMALL.run(trials=3).further == ""  # no store


def test_the_line_is_said_anew_while_nothing_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    states = iter("abcdefgh")
    told = []

    class Place:
        every = 0.0

        def show(self, line: str) -> None:
            told.append(line)
            if line == "c":
                said.set()

        def end(self, lines: Any) -> None:
            told.append(list(lines))

    said = multiprocessing.get_context().Event()
    monkeypatch.setattr(display, "TICK", 0.01)
    with display.ChangingLine(Place(), lambda: next(states)) as line:
        assert said.wait(60)
        line.add("end")
    assert told[:3] == ["a", "b", "c"] and told[-1] == ["end"]

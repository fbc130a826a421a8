"""A run of the tests that hangs is ended from within, and says where it hung."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import watchdog

HANGS = "import threading\n\n\ndef {name}({argument}):\n    threading.Event().wait()\n"
IN_A_TEST = ("test_that_hangs.py", HANGS.format(name="test_that_hangs", argument=""))
AT_THE_REPORTS = ("conftest.py", HANGS.format(name="pytest_xdist_node_collection_finished", argument="node"))
FINE = ("test_that_is_fine.py", "def test_that_is_fine():\n    pass\n")


def begun(folder: Path, files: tuple[tuple[str, str], ...], *options: str, seconds: int = 8) -> subprocess.Popen[str]:
    folder.mkdir()
    for name, text in files:
        (folder / name).write_text(text)
    (folder / "pytest.ini").write_text("[pytest]\n")
    command = [sys.executable, "-m", "pytest", "-p", "watchdog", "-p", "no:cacheprovider", *options, str(folder)]
    surroundings = {**os.environ, watchdog.NAME: str(seconds), "PYTHONPATH": str(Path(watchdog.__file__).parent)}
    surroundings = {name: value for name, value in surroundings.items() if not name.startswith("PYTEST")}
    return subprocess.Popen(
        command, cwd=folder, env=surroundings, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def told(run: subprocess.Popen[str]) -> str:
    """What a run wrote to its standard error before it ended."""
    try:
        return run.communicate(timeout=120)[1]
    finally:
        run.kill()


def hangs(folder: Path, seconds: int) -> dict[str, subprocess.Popen[str]]:
    """Three runs that hang, by where they do; each is ended after so many seconds."""
    folder.mkdir()
    alone = begun(folder / "alone", (IN_A_TEST,), seconds=seconds)
    worker = ("-n", "2", "--max-worker-restart", "0")
    return {
        "test_that_hangs": alone,
        "in test_that_hangs": begun(folder / "worker", (IN_A_TEST, FINE), *worker, seconds=seconds),
        "pytest_xdist_node_collection_finished": begun(
            folder / "controller", (AT_THE_REPORTS, FINE), "-n", "1", seconds=seconds
        ),
    }


def test_a_run_that_hangs_ends_with_all_stacks(tmp_path: Path) -> None:
    """On a machine with much other work a run may take more than the first seconds to come to where it hangs."""
    for seconds in (8, 60):
        errors = {where: (run, told(run)) for where, run in hangs(tmp_path / str(seconds), seconds).items()}
        if all(where in error for where, (_, error) in errors.items()):
            break
    for where, (run, error) in errors.items():
        assert run.returncode != 0 and "Timeout (0:" in error and where in error, error


def test_a_run_that_ends_in_time_is_left_alone(tmp_path: Path) -> None:
    run = begun(tmp_path / "fine", (FINE,))
    error = told(run)
    assert run.returncode == 0 and "Timeout" not in error


def test_workers_end_before_the_process_that_hands_out_the_tests(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(watchdog.NAME, raising=False)
    assert (watchdog.seconds(True), watchdog.seconds(False)) == (44 * 60, 45 * 60)

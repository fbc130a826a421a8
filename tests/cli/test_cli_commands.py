"""The commands as a user runs them, on real data, right and wrong: in a process where that is what is told of."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import chdir, redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from PIL import Image

from netwright.cli.main import run


class Done(NamedTuple):
    """What a command gave."""

    code: int
    stdout: str
    stderr: str


SMALL = ("--space", "chain:width=4,stages=1,most=1", "--epochs", "1", "--strategy", "random")


def command(*words: object) -> list[str]:
    """That of a process."""
    return [sys.executable, "-m", "netwright.cli", *map(str, words)]


def in_a_process(*words: object, cwd: Path) -> Done:
    done = subprocess.run(command(*words), cwd=cwd, capture_output=True, text=True, timeout=240, check=False)
    return Done(done.returncode, done.stdout, done.stderr)


def in_this_process(*words: object, cwd: Path) -> Done:
    with chdir(cwd), redirect_stdout(StringIO()) as out, redirect_stderr(StringIO()) as err:
        code = run([*map(str, words)])
    return Done(code, out.getvalue(), err.getvalue())


def netwright(*words: object, cwd: Path, code: int = 0, run: Callable[..., Done] = in_this_process) -> Done:
    done = run(*words, cwd=cwd)
    assert done.code == code, done.stdout + done.stderr
    if code not in (0, 130, 143):
        assert "Traceback" not in done.stderr and 1 <= len(done.stderr.splitlines()) <= 3, done.stderr
    return done


@pytest.fixture(scope="module")
def searched(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which one small search was made and exported."""
    place = tmp_path_factory.mktemp("searched")
    said = netwright(
        *("search", "digits", *SMALL, "--trials", 3, "--seed", 1, "--final-epochs", 2, "--final-seeds", 2),
        *("--export", "best", "--name", "first"),
        cwd=place,
        run=in_a_process,
    ).stdout
    for part in (
        "1,797 images",
        "trial 2",
        "found network",
        "random pick",
        "logistic regression",
        "ResNet",
        "verified",
    ):
        assert part in said
    return place


def test_a_search_is_listed_shown_and_exported(searched: Path) -> None:
    assert "first" in netwright("runs", cwd=searched).stdout
    shown = netwright("show", "first", cwd=searched).stdout
    assert "3 completed" in shown and "found network" in shown
    assert "val_accuracy" in netwright("show", "first", "--trial", 1, cwd=searched).stdout
    said = netwright("export", "first", "--to", "again", "--json", cwd=searched).stdout
    assert json.loads(said)["figures"]["winner"]["name"] == "found network"
    for name in ("model.py", "weights.safetensors", "architecture.json", "README.md"):
        assert (searched / "again" / name).exists()
    assert (searched / "again/weights.safetensors").read_bytes() == (searched / "best/weights.safetensors").read_bytes()


def test_json_of_every_command_is_json(searched: Path) -> None:
    for words in (("runs",), ("show", "first"), ("show", "first", "--trial", 0)):
        json.loads(netwright(*words, "--json", cwd=searched).stdout)
    said = netwright("doctor", "--json", cwd=searched)
    assert {"Python", "torch", "SQLite", "disk", "runs"} <= {each["subject"] for each in json.loads(said.stdout)}


def test_an_export_is_not_overwritten(searched: Path) -> None:
    said = netwright("export", "first", "--to", "best", cwd=searched, code=2).stderr
    assert "best" in said


def test_the_same_command_gives_the_same_trials_and_a_resumed_one_too(tmp_path: Path) -> None:
    words = ("search", "digits", *SMALL, "--trials", 4, "--seed", 3, "--final-epochs", 0, "--name", "r", "--quiet")
    netwright(*words, "--dir", "a", cwd=tmp_path)
    process = subprocess.Popen(command(*words, "--dir", "b"), cwd=tmp_path, stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + 120
    while process.poll() is None and rows(tmp_path / "b/netwright.db") < 2 and time.monotonic() < deadline:
        time.sleep(0.02)
    process.kill()
    assert process.wait() == -signal.SIGKILL, "the process was to be killed in the middle"
    netwright("resume", "r", "--quiet", "--dir", "b", cwd=tmp_path)
    first, second = (json.loads(netwright("show", "r", "--json", "--dir", each, cwd=tmp_path).stdout) for each in "ab")

    def table(run: dict) -> list:
        return [[t["number"], t["state"], t["architecture"], t["metrics"], t["reason"]] for t in run["trials"]]

    assert table(first) == table(second)
    assert len(first["trials"]) == 4


def rows(database: Path) -> int:
    """Trials that have ended, as another process sees them."""
    if not database.exists():
        return 0
    try:
        with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as connection:
            return connection.execute("SELECT count(*) FROM trials WHERE ended IS NOT NULL").fetchone()[0]
    except sqlite3.Error:
        return 0


def test_a_run_goes_on_with_more_trials(tmp_path: Path) -> None:
    netwright(
        "search", "digits", *SMALL[:4], "--trials", 2, "--final-epochs", 0, "--name", "r", "--quiet", cwd=tmp_path
    )
    netwright("resume", "r", "--trials", 3, "--quiet", cwd=tmp_path)
    assert "3 completed" in netwright("show", "r", cwd=tmp_path).stdout


@pytest.mark.parametrize(
    ("number", "code", "trials"),
    [(signal.SIGINT, 130, ("--trials", 5000)), (signal.SIGTERM, 143, ("--trials", 1, "--final-epochs", 5000))],
    ids=["Ctrl-C in the search", "SIGTERM in the final training"],
)
def test_a_signal_prints_the_line_that_resumes(tmp_path: Path, number: int, code: int, trials: tuple) -> None:
    process = subprocess.Popen(
        command("search", "digits", *SMALL, *trials, "--name", "r"),
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    deadline = time.monotonic() + 120
    while rows(tmp_path / "netwright-runs/netwright.db") < 1 and time.monotonic() < deadline:
        time.sleep(0.02)
    if number == signal.SIGTERM:
        assert process.stdout is not None
        while not process.stdout.readline().startswith("final training of "):
            assert time.monotonic() < deadline
    process.send_signal(number)
    said, _ = process.communicate(timeout=60)
    assert process.returncode == code, said
    assert "netwright resume r" in said and "Traceback" not in said


def folder_of_images(place: Path, classes: int = 2, count: int = 12) -> Path:
    rng = np.random.default_rng(0)
    for label in range(classes):
        (place / f"class{label}").mkdir(parents=True)
        for index in range(count):
            pixels = rng.integers(0, 255, (16, 16, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(place / f"class{label}" / f"{index}.png")
    return place


def test_a_folder_of_images_is_searched(tmp_path: Path) -> None:
    folder_of_images(tmp_path / "images", count=20)
    space = "darts:cells=2,channels=4,nodes=2"
    options = ("--space", space, "--epochs", 1, "--trials", 2, "--final-epochs", 1, "--final-seeds", 1)
    said = netwright("search", "images", *options, "--max-params", "500k", cwd=tmp_path).stdout
    assert "40 images of 3x16x16" in said and "found network" in said


WRONG = [
    (("search", "digits", "--space", "dart"), 2, "did you mean 'darts'"),
    (("search", "digits", "--strategy", "evolutoin"), 2, "did you mean 'evolution'"),
    (("search", "digits", "--time", "10 parsecs"), 2, "10 parsecs"),
    (("search", "digits", "--trials", "1", "--max-params", "10"), 2, "the smallest of 200 has"),
    (("search", "digits", "--space", "darts:cell=3"), 2, "did you mean 'cells'"),
    (("search", "digits", "--training", "learning_rat=1"), 2, "did you mean 'learning_rate'"),
    (("search", "digits", "--objective", "val_acc", "--trials", "1"), 2, "val_accuracy"),
    (("search", "digit"), 2, "did you mean 'digits'"),
    (("search", "cifar10"), 2, "--data-dir"),
    (("search", "empty"), 5, "class"),
    (("search", "one"), 5, "class"),
    (("search", "unreadable"), 5, "--skip-bad"),
    (("search", "nan.npz"), 5, "NaN"),
    (("search", "lengths.npz"), 5, "10"),
    (("search", "digits", "--trials", "1", "--dir", "foreign"), 6, "netwright.db"),
    (("search", "digits", "--trials", "1", "--dir", "full"), 2, "full"),
    (("runs", "--dir", "nowhere"), 2, "nowhere"),
    (("resume", "nobody", "--dir", "empty"), 2, "empty"),
]


@pytest.fixture(scope="module")
def wrong(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with everything that may be wrong."""
    place = tmp_path_factory.mktemp("wrong")
    (place / "empty").mkdir()
    folder_of_images(place / "one", classes=1)
    folder_of_images(place / "unreadable")
    (place / "unreadable/class0/broken.png").write_bytes(b"")
    features = np.zeros((10, 3), dtype=np.float32)
    features[3, 1] = np.nan
    np.savez(place / "nan.npz", x=features, y=np.arange(10) % 2)
    np.savez(place / "lengths.npz", x=np.zeros((10, 3), dtype=np.float32), y=np.arange(9) % 2)
    (place / "foreign").mkdir()
    (place / "foreign/netwright.db").write_text("this is no database" * 100)
    (place / "full").mkdir()
    (place / "full/somebody.txt").write_text("mine")
    return place


@pytest.mark.parametrize(
    ("words", "code", "said"), WRONG, ids=lambda value: " ".join(value) if type(value) is tuple else ""
)
def test_bad_input_is_one_message_and_an_exit_code(wrong: Path, words: tuple[str, ...], code: int, said: str) -> None:
    before = {
        path: path.stat().st_mtime_ns for name in ("full", "foreign", "empty") for path in (wrong / name).iterdir()
    }
    assert said in netwright(*words, cwd=wrong, code=code).stderr
    after = {
        path: path.stat().st_mtime_ns for name in ("full", "foreign", "empty") for path in (wrong / name).iterdir()
    }
    assert before == after, "nothing of the user's is touched"


def test_the_code_of_an_error_is_that_of_the_process(wrong: Path) -> None:
    assert "nowhere" in netwright("runs", "--dir", "nowhere", cwd=wrong, code=2, run=in_a_process).stderr


def test_bad_files_are_listed(wrong: Path) -> None:
    (wrong / "bad_files.csv").unlink(missing_ok=True)
    netwright("search", "unreadable", cwd=wrong, code=5)
    assert "broken.png" in (wrong / "bad_files.csv").read_text()


def test_a_search_whose_trials_all_fail_ends_with_the_real_error(tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text(
        "import netwright as nw\nfrom torch import nn\n"
        "class Fails(nn.Module):\n"
        "    def __init__(self):\n        super().__init__()\n        self.layer = nn.Linear(64, 10)\n"
        "    def forward(self, x):\n"
        "        if self.training:\n            raise ZeroDivisionError('the real reason')\n"
        "        return self.layer(x.flatten(1))\n"
        "class Broken(nw.DecisionSpace):\n"
        "    def network(self, choose, shape):\n"
        "        choose.value('size', list(range(100)))\n        return Fails()\n"
    )
    began = time.monotonic()
    said = netwright("search", "digits", "--space", "broken.py:Broken", "--trials", 50, cwd=tmp_path, code=3).stderr
    assert "the real reason" in said and time.monotonic() - began < 60


def test_a_pipe_that_closes_is_no_error(searched: Path) -> None:
    piped = f"{' '.join(command('show', 'first', '--json'))} | head -1"
    done = subprocess.run(["bash", "-c", piped], cwd=searched, capture_output=True, text=True, check=False)
    assert done.stderr == "" and done.stdout.strip() == "{"


def processor_seconds() -> float:
    """Of all processes that this one has started and waited for; other work on the machine hardly counts."""
    spent = os.times()
    return spent.children_user + spent.children_system


def test_help_is_quick_and_import_needs_no_torch() -> None:
    environment = {**os.environ, "COLUMNS": "40", "NO_COLOR": "1"}
    took = []
    for _ in range(5):
        began = processor_seconds()
        subprocess.run(command("--help"), env=environment, check=True, capture_output=True)
        took.append(processor_seconds() - began)
    assert min(took) < 0.5
    code = (
        "import time; t = time.process_time(); import netwright, sys; print(time.process_time() - t); "
        "import netwright.cli.again, netwright.cli.resuming, netwright.cli.show, netwright.results; "
        "assert 'torch' not in sys.modules"  # neither do what is shown of a run, and what is refused
    )
    measured = [subprocess.run([sys.executable, "-c", code], check=True, capture_output=True) for _ in range(5)]
    assert min(float(each.stdout) for each in measured) < 0.3

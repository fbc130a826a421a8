"""Workers, attempts, interruptions and preflight as a user meets them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from netwright.catalogue.arguments import parse_bytes
from netwright.cli.main import run
from netwright.cli.plan import Plan
from netwright.cli.resuming import _spent
from netwright.cli.workers import chosen, described, make_executor
from netwright.core.errors import ConfigurationError
from netwright.core.wording import counted
from netwright.executors import Processes
from netwright.store import Store

SPACE = """
import time
import netwright as nw
from torch import nn

class Layer(nn.Module):
    def forward(self, x):
        if not self.training and not x.is_meta:
            {body}
        return x

class Plain(nw.DecisionSpace):
    traced_shape = nw.TaskShape((1, 8, 8), 10)

    def network(self, choose, shape):
        width = choose.value("width", {widths})
        return nn.Sequential(nn.Flatten(), nn.Linear(shape.features, width), Layer(), nn.Linear(width, shape.classes))
"""
SMALL = ("--epochs", "1", "--strategy", "random", "--examples", "200", "--final-epochs", "0")


def written(folder: Path, name: str, body: str = "pass", widths: str = "list(range(4, 40))") -> str:
    (folder / f"{name}.py").write_text(SPACE.format(body=body, widths=widths))
    return f"{folder / name}.py:Plain"


def said(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int, str, str]:
    code = run([str(word) for word in words])
    out, err = capsys.readouterr()
    return code, out, err


def test_the_executor_follows_from_the_options(tmp_path: Path) -> None:
    assert chosen(Plan("digits")) == "inline" and make_executor(Plan("digits"), tmp_path) is None
    assert chosen(Plan("digits", workers=2)) == chosen(Plan("digits", memory="4g")) == "processes"
    assert chosen(Plan("digits", address="auto")) == chosen(Plan("digits", executor="ray")) == "ray"
    plan = Plan("digits", workers=3, trial_timeout="10m", memory="512m")
    made = make_executor(plan, tmp_path)
    assert isinstance(made, Processes) and made.slots == 3
    made.close()
    assert described(plan) == "3 worker processes, a trial at most 10m, in 512m"
    assert described(Plan("digits", stall_timeout="1m")) == "1 worker process, a trial silent for 1m"
    assert Plan.from_json(json.loads(json.dumps(plan.to_json()))) == plan


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"workers": 0}, "--workers 0: expected a whole number of at least 1"),
        ({"executor": "proceses"}, "did you mean 'processes'"),
        ({"executor": "inline", "workers": 2}, "one trial at a time"),
        ({"executor": "inline", "memory": "4g"}, "--memory needs --executor processes or folder or ray"),
        ({"executor": "processes", "address": "auto"}, "--address needs --executor ray"),
        ({"executor": "ray", "stall_timeout": "4m"}, "--stall-timeout needs --executor processes"),
        ({"memory": "lots"}, "expected for example 4g or 512m"),
        ({"recipe": "darts", "workers": 2}, "trains its shared weights in this process .* leave out --workers"),
    ],
)
def test_options_that_do_not_go_together_are_named(options: dict, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        Plan("digits", **options)


def test_amounts_of_memory_and_nouns() -> None:
    assert [parse_bytes(text) for text in ("4g", "512M", "1.5G", "2GiB", "1000", "1kb")] == [
        *(4 * 2**30, 512 * 2**20, 3 * 2**29, 2**31, 1000, 1024)
    ]
    assert [counted(1, "epoch"), counted(5, "epoch")] == ["1 epoch", "5 epochs"]
    for wrong in ("", "0g", "-4g", "4x"):
        with pytest.raises(ConfigurationError):
            parse_bytes(wrong)


def test_more_time_counts_what_all_searches_of_a_run_took() -> None:
    plain = Plan("digits", time="10m")
    assert _spent(plain, "r", {"r": 30.0, "other": 99.0}) == 30.0
    repeated = Plan("digits", time="10m", repeats=3)
    spent = _spent(repeated, "r", {"r": 30.0, "r-seed1": 20.0, "r-seed2": 10.0})
    further = Plan("digits", time=f"{spent + 60}s", repeats=3)
    assert further.search_seconds == pytest.approx(20.0 + 0.6 * 60 / 3)  # each goes on from the mean of 20 s
    recipe = Plan("digits", time="10m", recipe="darts")
    assert _spent(recipe, "r", {"r": 30.0, "r-random": 30.0}) == pytest.approx(100.0)


def test_a_search_of_one_network_says_so_and_ends_well(tmp_path, capsys) -> None:
    space = written(tmp_path, "lone_space", widths="[4]")
    words = ("search", "digits", "--space", space, *SMALL, "--trials", 3, "--dir", tmp_path / "p")
    code, out, _ = said(capsys, *words)
    assert code == 0 and "the space holds one network, of 310 parameters" in out
    assert "train candidates for 1 epoch until" in out


def test_limits_that_no_network_keeps_end_before_there_is_a_run(tmp_path, capsys) -> None:
    space = written(tmp_path, "wide_space")
    words = ("search", "digits", "--space", space, *SMALL, "--trials", 3, "--dir", tmp_path / "p")
    code, _, err = said(capsys, *words, "--max-params", "200")
    assert code == 2 and "no network keeps the limit params <= 200: the smallest of 36 has 310 params" in err
    assert not (tmp_path / "p").exists()


def test_partial_channels_without_edges_are_refused_before_there_is_a_run(tmp_path, capsys) -> None:
    words = ("search", "digits", "--examples", 200, "--space", "chain:width=4,stages=1,most=1", "--recipe", "pc-darts")
    code, _, err = said(capsys, *words, "--epochs", 1, "--dir", tmp_path / "p")
    assert code == 2 and "this space has none" in err and not (tmp_path / "p").exists()


def test_a_search_in_which_every_trial_fails_ends_soon_with_the_real_error(tmp_path, capsys) -> None:
    space = written(tmp_path, "bad_space", "raise ZeroDivisionError('the layer divides by nothing')")
    words = ("search", "digits", "--space", space, *SMALL, "--trials", 30, "--dir", tmp_path / "p")
    code, _, err = said(capsys, *words)
    assert code == 3
    assert "5 of 5 trials failed; the first was trial 0 (error): ZeroDivisionError: the layer divides by nothing" in err
    code, out, _ = said(capsys, "show", "--trial", 2, "--dir", tmp_path / "p")
    assert code == 0 and "attempt  state" in out and out.rstrip().endswith("the layer divides by nothing")


def test_a_search_of_two_workers_names_them_and_keeps_what_they_print(tmp_path, capsys) -> None:
    space = written(tmp_path, "talking_space", "print('one epoch is over')")
    words = ("search", "digits", "--space", space, *SMALL, "--trials", 3, "--dir", tmp_path / "p", "--name", "r")
    code, out, err = said(capsys, *words, "--workers", 2)
    assert code == 0 and "2 worker processes" in out, err
    code, out, _ = said(capsys, "show", "r", "--trial", 1, "--dir", tmp_path / "p")
    assert "worker " in out and "one epoch is over" in out
    path = tmp_path / "p" / "logs" / "r" / "trial-000001-attempt-1.log"
    assert str(path) in out and path.exists()
    code, out, _ = said(capsys, "show", "r", "--trial", 1, "--dir", tmp_path / "p", "--json")
    (attempt,) = json.loads(out)["attempts"]
    assert attempt["state"] == "completed" and attempt["threads"] >= 1 and attempt["log_path"] == str(path)
    code, out, _ = said(capsys, "resume", "r", "--trials", 4, "--workers", 1, "--dir", tmp_path / "p")
    assert code == 0 and "stopped: 4 trials done" in out


def test_the_list_of_runs_counts_no_epochs_of_shared_weights(tmp_path, capsys) -> None:
    words = ("search", "digits", "--examples", 200, "--space", "chain:width=4,stages=1,most=1", "--recipe", "darts")
    rest = ("--epochs", 2, "--no-random-search", "--final-epochs", 0, "--dir", tmp_path / "p", "--quiet")
    assert said(capsys, *words, *rest)[0] == 0
    _, out, _ = said(capsys, "runs", "--json", "--dir", tmp_path / "p")
    assert json.loads(out)[0]["counts"] == {"completed": 1}


STUBBORN = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('begun', flush=True); time.sleep(100)"


@pytest.mark.parametrize(
    ("number", "code", "times", "body"),
    [(signal.SIGINT, 130, 1, "print('begun', flush=True); time.sleep(100)"), (signal.SIGTERM, 143, 2, STUBBORN)],
)
def test_a_signal_ends_workers_too_and_a_second_one_at_once(
    tmp_path: Path, number: int, code: int, times: int, body: str
) -> None:
    space = written(tmp_path, "slow_space", body)
    words = ("search", "digits", "--space", space, *SMALL, "--trials", "9", "--dir", str(tmp_path / "p"), "--name", "r")
    command = [sys.executable, "-m", "netwright.cli", *words, "--workers", "2"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        until(lambda: any("begun" in each.read_text() for each in (tmp_path / "p" / "logs" / "r").glob("*")))
        workers = descendants(process.pid)
        assert len(workers) >= 2
        began = time.monotonic()
        process.send_signal(number)
        if times == 2:
            with pytest.raises(subprocess.TimeoutExpired):
                process.wait(timeout=1.5)  # the trials ignore what they are asked to
            process.send_signal(number)
        out, err = process.communicate(timeout=90)
        assert process.returncode == code and time.monotonic() - began < 90
        assert "netwright resume r" in out + err
        until(lambda: not any(alive(each) for each in workers))
    finally:
        process.kill()
        process.wait()
    with Store.open_readonly(tmp_path / "p") as store:
        found = store.read_run("r")
    assert found.summary.state == "interrupted" and set(found.counts) == {"running"}


def until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


def descendants(pid: int) -> list[int]:
    """The processes that this one started, and those that they did."""
    found = [
        int(each) for task in Path(f"/proc/{pid}/task").iterdir() for each in (task / "children").read_text().split()
    ]
    return [*found, *(each for child in found for each in descendants(child))]


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except OSError:
        return False
    return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()

"""`netwright worker` and the commands that share their work over a folder, as a user meets them."""

from __future__ import annotations

import csv
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import netwright as nw
from netwright.cli.main import run
from netwright.cli.plan import Plan
from netwright.cli.sharing import queue_of, work_of
from netwright.cli.worker import carried_out, found_queue, tell_unknown
from netwright.cli.workers import chosen, described, retries
from netwright.cli.workshop import Workshop
from netwright.core.errors import CorruptStore, UserError
from netwright.core.estimator import Estimator
from netwright.core.trial import Measurement, Proposal
from netwright.executors import Folder
from netwright.executors.folder import Kit
from netwright.executors.folder.folder_session import Session
from netwright.executors.folder.messages import described as described_stages
from netwright.store import Store
from netwright.testing.small_spaces import Layers

LONGEST = 280.0  # seconds that anything may take on a busy machine
SPACE = """
import netwright as nw
from torch import nn

class Plain(nw.DecisionSpace):
    traced_shape = nw.TaskShape((1, 8, 8), 10)

    def network(self, choose, shape):
        width = choose.value("width", list(range(4, 40)))
        return nn.Sequential(nn.Flatten(), nn.Linear(shape.features, width), nn.ReLU(), nn.Linear(width, shape.classes))
"""
SMALL = ("--epochs", "1", "--strategy", "random", "--examples", "200", "--trials", "5", "--final-seeds", "1")
FOLDER = ("--executor", "folder")

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="a worker's trials run in process groups")


class Shell:
    """Commands in the background of a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "mine.py").write_text(SPACE)
        self._processes: list[subprocess.Popen[str]] = []
        self.environment = {**os.environ, "OMP_NUM_THREADS": "1"}

    def start(self, *words: object, folder: Path | None = None) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "netwright.cli", *map(str, words)]
        place = {"cwd": folder or self.folder, "env": self.environment}
        pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
        self._processes.append(subprocess.Popen(command, **place, **pipes))
        return self._processes[-1]

    def end(self) -> None:
        for each in self._processes:
            each.kill()
            each.communicate()


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[Shell]:
    made = Shell(tmp_path)
    yield made
    made.end()


def finished(process: subprocess.Popen[str]) -> tuple[int, str]:
    out, _ = process.communicate(timeout=LONGEST)
    return process.returncode, out


def table(directory: Path, name: str) -> list[tuple[object, ...]]:
    with Store.open_readonly(directory) as store:
        trials = store.read_run(name).trials
    kept = ("val_accuracy", "params", "val_loss")
    return [(each.number, each.text, each.state, [each.metrics.get(metric) for metric in kept]) for each in trials]


def figures(directory: Path, name: str) -> Any:
    with Store.open_readonly(directory) as store:
        found = store.document(name, "final")
    assert found is not None
    return [found["figures"]["winner"][key] for key in ("accuracies", "seeds", "params")]


def test_a_search_by_workers_elsewhere_is_that_of_one_process(
    shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """From the first trial to the final training and its reference, with a space of the user's own file."""
    monkeypatch.chdir(tmp_path)
    options = ("digits", "--space", "mine.py:Plain", *SMALL, "--final-epochs", "2", "--no-baselines", "--name", "r")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    workers = [
        shell.start("worker", "r", "--dir", tmp_path / "shared", folder=elsewhere),
        shell.start("worker", tmp_path / "shared" / "r", "--threads", 1, folder=elsewhere),
    ]
    assert run(["search", *options, "--dir", "shared", *FOLDER]) == 0
    said = capsys.readouterr().out
    assert f"workers, on any machine that sees this folder: netwright worker r --dir {tmp_path / 'shared'}\n" in said
    assert "workers over a folder" in said and " at work" in said
    assert run(["search", *options, "--dir", "alone"]) == 0
    assert table(tmp_path / "shared", "r") == table(tmp_path / "alone", "r")
    assert figures(tmp_path / "shared", "r") == figures(tmp_path / "alone", "r")
    done = 0
    for each in workers:
        code, said = finished(each)
        assert code == 0, said
        own = sum(
            map(int, re.findall(r"\d+", said.rpartition("nothing more is to be done; ")[2]))
        )  # trials and trainings
        done += own
        assert not own or f"runs code that the run names: space mine.py:Plain ({tmp_path / 'mine.py'})\n" in said
    assert done == 5 + 1
    assert run(["show", "r", "--dir", str(tmp_path / "shared"), "--trial", "0"]) == 0


@pytest.mark.slow
def test_an_interrupted_search_is_taken_up_by_the_same_worker(shell: Shell, tmp_path: Path) -> None:
    options = ("--space", "mine.py:Plain", "--final-epochs", "0", "--name", "r", "--dir", "runs")
    many = ("--epochs", "30", "--strategy", "random", "--trials", "12")
    worker = shell.start("worker", "r", "--dir", "runs", "--workers", 2, "--threads", 1)
    driver = shell.start("search", "digits", *options, *many, *FOLDER)
    assert driver.stdout is not None
    while "2/12" not in (line := driver.stdout.readline()):
        assert line, "the driver has ended"
    driver.send_signal(signal.SIGINT)
    code, said = finished(driver)
    assert code == 130 and "go on with: netwright resume r --dir runs" in said
    code, said = finished(shell.start("resume", "r", "--dir", "runs"))
    assert code == 0, said
    code, said = finished(worker)
    assert code == 0 and said.count("ready as") == 2, said
    assert [row[2] for row in table(tmp_path / "runs", "r")] == ["completed"] * 12


def test_a_comparison_by_workers_elsewhere_is_that_of_one_process(
    shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """With a table and code that are named from the driver's folder; a worker is asked before it runs that code."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "own.py").write_text("import netwright as nw\n\nclass Mine(nw.strategies.RandomSearch):\n    pass\n")
    with (tmp_path / "known.csv").open("w", newline="") as file:
        rows = ((each, 3 * number % 7, number) for number, each in enumerate(Layers(2).enumerate()))
        csv.writer(file).writerows([("arch", "valid", "test"), *rows])
    space = f"{Layers.__module__}:Layers:most=2"
    options = ("--space", space, "--table", "known.csv", "--metric", "valid", "--report", "test")
    budget = ("--evaluations", "6", "--repeats", "5")
    words = ("compare", *options, "--strategies", "random,own.py:Mine", *budget, "--no-plots")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    worker = shell.start("worker", "searches", "--dir", tmp_path / "there", folder=elsewhere)
    assert run([*words, "--folder", "there", *FOLDER]) == 0
    out = capsys.readouterr().out
    assert f"netwright worker searches --dir {tmp_path / 'there'}\n" in out and "10 searches" in out
    code, out = finished(worker)
    assert code == 0 and "10 searches carried out here" in out, out
    assert f"runs code that the run names: strategy own.py:Mine ({tmp_path / 'own.py'})\n" in out
    assert run([*words, "--folder", "here"]) == 0
    there, here = (values_of(tmp_path / name) for name in ("there", "here"))
    assert there == here and len(here) == 10


def values_of(folder: Path) -> list[list[str]]:
    """What each search of a comparison found."""
    with (folder / "finals.csv").open() as file:
        return sorted([row["strategy"], row["repeat"], row["reported"]] for row in csv.DictReader(file))


def test_where_a_comparison_runs_is_refused_before_anything_is_read(capsys: pytest.CaptureFixture[str]) -> None:
    words = ("compare", "--space", "nasbench201", "--table", "nowhere.csv", "--metric", "valid", "--evaluations", 6)
    code, err = said(capsys, *words, *FOLDER, "--processes", 2)
    assert code == 2 and "as many searches at once as its workers take; leave out --processes" in err
    code, err = said(capsys, *words, "--executor", "folders")
    assert code == 2 and "there is no executor 'folders'" in err and "'folder'" in err
    code, err = said(capsys, *words, "--executor", "inline", "--processes", 2)
    assert code == 2 and "runs one after the other" in err
    code, err = said(capsys, *words, *FOLDER, "--address", "auto")
    assert code == 2 and "--address needs --executor ray; it was folder" in err
    code, err = said(capsys, *words, "--processes", 0)
    assert code == 2 and "--processes 0: expected a whole number" in err


@pytest.mark.slow
def test_proxies_over_a_folder_give_the_same_scores(shell: Shell, tmp_path: Path) -> None:
    words = (
        "proxies",
        "digits",
        "--space",
        "mine.py:Plain",
        "--networks",
        4,
        "--proxies",
        "synflow,snip",
        "--examples",
        100,
    )
    worker = shell.start("worker", "shared", "--threads", 1)
    (tmp_path / "shared").mkdir()
    worker.kill()  # it took "shared" for the name of a run, since there was no such folder yet
    driver = shell.start(*words, *FOLDER, "--folder", "shared", "--json", "--csv", "there.csv")
    (tmp_path / "shared").mkdir(exist_ok=True)
    worker = shell.start("worker", tmp_path / "shared")
    code, said = finished(driver)
    assert code == 0, said
    assert finished(worker)[0] == 0
    assert finished(shell.start(*words, "--json", "--csv", "here.csv"))[0] == 0
    assert (tmp_path / "there.csv").read_text() == (tmp_path / "here.csv").read_text()


def test_the_array_job_of_slurm_starts_a_worker_in_place_of_its_shell(tmp_path: Path) -> None:
    script = Path(__file__).parents[2] / "examples" / "slurm" / "workers.sbatch"
    stand_in = tmp_path / "netwright"
    stand_in.write_text('#!/bin/bash\necho $$ "$@"\n')
    stand_in.chmod(0o755)
    told = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "RUN": "flowers", "RUNS": "/shared runs"}
    shell = subprocess.Popen(
        ["bash", script], env={**told, "SLURM_CPUS_PER_TASK": "4"}, stdout=subprocess.PIPE, text=True
    )
    out, _ = shell.communicate()
    assert out.split(" ", 1) == [str(shell.pid), "worker flowers --dir /shared runs --threads 4 --idle 30m\n"]
    nameless = subprocess.run(["bash", script], env={"PATH": told["PATH"]}, capture_output=True, text=True)
    assert nameless.returncode != 0 and "the name of the run" in nameless.stderr


# What is said before anything runs.


def said(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int, str]:
    code = run([str(word) for word in words])
    return code, capsys.readouterr().err


def test_the_executor_and_what_goes_with_it() -> None:
    plan = Plan("digits", executor="folder", workers=8, trial_timeout="10m", memory="4g", stall_timeout="5m")
    assert chosen(plan) == "folder"
    assert described(plan) == "workers over a folder, a trial at most 10m, silent for 5m, in 4g"
    assert len(retries(plan).waits) == 5 and len(retries(Plan("digits")).waits) == 3


def test_what_a_worker_was_given_is_counted_by_its_name() -> None:
    assert carried_out({}) == carried_out({"trial": 0}) == "nothing"
    assert carried_out({"trial": 1}) == "1 trial"
    assert carried_out({"trial": 1200, "search": 2, "training": 0}) == "1,200 trials and 2 searches"


def test_a_worker_says_what_it_cannot_do(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert said(capsys, "worker", "r", "--workers", 0) == (
        2,
        "netwright: --workers 0: expected a whole number of at least 1\n",
    )
    code, text = said(capsys, "worker", "--dir", tmp_path)
    assert code == 2 and "shares its work now; begin one with: netwright search DATA --executor folder" in text
    code, text = said(capsys, "worker", Path(__file__).parent, "--dir", tmp_path)
    assert code == 2 and "holds no shared work but other files" in text
    code, text = said(capsys, "worker", "a b", "--dir", tmp_path)
    assert code == 2 and "cannot be the name of a run" in text
    code, text = said(capsys, "worker", "r", "--dir", tmp_path, "--idle", "soon")
    assert code == 2 and "the time 'soon' was not understood" in text
    code, text = said(capsys, "worker", "r", "--dir", tmp_path, "--idle", "0.2s", "-q")
    assert code == 2 and "nobody has begun to share work" in text and len(text.splitlines()) == 1
    assert not list(tmp_path.iterdir())


class Always(Estimator):
    """Measures every network alike."""

    def estimate(self, proposal: Proposal, seed: int) -> Measurement:
        return Measurement({"val_accuracy": 0.5})


def test_a_name_that_no_run_has_is_waited_for_and_said(tmp_path: Path) -> None:
    said: list[str] = []
    tell_unknown(queue_of(tmp_path, "digts"), said.append)
    assert not said  # there is no project yet: the worker came first
    space = nw.spaces.Mlp()
    nw.Search(nw.strategies.RandomSearch(space), Always()).run(trials=1, store=tmp_path, name="digits")
    tell_unknown(queue_of(tmp_path, "digts"), said.append)
    assert len(said) == 1 and "no run 'digts' yet" in said[0] and "did you mean 'digits'" in said[0]
    tell_unknown(queue_of(tmp_path, "digits"), said.append)
    assert len(said) == 1


def test_which_folder_is_meant(tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    assert found_queue(runs, "r") == found_queue(Path("any"), str(runs / "r")) == runs / "queues" / "r"
    own = Folder(tmp_path / "queue")
    assert found_queue(runs, str(tmp_path / "queue")) == tmp_path / "queue"
    own.close()
    with pytest.raises(UserError, match="no run in"):
        found_queue(runs, None)
    first = Folder(runs / "queues" / "a", project=runs)
    assert found_queue(runs, None) == runs / "queues" / "a"
    second = Folder(runs / "queues" / "b", project=runs)
    with pytest.raises(UserError, match=r"several runs in .* share their work: a, b"):
        found_queue(runs, None)
    first.close()
    assert found_queue(runs, None) == runs / "queues" / "b"
    second.close()


def test_a_name_that_is_taken_is_refused_before_any_worker_is_waited_for(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.py").write_text(SPACE)
    words = ("search", "digits", "--space", "mine.py:Plain", *SMALL, "--final-epochs", "0", "--name", "r", "-q")
    assert said(capsys, *words)[0] == 0
    code, text = said(capsys, *words, *FOLDER)
    assert code == 2 and "there is a run of that name" in text


# What a worker makes of what lies there.


def test_a_workshop_makes_what_the_driver_has(tmp_path: Path) -> None:
    plan = Plan("digits", space="mlp", epochs=2, trials=4, limits=("params <= 1M",), data_options={"limit": 100})
    task = plan.make_task()
    search = plan.make_search(task, plan.make_space(task))
    told: list[str] = []
    workshop = Workshop(told.append, tmp_path)
    kit = workshop(json.loads(json.dumps(work_of("search", plan))))
    assert kit.described() == described_stages(tuple(search.estimator.stages())) and kit.space == search.space
    from netwright.results import final_work

    final = workshop(json.loads(json.dumps(work_of("final", plan))))
    expected = described_stages([final_work(search.estimator, objectives=search.objectives)])
    assert final.described() == expected and final.noun == "training"
    assert told == ["data: digits, 80 training examples"] or len(told) == 1  # read once for both


def test_a_workshop_makes_what_an_audit_trains_with(tmp_path: Path) -> None:
    from netwright.benchmarks.auditing import training_alone

    plan = Plan(
        "digits", space="darts:cells=2,channels=4", recipe="darts", shared_epochs=1, data_options={"limit": 100}
    )
    task = plan.make_task()
    expected = training_alone(plan.make_search(task, plan.make_space(task)), 3)
    kit = Workshop(lambda _: None, tmp_path)(json.loads(json.dumps(work_of("audit", plan, epochs=3))))
    assert kit.described() == described_stages(expected.stages())


@pytest.mark.parametrize(
    ("work", "kind", "text"),
    [
        ({}, UserError, "was shared from Python"),
        ({"kind": "os.system", "plan": {"data": "digits"}}, UserError, "no work of the kind 'os.system'"),
        ({"kind": ["search"], "plan": {"data": "digits"}}, UserError, "no work of the kind"),
        ({"kind": "search", "plan": 3}, UserError, "no work of the kind"),
        ({"kind": "search", "plan": {"data": "digits", "colour": "red"}}, CorruptStore, "colour"),
        ({"kind": "search", "plan": {"data": "digits", "workers": "many"}}, CorruptStore, "cannot be read"),
        ({"kind": "search", "plan": {"data": 3}}, CorruptStore, "cannot be read"),
        ({"kind": "proxies", "plan": {"data": "digits"}}, CorruptStore, "cannot be read"),
    ],
)
def test_work_that_no_command_would_share_is_refused(
    tmp_path: Path, work: Any, kind: type[Exception], text: str
) -> None:
    with pytest.raises(kind, match=text):
        Workshop(lambda _: None, tmp_path)(work)


def test_a_session_of_another_version_is_refused(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    queue = tmp_path / "queues" / "r"
    driver = Folder(queue, project=tmp_path)
    session = Session.read(queue)
    assert session is not None
    replace(session, versions={"netwright": "0.0.1"}).write(queue)
    code, text = said(capsys, "worker", "r", "--dir", tmp_path)
    assert code == 2 and "the driver runs netwright 0.0.1, this worker" in text
    driver.close()


def test_a_kit_of_nothing_describes_nothing() -> None:
    assert Kit(None, ()).described() == {"stages": [], "data": []}

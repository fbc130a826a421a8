"""A run directory is data: no command imports what its plan names before the user has named it, or agreed to it."""

from __future__ import annotations

import ast
import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from netwright.benchmarks.record import Record
from netwright.catalogue.sources import files_of
from netwright.cli import trust
from netwright.cli.compare import SETTINGS, Settings
from netwright.cli.main import run
from netwright.cli.plan import Plan
from netwright.cli.show import PLAN
from netwright.core.errors import CorruptStore, UserError
from netwright.executors import Folder
from netwright.store import Store

MINE = """
import netwright as nw
from torch import nn

class Plain(nw.DecisionSpace):
    traced_shape = nw.TaskShape((1, 8, 8), 10)

    def network(self, choose, shape):
        width = choose.value("width", [4, 5, 6, 7])
        return nn.Sequential(nn.Flatten(), nn.Linear(shape.features, width), nn.ReLU(), nn.Linear(width, shape.classes))
"""


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project that somebody else made: its code leaves a mark where it runs."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs" / "code.py").write_text(f"open({str(tmp_path / 'mark')!r}, 'w').close()\n")
    return tmp_path


def store_plan(place: Path, plan: Plan | dict[str, Any]) -> Path:
    """The project with a run of this plan."""
    (place / "runs" / "code.py").rename(place / "code.py")
    with Store(place / "runs") as store:
        store.create_run("r", "Plain", {"arguments": {"objective": ["val_accuracy"]}}, "0.1.0")
        store.keep("r", PLAN, plan.to_json() if isinstance(plan, Plan) else plan)
        store.set_state("r", "interrupted", "interrupted", 1.0)
    (place / "code.py").rename(place / "runs" / "code.py")
    return place / "runs"


def touching(place: Path) -> Plan:
    """A plan whose data is what a command prints that leaves a mark."""
    return Plan("subprocess:getoutput", data_options={"cmd": f"touch {place / 'mark'}"})


COMMANDS = [
    ["resume", "r"],
    ["resume", "r", "--workers", "2", "--executor", "processes"],
    ["export", "r", "--to", "best"],
    ["final", "r"],
    ["audit", "r"],
    ["search", "digits", "--name", "r", "--resume"],
]


@pytest.mark.parametrize("words", COMMANDS)
@pytest.mark.parametrize("named", ["data", "space", "strategy", "module", "file", "fewer words"])
def test_no_command_runs_what_a_directory_names(
    place: Path, capsys: pytest.CaptureFixture[str], words: list[str], named: str
) -> None:
    plan = {
        "data": touching(place),
        "space": Plan("digits", space="runs/code.py:Plain"),
        "strategy": Plan("digits", strategy="runs/code.py:make:size=3"),
        "module": Plan("runs.code:data"),
        "file": Plan("runs/code.py:data"),
        "fewer words": Plan("digits", space="runs.code:Plain:cells=4"),
    }[named]
    directory = store_plan(place, plan)
    assert run([*words, "--dir", str(directory)]) == 2
    told = capsys.readouterr().err
    assert "names what could run any code here" in told and "say --trust" in told and len(told.splitlines()) == 1
    assert not (place / "mark").exists()


def test_no_worker_runs_what_a_folder_names(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    plan = Plan("digits", space="runs/code.py:Plain")
    for queue, words in (
        (place / "runs" / "queues" / "r", ["worker", "r", "--dir", "runs"]),
        (place / "netwright-proxies", ["worker", "netwright-proxies"]),
    ):
        driver = Folder(queue, work={"kind": "search", "plan": plan.to_json(), "folder": str(place)})
        try:
            assert run(words) == 2
        finally:
            driver.close()
        assert "space runs/code.py:Plain" in capsys.readouterr().err and not (place / "mark").exists()


def test_no_comparison_runs_what_its_folder_names(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = place / "comparison"
    for name, given in (
        ("space", Settings(spaces=("runs/code.py:Plain",), tables=("t.csv",), metrics=("m",), evaluations=3.0)),
        ("strategy", Settings(strategies=("random,runs/code.py:make",), data="digits", evaluations=3.0)),
        ("data", Settings(data="runs/code.py:data", evaluations=3.0)),
    ):
        with Record(folder) as record:
            record.keep(SETTINGS, json.loads(json.dumps(asdict(given))))
        assert run(["compare", "--repeats", "1", "--folder", str(folder), "--no-plots"]) == 2
        told = capsys.readouterr().err
        assert f"{name} runs/code.py:" in told and not (place / "mark").exists()


def test_nothing_is_asked_where_names_are_built_in(place: Path) -> None:
    for plan in (Plan("digits"), Plan("digits", space="darts:cells=4", recipe="darts"), Plan(str(place / "nowhere"))):
        assert trust.stored_plan(plan.to_json(), place / "runs") == plan


def test_what_was_agreed_to_is_not_asked_again_until_it_is_another(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    directory, words = store_plan(place, Plan("runs/code.py:data")), ["resume", "r", "--dir", "runs"]
    assert run([*words, "--trust"]) == 2  # the code has no `data`
    told = capsys.readouterr().err
    assert str(directory / "code.py") in told and (place / "mark").exists()
    (place / "mark").unlink()
    assert run(words) == 2
    assert "has no 'data'" in capsys.readouterr().err and (place / "mark").exists()
    (place / "mark").unlink()
    with (directory / "code.py").open("a") as file:
        file.write("# another\n")
    assert run(words) == 2
    assert "say --trust" in capsys.readouterr().err and not (place / "mark").exists()
    directory.rename(place / "elsewhere")
    (place / "elsewhere" / "code.py").write_text(f"open({str(place / 'mark')!r}, 'w').close()\n")
    assert run(["resume", "r", "--dir", "elsewhere"]) == 2 and not (place / "mark").exists()


def test_the_arguments_are_part_of_what_was_agreed_to(place: Path) -> None:
    plan = Plan("subprocess:getoutput", data_options={"cmd": "true"})
    assert trust.stored_plan(plan.to_json(), place / "runs", trust=True) == plan
    assert trust.stored_plan(plan.to_json(), place / "runs") == plan
    with pytest.raises(UserError, match="cmd=touch"):
        trust.stored_plan(touching(place).to_json(), place / "runs")


def test_a_person_at_a_terminal_is_asked(place: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    notes = Plan("runs/code.py:data").to_json()
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setattr(trust, "_agreed", lambda: False)
    with pytest.raises(UserError, match="nothing of it was run"):
        trust.stored_plan(notes, place / "runs")
    assert str(place / "runs" / "code.py") in capsys.readouterr().err
    monkeypatch.setattr(trust, "_agreed", lambda: True)
    trust.stored_plan(notes, place / "runs")
    monkeypatch.setattr(trust, "_agreed", lambda: pytest.fail("it was asked twice"))
    trust.stored_plan(notes, place / "runs")


def test_a_run_that_was_begun_here_goes_on_without_a_question(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (place / "mine.py").write_text(MINE)
    words = ["--space", "mine.py:Plain", "--strategy", "random", "--epochs", "1", "--examples", "100"]
    own = ["--dir", "own", "--name", "r", "--final-epochs", "0"]
    assert run(["search", "digits", *words, *own, "--trials", "1"]) == 0
    assert run(["resume", "r", "--dir", "own", "--trials", "2"]) == 0
    assert run(["search", "digits", "--dir", "own", "--name", "r", "--resume", "--trials", "3"]) == 0
    assert run(["export", "r", "--dir", "own", "--train"]) == 0
    assert "trust" not in capsys.readouterr().err


def test_notes_inside_the_directory_count_for_nothing(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    notes = Plan("runs/code.py:data").to_json()
    monkeypatch.setenv("XDG_STATE_HOME", str(place / "runs" / "state"))
    trust.stored_plan(notes, place / "runs", trust=True)
    with pytest.raises(UserError, match="say --trust"):
        trust.stored_plan(notes, place / "runs")


def test_a_home_that_cannot_be_written_to_stops_no_search(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (place / "file").write_text("")
    monkeypatch.setenv("XDG_STATE_HOME", str(place / "file"))
    trust.note_begun(Plan("runs/code.py:data"), place / "runs")
    with pytest.raises(UserError, match="say --trust"):
        trust.stored_plan(Plan("runs/code.py:data").to_json(), place / "runs")


def test_a_cluster_that_a_plan_names_is_asked_about_unless_another_is_given(place: Path) -> None:
    notes = Plan("digits", executor="ray", address="203.0.113.5:6379").to_json()
    with pytest.raises(UserError, match=r"cluster Ray at 203\.0\.113\.5:6379"):
        trust.stored_plan(notes, place / "runs", given={"address": None, "workers": 3})
    for given in ({"address": "head:6379"}, {"executor": "inline"}, {"address": "none"}):
        trust.stored_plan(notes, place / "runs", given=given)
    trust.stored_plan(notes, place / "runs", runs=False)
    trust.note_begun(Plan("digits", executor="ray", address="203.0.113.5:6379"), place / "runs")
    trust.stored_plan(notes, place / "runs")


@pytest.mark.parametrize("notes", [3, [1], {"data": ["x"]}, {"data": "digits", "data_options": [1]}, {"space": "x"}])
def test_what_is_no_plan_is_said(place: Path, notes: Any) -> None:
    with pytest.raises(CorruptStore):
        trust.stored_plan(notes, place / "runs")


def test_the_files_of_a_module_are_found_without_importing_it(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = place / "package_of_a_test"
    (package / "inner").mkdir(parents=True)
    for path in (package, package / "inner"):
        (path / "__init__.py").write_text("raise SystemExit('it was imported')")
    (package / "inner" / "code.py").write_text("raise SystemExit('it was imported')")
    expected = [str(package / "__init__.py"), str(package / "inner" / "__init__.py"), str(package / "inner/code.py")]
    assert files_of("package_of_a_test.inner.code", beside=True) == expected
    assert files_of("package_of_a_test.inner.code", beside=False) is None
    assert files_of("package_of_a_test.inner.none", beside=True) == expected[:2]
    monkeypatch.syspath_prepend(str(place))
    assert files_of("package_of_a_test", beside=False) == expected[:1]
    assert files_of("sys", beside=False) == [] and files_of("os.path", beside=False) is not None
    assert files_of("__main__", beside=False) is not None  # imported long ago, and yet a way to everything
    assert files_of("nowhere.py", beside=False) is None and files_of("no_such_module", beside=True) is None


def test_stored_plans_are_read_in_one_place_alone() -> None:
    root = Path(trust.__file__).parent
    readers = {
        path.name
        for path in root.glob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute) and node.attr == "from_json" and getattr(node.value, "id", "") == "Plan"
    }
    # `again` compares what was given then with what is given now; `method_runs` reads what its parent process writes
    assert readers == {"trust.py", "again.py", "method_runs.py"}

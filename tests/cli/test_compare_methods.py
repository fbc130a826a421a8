"""`netwright compare --methods`: what is searched, kept, gone on with, written and refused."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

import netwright as nw
from netwright.catalogue.loading import names
from netwright.cli import methods
from netwright.cli.main import run
from netwright.cli.method_runs import Ended, carried_out
from netwright.cli.method_settings import MethodSettings
from netwright.cli.methods import MethodRuns, compare_methods, family_of
from netwright.cli.plan import Plan
from netwright.core.errors import CorruptStore, SearchFailed, UserError
from netwright.results.figures import Contender, Figures

SPACE = "nasbench201:cells=1,channels=2"
TINY = nw.spaces.NasBench201(cells=1, channels=2)
ASKED = MethodSettings(
    methods=("local", "single-path-one-shot"),
    data="digits",
    data_options={"limit": 100},
    space=SPACE,
    evaluations=2,
    epochs=1,
    repeats=2,
    device="cpu",
)
QUIET = {"trust": False, "as_json": False, "quiet": True}


class Searches:
    """Stands in for searches: leaves runs with reports that follow from the plan, and remembers their names.

    most: searches before it is interrupted.
    """

    def __init__(self, most: int = 100) -> None:
        self.names: list[str] = []
        self.most = most

    def __call__(self, plan: Plan, directory: Path, name: str) -> Ended:
        if len(self.names) == self.most:
            raise KeyboardInterrupt
        self.names.append(name)
        cost = nw.estimators.Cost(TINY, nw.TaskShape((1, 8, 8), 10))
        search = nw.Search(nw.strategies.RandomSearch(TINY), cost, objective="params:minimize", seed=plan.seed)
        run = search.run(trials=2, store=directory, name=name, progress=False)
        value = (len(plan.recipe or plan.strategy) + plan.seed) / 100
        found = Contender("found network", (value,), (0,), params=10.0 + plan.seed, macs=5.0, seconds=1.5)
        facts = {"seconds": 2.5, "trials": {"completed": 2}}
        figures = Figures("digits", str(run.best.architecture), found, (), 10, 0, search=facts)
        run.keep("report", {"lines": [], "figures": figures.as_json()})
        return Ended("", 1000 + len(self.names))


def numbers(folder: Path) -> list[tuple[str, Any, Any]]:
    """What each search found, without what goes by the clock."""
    rows = (folder / "runs.csv").read_text().splitlines()
    cells = [row.split(",") for row in rows[1:]]
    return [(each[2], each[5], each[6]) for each in cells]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("whole")
    searches = Searches()
    compare_methods(ASKED, folder, **QUIET, search=searches)
    labels = ("local", "single-path-one-shot", "random")
    assert searches.names == [f"{label}-seed{repeat}" for repeat in (0, 1) for label in labels]
    return folder


def test_the_table_has_each_method_and_random_search(whole, capsys):
    assert run(["compare", "--folder", str(whole), "--json"]) == 0  # searches nothing more
    told = json.loads(capsys.readouterr().out)
    assert {each["label"] for each in told["methods"]} == {"local", "single-path-one-shot", "random"}
    assert told["missing"] == 0 and len(told["runs"]) == 6 and told["test_examples"] == 10
    assert all(0 <= each["value"] <= 1 and each["params"] > 0 and each["memory"] > 1000 for each in told["runs"])
    assert sorted(Path(each).name for each in told["files"]) == [
        "report.txt", "runs.csv", "table.csv", "table.md", "table.tex"
    ]  # fmt: skip
    trials = {each["run"]: each["trials"] for each in told["runs"]}
    assert trials["local-seed0"] == trials["random-seed1"] == 2
    local = next(each for each in told["methods"] if each["label"] == "local")
    assert local["values"] == [0.05, 0.06] and (local["search_seconds"], local["seconds"]) == (2.5, 4.0)


def test_a_comparison_that_was_cut_off_goes_on_to_the_same_table(whole, tmp_path):
    folder = tmp_path / "cut"
    with pytest.raises(BaseException):  # noqa: B017  # Ctrl-C, as whatever it becomes on its way
        compare_methods(ASKED, folder, **QUIET, search=Searches(2))
    rest = Searches()
    compare_methods(MethodSettings(), folder, **QUIET, search=rest)
    assert rest.names[0] == "random-seed0" and len(rest.names) == 4
    assert numbers(folder) == numbers(whole)


def test_methods_and_repeats_are_added_and_nothing_is_searched_again(whole, tmp_path):
    import shutil

    folder = tmp_path / "more"
    shutil.copytree(whole, folder)
    more = Searches()
    compare_methods(MethodSettings(methods=("exhaustive",)), folder, **QUIET, search=more)
    assert more.names == ["exhaustive-seed0", "exhaustive-seed1"]
    assert set(numbers(whole)) < set(numbers(folder))


def test_failed_searches_are_told_and_tried_again(whole, tmp_path):
    import shutil

    folder = tmp_path / "failed"
    shutil.copytree(whole, folder)
    kept = MethodRuns.kept(folder)
    kept.ended["local-seed0"] = Ended("one epoch takes 99 s here", None)
    kept.keep()
    row = next(each for each in MethodRuns.kept(folder).outcomes() if each.run == "local-seed0")
    assert (row.state, row.reason) == ("failed", "one epoch takes 99 s here")

    def again(plan: Plan, directory: Path, name: str) -> Ended:
        assert name == "local-seed0"
        return Ended("", None)

    compare_methods(MethodSettings(), folder, **QUIET, search=again)
    assert numbers(folder) == numbers(whole)


def test_where_nothing_is_found_that_is_said_in_the_words_of_this_command(tmp_path):
    asked = MethodSettings(methods=("local",), data="digits", space=SPACE, budget="1s", repeats=1)
    with pytest.raises(SearchFailed, match="the first one: give more --budget"):
        compare_methods(asked, tmp_path, **QUIET, search=lambda *_: Ended("give more --time", None))
    assert "give more --budget" in (tmp_path / "report.txt").read_text()


def test_methods_search_in_their_own_spaces_beside_random_search_there(monkeypatch):
    monkeypatch.setattr(methods, "own_spaces", lambda: {"local": "nasnet"})
    found = MethodRuns(
        MethodSettings(methods=("local", "darts"), data="digits", evaluations=3, epochs=2), Path(), "darts"
    )
    assert [(each.label, each.space, each.baseline) for each in found.approaches] == [
        ("local", "nasnet", "random in nasnet"),
        ("darts", "darts", "random in darts"),
        ("random in nasnet", "nasnet", "random in nasnet"),
        ("random in darts", "darts", "random in darts"),
    ]
    local, darts = (found.plan(each, 1) for each in found.approaches[:2])
    assert (local.strategy, local.trials, local.epochs, local.final_epochs, local.seed) == ("local", 3, 2, 8, 1)
    assert (darts.recipe, darts.shared_epochs, darts.final_epochs) == ("darts", 6, 8)  # as long as three of two epochs
    names = [found.name(each, 0) for each in found.approaches]
    assert names == ["local-seed0", "darts-seed0", "random-in-nasnet-seed0", "random-in-darts-seed0"]


def test_families_are_those_of_the_papers():
    assert (
        family_of("darts:architecture_rate=0.1") == "one-shot, gradient"
        and family_of("regularized-evolution") == "evolution"
    )
    assert (
        family_of("enas") == "one-shot, reinforcement learning"
        and family_of("amoebanet") == "evolution"
        and family_of("my.py:own") == ""
    )


def test_every_strategy_has_a_family():
    assert family_of("local") == "local search" and family_of("tpe") == family_of("gp") == "Bayesian optimisation"
    without = {each for each in names("strategy") if not family_of(each)}
    assert without == {"deep-architect2"}  # which is one of several strategies, as its settings say


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (["darst"], "did you mean 'darts'"),
        (["local", "--budget", "1m", "--evaluations", "3"], "--budget 10m, or --evaluations 30"),
        (["local", "--budget", ""], "10m"),
        (["local", "--budget", "1m", "--epochs", "3"], "--epochs goes with --evaluations"),
        (["local", "--budget", "1m", "--metric", "val_loss"], "--metric is of comparisons of strategies"),
        (["local", "--budget", "1m", "--seconds", "3"], "--seconds is of comparisons of strategies"),
        (["local", "--budget", "1m", "--repeats", "0"], "--repeats 0: expected a whole number of at least 1"),
        (["local,local:population=3", "--budget", "1m"], "no option 'population'"),
        (["local", "--budget", "1m", "--space", "dartss"], "did you mean 'darts'"),
    ],
)
def test_what_does_not_fit_is_said_before_anything_is_searched(asked, said, tmp_path, capsys):
    words = ["compare", "--data", "digits", "--folder", str(tmp_path / "new"), "--methods", *asked]
    words += [] if "--budget" in asked else ["--budget", "1m"]
    assert run(words) == 2
    error = capsys.readouterr().err
    assert said in error and error.count("\n") == 1
    assert not (tmp_path / "new").exists()


def test_another_comparison_and_what_is_none_are_refused(whole, tmp_path, capsys):
    with pytest.raises(UserError, match="evaluations 2 there, 5 here"):
        compare_methods(MethodSettings(evaluations=5), whole, **QUIET, search=Searches(0))
    assert run(["compare", "--folder", str(whole), "--strategies", "random,local"]) == 2
    assert run(["compare", "--budget", "1m", "--folder", str(tmp_path)]) == 2
    assert "--budget goes with --methods" in capsys.readouterr().err
    (tmp_path / "methods.json").write_text('{"format": "another"}')
    with pytest.raises(CorruptStore):
        MethodRuns.kept(tmp_path)
    told = json.loads((whole / "methods.json").read_text())
    (tmp_path / "methods.json").write_text(json.dumps({**told, "settings": {"method": "darts"}}))
    with pytest.raises(CorruptStore):
        MethodRuns.kept(tmp_path)


def test_code_of_a_stored_comparison_is_asked_about(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    (tmp_path / "mine.py").write_text("raise RuntimeError('it was run')\n")
    asked = MethodSettings(methods=(f"{tmp_path}/mine.py:own",), data="digits", evaluations=1, epochs=1, repeats=1)
    folder = tmp_path / "theirs"
    folder.mkdir()
    MethodRuns(asked, folder, "darts").keep()
    with pytest.raises(UserError, match="names what could run any code here"):
        compare_methods(MethodSettings(), folder, **QUIET, search=Searches(0))


@pytest.mark.slow
def test_a_search_in_a_process_of_its_own_ends_with_its_parent_and_goes_on(tmp_path):
    """The parent is killed; nothing of it runs on, and the same call ends as one that was never interrupted."""
    plan = MethodRuns(ASKED, tmp_path, "darts").plan(MethodRuns(ASKED, tmp_path, "darts").approaches[0], 0)
    (tmp_path / "plan.json").write_text(json.dumps(plan.to_json()))
    code = (
        "import json, pathlib, sys; from netwright.cli.plan import Plan; "
        "from netwright.cli.method_runs import carried_out; here = pathlib.Path(sys.argv[1]); "
        "carried_out(Plan.from_json(json.loads((here / 'plan.json').read_text())), here / 'runs', 'a')"
    )
    parent = subprocess.Popen([sys.executable, "-c", code, str(tmp_path)])
    deadline = time.monotonic() + 120
    while not (tmp_path / "runs" / "netwright.db").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    os.kill(parent.pid, signal.SIGKILL)
    assert parent.wait() == -signal.SIGKILL and (tmp_path / "runs" / "netwright.db").exists()
    ended = carried_out(plan, tmp_path / "runs", "a")
    assert ended.reason == "" and (ended.memory or 0) > 1 << 20
    alone = carried_out(plan, tmp_path / "alone", "a")
    assert alone.reason == ""

    def values(place: str) -> Any:
        from netwright.store import Store

        with Store.open_readonly(tmp_path / place) as store:
            return store.document("a", "report")["figures"]["winner"]["values"]

    assert values("runs") == values("alone")
    broken = carried_out(Plan("nowhere.csv", trials=1), tmp_path / "broken", "a")
    assert "nowhere.csv" in broken.reason and "\n" not in broken.reason

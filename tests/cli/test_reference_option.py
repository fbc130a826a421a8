"""A network of a person's own in a search from the command line: first contender, resumed, agreed to, refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from netwright.cli.app import app
from netwright.cli.own_networks import named
from netwright.cli.plan import Plan
from netwright.cli.trust import code_of
from netwright.core.errors import ConfigurationError, UserError

MINE = """
from torch import nn


def build(shape):
    return nn.Sequential(nn.Flatten(), nn.Linear(shape.features, shape.outputs))


class Wide(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(nn.Flatten(), nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10))

    def forward(self, x):
        return self.layers(x)


def wrong():
    return nn.Sequential(nn.Flatten(), nn.Linear(64, 7))
"""
SMALL = ("--space", "nasbench201:channels=4,cells=1", "--examples", "120", "--device", "cpu", "--epochs", "1")


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    (tmp_path / "mine.py").write_text(MINE)
    monkeypatch.chdir(tmp_path)


def command(*words: str) -> str:
    done = CliRunner().invoke(app, list(words))
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done.output


def search(*words: str) -> str:
    return command("search", "digits", *SMALL, "--name", "r", "--final-epochs", "0", *words)


def test_it_is_the_first_contender_and_stays_so_when_the_run_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    references = ("--reference", "mine.py:build", "--reference", "mine.py:Wide")
    search("--strategy", "random", "--trials", "2", *references)
    shown = json.loads(command("show", "r", "--json"))
    assert [each["text"] for each in shown["trials"]] == ['{"network":"mine:build"}', '{"network":"mine:Wide"}']
    assert shown["trials"][0]["metrics"]["params"] == 650
    assert all(each["state"] == "completed" for each in shown["trials"])
    command("resume", "r", "--trials", "3")
    shown = json.loads(command("show", "r", "--json"))
    assert len(shown["trials"]) == 3 and "network" not in shown["trials"][2]["text"]
    monkeypatch.setenv("XDG_STATE_HOME", str(Path.cwd() / "another"))
    with pytest.raises(UserError, match=r"reference mine.py:build \(.*mine.py\)"):
        command("resume", "r", "--trials", "4")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--reference", "mine.py:wrong"), r"network 'mine' answers 2 examples .* \(2, 7\); expected \(2, 10\)"),
        (("--reference", "mine.py:buld"), "mine.py has no function 'buld'; did you mean 'build'"),
        (("--reference", "mine.py"), "expected module:function or file.py:function"),
        (("--reference", "mine.py:build", "--recipe", "darts"), "shares the weights .* leave out --recipe"),
        (("--reference", "mine.py:build", "--space", "free-graph"), "'free-graph' has no decisions"),
        (("--reference", "mine.py:build", "--reference", "mine.py:build"), "mine.py:build is given twice"),
    ],
)
def test_what_does_not_fit_is_said_before_anything_is_trained(words: tuple[str, ...], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        search("--trials", "1", *words)


def test_names_are_those_of_the_files() -> None:
    assert named(["a/mine.py:build", "pkg.other:Net"]) == {"mine": "a/mine.py:build", "other": "pkg.other:Net"}
    assert list(named(["mine.py:a", "mine.py:b"])) == ["mine:a", "mine:b"]
    with pytest.raises(ConfigurationError, match="would be called alike"):
        named(["x/mine.py:a", "y/mine.py:a"])


def test_it_is_code_that_a_stored_plan_brings_in() -> None:
    (found,) = code_of(Plan("digits", reference=("mine.py:build",)))
    assert found.part == "reference" and found.files[0][0].endswith("mine.py")


def test_it_is_set_beside_the_winner_too() -> None:
    from netwright.results.entries import FinalTraining
    from netwright.results.finals import Finals, Winner
    from netwright.spaces import Beside, NasBench201
    from netwright.tasks import open_task
    from netwright.training import TrainingSettings

    def build(shape):
        from torch import nn

        return nn.Sequential(nn.Flatten(), nn.Linear(shape.features, shape.outputs))

    space, task = Beside(NasBench201(channels=4, cells=1), {"mine": build}), open_task("digits", limit=60)
    work = FinalTraining(space, task, TrainingSettings(epochs=1))
    for winner, trained in ((space.at(5), ("mine", "ResNet-8")), (space.own("mine"), ("ResNet-8",))):
        finals = Finals(work, [Winner(winner)], {}, None, Path(), lambda _: None)
        assert finals.trained == trained

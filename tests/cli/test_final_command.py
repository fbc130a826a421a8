"""`netwright final` and `netwright export`: what is trained when, and that nothing is trained unasked."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from netwright.cli.app import app
from netwright.core.errors import UserError

SMALL = ("--space", "chain:width=4,stages=1,most=1", "--strategy", "random", "--epochs", "1", "--examples", "300")


def netwright(*words: object) -> str:
    done = CliRunner().invoke(app, [str(word) for word in words], catch_exceptions=True)
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    assert done.exit_code == 0, done.output
    return done.output


def figures(*words: object) -> dict[str, Any]:
    return json.loads(netwright(*words, "--json"))["figures"]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_winner_goes_on_at_any_time_and_evidence_is_added(folder: Path) -> None:
    netwright("search", "digits", *SMALL, "--trials", 2, "--final-epochs", 0, "--name", "r")
    as_found = figures("export", "r", "--to", "found")
    assert as_found["training"]["epochs"] == [1] and as_found["winner"]["note"].startswith("the weights of trial")
    first = figures("final", "r", "--epochs", 2, "--seeds", 1, "--no-baselines")
    assert first["training"]["epochs"] == [3]
    more = figures("final", "r", "--seeds", 2)
    assert more["training"]["epochs"] == [3, 3] and more["winner"]["accuracies"][0] == first["winner"]["accuracies"][0]
    assert {each["name"] for each in more["baselines"]} == {"random pick", "logistic regression", "ResNet-8"}
    longer = figures("final", "r", "--epochs", 1, "--seeds", 1, "--no-baselines")
    assert longer["training"]["epochs"] == [4]
    exported = figures("export", "r", "--to", "longer")
    assert exported["training"]["epochs"][0] == 4
    assert exported["winner"]["accuracies"][0] == longer["winner"]["accuracies"][0]
    assert "found network" in netwright("show", "r")


def test_another_trial_is_exported_and_unknown_ones_are_named(folder: Path) -> None:
    netwright("search", "digits", *SMALL, "--trials", 3, "--final-epochs", 0, "--name", "r",
              "--objective", "val_accuracy", "--objective", "params")  # fmt: skip
    front = json.loads(netwright("show", "r", "--json"))["front"]
    for number in front:
        found = figures("export", "r", "--trial", number, "--to", f"trial{number}")
        assert found["search"]["best trial"] == number
    with pytest.raises(UserError, match="no trial 17; it has 0 to 2"):
        netwright("export", "r", "--trial", 17)
    with pytest.raises(UserError, match="--epochs 0"):
        netwright("final", "r", "--epochs", 0)


def test_export_does_not_train_before_it_was_told_to(folder: Path) -> None:
    netwright("search", "digits", *SMALL, "--trials", 1, "--final-epochs", 0, "--name", "r")
    shutil.rmtree(folder / "netwright-runs" / "trials")
    with pytest.raises(UserError, match=r"training it for 4 epochs takes about .*--train"):
        netwright("export", "r", "--to", "best")
    found = figures("export", "r", "--to", "best", "--train")
    assert found["training"]["epochs"] == [4] and (folder / "best" / "model.py").exists()


def test_what_does_not_fit_is_named_with_the_command_that_adds_it(folder: Path) -> None:
    said = netwright("search", "digits", *SMALL, "--trials", 2, "--time", "1s", "--name", "r")
    assert "Did not fit into the time: " in said and "add it with: netwright final r" in said
    shown = json.loads(netwright("show", "r", "--json"))["report"]["figures"]
    assert shown["left_out"] and shown["winner"]["accuracies"]

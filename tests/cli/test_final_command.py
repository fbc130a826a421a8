"""`netwright final` and `netwright export`: what is trained when, and that nothing is trained unasked."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from netwright.cli.app import app
from netwright.core.errors import UserError
from netwright.results import time_left as fitting

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
    assert {each["name"] for each in more["baselines"]} == {
        *("random pick", "logistic regression", "ResNet-8", "always the most frequent class"),
    }
    longer = figures("final", "r", "--epochs", 1, "--seeds", 1, "--no-baselines")
    assert longer["training"]["epochs"] == [4]
    exported = figures("export", "r", "--to", "longer")
    assert exported["training"]["epochs"][0] == 4
    assert exported["winner"]["accuracies"][0] == longer["winner"]["accuracies"][0]
    assert "found network" in netwright("show", "r")


def test_of_a_run_that_was_stopped_in_its_final_training_it_is_said_how_to_go_on(folder: Path) -> None:
    def stopped(*_: Any) -> None:
        raise KeyboardInterrupt

    words = ("search", "digits", *SMALL, "--trials", "1", "--final-seeds", "1", "--no-baselines", "--name", "r")
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("netwright.results.finals.carry_out", stopped)
        assert CliRunner().invoke(app, words).exit_code
    assert "its final training is not done; go on with: netwright resume r" in netwright("show", "r")
    netwright("resume", "r")
    said = netwright("show", "r")
    assert "found network" in said and "not done" not in said


def test_what_ran_by_the_clock_goes_on_for_the_epochs_that_are_asked_for(folder: Path) -> None:
    """It is shown with its limits, too; further seeds take as many epochs as the winner then has."""
    netwright("search", "digits", "--time", "4s", "--max-params", "25k", "--examples", 300, "--no-baselines",
              "--name", "r")  # fmt: skip
    assert "for each training here" in netwright("final", "r", "--seeds", 1, "--no-baselines")
    said = netwright("final", "r", "--epochs", 3, "--seeds", 1, "--no-baselines")
    assert "for each training of 3 epochs here" in said
    note = re.search(r"trained on from (\d+) to (\d+) epochs", said)
    assert note is not None and int(note[2]) - int(note[1]) == 3
    assert f"for each training of {note[2]} epochs here" in netwright("final", "r", "--seeds", 2, "--no-baselines")
    found = figures("final", "r", "--seeds", 2, "--no-baselines")
    assert found["training"]["epochs"] == 2 * [int(note[2])]
    assert (
        "params <= 25,000" in netwright("show", "r")
        and figures("export", "r", "--to", "e")["winner"] == found["winner"]
    )


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
    assert "Did not fit into the time: " in said and "what did not fit into the time: netwright final r" in said
    shown = json.loads(netwright("show", "r", "--json"))["report"]["figures"]
    assert shown["left_out"] and shown["winner"]["accuracies"]


def test_the_time_of_a_training_is_found_on_steps_of_it(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    netwright("search", "digits", *SMALL, "--trials", 1, "--final-epochs", 0, "--name", "r")
    monkeypatch.setattr(fitting, "measured", lambda *_: fitting.Cost(epoch=3600.0, test=60.0))
    said = netwright("final", "r", "--epochs", 2, "--seeds", 1, "--no-baselines")
    assert "about 2 h 01 min for each training of 2 epochs here" in said

    def broken(*_: object) -> None:
        raise ValueError("a layer of the user's own")

    monkeypatch.setattr(fitting, "measured", broken)
    said = netwright("final", "r", "--epochs", 1, "--seeds", 1, "--no-baselines")
    assert "for each training" not in said and "found network" in said


def test_uneven_classes_are_told_one_by_one(folder: Path) -> None:
    rng = np.random.default_rng(0)
    y = np.array(["common"] * 160 + ["rare"] * 40)
    x = rng.normal(size=(200, 4)).astype(np.float32) + 3.0 * (y == "rare")[:, None]
    np.savez(folder / "uneven.npz", x=x, y=y)
    netwright("search", "uneven.npz", "--space", "mlp", "--trials", 1, "--epochs", 2, "--strategy", "random",
              "--final-epochs", 1, "--final-seeds", 1, "--no-baselines", "--name", "u")  # fmt: skip
    report = json.loads(netwright("show", "u", "--json"))["report"]
    told = report["figures"]["classes"]
    assert [each["name"] for each in told] == ["common", "rare"]
    assert sum(each["examples"] for each in told) == report["figures"]["test_examples"]
    right = sum(each["examples"] * each["recall"] for each in told)
    assert right / report["figures"]["test_examples"] == pytest.approx(report["figures"]["winner"]["accuracies"][0])
    assert report["figures"]["balanced_accuracy"] == pytest.approx(sum(each["recall"] for each in told) / 2)
    assert "balanced accuracy" in netwright("show", "u") and "rare" in netwright("show", "u")
    netwright("export", "u", "--to", "best")
    assert "| rare |" in (folder / "best" / "README.md").read_text()


def test_of_classes_each_is_told_and_what_it_is_taken_for(folder: Path) -> None:
    netwright("search", "digits", *SMALL, "--trials", 1, "--final-epochs", 0, "--name", "b",
              "--objective", "val_balanced_accuracy")  # fmt: skip
    found = figures("export", "b", "--to", "best")
    matrix = np.array(found["confusion"])
    assert len(found["classes"]) == 10 and matrix.shape == (10, 10)
    assert [each["examples"] for each in found["classes"]] == matrix.sum(1).tolist()
    right = matrix.trace() / found["test_examples"]
    assert right == pytest.approx(found["winner"]["others"]["accuracy"][0])
    assert found["winner"]["values"] == [pytest.approx(found["balanced_accuracy"])], "what was searched for leads"
    page = (folder / "best" / "README.md").read_text()
    assert "## Each class" in page and "## Confusions" in page and "| always the most frequent class |" in page

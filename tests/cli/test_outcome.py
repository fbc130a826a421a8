"""What a search prints in the end."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from netwright.cli.main import run

SHORT = ("--trials", "2", "--epochs", "1", "--examples", "100", "--strategy", "random", "--final-epochs", "0")
TWO = ("--objective", "val_accuracy", "--objective", "params:minimize")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_a_quiet_search_without_final_training_prints_its_best_trial(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["search", "digits", *SHORT, "--quiet", "--name", "first"]) == 0
    (line,) = capsys.readouterr().out.splitlines()
    assert line.startswith("run first: best is trial ") and "val_accuracy" in line and "%" in line


def test_two_objectives_lead_with_the_front(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["search", "digits", *SHORT, *TWO, "--quiet", "--name", "second", "--dir", "kept"]) == 0
    told = capsys.readouterr().out
    assert told.startswith("run second, front: ") and "of 2 trials" in told
    assert "another: netwright final second --trial N --dir kept" in told
    assert run(["search", "digits", *SHORT, *TWO, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert list(found).index("front") < list(found).index("best")
    assert found["best"]["trial"] in [each["trial"] for each in found["front"]]

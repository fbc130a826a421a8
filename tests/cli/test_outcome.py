"""What a search prints in the end."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from netwright.cli.front import front_lines
from netwright.cli.main import run
from netwright.cli.progress import Display
from netwright.core.architecture import Architecture
from netwright.core.estimator import Estimator
from netwright.core.trial import Measurement, Proposal
from netwright.engine import Search
from netwright.spaces import NasBench201
from netwright.strategies import Exhaustive

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


class Pair(Estimator):
    """The more of the first operation, the more accurate and the larger."""

    metrics = ("val_accuracy", "params")

    def estimate(self, proposal: Proposal, seed: int) -> Measurement:
        assert isinstance(proposal.candidate, Architecture)
        share = proposal.candidate.point.count(0) / 6
        return Measurement({"val_accuracy": share, "params": 1000 * share})


def test_the_front_says_which_trial_is_trained_finally_and_how_another_is() -> None:
    space = NasBench201()
    search = Search(Exhaustive(space), Pair(), objective=["val_accuracy", "params"])
    display = Display(list(search.objectives), 40, None, quiet=True)
    run = search.run(trials=40, name="two", on_trial=display)
    first, *_, last = front_lines(run, "two{} --dir runs", trained=True)
    ahead = f"front: {len(run.front)} of 40 trials, which no other beats in every objective"
    assert first == f"run two, {ahead}" and len(run.front) > 1
    assert last == (
        f"trial {run.best.number} is trained finally; another: netwright final two --trial N --dir runs, "
        "netwright export two --trial N --dir runs"
    )
    assert front_lines(run, "two{}", trained=False)[-1].startswith(f"best in the first: trial {run.best.number}; ")
    assert display.summary()[1] == ahead and display.summary()[2].startswith("best in val_accuracy: trial ")

"""`--front` and `--at`: what is shown of a front, and which of its networks are trained and taken home."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from netwright import Search
from netwright.cli.front import limit_lines, marked_front
from netwright.cli.main import run
from netwright.cli.points import points
from netwright.core.errors import UserError
from netwright.core.estimator import Estimator
from netwright.core.trial import Measurement, Proposal
from netwright.spaces import NasBench201
from netwright.strategies import RandomSearch


class Bent(Estimator):
    """Each operation of the first kind costs as much as the others together, and gains less than the one before."""

    metrics = ("val_accuracy", "params")

    def estimate(self, proposal: Proposal, seed: int) -> Measurement:
        count = proposal.candidate.point.count(0)  # pyright: ignore[reportAttributeAccessIssue]
        return Measurement({"val_accuracy": 1 - 0.5**count, "params": float(10 * count)})


def bent(limit: str = "params <= 30"):
    return Search(RandomSearch(NasBench201()), Bent(), objective=["val_accuracy", "params"], constraints=limit).run(
        trials=200
    )


def test_the_knee_and_the_best_are_marked_and_each_limit_is_told():
    found = bent()
    sizes = [each.metrics["params"] for each in found.front]
    assert sizes == sorted(sizes, reverse=True) and len(sizes) >= 3
    marks = marked_front(found.front)
    assert marks[found.front[0].number] == "best in the first"
    assert [number for number, said in marks.items() if "knee" in said] != [found.front[0].number]
    (line,) = limit_lines(found.trials, found.search.limits)
    over = sum(each.metrics["params"] > 30 for each in found.trials)
    nearest = max(found.front, key=lambda each: each.metrics["params"])
    assert over and line.startswith(
        f"limit params <= 30: {over} trials broke it; nearest of the front is trial {nearest.number}"
    )


def test_some_points_of_a_front_hold_the_best_and_the_knee():
    found = bent()
    two = points(found, 2)
    assert two[0] is found.front[0] and "knee" in marked_front(found.front)[two[1].number]
    assert points(found, 99) == found.front == points(found)


def test_one_objective_has_no_front():
    found = Search(RandomSearch(NasBench201()), Bent(), objective="val_accuracy").run(trials=3)
    with pytest.raises(UserError, match="one objective, val_accuracy, and so no front"):
        points(found)


SHORT = ["--examples", "200", "--space", "mlp", "--strategy", "random", "--trials", "2", "--epochs", "1"]
TWO = ["--final-epochs", "0", "--objective", "val_accuracy", "--objective", "params", "--name", "r", "--quiet"]


def test_a_front_is_shown_trained_and_taken_home(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(["search", "digits", *SHORT, *TWO]) == 0
    capsys.readouterr()
    assert run(["show", "r", "--front", "--json"]) == 0
    ahead = json.loads(capsys.readouterr().out)
    assert run(["show", "r", "--front"]) == 0
    text = capsys.readouterr().out
    assert f"front: {len(ahead)} of 2 trials" in text and "best in the first" in text and "final r --front 3" in text

    assert run(["final", "r", "--front", "1", "--seeds", "1", "--epochs", "1", "--json"]) == 0
    (trained,) = json.loads(capsys.readouterr().out)["points"]
    assert trained["trial"] == ahead[0]["number"]
    smallest = min(ahead, key=lambda each: each["metrics"]["params"])
    limit = f"params <= {smallest['metrics']['params']:.0f}"
    assert run(["export", "r", "--at", limit, "--to", "at", "--quiet", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["figures"]["search"]["best trial"] == smallest["number"]

    assert run(["export", "r", "--front", "--to", "all", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [each["trial"] for each in found["points"]] == [each["number"] for each in ahead]
    again = {each["trial"]: each["test"] for each in found["points"]}
    assert again[trained["trial"]] == trained["test"]  # what was trained for one point is kept when others follow
    for each in found["points"]:
        assert (tmp_path / "all" / each["folder"] / "model.py").is_file()
    assert re.search(r"trial-\d+", (tmp_path / "all" / "README.md").read_text())


def test_options_that_contradict_each_other_are_refused_before_anything_is_read(capsys) -> None:
    assert run(["export", "r", "--trial", "1", "--at", "params <= 3"]) == 2
    assert "--trial and --at each say which network is meant" in capsys.readouterr().err
    assert run(["final", "r", "--front", "0"]) == 2
    assert "--front 0" in capsys.readouterr().err

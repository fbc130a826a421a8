"""`netwright search --recipe` and `--repeats`, from data to a report, resumed and exported; and what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from netwright.cli.app import app
from netwright.core.errors import NetwrightError
from netwright.results.alarm_sentences import alarm_lines

TWO = """
import torch
from torch import nn

import netwright as nw


class Two(nw.DecisionSpace):
    def network(self, choose, shape):
        kinds = {
            "skip": nn.Identity,
            "conv": lambda: nn.Sequential(nn.Conv2d(shape.channels, shape.channels, 3, padding=1), nn.ReLU()),
        }
        layers = [choose.one(f"layer{i}", kinds) for i in range(2)]
        return nn.Sequential(*layers, nn.Flatten(), nn.Linear(shape.features, shape.classes))
"""


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "two_kinds.py").write_text(TWO)
    monkeypatch.chdir(tmp_path)


def command(*words: str) -> str:
    done = CliRunner().invoke(app, list(words), catch_exceptions=True)
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    assert done.exit_code == 0, done.output
    return done.output


SMALL = ("--space", "two_kinds.py:Two", "--examples", "150", "--device", "cpu", "--final-epochs", "1")


def outcome(*words: str) -> dict[str, Any]:
    return json.loads(command("search", "digits", *SMALL, *words, "--json"))


def test_a_recipe_goes_from_data_to_a_report_beside_a_random_search() -> None:
    found = outcome("--recipe", "gdas", "--epochs", "2", "--final-seeds", "2", "--name", "g")
    names = [each["name"] for each in found["final"]["baselines"]]
    assert names == [
        "random search",
        "random pick",
        "logistic regression",
        "ResNet-8",
        "always the most frequent class",
    ]
    assert list(found["random search"]) == ["g-random"]
    shown = command("show", "g")
    assert "discretisation_gap" in shown and "shared weights took" in shown and "recipe     gdas" in shown
    runs = {each["name"] for each in json.loads(command("runs", "--json"))}
    assert runs == {"g", "g-trained", "g-random"}
    again = json.loads(command("resume", "g", "--json"))
    assert again["best"] == found["best"] and again["final"]["winner"] == found["final"]["winner"]


def test_epochs_in_which_only_weights_learn_are_shown_beside_the_others() -> None:
    said = command(
        "search", "digits", *SMALL[:-1], "0", "--recipe", "proxylessnas:every=1", "--epochs", "4", "--no-random-search"
    )
    assert "plan: train shared weights for 4 epochs; no final training" in said
    assert "time, roughly" not in said, "nobody has given a time, and epochs that are asked for are not timed"
    lines = command("show").splitlines()
    (head,) = [i for i, line in enumerate(lines) if line.split()[:1] == ["epoch"]]
    assert "probe_accuracy" in lines[head]
    epochs = [line.split() for line in lines[head + 1 :] if line.split() and line.split()[0] in "1234"][:4]
    assert [each[0] for each in epochs] == ["1", "2", "3", "4"]
    assert len(epochs[0]) < len(epochs[3]) == len(lines[head].split())


def test_repeats_report_what_every_seed_found_and_export_takes_the_same() -> None:
    found = outcome("--strategy", "random", "--trials", "2", "--epochs", "1", "--repeats", "3", "--name", "r")
    assert list(found["repeats"]) == ["r-seed1", "r-seed2"]
    assert found["final"]["winner"]["seeds"] == [0, 1, 2] and len(found["final"]["winner"]["accuracies"]) == 3
    exported = json.loads(command("export", "r", "--to", "best", "--json"))
    assert exported["figures"]["winner"] == found["final"]["winner"]


def test_a_recipe_without_epochs_is_given_those_that_fit() -> None:
    said = command("search", "digits", *SMALL[:-2], "--recipe", "darts", "--time", "8s", "--final-epochs", "0")
    assert "as many as fit into 8s in all" in said
    plan = json.loads(command("show", "--json"))["plan"]
    assert 1 <= plan["shared_epochs"] <= 50


def test_a_recipe_with_a_limit_on_latency_is_given_the_epochs_that_fit() -> None:
    said = command("search", "digits", *SMALL[:-2], "--recipe", "darts", "--time", "8s", "--limit", "latency_ms <= 500")
    assert "as many as fit into 8s in all" in said and "keeps latency_ms <= 500" in said


REFUSED = [
    (("--recipe", "dart"), "no recipe 'dart'.*did you mean 'darts'"),
    (("--recipe", "darts", "--max-params", "100"), "no network keeps the limit params <= 100: the smallest"),
    (("--recipe", "pc-darts"), "Darts|sources"),
    (("--recipe", "darts:oder=2"), "oder"),
    (("--recipe", "darts", "--time", "0.01s"), "one epoch of 'darts'.*give more time"),
    (("--repeats", "0", "--trials", "1"), "--repeats 0"),
]


@pytest.mark.parametrize(("words", "message"), REFUSED, ids=[" ".join(each[0]) for each in REFUSED])
def test_what_cannot_be_done_is_said_before_anything_is_trained(words: tuple[str, ...], message: str) -> None:
    with pytest.raises(NetwrightError, match=rf"(?s){message}"):
        command("search", "digits", *SMALL, *words)
    assert not list(Path("netwright-runs").glob("shared/*"))


def test_alarms_tell_a_collapse_from_a_healthy_search() -> None:
    healthy = {
        "parameter_free": 0.5,
        "parameter_free_by_chance": 0.6,
        "entropy": 0.4,
        "discretisation_gap": 0.02,
        "eigenvalue": 0.1,
    }
    assert alarm_lines([healthy] * 6) == []
    assert alarm_lines([]) == []
    bad = {
        **healthy,
        "parameter_free": 1.0,
        "entropy": 0.95,
        "discretisation_gap": 0.4,
        "mixture_accuracy": 0.7,
        "rounded_accuracy": 0.3,
        "eigenvalue": 0.2,
    }
    lines = alarm_lines([healthy, healthy, healthy, healthy, bad])
    assert [
        any(word in line for line in lines) for word in ("collapsing", "loses 40 points", "uniform", "2.0-fold")
    ] == [True] * 4

"""Once-for-all: one training, then networks for any limit that leave with their weights."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from netwright.cli.main import run
from netwright.methods.elastic import EPOCHS, once_for_all
from netwright.spaces import Mobile
from netwright.strategies.paths import TopEvolution, TrainThenSearch
from netwright.tasks import open_task

SPACE = "mobile:form=mcu,width=0.25,kernels=(3,),expansions=(2,3),resolutions=(1.0,)"
SEARCH = ["search", "digits", "--space", SPACE, "--examples", "120", "--epochs", "4", "--no-baselines", "--quiet"]
SEARCH += ["--training", "batch_size=32", "--no-random-search", "--device", "cpu"]


def figures(directory: Path, name: str, capsys) -> dict:
    capsys.readouterr()
    assert run(["show", name, "--dir", str(directory), "--json"]) == 0
    return json.loads(capsys.readouterr().out)["report"]["figures"]


def test_each_phase_has_a_schedule_of_its_own():
    search = once_for_all(Mobile("mcu"), open_task("digits", limit=100), epochs=590, device="cpu")
    stages = search.estimator.stages_of_training  # pyright: ignore
    assert sum(each.epochs for each in stages) == sum(EPOCHS) == 590
    assert [each.goes_on for each in stages] == [False, True, True, True] and stages[0].epochs in range(179, 183)
    assert [round(each.learning_rate, 4) for each in stages] == [0.081, 0.03, 0.0073, 0.0073]
    assert isinstance(search.strategy, TrainThenSearch)
    short = once_for_all(Mobile("mcu"), open_task("digits", limit=100), epochs=2, device="cpu")
    assert len(short.estimator.stages_of_training) == 1  # pyright: ignore


def test_other_limits_take_networks_from_the_same_weights(tmp_path, capsys):
    method = "once-for-all:population=8,generations=1"
    told = ["--method", method, "--limit", "params <= 16k", "--name", "a", "--dir", str(tmp_path)]
    assert run([*SEARCH, *told]) == 0
    first = figures(tmp_path, "a", capsys)
    assert first["winner"]["params"] <= 16_000 and first["training"]["epochs"] == [4]
    shared = f"{method},trained=a"  # by its name in the project that --dir names
    told = ["--method", shared, "--limit", "params <= 13k", "--name", "b", "--dir", str(tmp_path)]
    assert run([*SEARCH, *told]) == 0
    second = figures(tmp_path, "b", capsys)
    assert second["winner"]["params"] <= 13_000 and second["training"]["epochs"] == [4]
    assert not list((tmp_path / "shared").glob("b*"))


def test_the_weights_of_a_run_are_searched_without_training():
    search = once_for_all(
        Mobile("mcu"), open_task("digits", limit=100), population=3, generations=1, trained="nowhere", device="cpu"
    )
    assert isinstance(search.strategy, TopEvolution)
    with pytest.raises(Exception, match="no shared weights of 'nowhere'"):
        search.run()

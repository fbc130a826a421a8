"""`netwright train`: a published network trained as it is, gone on with, exported, and refused where wrong."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from netwright.cli.main import run
from netwright.cli.plan import Plan
from netwright.core.task import TaskShape
from netwright.spaces import published, published_mobile

SMALL = ["--cells", "2", "--channels", "2", "--epochs", "2", "--device", "cpu", "--examples", "120"]
ASKED = ["train", "darts_v2", "--data", "digits", *SMALL, "--name", "a"]
CELL = "Genotype(normal=[('skip_connect', 0), ('sep_conv_3x3', 1)], normal_concat=[2], "
CELL += "reduce=[('max_pool_3x3', 0), ('skip_connect', 1)], reduce_concat=[2])"


def outcome(directory: Path, capsys: Any) -> dict[str, Any]:
    capsys.readouterr()
    assert run(["show", "a", "--dir", str(directory), "--json"]) == 0
    return json.loads(capsys.readouterr().out)["report"]["figures"]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("trained")
    assert run([*ASKED, "--dir", str(directory), "--seed", "3", "--seeds", "2", "--quiet"]) == 0
    return directory


def test_it_is_trained_with_the_seeds_asked_for_and_tested_once(trained, capsys):
    figures = outcome(trained, capsys)
    assert figures["winner"]["seeds"] == [3, 4] and figures["training"]["epochs"] == [2, 2]
    settings = figures["training"]["settings"]
    published = {"learning_rate": 0.025, "weight_decay": 3e-4, "drop_path": 0.2, "auxiliary_weight": 0.4}
    assert published.items() <= settings.items() and not settings["nesterov"]
    assert settings["cutout"] == 4 and settings["batch_size"] == 96  # half of 8 pixels, as 16 is of 32


def test_parameters_are_those_of_the_network_that_predicts(trained, capsys):
    space, architecture = published("darts_v2").made(2, 2, auxiliary=False)
    network = space.build(architecture, TaskShape((1, 8, 8), 10))
    assert outcome(trained, capsys)["winner"]["params"] == sum(each.numel() for each in network.parameters())


@pytest.mark.slow
def test_it_is_exported_without_its_second_classifier(trained, capsys, tmp_path):
    assert run(["export", "a", "--dir", str(trained), "--to", str(tmp_path / "best"), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["figures"]["winner"] == outcome(trained, capsys)["winner"]
    assert "auxiliary" not in (tmp_path / "best" / "model.py").read_text()


def test_a_training_that_was_cut_off_goes_on_to_the_same_numbers(trained, capsys, tmp_path):
    begun = tmp_path / "begun"
    shutil.copytree(trained, begun)
    for result in (begun / "final" / "a").glob("found-network-4-*/result"):
        shutil.rmtree(result)  # as where it was killed while the second seed was trained
    assert not list((begun / "final" / "a").glob("found-network-4-*/result"))
    assert run(["resume", "a", "--dir", str(begun), "--quiet"]) == 0
    capsys.readouterr()
    first, again = outcome(trained, capsys), outcome(begun, capsys)
    assert first["winner"]["values"] == again["winner"]["values"]
    assert first["winner"]["others"] == again["winner"]["others"]


def test_the_same_command_goes_on_and_another_network_is_refused(trained, capsys):
    asked = [*ASKED, "--dir", str(trained), "--seed", "3", "--seeds", "2", "--quiet"]
    assert run([*asked, "--resume"]) == 0
    assert run(["train", "pdarts", *asked[2:], "--resume"]) == 2
    assert "this run cannot go on as another search" in capsys.readouterr().err


def test_cells_of_files_are_trained_and_remembered_without_the_file(tmp_path, capsys):
    file = tmp_path / "mine.txt"
    file.write_text(CELL)
    told = ["train", str(file), "--data", "digits", *SMALL, "--epochs", "1", "--auxiliary", "0", "--name", "a"]
    assert run([*told, "--dir", str(tmp_path / "runs")]) == 0
    said = capsys.readouterr().out
    assert "network: mine (your own), 2 cells of 2 channels:" in said and "auxiliary weight" not in said
    file.unlink()
    assert run(["final", "a", "--dir", str(tmp_path / "runs"), "--seeds", "2", "--quiet"]) == 0
    assert outcome(tmp_path / "runs", capsys)["winner"]["seeds"] == [0, 1]


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (["darts_v3", "--data", "digits"], "no published network 'darts_v3'; did you mean 'darts_v2'"),
        (["darts_v2"], "--data is missing"),
        (["darts_rnn_v2", "--data", "digits"], "darts_rnn_v2 is a network for texts, but the data are images"),
        (["darts_v2", "--data", "digits", "--cutout", "9"], "--cutout 9: expected at most 8 pixels"),
        (["darts_v2", "--data", "digits", "--cells", "1"], "Darts needs cells of at least 2, found 1"),
        (
            ["darts_v2", "--data", "digits", "--drop-path", "1.5"],
            "drop_path = 1.5: expected a number from 0 to below 1",
        ),
        (["darts_v2", "--data", "digits", "--epochs", "0"], "--epochs 0: expected a whole number of at least 1"),
        (["none.txt", "--data", "digits"], "none.txt cannot be read: No such file"),
        (["Genotype(normal=1)", "--data", "digits"], "has no 'normal_concat'"),
        (["darts_v2", "--data", "digits", "--training", "epochs=3"], "have options of their own"),
        (
            ["darts_v2", "--data", "digits", "--cutout", "2", "--training", "cutout=3"],
            "by an option of its own already",
        ),
    ],
)
def test_what_does_not_fit_is_said_in_one_line(asked, said, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert run(["train", *asked, "--dir", "runs"]) == 2
    error = capsys.readouterr().err
    assert said in error and error.count("\n") == 1
    assert not (tmp_path / "runs").exists()


def test_a_stored_network_that_cannot_be_read_is_a_damaged_plan():
    from netwright.cli.trust import read_plan
    from netwright.core.errors import CorruptStore

    plan = {**Plan("digits", network={"name": "darts_v2"}).to_json()}
    assert read_plan(plan).network == {"name": "darts_v2"}
    for wrong in ({"nam": "darts_v2"}, {"name": 3}, {"name": "darts_v2", "cells": "many"}, ["darts_v2"]):
        with pytest.raises(CorruptStore):
            read_plan({**plan, "network": wrong})


def test_mobile_networks_are_trained_by_their_names(tmp_path, capsys):
    told = ["train", "MobileNet-V3-small", "--data", "digits", "--epochs", "1", "--examples", "80", "--device", "cpu"]
    assert run([*told, "--name", "a", "--dir", str(tmp_path)]) == 0
    said = capsys.readouterr().out
    assert "network: mobilenet_v3_small (Howard et al. 2019)" in said and "drop path" not in said
    space, architecture = published_mobile("mobilenet_v3_small")
    network = space.build(architecture, TaskShape((1, 8, 8), 10))
    assert outcome(tmp_path, capsys)["winner"]["params"] == sum(each.numel() for each in network.parameters())
    assert run([*told, "--cells", "3", "--name", "b", "--dir", str(tmp_path)]) == 2
    assert "--cells 3: mobilenet_v3_small is a whole network" in capsys.readouterr().err
    assert run(["train", "mobilenetv2", *told[2:], "--name", "b", "--dir", str(tmp_path)]) == 2
    assert "did you mean 'mobilenet_v2'" in capsys.readouterr().err

"""Exported networks for series answer to the user's own files as they were judged."""

import json

import numpy as np
import pytest
import torch
from written_model import exported

from netwright.spaces import Series
from netwright.tasks import forecast, series
from netwright.training import predict


def printed(module, capsys, *files):
    assert module.main([*map(str, files), "--json"]) == 0
    return [json.loads(each) for each in capsys.readouterr().out.splitlines()]


def test_a_classifier_reads_ts_files(tmp_path, capsys):
    rng = np.random.default_rng(0)
    lines = [",".join(map(str, rng.normal(size=16 - i % 3).round(3))) + f":{'ab'[i % 2]}" for i in range(30)]
    (tmp_path / "hills.ts").write_text("\n".join(["@equalLength false", "@data", *lines, ""]))
    task = series(tmp_path / "hills.ts")
    module, network = exported(task, Series(), tmp_path)
    data = task.final_data()
    outputs = predict(network, data.held_out, data)
    (tmp_path / "own").mkdir()
    answers = printed(module, capsys, *task.preparation.own_files(len(task.test), tmp_path / "own"))
    assert [each["class"] for each in answers] == [task.class_names[i] for i in outputs.argmax(1)]
    assert len(printed(module, capsys, tmp_path / "hills.ts")) == 30
    (tmp_path / "bad.ts").write_text("@data\n1,2,high:a\n")
    assert module.main([str(tmp_path / "bad.ts")]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_a_forecast_goes_on_from_a_table(tmp_path, capsys):
    (tmp_path / "load.csv").write_text("t,load\n" + "".join(f"{t},{np.sin(t):.4f}\n" for t in range(200)))
    task = forecast(tmp_path / "load.csv", horizon=2, window=8, time_column="t")
    module, network = exported(task, Series(), tmp_path)
    data = task.final_data()
    outputs = predict(network, data.held_out, data)
    (tmp_path / "own").mkdir()
    answers = printed(module, capsys, *task.preparation.own_files(len(task.test), tmp_path / "own"))
    found = torch.tensor([[each["numbers"][name] for name in task.problem.names] for each in answers])
    assert torch.allclose(found.double(), task.problem.in_units(outputs), atol=1e-5)
    (answer,) = printed(module, capsys, tmp_path / "load.csv")
    assert answer["example"] == "after 199"


def test_a_forecast_says_how_far_off_it_is(tmp_path, capsys):
    lines = [f"{t},{np.sin(t):.4f},{5 + np.cos(t):.4f}\n" for t in range(200)]
    (tmp_path / "load.csv").write_text("t,load,heat\n" + "".join(lines))
    task = forecast(tmp_path / "load.csv", horizon=2, window=8, time_column="t", target=["heat", "load"])
    module, network = exported(task, Series(), tmp_path)
    data = task.final_data()
    outputs = predict(network, data.held_out, data)
    (tmp_path / "tested.csv").write_text("t,load,heat\n" + "".join(lines[180:]))
    assert module.main([str(tmp_path / "tested.csv"), "--json", "--score"]) == 0
    found = json.loads(capsys.readouterr().out)["score"]
    tally = task.problem.tally()
    tally.add(outputs, task.test.targets)
    reported = tally.figures()
    assert found.pop("windows") == len(task.test) == 11
    assert found == pytest.approx({name: reported[name] for name in found}, rel=1e-5)
    assert module.main([str(tmp_path / "tested.csv"), "--score"]) == 0
    assert f"; from 11 windows within it R² {reported['r2']:.4g}, MAE " in capsys.readouterr().out


def test_windows_over_a_gap_are_not_scored(tmp_path, capsys):
    lines = [f"{t},{np.sin(t):.4f}\n" for t in range(200)]
    (tmp_path / "load.csv").write_text("t,load\n" + "".join(lines))
    module, _ = exported(forecast(tmp_path / "load.csv", horizon=2, window=8, time_column="t"), Series(), tmp_path)
    lines[20] = "20,\n"
    (tmp_path / "gaps.csv").write_text("t,load\n" + "".join(lines[:40] + lines[43:60]))
    assert module.main([str(tmp_path / "gaps.csv"), "--json", "--score"]) == 0
    assert json.loads(capsys.readouterr().out)["score"]["windows"] == (20 - 9) + (19 - 9) + (17 - 9)
    (tmp_path / "few.csv").write_text("t,load\n" + "".join(lines[:8]))
    assert module.main([str(tmp_path / "few.csv"), "--score"]) == 0
    assert capsys.readouterr().out.endswith("; no window of it has what follows behind it\n")

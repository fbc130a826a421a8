"""Each chart shows what the run holds."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from run_parts import Given, read, write

from netwright.charts import RunData, find
from netwright.core.errors import UserError
from netwright.store import Store


def test_the_best_so_far_is_of_the_longest_training(tmp_path: Path) -> None:
    trials = [Given(0.9, fidelity=0.5), Given(0.6), Given(0.5), Given(0.7)]
    figure = find("best").figure(read(write(tmp_path, trials)), over="trials")
    assert [row["best"] for row in figure.tables["line"]] == [0.9, 0.6, 0.7, 0.7]
    assert "improved 2 times" in figure.note and "differ in how long" in figure.note
    with pytest.raises(UserError, match="'over' of the chart 'best' is 'epochs'"):
        find("best").figure(read(tmp_path), over="epochs")


def test_a_first_value_far_off_does_not_make_a_line_of_all_others(tmp_path: Path) -> None:
    trials = [Given(each) for each in (-50.0, 0.5, 0.6, 0.55, 0.62, 0.58, 0.7)]
    figure = find("best").figure(read(write(tmp_path, trials)), over="trials")
    domain = figure.template["layer"][0]["encoding"]["y"]["scale"]["domain"]
    assert domain == [0.5, 0.7] and "1 trial lies outside" in figure.note
    near = find("best").figure(read(write(tmp_path / "near", trials[1:])), over="trials")
    assert "domain" not in near.template["layer"][0]["encoding"]["y"]["scale"] and "outside" not in near.note


def test_random_picks_of_a_run_beside_it_are_a_band(tmp_path: Path) -> None:
    write(tmp_path, [Given(0.9)] * 3)
    write(tmp_path, [Given(each) for each in (0.2, 0.4, 0.6)], name="r-random")
    figure = find("best").figure(read(tmp_path), over="trials")
    assert [row["mean"] for row in figure.tables["random"]] == pytest.approx([0.4, 1.6 / 3, 0.6])
    assert "3 random picks of run r-random" in figure.note


def test_what_decides_the_score_comes_first(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    trials = [
        Given(0.5 + 0.3 * (number % 2) + rng.normal(0, 0.02), point=(number % 2, number % 3)) for number in range(30)
    ]
    data = read(write(tmp_path, trials))
    rows = find("importance").figure(data).tables["decisions"]
    assert [row["decision"] for row in rows] == ["a", "b"] and rows[0]["low"] > 0.8 and rows[1]["low"] == 0
    means = {row["option"]: row["mean"] for row in find("effects").figure(data).tables["options"]}
    assert means["y"] - means["x"] == pytest.approx(0.3, abs=0.02)


def test_where_most_were_stopped_early_these_are_compared(tmp_path: Path) -> None:
    trials = [Given(0.5 + 0.3 * (number % 2), fidelity=0.25, point=(number % 2, 0)) for number in range(10)]
    data = read(write(tmp_path, [*trials, Given(0.99, point=(0, 1))]))
    assert data.compared.sum() == 1 and data.alike(8).tolist() == [True] * 10 + [False] and not data.alike(11).any()
    figure = find("importance").figure(data)
    assert [row["decision"] for row in figure.tables["decisions"]] == ["a"]
    assert "n = 10 completed trials" in figure.note and "trained for 25.0% of the full time" in figure.note
    few = find("importance").figure(read(write(tmp_path / "few", trials[:5])))
    assert few.empty == "fewer than 8 trials have completed"


def test_curves_have_gaps_where_nothing_finite_was_measured(tmp_path: Path) -> None:
    def curve(*values: float) -> tuple[dict[str, float], ...]:
        return tuple({"epoch": at + 1.0, "val_accuracy": value} for at, value in enumerate(values))

    trials = [Given(0.9, curve=curve(0.1, math.nan, 0.9)), Given(0.5, fidelity=0.3, curve=curve(0.5))]
    figure = find("curves").figure(read(write(tmp_path, trials)))
    values = {(row["trial"], row["epoch"]): row["value"] for row in figure.tables["curves"]}
    assert values == {(0, 1.0): 0.1, (0, 2.0): None, (0, 3.0): 0.9, (1, 1.0): 0.5}
    assert {row["trial"]: row["kind"] for row in figure.tables["ends"]} == {0: "best", 1: "stopped early"}
    axes = [layer["encoding"]["x"]["axis"] for layer in figure.template["layer"]]
    assert len(axes) == 3 and all(each["tickMinStep"] == 1 for each in axes)  # no epoch 1.5, in whichever layer
    assert figure.tables["rungs"] == [{"epoch": 1.0}] and "In 1 the val accuracy was not a number" in figure.note
    two = find("curves").figure(read(tmp_path), trials="1,0")
    assert {row["kind"] for row in two.tables["curves"]} == {"trial 0", "trial 1"}
    for wrong in ("7", "a", ""):
        with pytest.raises(UserError, match=r"has no trial '.?'; expected numbers as 3,7 of its trials, 0 to 1"):
            find("curves").figure(read(tmp_path), trials=f"0,{wrong}")


def test_workers_and_their_attempts(tmp_path: Path) -> None:
    trials = [
        Given(0.5, seconds=10),
        Given(0.5, start=0, seconds=10, place="worker 1"),
        Given(None, state="running", start=10),
    ]
    figure = find("timeline").figure(read(write(tmp_path, trials)))
    rows = [(row["worker"], row["kind"]) for row in figure.tables["attempts"]]
    assert sorted(rows) == [("running now", "running"), ("worker 0", "completed"), ("worker 1", "completed")]


def test_lines_that_keep_further_limits(tmp_path: Path) -> None:
    trials = [Given(0.5, 100), Given(0.7, 200), Given(0.9, 900)]
    data = read(write(tmp_path, trials))
    figure = find("parallel").figure(data, within="params <= 500; val_accuracy >= 0.6")
    assert {row["trial"] for row in figure.tables["lines"] if row["kept"]} == {1}
    assert "1 of 3 trials keep" in figure.note and "the best of them is trial 1" in figure.note
    heights = {(row["name"], row["trial"]): row["at"] for row in figure.tables["lines"]}
    assert heights["val_accuracy", 2] == 1.0 and heights["params", 2] == 0.0  # better is higher
    with pytest.raises(UserError, match=r"'parms' was not measured.*'params'"):
        find("parallel").figure(data, within="parms <= 5")


FIGURES = {
    "winner": {"name": "found network", "values": [0.9, 0.96, 0.99], "seeds": [0, 1, 2], "params": 1000},
    "baselines": [
        {"name": "logistic regression", "values": [0.8], "seeds": [], "params": 10},
        {"name": "always the most frequent class", "values": [0.5], "seeds": [], "params": 0},
    ],
    "constant": "always the most frequent class",
    "test_examples": 50,
    "metrics": [{"name": "accuracy", "direction": "maximize", "of_examples": True}],
    "classes": [{"name": "=cat", "examples": 20, "recall": 0.9}, {"name": "dog", "examples": 30, "recall": None}],
    "confusion": [[18, 2], [3, 27]],
    "worst": [
        {"number": 7, "loss": 3.5, "asked": "=cat", "answered": "dog (90 %)", "file": "", "row": {"age": "9"}}
        | {"text": "", "picture": ""},
        {"number": 2, "loss": 0.5, "asked": "dog", "answered": "dog (60 %)", "file": "", "row": {}}
        | {"text": "", "picture": ""},
    ],
    "data": ["50 images"],
    "left_out": ["random pick"],
}


def test_the_final_report_as_pictures(tmp_path: Path) -> None:
    data = read(write(tmp_path, [Given(0.9)], documents={"report": {"lines": [], "figures": FIGURES}}))
    finalists = find("finalists").figure(data)
    assert [row["who"] for row in finalists.tables["means"]] == [
        "found network (1k parameters)",
        "logistic regression (10 parameters)",
    ]
    assert [row["interval over"] for row in finalists.tables["means"]] == ["3 seeds", "50 test examples"]
    assert all(0 <= row["low"] <= row["mean"] <= row["high"] <= 1 for row in finalists.tables["means"])
    assert "right" not in finalists.columns
    assert "50.00 %" in finalists.note and "random pick" in finalists.note
    cells = {(row["is"], row["taken for"]): row["examples"] for row in find("confusion").figure(data).tables["cells"]}
    assert cells["=cat", "dog"] == 2 and "5 of them wrong" in find("confusion").figure(data).note
    assert "'=cat" in find("data").figure(data).csv()
    worst = find("worst").figure(data)
    assert [(row["example"], row["right"], row["about"]) for row in worst.tables["worst"]] == [
        (7, False, "age 9"),
        (2, True, ""),
    ]
    assert worst.note.endswith("1 of them is answered rightly, but hardly so.")
    assert "The 2 of 50 test examples" in worst.note and "'=cat" in worst.csv() and worst.svg().startswith("<svg")


def test_runs_that_differ_in_their_seed_are_one_line(tmp_path: Path) -> None:
    for seed in range(4):
        for name, shift in (("a", 0.0), ("b", 0.2)):
            folder = write(
                tmp_path,
                [Given(0.5 + shift + 0.01 * seed)] * 2,
                name=f"{name}-{seed}",
                limits=[f"params <= {(name == 'a' and 5000) or 6000}"],
            )
    with Store.open_readonly(folder) as store:
        figure = find("runs").figure(RunData.read(store, "a-0"))
        assert {row["runs"]: row["n"] for row in figure.tables["lines"]} == {"a (4 seeds)": 4, "b (4 seeds)": 4}
        assert "b (4 seeds) ahead of a (4 seeds) (p = 0.029); Mann-Whitney U test" in figure.note
        alone = find("runs").figure(RunData.read(store, "a-0"), runs="b-1")
        assert "Not tested" in alone.note
        with pytest.raises(UserError, match="no run 'c'"):
            find("runs").figure(RunData.read(store, "a-0"), runs="c")

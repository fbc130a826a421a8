"""Charts of what a search did: lineage, mixtures, rungs, agreement, pairs and costs."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from run_parts import BEGUN, SPACE, Given, read, write
from scipy.stats import kendalltau, spearmanr

from netwright.charts import find
from netwright.charts.correlation import kendall
from netwright.charts.mixture import entropy
from netwright.core.architecture import Mixture
from netwright.core.trial import Measurement, Proposal, Trial
from netwright.store import Asked, Store, Told


def test_the_way_to_the_best_names_what_was_changed(tmp_path: Path) -> None:
    trials = [
        Given(0.5, point=(0, 0)),
        Given(0.4, point=(1, 0), parent=0),
        Given(0.7, point=(0, 2), parent=0),
        Given(0.9, point=(1, 2), parent=2),
    ]
    figure = find("lineage").figure(read(write(tmp_path, trials)))
    assert [row["trial"] for row in figure.tables["way"]] == [0, 2, 3]
    assert [row["change"] for row in figure.tables["way"]] == ["", "b 1 to 3", "a x to y"]
    assert {(row["x"], row["x2"]) for row in figure.tables["edges"]} == {(0, 1), (0, 2), (2, 3)}
    assert "the best is 2 changes away" in figure.note
    assert (
        "no trial of this run has a parent" in find("lineage").figure(read(write(tmp_path / "b", [Given(0.5)]))).empty
    )


def write_mixtures(folder: Path) -> Path:
    """Two epochs: an even mixture, then a sure one."""
    import torch

    with Store(folder) as store:
        store.create_run("r", SPACE.id, {"arguments": {"objective": ["val_accuracy"], "constraints": []}}, "0.1.0")
        writer = store.writer("r", lambda: 1.0)
        for epoch, weights in enumerate(([0.5, 0.5], [1.0, 0.0])):
            mixture = Mixture({"a": torch.tensor(weights), "b": torch.tensor([0.2, 0.2, 0.6])})
            found = Measurement({"epoch": epoch + 1.0, "parameter_free": 0.9, "parameter_free_by_chance": 0.3})
            done = Trial(epoch, Proposal(mixture, purpose="train"), "completed", found, (), 1.0, "cpu")
            writer.add(Told(Asked(epoch, epoch, 1, done.proposal, BEGUN), epoch, done, "", BEGUN + 1))
        writer.wait()
        writer.close()
    return folder


def test_a_mixture_over_epochs(tmp_path: Path) -> None:
    data = read(write_mixtures(tmp_path))
    data.find_options = lambda _: {"a": ["x", "y"], "b": ["too", "few"]}
    figure = find("mixture").figure(data)
    weights = {(row["decision"], row["option"], row["epoch"]): row["weight"] for row in figure.tables["weights"]}
    assert weights["a", "x", 2.0] == 1.0 and weights["a", "y", 1.0] == 0.5
    assert weights["b", "option 3", 1.0] == pytest.approx(0.6)
    found = [row["value"] for row in figure.tables["watched"] if row["what"].startswith("entropy")]
    rest = -(0.4 * math.log(0.2) + 0.6 * math.log(0.6)) / math.log(3)
    assert found == pytest.approx([(1 + rest) / 2, rest / 2], abs=1e-6)
    assert "90% of the chosen operations have no parameters" in figure.note and figure.svg().startswith("<svg")


def test_the_entropy_is_a_share_of_the_largest() -> None:
    assert entropy({"a": [0.25] * 4}) == pytest.approx(1.0) and entropy({"a": [0.0, 1.0]}) == 0.0
    assert math.isnan(entropy({"a": [1.0]}))


def test_agreement_is_that_of_scipy(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    params, noise = rng.integers(100, 900, 40).astype(float), rng.normal(0, 0.1, 40)
    accuracy = params / 1000 + noise
    tau, low, high = kendall(params, accuracy)
    assert tau == pytest.approx(kendalltau(params, accuracy)[0]) and low < tau < high
    trials = [Given(float(a), float(p), more={"synflow": float(a)}) for a, p in zip(accuracy, params, strict=True)]
    figure = find("correlation").figure(read(write(tmp_path, trials)))
    assert figure.columns == ("trial", "synflow", "val_accuracy")
    assert "Kendall's tau 1.00" in figure.note and f"more parameters: Kendall's tau {tau:.2f}" in figure.note
    beside = find("correlation").figure(read(tmp_path), x="params")
    assert f"Spearman's rho {spearmanr(params, accuracy)[0]:.2f}" in beside.note
    assert "More parameters with better val accuracy" in beside.note


def test_rungs_say_where_the_time_went(tmp_path: Path) -> None:
    trials = [Given(0.5, fidelity=0.25, seconds=1.0)] * 3 + [Given(0.6, seconds=6.0)]
    figure = find("rungs").figure(read(write(tmp_path, trials)))
    assert [(row["trials"], row["share of the time"]) for row in figure.tables["rungs"]] == [
        (3, pytest.approx(1 / 3)),
        (1, pytest.approx(2 / 3)),
    ]
    assert "25% of the trials were trained for longest and took 67% of the time" in figure.note


def test_what_was_foretold_beside_what_was_measured(tmp_path: Path) -> None:
    more = [{"latency_predicted_ms": 1.1, "latency_ms": 1.0}, {"latency_predicted_ms": 1.6, "latency_ms": 2.0}]
    figure = find("calibration").figure(read(write(tmp_path, [Given(0.5, more=each) for each in more])))
    assert [row["error"] for row in figure.tables["pairs"]] == pytest.approx([0.1, -0.2])
    assert "off by 15.0% in the median" in figure.note and "on average -5.0%" in figure.note


def test_pairs_of_options(tmp_path: Path) -> None:
    trials = [Given(0.1 * (number % 2) + 0.2 * (number % 3), point=(number % 2, number % 3)) for number in range(12)]
    data = read(write(tmp_path, trials))
    rows = find("pairs").figure(data, first="a", second="b").tables["pairs"]
    assert {(row["first"], row["second"]): row["value"] for row in rows}["y", "3"] == pytest.approx(0.5)
    assert all(row["trials"] == 2 for row in rows) and len(rows) == 6
    best = find("pairs").figure(data, value="rank").tables["pairs"]
    assert max(best, key=lambda row: row["value"])["second"] in ("3", "y")


def test_costs_add_up_and_have_a_rate(tmp_path: Path) -> None:
    trials = [
        Given(0.5, seconds=1800.0),
        Given(None, state="error", seconds=900.0),
        Given(0.4, fidelity=0.5, seconds=900.0),
    ]
    figure = find("costs").figure(read(write(tmp_path, trials)), rate="2.5", currency="EUR")
    assert {row["what"]: row["money"] for row in figure.tables["costs"]} == {
        "trials trained in full": 1.25,
        "trials that did not complete": 0.625,
        "trials stopped early": 0.625,
    }
    assert "2.50 EUR." in figure.note

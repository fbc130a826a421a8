"""The best measurement's weights are kept, and patience ends what does not get better; what is measured is scripted."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn
from training_parts import same_bits, vector_data

from netwright.core.problem import Metric
from netwright.training import TrainingSettings, seeded, train
from netwright.training.best import Best
from netwright.training.progress import load_trained

SETTINGS = TrainingSettings(epochs=12, batch_size=8, learning_rate=0.05, warm_up=0.0, precision="float32")


def network() -> nn.Module:
    with seeded(0):
        return nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 2))


class Script:
    """Measurements that come as they are written, and the weights that each was of."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, accuracies: list[float], losses: list[float]) -> None:
        self.accuracies, self.losses, self.weights = accuracies, losses, []
        monkeypatch.setattr("netwright.training.loop.measure", self)

    def __call__(self, network: nn.Module, *rest) -> dict[str, float]:
        at = len(self.weights)
        self.weights.append({name: tensor.clone() for name, tensor in network.state_dict().items()})
        found = self.accuracies[min(at, len(self.accuracies) - 1)]
        return {"loss": self.losses[min(at, len(self.losses) - 1)], "accuracy": found, "balanced_accuracy": found}


def is_of(network: nn.Module, weights) -> bool:
    return all(torch.equal(tensor, weights[name]) for name, tensor in network.state_dict().items())


@pytest.mark.parametrize("average", [None, 0.9])
def test_the_weights_of_the_best_measurement_are_returned_and_kept(monkeypatch, tmp_path: Path, average) -> None:
    script = Script(monkeypatch, [0.2, 0.7, 0.7, 0.7, 0.5], [1.0, 0.9, 0.8, 0.85, 0.1])
    settings, trained = SETTINGS.replace(epochs=6, keep_best=True, average=average), network()
    found = train(trained, vector_data(), settings, 0, checkpoint=tmp_path)
    assert is_of(trained, script.weights[2]) and found.epochs == 6
    assert found.metrics["val_accuracy"] == 0.7 and found.metrics["val_loss"] == 0.8
    assert found.metrics["train_loss"] == found.curve[2]["train_loss"]
    assert (found.metrics["trained_steps"], found.metrics["trained_passes"]) == (15.0, 3.0)
    assert load_trained(other := network(), tmp_path) == 6 and same_bits(other, trained)


@pytest.mark.parametrize(("judged_by", "best"), [("", 1), ("loss", 4), ("accuracy", 1)])
def test_better_is_by_the_metric_that_is_asked_for(monkeypatch, judged_by: str, best: int) -> None:
    script = Script(monkeypatch, [0.2, 0.7, 0.6, 0.6, 0.5], [1.0, 0.9, 0.8, 0.85, 0.1])
    train(trained := network(), vector_data(), SETTINGS.replace(epochs=5, keep_best=True), 0, judged_by=judged_by)
    assert is_of(trained, script.weights[best])


def test_a_continuation_goes_on_from_the_newest_weights_and_remembers_the_best(monkeypatch, tmp_path: Path) -> None:
    settings = SETTINGS.replace(epochs=6, keep_best=True)
    straight = Script(monkeypatch, [0.2, 0.7, 0.5, 0.4, 0.3, 0.6], [1.0])
    train(network(), vector_data(), settings, 0)
    parts = Script(monkeypatch, straight.accuracies, [1.0])
    train(network(), vector_data(), settings, 0, checkpoint=tmp_path, until=4)
    found = train(trained := network(), vector_data(), settings, 0, checkpoint=tmp_path)
    assert len(parts.weights) == 6 and found.metrics["val_accuracy"] == 0.7
    assert all(torch.equal(a["0.weight"], b["0.weight"]) for a, b in zip(straight.weights, parts.weights, strict=True))
    assert is_of(trained, parts.weights[1])


def test_without_measurements_that_get_better_the_training_ends(monkeypatch) -> None:
    script = Script(monkeypatch, [0.2, 0.7, 0.6, 0.7, 0.7, 0.9], [1.0])
    found = train(network(), vector_data(), SETTINGS.replace(patience=3), 0)
    assert (found.epochs, found.stopped, len(script.weights)) == (5, "patience", 5)
    assert found.metrics["val_accuracy"] == 0.7 and "trained_steps" in found.metrics


def test_a_stable_schedule_goes_on_to_its_decay_for_the_same_share_of_less(monkeypatch, tmp_path: Path) -> None:
    """Six epochs are three quarters of eight, so that two follow; killed in between, the bits are these."""
    Script(monkeypatch, [0.7, 0.6], [1.0])
    settings = SETTINGS.replace(schedule="stable", decay=0.25, epochs=40, patience=5)
    found = train(trained := network(), vector_data(), settings, 0)
    rates = [entry["learning_rate"] for entry in found.curve]
    assert (found.epochs, found.stopped) == (8, "patience")
    assert rates[:6] == [0.05] * 6 and rates[6:] == pytest.approx([0.05 * (1 - 4 / 10), 0.05 * (1 - 9 / 10)])
    Script(monkeypatch, [0.7, 0.6], [1.0])

    class Killed(Exception):
        pass

    def kill(entry) -> None:
        if entry["epoch"] == 7:
            raise Killed

    with pytest.raises(Killed):
        train(network(), vector_data(), settings, 0, checkpoint=tmp_path, on_epoch=kill)
    again = train(other := network(), vector_data(), settings, 0, checkpoint=tmp_path)
    assert again.epochs == 8 and same_bits(trained, other)


def test_a_part_whose_patience_is_over_waits_for_the_whole_to_decay(monkeypatch, tmp_path: Path) -> None:
    Script(monkeypatch, [0.7, 0.6], [1.0])
    settings = SETTINGS.replace(schedule="stable", decay=0.25, epochs=40, patience=5)
    for until, epochs in ((20, 6), (30, 6), (40, 8)):
        found = train(network(), vector_data(), settings, 0, checkpoint=tmp_path, until=until)
        assert (found.epochs, found.stopped) == (epochs, "patience")
    assert found.curve[-1]["learning_rate"] < 0.01


def test_in_the_decay_nothing_is_cut_short(monkeypatch) -> None:
    Script(monkeypatch, [0.7, 0.7, 0.7, 0.7, 0.6], [1.0, 0.9, 0.8, 0.7, 1.0])
    settings = SETTINGS.replace(schedule="stable", decay=0.5, epochs=12, patience=3)
    found = train(network(), vector_data(), settings, 0)
    assert (found.epochs, found.stopped) == (12, "epochs")


def test_patience_by_the_clock(monkeypatch) -> None:
    class Ticks:
        now = 0.0

        def monotonic(self) -> float:
            self.now += 0.01
            return self.now

    ticks = Ticks()
    for module in ("loop", "pacing", "progress"):
        monkeypatch.setattr(f"netwright.training.{module}.time", ticks)
    Script(monkeypatch, [0.7, 0.6], [1.0])
    settings = SETTINGS.replace(schedule="stable", decay=0.25, seconds=100.0, patience=5, keep_best=True)
    found = train(network(), vector_data(), settings, 0)
    assert found.stopped == "patience" and 25 < found.seconds < 45
    falls = [entry for entry in found.curve if entry["learning_rate"] < 0.05]
    assert sum(entry["seconds"] for entry in falls) == pytest.approx(found.seconds / 4, rel=0.2)
    assert found.metrics["val_accuracy"] == 0.7 and found.metrics["trained_steps"] == found.curve[0]["steps"]


def test_what_chance_explains_counts_as_equal_and_the_loss_decides() -> None:
    """Of 4,000 examples 0.9 of one rightly: chance explains 0.33 points; of 40, 3.3 points."""
    accuracies, losses = [0.880, 0.899, 0.900, 0.898, 0.896], [0.5, 0.30, 0.4, 0.25, 0.20]
    kept = {}
    for examples in (4000, 40, None):
        best = Best(Metric("accuracy", percent=True), True, examples)
        for step, (accuracy, loss) in enumerate(zip(accuracies, losses, strict=True)):
            best.note({"val_accuracy": accuracy, "val_loss": loss}, step, dict)
        kept[examples] = best.steps
    assert kept == {4000: 3, 40: 4, None: 2}


def test_what_was_taken_for_equal_goes_when_the_highest_leaves_it_behind() -> None:
    best = Best(Metric("accuracy", percent=True), True, 4000)
    for step, (accuracy, loss) in enumerate([(0.900, 0.3), (0.898, 0.2), (0.9025, 0.4)]):
        best.note({"val_accuracy": accuracy, "val_loss": loss}, step, dict)
    again = Best(Metric("accuracy", percent=True), True, 4000)
    again.restore(best.facts(), best.weights)
    assert best.steps == again.steps == 2
    again.note({"val_accuracy": 0.9000, "val_loss": 0.35}, 3, dict)
    assert again.steps == 3


def test_of_a_metric_that_is_no_share_the_highest_is_kept() -> None:
    best = Best(Metric("r2"), True, 4000)
    for step, value in enumerate([0.900, 0.899]):
        best.note({"val_r2": value, "val_loss": 1 - step / 2}, step, dict)
    assert best.steps == 0

"""A part of a training by the clock ends with a decay of its own, and the next goes on from before it."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from test_by_the_clock import SETTINGS, Machine, network
from training_parts import image_data, small, vector_data

from netwright.core.errors import ConfigurationError
from netwright.training import TrainingSettings, train
from netwright.training.checkpoint import newest
from netwright.training.loop import Loop

PARTS = SETTINGS.replace(keep_best=True, part_decay=True)


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    return Machine(monkeypatch)


def noted(loop: Loop, goodness: float) -> dict[str, float]:
    """A measurement that comes to this."""
    metrics = {"val_accuracy": goodness, "val_loss": 1 - goodness}
    loop.best.note(metrics, 1, loop.network.state_dict, aside=loop.before_decay is not None)
    return metrics


def test_it_ends_in_its_time_with_the_rate_fallen(machine: Machine) -> None:
    found = train(network(), vector_data(), PARTS, 0, until_seconds=40.0)
    assert 38.0 <= machine.now - 1000 <= 40.2
    rates = [entry["learning_rate"] for entry in found.curve]
    assert rates[-1] < 0.006 and rates.count(0.05) >= 3
    falling = rates[max(place for place, each in enumerate(rates) if each == 0.05) :]
    assert falling == sorted(falling, reverse=True)
    spent = [sum(entry["seconds"] for entry in found.curve[: place + 1]) for place in range(len(found.curve))]
    first = next(place for place, each in enumerate(rates) if place > 3 and each < 0.05)
    assert spent[first - 1] == pytest.approx(0.7 * 40, abs=0.5)


def test_the_next_part_goes_on_from_before_the_decay_bit_for_bit(machine: Machine, tmp_path: Path) -> None:
    machine.measuring = 0.0
    settings, data = PARTS.replace(average=0.9, steps_per_epoch=7), image_data()
    train(small(dropout=0.0), data, settings, 3, checkpoint=tmp_path / "straight")
    for until in (14.0, 56.0, 100.0):
        train(small(dropout=0.0), data, settings, 3, checkpoint=tmp_path / "parts", until_seconds=until)
    straight, parts = (newest(tmp_path / name, torch.device("cpu"))[0] for name in ("straight", "parts"))
    assert straight is not None and parts is not None
    assert all(torch.equal(straight.weights[name], parts.weights[name]) for name in straight.weights)
    for one, other in zip(straight.state["average"]["tensors"], parts.state["average"]["tensors"], strict=True):
        assert torch.equal(one, other)


def test_the_time_that_a_later_part_takes_is_what_is_done_again_and_what_is_new(
    machine: Machine, tmp_path: Path
) -> None:
    found = train(network(), vector_data(), PARTS, 0, checkpoint=tmp_path, until_seconds=40.0)
    later = train(network(), vector_data(), PARTS, 0, checkpoint=tmp_path, until_seconds=60.0)
    assert later.metrics["val_accuracy"] >= found.metrics["val_accuracy"]
    assert later.seconds == pytest.approx(60, abs=0.5)
    assert machine.now - 1000 == pytest.approx(40 + 60 - 0.7 * 40, abs=1.5)


def test_patience_counts_what_is_gone_on_from_alone(machine: Machine, tmp_path: Path) -> None:
    """A decay that was better than all that follows it does not end the training before its time."""
    settings = PARTS.replace(patience=3)

    def rising(loop: Loop, entry):
        """The stable phase gets better from point to point, but never as good as the first decay."""
        return noted(loop, 0.99 if loop.before_decay is not None else 0.01 * len(loop.curve))

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Loop, "measure_held_out", rising)
        train(network(), vector_data(), settings, 0, checkpoint=tmp_path, until_seconds=20.0)
        found = train(network(), vector_data(), settings, 0, checkpoint=tmp_path, until_seconds=90.0)
    assert found.stopped == "epochs" and found.seconds == pytest.approx(90, abs=1)
    assert found.metrics["val_accuracy"] == 0.99


def test_patience_that_is_over_ends_a_part_with_the_decay_of_the_whole(machine: Machine, tmp_path: Path) -> None:
    settings = PARTS.replace(patience=2)

    def flat(loop: Loop, entry):
        return noted(loop, 0.5)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Loop, "measure_held_out", flat)
        found = train(network(), vector_data(), settings, 0, checkpoint=tmp_path, until_seconds=60.0)
        assert found.stopped == "patience" and found.curve[-1]["learning_rate"] < 0.01
        before = machine.now
        later = train(network(), vector_data(), settings, 0, checkpoint=tmp_path)
    assert later.stopped == "patience" and machine.now - before < 1


def test_a_whole_training_has_one_decay(machine: Machine) -> None:
    whole = train(network(), vector_data(), PARTS, 0)
    plain = train(network(), vector_data(), SETTINGS.replace(keep_best=True), 0)
    rates = [[each["learning_rate"] for each in found.curve] for found in (whole, plain)]
    assert rates[0] == pytest.approx(rates[1])


def test_it_needs_the_best_to_be_kept() -> None:
    with pytest.raises(ConfigurationError, match="part_decay = True: expected false without keep_best"):
        TrainingSettings(part_decay=True)

"""A training of so many seconds: its schedule ends when the time does, whatever the speed of the machine."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn
from training_parts import image_data, same_bits, small, vector_data

from netwright.core.errors import ConfigurationError
from netwright.training import GivenUp, TrainingSettings, seeded, train
from netwright.training.loop import Loop
from netwright.training.optimisers import learning_rate

SETTINGS = TrainingSettings(
    seconds=100.0, batch_size=8, learning_rate=0.05, warm_up=0.1, schedule="stable", decay=0.3, precision="float32"
)


class Machine:
    """Time that passes with each step of a training and each measurement, and not by itself."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, step: float = 0.2, measuring: float = 0.1) -> None:
        self.now, self.step_seconds, self.measuring = 1000.0, step, measuring
        self.slower_from = float("inf")
        for module in ("loop", "pacing", "progress"):
            monkeypatch.setattr(f"netwright.training.{module}.time", self)
        step_of, measure_of = Loop.step, Loop.measure_held_out

        def stepped(loop: Loop, *batch):
            self.now += self.step_seconds * (5 if self.now >= self.slower_from else 1)
            return step_of(loop, *batch)

        def measured(loop: Loop, entry):
            self.now += self.measuring
            return measure_of(loop, entry)

        monkeypatch.setattr(Loop, "step", stepped)
        monkeypatch.setattr(Loop, "measure_held_out", measured)

    def monotonic(self) -> float:
        return self.now


def network() -> nn.Module:
    with seeded(0):
        return nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 2))


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    return Machine(monkeypatch)


def test_it_takes_its_time_and_the_learning_rate_its_course(machine: Machine) -> None:
    found = train(network(), vector_data(), SETTINGS, 0)
    assert 99.0 <= machine.now - 1000 <= 100.1
    assert found.stopped == "epochs" and 18 <= found.epochs <= 21
    rates = [entry["learning_rate"] for entry in found.curve]
    assert rates[0] < 0.05 and rates[2:13] == [0.05] * 11 and rates[13:] == sorted(rates[13:], reverse=True)
    assert rates[-1] < 0.001
    assert sum(entry["steps"] for entry in found.curve) == pytest.approx(490, abs=5)


def test_a_machine_that_slows_down_ends_in_time_with_the_whole_decay(machine: Machine) -> None:
    machine.slower_from = 1060.0
    found = train(network(), vector_data(), SETTINGS, 0)
    assert machine.now - 1000 <= 101.0
    assert found.curve[-1]["learning_rate"] < 0.003


def test_measuring_takes_less_than_a_tenth_where_it_is_slow(machine: Machine) -> None:
    machine.measuring = 2.0
    found = train(network(), vector_data(), SETTINGS, 0)
    assert 2 * found.epochs <= 10 and machine.now - 1000 <= 101.0


def test_every_example_is_taken_before_any_is_taken_again(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    """41 examples in batches of 8, five steps between two measurements at most, so that points end within passes."""
    taken: list[torch.Tensor] = []
    step = Loop.step

    def noted(loop: Loop, inputs, targets):
        taken.append(inputs[:, 0].clone())
        return step(loop, inputs, targets)

    monkeypatch.setattr(Loop, "step", noted)
    settings = SETTINGS.replace(seconds=10.0, steps_per_epoch=3)
    found = train(network(), vector_data(40), settings, 0)
    assert [entry["steps"] for entry in found.curve][:3] == [3, 3, 3]
    for start in range(0, len(taken) - 5, 5):
        assert len(set(torch.cat(taken[start : start + 5]).tolist())) == 40


def test_a_pass_of_one_step_makes_many_to_a_point(machine: Machine) -> None:
    found = train(network(), vector_data(6), SETTINGS, 0)
    assert found.epochs <= 21 and found.curve[3]["steps"] >= 20
    assert 0 <= found.curve[3]["train_accuracy"] <= 1


def test_in_parts_it_is_the_straight_training_bit_for_bit(machine: Machine, tmp_path: Path) -> None:
    """Without measurements in time the points lie alike; images are augmented, and nothing is drawn by layers."""
    machine.measuring = 0.0
    settings, data = SETTINGS.replace(average=0.9, steps_per_epoch=7), image_data()
    straight, parts = small(dropout=0.0), small(dropout=0.0)
    whole = train(straight, data, settings, 3)
    lengths = []
    for until in (14.0, 56.0, 100.0):
        found = train(parts, data, settings, 3, checkpoint=tmp_path, until_seconds=until)
        lengths.append(sum(entry["seconds"] for entry in found.curve))
        parts = small(dropout=0.0) if until < 100 else parts
    assert lengths == pytest.approx([14.0, 56.0, 100.0], abs=0.21)
    assert same_bits(straight, parts) and found.metrics == whole.metrics


def test_a_part_stays_in_the_stable_phase_and_a_smaller_one_takes_nothing_of_a_larger(
    machine: Machine, tmp_path: Path
) -> None:
    first = train(network(), vector_data(), SETTINGS, 0, checkpoint=tmp_path, until_seconds=50.0)
    assert first.curve[-1]["learning_rate"] == 0.05 and first.seconds == pytest.approx(50, abs=0.5)
    smaller = train(network(), vector_data(), SETTINGS, 0, checkpoint=tmp_path, until_seconds=20.0)
    assert smaller.seconds == pytest.approx(20, abs=0.5)


def test_a_killed_training_goes_on_and_takes_no_more_time_than_it_has(machine: Machine, tmp_path: Path) -> None:
    class Killed(Exception):
        pass

    def kill(entry) -> None:
        if entry["epoch"] == 7:
            raise Killed

    with pytest.raises(Killed):
        train(network(), vector_data(), SETTINGS, 0, checkpoint=tmp_path, on_epoch=kill)
    killed_at = machine.now
    machine.now += 5000.0
    found = train(network(), vector_data(), SETTINGS, 0, checkpoint=tmp_path)
    spent = (killed_at - 1000) + (machine.now - killed_at - 5000)
    assert spent <= 105.0 and found.seconds == pytest.approx(100, abs=0.5)
    assert train(network(), vector_data(), SETTINGS, 0, checkpoint=tmp_path).curve == found.curve  # nothing is left


def test_where_the_time_of_all_is_shorter_it_settles_or_is_given_up(machine: Machine) -> None:
    found = train(network(), vector_data(), SETTINGS, 0, give_up_at=1040.0, settle=True)
    assert machine.now - 1000 <= 40.2 and found.stopped == "deadline" and found.curve[-1]["learning_rate"] < 0.002
    machine.now = 1000.0
    late = train(network(), vector_data(), SETTINGS, 0, give_up_at=900.0, settle=True)
    assert late.epochs == 1 and late.curve[0]["steps"] == 1 and "val_loss" in late.curve[0]
    machine.now = 1000.0
    with pytest.raises(GivenUp, match="the time was up in epoch"):
        train(network(), vector_data(), SETTINGS, 0, give_up_at=1040.0)


def test_other_schedules_follow_the_clock_too(machine: Machine) -> None:
    found = train(network(), vector_data(), SETTINGS.replace(schedule="cosine", warm_up=0.0), 0)
    rates = [entry["learning_rate"] for entry in found.curve]
    assert rates == sorted(rates, reverse=True) and rates[9] == pytest.approx(0.025, abs=0.003) and rates[-1] < 1e-4


def test_a_stable_schedule_by_steps_rises_stays_and_falls() -> None:
    settings = TrainingSettings(schedule="stable", learning_rate=0.2, warm_up=0.1, decay=0.5, minimum_learning_rate=0.1)
    found = [learning_rate(settings, step, 20) for step in range(20)]
    assert found[:2] == pytest.approx([0.2 / 3, 0.4 / 3]) and found[2:11] == [0.2] * 9
    assert found[11:] == pytest.approx([0.2 - 0.01 * step for step in range(1, 10)])


def test_a_decay_for_which_the_warm_up_leaves_no_room_is_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"decay = 0.95: expected at most 0.9"):
        TrainingSettings(schedule="stable", decay=0.95)

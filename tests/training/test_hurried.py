"""A training that must end well by a certain time: its schedule is brought to an end in the epochs that fit."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
import torch
from torch import nn

from netwright import tasks
from netwright.training import OutOfTime, TrainingSettings, loop, seeded, train
from netwright.training.progress import load_trained
from netwright.training.timing import pace

SETTINGS = TrainingSettings(epochs=400, batch_size=128, learning_rate=0.05, warm_up=0.0, precision="float32")


@pytest.fixture(scope="module")
def data():
    return tasks.digits(limit=300).search_data(0)


def network() -> nn.Module:
    with seeded(0):
        return nn.Sequential(nn.Flatten(), nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10))


class Clock:
    """Time that passes by a second whenever it is looked at."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        self.now += 1.0
        return self.now


def test_the_learning_rate_reaches_its_end_although_most_epochs_do_not_fit(
    data, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock()
    monkeypatch.setattr("netwright.training.loop.time", clock)
    found = train(network(), data, SETTINGS, 0, anneal_by=100.0)
    assert 90 <= clock.now <= 104 and 20 <= found.epochs < 60
    assert found.stopped == "deadline"
    rates = [entry["learning_rate"] for entry in found.curve]
    assert rates == sorted(rates, reverse=True) and rates[-1] < 0.05 * rates[0]


def test_with_time_enough_every_bit_is_as_without_a_limit(data) -> None:
    settings = SETTINGS.replace(epochs=3)
    plain, timed = network(), network()
    train(plain, data, settings, 0)
    assert train(timed, data, settings, 0, anneal_by=time.monotonic() + 1e6).stopped == "epochs"
    assert all(torch.equal(a, b) for a, b in zip(plain.parameters(), timed.parameters(), strict=True))


def test_an_interrupted_hurried_training_ends_with_the_same_bits(
    data, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The plan to end after five epochs is made after the second, and kept with the checkpoint."""
    from netwright.training.loop import Loop

    def hurry(loop: Loop, epoch: int, now: float) -> None:
        if epoch == 2 and loop.anneal_by is not None:
            loop.until, loop.pace = 5, (1 - loop.position) / 3

    monkeypatch.setattr(Loop, "_hurry", hurry)
    settings, whole, parts = SETTINGS.replace(epochs=20), network(), network()
    full = train(whole, data, settings, 0, anneal_by=1e12)
    assert full.epochs == 5 and full.curve[-1]["learning_rate"] < 0.003

    class Stop(Exception):
        pass

    def stop(entry) -> None:
        if entry["epoch"] == 3:
            raise Stop

    with pytest.raises(Stop):
        train(parts, data, settings, 0, checkpoint=tmp_path, on_epoch=stop, anneal_by=1e12)
    again = train(parts, data, settings, 0, checkpoint=tmp_path)
    assert again.epochs == 5 and [e["learning_rate"] for e in again.curve] == [e["learning_rate"] for e in full.curve]
    assert all(torch.equal(a, b) for a, b in zip(whole.parameters(), parts.parameters(), strict=True))


def test_what_passes_the_last_moment_within_an_epoch_is_given_up(
    data, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock()
    monkeypatch.setattr("netwright.training.loop.time", clock)

    def late(_: object) -> None:
        clock.now += 1000

    with pytest.raises(OutOfTime, match="epoch 2"):
        train(network(), data, SETTINGS, 0, checkpoint=tmp_path, on_epoch=late, give_up_at=900.0)
    assert list(tmp_path.glob("epoch-000001*"))


def test_where_nothing_else_is_at_hand_the_training_ends_with_what_it_has(
    data, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the first epoch after some of its steps, later in whole epochs, and always with a measurement and weights."""
    clock = Clock()
    monkeypatch.setattr("netwright.training.loop.time", clock)
    settings = SETTINGS.replace(batch_size=16)
    for at, steps in ((-5.0, 1), (7.0, 4)):
        clock.now = 0.0
        model = network()
        found = train(model, data, settings, 0, checkpoint=tmp_path / str(at), give_up_at=at, settle=True)
        assert found.stopped == "deadline" and found.epochs == 1
        (entry,) = found.curve
        assert entry["steps"] == pytest.approx(steps, abs=2) and 0 <= entry["val_accuracy"] <= 1
        assert entry["train_loss"] > 0 and 0 <= entry["train_accuracy"] <= 1
        assert load_trained(other := network(), tmp_path / str(at)) == 1
        assert all(torch.equal(a, b) for a, b in zip(model.parameters(), other.parameters(), strict=True))
    clock.now = 0.0
    found = train(network(), data, settings, 0, give_up_at=200.0, settle=True)
    assert found.stopped == "deadline" and 2 <= found.epochs < settings.epochs and clock.now < 260
    assert found.curve[-1]["learning_rate"] < 0.2 * found.curve[0]["learning_rate"]


def test_a_training_that_may_settle_but_need_not_has_the_same_bits(data) -> None:
    settings = SETTINGS.replace(epochs=3)
    plain, may = network(), network()
    train(plain, data, settings, 0)
    found = train(may, data, settings, 0, give_up_at=time.monotonic() + 1e6, settle=True)
    assert found.stopped == "epochs" and all("steps" not in entry for entry in found.curve)
    assert all(torch.equal(a, b) for a, b in zip(plain.parameters(), may.parameters(), strict=True))


def test_an_epoch_of_fewer_steps_takes_other_examples_each_time(data, monkeypatch: pytest.MonkeyPatch) -> None:
    taken: list[set[int]] = []

    class Noted(loop.Batches):
        def __init__(self, examples, order, *rest) -> None:
            super().__init__(examples, order, *rest)
            taken.append(set())
            self._order = order

        def __call__(self, start: int, stop: int):
            taken[-1] |= set(self._order[start:stop].tolist())
            return super().__call__(start, stop)

    monkeypatch.setattr(loop, "Batches", Noted)
    settings = SETTINGS.replace(epochs=8, batch_size=16, steps_per_epoch=3)
    found = train(network(), data, settings, 0)
    assert found.epochs == 8 and [len(each) for each in taken] == [48] * 8
    assert len(set.union(*taken)) > 150 and taken[0] != taken[1]
    timed = pace(network(), data, settings, "cpu")
    assert timed.epoch == pytest.approx(3 * timed.step)
    all_of_them, no_fewer = network(), network()
    for each, steps in ((all_of_them, None), (no_fewer, 10_000)):
        train(each, data, settings.replace(epochs=1, steps_per_epoch=steps), 0)
    assert all(torch.equal(a, b) for a, b in zip(all_of_them.parameters(), no_fewer.parameters(), strict=True))


def test_the_pace_is_that_of_the_training_itself(data) -> None:
    settings = SETTINGS.replace(epochs=30)
    expected = min(pace(network(), data, settings, "cpu").of(30) for _ in range(3))
    began = time.monotonic()
    train(network(), data, settings, 0)
    assert expected / 4 < time.monotonic() - began < 4 * expected + 0.5

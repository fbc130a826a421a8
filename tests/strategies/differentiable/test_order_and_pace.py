"""Whether weights or logits move first, and which steps of a schedule the draws of a search see."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from bilevel import Bilevel, Cell, drive, rng_of

from netwright.core.errors import ConfigurationError
from netwright.strategies.differentiable import (
    Adam,
    Differentiable,
    GumbelSoftmax,
    RandomPerturbation,
    Schedule,
    Softmax,
    StraightThrough,
)


def purposes(problem: Bilevel) -> list[str]:
    return [each.purpose for each in problem.asked]


def test_each_step_of_the_logits_follows_its_training_step() -> None:
    problem = Bilevel(Cell(), epochs=2, steps=3)
    evaluated = drive(Differentiable(Cell(), weights_first=True), problem)
    assert purposes(problem) == ["train", "probe"] * 6
    assert len(evaluated) == 1
    problem = Bilevel(Cell(), epochs=4, steps=3)
    drive(Differentiable(Cell(), weights_first=True, warm_up=0.5), problem)
    assert purposes(problem) == ["train"] * 6 + ["train", "probe"] * 6
    problem = Bilevel(Cell(), epochs=4, steps=3)
    drive(Differentiable(Cell(), weights_first=True, every=5), problem)
    assert purposes(problem) == (["train"] * 5 + ["probe"]) * 2 + ["train"] * 2


def test_it_learns_what_a_plain_loop_does_that_moves_the_weights_first() -> None:
    space, plain = Cell(), Bilevel(Cell(), epochs=4, steps=5)
    strategy = Differentiable(space, optimiser=Adam(0.05), weights_first=True)
    start = strategy._layout.rows(Softmax().initial(strategy._layout, rng_of(7, 0)))
    logits = {name: value.clone().requires_grad_() for name, value in start.items()}
    optimiser = torch.optim.Adam(logits.values(), lr=0.05, betas=(0.5, 0.999), weight_decay=1e-3)
    for step in range(20):
        fixed = {name: value.detach().softmax(0) for name, value in logits.items()}
        vector = {name: value.clone().requires_grad_() for name, value in plain.vector.items()}
        plain.vector = vector
        loss = plain.loss(fixed, {}, 2.0 + 0.1 * ((step * 3) % 7))
        gradients = torch.autograd.grad(loss, list(vector.values()))
        plain.vector = {
            name: (value - plain.rate * gradient).detach()
            for (name, value), gradient in zip(vector.items(), gradients, strict=True)
        }
        weights = {name: value.softmax(0) for name, value in logits.items()}
        optimiser.zero_grad()
        plain.loss(weights, {}, 2.0 + 0.1 * (((step + 1) * 5) % 7)).backward()
        optimiser.step()
    drive(strategy, Bilevel(space, epochs=4, steps=5))
    for name, found in strategy.mixture().weights.items():
        torch.testing.assert_close(found, logits[name].detach().softmax(0), rtol=1e-4, atol=1e-5)


def test_weights_first_needs_steps_of_two_levels() -> None:
    with pytest.raises(ConfigurationError, match="weights_first=True, level='one'"):
        Differentiable(Cell(), level="one", weights_first=True)


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Every value that a schedule gave."""
    found: list[float] = []
    plain = Schedule.at

    def at(self: Schedule, progress: float, last: float = 1.0) -> float:
        found.append(plain(self, progress, last))
        return found[-1]

    monkeypatch.setattr(Schedule, "at", at)
    return found


def test_the_temperature_of_gdas_falls_by_epoch_to_its_end_in_the_last(seen: list[float]) -> None:
    drive(Differentiable(Cell(), StraightThrough(), weights_first=True), Bilevel(Cell(), epochs=10, steps=3))
    expected = [10.0 - 9.9 * epoch / 9 for epoch in range(10) for _ in range(6)]  # a training step and a probe each
    assert seen == pytest.approx(expected)


def test_the_temperature_of_snas_falls_before_each_epoch(seen: list[float]) -> None:
    drive(Differentiable(Cell(), GumbelSoftmax(), level="one"), Bilevel(Cell(), epochs=10, steps=3))
    expected = [0.03 + 0.97 * (1 - (epoch + 1) / 10) for epoch in range(10) for _ in range(3)]  # the authors' formula
    assert seen[0] == 1.0  # how long an epoch is is told with the first step
    assert seen[1:] == pytest.approx(expected[1:])


def test_schedules_that_are_not_closed_end_after_the_last_epoch(seen: list[float]) -> None:
    relaxation = GumbelSoftmax(Schedule(1.0, 0.1))
    drive(Differentiable(Cell(), relaxation), Bilevel(Cell(), epochs=10, steps=2))
    assert seen == pytest.approx([1.0 - 0.9 * epoch / 10 for epoch in range(10) for _ in range(4)])


def test_the_radius_of_a_perturbation_grows_by_epoch(seen: list[float]) -> None:
    drive(Differentiable(Cell(), perturbation=RandomPerturbation()), Bilevel(Cell(), epochs=10, steps=2))
    assert seen == pytest.approx([0.03 + 0.27 * epoch / 10 for epoch in range(10) for _ in range(2)])


@pytest.mark.parametrize(("pace", "epochs"), [("step", 10), ("auto", 4)])
def test_schedules_move_by_step_where_they_are_told_to_or_epochs_are_few(
    pace: Any, epochs: int, seen: list[float]
) -> None:
    drive(Differentiable(Cell(), StraightThrough(), pace=pace), Bilevel(Cell(), epochs=epochs, steps=2))
    each: list[float] = seen[::2]
    assert len(set(each)) == 2 * epochs
    assert each == pytest.approx([10.0 - 9.9 * step / (2 * epochs) for step in range(2 * epochs)])

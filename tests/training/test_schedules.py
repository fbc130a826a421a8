from __future__ import annotations

import math

import pytest
import torch

from netwright.training import TrainingSettings
from netwright.training.optimisers import drop_path_probability, learning_rate

STEPS = 40


def rates(**options) -> list[float]:
    settings = TrainingSettings(**{"learning_rate": 0.2, "warm_up": 0.0, **options})
    return [learning_rate(settings, step, STEPS) for step in range(STEPS)]


def of_torch(make) -> list[float]:
    optimiser = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.2)
    schedule = make(optimiser)
    found = []
    for _ in range(STEPS):
        found.append(optimiser.param_groups[0]["lr"])
        optimiser.step()
        schedule.step()
    return found


def test_cosine_is_that_of_pytorch():
    expected = of_torch(lambda o: torch.optim.lr_scheduler.CosineAnnealingLR(o, STEPS, eta_min=0.01))
    assert rates(minimum_learning_rate=0.01) == pytest.approx(expected, rel=1e-9)


def test_one_cycle_is_that_of_pytorch():
    one_cycle = torch.optim.lr_scheduler.OneCycleLR
    expected = of_torch(lambda o: one_cycle(o, 0.2, STEPS, pct_start=0.3, div_factor=25, final_div_factor=1e9))
    assert rates(schedule="one_cycle") == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("steps", [1, 2, 3, 4])
@pytest.mark.parametrize("schedule", ["cosine", "one_cycle", "constant"])
@pytest.mark.parametrize("warm_up", [0.0, 0.1, 0.9])
def test_very_short_trainings_have_rates_between_zero_and_the_peak(steps, schedule, warm_up):
    settings = TrainingSettings(learning_rate=0.2, schedule=schedule, warm_up=warm_up)
    assert all(0 <= learning_rate(settings, step, steps) <= 0.2 + 1e-12 for step in range(steps))
    assert learning_rate(settings, 0, steps) > 0


def test_constant_with_warm_up_rises_linearly_and_stays():
    assert rates(schedule="constant", warm_up=0.1) == pytest.approx([0.2 * k / 5 for k in (1, 2, 3, 4)] + [0.2] * 36)


def test_cosine_after_warm_up_is_a_cosine_over_the_rest():
    rest = [0.1 * (1 + math.cos(math.pi * k / 36)) for k in range(36)]
    assert rates(warm_up=0.1)[4:] == pytest.approx(rest)


def test_drop_path_rises_linearly_from_nothing_to_its_final_probability():
    settings = TrainingSettings(epochs=5, drop_path=0.2)
    assert [drop_path_probability(settings, epoch) for epoch in range(5)] == pytest.approx([0, 0.05, 0.1, 0.15, 0.2])
    assert drop_path_probability(settings.replace(epochs=1), 0) == 0


def test_linear_falls_along_a_line_after_its_rise() -> None:
    settings = TrainingSettings(schedule="linear", learning_rate=0.5, minimum_learning_rate=0.1, warm_up=0.2)
    found = [learning_rate(settings, step, 10) for step in range(10)]
    assert found[:2] == pytest.approx([0.5 / 3, 1.0 / 3])
    assert found[2:] == pytest.approx([0.5 - 0.4 * step / 8 for step in range(8)])

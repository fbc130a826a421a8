"""The dominant eigenvalue of the Hessian, and when the search stops because of it."""

from __future__ import annotations

from collections.abc import Callable, Generator
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch
from bilevel import Bilevel, Cell, drive
from torch import Tensor

from netwright.core.errors import ConfigurationError
from netwright.strategies.differentiable import Adam, Differentiable, EigenvalueMonitor
from netwright.strategies.differentiable.layout import Layout
from netwright.strategies.differentiable.parameters import Parameters, softmax


def result_of(script: Generator[Any, Any, Any]) -> Any:
    """What a script returns that asks nothing."""
    with pytest.raises(StopIteration) as ended:
        next(script)
    return ended.value.value


def rounds_of(
    loss: Callable[[Tensor], Tensor], parameters: Parameters
) -> Callable[[Tensor], Generator[Any, Any, Tensor]]:
    def product(vector: Tensor) -> Generator[Any, Any, Tensor]:
        return torch.autograd.functional.hvp(loss, parameters.logits, vector)[1]
        yield

    return product


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_it_is_the_largest_eigenvalue_of_the_hessian(sign: float) -> None:
    """Also where the largest in absolute value is negative."""
    parameters = Parameters(Layout(Cell()))
    parameters.logits = (torch.randn(parameters.logits.shape) * parameters.layout.exists).double()
    alive = parameters.layout.exists
    target = torch.rand(alive.shape, dtype=torch.float64)

    def loss(logits: Tensor) -> Tensor:
        weights = softmax(logits, alive)
        return sign * 10 * ((weights - target).square().sum() + weights.sum(0).prod())

    shape = parameters.logits.shape
    hessian = torch.autograd.functional.hessian(lambda flat: loss(flat.view(shape)), parameters.logits.flatten())
    values = np.linalg.eigvalsh(hessian.numpy())
    monitor = EigenvalueMonitor(iterations=200)
    found = result_of(monitor.dominant(monitor.start(), parameters, rounds_of(loss, parameters)))
    assert found == pytest.approx(values.max(), rel=0.01)
    if sign < 0:
        assert abs(values.min()) > values.max()  # or the shift would go untested


def test_options_out_of_play_do_not_count() -> None:
    parameters = Parameters(Layout(Cell()))
    scale = torch.arange(1.0, 13.0).view(3, 4).square()
    parameters.restrict(2, (0,))
    parameters.restrict(1, (0, 1))

    def loss(logits: Tensor) -> Tensor:
        return (scale * logits.square()).sum() / 2  # the eigenvalues are the scales

    monitor = EigenvalueMonitor(iterations=300)
    found = result_of(monitor.dominant(monitor.start(), parameters, rounds_of(loss, parameters)))
    assert parameters.moving is not None
    assert found == pytest.approx(float(scale[parameters.moving].max()), rel=0.02)


def alarms(values: list[float], epochs: float = 50.0, **options: Any) -> list[int | None]:
    monitor = EigenvalueMonitor(**options)
    memory = monitor.start()
    found: list[int | None] = []
    for value in values:
        memory["values"] = [*memory["values"], value]
        found.append(monitor.alarm(memory, epochs))
    return found


def test_it_stops_by_the_rule_of_the_paper() -> None:
    """Window 5, factor 1.3, 4 checks back, not before epoch 10: worked out by hand.

    The eigenvalue is 1 up to epoch 19 and 2 from epoch 20 on. The mean up to epoch 20 is 1.2 and up to epoch 21 1.4,
    while 4 checks before they were 1; 1.4 is the first above 1.3. Epoch 21 is the end of a window around 19; 4 before
    that is 15.
    """
    found = alarms([1.0] * 20 + [2.0] * 5)
    assert found[:21] == [None] * 21
    assert found[21] == 15


def test_it_does_not_stop_too_early() -> None:
    """A rise from epoch 10 on would lead back to epoch 5; it waits until it leads back to epoch 10."""
    growing = [1.2**i for i in range(30)]
    assert alarms(growing).index(10) == 16
    assert alarms(growing, epochs=25.0).index(5) == 11  # half as many epochs, half as long a wait
    assert not any(alarms([1.0] * 50))


def test_windows_count_checks_whatever_lies_between_them() -> None:
    """A check every second epoch: 5 of them span 10 epochs, 4 go back by 8; check 5 is the first at epoch 10 or later.

    The rise from check 10 (epoch 20) on is seen at check 11, a window around check 9, which goes back to check 5.
    """
    found = alarms([1.0] * 10 + [2.0] * 5, every=2)
    assert found[:11] == [None] * 11
    assert found[11] == 5
    assert alarms([1.0] * 9 + [2.0] * 5, every=2)[10] is None  # that would lead back to check 4, epoch 8


def test_checks_fall_on_every_so_manyth_epoch_from_the_first_on() -> None:
    strategy = Differentiable(Cell(), monitor=EigenvalueMonitor(stop=False, iterations=2, every=3))
    problem = Bilevel(Cell(), epochs=7, steps=2)
    told: list[bool] = []
    start = 0
    for epoch in range(1, 8):
        drive(strategy, problem, epochs=epoch, start=start)
        start = len(problem.asked)
        told.append("eigenvalue" in strategy.figures())
    assert told == [True, False, False, True, False, False, True]
    assert len(strategy.state_dict()["monitored"]["values"]) == 3


def test_a_search_ends_with_the_architecture_before_the_rise() -> None:
    space = Cell()
    monitor = EigenvalueMonitor(window=1, back=1, factor=1.0000001, start=0.0, iterations=2)
    strategy = Differentiable(space, optimiser=Adam(0.05), monitor=monitor)
    problem = Bilevel(space, epochs=30, steps=2)
    (trial,) = drive(strategy, problem)
    values = strategy.state_dict()["monitored"]["values"]
    points = strategy.state_dict()["monitored"]["points"]
    assert problem.trained < 60
    assert len(values) == problem.trained // 2 + 1
    assert list(trial.architecture.point) == points[-2]
    assert strategy.recommend([]) == trial.architecture
    assert all(later <= earlier for earlier, later in pairwise(values[:-1]))
    assert values[-1] > values[-2]


def test_without_stop_it_is_a_plain_figure() -> None:
    space = Cell()
    strategy = Differentiable(space, monitor=EigenvalueMonitor(stop=False, window=1, back=1, start=0.0, iterations=2))
    problem = Bilevel(space, epochs=5, steps=2)
    drive(strategy, problem)
    assert problem.trained == 10
    assert len(strategy.state_dict()["monitored"]["values"]) == 5
    assert set(strategy.figures()) == {"eigenvalue"}


def test_probes_of_a_check_share_one_minibatch() -> None:
    space = Cell()
    problem = Bilevel(space, epochs=1, steps=2)
    drive(Differentiable(space, monitor=EigenvalueMonitor(iterations=3)), problem)
    probes = [each for each in problem.asked if each.purpose == "probe"]
    again = [each.again for each in probes]
    assert again[:3] == [False] * 3  # those of the two steps, and the first of the check
    assert all(again[3:])
    assert [each.along is None for each in probes[:4]] == [True] * 4  # then the gradient at the logits as they are
    assert 1 <= len(probes[4:]) <= 3 and all(each.along is not None for each in probes[4:])
    assert len({id(each.candidate) for each in probes[3:]}) == 1  # so that an estimator can keep their graph


def test_a_hessian_that_is_not_a_number_is_reported_as_such() -> None:
    parameters = Parameters(Layout(Cell()))
    monitor = EigenvalueMonitor()
    memory = monitor.start()
    found = result_of(
        monitor.dominant(memory, parameters, rounds_of(lambda x: (x * torch.nan).square().sum(), parameters))
    )
    assert found != found and memory["vector"] is None
    assert monitor.alarm({**memory, "values": [1.0] * 20 + [found]}, 50.0) is None


def test_an_eigenvalue_monitor_says_what_it_expected() -> None:
    with pytest.raises(ConfigurationError, match=r"factor=1\.0"):
        EigenvalueMonitor(factor=1.0)
    with pytest.raises(ConfigurationError, match="window is 0"):
        EigenvalueMonitor(window=0)

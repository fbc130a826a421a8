"""How networks for tables read numbers: quantiles by hand, columns that tell nothing, and what lies far away."""

import numpy as np
import pytest
import torch

from netwright.networks.numbers import Numbers, PeriodicNumbers, PiecewiseNumbers


def fitted(columns, bins=4, kind=Numbers, **options):
    values = torch.tensor(np.array(columns), dtype=torch.float32).T.contiguous()
    numbers = kind(values.shape[1], bins, **options)
    numbers.fit(values)
    return numbers, values


def test_pieces_are_the_shares_of_quantile_bins_that_a_number_has_passed():
    numbers, _ = fitted([list(range(101))])
    found = numbers.pieces(torch.tensor([[0.0], [30.0], [100.0], [1e9], [-5.0]]))[:, 0]
    expected = [[0, 0, 0, 0], [1, 0.2, 0, 0], [1, 1, 1, 1], [1, 1, 1, 1], [0, 0, 0, 0]]
    assert torch.allclose(found, torch.tensor(expected, dtype=torch.float32))


def test_the_order_is_the_share_of_training_examples_below():
    draws = np.random.default_rng(0).lognormal(size=2001)
    numbers, values = fitted([draws], bins=60)
    assert (numbers.steepness > 0).sum() == 48
    order = numbers(values)[:, 1] / 12**0.5 + 0.5
    ranks = np.argsort(np.argsort(draws)) / 2000
    assert np.abs(order.numpy() - ranks).max() < 0.02
    assert abs(float(numbers(values)[:, 1].std()) - 1) < 0.02


def test_few_different_numbers_have_an_edge_each():
    numbers, _ = fitted([[0, 0, 0, 0, 0, 0, 5, 7]], bins=4)
    assert numbers.left[0].tolist() == [0, 5, 0, 0]
    order = numbers(torch.tensor([[0.0], [5.0], [7.0]]))[:, 1] / 12**0.5 + 0.5
    assert torch.allclose(order, torch.tensor([3 / 8, 6.5 / 8, 7.5 / 8]))


def test_bins_that_equal_quantiles_leave_over_go_to_the_rarer_numbers():
    gains = [0.0] * 900 + list(range(1, 101))
    numbers, _ = fitted([gains], bins=20)
    edges = numbers.left[0][numbers.steepness[0] > 0]
    assert len(edges) == 20 and (edges > 0).sum() == 19
    assert (edges.diff() < 10).all()


@pytest.mark.parametrize("kind", [Numbers, PiecewiseNumbers, PeriodicNumbers])
def test_columns_that_tell_nothing_and_numbers_far_away_stay_finite(kind):
    options = {} if kind is Numbers else {"size": 3}
    numbers, values = fitted([[2.0] * 9, [0, 1e-44, 0, 0, 0, 0, 0, 0, 1], list(range(9))], kind=kind, **options)
    far = torch.tensor([[1e30, -1e30, 3e38]])
    for given in (values, far):
        assert numbers(given).isfinite().all()
    assert numbers(far)[:, :3].abs().max() < 1e3


def test_without_having_seen_examples_the_quantiles_are_those_of_the_normal_distribution():
    values = torch.randn(4000, 1, generator=torch.Generator().manual_seed(0))
    blank, seen = Numbers(1, 48), Numbers(1, 48)
    seen.fit(values)
    inside = values[values.abs() < 2][:, None]
    assert (blank(inside) - seen(inside)).abs().max() < 0.15


def test_piecewise_numbers_begin_as_a_function_of_distance_and_order_and_bend_where_the_pieces_learn():
    numbers, values = fitted([list(range(101))], kind=PiecewiseNumbers, size=2)
    plain = torch.stack(numbers.plain(values, numbers.pieces(values)), 2)[:, 0]
    first = plain @ numbers.weight[0, -2:] + numbers.bias[0]
    assert torch.allclose(numbers(values), first, atol=1e-5)
    with torch.no_grad():
        numbers.weight[0, 2] += 1  # the third bin, from 50 to 75
    assert torch.allclose((numbers(values) - first)[[0, 50, 75, 100], 0], torch.tensor([0.0, 0, 1, 1]), atol=1e-5)


def test_rare_numbers_are_learnt_by_themselves():
    numbers, _ = fitted([[0.0] * 90 + [3, 5, 5, 7, 11, 13, 13, 13, 17, 19]], bins=20, kind=PiecewiseNumbers, size=1)
    before = numbers(torch.tensor([[5.0], [7.0], [11.0], [0.0]])).detach()
    optimiser = torch.optim.SGD(numbers.parameters(), 0.1)
    (-numbers(torch.tensor([[7.0]])).sum()).backward()
    with torch.no_grad():
        numbers.weight.grad[:, -2:], numbers.bias.grad = 0.0, None
    optimiser.step()
    change = (numbers(torch.tensor([[5.0], [7.0], [11.0], [0.0]])) - before).flatten()
    assert torch.allclose(change, torch.tensor([0.0, 0.1, 0.0, 0.0]), atol=1e-6)


def test_each_number_is_read_by_itself():
    for kind in (PiecewiseNumbers, PeriodicNumbers):
        numbers = kind(3, 4, size=2)
        values = torch.randn(5, 3)
        other = values.clone()
        other[:, 1] += 1
        changed = (numbers(other) - numbers(values)).unflatten(1, (3, 2)).abs().sum((0, 2)) > 0
        assert changed.tolist() == [False, True, False] and numbers(values).shape == (5, 6)

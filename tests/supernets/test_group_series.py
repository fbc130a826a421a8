"""Convolutions of open groups as a series: each number of groups is a grouped convolution, and a mixture their sum."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.functional import conv2d

from netwright.core.architecture import Mixture
from netwright.core.choose import Choose
from netwright.core.decision_space import DecisionSpace
from netwright.core.errors import ConfigurationError, UserError
from netwright.core.task import TaskShape
from netwright.methods import gross
from netwright.spaces import GroupedChain, NasBench201
from netwright.supernets import Supernet
from netwright.supernets.series import SeriesConv2d, expanded
from netwright.tasks import open_task
from netwright.testing import check_space

SHAPE = TaskShape((1, 8, 8), 3)
SPACE = GroupedChain(sizes=(1, 2, 8), width=8, stages=2, blocks=1)


def supernet() -> Supernet:
    """One whose terms are all there."""
    torch.manual_seed(0)
    found = Supernet(SPACE, SHAPE, affine=True, group_series=True)
    for layer in found.modules():
        if isinstance(layer, SeriesConv2d):
            for term in layer.terms.values():
                nn.init.normal_(term, std=0.1)
    return found


@pytest.mark.parametrize(("groups", "fewer"), [(8, 4), (8, 1), (4, 4), (6, 2)])
def test_an_expanded_weight_is_the_same_convolution(groups: int, fewer: int) -> None:
    weight, x = torch.randn(24, 24 // groups, 3, 3), torch.randn(2, 24, 5, 5)
    wide = expanded(weight, groups, fewer)
    assert wide.shape == (24, 24 // fewer, 3, 3)
    torch.testing.assert_close(conv2d(x, wide, groups=fewer), conv2d(x, weight, groups=groups), rtol=1e-4, atol=1e-5)


def test_fewer_groups_are_the_terms_of_all_with_as_many_and_more() -> None:
    layer = next(each for each in supernet().modules() if isinstance(each, SeriesConv2d))
    assert list(layer.by_groups) == [8, 4, 1]
    x = torch.randn(3, 8, 6, 6)
    terms = layer.by_groups
    for groups in layer.by_groups:
        expected = sum(conv2d(x, term, padding=1, groups=count) for count, term in terms.items() if count >= groups)
        found = conv2d(x, layer.weight_of(groups), padding=1, groups=groups)
        torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)


def test_a_mixture_is_the_weighted_sum_of_all_sizes() -> None:
    network = supernet()
    layer = next(each for each in network.modules() if isinstance(each, SeriesConv2d))
    x, weights = torch.randn(3, 8, 6, 6), torch.tensor([0.2, 0.5, 0.3])  # of the sizes 1, 2 and 8: of 8, 4 and 1 groups
    mixture = {each.name: weights for each in SPACE.decisions}
    expected = sum(
        share * conv2d(x, layer.weight_of(groups), padding=1, groups=groups)
        for share, groups in zip(weights, layer.by_groups, strict=True)
    )
    with network.selection.during((None, mixture, {})):
        torch.testing.assert_close(layer(x), expected, rtol=1e-4, atol=1e-5)


def test_each_architecture_is_its_own_grouped_network() -> None:
    network, x = supernet(), torch.randn(4, *SHAPE.input)
    for architecture in SPACE.enumerate():
        alone = network.extract(architecture)
        plain = [
            each for each in alone.modules() if isinstance(each, nn.Conv2d) and each.in_channels == each.out_channels
        ]
        assert not any(isinstance(each, SeriesConv2d) for each in alone.modules()) and plain
        torch.testing.assert_close(network(x, architecture), alone(x), rtol=1e-3, atol=1e-4)
    one_hot = {each.name: torch.eye(3)[1] for each in SPACE.decisions}
    torch.testing.assert_close(
        network(x, Mixture(one_hot)), network(x, SPACE.at(SPACE.size // 2)), rtol=1e-3, atol=1e-4
    )


def test_the_space_keeps_its_contract() -> None:
    check_space(SPACE, shape=SHAPE)
    with pytest.raises(ConfigurationError, match="each to divide the next"):
        GroupedChain(sizes=(1, 3, 4), width=12)


class Odd(DecisionSpace):
    """Groups that do not divide each other."""

    def network(self, choose: Choose, shape: TaskShape) -> nn.Module:
        layer = nn.Conv2d(6, 6, 3, padding=1, groups=choose.value("groups", (2, 3)))
        return nn.Sequential(nn.Conv2d(shape.channels, 6, 1), layer, nn.Flatten(), nn.Linear(6 * 64, shape.classes))


def test_groups_that_do_not_divide_each_other_are_refused() -> None:
    with pytest.raises(UserError, match=r"\[3, 2\] groups, of which a supernet needs each to divide"):
        Supernet(Odd(), SHAPE, group_series=True)


def test_a_search_resumes_and_refuses_other_spaces(tmp_path: Any) -> None:
    task = open_task("digits", limit=120)

    def search() -> Any:
        return gross(SPACE, task, epochs=2, evaluations=5, batch_size=20, device="cpu")

    whole = search().run()
    assert [each.proposal.purpose for each in whole.trials] == ["train"] * 2 + ["evaluate"] * 5
    ended: list[Any] = []

    def stop(trial: Any) -> None:
        ended.append(trial)
        if len(ended) == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        search().run(store=tmp_path, name="r", on_trial=stop)
    resumed = search().run(store=tmp_path, name="r", resume=True)
    assert [each.proposal.candidate for each in resumed.trials] == [each.proposal.candidate for each in whole.trials]
    with pytest.raises(ConfigurationError, match=r"nasbench201 has none; expected GroupedChain"):
        gross(NasBench201(), task, device="cpu")


def test_training_moves_the_terms_of_a_size_and_of_the_smaller_ones_alone() -> None:
    network, x = supernet(), torch.randn(4, *SHAPE.input)
    middle = SPACE.architecture({each.name: 2 for each in SPACE.decisions})
    network(x, middle).square().mean().backward()
    layer = next(each for each in network.modules() if isinstance(each, SeriesConv2d))
    assert layer.weight.grad is not None and layer.terms["4"].grad is not None and layer.terms["1"].grad is None
    assert float(np.abs(layer.terms["4"].grad.numpy()).max()) > 0

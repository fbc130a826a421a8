import pytest
import torch
from torch import nn
from torch.nn import functional as F

from netwright.networks.drop_path import DropPath
from netwright.networks.operations import OPERATIONS, FactorizedReduce, Zero, operation, skip


@pytest.mark.parametrize("name", OPERATIONS)
@pytest.mark.parametrize("extent", [1, 2, 7, 8])
@pytest.mark.parametrize("stride", [1, 2])
def test_an_operation_keeps_channels_and_its_stride_divides_the_resolution_rounded_up(name, extent, stride):
    x = torch.randn(2, 6, extent, extent + 1, requires_grad=True)
    y = operation(name, 6, stride)(x)
    assert y.shape == (2, 6, -(-extent // stride), -(-(extent + 1) // stride))
    assert torch.isfinite(y).all()
    if name != "none":
        y.square().sum().backward()
        assert x.grad is not None and torch.isfinite(x.grad).all()


@pytest.mark.parametrize("name", OPERATIONS)
@pytest.mark.parametrize("stride", [1, 2])
def test_operations_do_not_change_their_input(name, stride):
    x = torch.randn(2, 4, 6, 6)
    before = x.clone()
    operation(name, 4, stride, drop_path=True)(x)
    assert torch.equal(x, before)


def weights(module: nn.Module) -> list[torch.Tensor]:
    return [each.weight for each in module.modules() if isinstance(each, nn.Conv2d)]


def normalised(x: torch.Tensor) -> torch.Tensor:
    """Batch normalisation with fresh parameters, in training."""
    mean, variance = x.mean((0, 2, 3), keepdim=True), x.var((0, 2, 3), unbiased=False, keepdim=True)
    return (x - mean) / (variance + 1e-5).sqrt()


@pytest.mark.parametrize(("name", "kernel"), [("sep_conv_3x3", 3), ("sep_conv_5x5", 5), ("sep_conv_7x7", 7)])
@pytest.mark.parametrize("stride", [1, 2])
def test_a_separable_convolution_is_applied_twice(name, kernel, stride):
    torch.manual_seed(0)
    x, module = torch.randn(3, 4, 8, 8), operation(name, 4, stride)
    a, b, c, d = weights(module)
    middle = normalised(F.conv2d(F.conv2d(x.relu(), a, stride=stride, padding=kernel // 2, groups=4), b))
    expected = normalised(F.conv2d(F.conv2d(middle.relu(), c, padding=kernel // 2, groups=4), d))
    torch.testing.assert_close(module(x), expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(("name", "kernel"), [("dil_conv_3x3", 3), ("dil_conv_5x5", 5)])
@pytest.mark.parametrize("stride", [1, 2])
def test_a_dilated_convolution_skips_every_other_position(name, kernel, stride):
    torch.manual_seed(0)
    x, module = torch.randn(3, 4, 8, 8), operation(name, 4, stride)
    a, b = weights(module)
    spread = F.conv2d(x.relu(), a, stride=stride, padding=kernel - 1, dilation=2, groups=4)
    torch.testing.assert_close(module(x), normalised(F.conv2d(spread, b)), rtol=1e-4, atol=1e-4)


def test_a_factorised_convolution_strides_each_axis_once():
    torch.manual_seed(0)
    x, module = torch.randn(3, 4, 8, 8), operation("conv_7x1_1x7", 4, 2)
    a, b = weights(module)
    assert (a.shape, b.shape) == ((4, 4, 1, 7), (4, 4, 7, 1))
    across = F.conv2d(x.relu(), a, stride=(1, 2), padding=(0, 3))
    expected = normalised(F.conv2d(across, b, stride=(2, 1), padding=(3, 0)))
    torch.testing.assert_close(module(x), expected, rtol=1e-4, atol=1e-4)


def test_average_pooling_ignores_what_is_outside():
    y = operation("avg_pool_3x3", 2)(torch.ones(1, 2, 5, 5))
    assert torch.equal(y, torch.ones(1, 2, 5, 5))


@pytest.mark.parametrize("extent", [8, 7])
def test_a_factorised_reduction_reads_even_and_odd_positions(extent):
    torch.manual_seed(0)
    x, module = torch.randn(3, 4, extent, extent), FactorizedReduce(4, 5)
    a, b = weights(module)
    assert (len(a), len(b)) == (2, 3)
    even, odd = x.relu()[:, :, ::2, ::2], torch.zeros(3, 4, (extent + 1) // 2, (extent + 1) // 2)
    odd[:, :, : extent // 2, : extent // 2] = x.relu()[:, :, 1::2, 1::2]
    expected = normalised(torch.cat([F.conv2d(even, a), F.conv2d(odd, b)], 1))
    torch.testing.assert_close(module(x), expected, rtol=1e-4, atol=1e-4)


def test_normalisation_options_reach_every_normalisation():
    for name in OPERATIONS:
        for stride in (1, 2):
            module = operation(name, 4, stride, affine=False, track_running_stats=False)
            for each in module.modules():
                if isinstance(each, nn.BatchNorm2d):
                    assert not each.affine and not each.track_running_stats


def test_drop_path_is_on_all_but_identities_and_zeros():
    def paths(name: str, stride: int) -> int:
        return sum(isinstance(each, DropPath) for each in operation(name, 4, stride, drop_path=True).modules())

    assert [paths(name, 1) for name in ("none", "skip_connect")] == [0, 0]
    assert {paths(name, 1) for name in OPERATIONS if name not in ("none", "skip_connect")} == {1}
    assert (paths("skip_connect", 2), paths("none", 2)) == (1, 0)


def test_a_skip_is_nothing_at_stride_1():
    assert isinstance(skip(8), nn.Identity)
    assert not any(True for _ in Zero(2).parameters())


def test_an_unknown_operation():
    with pytest.raises(KeyError, match="sep_conv_9x9"):
        operation("sep_conv_9x9", 4)

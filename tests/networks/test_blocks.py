import pytest
import torch

from netwright.networks.blocks import (
    ClassifierHead,
    conv_block,
    entry,
    entry_strides,
    halved,
    mbconv_block,
    separable_block,
)


@pytest.mark.parametrize(
    ("side", "strides"),
    [
        (224, [(2, 2), (2,), (2,)]),
        (64, [(2,), (2,), (2,)]),
        (56, [(1,), (2,), (2,)]),
        (8, [(1,), (2,), (2,)]),
        (4, [(1,), (2,), (1,)]),
        (1, [(1,), (1,), (1,)]),
    ],
)
def test_halvings_follow_the_resolution(side, strides):
    assert entry_strides(side, side + 3, 3) == strides == entry_strides(side + 3, side, 3)


@pytest.mark.parametrize("side", [1, 2, 5, 8])
def test_halved_is_what_a_convolution_leaves(side):
    assert entry(3, 4, (2,))(torch.randn(2, 3, side, side)).shape == (2, 4, halved(side), halved(side))


@pytest.mark.parametrize("block", [conv_block(6, 5), separable_block(6, 7), mbconv_block(6, 3, 4)])
def test_a_block_whose_last_scale_is_zero_passes_its_input_on(block):
    inputs = torch.rand(2, 6, 3, 4)  # positive, so that the activation after the sum changes nothing
    assert block(inputs).shape == inputs.shape
    last = [part for part in block.body.modules() if isinstance(part, torch.nn.BatchNorm2d)][-1]
    torch.nn.init.zeros_(last.weight)
    assert torch.equal(block(inputs), inputs)


def test_the_head_takes_the_mean_over_all_pixels():
    head = ClassifierHead(3, 5)
    images = torch.randn(4, 3, 6, 2)
    assert torch.allclose(head(images), head.linear(images.mean((2, 3))), atol=1e-6)

import torch
from torch import nn

from netwright.networks.unet import unet


def test_it_has_the_parameters_of_the_paper_and_its_normalisations():
    network = unet(1, nn.Conv2d(64, 2, 1))
    convolutions = sum(each.numel() for each in network.parameters() if each.dim() > 1)
    assert convolutions == _by_hand(1, 64, 4) + 2 * 64


def _by_hand(inputs: int, width: int, depth: int) -> int:
    """Weights of two 3x3 convolutions a level down, one 2x2 convolution and two 3x3 ones a level up."""
    widths = [width * 2**level for level in range(depth + 1)]
    down = sum(9 * (a * b + b * b) for a, b in zip([inputs, *widths], widths, strict=False))
    up = sum(4 * 2 * each * each + 9 * (2 * each * each + each * each) for each in widths[:-1])
    return down + up


def test_images_of_any_size_come_back_at_their_size():
    network = unet(3, nn.Conv2d(4, 5, 1), width=4, depth=2)
    assert network(torch.randn(2, 3, 17, 22)).shape == (2, 5, 17, 22)

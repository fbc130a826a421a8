"""The residual network for small images (He et al. 2016, section 4.2), which also takes photographs."""

from __future__ import annotations

from collections import OrderedDict

from torch import Tensor, nn

from netwright.networks.blocks import ClassifierHead, conv_bn, entry, entry_strides

STAGES = 3


class BasicBlock(nn.Module):
    """Two 3x3 convolutions around which the input is passed on, through a 1x1 convolution where the shape changes.

    inputs, outputs: channels.
    stride: of the first convolution.
    """

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.first = conv_bn(inputs, outputs, 3, stride=stride)
        self.second = conv_bn(outputs, outputs, 3, activation=False)
        same = inputs == outputs and stride == 1
        self.shortcut = nn.Identity() if same else conv_bn(inputs, outputs, 1, stride=stride, activation=False)
        self.activation = nn.ReLU()

    def forward(self, inputs: Tensor) -> Tensor:
        return self.activation(self.shortcut(inputs) + self.second(self.first(inputs)))


def resnet(shape: tuple[int, int, int], classes: int, depth: int = 20, width: int = 16) -> nn.Sequential:
    """A residual network of 6n + 2 layers (8, 14, 20, 32, ...) for images of shape (channels, height, width).

    width: channels of the first of the three stages; each later one has twice as many. Where the shape changes, the
        shortcut is a 1x1 convolution (option B of the paper).

    Raises ValueError for a depth that is not 6n + 2.
    """
    blocks, rest = divmod(depth - 2, 2 * STAGES)
    if rest or blocks < 1:
        raise ValueError(f"a residual network of this kind has 8, 14, 20, ... layers (6n + 2), not {depth}")
    channels, height, breadth = shape
    strides = entry_strides(height, breadth, STAGES)
    layers: OrderedDict[str, nn.Module] = OrderedDict(stem=entry(channels, width, strides[0]))
    before = width
    for stage in range(STAGES):
        outputs = width * 2**stage
        first = BasicBlock(before, outputs, strides[stage][0] if stage else 1)
        layers[f"stage{stage + 1}"] = nn.Sequential(
            first, *(BasicBlock(outputs, outputs, 1) for _ in range(blocks - 1))
        )
        before = outputs
    layers["head"] = ClassifierHead(before, classes)
    return nn.Sequential(layers)

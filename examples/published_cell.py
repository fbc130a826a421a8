"""Build the network of a published cell: DARTS (second order) of Liu et al. 2019, at its CIFAR-10 size."""

import netwright as nw
from netwright.spaces import from_genotype

darts_v2 = {
    "normal": [["sep_conv_3x3", 0], ["sep_conv_3x3", 1], ["sep_conv_3x3", 0], ["sep_conv_3x3", 1],
               ["sep_conv_3x3", 1], ["skip_connect", 0], ["skip_connect", 0], ["dil_conv_3x3", 2]],
    "normal_concat": [2, 3, 4, 5],
    "reduce": [["max_pool_3x3", 0], ["max_pool_3x3", 1], ["skip_connect", 2], ["max_pool_3x3", 1],
               ["max_pool_3x3", 0], ["skip_connect", 2], ["skip_connect", 2], ["max_pool_3x3", 1]],
    "reduce_concat": [2, 3, 4, 5],
}  # fmt: skip
space, architecture = from_genotype(darts_v2, cells=20, channels=36)
shape = nw.TaskShape((3, 32, 32), 10)
print(space)
print(nw.estimators.Cost(space, shape).figures(architecture))
network = space.build(architecture, shape)
print(f"{sum(p.numel() for p in network.parameters()):,} parameters, as published")

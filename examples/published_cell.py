"""Build the network of a published cell: DARTS (second order) of Liu et al. 2019, at its CIFAR-10 size."""

import netwright as nw

space, architecture = nw.spaces.published("darts_v2").made(cells=20, channels=36)
shape = nw.TaskShape((3, 32, 32), 10)
print(space)
print(nw.estimators.Cost(space, shape).figures(architecture))
network = space.build(architecture, shape)
print(f"{sum(p.numel() for p in network.parameters()):,} parameters, as published")

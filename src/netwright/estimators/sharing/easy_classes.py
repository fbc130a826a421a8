"""Which classes are easy: those that the nearest class mean names rightly."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn import functional as F

from netwright.core.errors import ConfigurationError
from netwright.core.trees import first

if TYPE_CHECKING:
    from netwright.core.task import Examples

MOST, SIDE = 10_000, 8  # examples that are looked at, and the side to which their images are averaged


def easiest_first(examples: Examples, classes: int) -> list[int]:
    """The classes by how many of their own examples lie nearest to their mean, most first.

    examples: with one class each. Their inputs are compared number by number, those of larger images by the means of
        8x8 parts.
    classes: how many there are.

    Raises ConfigurationError for examples without a class each.
    """
    every = torch.arange(0, len(examples), max(1, -(-len(examples) // MOST)), device=examples.device)
    some = examples.choose(every)
    targets = some.targets
    if not isinstance(targets, Tensor) or targets.dim() != 1 or targets.is_floating_point():
        raise ConfigurationError("classes: expected examples with one class each, since stages begin with easy classes")
    inputs = first(some.inputs).float()
    if inputs.dim() == 4 and min(inputs.shape[2:]) > SIDE:
        inputs = F.adaptive_avg_pool2d(inputs, SIDE)
    flat = inputs.flatten(1)
    there = [k for k in range(classes) if bool((targets == k).any())]
    means = torch.stack([flat[targets == k].mean(0) for k in there])
    nearest = torch.tensor(there, device=flat.device)[torch.cdist(flat, means).argmin(1)]
    rates = {k: float((nearest[targets == k] == k).float().mean()) for k in there}
    return sorted(range(classes), key=lambda k: (-rates.get(k, -1.0), k))


def among_easiest(targets: Tensor, order: list[int], share: float) -> Tensor | None:
    """Which examples are of the easiest classes, bool (n,); None where that is all of them, or none.

    targets: their classes, int (n,).
    order: the classes, the easiest first.
    share: of the classes, above 0 and at most 1; at least two are taken.
    """
    count = max(2, math.ceil(share * len(order) - 1e-9))
    kept = torch.isin(targets, torch.tensor(order[:count], device=targets.device))
    return kept if bool(kept.any()) and not bool(kept.all()) else None

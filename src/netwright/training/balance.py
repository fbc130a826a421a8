"""Classes that count alike although some are rare: what each example counts, by how many there are of its class."""

from __future__ import annotations

import torch
from torch import Tensor

from netwright.core.task import Examples

EACH_CLASS_ALIKE = ("balanced_accuracy", "f1_macro", "cohen_kappa")
"""Metrics that rare classes decide as much as frequent ones, for which trainings count them alike."""


def balanced(examples: Examples, share: float) -> Examples:
    """The examples, each counting (mean count of a class / count of its class) to the power of `share`, 1 on average.

    examples: to train on; those without one class each stay as they are.
    share: 0 for the examples as they are, 1 for classes that count alike.
    """
    targets = examples.stored_targets
    if not share or not isinstance(targets, Tensor) or targets.dim() != 1 or targets.is_floating_point():
        return examples
    own: Tensor = examples.targets.long()
    counts = torch.bincount(own).double()
    by_class = counts.clamp(min=1).pow(-share)
    by_class = by_class * len(own) / (by_class * counts).sum()
    weights = by_class.float()[targets.long()]
    if examples.stored_weights is not None:
        weights = weights * examples.stored_weights
    return Examples(examples.stored, targets, examples.places, weights)

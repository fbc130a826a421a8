"""Searches in which one kernel stands for many: MergeNAS."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from netwright.methods.weight_sharing import DARTS_CODE, resolved
from netwright.strategies.differentiable import Differentiable

if TYPE_CHECKING:
    from netwright.core.space import Space
    from netwright.engine.search import Search
    from netwright.tasks.task import Task

__all__ = ["mergenas"]

PAPERS = {
    "mergenas": (
        "netwright search DATA --method mergenas",
        "",
    ),
}


def mergenas(
    space: Space, task: Task, *, epochs: int = 50, seed: int = 0, device: str = "auto", **settings: Any
) -> Search:
    """MergeNAS (Wang et al. 2020): DARTS whose convolutions on an edge are one, of the weighted sum of their kernels.

    Convolutions that differ in their kernels alone, as the separable ones of 3 and 5 in DARTS or those of 1 and 3 in
    NAS-Bench-201, share their pointwise weights and normalisations, and their kernels, dilated and padded to the
    largest, are summed by the softmax of the logits: one convolution is computed in their place. Its program is not
    public: the weights train as those of DARTS do, to first order, and that separable and dilated convolutions stay
    apart, and that the one convolution is weighted by the sum of what it stands for, are guesses. Left out is nothing.
    Published on CIFAR-10: half a GPU-day of search, and 2.73 % test error; the latter figure is from memory.
    """
    found = resolved(task, epochs, {**DARTS_CODE, "merged": True}, settings)
    return found.search(Differentiable(space), seed=seed, device=device)

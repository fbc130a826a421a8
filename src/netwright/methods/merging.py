"""Searches in which one kernel stands for many: MergeNAS and GroSS."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from netwright.core.errors import ConfigurationError
from netwright.methods.weight_sharing import DARTS_CODE, affordable, nearly_all, resolved
from netwright.spaces import GroupedChain
from netwright.strategies.differentiable import Differentiable
from netwright.strategies.local_search import LocalSearch
from netwright.strategies.paths import TrainThenSearch, UniformPaths

if TYPE_CHECKING:
    from netwright.core.decision_space import DecisionSpace
    from netwright.engine.search import Search
    from netwright.tasks.task import Task

__all__ = ["gross", "mergenas"]

PAPERS = {
    "gross": (
        "netwright search DATA --method gross --space grouped",
        "the decomposition of a network that is trained already; its terms learn from the start",
    ),
    "mergenas": (
        "netwright search DATA --method mergenas",
        "",
    ),
}


def mergenas(
    space: DecisionSpace, task: Task, *, epochs: int = 50, seed: int = 0, device: str = "auto", **settings: Any
) -> Search:
    """MergeNAS (Wang et al. 2020): DARTS whose convolutions on an edge are one, of the weighted sum of their kernels.

    Convolutions that differ in their kernels alone, as the separable ones of 3 and 5 in DARTS or those of 1 and 3 in
    NAS-Bench-201, share their pointwise weights and normalisations, and their kernels, dilated and padded to the
    largest, are summed by the softmax of the logits: one convolution is computed in their place. Its program is not
    public: the weights train as those of DARTS do, to first order, and that separable and dilated convolutions stay
    apart, and that the one convolution is weighted by the sum of what it stands for, are guesses. Left out is nothing.
    Published on CIFAR-10: half a GPU-day of search, and 2.73 % test error; the latter figure is from memory.

    space: the one to search.
    task: the data.
    epochs: of the training of the shared weights.
    seed: everything random follows from it.
    device: "auto", "cpu", "cuda", "cuda:1", ...
    settings: any training setting and any option of `SharedWeights`, by name.
    """
    found = resolved(task, epochs, {**DARTS_CODE, "merged": True}, settings)
    return found.search(Differentiable(space), seed=seed, device=device)


def gross(
    space: DecisionSpace,
    task: Task,
    *,
    evaluations: int | None = None,
    epochs: int = 50,
    seed: int = 0,
    device: str = "auto",
    **settings: Any,
) -> Search:
    """GroSS (Howard-Jenkins et al. 2020): group sizes of all layers trained at once as series of terms, then searched.

    Each step trains one drawn group size a layer, W = the sum of the terms up to it, so that what a small group learns
    serves the larger ones. Then configurations are evaluated on those weights, all that differ in one layer from the
    best so far, and so on from the best of them; a limit on multiply-adds (`--max-macs`) is the paper's budget. The
    paper begins from a network that is trained, which it decomposes into such terms; here they learn from the start,
    all but the first from 0. Its program is not public: the order of the search beyond that it is breadth-first, and
    the settings of the training, are ours. It searches group sizes of VGG and ResNet on CIFAR-10 and ImageNet under
    budgets of multiply-adds, and has no single headline to quote.

    space: `GroupedChain`.
    task: the data.
    evaluations: configurations that are evaluated; None for 1,000, or as many as take as long as the training.
    epochs: of the training of the shared weights.
    seed: everything random follows from it.
    device: "auto", "cpu", "cuda", "cuda:1", ...
    settings: any training setting and any option of `SharedWeights`, by name.
    """
    if not isinstance(space, GroupedChain):
        raise ConfigurationError(
            f"gross searches group sizes of convolutions, of which {space.name} has none; expected GroupedChain(), "
            "grouped on the command line"
        )
    found = resolved(task, epochs, {"group_series": True, "affine": True, "split": nearly_all}, settings)
    count = affordable(1_000, found.scale) if evaluations is None else evaluations
    strategy = TrainThenSearch(UniformPaths(space), LocalSearch(space), count)
    return found.search(strategy, seed=seed, device=device)

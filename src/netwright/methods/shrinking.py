"""Methods that give up options while they search: P-DARTS stage by stage, SGAS edge by edge."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

from netwright.methods.weight_sharing import DARTS_CODE, resolved
from netwright.spaces import Darts
from netwright.strategies.differentiable import Adam, Differentiable, GreedyDecisions, ProgressiveShrinking

if TYPE_CHECKING:
    from netwright.core.decision_space import DecisionSpace
    from netwright.engine.search import Search
    from netwright.tasks.task import Task

__all__ = ["pdarts", "sgas"]

PAPERS = {
    "pdarts": ("netwright search DATA --method pdarts", ""),
    "sgas": ("netwright search DATA --method sgas", "minibatches that grow with each decision"),
}

WARM_UP = 0.4  # of each stage: 10 of 25 epochs


def pdarts(
    space: DecisionSpace,
    task: Task,
    *,
    cells: Sequence[int] | None = None,
    skip_dropout: Sequence[float] = (0.1, 0.4, 0.7),
    most_skips: int | None = 2,
    epochs: int = 75,
    seed: int = 0,
    device: str = "auto",
    **settings: Any,
) -> Search:
    """P-DARTS (Chen et al. 2019): three stages with 8, 5 and 3 of DARTS's operations and at most two skips in the end.

    Defaults are those of the authors' code for CIFAR-10. Published there: 2.50 % test error, 0.3 GPU-days.

    space: the one to search.
    task: the data.
    cells: of the networks in the three stages; (5, 11, 17), as in the paper, for `Darts`, and as the space has it for
        others.
    skip_dropout: rate of dropout after skips at the beginning of each stage, which also gives the number of stages.
    most_skips: skips that a cell keeps at most; None for any number.
    epochs: of the training of the shared weights; 25 of each of three stages in the authors' code.
    seed: everything random follows from it.
    device: "auto", "cpu", "cuda", "cuda:1", ...
    settings: any training setting and any option of `SharedWeights`, by name.
    """
    if cells is None and isinstance(space, Darts):
        cells = (5, 11, 17)
    lengths = stage_lengths(epochs, len(skip_dropout))
    stages = [
        {"epochs": length, "skip_dropout": rate, "warm_up": round(WARM_UP * length)}
        for length, rate in zip(lengths, skip_dropout, strict=False)
    ]
    for stage, count in zip(stages, cells or (), strict=False):
        stage["cells"] = count
    done = [sum(lengths[: i + 1]) for i in range(len(lengths))]
    keep = (5 / 8, 3 / 8) if len(lengths) == 3 else tuple(1 - i / len(lengths) for i in range(1, len(lengths)))
    shrinking = ProgressiveShrinking(tuple(each / epochs for each in done[:-1]), keep, most_skips)
    strategy = Differentiable(space, optimiser=Adam(6e-4, clip=5.0), warm_up=WARM_UP, shrinking=shrinking)
    training = {"stages": stages, "batch_size": 96, "minimum_learning_rate": 0.0}
    return resolved(task, epochs, {**DARTS_CODE, **training}, settings).search(strategy, seed=seed, device=device)


def stage_lengths(epochs: int, count: int) -> list[int]:
    """The epochs of each stage, as equal as they can be; fewer stages where there are fewer epochs."""
    count = min(count, epochs)
    return [epochs // count + (i < epochs % count) for i in range(count)]


def sgas(
    space: DecisionSpace,
    task: Task,
    *,
    criterion: Literal[1, 2] = 2,
    epochs: int = 50,
    seed: int = 0,
    device: str = "auto",
    **settings: Any,
) -> Search:
    """SGAS (Li et al. 2020): from epoch 10 of 50 on, every 5 epochs the surest edge of each cell is decided for good.

    Defaults are those of the authors' code, but for its minibatches, which grow by 8 with each decision. Published for
    the space of DARTS on CIFAR-10: 2.66 ± 0.24 % test error (criterion 1), 2.52 ± 0.10 % (criterion 2), over 10
    searches; these figures are from memory.

    space: the one to search.
    task: the data.
    criterion: 1, or 2, which also asks that an edge's distribution be stable.
    epochs: of the training of the shared weights; 50 in the paper.
    seed: everything random follows from it.
    device: "auto", "cpu", "cuda", "cuda:1", ...
    settings: any training setting and any option of `SharedWeights`, by name.
    """
    strategy = Differentiable(space, shrinking=GreedyDecisions(criterion))
    return resolved(task, epochs, DARTS_CODE, settings).search(strategy, seed=seed, device=device)

"""Methods that give up options while they search: P-DARTS and DA-NAS stage by stage, SGAS edge by edge."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

from netwright.core.errors import ConfigurationError
from netwright.methods.weight_sharing import DARTS_CODE, resolved
from netwright.spaces import Darts
from netwright.strategies.differentiable import Adam, Differentiable, GreedyDecisions, ProgressiveShrinking

if TYPE_CHECKING:
    from netwright.core.decision_space import DecisionSpace
    from netwright.engine.search import Search
    from netwright.tasks.task import Task

__all__ = ["da_nas", "pdarts", "sgas"]

PAPERS = {
    "da_nas": (
        "netwright search DATA --method da-nas",
        "its own numbers, which are not known to us, and its order of the classes",
    ),
    "pdarts": ("netwright search DATA --method pdarts", ""),
    "sgas": ("netwright search DATA --method sgas", "minibatches that grow with each decision"),
}

SPACES = {
    "da_nas": "mobile:form=proxylessnas",
}

WARM_UP = 0.4  # of each stage: 10 of 25 epochs
CLASSES = (0.25, 0.5, 1.0)  # of each stage of DA-NAS
KEPT = (4 / 7, 2 / 7)  # of a decision's options after its first and its second stage


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


def da_nas(
    space: DecisionSpace,
    task: Task,
    *,
    epochs: int = 70,
    classes: Sequence[float] = CLASSES,
    kept: Sequence[float] = KEPT,
    metric: str = "macs",
    weight: float = 0.15,
    seed: int = 0,
    device: str = "auto",
    **settings: Any,
) -> Search:
    """DA-NAS (Dai et al. 2020): blocks of low weight leave while the data grow from the easy classes to all.

    All blocks of a layer are mixed by a softmax, and logits follow the validation loss with the logarithm of the
    expected cost. The first stage trains and validates on the easiest quarter of the classes, the second on half of
    them, the last on all, each as often; after the first and the second the weakest blocks of each layer leave. Weights
    and logits go on. A class is as easy as the nearest class mean names its examples rightly. Shares, lengths, the
    cost's weight (that of DenseNAS) and this order are ours, as the paper's are not known to us; the training is that
    of DARTS. Published on ImageNet: 76.2 % top-1, twice as fast as methods before it.

    space: the one to search; that of ProxylessNAS unless told otherwise.
    task: the data, with a class for each example.
    epochs: of the training of the shared weights; below one for each stage there is only the last.
    classes: the share of each stage, growing to 1.
    kept: of a decision's options after each stage but the last, at least two.
    metric: the cost: "macs", "params", "activation_memory" or "latency_ms".
    weight: of the cost's logarithm; 0 leaves it out.
    seed: everything random follows from it.
    device: "auto", "cpu", "cuda", "cuda:1", ...
    settings: any training setting and any option of `SharedWeights`, by name.

    Raises ConfigurationError for shares that do not grow to 1, or are not one more than those that are kept.
    """
    from netwright.estimators.penalties import LogSum

    if list(classes) != sorted(set(classes)) or classes[-1] != 1 or len(kept) != len(classes) - 1:
        raise ConfigurationError(
            f"da-nas: classes={classes!r}, kept={kept!r}; expected growing shares up to 1, and what is kept after each "
            "but the last"
        )
    lengths = _as_long_as(classes, epochs)
    stages = [
        {"epochs": each, "classes": share, **({"goes_on": True} if k else {})}
        for k, (each, share) in enumerate(zip(lengths, classes, strict=True))
    ]
    published = {"affine": True, **({"terms": (LogSum(metric, weight),)} if weight else {})}
    if min(lengths) < 1 or len(lengths) == 1:
        strategy = Differentiable(space)
    else:
        ends = [sum(lengths[: k + 1]) / epochs for k in range(len(kept))]
        strategy = Differentiable(space, shrinking=ProgressiveShrinking(ends, kept, most_skips=None, anew=False))
        published["stages"] = stages
    return resolved(task, epochs, published, settings).search(strategy, seed=seed, device=device)


def _as_long_as(shares: Sequence[float], epochs: int) -> list[int]:
    """Whole epochs in proportion to shares, one at least where there are as many; 0 for some where there are not."""
    ends = [round(sum(shares[: k + 1]) / sum(shares) * epochs) for k in range(len(shares))]
    for k in range(len(ends) - 1):
        ends[k] = min(max(ends[k], k + 1), epochs - (len(ends) - 1 - k))
    return [end - before for before, end in zip([0, *ends[:-1]], ends, strict=True)]


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

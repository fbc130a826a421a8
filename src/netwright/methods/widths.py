"""Searches for widths: AOWS by what each option loses, TAS by gradient."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from netwright.methods.weight_sharing import nearly_all, resolved

if TYPE_CHECKING:
    from netwright.core.decision_space import DecisionSpace
    from netwright.engine.search import Search
    from netwright.tasks.task import Task

__all__ = ["aows", "tas"]

PAPERS = {
    "aows": (
        "netwright search DATA --method aows --limit 'params <= 1M'",
        "a fit to latencies of whole networks, for which times of operations stand, and their part in what is drawn",
    ),
    "tas": (
        "netwright search DATA --method tas:target=300k",
        "interpolation of channels, for which masks stand, and the distillation of what is found",
    ),
}
SPACES = {
    "aows": "mobile:form=mobilenetv1",
    "tas": "mobile:form=fbnetv2",
}


def aows(
    space: DecisionSpace,
    task: Task,
    *,
    adaptive: bool = True,
    epochs: int = 20,
    seed: int = 0,
    device: str = "auto",
    **settings: Any,
) -> Search:
    """AOWS (Berman et al. 2020): a width is scored by what networks with it lose; the best sum under a limit is taken.

    Each step trains the largest, the smallest and a drawn network, the two following the answers of the largest. What
    the drawn one loses against the largest is noted for all its options; it is drawn uniformly at first, then by the
    scores, ever colder. What a width costs follows from the one before, as in the paper, and the best sum within the
    limits is found exactly by a sum over the layers in turn; the paper's is the best for some price of a millisecond.
    The paper's space are the widths of MobileNetV1, here all but the stem's. Rates are the authors' program's, 0.1 for
    batches of 256. Published on ImageNet: 72.4 % top-1 at 0.18 ms on a GPU (from memory).

    space: the one to search, of sizes; the paper's is `mobile:form=mobilenetv1`.
    task: the data.
    adaptive: whether networks are drawn by the scores in the end, or uniformly throughout (OWS).
    epochs: of the training of the shared weights; 20 in the program.
    seed: everything random follows from it.
    device: "auto", "cpu", "cuda", "cuda:1", ...
    settings: any training setting and any option of `SharedWeights`, by name.
    """
    from netwright.strategies.paths import OrderedWidths

    published = {
        "learning_rate": 0.1 * 64 / 256,
        "minimum_learning_rate": 0.0,
        "weight_decay": 1e-5,
        "gradient_clip": None,
        "affine": True,
        "distillation": 1.0,
        "split": nearly_all,
    }
    return resolved(task, epochs, published, settings).search(OrderedWidths(space, adaptive), seed=seed, device=device)


def tas(
    space: DecisionSpace,
    task: Task,
    *,
    target: str | float | None = None,
    metric: str = "macs",
    weight: float = 2.0,
    tolerance: float = 0.05,
    epochs: int = 600,
    seed: int = 0,
    device: str = "auto",
    **settings: Any,
) -> Search:
    """TAS (Dong and Yang 2019): two widths of each layer are drawn and mixed, and the expected cost is held in a band.

    Their weights are a Gumbel softmax that cools from 10 to 0.1. Above the band the logarithm of the expected cost is
    added to the loss, below it is taken off. Channels of different widths are brought together by masks, as in FBNetV2,
    where the paper interpolates between them; the network that is found is trained as others are, where the paper has
    it follow the unpruned one. Training as in the paper on CIFAR-10. Published there: a ResNet-110 with 53 % fewer
    multiply-adds at 94.33 % (from memory).

    space: the one to search, of sizes; that of FBNetV2 unless told otherwise.
    task: the data.
    target: of the cost, as 30M; None for the accuracy alone.
    metric: "params", "macs", "activation_memory" or "latency_ms".
    weight: of the band; 2 in the paper.
    tolerance: half of the band's width, as a share of the target; 0.05 in the paper.
    epochs: of the training of the shared weights; 600 in the paper.
    seed: everything random follows from it.
    device: "auto", "cpu", "cuda", "cuda:1", ...
    settings: any training setting and any option of `SharedWeights`, by name.
    """
    from netwright.estimators.penalties import Band
    from netwright.strategies.differentiable import Differentiable
    from netwright.strategies.differentiable.few_sampled import FewSampled

    terms = {} if target is None else {"terms": (Band(metric, target, weight, tolerance),)}
    published = {
        "learning_rate": 0.1 * 64 / 256,
        "minimum_learning_rate": 0.0,
        "nesterov": True,
        "weight_decay": 5e-4,
        "affine": True,
        **terms,
    }
    strategy = Differentiable(space, FewSampled())
    return resolved(task, epochs, published, settings).search(strategy, seed=seed, device=device)

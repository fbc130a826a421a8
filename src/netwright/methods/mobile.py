"""Searches for phones: MnasNet and TuNAS by controllers, FBNet, FBNetV2 and DenseNAS by a gradient."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from netwright.core.errors import ConfigurationError
from netwright.methods.weight_sharing import Scale, nearly_all, resolved
from netwright.strategies.differentiable import Adam, Differentiable, GumbelSoftmax
from netwright.strategies.differentiable.schedules import Schedule
from netwright.strategies.reinforcement import ClippedRatio, Learning, Lstm, PolicyGradient

if TYPE_CHECKING:
    from netwright.core.decision_space import DecisionSpace
    from netwright.engine.search import Search
    from netwright.tasks.task import Task

__all__ = ["densenas", "fbnet", "fbnetv2", "mnasnet", "tunas"]

PAPERS = {
    "densenas": (
        "netwright search DATA --method densenas",
        "its table of a GPU's latencies, for which multiply-adds stand unless told otherwise (metric=latency_ms), and "
        "its space of residual blocks",
    ),
    "fbnet": (
        "netwright search DATA --method fbnet",
        "its table of a phone's latencies, for which multiply-adds stand unless told otherwise (metric=latency_ms)",
    ),
    "fbnetv2": (
        "netwright search DATA --method fbnetv2",
        "its penalty on cost, and channels of each layer, for which those of each stage stand",
    ),
    "mnasnet": (
        "netwright search DATA --method mnasnet",
        "the 8,000 networks of its search, and latency on a phone, for which multiply-adds stand unless told otherwise",
    ),
    "tunas": (
        "netwright search DATA --method tunas:target=300k",
        "several operations at once while the controller rests; multiply-adds stand for latency unless told otherwise",
    ),
}
SPACES = {
    "densenas": "dense-nas",
    "fbnet": "mobile:form=fbnet",
    "fbnetv2": "mobile:form=fbnetv2",
    "mnasnet": "mobile:form=mnasnet",
    "tunas": "mobile:form=mobilenetv3",
}

COOLING = -0.045  # of the logarithm of the temperature, an epoch
EPOCHS, RESTED = 90, 10  # of the search, and of them those that the weights learn in alone


def mnasnet(
    space: DecisionSpace,
    metric: str = "macs",
    weight: float = -0.07,
    target: str | float | None = None,
    hard: bool = False,
    rate: float = 3.5e-4,
    batch: int = 10,
    steps: int = 4,
) -> PolicyGradient:
    """MnasNet (Tan et al. 2019): an LSTM proposes blocks, and is rewarded with accuracy * (cost / target) ^ weight.

    The controller and its rate are NASNet's, of which the paper says no more than PPO. With the soft reward the target
    is a constant factor, and none is needed. Published on ImageNet, for 8,000 networks trained for 5 epochs each:
    75.2 % top-1 at 78 ms on a Pixel 1 and 312 M multiply-adds (MnasNet-A1).

    space: the one to search; the paper's is `mobile:form=mnasnet`.
    metric: the cost, any that is measured; the paper's is the latency on a phone.
    weight: of the cost, an exponent; -0.07 in the paper, for networks of twice the latency to be worth 5 % of accuracy.
    target: of the cost, as 30M.
    hard: whether a network below the target is rewarded with its accuracy alone, and one above it with the exponent -1
        (equation 3, alpha 0 and beta -1), in place of the same weight on both sides.
    rate: of Adam, which is slow for a few hundred evaluations.
    batch: networks of one step of learning; ours.
    steps: of Adam on each batch; ours.

    Raises ConfigurationError for a hard reward without a target.
    """
    if hard and target is None:
        raise ConfigurationError("mnasnet: hard = True; expected a target beside it, as target=30M")
    share = f"`{metric}`" if target is None else f"(`{metric}` / {target})"
    factor = f"min(1, 1 / {share})" if hard else f"{share} ^ {weight}"
    learning = Learning(ClippedRatio(), rate, steps, baseline=0.95, entropy=1e-5)
    return PolicyGradient(space, Lstm(100), learning, batch, f"score * {factor}")


def fbnet(
    space: DecisionSpace,
    task: Task,
    *,
    epochs: int = EPOCHS,
    metric: str = "macs",
    alpha: float = 0.2,
    beta: float = 0.6,
    seed: int = 0,
    device: str = "auto",
    **settings: Any,
) -> Search:
    """FBNet (Wu et al. 2019): Gumbel-softmax weights that cool, weights and logits on parts of the data of their own.

    The temperature falls from 5 by exp(-0.045) an epoch; logits rest for the first tenth of the epochs and then follow
    a fifth of the examples. The loss that moves logits is multiplied by alpha * log(cost) ^ beta, the cost being
    thousands of expected multiply-adds, or with metric=latency_ms microseconds from a table of this machine's
    operations, where the paper has a phone's; it searches on 100 classes of ImageNet.
    Published on ImageNet: 74.1 % top-1 with 295 M multiply-adds and 4.5 M parameters (FBNet-B), after 216 GPU hours.

    space: the one to search; the paper's is `mobile:form=fbnet`.
    task: the data.
    epochs: of the training of the shared weights; 90 in the paper, 10 of which train weights alone.
    metric: the cost: "macs", "params", "activation_memory" or "latency_ms".
    alpha, beta: of the product; 0.2 and 0.6 in the paper. An alpha of 0 leaves the cost out.
    seed: everything random follows from it.
    device: "auto", "cpu", "cuda", "cuda:1", ...
    settings: any training setting and any option of `SharedWeights`, by name.
    """
    from netwright.estimators.penalties import LogProduct

    terms = {"terms": (LogProduct(metric, alpha, beta),)} if alpha else {}
    return resolved(task, epochs, {**PUBLISHED, **terms}, settings).search(_cooling(space), seed=seed, device=device)


def fbnetv2(
    space: DecisionSpace, task: Task, *, epochs: int = EPOCHS, seed: int = 0, device: str = "auto", **settings: Any
) -> Search:
    """FBNetV2 (Wan et al. 2020): the same for channels and resolution, by masks on the largest layer.

    A layer is computed once at its largest; its channels are weighed by all sizes that have them, and kernels by their
    weights add up to one. A mixture of resolutions is a weighted sum of images, each brought back to the largest, where
    the paper spreads zeros between pixels; stages, not layers, have numbers of channels. Without the paper's penalty
    on cost. Published on ImageNet: 76.0 % top-1 with 238 M multiply-adds (FBNetV2-F4).

    space: the one to search; the paper's is `mobile:form=fbnetv2`.
    task: the data.
    epochs: of the training of the shared weights; 90, as FBNet.
    seed: everything random follows from it.
    device: "auto", "cpu", "cuda", "cuda:1", ...
    settings: any training setting and any option of `SharedWeights`, by name.
    """
    return resolved(task, epochs, PUBLISHED, settings).search(_cooling(space), seed=seed, device=device)


def densenas(
    space: DecisionSpace,
    task: Task,
    *,
    epochs: int = 150,
    metric: str = "macs",
    weight: float = 0.15,
    seed: int = 0,
    device: str = "auto",
    **settings: Any,
) -> Search:
    """DenseNAS (Fang et al. 2020): routes through blocks of many widths are weighed, operations on them are drawn.

    Each block reads all that may lead to it, weighed by a softmax; of its operations one is drawn to train weights, and
    two are compared to move the logits, which rest for the first third of the epochs. To the loss that moves them the
    logarithm of the expected cost is added, which is chained from block to block: here of millions of multiply-adds, or
    with metric=latency_ms of milliseconds from a table of this machine's operations, where the paper has a GPU's. The
    likeliest route is decoded by the Viterbi algorithm, within limits by one that follows costs, too. It searches on
    100 classes of ImageNet, and moves logits and weights in turn by epochs, where here it is by steps. Defaults are
    those of the authors' program. Published on ImageNet: 75.3 % top-1 with 361 M multiply-adds (DenseNAS-C).

    space: the one to search; the paper's is `dense-nas`.
    task: the data.
    epochs: of the training of the shared weights; 150 in the program, 50 of which train weights alone.
    metric: the cost: "macs", "params", "activation_memory" or "latency_ms".
    weight: of its logarithm to the base of 15; 0.15 in the program. 0 leaves the cost out.
    seed: everything random follows from it.
    device: "auto", "cpu", "cuda", "cuda:1", ...
    settings: any training setting and any option of `SharedWeights`, by name.
    """
    from netwright.estimators.penalties import LogSum
    from netwright.strategies.differentiable.sampled_on_routes import SampledOnRoutes

    terms = {"terms": (LogSum(metric, weight),)} if weight else {}
    strategy = Differentiable(space, SampledOnRoutes(), warm_up=1 / 3)
    return resolved(task, epochs, {**DENSENAS, **terms}, settings).search(strategy, seed=seed, device=device)


def tunas(
    space: DecisionSpace,
    task: Task,
    *,
    target: str | float | None = None,
    metric: str = "macs",
    weight: float = 0.07,
    rate: float = 4.8e-3,
    epochs: int = 90,
    seed: int = 0,
    device: str = "auto",
    **settings: Any,
) -> Search:
    """TuNAS (Bender et al. 2020): a distribution for each decision, rewarded with accuracy - weight |cost/target - 1|.

    The absolute reward reaches the target without tuning. Paths are uniform in the first quarter of the training, in
    which the paper also trains several operations at once; sizes share the weights of the largest. The rate is from
    memory. Published on ImageNet: 75.4 % top-1 at the latency of MobileNetV3, in its largest space.

    space: the one to search; one of the paper's is `mobile:form=mobilenetv3`.
    task: the data.
    target: of the cost, as 30M; None for the accuracy alone.
    metric: "params", "macs", "activation_memory" or "latency_ms", which is the paper's, here of this machine.
    weight: what being off by the whole target costs, in accuracy of 0 to 1; minus the paper's beta.
    rate: of the controller's Adam.
    epochs: of the training of the shared weights; 90 in the paper.
    seed: everything random follows from it.
    device: "auto", "cpu", "cuda", "cuda:1", ...
    settings: any training setting and any option of `SharedWeights`, by name.
    """
    from netwright.estimators.penalties import Absolute
    from netwright.strategies.reinforcement import PathController

    terms = {} if target is None else {"terms": (Absolute(metric, target, weight),)}
    learning = Learning(None, rate, baseline=0.95)
    published = {**PUBLISHED, "split": nearly_all, **terms}
    return resolved(task, epochs, published, settings).search(
        PathController(space, None, learning), seed=seed, device=device
    )


def _cooling(space: DecisionSpace) -> Differentiable:
    """The paper's samples, whatever the number of epochs: cooled as far as in its own."""
    cooled = Schedule(5.0, 5.0 * math.exp(COOLING * EPOCHS), "exponential")
    return Differentiable(
        space,
        GumbelSoftmax(cooled),
        Adam(0.01, betas=(0.9, 0.999), weight_decay=5e-4),
        warm_up=RESTED / EPOCHS,
        weights_first=True,
    )


def _batch(scale: Scale) -> int:
    """192, the paper's, or fewer where that leaves less than 20 steps an epoch."""
    return max(16, min(192, scale.training_examples // 20))


PUBLISHED: Mapping[str, Any] = {
    "split": 0.2,
    "batch_size": _batch,
    "learning_rate": lambda scale: 0.1 * scale["batch_size"] / 192,
    "minimum_learning_rate": 0.0,
    "weight_decay": 1e-4,
    "gradient_clip": None,
    "affine": True,
    "augment_probes": False,
}
DENSENAS: Mapping[str, Any] = {
    "split": 0.2,
    "batch_size": _batch,
    "learning_rate": lambda scale: 0.2 * scale["batch_size"] / 352,
    "minimum_learning_rate": lambda scale: 1e-4 * scale["batch_size"] / 352,
    "weight_decay": 4e-5,
    "gradient_clip": None,
    "augment_probes": False,
    "pace": "step",
}

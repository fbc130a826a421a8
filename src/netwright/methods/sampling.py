"""Searches that draw their mixtures: SNAS, GDAS, DATA and DSNAS."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from netwright.methods.weight_sharing import DARTS_CODE, ONE_LEVEL, resolved
from netwright.strategies.differentiable import (
    Adam,
    Differentiable,
    GumbelSoftmax,
    OneHot,
    Rectified,
    StraightThrough,
)

if TYPE_CHECKING:
    from netwright.core.decision_space import DecisionSpace
    from netwright.engine.search import Search
    from netwright.tasks.task import Task

__all__ = ["data_nas", "dsnas", "gdas", "snas", "unas"]

PAPERS = {
    "data_nas": (
        "netwright search DATA --method data-nas",
        "",
    ),
    "dsnas": (
        "netwright search DATA --method dsnas",
        "its progressive early stop and penalty on operations",
    ),
    "gdas": (
        "netwright search DATA --method gdas",
        "",
    ),
    "snas": (
        "netwright search DATA --method snas",
        "its penalty on resources",
    ),
    "unas": (
        "netwright search DATA --method unas",
        "latency on its GPU, for which a term or a limit stands (terms=0.1*latency_ms)",
    ),
}
SPACES = {
    "dsnas": "mobile:form=shufflenet",
}


def snas(
    space: DecisionSpace, task: Task, *, epochs: int = 150, seed: int = 0, device: str = "auto", **settings: Any
) -> Search:
    """SNAS (Xie et al. 2019): concrete samples, weights and logits follow one loss; temperature from 1 to 0.03.

    Without the paper's penalty on resources. Defaults are those of the authors' code, with the Adam of its distributed
    form for the logits; three tenths of the edges are dropped throughout, and the temperature falls before each epoch,
    so that it is 0.03 in the last. Published for the space of DARTS on CIFAR-10: 2.85 ± 0.02 % test error, with the
    moderate penalty.

    space: the one to search.
    task: the data.
    epochs: of the training of the shared weights; 150 in the authors' code.
    seed: everything random follows from it.
    device: "auto", "cpu", "cuda", "cuda:1", ...
    settings: any training setting and any option of `SharedWeights`, by name.
    """
    strategy = Differentiable(space, GumbelSoftmax(), level="one")
    found = resolved(
        task, epochs, {**DARTS_CODE, **ONE_LEVEL, "drop_path": 0.3, "drop_path_shape": "constant"}, settings
    )
    return found.search(strategy, seed=seed, device=device)


def gdas(
    space: DecisionSpace, task: Task, *, epochs: int = 250, seed: int = 0, device: str = "auto", **settings: Any
) -> Search:
    """GDAS (Dong and Yang 2019): one option a decision is drawn and computed; temperature from 10 to 0.1.

    Defaults are those of the authors' code for NAS-Bench-201, which moves the weights before the logits. Published for
    the space of DARTS on CIFAR-10: 2.93 % test error (2.82 % with a fixed reduction cell); the NAS-Bench-201 paper
    reports 93.61 ± 0.09 % test accuracy for that space.

    space: the one to search.
    task: the data.
    epochs: of the training of the shared weights; 250 in the authors' code for NAS-Bench-201.
    seed: everything random follows from it.
    device: "auto", "cpu", "cuda", "cuda:1", ...
    settings: any training setting and any option of `SharedWeights`, by name.
    """
    strategy = Differentiable(space, StraightThrough(), weights_first=True)
    found = resolved(task, epochs, {"weight_decay": 5e-4, "nesterov": True}, settings)
    return found.search(strategy, seed=seed, device=device)


def data_nas(
    space: DecisionSpace,
    task: Task,
    *,
    samples: int = 7,
    epochs: int = 100,
    seed: int = 0,
    device: str = "auto",
    **settings: Any,
) -> Search:
    """DATA (Chang et al. 2019): the union of several discrete samples is computed.

    Defaults are those of the authors' code: probabilities by rectified parameters, a tenth of their distance from what
    was drawn added to the loss, no weight decay of them, a temperature that falls from 5 by 4 in 150 epochs. The code
    keeps several operations on an edge in the end; here each decision keeps its likeliest option.

    space: the one to search.
    task: the data.
    samples: M; the paper reports 1, 4 and 7, its code takes 2.
    epochs: of the training of the shared weights.
    seed: everything random follows from it.
    device: "auto", "cpu", "cuda", "cuda:1", ...
    settings: any training setting and any option of `SharedWeights`, by name.
    """
    strategy = Differentiable(space, Rectified(samples=samples), Adam(weight_decay=0.0))
    return resolved(task, epochs, DARTS_CODE, settings).search(strategy, seed=seed, device=device)


def dsnas(
    space: DecisionSpace, task: Task, *, epochs: int = 240, seed: int = 0, device: str = "auto", **settings: Any
) -> Search:
    """DSNAS (Hu et al. 2020): single paths, one loss; the logits follow a policy gradient with local credit.

    Without its progressive early stop and its penalty on operations. Defaults are those of the authors' configuration
    for ImageNet: learning rate 0.5 for batches of 1,024 images, 0.03125 for 64; label smoothing of 0.1, no gradient
    clip; Adam(1e-3) without weight decay for the logits. Normalisation does not decay, nor do biases here. Published
    for blocks of ShuffleNet v2 on ImageNet: 74.4 % top-1 accuracy, without training again.

    space: the one to search.
    task: the data.
    epochs: of the training of the shared weights; 240 in the authors' configuration.
    seed: everything random follows from it.
    device: "auto", "cpu", "cuda", "cuda:1", ...
    settings: any training setting and any option of `SharedWeights`, by name.
    """
    strategy = Differentiable(space, OneHot(), Adam(1e-3, weight_decay=0.0), level="one")
    training = {"learning_rate": 0.03125, "minimum_learning_rate": 0.0, "weight_decay": 4e-5, "affine": True}
    training |= {"warm_up": 5 / 240, "pace": "step", "label_smoothing": 0.1, "gradient_clip": None, "decay_all": False}
    return resolved(task, epochs, {**ONE_LEVEL, **training}, settings).search(strategy, seed=seed, device=device)


def unas(
    space: DecisionSpace,
    task: Task,
    *,
    gap: float = 0.5,
    epochs: int = 50,
    seed: int = 0,
    device: str = "auto",
    **settings: Any,
) -> Search:
    """UNAS (Vahdat et al. 2020): drawn networks give an unbiased gradient, relaxed ones take its variance away.

    The loss of the logits is the validation loss and a half of its distance from the training loss. What has no
    gradient, as a measured latency, is part of it in the paper; here `terms` and limits are, of the drawn network and
    on average of the relaxed one. Temperature and rates are those of DARTS or ours. Published on CIFAR-10: 2.53 % test
    error (from memory), on ImageNet 24.46 % in the space of ProxylessNAS.

    space: the one to search.
    task: the data.
    gap: weight of the distance between both losses; 0 leaves it out.
    epochs: of the training of the shared weights; 50, as DARTS.
    seed: everything random follows from it.
    device: "auto", "cpu", "cuda", "cuda:1", ...
    settings: any training setting and any option of `SharedWeights`, by name.
    """
    from netwright.strategies.differentiable.control_variate import ControlVariate

    return resolved(task, epochs, DARTS_CODE, settings).search(ControlVariate(space, gap=gap), seed=seed, device=device)

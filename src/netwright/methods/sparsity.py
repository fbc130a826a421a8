"""Sparsity and posteriors in place of logits: AtomNAS, BayesNAS and PGNAS."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from netwright.methods.weight_sharing import (
    DARTS_CODE,
    ONE_LEVEL,
    affordable,
    nearly_all,
    resolved,
    statistics_from,
)

if TYPE_CHECKING:
    from netwright.core.decision_space import DecisionSpace
    from netwright.engine.search import Search
    from netwright.tasks.task import Task

__all__ = ["atomnas", "bayesnas", "pgnas"]

PAPERS = {
    "atomnas": (
        "netwright search DATA --method atomnas --limit 'macs <= 30M'",
        "RMSprop and averaged weights, for which SGD stands; squeeze and excitation and swish, of its larger networks",
    ),
    "bayesnas": (
        "netwright search DATA --method bayesnas",
        "its compression of networks, and switches of each repeated cell, which share one here",
    ),
    "pgnas": (
        "netwright search DATA --method pgnas",
        "the weights' own part of the divergence, for which a constant and the weights' decay stand",
    ),
}

SPACES = {
    "atomnas": "mobile:form=atomnas",
}

CANDIDATES = 100
ATOMNAS_STRENGTH = 1.2e-4
FALLS = 1.5  # from which a scale that nothing holds gets to zero by the end of the training, at least
STATISTICS = 20_000  # images, before a network is scored


def atomnas(
    space: DecisionSpace,
    task: Task,
    *,
    strength: float | None = None,
    epochs: int = 350,
    seed: int = 0,
    device: str = "auto",
    **settings: Any,
) -> Search:
    """AtomNAS (Mei et al. 2020): channels with kernels of several sizes leave a network while it is trained.

    The scale of each channel's normalisation is pulled to zero in proportion to the multiply-adds of the channel; what
    is at zero at the end of an epoch leaves the network, which so gets quicker to train. What is left in the end is
    handed over as it is, without a training of its own. The paper leads to a size by the strength of the pull; here a
    limit does as well, as `--limit "macs <= 30M"`: the weakest channels then leave early enough for it. The pull is a
    proximal step, for which the paper's gradient stands in the limit of small rates; SGD with Nesterov's momentum and a
    rate that falls along a line, which is what the authors' program trains MobileNetV2 with, stands for RMSprop.
    Published on ImageNet: 76.3 % top-1 with 360 M multiply-adds and 4.7 M parameters (AtomNAS-C).

    space: the one to search; the paper's is `mobile:form=atomnas`.
    task: the data.
    strength: of the pull, lambda in the paper; 1.2e-4 for AtomNAS-B, 1.8e-4 for A. None for the former, and for more
        where the steps are so few that a scale which the loss does not hold would not get from 1.5 to zero.
    epochs: of the training; 350 in the paper.
    seed: everything random follows from it.
    device: "auto", "cpu", "cuda", "cuda:1", ...
    settings: any training setting and any option of `SharedWeights`, by name.

    Raises ConfigurationError for a space whose networks have no atomic blocks.
    """
    from netwright.strategies.rounds.shrinking_network import ShrinkingNetwork
    from netwright.supernets import Atoms
    from netwright.supernets.atomic import atoms_of

    atoms_of(space)
    found = resolved(task, epochs, ATOMNAS, settings)
    if strength is None:
        reach = (
            found.scale.total_steps * found.settings["learning_rate"] / 2 / (1 - found.settings.get("momentum", 0.9))
        )
        strength = max(ATOMNAS_STRENGTH, FALLS / reach)
    found = replace(found, settings={"weights": Atoms(strength), **found.settings})
    return found.search(ShrinkingNetwork(space), seed=seed, device=device)


def bayesnas(
    space: DecisionSpace,
    task: Task,
    *,
    penalty: float = 0.01,
    epochs: int = 2,
    seed: int = 0,
    device: str = "auto",
    **settings: Any,
) -> Search:
    """BayesNAS (Zhou et al. 2019): options and edges have switches; those whose prior variance stays large are kept.

    One epoch trains weights alone, one weights and switches under a group lasso; then the priors' variances are
    estimated once, by the curvature of the loss. Batches of 18 and a constant rate of 0.1 are those of the authors'
    program; the curvature is exact here, where the program goes back layer by layer. Published on CIFAR-10: 2.81 ±
    0.04 % test error with 3.4 M parameters, after 0.2 GPU days.

    space: the one to search.
    task: the data.
    penalty: lambda of both lassos; from 0.005 to 0.01 in the authors' runs.
    epochs: of the training; 2 in the program, the first half of them for the weights alone.
    seed: everything random follows from it.
    device: "auto", "cpu", "cuda", "cuda:1", ...
    settings: any training setting and any option of `SharedWeights`, by name.
    """
    from netwright.strategies.differentiable.relevance import RelevanceDetermination

    published = {
        **ONE_LEVEL,
        "batch_size": 18,
        "learning_rate": 0.1,
        "minimum_learning_rate": 0.1,
        "weight_decay": 1e-4,
        "gradient_clip": None,
        "affine": True,
    }
    strategy = RelevanceDetermination(space, penalty, penalty)
    return resolved(task, epochs, published, settings).search(strategy, seed=seed, device=device)


def pgnas(
    space: DecisionSpace,
    task: Task,
    *,
    candidates: int | None = None,
    epochs: int = 50,
    seed: int = 0,
    device: str = "auto",
    **settings: Any,
) -> Search:
    """PGNAS (Zhou et al. 2020): dropout of options learns a posterior of networks; what is drawn from it is scored.

    Every option has a probability that it stays, which concrete dropout learns beside the weights; in the end networks
    are drawn by these and scored with the shared weights, and the best is taken. The paper's spaces are ENAS's and
    DenseNets; strengths of the prior, rate and number of draws are ours. Published on CIFAR-10: 1.98 % test error (from
    memory).

    space: the one to search.
    task: the data.
    candidates: networks that are drawn and scored; None for 100, or as many as take as long as the training.
    epochs: of the training of the shared weights; 50, as DARTS.
    seed: everything random follows from it.
    device: "auto", "cpu", "cuda", "cuda:1", ...
    settings: any training setting and any option of `SharedWeights`, by name.
    """
    from netwright.strategies.differentiable.posterior import DropoutPosterior

    found = resolved(task, epochs, {**DARTS_CODE, **ONE_LEVEL}, settings)
    count = affordable(CANDIDATES, found.scale) if candidates is None else candidates
    return found.search(DropoutPosterior(space, candidates=count), seed=seed, device=device)


ATOMNAS: Mapping[str, Any] = {
    "split": nearly_all,
    "learning_rate": lambda scale: 0.5 * scale["batch_size"] / 1024,
    "minimum_learning_rate": 0.0,
    "schedule": "linear",
    "nesterov": True,
    "pace": "step",
    "weight_decay": 1e-5,
    "decay_all": False,
    "label_smoothing": 0.1,
    "gradient_clip": None,
    "hand_over": True,
    "recalibrate": statistics_from(STATISTICS, 1),
}

"""Sparsity and posteriors in place of logits: BayesNAS and PGNAS."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from netwright.methods.weight_sharing import DARTS_CODE, ONE_LEVEL, affordable, resolved

if TYPE_CHECKING:
    from netwright.core.decision_space import DecisionSpace
    from netwright.engine.search import Search
    from netwright.tasks.task import Task

__all__ = ["bayesnas", "pgnas"]

PAPERS = {
    "bayesnas": (
        "netwright search DATA --method bayesnas",
        "its compression of networks, and switches of each repeated cell, which share one here",
    ),
    "pgnas": (
        "netwright search DATA --method pgnas",
        "the weights' own part of the divergence, for which a constant and the weights' decay stand",
    ),
}

CANDIDATES = 100


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

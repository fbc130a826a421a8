"""Searches for a product of categorical distributions on sampled paths: ASNG and MDENAS."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from netwright.methods.weight_sharing import DARTS_CODE, half_a_side, resolved

if TYPE_CHECKING:
    from netwright.core.decision_space import DecisionSpace
    from netwright.engine.search import Search
    from netwright.tasks.task import Task

__all__ = ["asng", "mdenas"]

PAPERS = {
    "asng_nas": ("netwright search DATA --method asng", ""),
    "mdenas": ("netwright search DATA --method mdenas", ""),
}


def asng(
    space: DecisionSpace,
    task: Task,
    *,
    epochs: int = 100,
    samples: int = 2,
    alpha: float = 1.5,
    seed: int = 0,
    device: str = "auto",
    **settings: Any,
) -> Search:
    """ASNG-NAS (Akimoto et al. 2019): weights and the natural gradient of all probabilities in turn.

    Published on CIFAR-10, for cells in which each of five nodes reads two earlier ones by one of five operations, which
    is the space NasNet(operations="enas", projected=True): 2.83 ± 0.14 % test error. Defaults are those of the authors'
    code, with its cutout of 16 of 32 pixels. Learning rates, weight decay and gradient clip are meant for the mean
    gradient of the samples, and scaled to the sum that is taken.

    space: the one to search.
    task: the data.
    epochs: of the training of the shared weights.
    samples: architectures of each step.
    alpha: how sure of its direction a step must be before the rate grows.
    seed: everything random follows from it.
    device: "auto", "cpu", "cuda", "cuda:1", ...
    settings: any training setting and any option of `SharedWeights`, by name.
    """
    from netwright.strategies.paths import NaturalGradient

    chosen: dict[str, Any] = {
        "learning_rate": 0.025,
        "minimum_learning_rate": 0.0,
        "weight_decay": 3e-4,
        "gradient_clip": 5.0,
        "cutout": half_a_side,
        **settings,
    }
    for name in ("learning_rate", "minimum_learning_rate"):
        chosen[name] /= samples
    for name in ("weight_decay", "gradient_clip"):
        chosen[name] = None if chosen[name] is None else chosen[name] * samples
    found = resolved(task, epochs, chosen, {})
    return found.search(NaturalGradient(space, samples, alpha), seed=seed, device=device)


def mdenas(
    space: DecisionSpace,
    task: Task,
    *,
    epochs: int = 100,
    rate: float = 0.01,
    seed: int = 0,
    device: str = "auto",
    **settings: Any,
) -> Search:
    """MDENAS (Zheng et al. 2019): each epoch trains one sampled architecture, and options are compared by how they did.

    Published on CIFAR-10: 2.55 % test error. Its search code is not public: the weights train as those of DARTS do, on
    its supernet, which is the paper's. The number of samples is that of the epochs, so that a short search leaves the
    probabilities nearly uniform.

    space: the one to search.
    task: the data.
    epochs: of the training of the shared weights.
    rate: by how much a probability moves in one comparison.
    seed: everything random follows from it.
    device: "auto", "cpu", "cuda", "cuda:1", ...
    settings: any training setting and any option of `SharedWeights`, by name.
    """
    from netwright.strategies.paths import MultinomialLearning

    found = resolved(task, epochs, DARTS_CODE, settings)
    return found.search(MultinomialLearning(space, rate), seed=seed, device=device)

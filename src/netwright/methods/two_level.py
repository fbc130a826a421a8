"""DARTS and those who keep its levels: the validation loss moves the architecture, the training loss the weights."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from netwright.methods.weight_sharing import DARTS_CODE, resolved
from netwright.strategies.differentiable import Adam, Differentiable, Experts, Proximal

if TYPE_CHECKING:
    from netwright.core.decision_space import DecisionSpace
    from netwright.engine.search import Search
    from netwright.tasks.task import Task

__all__ = ["darts", "darts_second_order", "milenas", "nasp", "pc_darts", "xnas"]

PAPERS = {
    "darts": ("netwright search DATA --method darts", ""),
    "milenas": ("netwright search DATA --method milenas", ""),
    "nasp": ("netwright search DATA --method nasp", ""),
    "pc_darts": ("netwright search DATA --method pc-darts", ""),
    "xnas": ("netwright search DATA --method xnas", "constants that are not public: they are a guess"),
}


def darts(
    space: DecisionSpace,
    task: Task,
    *,
    order: Literal[1, 2] = 1,
    epochs: int = 50,
    seed: int = 0,
    device: str = "auto",
    **settings: Any,
) -> Search:
    """DARTS (Liu et al. 2019): softmax mixtures, the logits follow the validation loss, the weights the training loss.

    Defaults are those of the authors' code: Adam(3e-4) for the logits, SGD from 0.025 to 0.001, batches of 64, half of
    the examples each for weights and logits. Published for `Darts()` on CIFAR-10: 3.00 ± 0.14 % test error (first
    order), 2.76 ± 0.09 % (second order).

    space: the one to search.
    task: the data.
    order: 1, or 2 for the gradient through one training step.
    epochs: of the training of the shared weights; 50 in the authors' code.
    seed: everything random follows from it.
    device: "auto", "cpu", "cuda", "cuda:1", ...
    settings: any training setting and any option of `SharedWeights`, by name.
    """
    found = resolved(task, epochs, {**DARTS_CODE, "order": order}, settings)
    return found.search(Differentiable(space), seed=seed, device=device)


def darts_second_order(
    space: DecisionSpace, task: Task, *, epochs: int = 50, seed: int = 0, device: str = "auto", **settings: Any
) -> Search:
    """DARTS with the gradient through one training step (Liu et al. 2019, equation 7); see `darts`.

    space: the one to search.
    task: the data.
    epochs: of the training of the shared weights; 50 in the authors' code.
    seed: everything random follows from it.
    device: "auto", "cpu", "cuda", "cuda:1", ...
    settings: any training setting and any option of `SharedWeights`, by name.
    """
    return darts(space, task, order=2, epochs=epochs, seed=seed, device=device, **settings)


def milenas(
    space: DecisionSpace,
    task: Task,
    *,
    validation_weight: float = 1.0,
    epochs: int = 50,
    seed: int = 0,
    device: str = "auto",
    **settings: Any,
) -> Search:
    """MiLeNAS (He et al. 2020): the logits follow the training loss plus `validation_weight` times the validation loss.

    The training loss is measured on the minibatch that the weights train on next. Defaults are those of the authors'
    code, which clips the gradient of the logits where that of the weights is meant, and so leaves the weights
    unclipped. Published for the space of DARTS on CIFAR-10: 2.51 ± 0.11 % test error; this figure is from memory.

    space: the one to search.
    task: the data.
    validation_weight: lambda of equation 6; 1 in the authors' code.
    epochs: of the training of the shared weights; 50 in the authors' code.
    seed: everything random follows from it.
    device: "auto", "cpu", "cuda", "cuda:1", ...
    settings: any training setting and any option of `SharedWeights`, by name.
    """
    strategy = Differentiable(space, level="mixed", validation_weight=validation_weight)
    found = resolved(task, epochs, {**DARTS_CODE, "gradient_clip": None}, settings)
    return found.search(strategy, seed=seed, device=device)


def pc_darts(
    space: DecisionSpace,
    task: Task,
    *,
    partial_channels: int = 4,
    epochs: int = 50,
    seed: int = 0,
    device: str = "auto",
    **settings: Any,
) -> Search:
    """PC-DARTS (Xu et al. 2020): a quarter of the channels pass the operations, and sources are weighted, too.

    Only the weights learn in the first 15 of 50 epochs. Sources are weighted where the space leaves it open which to
    read. Defaults are those of the authors' code for CIFAR-10. Published there, for the space of DARTS: 2.57 ± 0.07 %
    test error, 0.1 GPU-days of search.

    space: the one to search.
    task: the data.
    partial_channels: one in so many of the channels passes the operations.
    epochs: of the training of the shared weights; 50 in the authors' code.
    seed: everything random follows from it.
    device: "auto", "cpu", "cuda", "cuda:1", ...
    settings: any training setting and any option of `SharedWeights`, by name.
    """
    chooses_sources = any(each.kind == "sources" for each in space.decisions)
    strategy = Differentiable(space, optimiser=Adam(6e-4), warm_up=0.3, edge_weights=chooses_sources)
    training = {"batch_size": 256, "learning_rate": 0.1, "minimum_learning_rate": 0.0}
    found = resolved(task, epochs, {**DARTS_CODE, "partial_channels": partial_channels, **training}, settings)
    return found.search(strategy, seed=seed, device=device)


def xnas(
    space: DecisionSpace, task: Task, *, epochs: int = 50, seed: int = 0, device: str = "auto", **settings: Any
) -> Search:
    """XNAS (Nayman et al. 2019): options are experts, whose weights move by exponentiated gradients and are wiped out.

    Its search code is not public: the weights train as those of DARTS do, and `ExponentiatedGradient` says which
    constants are a guess. Published for cells of DARTS's form on CIFAR-10: 1.81 % test error with 3.7 M parameters,
    trained with AutoAugment for 1,500 epochs.

    space: the one to search.
    task: the data.
    epochs: of the training of the shared weights.
    seed: everything random follows from it.
    device: "auto", "cpu", "cuda", "cuda:1", ...
    settings: any training setting and any option of `SharedWeights`, by name.
    """
    found = resolved(task, epochs, DARTS_CODE, settings)
    return found.search(Differentiable(space, Experts()), seed=seed, device=device)


def nasp(
    space: DecisionSpace, task: Task, *, epochs: int = 50, seed: int = 0, device: str = "auto", **settings: Any
) -> Search:
    """NASP (Yao et al. 2020): the network is discrete throughout; its parameters move by the gradient at that point.

    Defaults are those of the authors' code. Published for the space of DARTS on CIFAR-10: 2.83 ± 0.09 % test error;
    this figure is from memory.

    space: the one to search.
    task: the data.
    epochs: of the training of the shared weights.
    seed: everything random follows from it.
    device: "auto", "cpu", "cuda", "cuda:1", ...
    settings: any training setting and any option of `SharedWeights`, by name.
    """
    found = resolved(task, epochs, DARTS_CODE, settings)
    return found.search(Differentiable(space, Proximal()), seed=seed, device=device)

"""Searches in which a learnt evaluator says what to sample, or where the loss is low: SETN and PVLL-NAS."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from netwright.methods.weight_sharing import DARTS_CODE, logit_rate, resolved
from netwright.strategies.differentiable import Adam, SelfEvaluated
from netwright.strategies.paths import ProxyLandscape

if TYPE_CHECKING:
    from netwright.core.decision_space import DecisionSpace
    from netwright.engine.search import Search
    from netwright.tasks.task import Task

__all__ = ["pvll_nas", "setn"]

PAPERS = {
    "pvll_nas": (
        "netwright search DATA --method pvll-nas",
        "the form of its estimator, which is not public",
    ),
    "setn": (
        "netwright search DATA --method setn",
        "",
    ),
}


def setn(
    space: DecisionSpace,
    task: Task,
    *,
    candidates: int = 100,
    epochs: int = 250,
    seed: int = 0,
    device: str = "auto",
    **settings: Any,
) -> Search:
    """SETN (Dong and Yang 2019): a template trained on uniform samples; in the end an evaluator says what to look at.

    Each step trains the weights on one operation an edge, drawn uniformly, then moves the evaluator's logits by the
    validation loss of the softmax mixture. In the end architectures drawn from the softmax are compared on one
    validation minibatch each, as the paper has it; the authors' code for NAS-Bench-201, of which all other defaults
    are, compares the 100 likeliest, and after each epoch, too. Published on CIFAR-10: 2.69 % test error; the
    NAS-Bench-201 paper reports 87.64 % test accuracy for its space; these figures are from memory.

    space: the one to search.
    task: the data.
    candidates: how many architectures are compared in the end.
    epochs: of the training of the shared weights; 250 in the authors' code for NAS-Bench-201.
    seed: everything random follows from it.
    device: "auto", "cpu", "cuda", "cuda:1", ...
    settings: any training setting and any option of `SharedWeights`, by name.
    """
    strategy = SelfEvaluated(space, candidates=candidates)
    found = resolved(task, epochs, {"weight_decay": 5e-4, "nesterov": True}, settings)
    return found.search(strategy, seed=seed, device=device)


def pvll_nas(
    space: DecisionSpace,
    task: Task,
    *,
    architecture_rate: float | None = None,
    epochs: int = 100,
    seed: int = 0,
    device: str = "auto",
    **settings: Any,
) -> Search:
    """PVLL-NAS (Li et al. 2020): a network learns the validation loss of paths, and its gradient moves the logits.

    After a warm-up of uniform paths each step draws a path from the logits, trains it, measures its loss on a
    validation minibatch, fits a regression to all losses so far, the newer with more weight, and moves the logits down
    the regression at a Gumbel-softmax sample. Its program is not public: the weights train as those of DARTS do, and
    the regression (one hidden layer on the one-hot path), its memory, its weights of age, the length of the warm-up and
    the temperature are guesses. Published for the space of DARTS on CIFAR-10: 2.70 ± 0.12 % test error, 0.2 GPU-days;
    these figures are from memory.

    space: the one to search.
    task: the data.
    architecture_rate: of the logits' Adam; None for that of DARTS, or faster in a short search.
    epochs: of the training of the shared weights.
    seed: everything random follows from it.
    device: "auto", "cpu", "cuda", "cuda:1", ...
    settings: any training setting and any option of `SharedWeights`, by name.
    """
    found = resolved(task, epochs, DARTS_CODE, settings)
    rate = logit_rate(3e-4, found.scale.total_steps) if architecture_rate is None else architecture_rate
    return found.search(ProxyLandscape(space, Adam(rate)), seed=seed, device=device)

"""Searches in which a learnt evaluator says what to sample: SETN."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from netwright.methods.weight_sharing import resolved
from netwright.strategies.differentiable import SelfEvaluated

if TYPE_CHECKING:
    from netwright.core.space import Space
    from netwright.engine.search import Search
    from netwright.tasks.task import Task

__all__ = ["setn"]

PAPERS = {
    "setn": (
        "netwright search DATA --method setn",
        "",
    ),
}


def setn(
    space: Space,
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

    candidates: how many architectures are compared in the end.
    """
    strategy = SelfEvaluated(space, candidates=candidates)
    found = resolved(task, epochs, {"weight_decay": 5e-4, "nesterov": True}, settings)
    return found.search(strategy, seed=seed, device=device)

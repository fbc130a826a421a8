"""Searches for recurrent cells: DARTS and I-DARTS on texts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

from netwright.core.errors import UserError
from netwright.methods.weight_sharing import resolved
from netwright.strategies.differentiable import Adam, Differentiable, NodeSoftmax

if TYPE_CHECKING:
    from netwright.core.decision_space import DecisionSpace
    from netwright.engine.search import Search
    from netwright.tasks.task import Task

__all__ = ["darts_rnn", "i_darts"]

PAPERS = {
    "i_darts": (
        "netwright search TEXT --method i-darts",
        "named entities; and that no node but the first may read state 0 in the end, as in the authors' program",
    ),
}

SPACES = {
    "i_darts": "recurrent",
}

CODE: Mapping[str, Any] = {
    "split": 0.1,
    "batch_size": 256,
    "learning_rate": 20.0,
    "minimum_learning_rate": 0.0,
    "schedule": "constant",
    "momentum": 0.0,
    "weight_decay": 5e-7,
    "gradient_clip": 0.25,
}
"""The weight training of the authors' code (rnn/train_search.py)."""
LOGITS = Adam(3e-3, (0.9, 0.999), 1e-3)


def darts_rnn(
    space: DecisionSpace,
    task: Task,
    *,
    order: Literal[1, 2] = 1,
    epochs: int = 50,
    seed: int = 0,
    device: str = "auto",
    **settings: Any,
) -> Search:
    """DARTS for recurrent cells (Liu et al. 2019): mixtures of activations and predecessors, each state normalised.

    Defaults are those of the authors' code: SGD at 20 without momentum, clipped at 0.25, batches of 256 windows whose
    states are carried on, Adam(3e-3) with a decay of 1e-3 for the logits. Here a tenth of the text moves the logits, in
    their place Penn Treebank's own validation part. Left out are the slowness penalty on states (1e-3) and windows of
    half the length (1 in 20). Its space is `Recurrent(channels=300, input_dropout=0.2, cell_dropout=0.75,
    state_dropout=0.25, output_dropout=0.75)`, its windows have 35 words. Published for Penn Treebank: test perplexity
    57.6 (first order) and 55.7 (second order), of cells trained anew; the figures are from memory.

    space: the one to search.
    task: a text.
    order: 1, or 2 for the gradient through one training step.
    epochs: of the training of the shared weights; 50 in the authors' code.
    seed: everything random follows from it.
    device: "auto", "cpu", "cuda", "cuda:1", ...
    settings: any training setting and any option of `SharedWeights`, by name.
    """
    _require_text("darts-rnn", task)
    strategy = Differentiable(space, optimiser=LOGITS)
    found = resolved(task, epochs, {**CODE, "order": order}, settings)
    return found.search(strategy, seed=seed, device=device)


def i_darts(
    space: DecisionSpace, task: Task, *, epochs: int = 50, seed: int = 0, device: str = "auto", **settings: Any
) -> Search:
    """I-DARTS (Jiang et al. 2019): one softmax over all edges and operations into a node, so that edges compete, too.

    All else is as in `darts_rnn`, on whose code the authors' program is built, with batches of 128 windows and at the
    first order. Published for Penn
    Treebank: test perplexity 56.0, after 0.5 GPU days; from memory.

    space: the one to search.
    task: a text.
    epochs: of the training of the shared weights; 50 in DARTS.
    seed: everything random follows from it.
    device: "auto", "cpu", "cuda", "cuda:1", ...
    settings: any training setting and any option of `SharedWeights`, by name.
    """
    _require_text("i-darts", task)
    strategy = Differentiable(space, NodeSoftmax(), LOGITS)
    return resolved(task, epochs, {**CODE, "batch_size": 128}, settings).search(strategy, seed=seed, device=device)


def _require_text(method: str, task: Task) -> None:
    if not task.shape.is_tokens:
        other = "nas-unet" if task.shape.is_image and task.shape.dense else "darts"
        raise UserError(
            f"{method} finds recurrent cells for texts, but the task's examples are {task.shape.kind}; use {other}"
        )

"""A small bilevel problem with exact gradients, which answers rounds as an estimator with shared weights does.

Each option of each decision has a quality, which is 1 for one hard option and -0.1 for the others. The "network" is
a vector v with one coordinate an option; a mixture's output is the weighted sum of v's coordinates times
the quality. The loss is (output - target)^2, with a target that depends on the minibatch and is out of reach at first.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from netwright.core.architecture import Architecture, Mixture
from netwright.core.choose import Choose
from netwright.core.decision_space import DecisionSpace
from netwright.core.errors import StopSearch
from netwright.core.space import Space
from netwright.core.strategy import Strategy
from netwright.core.task import TaskShape
from netwright.core.trial import Measurement, Proposal, Trial


class Bilevel:
    """Rounds on the toy problem; `steps` training steps an epoch. Counts what it was asked in `asked`."""

    def __init__(self, space: Space, epochs: int = 3, steps: int = 5, seed: int = 0, rate: float = 0.05) -> None:
        self.space, self.epochs, self.steps, self.rate = space, epochs, steps, rate
        generator = torch.Generator().manual_seed(seed)
        self.quality: dict[str, Tensor] = {}
        self.vector: dict[str, Tensor] = {}
        self.best: dict[str, int] = {}
        for decision in space.decisions:
            width = len(decision.edges) if decision.kind == "sources" else len(decision.options) + len(decision.soft)
            hard = width if decision.kind == "sources" else len(decision.options)
            best = int(torch.randint(hard, (), generator=generator))
            self.best[decision.name] = best
            self.quality[decision.name] = torch.full((width,), -0.1)
            self.quality[decision.name][best] = 1.0
            self.vector[decision.name] = torch.full((width,), 0.5)
        self.trained = 0
        self.batch = {"train": 0, "probe": 0}
        self.asked: list[Proposal] = []

    def loss(self, weights: Mapping[str, Tensor], active: Mapping[str, tuple[int, ...]], target: float) -> Tensor:
        output = torch.zeros(())
        for name, weight in weights.items():
            terms = weight * self.vector[name] * self.quality[name]
            computed = range(len(weight)) if name not in active else active[name]
            for i in computed:
                output = output + terms[i]
        return (output / max(len(weights), 1) - target).square()

    def advance(self, proposal: Proposal) -> Measurement:
        self.asked.append(proposal)
        mixture = proposal.candidate
        assert isinstance(mixture, Mixture)
        weights = {name: w.detach().clone() for name, w in mixture.weights.items()}
        measured = [name for name, w in mixture.weights.items() if w.requires_grad]
        for name in measured:
            weights[name].requires_grad_()
        training = proposal.purpose in ("train", "rehearse")
        if proposal.purpose == "probe" and not proposal.again:
            self.batch["probe"] += 1
        number = self.batch["train" if training else "probe"]
        target = 2.0 + 0.1 * ((number * (3 if training else 5)) % 7)
        vectors = list(self.vector)
        for name in vectors:
            self.vector[name] = self.vector[name].detach().requires_grad_()
        loss = self.loss(weights, mixture.active, target)
        sought = [*(weights[name] for name in measured), *self.vector.values()]
        if proposal.along is not None:
            assert proposal.purpose == "probe" and proposal.again
            leaves = [weights[name] for name in measured]
            first = torch.autograd.grad(loss, leaves, create_graph=True)
            toward = sum((g * proposal.along[name]).sum() for name, g in zip(measured, first, strict=True))
            sought = leaves
            gradients = torch.autograd.grad(toward, leaves, allow_unused=True)
        elif loss.requires_grad:
            gradients = torch.autograd.grad(loss, sought, allow_unused=True)
        else:
            gradients = [None] * len(sought)
        gradients = [torch.zeros_like(x) if g is None else g for x, g in zip(sought, gradients, strict=True)]
        if proposal.purpose == "train":
            self.trained += 1
            self.batch["train"] += 1
            assert self.trained <= self.epochs * self.steps, "training beyond the end"
            moves = dict(zip(vectors, gradients[len(measured) :], strict=True))
            self.vector = {name: v.detach() - self.rate * moves[name] for name, v in self.vector.items()}
        self.vector = {name: v.detach() for name, v in self.vector.items()}
        total = self.epochs * self.steps
        metrics: dict[str, Any] = {
            "loss": loss.detach(),
            "accuracy": -loss.detach(),
            "progress": self.trained / total,
            "epoch": float(self.trained // self.steps),
            "steps": float(self.steps),
        }
        return Measurement(metrics, dict(zip(measured, gradients, strict=False)) if measured else None)

    def evaluate(self, architecture: Architecture) -> float:
        chosen = architecture.decisions
        right = [chosen[d.name] == d.options[self.best[d.name]] for d in self.space.decisions if d.name in chosen]
        return sum(right) / max(len(right), 1)

    def state(self) -> dict[str, Any]:
        return {
            "vector": {name: v.clone() for name, v in self.vector.items()},
            "trained": self.trained,
            "batch": dict(self.batch),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        self.vector = {name: v.clone() for name, v in state["vector"].items()}
        self.trained, self.batch = state["trained"], dict(state["batch"])


class Cell(DecisionSpace):
    """Two decisions between three options, the second nested in one option of the first, and a soft one."""

    def network(self, choose: Choose, shape: TaskShape) -> nn.Module:
        def nested() -> nn.Module:
            return choose.one("inner", {"x": nn.Identity, "y": nn.Tanh})

        options = {"a": nn.Identity, "b": nn.ReLU, "c": nested, "none": nn.Dropout}
        outer = choose.one("outer", options, soft=("none",))
        other = choose.one("other", {"a": nn.Identity, "b": nn.ReLU, "c": nn.Tanh})
        return nn.Sequential(nn.Flatten(), outer, other, nn.Linear(shape.features, shape.classes))


def rng_of(seed: int, number: int) -> np.random.Generator:
    return np.random.default_rng([seed, number])


def drive(
    strategy: Strategy, problem: Bilevel, epochs: int | None = None, start: int = 0, seed: int = 7
) -> list[Trial]:
    """Ask and tell until the strategy ends or, with `epochs`, until so many are done; the evaluations asked."""
    evaluated: list[Trial] = []
    number = start
    while epochs is None or problem.trained < epochs * problem.steps:
        try:
            proposal = strategy.ask(rng_of(seed, number))
        except StopSearch:
            break
        assert proposal is not None
        if proposal.purpose == "evaluate":
            assert isinstance(proposal.candidate, Architecture)
            score = problem.evaluate(proposal.candidate)
            trial = Trial(number, proposal, "completed", Measurement({"val_accuracy": score}), (score,))
            evaluated.append(trial)
        else:
            trial = Trial(number, proposal, "completed", problem.advance(proposal))
        strategy.tell(trial)
        number += 1
    return evaluated

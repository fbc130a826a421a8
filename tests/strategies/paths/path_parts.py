"""A small weight sharing of its own: features of a number, each with a shared weight, fitted to a known sum of them."""

from __future__ import annotations

import math
from copy import copy, deepcopy

import numpy as np
import torch
from torch import Tensor, nn

from netwright.core.architecture import Architecture
from netwright.core.decision_space import DecisionSpace
from netwright.core.errors import StopSearch
from netwright.core.randomness import Generators, derived_seed
from netwright.core.space import Space
from netwright.core.trial import Measurement, Proposal, Trial

FEATURES = {  # Walsh's: orthogonal on 0..1, so that each says something else
    "once": lambda x: 1 - 2 * (2 * x).floor().remainder(2),
    "twice": lambda x: 1 - 2 * (4 * x).floor().remainder(2),
    "four": lambda x: 1 - 2 * (8 * x).floor().remainder(2),
    "eight": lambda x: 1 - 2 * (16 * x).floor().remainder(2),
}
TRUTH = ("once", "twice", "four")


class Terms(DecisionSpace):
    """A sum of three terms, each one of four features; `uneven` gives the last only two, and nests one more in it."""

    uneven: bool = False

    def network(self, choose, shape):
        plain = dict.fromkeys(FEATURES, nn.Identity)

        def nested():
            return choose.one("extra", dict.fromkeys(("a", "b", "c"), nn.Identity))

        last = {"plain": nn.Identity, "nested": nested} if self.uneven else plain
        return nn.Sequential(choose.one("term0", plain), choose.one("term1", plain), choose.one("term2", last))


class Edges(DecisionSpace):
    """A node that keeps two of three sources, with an operation on each."""

    def network(self, choose, shape):
        return choose.edges("node", (0, 1, 2), 2, {"x": lambda _: nn.Identity(), "y": lambda _: nn.ReLU()}, soft=())


class Fitting:
    """What strategies meet of a `RoundEstimator`: shared weights of every feature in every term.

    They follow the gradient of the squared error on 32 numbers a step.
    """

    def __init__(self, space: Space, epochs: int = 4, steps: int = 10, rate: float = 0.1) -> None:
        self.space, self.epochs, self.steps, self.rate = space, epochs, steps, rate

    def begin(self, seed: int) -> None:
        self.generator = torch.Generator().manual_seed(seed)
        self.weights = {each.name: torch.zeros(len(each.options), requires_grad=True) for each in self.space.decisions}
        self.done, self.rounds = 0, 0
        self.batch, self.last = self._draw(), self._draw()
        self.validation = torch.linspace(0.005, 0.995, 100)

    def _draw(self) -> Tensor:
        return torch.rand(32, generator=self.generator)

    def _loss(self, candidate, x: Tensor) -> tuple[Tensor, Tensor]:
        target = sum(FEATURES[label](x) for label in TRUTH)
        found = torch.zeros_like(x)
        for decision in self.space.decisions:
            if isinstance(candidate, Architecture):
                if decision.name not in candidate.decisions:
                    continue
                kept = {decision.options.index(candidate[decision.name]): 1.0}
            else:
                weights = candidate.weights[decision.name]
                kept = {k: weights[k] for k in candidate.active.get(decision.name, range(len(weights)))}
            for k, weight in kept.items():
                feature = FEATURES.get(str(decision.options[k]), torch.zeros_like)
                found = found + weight * self.weights[decision.name][k] * feature(x)
        error = (found - target).square()
        return error.mean(), (error < 0.25).float().mean()

    def advance(self, proposal: Proposal) -> Measurement:
        self.rounds += 1
        if proposal.purpose == "probe" and not proposal.again:
            self.last = self._draw()
        x = self.last if proposal.purpose == "probe" else self.batch
        loss, accuracy = self._loss(proposal.candidate, x)
        if proposal.purpose in ("train", "accumulate"):
            assert self.done < self.epochs * self.steps, "trained beyond the end"
            loss.backward()
        if proposal.purpose == "train":
            self._step()
        progress = self.done / (self.epochs * self.steps)
        figures = {"progress": progress, "epoch": float(self.done // self.steps), "steps": float(self.steps)}
        return Measurement(
            {"loss": loss.detach(), "score": accuracy.detach(), "accuracy": accuracy.detach(), **figures}
        )

    def _step(self) -> None:
        with torch.no_grad():
            for weight in self.weights.values():
                if weight.grad is not None:
                    weight -= self.rate * weight.grad
                    weight.grad = None
        self.done += 1
        self.batch = self._draw()

    def estimate(self, proposal: Proposal, seed: int) -> Measurement:
        with torch.no_grad():
            loss, accuracy = self._loss(proposal.candidate, self.validation)
        return Measurement({"val_accuracy": float(accuracy), "val_loss": float(loss)})

    def copy(self) -> Fitting:
        """Another with the same weights that goes on alike."""
        other = copy(self)
        other.generator = torch.Generator()
        other.generator.set_state(self.generator.get_state())
        other.weights = {name: each.detach().clone().requires_grad_() for name, each in self.weights.items()}
        for name, each in self.weights.items():
            other.weights[name].grad = None if each.grad is None else each.grad.clone()
        return other


class Driver:
    """Asks and tells as a search would; the generator of each round follows from its number alone."""

    def __init__(self, strategy, estimator, seed: int = 0, *, begin: bool = True) -> None:
        self.strategy, self.estimator = strategy, estimator
        self.generators = Generators(derived_seed(seed, 1))
        self.number = self.rounds = 0
        self.asked: list[Proposal] = []
        self.trials: list[Trial] = []
        self.stopped = ""
        if begin:
            estimator.begin(seed)

    def go(self, rounds: float = math.inf) -> Driver:
        """Until the strategy ends, or for so many rounds and trials."""
        while rounds > 0:
            try:
                proposal = self.strategy.ask(self.generators(1000 * self.number + self.rounds))
            except StopSearch as stop:
                self.stopped = str(stop)
                break
            assert proposal is not None
            self._carry_out(proposal)
            rounds -= 1
        return self

    def _carry_out(self, proposal: Proposal) -> None:
        self.asked.append(proposal)
        if proposal.is_round:
            self.rounds += 1
            trial = Trial(self.number, proposal, "completed", self.estimator.advance(proposal))
        else:
            found = self.estimator.estimate(proposal, 0)
            trial = Trial(self.number, proposal, "completed", found, (-found.metrics["val_loss"],), 1.0)
            self.trials.append(trial)
            self.number += 1
        self.strategy.tell(trial)


def in_json(state):
    """A state with its tensors as lists, so that two states can be compared."""
    if isinstance(state, dict):
        return {key: in_json(value) for key, value in state.items()}
    if isinstance(state, (list, tuple)):
        return [in_json(value) for value in state]
    return state.tolist() if isinstance(state, Tensor) else state


def same_candidate(first, second) -> bool:
    if isinstance(first, Architecture) or isinstance(second, Architecture):
        return first == second
    ours, theirs = first.weights, second.weights
    return (
        ours.keys() == theirs.keys()
        and first.active == second.active
        and all(ours[name].equal(theirs[name]) for name in ours)
    )


def continues_alike(make, estimator, rounds: int, seed: int = 0) -> None:
    """A strategy whose state was taken after so many rounds, and one that took over, propose the same to the end."""
    first = Driver(make(), estimator, seed).go(rounds)
    state = deepcopy(first.strategy.state_dict())
    second = Driver(make(), estimator.copy(), seed, begin=False)
    second.strategy.load_state_dict(state)
    second.number, second.rounds = first.number, first.rounds
    assert in_json(second.strategy.state_dict()) == in_json(state)
    before = len(first.asked)
    first.go()
    second.go()
    assert len(second.asked) == len(first.asked) - before
    for ours, theirs in zip(first.asked[before:], second.asked, strict=True):
        assert (ours.purpose, ours.again, ours.parent) == (theirs.purpose, theirs.again, theirs.parent)
        assert same_candidate(ours.candidate, theirs.candidate)
    assert second.stopped == first.stopped != ""


class Told:
    """Asks a strategy and tells it what follows from the architecture, for so many steps of so many an epoch.

    score: of an architecture, which its evaluation tells.
    told: the metrics of a round, of an architecture's score.
    """

    def __init__(self, strategy, steps: int, an_epoch: int, score, told) -> None:
        self.strategy, self.steps, self.an_epoch, self.score, self.told = strategy, steps, an_epoch, score, told
        self.rng, self.trained, self.asked = np.random.default_rng(0), 0, list[Proposal]()

    def run(self, most: int = 20_000):
        for _ in range(most):
            try:
                proposal = self.strategy.ask(self.rng)
            except StopSearch:
                return self
            self.asked.append(proposal)
            self.strategy.tell(self._trial(proposal))
            self.after()
        raise AssertionError("it does not end")

    def after(self) -> None:
        """What is looked at after each round."""

    def _trial(self, proposal: Proposal) -> Trial:
        self.trained += proposal.purpose == "train"
        score = self.score(proposal.candidate)
        if proposal.purpose == "evaluate":
            return Trial(len(self.asked), proposal, "completed", Measurement({"val_accuracy": score}), (score,))
        found = {"epoch": self.trained // self.an_epoch, "steps": self.an_epoch, "progress": self.trained / self.steps}
        return Trial(len(self.asked), proposal, "completed", Measurement({**self.told(score), **found}))

    def of(self, purpose: str) -> list[Proposal]:
        return [each for each in self.asked if each.purpose == purpose]

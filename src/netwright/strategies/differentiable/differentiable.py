"""Differentiable architecture search (Liu et al. 2019, "DARTS: Differentiable Architecture Search")."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from netwright.core.architecture import Architecture, Mixture
from netwright.core.checks import one_of, probability, whole_number
from netwright.core.errors import ConfigurationError, UserError
from netwright.core.objective import fittest
from netwright.core.trial import Proposal
from netwright.strategies.differentiable.curved import Curved
from netwright.strategies.differentiable.layout import Layout
from netwright.strategies.differentiable.optimiser import Horizon
from netwright.strategies.differentiable.parameters import Parameters, softmax
from netwright.strategies.differentiable.relaxation import Draw, Situation
from netwright.strategies.differentiable.softmax import Softmax
from netwright.strategies.rounds.script import Rounds

if TYPE_CHECKING:
    import numpy as np

    from netwright.core.decision_space import DecisionSpace
    from netwright.core.pace import Pace
    from netwright.core.trial import Purpose, Trial
    from netwright.strategies.differentiable import relaxation as relaxing
    from netwright.strategies.differentiable.dropout import GroupedDropout
    from netwright.strategies.differentiable.eigenvalue import EigenvalueMonitor
    from netwright.strategies.differentiable.optimiser import Optimiser
    from netwright.strategies.differentiable.perturbation import Perturbation
    from netwright.strategies.differentiable.relaxation import Relaxation
    from netwright.strategies.differentiable.shrinking import Shrinking
    from netwright.strategies.rounds.asking import Talk
    from netwright.strategies.rounds.script import Script

LEVELS = ("two", "one", "mixed")
PACES = ("auto", "epoch", "step")


class Differentiable(Rounds):
    """Holds a logit an option; in turn, moves them by the gradient of a mixture and has the shared weights trained.

    When the weight training is over it asks for the architecture that the mixture stands for, and ends. On CUDA, only
    relaxations that draw options copy the logits to the host (one small copy a draw); the others never wait.

    space: the one to search.
    relaxation: how logits become a mixture.
    optimiser: how they follow their gradient; None for the relaxation's own.
    level: where the gradient comes from. "two" is the validation loss (Liu et al. 2019, algorithm 1); "one" the
        training round itself (SNAS, DropNAS); "mixed" the training loss plus `validation_weight` times the validation
        loss (He et al. 2020, equation 6).
    validation_weight: lambda of level "mixed".
    every: training steps to one step of the logits.
    warm_up: share of the training in which only the shared weights learn; of each stage where `shrinking` makes stages.
    edge_weights: a softmax over the sources of each node as well (Xu et al. 2020, equation 3).
    weights_first: whether a step of the logits follows its training step, as in GDAS and ProxylessNAS, or comes before
        it.
    pace: whether temperatures and radii move by "epoch" or by "step"; "auto" is by epoch from 10 epochs on.
    perturbation: of the mixture that the weights train with (SmoothDARTS).
    monitor: of the Hessian's dominant eigenvalue, which may end the search (RobustDARTS).
    shrinking: takes options out on the way (P-DARTS, SGAS).
    dropout: leaves out operations at random (DropNAS).
    """

    def __init__(
        self,
        space: DecisionSpace,
        relaxation: Relaxation | None = None,
        optimiser: Optimiser | None = None,
        level: str = "two",
        validation_weight: float = 1.0,
        every: int = 1,
        warm_up: float = 0.0,
        edge_weights: bool = False,
        weights_first: bool = False,
        pace: Pace = "auto",
        perturbation: Perturbation | None = None,
        monitor: EigenvalueMonitor | None = None,
        shrinking: Shrinking | None = None,
        dropout: GroupedDropout | None = None,
    ) -> None:
        one_of(self, "level", level, LEVELS)
        one_of(self, "pace", pace, PACES)
        if weights_first and level != "two":
            raise ConfigurationError(f"Differentiable: weights_first=True, level={level!r}; expected level 'two'")
        self.space = space
        self.relaxation = Softmax() if relaxation is None else relaxation
        self.optimiser = self.relaxation.optimiser if optimiser is None else optimiser
        self.level = level
        self.validation_weight = validation_weight
        self.every = whole_number(self, "every", every)
        self.warm_up = probability(self, "warm_up", warm_up)
        self.weights_first = weights_first
        self.pace: Pace = pace
        self.perturbation = perturbation
        self.monitor = monitor
        self.shrinking = shrinking
        self.dropout = dropout
        _check_structure(space, self.relaxation, edge_weights)
        self._layout = Layout(space, edge_weights)
        self._parameters = Parameters(self._layout)
        self._memory: dict[str, Any] | None = None  # the optimiser's; None until the logits are drawn
        self._taken = 0  # steps of the logits
        self._owed = False  # whether the step of the logits that follows the last training step is still to come
        self._monitored = monitor.start() if monitor else {}
        self._shrunk = shrinking.start(self._layout) if shrinking else {}
        self._groups = dropout.groups(self._layout) if dropout else None
        self._stopped: Architecture | None = None  # where the monitor ended the search

    # One round after the other.

    def script(self, rng: np.random.Generator) -> Script:
        """All rounds up to the next step of the shared weights, and that."""
        if self._owed:
            yield from self._step()
            self._owed = False
            if self.progress.share >= 1.0:
                return
        if self.progress.epoch_began:
            self._begin_epoch()
        learns = not self.weights_first and self._learns()
        if learns and self.level != "one":
            yield from self._step()
        if self.monitor is not None and self.progress.is_last_of_epoch and self.monitor.due(self.progress.epoch):
            yield from self._check(self.monitor)
            if self._stopped is not None:
                return
        if learns and self.level == "one":
            draw, told = yield from self._measured("train")
            self._learn(draw, told)
        elif self.perturbation is not None:
            yield from self._trained_perturbed(self.perturbation)
        else:
            yield lambda rng: self._proposal(self._draw(rng, "train"), "train", measured=False)
        self._owed = self.weights_first and self._learns(late=True)

    def _step(self) -> Talk[None]:
        """One step of the logits by the loss on a minibatch of their own."""
        draw, told = yield from self._measured("probe" if self.level == "two" else "rehearse")
        if self.level == "mixed":
            trial = yield lambda rng: self._proposal(draw, "probe", measured=True)
            told = told + self.validation_weight * self._told(trial)
        self._learn(draw, told)

    def _begin_epoch(self) -> None:
        self.progress.epoch_began = False
        self._parameters.refresh()  # what an optimiser has taken out of play is no longer computed
        if self.shrinking is not None:
            parameters, share = self._parameters, self.progress.share
            if self.shrinking.shrink(self._shrunk, parameters, self._stands_for().cpu(), share):
                self._memory = None  # the logits are drawn anew

    def _learns(self, late: bool = False) -> bool:
        """Whether the logits move with the next training step; late: with the one that was just made."""
        share = self.progress.share
        if late and self.progress.training_steps:
            share -= 1 / self.progress.training_steps
        start, end = self.shrinking.stage(share) if self.shrinking else (0.0, 1.0)
        if share - start < self.warm_up * (end - start) - 1e-9:
            return False
        if self.optimiser.needs_horizon and share == 0:
            return False
        return (self.progress.trained + (not late)) % self.every == 0

    def _measured(self, purpose: Purpose) -> Talk[tuple[Draw, Tensor]]:
        """Draw a mixture that moves the logits, ask it, and return it with the gradient of its weights."""
        drawn: list[Draw] = []

        def make(rng: np.random.Generator) -> Proposal:
            drawn.append(self._draw(rng, "learn"))
            return self._proposal(drawn[0], purpose, measured=True)

        trial = yield make
        return drawn[0], self._told(trial)

    def _trained_perturbed(self, perturbation: Perturbation) -> Talk[None]:
        """Train with the mixture moved within a ball (Chen and Hsieh 2020, equation 3)."""
        drawn: list[Draw] = []

        def start(rng: np.random.Generator) -> Draw:
            drawn.append(self._draw(rng, "train"))
            return drawn[0]

        def ask(weights: Tensor, purpose: Purpose, measured: bool) -> Proposal:
            return self._proposal(Draw(weights, drawn[0].active, weights), purpose, measured)

        yield from perturbation.rounds(start, ask, self._told, self._layout, self._parameters, self._scheduled[0])

    def _check(self, monitor: EigenvalueMonitor) -> Talk[None]:
        """Have the monitor look at the validation loss around the logits, and stop where it says so."""
        self._monitored["epoch"] = self.progress.epoch
        self._monitored["points"] = [*self._monitored["points"], list(self.space.indices(self.result()))]
        parameters = self._parameters
        weights = softmax(parameters.logits.detach(), parameters.alive)
        draw = Draw(weights, parameters.active, weights)
        yield lambda rng: self._proposal(draw, "probe", measured=False)  # the minibatch
        asked = replace(self._proposal(draw, "probe", measured=True), again=True)  # of first order in any case
        trial = yield lambda rng: asked
        at = Curved(parameters.logits, parameters.alive, self._told(trial))

        def product(vector: Tensor) -> Talk[Tensor]:
            along = self._layout.rows(at.pushed(vector))
            trial = yield lambda rng: replace(asked, along=along)
            return at.product(vector, self._told(trial))

        check = yield from monitor.check(self._monitored, parameters, product, self.progress.epochs)
        if check is not None and monitor.stop:
            self._stop_at(self._monitored["points"][check])

    def _stop_at(self, point: Sequence[int]) -> None:
        self._stopped = self.space.from_indices(tuple(point), check=False)
        self.end("the eigenvalue of the Hessian rose")

    # What is asked, and how it is used.

    def _draw(self, rng: np.random.Generator, purpose: relaxing.Purpose) -> Draw:
        parameters = self._parameters
        if self._memory is None:
            start = self.relaxation.initial(self._layout, rng) * self._layout.exists
            parameters.logits = start.to(parameters.logits)
            self._memory = self.optimiser.start(parameters)
        alive, active = parameters.alive, parameters.active
        if self.dropout is not None and self._groups is not None:
            alive, active = self.dropout.draw(self._groups, parameters, rng)
        logits = parameters.logits.detach()
        share, last = self._scheduled
        situation = Situation(self._layout, logits, alive, active, share, rng, last)
        if purpose == "train":
            with torch.no_grad():
                return self.relaxation.draw(situation, purpose)
        logits.requires_grad_()
        draw = self.relaxation.draw(situation, purpose)
        if self.dropout is not None:
            draw.moving = alive if draw.moving is None else draw.moving & alive
        return draw

    @property
    def _ended_epoch(self) -> int:
        """The epoch of the last training step, from 0."""
        return (self.progress.trained - 1) // max(1, self.progress.steps)

    @property
    def _scheduled(self) -> tuple[float, float]:
        return self.progress.scheduled(self.pace, late=self._owed)

    def _proposal(self, draw: Draw, purpose: Purpose, measured: bool) -> Proposal:
        weights = draw.weights.detach().requires_grad_(measured)
        return Proposal(Mixture(self._layout.rows(weights), draw.active), purpose)

    def _told(self, trial: Trial) -> Tensor:
        """The gradient of the loss by mixture weight, on the device of the logits."""
        gradient = trial.measurement.gradient
        if gradient is None and self._layout.names:
            raise UserError("Differentiable was told of no gradient; it needs an estimator with shared weights")
        told = self._layout.matrix(gradient or {}, self._parameters.logits)
        if told.device != self._parameters.logits.device:
            self._move_to(told.device)
        return told

    def _learn(self, draw: Draw, told: Tensor) -> None:
        parameters, memory = self._parameters, self._memory
        assert memory is not None
        if draw.logits.device != told.device:  # drawn before it was known where the estimator works
            told = told.to(draw.logits.device)
        gradient = self.relaxation.gradient(draw, told)
        before = parameters.logits
        if draw.logits.device != before.device:
            gradient = gradient.to(before.device)
            draw.moving = None if draw.moving is None else draw.moving.to(before.device)
            draw.extra = {name: each.to(before.device) for name, each in draw.extra.items()}
        moving = _both(parameters.moving, draw.moving)
        self.optimiser.step(memory, parameters, gradient, moving, self._horizon())
        self.relaxation.settle(draw, before, parameters)
        if self.dropout is not None and draw.moving is not None:
            self.dropout.settle(before, parameters, draw.moving)
        self._taken += 1

    def _move_to(self, device: torch.device) -> None:
        self._parameters.to(device)
        if self._memory is not None:
            self._memory = {k: v.to(device) if isinstance(v, Tensor) else v for k, v in self._memory.items()}

    def _horizon(self) -> Horizon:
        total = self.progress.training_steps * (1 - self.warm_up) / self.every
        return Horizon(self._taken, total)

    # What came of it.

    def _stands_for(self) -> Tensor:
        return self.relaxation.stands_for(self._parameters)

    def mixture(self) -> Mixture:
        return Mixture(self._layout.rows(self._stands_for()), self._parameters.active)

    def result(self) -> Architecture:
        if self._stopped is not None:
            return self._stopped
        if self.shrinking is not None:
            return self.shrinking.discretize(self.space, self._layout, self.mixture())
        return self.space.discretize(self.mixture())

    def recommend(self, trials: Sequence[Trial]) -> Architecture:
        """The architecture that was evaluated at the end; before, the one that the mixture stands for by now."""
        completed = [trial for trial in trials if trial.completed and trial.proposal.purpose == "evaluate"]
        return fittest(completed).architecture if completed else self.within_limits(self.result())

    def figures(self) -> Mapping[str, float]:
        share, last = self.progress.scheduled(self.pace, late=True)
        options: tuple[tuple[Any, Callable[[], Mapping[str, float]]], ...] = (
            (self.monitor, lambda: self.monitor.figures(self._monitored, self._ended_epoch) if self.monitor else {}),
            (self.perturbation, lambda: self.perturbation.figures(share) if self.perturbation else {}),
            (self.shrinking, lambda: {"options": float(self._parameters.host_alive.sum())}),
        )
        result = dict(self.relaxation.figures(share, last))
        for option, figures in options:
            if option is not None:
                result.update(figures())
        return result

    @property
    def is_over(self) -> bool:
        return self._stopped is not None or (super().is_over and not self._owed)

    def state_dict(self) -> Mapping[str, Any]:
        assert self.is_between, "the state is whole only after a training step"
        return {
            "parameters": self._parameters.state_dict(),
            "memory": None if self._memory is None else dict(self._memory),
            "taken": self._taken,
            "owed": self._owed,
            "monitored": dict(self._monitored),
            "shrunk": dict(self._shrunk),
            "stopped": None if self._stopped is None else list(self.space.indices(self._stopped)),
            **self._run.state_dict(),
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self._parameters.load_state_dict(state["parameters"])
        self._memory = None if state["memory"] is None else dict(state["memory"])
        self._taken = state["taken"]
        self._owed = bool(state.get("owed", False))
        self._monitored = dict(state["monitored"])
        self._shrunk = dict(state["shrunk"])
        self._run.load_state_dict(state)
        if state["stopped"] is not None:
            self._stop_at(state["stopped"])


def _both(first: Tensor | None, second: Tensor | None) -> Tensor | None:
    if first is None or second is None:
        return first if second is None else second
    return first & second


def _check_structure(space: DecisionSpace, relaxation: Relaxation, edge_weights: bool) -> None:
    if not edge_weights:
        return
    if not any(each.kind == "sources" for each in space.decisions):
        raise ConfigurationError(
            f"edge_weights weigh the sources that a node may read, but no decision of {space.name!r} chooses sources; "
            "leave edge_weights out for this space"
        )
    if not isinstance(relaxation, Softmax):
        raise ConfigurationError(
            f"edge_weights are a softmax over sources; found the relaxation {relaxation!r}, expected Softmax()"
        )

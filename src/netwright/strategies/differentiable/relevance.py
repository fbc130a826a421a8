"""Options kept by automatic relevance determination (Zhou et al. 2019, "BayesNAS")."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from netwright.core.architecture import Mixture
from netwright.core.checks import positive, probability
from netwright.strategies.differentiable.layout import Layout
from netwright.strategies.rounds.asking import probe, train
from netwright.strategies.rounds.script import Rounds

if TYPE_CHECKING:
    import numpy as np

    from netwright.core.decision_space import DecisionSpace
    from netwright.strategies.rounds.asking import Talk
    from netwright.strategies.rounds.script import Script

PROVIDES = ("search.sparse_bayes",)

LEAST = 1e-12


class RelevanceDetermination(Rounds):
    """Gives every option and every decision a switch, trains them for a while, and keeps the options of most relevance.

    An option weighs its own switch times that of its decision (an edge). First the shared weights are trained with all
    switches at 1. Then weights and switches follow the training loss together, the switches with a group lasso,
    origin * omega |s| for a decision's and child * omega |s| for an option's. In the end the variances gamma of the
    zero-mean priors of the switches s are estimated once: with the curvature H of the loss by each switch on a
    validation minibatch, over origin or child,

        C = 1 / (1 / gamma + H),  omega = sqrt |1 / gamma - C / gamma^2|,  gamma' = |s| / omega,

    and of an option 1 / gamma'' = 1 / gamma' + 1 / gamma' of its decision, so that an edge which is switched off takes
    its options with it. The mixture that it stands for weighs each option by gamma''.

    H is exact here, by products of the Hessian with the direction of each switch, where the authors' program
    approximates it layer by layer; priors begin at gamma = omega = 1, in the program at random numbers.

    space: the one to search.
    origin, child: lambda of decisions and of options; 0.01 as in the paper's best run, from its files.
    rate: of the switches' gradient descent; 0.1 in the program.
    momentum: of the same; 0.9.
    plain: share of the training in which weights are trained alone; one of two epochs in the program.
    """

    def __init__(
        self,
        space: DecisionSpace,
        origin: float = 0.01,
        child: float = 0.01,
        rate: float = 0.1,
        momentum: float = 0.9,
        plain: float = 0.5,
    ) -> None:
        self.space = space
        self.origin, self.child = positive(self, "origin", origin), positive(self, "child", child)
        self.rate, self.momentum = positive(self, "rate", rate), probability(self, "momentum", momentum)
        self.plain = probability(self, "plain", plain)
        layout = Layout(space)
        self.options = layout.exists.float()  # the switches of options, (decisions, options)
        self.edges = torch.ones(len(layout.names), 1)  # those of decisions, (decisions, 1)
        self.moved_options, self.moved_edges = torch.zeros_like(self.options), torch.zeros_like(self.edges)
        self.relevance = torch.zeros_like(self.options)  # gamma'', once it is estimated
        self.estimated = False

    @property
    def _layout(self) -> Layout:
        return Layout(self.space)

    def script(self, rng: np.random.Generator) -> Script:
        """A training step, and one of the switches where they learn; in the end the relevance."""
        if super().is_over:
            yield from self._estimate()
            return
        learns = self.progress.share >= self.plain
        told = yield train(self._mixed(self.options * self.edges, asked=learns))
        if learns and told.gradient is not None:
            self._step(self._layout.matrix(told.gradient, self.options).to(self.options.device))

    @property
    def is_over(self) -> bool:
        return super().is_over and self.estimated

    def mixture(self) -> Mixture:
        weights = self.relevance if self.estimated else (self.options * self.edges).abs()
        return self._mixed(weights, asked=False)

    def _mixed(self, weights: Tensor, asked: bool) -> Mixture:
        return Mixture(self._layout.rows(weights.detach().requires_grad_(asked)))

    def _step(self, gradient: Tensor) -> None:
        """One of gradient descent with momentum, by the loss and the lasso."""
        by_options = gradient * self.edges + self.child * self.options.sign()
        by_edges = (gradient * self.options).sum(1, keepdim=True) + self.origin * self.edges.sign()
        self.moved_options = self.momentum * self.moved_options + by_options
        self.moved_edges = self.momentum * self.moved_edges + by_edges
        self.options = self.options - self.rate * self.moved_options * self._layout.exists
        self.edges = self.edges - self.rate * self.moved_edges

    def _estimate(self) -> Talk[None]:
        """The relevance of every option, by the curvature of the validation loss."""
        layout, exists = self._layout, self._layout.exists
        weights = self.options * self.edges
        asked = self._mixed(weights, asked=True)
        yield probe(self._mixed(weights, asked=False))  # the minibatch
        of_options, of_edges = torch.zeros_like(self.options), torch.zeros_like(self.edges)
        for row in range(len(layout.names)):
            for column in range(layout.widths[row]):
                direction = torch.zeros_like(weights)
                direction[row, column] = self.edges[row, 0]
                told = yield probe(asked, again=True, along=layout.rows(direction))
                of_options[row, column] = self._curved(told.gradient, direction)
            direction = torch.zeros_like(weights)
            direction[row] = self.options[row]
            told = yield probe(asked, again=True, along=layout.rows(direction))
            of_edges[row, 0] = self._curved(told.gradient, direction)
        edges = relevance(self.edges, of_edges / self.origin)
        options = relevance(self.options, of_options / self.child)
        self.relevance = exists / (1 / options.clamp(min=LEAST) + 1 / edges.clamp(min=LEAST))
        self.estimated = True

    def _curved(self, product: object, direction: Tensor) -> Tensor:
        found = self._layout.matrix(product or {}, direction).to(direction.device)  # pyright: ignore
        return (found * direction).sum()


def relevance(switch: Tensor, curvature: Tensor, gamma: float = 1.0) -> Tensor:
    """The variances gamma' of the priors of switches, after one round of estimation.

    switch, curvature: of any one shape. gamma: of the priors before.
    """
    covariance = 1 / (1 / gamma + curvature)
    omega = (1 / gamma - covariance / gamma**2).abs().sqrt()
    return switch.abs() / omega.clamp(min=LEAST)

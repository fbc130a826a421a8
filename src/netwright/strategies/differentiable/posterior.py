"""Architectures drawn from a posterior that dropout learns (Zhou et al. 2020, PGNAS, "Posterior-Guided NAS")."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from netwright.core.architecture import Architecture, Mixture
from netwright.core.checks import positive, whole_number
from netwright.core.decisions import INACTIVE
from netwright.strategies.differentiable.optimiser import Adam
from netwright.strategies.rounds.asking import evaluate, train
from netwright.strategies.rounds.logits import Logits
from netwright.strategies.rounds.script import Rounds

if TYPE_CHECKING:
    from torch import Tensor

    from netwright.core.decision_space import DecisionSpace
    from netwright.strategies.rounds.asking import Talk
    from netwright.strategies.rounds.script import Script

PROVIDES = ("search.sparse_bayes",)

NEAR = 1e-6  # of 0 and 1, beyond which no uniform number is drawn


class DropoutPosterior(Rounds):
    """Learns of every option the probability that it is dropped, beside the weights; then draws and scores networks.

    An option is weighed by a relaxed Bernoulli variable (concrete dropout, Gal et al. 2017), the sigmoid of
    (log(p / (1 - p)) + log(u / (1 - u))) / temperature with a uniform u and p the probability that it stays.
    Probabilities
    follow the training loss as weights do, and their part of the divergence from the prior: prior * sum of p, which
    stands for the squared norm of the weights times p, less entropy * sum of H(p). In the end `candidates` networks are
    drawn, each decision in proportion to the odds of its options, and scored with the shared weights.

    space: the one to search.
    temperature: 0.1 in concrete dropout.
    prior: what an option costs that stays; ours.
    entropy: what uncertainty is worth; ours.
    rate: of Adam for the probabilities' logits; ours.
    start: probability that an option stays at first; ours.
    candidates: networks that are drawn in the end; ours.
    """

    def __init__(
        self,
        space: DecisionSpace,
        temperature: float = 0.1,
        prior: float = 1e-3,
        entropy: float = 1e-3,
        rate: float = 1e-2,
        start: float = 0.8,
        candidates: int = 100,
    ) -> None:
        self.space = space
        self.temperature = positive(self, "temperature", temperature)
        self.prior, self.entropy = prior, entropy
        self.start = positive(self, "start", start)
        self.candidates = whole_number(self, "candidates", candidates)
        self.logits = Logits(space, Adam(rate, betas=(0.9, 0.999), weight_decay=0.0))
        self.offset = float(np.log(start / (1 - start)))
        self.best: Architecture | None = None
        self.best_score = float("-inf")
        self.scored = False

    def script(self, rng: np.random.Generator) -> Script:
        """One step of weights and probabilities by one loss; in the end what is drawn."""
        if super().is_over:
            yield from self._score(rng)
            return
        weights = self.relaxed(rng)
        told = yield train(self.logits.mixture(weights))
        if told.gradient is not None:
            gradient = self.logits.layout.matrix(told.gradient, weights).to(weights.device)
            self.logits.follow((weights * gradient).sum() + self.divergence())

    @property
    def is_over(self) -> bool:
        return super().is_over and self.scored

    def kept_probability(self) -> Tensor:
        """(decisions, options), with the graph of the logits."""
        return (self.logits.values + self.offset).sigmoid()

    def relaxed(self, rng: np.random.Generator) -> Tensor:
        """A draw of every option's weight, with the graph of the logits."""
        shape = tuple(self.logits.layout.exists.shape)
        u = torch.from_numpy(rng.uniform(NEAR, 1 - NEAR, shape)).to(self.logits.values)
        noise = (u / (1 - u)).log()
        gates = ((self.logits.values + self.offset + noise) / self.temperature).sigmoid()
        return gates * self.logits.layout.exists.to(gates.device)

    def divergence(self) -> Tensor:
        """What probabilities add to the loss."""
        exists = self.logits.layout.exists.to(self.logits.values.device)
        p = self.kept_probability().clamp(NEAR, 1 - NEAR)
        uncertain = -(p * p.log() + (1 - p) * (1 - p).log())
        return ((self.prior * p - self.entropy * uncertain) * exists).sum()

    def mixture(self) -> Mixture:
        return self.logits.mixture(self.kept_probability().detach() * self.logits.layout.exists)

    def result(self) -> Architecture:
        """The best that was drawn; before that the likeliest."""
        return self.best or super().result()

    def drawn(self, rng: np.random.Generator) -> Architecture:
        """A network from the posterior."""
        p, table = self.kept_probability().detach().clamp(NEAR, 1 - NEAR), self.space.decisions
        odds = self.logits.layout.rows((p / (1 - p)).cpu())
        point: list[int] = []
        for i, decision in enumerate(table):
            if not table.active(i, point):
                point.append(INACTIVE)
                continue
            shares = np.ones(len(decision.options))
            if decision.name in odds:
                shares = odds[decision.name].numpy()[: len(decision.options)].astype(np.float64)
            allowed = table.options_after(i, point)
            shares = shares if allowed is None else shares * np.array(allowed)
            shares = (
                shares if shares.sum() > 0 else np.ones(len(shares)) * (1.0 if allowed is None else np.array(allowed))
            )
            point.append(int(rng.choice(len(shares), p=shares / shares.sum())))
        return self.space.from_indices(tuple(point), check=False)

    def _score(self, rng: np.random.Generator) -> Talk[None]:
        drawn = dict.fromkeys(self.drawn(rng) for _ in range(self.candidates))
        for each in drawn:
            told = yield evaluate(each)
            if told.completed and told.scores[0] > self.best_score:
                self.best, self.best_score = each, float(told.scores[0])
        self.scored = True

"""A controller on shared weights, in two phases that take turns (Pham et al. 2018, "ENAS", section 2.2)."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np

from netwright.core.checks import one_of, positive, whole_number
from netwright.core.decision_space import DecisionSpace
from netwright.core.space import Space
from netwright.strategies.fetching import fetched
from netwright.strategies.reinforcement.controller import Controller, Learning
from netwright.strategies.rounds import Rounds, Script, evaluate, probe, train

if TYPE_CHECKING:
    from collections.abc import Generator

    from netwright.core.architecture import Architecture
    from netwright.core.trial import Trial
    from netwright.strategies.reinforcement.policy import Policy
    from netwright.strategies.rounds.asking import Make

PROVIDES = ("search.rnn_pg", "est.oneshot")

Reward = Literal["score", "perplexity"]
HIGHEST_EXPONENT = 50.0  # of a loss, beyond which a perplexity is as good as infinite


class SharedController(Rounds):
    """Trains shared weights on what a controller draws, and the controller on what these weights score.

    A step of the weights takes one network that is drawn. Behind each epoch of the weights the controller makes its
    steps, each with some networks that are scored on one validation minibatch each, by which it is rewarded. In the
    end networks are drawn and evaluated, and the best of them is what was found.

    space: the one to search.
    policy: how the controller draws; None for `Lstm()`.
    learning: how it learns; None for `Learning()`, which is REINFORCE.
    steps: of the controller behind each epoch; 30 for cells and 50 for whole networks in the authors' program.
    samples: networks of one step of the controller; 10 and 20 in the authors' program.
    candidates: networks that are evaluated in the end; 10 in the authors' program, each on one minibatch there.
    reward: what the controller is rewarded with, the "score" on the minibatch, such as the accuracy, or for texts
        `constant` / "perplexity".
    constant: see `reward`; 80 in the paper.

    Raises ConfigurationError for numbers below 1.
    """

    needs: ClassVar[type[Space]] = DecisionSpace

    def __init__(
        self,
        space: DecisionSpace,
        policy: Policy | None = None,
        learning: Learning | None = None,
        steps: int = 30,
        samples: int = 10,
        candidates: int = 10,
        reward: Reward = "score",
        constant: float = 80.0,
    ) -> None:
        self.space = space
        self.steps = whole_number(self, "steps", steps)
        self.samples = whole_number(self, "samples", samples)
        self.candidates = whole_number(self, "candidates", candidates)
        self.reward: Reward = one_of(self, "reward", reward, ("score", "perplexity"))
        self.constant = positive(self, "constant", constant)
        self.controller = Controller(space, policy, learning)
        self.rewarded = 0.0  # the mean reward of the last phase
        self.found: Architecture | None = None

    def script(self, rng: np.random.Generator) -> Script:
        yield train(self.controller.draw(rng).architecture)
        if self.progress.is_epoch_over:
            yield from self._teach(rng)
            if self.is_over:
                yield from self._choose(rng)

    def _teach(self, rng: np.random.Generator) -> Generator[Make, Trial, None]:
        """The phase of the controller, on weights that stand still."""
        rewards: list[float] = []
        for _ in range(self.steps):
            drawn = [self.controller.draw(rng).architecture for _ in range(self.samples)]
            batch = self._rewards((yield from _scored(drawn)))
            kept = [(each, reward) for each, reward in zip(drawn, batch, strict=True) if math.isfinite(reward)]
            if kept:
                self.controller.learn([each for each, _ in kept], [reward for _, reward in kept])
            rewards += [reward for _, reward in kept]
        self.rewarded = float(np.mean(rewards)) if rewards else 0.0

    def _rewards(self, told: Sequence[Trial]) -> list[float]:
        """What each is rewarded with; not a number where a network gave none."""
        if self.reward == "score":
            return fetched([each.metrics["score"] for each in told])
        losses = fetched([each.metrics["loss"] for each in told])
        return [self.constant / math.exp(min(loss, HIGHEST_EXPONENT)) for loss in losses]

    def _choose(self, rng: np.random.Generator) -> Generator[Make, Trial, None]:
        """Draw networks in the end, and keep the one that is best with the trained weights."""
        drawn = dict.fromkeys(self.controller.draw(rng).architecture for _ in range(self.candidates))
        best: Trial | None = None
        for architecture in drawn:
            told = yield evaluate(architecture)
            if told.completed and (best is None or told.scores > best.scores):
                best = told
        self.found = None if best is None else best.architecture

    def result(self) -> Architecture:
        """The best of those evaluated in the end; before, what the controller finds likeliest."""
        return self.controller.likeliest() if self.found is None else self.found

    @property
    def probes_behind_epoch(self) -> int:
        return self.steps * self.samples

    def figures(self) -> Mapping[str, float]:
        return {"reward": self.rewarded}


def _scored(architectures: Sequence[Architecture]) -> Generator[Make, Trial, list[Trial]]:
    """Each on the next validation minibatch."""
    told: list[Trial] = []
    for architecture in architectures:
        found = yield probe(architecture)
        told.append(found)
    return told

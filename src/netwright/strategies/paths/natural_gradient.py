"""Adaptive stochastic natural gradient (Akimoto et al. 2019, "ASNG", Algorithm 1)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import ceil, exp
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from netwright.core.architecture import Architecture
from netwright.core.checks import whole_number
from netwright.core.decision_space import DecisionSpace
from netwright.core.errors import ConfigurationError, StopSearch
from netwright.core.space import Space
from netwright.core.strategy import RoundStrategy
from netwright.core.trial import Proposal
from netwright.strategies.fetching import fetched
from netwright.strategies.paths.categorical import Categoricals
from netwright.strategies.paths.sampler import OVER

if TYPE_CHECKING:
    from netwright.core.architecture import Mixture
    from netwright.core.decisions import Point
    from netwright.core.trial import Trial

PROVIDES = ("search.natural_gradient",)


class Ascent:
    """The distribution and the adaptation of its step: each `update` is one iteration of Algorithm 1.

    alpha: threshold of the signal-to-noise ratio; the step grows while the ratio is above it.
    delta0: first step.
    """

    def __init__(self, space: DecisionSpace, alpha: float = 1.5, delta0: float = 1.0) -> None:
        self.theta = Categoricals(space)
        self.alpha, self.delta0 = alpha, delta0
        sizes = space.decisions.sizes
        self.free = sum(size - 1 for size in sizes)  # N, the number of free parameters
        # No option's probability falls below 1 / (d (K - 1)), so that each is drawn now and then; in the
        # smallest spaces, where that would leave nothing to learn, below half of a uniform one.
        self.least = [min(1 / (len(sizes) * (size - 1)), 1 / (2 * size)) for size in sizes]
        self.signal = [np.zeros(size - 1) for size in sizes]  # s
        self.gamma = 0.0
        self.capital_delta = 1.0

    @property
    def step(self) -> float:
        """delta, the length of the next step in the Fisher metric."""
        return self.delta0 / self.capital_delta

    def update(self, points: Sequence[Point], losses: Sequence[float]) -> None:
        """One step towards the better of the points, for the decisions that are active in them."""
        gradient = self._natural_gradient(points, utilities(losses))
        whitened = [_whitened(g, p) for g, p in zip(gradient, self.theta.probabilities, strict=True)]
        norm = sum(float(w @ w) for w in whitened) ** 0.5  # the Fisher norm of the gradient
        if norm < 1e-18:  # all points alike, or all equally good: nothing to learn
            return
        delta = self.step
        for i, g in enumerate(gradient):
            self.theta.probabilities[i] = _restricted(self.theta.probabilities[i] + delta * g / norm, self.least[i])
        beta = min(delta / self.free**0.5, 1.0)
        for s, w in zip(self.signal, whitened, strict=True):
            s *= 1 - beta
            s += (beta * (2 - beta)) ** 0.5 * w / norm
        self.gamma = (1 - beta) ** 2 * self.gamma + beta * (2 - beta)
        length = sum(float(s @ s) for s in self.signal)
        self.capital_delta *= exp(beta * (self.gamma - length / self.alpha))

    def _natural_gradient(self, points: Sequence[Point], utility: Sequence[float]) -> list[np.ndarray]:
        """mean_k u_k (M_k - theta), where M_k is the one-hot vector of the k-th point."""
        total = [np.zeros_like(p) for p in self.theta.probabilities]
        for point, u in zip(points, utility, strict=True):
            for i, option in enumerate(point):
                if option >= 0 and u:
                    total[i] += u * (self.theta.one_hot(i, point) - self.theta.probabilities[i]) / len(points)
        return total

    def state(self) -> dict[str, Any]:
        return {
            "theta": self.theta.state(),
            "signal": [s.tolist() for s in self.signal],
            "gamma": self.gamma,
            "capital_delta": self.capital_delta,
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        self.theta.restore(state["theta"])
        self.signal = [np.array(each, dtype=np.float64) for each in state["signal"]]
        self.gamma, self.capital_delta = float(state["gamma"]), float(state["capital_delta"])


class NaturalGradient(RoundStrategy):
    """Alternates a step of the shared weights with a step of the probabilities of all options.

    The weights' step takes the sum of the samples' gradients on one training minibatch, where the paper takes the mean;
    a learning rate divided by `samples`, with weight decay and gradient clip multiplied by it, comes to the same. The
    probabilities' step compares the losses on one validation minibatch.

    At the end the likeliest architecture is evaluated, and that is what it recommends.

    space: the one to search.
    samples: lambda, architectures drawn for each of the two steps; 2 in the paper.
    alpha: threshold of the signal-to-noise ratio, above which the step of the probabilities grows; 1.5 in the authors'
        code.
    delta0: first step of the probabilities; 1 in the authors' code.
    """

    needs: ClassVar[type[Space]] = DecisionSpace
    space: DecisionSpace

    bounded: ClassVar[bool] = True

    def __init__(self, space: DecisionSpace, samples: int = 2, alpha: float = 1.5, delta0: float = 1.0) -> None:
        self.space = space
        self.samples = whole_number(self, "samples", samples, 2)
        for name, value in (("alpha", alpha), ("delta0", delta0)):
            if not value > 0:
                raise ConfigurationError(f"NaturalGradient: {name} is {value!r}; expected a number above 0")
        self._ascent = Ascent(space, alpha, delta0)
        self._progress = 0.0
        self._points: list[Point] = []  # drawn and compared on the minibatch under way
        self._losses: list[Any] = []
        self._trained = 0  # candidates of this iteration's weight step that were asked
        self._ended = False

    def ask(self, rng: np.random.Generator) -> Proposal:
        if self._trained < self.samples and self._progress < 1:
            self._trained += 1
            purpose = "train" if self._trained == self.samples else "accumulate"
            return Proposal(self._ascent.theta.draw(rng), purpose)
        if self._trained == self.samples:  # the weights have moved: now the probabilities
            architecture = self._ascent.theta.draw(rng)
            self._points.append(self.space.indices(architecture))
            return Proposal(architecture, "probe", again=len(self._points) > 1)
        if self._ended:
            raise StopSearch(OVER)
        self._ended = True
        return Proposal(self.within_limits(self._ascent.theta.likeliest()))

    def tell(self, trial: Trial) -> None:
        if trial.proposal.purpose == "train":
            self._progress = trial.metrics["progress"]
        elif trial.proposal.purpose == "probe":
            self._losses.append(trial.metrics["loss"])
            if len(self._losses) == self.samples:
                self._ascent.update(self._points, fetched(self._losses))
                self._points, self._losses, self._trained = [], [], 0

    def recommend(self, trials: Sequence[Trial]) -> Architecture:
        return self.within_limits(self._ascent.theta.likeliest())

    def mixture(self) -> Mixture:
        return self._ascent.theta.mixture()

    def figures(self) -> Mapping[str, float]:
        return {"certainty": self._ascent.theta.certainty, "step": self._ascent.step}

    def state_dict(self) -> Mapping[str, Any]:
        return {
            **self._ascent.state(),
            "progress": self._progress,
            "points": [list(point) for point in self._points],
            "losses": fetched(self._losses),
            "trained": self._trained,
            "ended": self._ended,
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self._ascent.restore(state)
        self._progress = float(state["progress"])
        self._points = [tuple(point) for point in state["points"]]
        self._losses = list(state["losses"])
        self._trained, self._ended = int(state["trained"]), bool(state["ended"])


def utilities(losses: Sequence[float]) -> list[float]:
    """1/mu for the best quarter, -1/mu for the worst, 0 between; mu = ceil(lambda/4). Equal losses share theirs.

    A loss that is not a number counts as the worst.
    """
    size = len(losses)
    mu = ceil(size / 4)
    by_rank = [1 / mu] * mu + [0.0] * (size - 2 * mu) + [-1 / mu] * mu
    keys = [float("inf") if loss != loss else loss for loss in losses]
    found = [0.0] * size
    for value in set(keys):
        alike = [k for k in range(size) if keys[k] == value]
        first = sum(each < value for each in keys)
        shared = sum(by_rank[first : first + len(alike)]) / len(alike)
        for k in alike:
            found[k] = shared
    return found


def _whitened(gradient: np.ndarray, p: np.ndarray) -> np.ndarray:
    """F^(1/2) g for the first K - 1 probabilities, whose Fisher matrix is diag(1/p) + 1/p_K."""
    g, q, last = gradient[:-1], p[:-1], p[-1]
    return g / np.sqrt(q) + np.sqrt(q) * g.sum() / (last + np.sqrt(last))


def _restricted(p: np.ndarray, least: float) -> np.ndarray:
    """The probabilities at `least` or above, summing to 1: what is above is scaled down to what is left."""
    p = np.maximum(p, least)
    excess = p - least
    p = least + excess * ((1 - least * len(p)) / excess.sum()) if excess.sum() > 0 else np.full(len(p), 1 / len(p))
    return p / p.sum()

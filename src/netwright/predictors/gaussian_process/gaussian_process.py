"""A Gaussian process over architectures (Rasmussen and Williams 2006), exact up to a thousand examples."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from netwright.core.checks import is_number, positive, refused, whole_number
from netwright.core.decision_space import with_decisions
from netwright.core.errors import ConfigurationError
from netwright.predictors.examples import Examples, best_and_others
from netwright.predictors.gaussian_process.joint import JointPredictor
from netwright.predictors.gaussian_process.likelihood import hyperparameters, learn
from netwright.predictors.gaussian_process.posterior import Factor
from netwright.predictors.kernels import Exponential
from netwright.predictors.predictor import Prediction

if TYPE_CHECKING:
    from netwright.core.architecture import Architecture
    from netwright.core.space import Space
    from netwright.predictors.kernels import Kernel

EXACTLY = 300  # examples up to which hyperparameters are learnt anew for other values of them
LEARNT_FROM = 500  # examples that hyperparameters are learnt from, at most


class GaussianProcess(JointPredictor):
    """Regression with a kernel whose hyperparameters, signal and noise variance maximise their likelihood.

    space: the space whose architectures are meant.
    kernel: None for `Exponential(space)`, of how many decisions differ.
    noise: the variance of measurements as a share of that of all values; None learns it.
    clip: values worse than the median by more than so many times the distance from the median to the best tenth count
        as that bad, so that a few networks that failed do not set the scale; None takes all as they are.
    refit: `update` learns the hyperparameters anew at so many times as many examples as the last time.
    restarts: from how many points `fit` begins to learn, the usual ones and others drawn from the prior.
    iterations: of L-BFGS at most, from each.
    most: of more examples than so many a subset stands for all, half of it the best and half drawn from the others,
        among which recent ones are likelier; the hyperparameters are learnt from 500 of them. None takes all, in time
        that grows with the cube.

    `fit` learns the hyperparameters. `update` extends the factor of the covariance matrix, in O(n^2), and learns them
    anew, from where they stand, whenever there are `refit` times as many examples as the last time.
    `predict` gives the deviation of a new measurement, noise included; `believing` that of the score without noise.
    """

    def __init__(
        self,
        space: Space,
        kernel: Kernel | None = None,
        noise: float | None = None,
        clip: float | None = 3.0,
        refit: float = 1.5,
        restarts: int = 2,
        iterations: int = 20,
        most: int | None = 1000,
    ) -> None:
        whole_number(self, "most", most, 2, none=True)
        positive(self, "noise", noise, none=True)
        positive(self, "clip", clip, none=True)
        whole_number(self, "restarts", restarts)
        whole_number(self, "iterations", iterations)
        if not is_number(refit) or refit <= 1:
            raise refused(self, "refit", refit, "a number above 1")
        self.space = space
        self.kernel = Exponential(with_decisions(self, space)) if kernel is None else kernel
        if self.kernel.space.id != space.id:
            raise ConfigurationError(
                f"GaussianProcess: the kernel is of space {self.kernel.space.id!r}; expected {space.id!r}"
            )
        self.noise, self.clip = noise, clip
        self.refit, self.restarts, self.iterations, self.most = refit, restarts, iterations, most
        self._known = hyperparameters(self.kernel, noise)

    # Learning.

    def fit(self, architectures: Sequence[Architecture], values: Sequence[float], seed: int = 0) -> None:
        self.examples = Examples(self.space, architectures, values)
        rng = np.random.default_rng(seed)
        center = np.log([each.start for each in self._known])
        starts = center + rng.normal(size=(self.restarts, len(center)))
        starts[0] = center
        self._places = np.arange(len(self.examples))
        self._places = self._places[self._chosen(rng)]
        self._rows = self.kernel.features([self.examples.architectures[place] for place in self._places])
        self._measures = self._mutual(self._rows)
        self._learn(starts)

    def memory(self) -> Mapping[str, Any]:
        """What was learnt, and in which steps the factor grew: rounding depends on them."""
        if self.examples is None:
            return {}
        return {
            "values": self.examples.values,
            "places": self._places,
            "logs": self._logs,
            "learnt_with": self._learnt_with,
            "steps": self._steps,
        }

    def remember(self, memory: Mapping[str, Any], architectures: Sequence[Architecture]) -> None:
        if not memory:
            return
        self.examples = Examples(self.space, architectures, memory["values"])
        self._places, self._logs, self._learnt_with = memory["places"], memory["logs"], memory["learnt_with"]
        self._rows = self.kernel.features([self.examples.architectures[place] for place in self._places])
        self._measures = self._mutual(self._rows)
        first, *further = memory["steps"]
        self._factor, self._steps = Factor(self._noisy(self._rows[:first], self._between(0, first, 0, first))), [first]
        for count in further:
            self._extend(count)
        self._center()

    def update(self, architectures: Sequence[Architecture], values: Sequence[float], seed: int = 0) -> None:
        before = self.examples
        if before is None:
            return self.fit(architectures, values, seed)
        new = Examples(self.space, architectures, values)
        self.examples = before.joined(new)
        rows = self.kernel.features(new.architectures)
        sides, corner = self.kernel.measures(self._rows, rows), self._mutual(rows)
        self._rows = np.concatenate((self._rows, rows))
        self._measures = np.block([[self._measures, sides], [sides.transpose(0, 2, 1), corner]])
        self._places = np.concatenate((self._places, np.arange(len(before), len(self.examples))))
        chosen = self._chosen(np.random.default_rng(seed))
        if len(chosen) < len(self._places):
            self._places, self._rows = self._places[chosen], self._rows[chosen]
            self._measures = np.ascontiguousarray(self._measures[:, chosen[:, None], chosen])
        if len(self.examples) >= self.refit * self._learnt_with:
            self._learn(self._logs[None])
        elif len(chosen) == len(self._factor) + len(rows) and self._extend(len(rows)):
            self._center()
        else:
            self._factorise()
        return None

    def revalue(self, architectures: Sequence[Architecture], values: Sequence[float], seed: int = 0) -> None:
        if self.examples is None or len(values) <= EXACTLY:
            return self.fit(architectures, values, seed)
        self.examples = Examples(self.space, architectures, values)
        self._places = best_and_others(self.examples.values, self.most, np.random.default_rng(seed))
        self._rows = self.kernel.features([self.examples.architectures[place] for place in self._places])
        self._measures = self._mutual(self._rows)
        if len(self.examples) >= self.refit * self._learnt_with:
            return self._learn(self._logs[None])
        return self._factorise()

    def _extend(self, count: int) -> bool:
        """Take so many more rows into the factor; whether that could be done exactly."""
        start = len(self._factor)
        end = start + count
        sides = self._signal(self._between(0, start, start, end))
        corner = self._noisy(self._rows[start:end], self._between(start, end, start, end))
        extended = self._factor.extend(sides, corner)
        if extended:
            self._steps.append(count)
        return extended

    def _mutual(self, rows: np.ndarray) -> np.ndarray:
        """The measures of all pairs, those of the upper triangle on both sides."""
        found = self.kernel.measures(rows, rows)
        return np.triu(found) + np.triu(found, 1).transpose(0, 2, 1)

    def _between(self, top: int, bottom: int, left: int, right: int) -> np.ndarray:
        """A part of the measures, in memory of its own: its layout decides how sums of it are rounded."""
        return np.ascontiguousarray(self._measures[:, top:bottom, left:right])

    def _chosen(self, rng: np.random.Generator) -> np.ndarray:
        """Which of the examples at hand are kept, ascending: all, or the best half of `most` and a draw of the rest."""
        return best_and_others(self.fitted().values[self._places], self.most, rng)

    def _learn(self, starts: np.ndarray) -> None:
        scores = self._scaled()
        few = np.arange(0, len(scores), -(-len(scores) // LEARNT_FROM))
        own = self.kernel.own_measures(self._rows[few])
        bounds = np.log([(each.least, each.most) for each in self._known]).T
        starts = np.clip(starts, *bounds)
        measures = self._measures[:, few[:, None], few]
        self._logs = learn(self.kernel, measures, own, scores[few], starts, self._known, self.iterations)
        self._learnt_with = len(self.fitted())
        self._factorise()

    def _factorise(self) -> None:
        self._factor, self._steps = Factor(self._noisy(self._rows, self._measures)), [len(self._rows)]
        self._center()

    def _center(self) -> None:
        self._solved = self._factor.solve_both(self._scaled())

    def _scaled(self) -> np.ndarray:
        """The values of the examples at hand, in units of the deviation of all, after clipping."""
        values = self.fitted().values
        if self.clip is not None:
            middle, high = np.quantile(values, (0.5, 0.9))
            if high > middle:
                values = np.maximum(values, middle - self.clip * (high - middle))
        self._mean = float(values.mean())
        deviation = float(values.std())
        self._scale = deviation if deviation > 1e-12 * max(1.0, abs(self._mean)) else 1.0
        return (values[self._places] - self._mean) / self._scale

    # Covariances between scores, in units of the values' deviation.

    @property
    def hyperparameters(self) -> dict[str, float]:
        """What was learnt, by name; variances and lengths in units of the values' deviation and of the kernel."""
        self.fitted()
        return {each.name: float(value) for each, value in zip(self._known, np.exp(self._logs), strict=True)}

    def _signal(self, measures: np.ndarray) -> np.ndarray:
        return np.exp(self._logs[-2]) * self.kernel.covariance(measures, self._logs[:-2])

    def _noisy(self, rows: np.ndarray, measures: np.ndarray) -> np.ndarray:
        """The covariance of measurements of these rows."""
        matrix = self._signal(measures)
        np.fill_diagonal(matrix, self._signal(self.kernel.own_measures(rows)) + np.exp(self._logs[-1]))
        return matrix

    # Predicting.

    def predict(self, architectures: Sequence[Architecture]) -> Prediction:
        mean, variance = self._latent(architectures, ())
        return self._in_units(mean, variance + np.exp(self._logs[-1]))

    def believing(self, architectures: Sequence[Architecture], pending: Sequence[Architecture]) -> Prediction:
        return self._in_units(*self._latent(architectures, pending))

    def joint(
        self, architectures: Sequence[Architecture], pending: Sequence[Architecture] = ()
    ) -> tuple[Prediction, np.ndarray]:
        mean, reduced, rows = self._projected(architectures, pending)
        prior = self._signal(self.kernel.measures(rows, rows))
        np.fill_diagonal(prior, self._signal(self.kernel.own_measures(rows)))
        left = prior - reduced.T @ reduced
        return self._in_units(mean, np.diag(left)), left * self._scale**2

    def samples(self, architectures: Sequence[Architecture], count: int, rng: np.random.Generator) -> np.ndarray:
        """Draws of the score without noise, jointly normal over the architectures."""
        prediction, covariance = self.joint(architectures)
        return prediction.mean + rng.normal(size=(count, len(covariance))) @ Factor(covariance).lower.T

    def _in_units(self, mean: np.ndarray, variance: np.ndarray) -> Prediction:
        return Prediction(mean * self._scale + self._mean, np.sqrt(np.maximum(variance, 1e-12)) * self._scale)

    def _latent(
        self, architectures: Sequence[Architecture], pending: Sequence[Architecture]
    ) -> tuple[np.ndarray, np.ndarray]:
        """Mean and variance of the score without noise (equations 2.25 and 2.26)."""
        mean, reduced, rows = self._projected(architectures, pending)
        prior = self._signal(self.kernel.own_measures(rows))
        return mean, prior - np.einsum("ij,ij->j", reduced, reduced)

    def _projected(
        self, architectures: Sequence[Architecture], pending: Sequence[Architecture]
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Means, columns whose products are what is known of the covariances, and the rows."""
        self.fitted()
        rows = self.kernel.features(architectures)
        beside = self._signal(self.kernel.measures(self._rows, rows))
        mean, reduced = beside.T @ self._solved, self._factor.solve(beside)
        if pending:  # a belief moves no mean; it only takes variance away
            others = self.kernel.features(pending)
            theirs = self._factor.solve(self._signal(self.kernel.measures(self._rows, others)))
            left = self._noisy(others, self.kernel.measures(others, others)) - theirs.T @ theirs
            between = self._signal(self.kernel.measures(others, rows)) - theirs.T @ reduced
            reduced = np.concatenate((reduced, Factor(left).solve(between)))
        return mean, reduced, rows

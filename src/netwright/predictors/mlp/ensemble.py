"""BANANAS' meta neural network: an ensemble of multilayer perceptrons on paths (White et al. 2021, section 3)."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil, cos, pi
from typing import TYPE_CHECKING

import numpy as np

from netwright.core.errors import ConfigurationError, nearest
from netwright.predictors.encodings import Encoding, Paths
from netwright.predictors.examples import Examples, best_and_others
from netwright.predictors.mlp.networks import Networks, Training
from netwright.predictors.predictor import Prediction, Predictor

if TYPE_CHECKING:
    from netwright.core.architecture import Architecture
    from netwright.core.decision_space import DecisionSpace

LOSSES = ("mae", "mse")
SCHEDULES = ("constant", "cosine")
RISE = 5  # steps in which the rate of "cosine" rises to its full height
MOST = 2000  # examples that `quick` learns: no fewer than its batches hold in all
MOMENT_DECAYS = (0.9, 0.99)  # of Adam, from the authors' code


class MlpEnsemble(Predictor):
    """Five fully connected networks that differ in first weights and batches; mean and deviation are of their outputs.

    The defaults are those of the authors' code (naszilla: `MetaNeuralnet`, `meta_neuralnet_params`): 10 layers of 20
    units, mean absolute error, batches of 32 for 150 epochs, Adam at 0.01 with moment decays 0.9 and 0.99. There scores
    are percentages and learnt as they are; here they are standardised, for a metric may have any unit.
    `quick` has settings that train in a small part of the time.

    space: the space whose architectures are meant.
    encoding: what the networks read, by default `Paths(space)`.
    networks: in the ensemble.
    layers, width: of each.
    epochs, batch, rate: of its training by Adam.
    steps: how many batches to train on instead of `epochs`, however many examples there are.
    schedule: the rate stays "constant", or rises for 5 steps and then falls to zero as a "cosine" does.
    loss: "mae" or "mse".
    most: of more examples than so many a part is learnt, half of it the best and half drawn from the others.

    Raises ConfigurationError for numbers below 1, a rate that is not positive, and unknown names.
    """

    def __init__(
        self,
        space: DecisionSpace,
        encoding: Encoding | None = None,
        networks: int = 5,
        layers: int = 10,
        width: int = 20,
        epochs: int = 150,
        batch: int = 32,
        rate: float = 0.01,
        steps: int | None = None,
        schedule: str = "constant",
        loss: str = "mae",
        most: int | None = None,
    ) -> None:
        counts = {"networks": networks, "layers": layers, "width": width, "epochs": epochs, "batch": batch}
        for name, value in {**counts, "steps": steps or steps is None, "most": most or most is None}.items():
            if value < 1:
                raise ConfigurationError(f"MlpEnsemble: {name} must be at least 1, found {value}")
        if not rate > 0:
            raise ConfigurationError(f"MlpEnsemble: rate must be above 0, found {rate}")
        for name, value, known in (("loss", loss, LOSSES), ("schedule", schedule, SCHEDULES)):
            if value not in known:
                raise ConfigurationError(f"MlpEnsemble has no {name} {value!r}{nearest(value, known)}")
        self.space = space
        self.encoding = Paths(space) if encoding is None else encoding
        self.count, self.depth, self.width = networks, layers, width
        self.epochs, self.batch, self.steps = epochs, batch, steps
        self.rate, self.schedule, self.loss, self.most = rate, schedule, loss, most
        self._networks: Networks | None = None

    def fit(self, architectures: Sequence[Architecture], values: Sequence[float], seed: int = 0) -> None:
        examples = Examples(self.space, architectures, values)
        rng = np.random.default_rng(seed)
        kept = best_and_others(examples.values, self.most, rng)
        rows = self.encoding.encode([examples.architectures[place] for place in kept.tolist()])
        networks = Networks(self.count, rows.shape[1], self.width, self.depth, rng)
        used = np.flatnonzero(rows.any(axis=0))  # the weights of other columns have no gradient
        narrow = networks.narrowed(used)
        ones = np.ones((len(rows), 1), dtype=np.float32)
        scores = examples.scores[kept].astype(np.float32)
        self._train(narrow, np.concatenate((rows[:, used], ones), axis=1), scores, rng)
        networks.adopt(narrow, used)
        self._networks, self.examples = networks, examples

    def _train(self, networks: Networks, rows: np.ndarray, scores: np.ndarray, rng: np.random.Generator) -> None:
        """Batches of a new order every epoch, another one for each network, a smaller one at its end."""
        batch = min(self.batch, len(rows))
        training = Training(networks, MOMENT_DECAYS, self.loss)
        total = self.steps or self.epochs * ceil(len(rows) / batch)
        places = np.tile(np.arange(len(rows)), (self.count, 1))
        done = 0
        while done < total:
            order = rng.permuted(places, axis=1)
            for start in range(0, len(rows), batch)[: total - done]:
                drawn = order[:, start : start + batch]
                training.step(rows[drawn], scores[drawn], self._rate_at(done, total))
                done += 1

    def _rate_at(self, step: int, total: int) -> float:
        if self.schedule == "constant":
            return self.rate
        return self.rate * min(1.0, (step + 1) / RISE) * 0.5 * (1.0 + cos(pi * step / total))

    def predict(self, architectures: Sequence[Architecture]) -> Prediction:
        found = self._members(architectures)
        return Prediction(found.mean(axis=0), found.std(axis=0))

    def samples(self, architectures: Sequence[Architecture], count: int, rng: np.random.Generator) -> np.ndarray:
        """Each draw is one network's whole function, any of them with equal probability."""
        return self._members(architectures)[rng.integers(self.count, size=count)]

    def _members(self, architectures: Sequence[Architecture]) -> np.ndarray:
        """What each network says, in the units of the values; float64 (networks, n)."""
        examples = self.fitted()
        assert self._networks is not None
        return examples.unscaled(self._networks.predict(self.encoding.encode(architectures)))


def quick(space: DecisionSpace, encoding: Encoding | None = None) -> MlpEnsemble:
    """Five smaller networks, trained on as many batches however many examples there are, and on 2,000 at most.

    About as good as the defaults of MlpEnsemble and many times as quick; docs/predictors.md has the figures.
    """
    return MlpEnsemble(space, encoding, layers=3, width=32, steps=80, rate=0.015, schedule="cosine", most=MOST)

"""A network that learns which of two architectures is better (Wistuba and Pedapati 2020, LCRankNet)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn

from netwright.core.errors import ConfigurationError
from netwright.predictors.encodings import Adjacency, Encoding
from netwright.predictors.examples import Examples
from netwright.predictors.neural.adam import Adam, cosine, in_one_row
from netwright.predictors.neural.seeding import require_counts, require_positive, seeded
from netwright.predictors.predictor import Prediction, Predictor

if TYPE_CHECKING:
    from netwright.core.architecture import Architecture
    from netwright.core.decision_space import DecisionSpace

Curves = Sequence[Sequence[float]]


def pairwise_loss(scores: Tensor, values: Tensor) -> Tensor:
    """Mean of -log sigmoid(s_i - s_j) over all pairs whose value i is above value j (their equations 1 and 2).

    scores: (..., n).
    values: (n,).

    Zero where all values are the same.
    """
    better = (values[:, None] > values[None, :]).to(scores.dtype)
    lost = nn.functional.softplus(scores[..., None, :] - scores[..., :, None])
    return (lost * better).sum((-2, -1)).sum() / better.sum().clamp_min(1)


class _Member(nn.Module):
    """Layers on the encoding and, where there are curves, convolutions of several lengths over those."""

    def __init__(self, inputs: int, epochs: int, hidden: int) -> None:
        super().__init__()
        lengths = [length for length in (2, 3, 4) if length <= epochs]
        self.curves = nn.ModuleList([nn.Conv1d(1, hidden // 4 or 1, length) for length in lengths])
        width = inputs + sum(int(each.out_channels) for each in self.curves) + (1 if epochs else 0)  # pyright: ignore
        self.layers = nn.Sequential(
            nn.Linear(width, hidden), nn.ReLU(), nn.Linear(hidden, hidden), nn.ReLU(), nn.Linear(hidden, 1)
        )

    def forward(self, rows: Tensor, curves: Tensor) -> Tensor:
        parts = [rows]
        if curves.shape[1]:
            parts.append(curves[:, -1:])
            parts += [torch.relu(each(curves[:, None, :])).amax(2) for each in self.curves]
        return self.layers(torch.cat(parts, 1))[:, 0]


class RankingNetwork(Predictor):
    """Networks trained so that the better of two architectures gets the larger score; values follow by a straight line.

    The loss is LCRankNet's; its data set embeddings and the recurrent network on the architecture are not here:
    the encoding (by default `Adjacency(space)`) stands for the latter. `fit` and `predict` take curves besides, which
    are the values that were measured after each of the first epochs, one equally long sequence an architecture.
    Mean and deviation are those of `networks` networks that differ in their first weights; the number of units, steps
    and the rate of Adam are this project's choice.

    space: the space whose architectures are meant.
    encoding: of architectures.
    networks: in the ensemble.
    hidden: units of a layer.
    steps, rate, decay: of their training by Adam.

    Raises ConfigurationError for counts below 1, rate not above 0, and curves that do not fit the architectures.
    """

    def __init__(
        self,
        space: DecisionSpace,
        encoding: Encoding | None = None,
        networks: int = 5,
        hidden: int = 32,
        steps: int = 150,
        rate: float = 0.01,
        decay: float = 1e-4,
    ) -> None:
        require_counts("RankingNetwork", networks=networks, hidden=hidden, steps=steps)
        require_positive("RankingNetwork", rate=rate)
        self.space = space
        self.encoding = Adjacency(space) if encoding is None else encoding
        self.networks, self.hidden, self.steps, self.rate, self.decay = networks, hidden, steps, rate, decay

    def fit(
        self,
        architectures: Sequence[Architecture],
        values: Sequence[float],
        seed: int = 0,
        curves: Curves | None = None,
    ) -> None:
        examples = Examples(self.space, architectures, values)
        rows = torch.from_numpy(self.encoding.encode(examples.architectures))
        self._epochs = len(curves[0]) if curves else 0
        known = self._curves(curves, len(examples))
        self._middle, self._spread = float(known.mean()) if curves else 0.0, float(known.std()) if curves else 1.0
        scores = torch.tensor(examples.scores, dtype=torch.float32, device="cpu")
        with seeded(seed):
            with torch.device("cpu"):
                self._members = [_Member(rows.shape[1], self._epochs, self.hidden) for _ in range(self.networks)]
            self._train(rows, self._standard(known), scores)
        found = self._each(rows, self._standard(known))
        self._lines = [_line(each, examples.scores) for each in found]
        self.examples = examples

    def _train(self, rows: Tensor, curves: Tensor, scores: Tensor) -> None:
        weights, gradient = in_one_row(*self._members)
        optimiser = Adam(weights, gradient, self.decay)
        for step in range(self.steps):
            gradient[:] = 0
            found = torch.stack([member(rows, curves) for member in self._members])
            pairwise_loss(found, scores).backward()
            optimiser.step(cosine(self.rate, step, self.steps))

    def update(
        self,
        architectures: Sequence[Architecture],
        values: Sequence[float],
        seed: int = 0,
    ) -> None:
        if self.examples is not None and self._epochs:
            raise ConfigurationError("RankingNetwork.update takes no curves; fit all examples with their curves anew")
        super().update(architectures, values, seed)

    def predict(self, architectures: Sequence[Architecture], curves: Curves | None = None) -> Prediction:
        examples = self.fitted()
        known = self._curves(curves, len(architectures))
        rows = torch.from_numpy(self.encoding.encode(architectures))
        found = self._each(rows, self._standard(known))
        found = np.array([slope * each + shift for each, (slope, shift) in zip(found, self._lines, strict=True)])
        return Prediction(examples.unscaled(found.mean(axis=0)), found.std(axis=0) * examples.scale)

    @torch.no_grad()
    def _each(self, rows: Tensor, curves: Tensor) -> np.ndarray:
        """What each network says; float64 (networks, n)."""
        return torch.stack([member(rows, curves) for member in self._members]).double().numpy()

    def _standard(self, curves: Tensor) -> Tensor:
        return (curves - self._middle) / (self._spread if self._spread > 1e-9 else 1.0)

    def _curves(self, curves: Curves | None, count: int) -> Tensor:
        """float32 (count, epochs)."""
        lengths = [len(each) for each in curves or ()]
        if lengths != [self._epochs] * (count if self._epochs else 0):
            raise ConfigurationError(
                f"RankingNetwork was given {len(lengths)} curves of {sorted(set(lengths))} epochs; expected "
                f"{count if self._epochs else 'none, as it was fitted without curves,'} of {self._epochs} epochs each"
            )
        known = [list(each) for each in curves or ()]
        found = torch.tensor(known, dtype=torch.float32, device="cpu").reshape(count, self._epochs)
        if not bool(torch.isfinite(found).all()):
            raise ConfigurationError("RankingNetwork: a curve holds a number that is not finite")
        return found


def _line(found: np.ndarray, scores: np.ndarray) -> tuple[float, float]:
    """Slope, at least 0, and shift of the least-squares line from a network's scores to the examples'."""
    centered = found - found.mean()
    variance = float(centered @ centered)
    slope = max(float(centered @ scores) / variance, 0.0) if variance > 1e-12 else 0.0
    return slope, float(scores.mean() - slope * found.mean())

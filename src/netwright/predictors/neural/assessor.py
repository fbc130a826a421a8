"""The semi-supervised assessor: an auto-encoder, and a graph of similar architectures (Tang et al. 2020)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn

from netwright.core.errors import ConfigurationError
from netwright.predictors.encodings import Adjacency, Encoding
from netwright.predictors.examples import Examples
from netwright.predictors.neural.adam import Adam, in_one_row
from netwright.predictors.neural.seeding import require_counts, require_positive, seeded
from netwright.predictors.predictor import Prediction, Predictor

if TYPE_CHECKING:
    from netwright.core.architecture import Architecture
    from netwright.core.decision_space import DecisionSpace


class _Assessor(nn.Module):
    """Encoder and decoder of an encoding's rows, and two graph convolutions on what is encoded."""

    def __init__(self, inputs: int, hidden: int, embedding: int) -> None:
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(inputs, hidden), nn.ReLU(), nn.Linear(hidden, embedding))
        self.decoder = nn.Sequential(nn.Linear(embedding, hidden), nn.ReLU(), nn.Linear(hidden, inputs))
        self.first, self.last = nn.Linear(embedding, hidden), nn.Linear(hidden, 1)

    def similarity(self, embedded: Tensor, others: Tensor, width: float, threshold: float) -> Tensor:
        """exp(-d^2 / (2 width^2)) of the squared distance, in units of the mean one; 0 below the threshold."""
        scale = 2 * others.var(0, unbiased=False).sum().clamp_min(1e-12)  # the mean squared distance of two of them
        squares = embedded.square().sum(1)[:, None] + others.square().sum(1) - 2 * embedded @ others.T
        found = torch.exp(-squares.clamp_min(0) / (scale * 2 * width**2))
        return torch.where(found < threshold, found.new_zeros(()), found)

    def relate(self, own: Tensor, among: Tensor, weights: Tensor, layer: nn.Linear) -> Tensor:
        """One convolution: the weighted mean of a state and those of its neighbours, then a linear layer."""
        return layer((own + weights @ among) / (1 + weights.sum(1, keepdim=True)))


class SemiSupervisedAssessor(Predictor):
    """Learns from the examples and, without their values, from `unlabelled` random architectures of the space.

    An auto-encoder embeds all of them; architectures with similar embeddings are neighbours in a graph, and two graph
    convolutions on it predict scores. The loss is (1 - share) times the squared error of the examples plus share times
    that of the reconstruction of all. A new architecture is related to these same architectures, not to others
    that are predicted with it. The deviation is that of `networks` such models.

    space: the space whose architectures are meant.
    encoding: what is embedded, by default `Adjacency(space)`; the paper's convolutional encoder of an adjacency matrix
        is here two linear layers, for any encoding.
    unlabelled: random architectures without values.
    networks: in the ensemble.
    hidden, embedding: units of a layer, and of the embedding.
    steps, rate: of their training by Adam.
    share: of the reconstruction in the loss; 0.5 is, as far as known, the paper's (unsure).
    width, threshold: of the similarity, in units of the mean distance of two architectures.

    All other numbers are this project's choice.

    Raises ConfigurationError for counts below 1, a rate or width not above 0 and a share outside of 0 to 1.
    """

    def __init__(
        self,
        space: DecisionSpace,
        encoding: Encoding | None = None,
        unlabelled: int = 200,
        networks: int = 2,
        hidden: int = 64,
        embedding: int = 32,
        steps: int = 100,
        rate: float = 5e-3,
        share: float = 0.5,
        width: float = 0.2,
        threshold: float = 0.01,
    ) -> None:
        require_counts("SemiSupervisedAssessor", networks=networks, hidden=hidden, embedding=embedding, steps=steps)
        require_positive("SemiSupervisedAssessor", rate=rate, width=width)
        if unlabelled < 0 or not 0 <= share < 1:
            raise ConfigurationError(
                f"SemiSupervisedAssessor needs unlabelled of at least 0 and share from 0 to below 1, found "
                f"{unlabelled} and {share}"
            )
        self.space = space
        self.encoding = Adjacency(space) if encoding is None else encoding
        self.unlabelled, self.networks, self.hidden, self.embedding = unlabelled, networks, hidden, embedding
        self.steps, self.rate, self.share, self.width, self.threshold = steps, rate, share, width, threshold

    def fit(self, architectures: Sequence[Architecture], values: Sequence[float], seed: int = 0) -> None:
        examples = Examples(self.space, architectures, values)
        rng = np.random.default_rng(seed)
        others = [self.space.sample(rng) for _ in range(self.unlabelled)]
        self._rows = torch.from_numpy(self.encoding.encode([*examples.architectures, *others]))
        scores = torch.tensor(examples.scores, dtype=torch.float32, device="cpu")
        with seeded(seed):
            self._models = [self._trained(scores) for _ in range(self.networks)]
        self.examples = examples

    def _trained(self, scores: Tensor) -> _Assessor:
        with torch.device("cpu"):
            model = _Assessor(self._rows.shape[1], self.hidden, self.embedding)
        weights, gradient = in_one_row(model)
        optimiser = Adam(weights, gradient)
        others = 1 - torch.eye(len(self._rows), device="cpu")
        for _ in range(self.steps):
            gradient[:] = 0
            embedded = model.encoder(self._rows)
            error = nn.functional.mse_loss(self._related(model, embedded, others)[: len(scores)], scores)
            rebuilt = nn.functional.mse_loss(model.decoder(embedded), self._rows)
            ((1 - self.share) * error + self.share * rebuilt).backward()
            optimiser.step(self.rate)
        return model

    def _related(self, model: _Assessor, embedded: Tensor, others: Tensor) -> Tensor:
        """Scores of the architectures that make up the graph; none is its own neighbour, where `others` is 0."""
        weights = model.similarity(embedded, embedded, self.width, self.threshold) * others
        states = torch.relu(model.relate(embedded, embedded, weights, model.first))
        return model.relate(states, states, weights, model.last)[:, 0]

    def predict(self, architectures: Sequence[Architecture]) -> Prediction:
        examples = self.fitted()
        rows = torch.from_numpy(self.encoding.encode(architectures))
        found = np.array([self._scores(model, rows) for model in self._models])
        return Prediction(examples.unscaled(found.mean(axis=0)), found.std(axis=0) * examples.scale)

    @torch.no_grad()
    def _scores(self, model: _Assessor, rows: Tensor) -> np.ndarray:
        """float64 (n,): each row is related to the graph's architectures."""
        anchors = model.encoder(self._rows)
        others = 1 - torch.eye(len(anchors), device="cpu")
        weights = model.similarity(anchors, anchors, self.width, self.threshold) * others
        states = torch.relu(model.relate(anchors, anchors, weights, model.first))
        found = [np.zeros(0)]
        for part in rows.split(256):
            own = model.encoder(part)
            weights = model.similarity(own, anchors, self.width, self.threshold)
            state = torch.relu(model.relate(own, anchors, weights, model.first))
            found.append(model.relate(state, states, weights, model.last)[:, 0].double().numpy())
        return np.concatenate(found)

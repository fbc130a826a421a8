"""The neural predictor: graph convolutions along and against the flow (Wen et al. 2020)."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn

from netwright.core.errors import ConfigurationError
from netwright.predictors.examples import Examples
from netwright.predictors.graphs import OperationGraphs
from netwright.predictors.neural.graph_scores import scores_with
from netwright.predictors.neural.graph_training import train
from netwright.predictors.neural.seeding import require_counts, require_positive, seeded
from netwright.predictors.predictor import Prediction, Predictor
from netwright.predictors.ranked import NormalScores

if TYPE_CHECKING:
    from netwright.core.architecture import Architecture
    from netwright.core.decision_space import DecisionSpace

CHUNK = 64  # graphs at once when predicting


class GraphConvolution(nn.Module):
    """V' = (relu(A V W+) + relu(A^T V W-)) / 2 with row-normalised A and A^T (Wen et al. 2020, section 3.2)."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.forwards = nn.Linear(inputs, outputs, bias=False)
        self.backwards = nn.Linear(inputs, outputs, bias=False)
        for each in (self.forwards, self.backwards):
            nn.init.xavier_uniform_(each.weight)

    def forward(self, states: Tensor, along: Tensor, against: Tensor) -> Tensor:
        flow = torch.relu(along @ self.forwards(states))
        return (flow + torch.relu(against @ self.backwards(states))) / 2


class GraphNetwork(nn.Module):
    """Graph convolutions, the mean over all nodes, and two linear layers; dropout after all but the last."""

    def __init__(self, features: int, layers: int, hidden: int, head: int, dropout: float) -> None:
        super().__init__()
        pairs = pairwise([features, *[hidden] * layers])
        self.layers = [GraphConvolution(inputs, outputs) for inputs, outputs in pairs]
        self.convolutions = nn.ModuleList(self.layers)
        self.first = nn.Linear(hidden, head)
        self.last = nn.Linear(head, 1)
        self.dropout = dropout
        self.widths = [*[hidden] * layers, head]

    def masks(self) -> list[Tensor]:
        """For each layer with dropout, which units stay; with the same masks for all graphs this is one function."""
        keep = 1 - self.dropout
        return [torch.bernoulli(torch.full((width,), keep, device="cpu")) / keep for width in self.widths]

    def nothing_dropped(self) -> list[Tensor]:
        """Masks with which all units stay."""
        return [torch.ones(width, device="cpu") for width in self.widths]

    @staticmethod
    def directions(adjacency: Tensor, there: Tensor) -> Tensor:
        """A and its transpose, with loops and rows that add up to one; (2, n, nodes, nodes)."""
        loops = adjacency + torch.diag_embed(there)
        both = torch.stack([loops, loops.transpose(1, 2)])
        return both / both.sum(3, keepdim=True).clamp_min(1)

    def forward(self, adjacency: Tensor, features: Tensor, there: Tensor, masks: list[Tensor] | None = None) -> Tensor:
        """Scores (n,) for adjacency (n, nodes, nodes), features (n, nodes, f) and which nodes are there (n, nodes)."""
        along, against = self.directions(adjacency, there)
        states = features
        for place, convolution in enumerate(self.convolutions):
            states = self._dropped(convolution(states, along, against), place, masks) * there[:, :, None]
        pooled = states.sum(1) / there.sum(1, keepdim=True).clamp_min(1)
        return self.last(self._dropped(torch.relu(self.first(pooled)), len(self.convolutions), masks))[:, 0]

    def _dropped(self, states: Tensor, place: int, masks: list[Tensor] | None) -> Tensor:
        if masks is not None:
            return states * masks[place]
        return nn.functional.dropout(states, self.dropout, self.training)


class NeuralPredictor(Predictor):
    """A bidirectional graph convolutional network on the operations' graph, trained on the squared error of ranks.

    3 convolutions of 144, a linear layer of 128, dropout 0.1, Adam with a cosine schedule, batches of 10: those of a
    public reimplementation for NAS-Bench-101 (whether all are the paper's is unsure). Its rate of 1e-4 with weight
    decay 1e-3 for 300 epochs, on the values as they are, rank networks far worse (docs/predictors.md).

    The paper's first stage, a classifier of hopeless networks, is left out; as values these would set the scale. It
    gives no deviation; here it is that of `draws` passes with dropout left on (Gal and Ghahramani 2016), which is too
    narrow unless `Calibrated` scales it.

    space: the space whose architectures are meant.
    layers, hidden: number and width of the convolutions.
    head: width of the linear layer.
    dropout: after each layer.
    epochs, batch, rate, decay: of its training by Adam.
    draws: passes that give the deviation.
    ranks: learn the normal scores of the values' ranks, as `Ranked` does.

    Raises ConfigurationError for counts below 1, rate not above 0 and dropout outside of 0 to 1.
    """

    def __init__(
        self,
        space: DecisionSpace,
        layers: int = 3,
        hidden: int = 144,
        head: int = 128,
        dropout: float = 0.1,
        epochs: int = 100,
        batch: int = 10,
        rate: float = 1e-3,
        decay: float = 1e-4,
        draws: int = 10,
        ranks: bool = True,
    ) -> None:
        require_counts(
            "NeuralPredictor", layers=layers, hidden=hidden, head=head, epochs=epochs, batch=batch, draws=draws
        )
        require_positive("NeuralPredictor", rate=rate)
        if not 0 <= dropout < 1 or decay < 0:
            raise ConfigurationError(
                f"NeuralPredictor needs dropout from 0 to below 1 and decay of at least 0, found {dropout} and {decay}"
            )
        self.space = space
        self.layers, self.hidden, self.head, self.dropout = layers, hidden, head, dropout
        self.epochs, self.batch, self.rate, self.decay, self.draws = epochs, batch, rate, decay, draws
        self.ranks = ranks
        self._graphs = OperationGraphs(space)

    def fit(self, architectures: Sequence[Architecture], values: Sequence[float], seed: int = 0) -> None:
        examples = Examples(self.space, architectures, values)
        self._normal = NormalScores(examples.values) if self.ranks else None
        scores = examples.scores if self._normal is None else self._normal.scores
        graphs = [torch.from_numpy(each) for each in self._graphs.arrays(examples.architectures)]
        with seeded(seed), torch.device("cpu"):
            self._network = GraphNetwork(self._graphs.features, self.layers, self.hidden, self.head, self.dropout)
        train(
            self._network,
            graphs,
            scores.astype(np.float32),
            epochs=self.epochs,
            batch=self.batch,
            rate=self.rate,
            decay=self.decay,
            rng=np.random.default_rng(seed),
        )
        self._network.eval()
        self.examples, self._seed = examples, seed

    def predict(self, architectures: Sequence[Architecture]) -> Prediction:
        examples = self.fitted()
        with seeded(self._seed):
            masks = [self._network.masks() for _ in range(self.draws)]
        mean, *drawn = self._scores(architectures, [self._network.nothing_dropped(), *masks])
        deviation = np.std(drawn, axis=0)
        if self._normal is not None:
            return self._normal.as_values(Prediction(mean, deviation))
        return Prediction(examples.unscaled(mean), deviation * examples.scale)

    def samples(self, architectures: Sequence[Architecture], count: int, rng: np.random.Generator) -> np.ndarray:
        """Each draw is the network with other units dropped, the same ones for all architectures."""
        examples = self.fitted()
        with seeded(int(rng.integers(2**62))):
            masks = [self._network.masks() for _ in range(count)]
        drawn = self._scores(architectures, masks)
        return examples.unscaled(drawn) if self._normal is None else self._normal.value(drawn)

    def _scores(self, architectures: Sequence[Architecture], masks: Sequence[Sequence[Tensor]]) -> np.ndarray:
        """What the network says with each of these masks; float64 (masks, n)."""
        found = [np.zeros((len(masks), 0))]
        for start in range(0, len(architectures), CHUNK):
            adjacency, features, there = map(
                torch.from_numpy, self._graphs.arrays(architectures[start : start + CHUNK])
            )
            found.append(scores_with(self._network, adjacency, features, there, masks).double().numpy())
        return np.concatenate(found, axis=1)

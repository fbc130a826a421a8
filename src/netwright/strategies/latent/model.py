"""Encoder, performance predictor and decoder of neural architecture optimisation (Luo et al. 2018, section 3)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional

from netwright.strategies.latent.vocabulary import INACTIVE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from netwright.core.decisions import Point
    from netwright.strategies.latent.vocabulary import Vocabulary


class EncoderPredictorDecoder(nn.Module):
    """Tokens -> states -> score, and states -> tokens.

    The encoder is an LSTM; its states, scaled to length 1, are the continuous form of an architecture; while it learns,
    a share `dropout` of their numbers is left out. The predictor f takes their mean, scaled likewise, through `layers`
    hidden layers to a score from 0 to 1. The decoder is an LSTM that begins with that mean and attends to the states.
    """

    def __init__(self, vocabulary: int, hidden: int, embedding: int, layers: int, width: int, dropout: float) -> None:
        super().__init__()
        self.source = nn.Embedding(vocabulary, embedding)
        self.encoder = nn.LSTM(embedding, hidden, batch_first=True)
        self.dropout = nn.Dropout(dropout)
        body: list[nn.Module] = []
        for k in range(layers):
            body += [nn.Linear(width if k else hidden, width), nn.ReLU()]
        self.predictor = nn.Sequential(*body, nn.Linear(width if layers else hidden, 1), nn.Sigmoid())
        self.target = nn.Embedding(vocabulary, hidden)
        self.decoder = nn.LSTM(hidden, hidden, batch_first=True)
        self.mix = nn.Linear(2 * hidden, hidden)
        self.out = nn.Linear(hidden, vocabulary)

    def encode(self, tokens: Tensor) -> Tensor:
        """States (n, length, hidden), each of length 1, of int64 tokens (n, length)."""
        return functional.normalize(self.dropout(self.encoder(self.source(tokens))[0]), dim=-1)

    def predict(self, states: Tensor) -> Tensor:
        """Scores (n,) from 0 to 1."""
        return self.predictor(_summary(states)).squeeze(-1)

    def decode(self, states: Tensor, tokens: Tensor) -> Tensor:
        """Log-probabilities (n, length, vocabulary) of each token after the true ones before it."""
        start = torch.full_like(tokens[:, :1], INACTIVE)
        return self._step(torch.cat([start, tokens[:, :-1]], dim=1), states, _begin(states))[0]

    def _step(
        self, tokens: Tensor, states: Tensor, memory: tuple[Tensor, Tensor]
    ) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        output, memory = self.decoder(self.target(tokens), memory)
        weights = torch.softmax(output @ states.transpose(1, 2), dim=-1)
        attended = torch.tanh(self.mix(torch.cat([weights @ states, output], dim=-1)))
        return torch.log_softmax(self.out(attended), dim=-1), memory

    def loss(self, tokens: Tensor, scores: Tensor, trade_off: float) -> Tensor:
        """Equation 4: the trade-off between the squared error of the score and the likelihood of the architecture."""
        states = self.encode(tokens)
        likelihood = self.decode(states, tokens)
        reconstruction = functional.nll_loss(likelihood.flatten(0, 1), tokens.flatten())
        return trade_off * functional.mse_loss(self.predict(states), scores) + (1 - trade_off) * reconstruction

    def gradient(self, states: Tensor) -> Tensor:
        """Of the score, by each of the states."""
        with torch.enable_grad():
            leaf = states.detach().requires_grad_()
            return torch.autograd.grad(self.predict(leaf).sum(), leaf)[0]

    @staticmethod
    def moved(states: Tensor, gradient: Tensor, step: float) -> Tensor:
        """Equation 3: the states moved by `step` times the gradient of the score, scaled to length 1 again."""
        return functional.normalize(states + step * gradient, dim=-1)

    @torch.no_grad()
    def read(self, states: Tensor, vocabulary: Vocabulary) -> list[Point]:
        """The architectures that states (n, length, hidden) decode to: the likeliest token each time, of the valid."""
        points: list[list[int]] = [[] for _ in range(len(states))]
        tokens = torch.full((len(states), 1), INACTIVE, device=states.device)
        memory = _begin(states)
        for place in range(vocabulary.length):
            likelihood, memory = self._step(tokens, states, memory)
            chosen = [
                _likeliest(row, vocabulary.allowed(point))
                for row, point in zip(likelihood[:, 0].tolist(), points, strict=True)
            ]
            for point, token in zip(points, chosen, strict=True):
                point.append(vocabulary.option(place, token))
            tokens = torch.tensor(chosen, device=states.device)[:, None]
        return [tuple(point) for point in points]


def _summary(states: Tensor) -> Tensor:
    return functional.normalize(states.mean(dim=1), dim=-1)


def _begin(states: Tensor) -> tuple[Tensor, Tensor]:
    first = _summary(states)[None]
    return first, first


def _likeliest(likelihood: Sequence[float], allowed: Sequence[int]) -> int:
    return max(allowed, key=likelihood.__getitem__)

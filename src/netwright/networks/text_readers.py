"""Networks that read a text, tokens (n, length) of which 0 fills short texts, and give one answer (n, outputs)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

MIXED = 7919  # a prime, by which the first word of a pair is told from the second
FILLING = 0
_SPREAD = 0.05  # deviation of the first features


class Bag(nn.Module):
    """The mean of the features of a text's words, and of pairs of words, then a linear layer (Joulin et al. 2017).

    vocabulary: different words.
    channels: features of each.
    pairs: rows of a table that pairs of neighbouring words share by a hash of their numbers; 0 for no pairs.
    outputs: numbers in the answer.
    dropout: probability of leaving out a word or a pair.
    """

    def __init__(self, vocabulary: int, channels: int, pairs: int, outputs: int, dropout: float) -> None:
        super().__init__()
        self.rows = vocabulary
        self.pairs = pairs
        self.features = _features(vocabulary + pairs, channels)
        self.dropout = nn.Dropout(dropout)
        self.linear = nn.Linear(channels, outputs)

    def forward(self, tokens: Tensor) -> Tensor:
        read = tokens
        there = tokens != FILLING
        if self.pairs:
            first, second = tokens[:, :-1], tokens[:, 1:]
            read = torch.cat((tokens, self.rows + (first * MIXED + second) % self.pairs), 1)
            there = torch.cat((there, (first != FILLING) & (second != FILLING)), 1)
        weights = there.to(self.linear.weight.dtype)
        kept = self.dropout(weights).unsqueeze(1)
        return self.linear((kept @ self.features(read)).squeeze(1) / weights.sum(1, keepdim=True).clamp(min=1.0))


class Phrases(nn.Module):
    """Convolutions of several sizes beside each other, the largest answer of each over the text (Kim 2014).

    vocabulary: different words.
    channels: features of each.
    filters: of each size.
    kernels: the sizes, in words.
    outputs: numbers in the answer.
    dropout: of the words' features, and of what the filters found.
    """

    def __init__(
        self, vocabulary: int, channels: int, filters: int, kernels: Sequence[int], outputs: int, dropout: float
    ) -> None:
        super().__init__()
        self.features = _features(vocabulary, channels)
        self.dropout = nn.Dropout(dropout)
        self.convolutions = nn.ModuleList(nn.Conv1d(channels, filters, each, padding=each // 2) for each in kernels)
        self.linear = nn.Linear(filters * len(kernels), outputs)

    def forward(self, tokens: Tensor) -> Tensor:
        x = self.features(tokens) * (tokens != FILLING).unsqueeze(2)
        x = self.dropout(x).transpose(1, 2)
        found = torch.cat([F.relu(each(x)).amax(2) for each in self.convolutions], 1)
        return self.linear(self.dropout(found))


def _features(rows: int, channels: int) -> nn.Embedding:
    features = nn.Embedding(rows, channels)
    nn.init.normal_(features.weight, std=_SPREAD)
    return features

"""Blocks for rows of features, (n, length, channels): convolutions and attention that may look back only."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class RowConvolution(nn.Module):
    """A convolution along the places; as many places come out as went in.

    channels: in and out.
    kernel, dilation: of the convolution.
    causal: whether a place sees only itself and places before it.
    gated: whether half of what is computed gates the other half (Dauphin et al. 2017).
    """

    def __init__(
        self, channels: int, kernel: int, *, dilation: int = 1, causal: bool = False, gated: bool = False
    ) -> None:
        super().__init__()
        around = (kernel - 1) * dilation
        self.before = around if causal else around // 2
        self.after = around - self.before
        self.gated = gated
        self.convolution = nn.Conv1d(channels, channels * (2 if gated else 1), kernel, dilation=dilation)

    def forward(self, x: Tensor) -> Tensor:
        y = self.convolution(F.pad(x.transpose(1, 2), (self.before, self.after)))
        return (F.glu(y, 1) if self.gated else F.relu(y)).transpose(1, 2)


class SelfAttention(nn.Module):
    """Scaled dot-product attention of several heads (Vaswani et al. 2017).

    channels: in and out; as many heads as divide them, at most `heads`.
    causal: whether a place sees only itself and places before it.
    """

    def __init__(self, channels: int, heads: int, *, causal: bool = False) -> None:
        super().__init__()
        self.heads = max(each for each in range(1, heads + 1) if channels % each == 0)
        self.causal = causal
        self.inward = nn.Linear(channels, 3 * channels)
        self.outward = nn.Linear(channels, channels)

    def forward(self, x: Tensor) -> Tensor:
        query, key, value = (self._split(each) for each in self.inward(x).chunk(3, -1))
        found = F.scaled_dot_product_attention(query, key, value, is_causal=self.causal)
        return self.outward(found.transpose(1, 2).flatten(2))

    def _split(self, x: Tensor) -> Tensor:
        """(n, heads, length, channels of a head)."""
        return x.unflatten(-1, (self.heads, -1)).transpose(1, 2)


class RowBlock(nn.Module):
    """What mixes the places, then what mixes the features of each place; both beside what goes by.

    channels: in and out.
    mixer: takes and gives (n, length, channels).
    expansion: hidden features of the second part, in units of `channels`.
    dropout: of what both parts add.
    """

    def __init__(self, channels: int, mixer: nn.Module, expansion: int, dropout: float) -> None:
        super().__init__()
        self.before = nn.LayerNorm(channels)
        self.mixer = mixer
        self.between = nn.LayerNorm(channels)
        self.forward_part = nn.Sequential(
            nn.Linear(channels, expansion * channels), nn.GELU(), nn.Linear(expansion * channels, channels)
        )
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.dropout(self.mixer(self.before(x)))
        return x + self.dropout(self.forward_part(self.between(x)))


class RowNetwork(nn.Module):
    """Tokens and their places as features, blocks, and a head.

    embedding: takes tokens (n, length), gives (n, length, channels).
    length: places at most.
    channels: of the features.
    blocks: take and give features.
    head: takes features and tokens.
    dropout: of the first features.
    """

    def __init__(
        self, embedding: nn.Module, length: int, channels: int, blocks: nn.Module, head: nn.Module, dropout: float
    ) -> None:
        super().__init__()
        self.embedding = embedding
        self.places = nn.Parameter(torch.randn(length, channels) * 0.02)
        self.dropout = nn.Dropout(dropout)
        self.blocks = blocks
        self.norm = nn.LayerNorm(channels)
        self.head = head

    def forward(self, tokens: Tensor) -> Tensor:
        x = self.dropout(self.embedding(tokens) + self.places[: tokens.shape[1]])
        return self.head(self.norm(self.blocks(x)), tokens)

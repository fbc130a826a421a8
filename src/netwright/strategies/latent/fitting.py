"""Training of the encoder, predictor and decoder on evaluated architectures (Luo et al. 2018, equation 4)."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from netwright.strategies.latent.model import EncoderPredictorDecoder

LARGEST_GRADIENT = 5.0  # of all weights together, as in the authors' program


def fit(
    model: EncoderPredictorDecoder,
    tokens: Sequence[Sequence[int]],
    scores: Sequence[float],
    *,
    epochs: int,
    batch: int,
    trade_off: float,
    rate: float,
    decay: float,
) -> None:
    """Adam over minibatches in random order, from torch's current generator. scores: from 0 to 1."""
    inputs = torch.tensor(tokens, dtype=torch.int64, device="cpu")
    targets = torch.tensor(scores, dtype=torch.float32, device="cpu")
    optimiser = torch.optim.Adam(model.parameters(), lr=rate, weight_decay=decay)
    model.train()
    for _ in range(epochs):
        for chosen in torch.randperm(len(inputs), device="cpu").split(batch):
            optimiser.zero_grad()
            model.loss(inputs[chosen], targets[chosen], trade_off).backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), LARGEST_GRADIENT)
            optimiser.step()
    model.eval()

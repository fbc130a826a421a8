"""Training of the encoder, predictor and decoder on evaluated architectures (Luo et al. 2018, equation 4)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from netwright.predictors.neural.adam import Adam, in_one_row
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
    """Adam over minibatches in random order, from torch's current generator.

    scores: from 0 to 1.
    """
    inputs = torch.tensor(tokens, dtype=torch.int64, device="cpu")
    targets = torch.tensor(scores, dtype=torch.float32, device="cpu")
    weights, gradient = in_one_row(model)
    optimiser = Adam(weights, gradient, decay)
    model.train()
    for _ in range(epochs):
        for chosen in torch.randperm(len(inputs), device="cpu").split(batch):
            gradient[:] = 0
            model.loss(inputs[chosen], targets[chosen], trade_off).backward()
            gradient *= min(1.0, LARGEST_GRADIENT / (float(np.linalg.norm(gradient)) + 1e-6))
            optimiser.step(rate)
    model.eval()

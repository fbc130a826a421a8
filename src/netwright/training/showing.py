"""What is shown of the training examples to the parts of a network that look at them first."""

from __future__ import annotations

import torch
from torch import nn

from netwright.core.first_look import looks, looks_at_answers
from netwright.core.task import Data
from netwright.core.trees import first, moved
from netwright.training.augmentation import Normalisation

MOST_SHOWN, LEAST_SHOWN = 20_000, 1_000
"""Training examples that are shown; of those with many numbers fewer."""
MOST_NUMBERS = 4_000_000
"""Numbers in these."""


def show_examples(network: nn.Module, data: Data, device: torch.device) -> None:
    """Let the parts of a network that look at training examples first see them, as the network will get them.

    network: on the device.
    data: of whose training examples up to 20,000 are shown, at equal distances.
    device: to show them on.
    """
    looking, fitted = looks(network), looks_at_answers(network)
    if not looking and not fitted:
        return
    count, width = len(data.train), first(data.train.stored)[0].numel()
    wanted = max(LEAST_SHOWN, min(MOST_SHOWN, MOST_NUMBERS // width))
    every = torch.arange(0, count, -(-count // wanted), dtype=torch.int64, device=data.train.device)
    shown = data.train.choose(every)
    inputs = Normalisation.of(data, device)(moved(shown.inputs, device))
    for part in looking:
        part.look_at(inputs)
    for part in fitted:
        part.look_at_answers(inputs, moved(shown.targets, device))

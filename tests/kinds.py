"""Small tasks of other kinds than a class for an image, and spaces, for methods that are made for these."""

from __future__ import annotations

import numpy as np
import torch

import netwright as nw
from netwright.core.task import Examples
from netwright.problems import Language
from netwright.spaces.mobile import Mobile
from netwright.spaces.recurrent import Recurrent
from netwright.spaces.unet_cells import UNetCells


def masks(count: int = 60) -> nw.Task:
    """Bright squares on noise, 8x8 pixels, and where they are."""
    draws = np.random.default_rng(0)
    images = draws.integers(0, 100, (count, 1, 8, 8)).astype(np.uint8)
    found = np.zeros((count, 8, 8), np.uint8)
    for image, mask in zip(images, found, strict=True):
        row, column = draws.integers(0, 5, 2)
        image[0, row : row + 3, column : column + 3] += 120
        mask[row : row + 3, column : column + 3] = 1
    return nw.tasks.arrays(images, found, name="squares")


def text(count: int = 60) -> nw.Task:
    """The next letter of a text of five letters, in windows of four."""
    letters = torch.from_numpy(np.random.default_rng(0).integers(0, 5, 4 * count + 1))
    inputs, targets = letters[:-1].view(count, 4), letters[1:].view(count, 4)
    cut = count * 5 // 6
    train, test = Examples(inputs[:cut], targets[:cut]), Examples(inputs[cut:], targets[cut:])
    return nw.Task("letters", train, test, Language("abcde"), vocabulary=5, by_time=True)


OWN_SPACE = {
    "atomnas": lambda: Mobile("atomnas", width=0.1, last=8, multipliers=(0.25, 0.5)),
    "dna": lambda: Mobile("dna", width=0.1, last=8),
    "fpnas": lambda: Mobile("fpnas", width=0.2, last=8),
    "darts-rnn": lambda: Recurrent(nodes=2, channels=4),
    "i-darts": lambda: Recurrent(nodes=2, channels=4),
    "enas-rnn": lambda: Recurrent(nodes=2, channels=4, output="loose"),
    "nas-unet": lambda: UNetCells(channels=4, nodes=2, depth=2),
}
OWN_TASK = {"darts-rnn": text, "enas-rnn": text, "i-darts": text, "nas-unet": masks}
"""Method -> what makes data that it is for."""

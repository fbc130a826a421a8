"""The architecture parameters: a logit an option, and which options are still in play."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from netwright.strategies.differentiable.layout import Layout

FAR = -1e9  # a logit whose weight is exactly 0


class Parameters:
    """Logits and options in play of all decisions, on one device.

    alive: which options take part. A decision with one option left is decided; an edge without any is gone. Optimisers
    replace `logits` and may lower `alive`; who does so calls `refresh` before the change must show in what is computed.
    """

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self.logits = torch.zeros(layout.exists.shape)
        self.alive = layout.exists.clone()
        self.refresh()

    def refresh(self) -> None:
        """Read which options are in play, so that the others are no longer computed; a device is waited for."""
        self.host_alive = self.alive.cpu()
        counts = self.host_alive.sum(1)
        reduced = (self.host_alive != self.layout.exists).any(1).tolist()
        self.active: dict[str, tuple[int, ...]] = {
            name: tuple(torch.nonzero(self.host_alive[i]).flatten().tolist())
            for i, name in enumerate(self.layout.names)
            if reduced[i]
        }
        # Only the options of open decisions move; None where all do.
        self.moving = (self.alive & (counts > 1).to(self.alive.device)[:, None]) if any(reduced) else None

    def restrict(self, row: int, options: tuple[int, ...]) -> None:
        """Leave only these options of a decision in play."""
        kept = torch.zeros(self.layout.columns, dtype=torch.bool)
        kept[list(options)] = True
        self.alive = self.alive.clone()
        self.alive[row] &= kept.to(self.alive.device)
        self.refresh()

    def to(self, device: torch.device) -> None:
        if self.logits.device != device:
            self.logits, self.alive = self.logits.to(device), self.alive.to(device)
            self.refresh()

    def probabilities(self) -> Tensor:
        """Softmax of the logits over the options in play (Liu et al. 2019, equation 2)."""
        return softmax(self.logits, self.alive)

    def state_dict(self) -> dict[str, Any]:
        return {"logits": self.logits.clone(), "alive": self.alive.clone()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self.logits, self.alive = state["logits"].clone(), state["alive"].clone()
        self.refresh()


def softmax(logits: Tensor, alive: Tensor) -> Tensor:
    """Row by row over the options in play; 0 for the others, also where none is left."""
    return logits.masked_fill(~alive, FAR).softmax(-1) * alive


def one_hot(choices: Tensor, like: Tensor) -> Tensor:
    """1 at each row's choice."""
    return torch.zeros_like(like).scatter_(-1, choices[:, None], 1.0)

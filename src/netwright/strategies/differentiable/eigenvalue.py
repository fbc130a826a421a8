"""The dominant eigenvalue of the architecture's Hessian (Zela et al. 2020, "Understanding and Robustifying DARTS")."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from netwright.core.checks import probability, whole_number
from netwright.core.configuration import Configured
from netwright.core.errors import ConfigurationError

if TYPE_CHECKING:
    from netwright.strategies.differentiable.parameters import Parameters
    from netwright.strategies.rounds.asking import Talk

    Product = Callable[[Tensor], Talk[Tensor]]  # the Hessian by the logits times this, by differentiating twice

PROVIDES = ("search.regularise_stop",)


class EigenvalueMonitor(Configured):
    """Follows the largest eigenvalue of the Hessian of the validation loss by the logits; may end the search.

    A check before the last step of each `every`th epoch from the first on, on one minibatch, by Lanczos steps on the
    second derivative. The authors' code checks every second epoch, and adds the weight decay of the logits, 0.001, to
    the value; here it is that of the loss alone.

    stop: end where the mean over `window` checks is more than `factor` times the one `back` checks before, and take the
        architecture of the latter's middle; False only records the value, as figure `eigenvalue` of the epochs with a
        check.
    window: checks of each mean; 5 in the authors' code.
    factor: how many times the earlier mean is too much; 1.3 in the authors' code.
    back: checks between the two means; 4 in the authors' code.
    start: share of the epochs before which the search is not ended; epoch 10 of 50 in the authors' code.
    iterations: most Lanczos steps, of one probe each; fewer where the value is sure to be within 1 % of an eigenvalue.
    every: epochs from one check to the next.
    """

    def __init__(
        self,
        stop: bool = True,
        window: int = 5,
        factor: float = 1.3,
        back: int = 4,
        start: float = 0.2,
        iterations: int = 10,
        every: int = 1,
    ) -> None:
        self.stop = stop
        self.window = whole_number(self, "window", window)
        self.back = whole_number(self, "back", back)
        self.iterations = whole_number(self, "iterations", iterations)
        self.every = whole_number(self, "every", every)
        self.start_share = probability(self, "start", start)
        self.factor = factor
        if factor <= 1:
            raise ConfigurationError(f"EigenvalueMonitor: factor={factor}; expected more than 1")

    def start(self) -> dict[str, Any]:
        """The memory before the first check. points: of the architecture at each check. epoch: of the last check."""
        return {"values": [], "means": [], "points": [], "vector": None, "epoch": -1}

    def due(self, epoch: int) -> bool:
        """Whether this epoch, counted from 0, ends with a check."""
        return epoch % self.every == 0

    def check(
        self, memory: dict[str, Any], parameters: Parameters, product: Product, epochs: float
    ) -> Talk[int | None]:
        """Measure and note the eigenvalue; the number of the check to go back to where the search should end."""
        value = yield from self.dominant(memory, parameters, product)
        memory["values"] = [*memory["values"], value]
        return self.alarm(memory, epochs)

    def alarm(self, memory: dict[str, Any], epochs: float) -> int | None:
        """Note the mean over the window's checks, and compare it with that of `back` checks before."""
        values, ahead = memory["values"], self.window // 2
        if len(values) < (self.window + 1) // 2:
            return None
        recent = values[-self.window :]
        means = [*memory["means"], sum(recent) / len(recent)]
        memory["means"] = means
        earlier = len(values) - 1 - ahead - self.back  # the check in the middle of the earlier window
        if len(means) <= self.back or earlier * self.every < self.start_share * epochs - 1e-9:
            return None
        now, then = means[-1], means[-1 - self.back]
        return earlier if then > 0 and now / then > self.factor else None

    def dominant(self, memory: dict[str, Any], parameters: Parameters, product: Product) -> Talk[float]:
        """The largest eigenvalue of the Hessian by the logits that may still move; NaN where the Hessian has one."""
        logits = parameters.logits.detach()
        free = parameters.alive if parameters.moving is None else parameters.moving
        basis = [_first(memory["vector"], logits, free)]
        diagonal: list[float] = []
        beside: list[float] = []
        value = 0.0
        for _ in range(self.iterations):
            moved = yield from product(basis[-1])
            basis, free = [each.to(moved.device) for each in basis], free.to(moved.device)
            moved = moved * free
            diagonal.append(float((moved * basis[-1]).sum()))
            for each in (*basis, *basis):  # twice, as rounding leaves a rest
                moved = moved - (moved * each).sum() * each
            rest = float(moved.norm())
            if not math.isfinite(diagonal[-1]) or not math.isfinite(rest):
                memory["vector"] = None
                return math.nan
            value, weights = largest(diagonal, beside)
            memory["vector"] = sum(w * each for w, each in zip(weights, basis, strict=True))
            # The eigenvalue is within this of the value (Paige 1971).
            if rest * abs(weights[-1]) <= 0.01 * abs(value):
                break
            beside.append(rest)
            basis.append(moved / rest)
        return value

    def figures(self, memory: Mapping[str, Any], epoch: int) -> Mapping[str, float]:
        """The eigenvalue where the epoch that has just ended, counted from 0, had a check."""
        return {"eigenvalue": memory["values"][-1]} if memory["values"] and memory.get("epoch", epoch) >= epoch else {}


def largest(diagonal: Sequence[float], beside: Sequence[float]) -> tuple[float, list[float]]:
    """The largest eigenvalue of a symmetric tridiagonal matrix, and its eigenvector of norm 1."""
    matrix = torch.diag(torch.tensor(diagonal, dtype=torch.float64))
    if beside:
        off = torch.diag(torch.tensor(beside, dtype=torch.float64), 1)
        matrix = matrix + off + off.T
    values, vectors = torch.linalg.eigh(matrix)
    return float(values[-1]), vectors[:, -1].tolist()


def _first(vector: Tensor | None, logits: Tensor, free: Tensor) -> Tensor:
    """Where to start: the eigenvector of the last check, or a fixed vector without symmetry; of norm 1."""
    steps = torch.arange(1, logits.numel() + 1, dtype=torch.float32, device=logits.device)
    fixed = (torch.sin(steps * 12.9898) + 0.1 * torch.cos(steps)).reshape(logits.shape).to(logits.dtype)
    start = (fixed if vector is None else vector.to(logits.device) + 0.01 * fixed) * free
    return start / start.norm().clamp(min=1e-30)

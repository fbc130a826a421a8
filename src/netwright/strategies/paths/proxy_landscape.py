"""A learnt landscape of the validation loss moves the architecture (Li et al. 2020, "PVLL-NAS")."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from netwright.core.architecture import Mixture
from netwright.core.checks import positive, probability, whole_number
from netwright.strategies.rounds.asking import probe, train
from netwright.strategies.rounds.logits import Logits
from netwright.strategies.rounds.script import Rounds

if TYPE_CHECKING:
    import numpy as np

    from netwright.core.decision_space import DecisionSpace
    from netwright.strategies.differentiable.optimiser import Optimiser
    from netwright.strategies.rounds.script import Script

FIRST_STEPS = 200  # of the first fit, on what the warm-up has seen
FAR = -1e9


class ProxyLandscape(Rounds):
    """Each step trains one path, measures its validation loss, learns from all measured so far, and moves the logits.

    A small network learns the loss of one-hot paths, the newer ones with more weight. The logits follow its gradient at
    a concrete sample of theirs, not that of the supernet, which computes single paths only. In the warm-up paths are
    uniform, and nothing is learnt.

    space: of any decisions; of a node's sources those are kept whose operations are likeliest.
    optimiser: how the logits follow their gradient; None for the Adam of DARTS.
    warm_up: share of the training in which only the weights learn.
    memory: how many losses are remembered; the oldest are forgotten first.
    steps: of the small network after each measurement.
    hidden: units of its one hidden layer.
    temperature: of the concrete samples.
    half_life: measurements after which one weighs half.
    """

    def __init__(
        self,
        space: DecisionSpace,
        optimiser: Optimiser | None = None,
        warm_up: float = 0.2,
        memory: int = 500,
        steps: int = 5,
        hidden: int = 64,
        temperature: float = 1.0,
        half_life: float = 100.0,
    ) -> None:
        self.space, self.optimiser = space, optimiser
        self.warm_up = probability(self, "warm_up", warm_up)
        self.memory = whole_number(self, "memory", memory, 2)
        self.steps = whole_number(self, "steps", steps)
        self.hidden = whole_number(self, "hidden", hidden)
        self.temperature = positive(self, "temperature", temperature)
        self.half_life = positive(self, "half_life", half_life)
        self.logits = Logits(space, optimiser)
        self.codes = torch.zeros(0, int(self.logits.layout.exists.sum()))  # of the paths, the oldest first
        self.losses = torch.zeros(0)
        self.landscape = _network(self.codes.shape[1], self.hidden)
        self.adam = torch.optim.Adam(self.landscape.parameters(), lr=1e-3)
        self.fitted = False

    def script(self, rng: np.random.Generator) -> Script:
        learns = self.progress.share >= self.warm_up - 1e-9 and len(self.losses) > 1
        weights = self._one_hot(self.logits.gumbel(rng) + (self.logits.values.detach() if learns else 0.0))
        path = self._path(weights)
        yield train(path)
        told = yield probe(path)
        self._note(weights, float(told.metrics["loss"]))
        if learns:
            self._fit(self.steps if self.fitted else FIRST_STEPS)
            self.logits.follow(self._expected(rng))

    def mixture(self) -> Mixture:
        return self.logits.mixture()

    def figures(self) -> dict[str, float]:
        """How well the landscape knows what was measured: the share of the losses' variance that it explains."""
        if not self.fitted:
            return {}
        with torch.no_grad():
            error = (self.landscape(self.codes).squeeze(-1) - self._targets()).square().mean()
        return {"explained": float(1 - error)}

    def _one_hot(self, scores: Tensor) -> Tensor:
        """The option with the largest score in each row; with Gumbel noise a draw from the softmax."""
        places = scores.masked_fill(~self.logits.layout.exists, FAR).argmax(-1, keepdim=True)
        return torch.zeros(scores.shape).scatter_(-1, places, 1.0)

    def _path(self, weights: Tensor) -> Mixture:
        layout = self.logits.layout
        options = weights.argmax(-1).tolist() if layout.names else []
        return Mixture(layout.rows(weights), {name: (k,) for name, k in zip(layout.names, options, strict=True)})

    def _note(self, weights: Tensor, loss: float) -> None:
        code = weights[self.logits.layout.exists][None]
        self.codes = torch.cat((self.codes, code))[-self.memory :]
        self.losses = torch.cat((self.losses, torch.tensor([loss])))[-self.memory :]

    def _targets(self) -> Tensor:
        """The losses with mean 0 and deviation 1."""
        deviation = self.losses.std()
        return (self.losses - self.losses.mean()) / (deviation if deviation > 0 else 1.0)

    def _fit(self, steps: int) -> None:
        """Go on learning the weighted squared error over the whole memory."""
        ages = torch.arange(len(self.losses) - 1, -1, -1)
        weights, targets = 0.5 ** (ages / self.half_life), self._targets()
        weights = weights / weights.sum()
        for _ in range(steps):
            self.adam.zero_grad()
            ((self.landscape(self.codes).squeeze(-1) - targets).square() * weights).sum().backward()
            self.adam.step()
        self.fitted = True

    def _expected(self, rng: np.random.Generator) -> Tensor:
        """The loss that the landscape has where a concrete sample of the logits is."""
        scores = (self.logits.values + self.logits.gumbel(rng)) / self.temperature
        return self.landscape(self.logits.softmax(scores)[self.logits.layout.exists]).sum()


def _network(inputs: int, hidden: int) -> nn.Sequential:
    """One hidden layer, with the same first weights each time."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(0)
        return nn.Sequential(nn.Linear(inputs, hidden), nn.ReLU(), nn.Linear(hidden, 1))

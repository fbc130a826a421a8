"""The best measurement of a training, the weights that it was of, and for how long none was better.

Better is by the problem's main metric, among equal ones by the loss. By the loss alone, 5 measurements of patience left
less (an `Mlp` with a constant rate and average 0.99, up to 60 epochs, 30 % held out, mean of 3 seeds):

    accuracy at the best measurement (epochs)    by the metric    by the loss
    breast cancer, 569 rows                      99.2 % (20)      98.8 % (24)
    digits, 1,797 rows                           96.1 % (20)      95.9 % (23)
    MNIST, 3,000 images                          90.2 % (14)      89.8 % (12)
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from torch import Tensor

from netwright.core.problem import Metric

Weights = Mapping[str, Tensor]


class Best:
    """What was measured best on the held-out examples: by the problem's main metric, among equal ones by the loss.

    main: the main metric.
    keeps: whether the weights are kept, too.

    metrics: of the best measurement, with those of the training up to it; None before the first. steps: of the
    optimiser behind it. since: measurements after it. weights: that it was of, as the network's state.
    """

    def __init__(self, main: Metric, keeps: bool) -> None:
        self._main, self._keeps = main, keeps
        self.metrics: Mapping[str, float] | None = None
        self.steps, self.since = 0, 0
        self.weights: Weights | None = None

    def note(self, metrics: Mapping[str, float], steps: int, weights: Callable[[], Weights]) -> None:
        """Take a measurement.

        metrics: "val_loss", "val_" and the main metric, and others.
        steps: of the optimiser behind it.
        weights: gives those that were measured, a state that shares its memory with the network.
        """
        if self.metrics is not None and self._goodness(metrics) <= self._goodness(self.metrics):
            self.since += 1
            return
        self.metrics, self.steps, self.since = dict(metrics), steps, 0
        if self._keeps:
            self.weights = {name: tensor.detach().clone() for name, tensor in weights().items()}

    def _goodness(self, metrics: Mapping[str, float]) -> tuple[float, float]:
        value = metrics[f"val_{self._main.name}"]
        return (value if self._main.larger_is_better else -value), -metrics["val_loss"]

    def facts(self) -> dict[str, Any]:
        """What a continuation must know beside the weights, as JSON."""
        return {"metrics": self.metrics, "steps": self.steps, "since": self.since}

    def restore(self, facts: Mapping[str, Any], weights: Weights | None) -> None:
        """Go on where another sitting ended."""
        self.metrics, self.steps, self.since = facts["metrics"], facts["steps"], facts["since"]
        self.weights = weights

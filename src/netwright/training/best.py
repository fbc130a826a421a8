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

from netwright.core.chance import by_chance
from netwright.core.problem import Metric

Weights = Mapping[str, Tensor]


class Best:
    """What was measured best on the held-out examples: by the problem's main metric, among equal ones by the loss.

    Of a share of so many examples, what lies no further below the highest than chance explains counts as equal: the
    highest of many measurements is as much luck as worth, and the loss tells earlier that a network learns by heart.

    main: the main metric.
    keeps: whether the weights are kept, too.
    examples: that are held out, where the metric is a share of them; None takes the highest.

    metrics: of the best measurement, with those of the training up to it; None before the first. steps: of the
    optimiser behind it. seconds: of the training until then, by the clock. since: measurements without a better one,
    those aside not counted. weights: that it was of, as the network's state.
    """

    def __init__(self, main: Metric, keeps: bool, examples: int | None = None) -> None:
        self._main, self._keeps, self._examples = main, keeps, examples if main.percent else None
        self.metrics: Mapping[str, float] | None = None
        self.steps, self.seconds, self.since = 0, 0.0, 0
        self.weights: Weights | None = None
        self._followed: tuple[float, float] | None = None  # the best of those that count for `since`
        self._highest: float | None = None

    def note(
        self,
        metrics: Mapping[str, float],
        steps: int,
        weights: Callable[[], Weights],
        *,
        seconds: float = 0.0,
        aside: bool = False,
    ) -> None:
        """Take a measurement.

        metrics: "val_loss", "val_" and the main metric, and others.
        steps: of the optimiser behind it.
        weights: gives those that were measured, a state that shares its memory with the network.
        seconds: of the training until now, where it is by the clock.
        aside: whether it is of a decay that the training does not go on from, and counts for no patience.
        """
        goodness = self._goodness(metrics)
        if not aside:
            better = self._followed is None or goodness > self._followed
            self._followed, self.since = (goodness, 0) if better else (self._followed, self.since + 1)
        if not self._takes(*goodness):
            return
        self.metrics, self.steps, self.seconds = dict(metrics), steps, seconds
        if self._keeps:
            self.weights = {name: tensor.detach().clone() for name, tensor in weights().items()}

    def _takes(self, value: float, low_loss: float) -> bool:
        """Whether a measurement takes the place of the one that is kept."""
        self._highest = value if self._highest is None else max(value, self._highest)
        if self.metrics is None:
            return True
        kept, kept_low_loss = self._goodness(self.metrics)
        least = self._highest - by_chance(self._highest, self._examples)
        if least == self._highest:
            return (value, low_loss) > (kept, kept_low_loss)
        return value >= least and (low_loss > kept_low_loss or kept < least)

    def _goodness(self, metrics: Mapping[str, float]) -> tuple[float, float]:
        value = metrics[f"val_{self._main.name}"]
        return (value if self._main.larger_is_better else -value), -metrics["val_loss"]

    def facts(self) -> dict[str, Any]:
        """What a continuation must know beside the weights, as JSON."""
        names = ("metrics", "steps", "seconds", "since")
        own = {"followed": self._followed, "highest": self._highest}
        return {**{name: getattr(self, name) for name in names}, **own}

    def restore(self, facts: Mapping[str, Any], weights: Weights | None) -> None:
        """Go on where another sitting ended."""
        self.metrics, self.steps, self.since = facts["metrics"], facts["steps"], facts["since"]
        self.seconds = facts.get("seconds", 0.0)
        followed = facts.get("followed")
        if followed is not None:
            self._followed = (followed[0], followed[1])
        elif self.metrics is not None:  # of a version that knew no others
            self._followed = self._goodness(self.metrics)
        if self.metrics is not None:
            self._highest = facts.get("highest", self._goodness(self.metrics)[0])
        self.weights = weights

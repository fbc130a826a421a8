"""One or several numbers for each example: squared error and others, and how far answers lie from the truth."""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self, get_args

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from netwright.core.errors import ConfigurationError, DataError, nearest
from netwright.core.problem import Metric, Problem, amount
from netwright.core.wording import listed
from netwright.problems.portable import numbers as answering

if TYPE_CHECKING:
    pass

Loss = Literal["squared", "absolute", "huber", "quantile"]
__all__ = ["Regression"]

LEVELS = (0.1, 0.5, 0.9)
MOST_BINS = 10  # by which splits are drawn
_LEAST_EACH = 10  # examples in a bin, so that each gives a tenth
_SHOWN = 4  # targets described one by one
_TINY = float(np.finfo(np.float64).eps)  # what a target of 0 is divided by in its place, as scikit-learn does

R2 = Metric("r2", label="R²")
MAE = Metric("mae", "minimize", label="MAE")
RMSE = Metric("rmse", "minimize", label="RMSE")
MAPE = Metric("mape", "minimize", percent=True, label="MAPE")
QUANTILE_LOSS = Metric("quantile_loss", "minimize")


class Regression(Problem):
    """One or several numbers for each example.

    names: one a number that is asked for.
    centre, scale: what is subtracted from each number, and what it is then divided by, so that networks answer with
        numbers around 0; of the training examples, see `fitted`. None for 0 and 1.
    loss: "squared"; "absolute", which outliers move less; "huber", between both, from one `scale` on absolute; or
        "quantile", which answers with the numbers below which given shares of the truth lie.
    levels: these shares, each between 0 and 1, ascending; for "quantile" only.
    unit: what stands behind the numbers, such as "USD".
    measured: names of `further` metrics that are measured, too.

    Targets are (targets - centre) / scale, float64 (n, names). Outputs are on the same scale, (n, names), and of
    quantiles (n, names x levels), all levels of one number side by side; the level nearest to 1/2 is then the answer.
    R² comes first: it has no unit, so that it compares across data and averages over targets of different units.
    Of several targets each metric is the mean of theirs.

    Raises ConfigurationError for no names, for a loss that is none of these, for scales that are not above 0 and for
    levels that are not ascending between 0 and 1; DataError for a name that occurs twice.
    """

    kind: ClassVar[str] = "regression"
    network_of: ClassVar[str] = "A regression on"
    answered: ClassVar[str] = "numbers"
    weighs: ClassVar[bool] = True

    def __init__(
        self,
        names: Sequence[str],
        *,
        centre: Sequence[float] | None = None,
        scale: Sequence[float] | None = None,
        loss: Loss = "squared",
        levels: Sequence[float] = LEVELS,
        unit: str = "",
        measured: Sequence[str] = (),
    ) -> None:
        self.names = tuple(map(str, names))
        self.centre = (0.0,) * len(self.names) if centre is None else tuple(map(float, centre))
        self.scale = (1.0,) * len(self.names) if scale is None else tuple(map(float, scale))
        self.loss_name, self.levels = loss, tuple(map(float, levels))
        self.unit, self.measured = unit, tuple(measured)
        self._check()

    def _check(self) -> None:
        if not self.names:
            raise ConfigurationError("a regression needs the name of at least one number")
        if len(set(self.names)) < len(self.names):
            raise DataError(f"the names of targets must differ, found {', '.join(self.names)}")
        if self.loss_name not in get_args(Loss):
            raise ConfigurationError(
                f"regression has no loss {self.loss_name!r}{nearest(self.loss_name, get_args(Loss))}"
            )
        if {len(self.centre), len(self.scale)} != {len(self.names)} or not all(each > 0 for each in self.scale):
            raise ConfigurationError(
                f"centre and scale must be {len(self.names)} numbers each, the latter above 0, found {self.centre} and "
                f"{self.scale}"
            )
        if not self.levels or not all(a < b for a, b in zip((0.0, *self.levels), (*self.levels, 1.0), strict=True)):
            raise ConfigurationError(f"levels must ascend between 0 and 1, as in {LEVELS}; found {self.levels}")

    @property
    def quantiles(self) -> tuple[float, ...]:
        """The levels that it answers with; none where it answers with one number a target."""
        return self.levels if self.loss_name == "quantile" else ()

    @property
    def outputs(self) -> int:
        return len(self.names) * max(1, len(self.quantiles))

    @property
    def metrics(self) -> tuple[Metric, ...]:
        own = (R2, *(self._in_units(each) for each in (MAE, RMSE)), MAPE)
        own += (self._in_units(QUANTILE_LOSS),) * bool(self.quantiles)
        return (*own, *(self.further[name] for name in self.measured))

    @property
    def further(self) -> Mapping[str, Metric]:
        """R², MAE, RMSE and MAPE of each target, as in "mae_of_price"; none where there is one target."""
        if len(self.names) == 1:
            return {}
        each = [(metric, name) for metric in (R2, MAE, RMSE, MAPE) for name in self.names]
        found = [
            (self._in_units(metric), _own(metric.name, name), f"{metric.words} of {name}") for metric, name in each
        ]
        return {
            name: Metric(name, metric.direction, metric.percent, metric.unit, label) for metric, name, label in found
        }

    def _in_units(self, metric: Metric) -> Metric:
        has_unit = metric.name in (MAE.name, RMSE.name, QUANTILE_LOSS.name)
        return Metric(metric.name, metric.direction, metric.percent, self.unit, metric.label) if has_unit else metric

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        truth = targets.to(outputs.dtype)
        if self.quantiles:
            return _pinball(self._by_level(outputs), truth, self.levels).mean(1)
        losses = {"squared": F.mse_loss, "absolute": F.l1_loss, "huber": F.huber_loss}
        return losses[self.loss_name](outputs, truth, reduction="none").mean(1)

    def _by_level(self, outputs: Tensor) -> Tensor:
        return outputs.unflatten(1, (len(self.names), len(self.levels)))

    def answers(self, outputs: Tensor) -> Tensor:
        """One number a target, (n, names), on the scale of the outputs."""
        if not self.quantiles:
            return outputs
        middle = min(range(len(self.levels)), key=lambda i: abs(self.levels[i] - 0.5))
        return self._by_level(outputs)[..., middle]

    def in_units(self, numbers: Tensor) -> Tensor:
        """Numbers on the scale of targets and answers, (n, names), in the user's units, float64."""
        numbers = numbers.double()
        return numbers * numbers.new_tensor(self.scale) + numbers.new_tensor(self.centre)

    def judge(self, outputs: Tensor, targets: Tensor, weights: Tensor | None = None) -> Mapping[str, Tensor]:
        answers, truth, scale = (
            self.answers(outputs).double(),
            targets.double(),
            targets.new_tensor(self.scale).double(),
        )
        error = answers - truth
        size = (error * scale).abs()
        each = {
            R2.name: _explained(error, truth, weights),
            MAE.name: _mean(size, weights),
            RMSE.name: _mean(size.square(), weights).sqrt(),
            MAPE.name: _mean(size / self.in_units(truth).abs().clamp(min=_TINY), weights),
        }
        if self.quantiles:
            losses = _pinball(self._by_level(outputs).double(), truth, self.levels)
            each[QUANTILE_LOSS.name] = _mean(losses, weights) * scale
        own = {_own(metric, name): found[i] for metric, found in each.items() for i, name in enumerate(self.names)}
        return {**own, **{name: found.mean() for name, found in each.items()}}

    def in_words(self, outputs: Tensor, targets: Tensor) -> tuple[str, str]:
        return self._said(targets), self._said(self.answers(outputs))

    def _said(self, numbers: Tensor) -> str:
        """One example's numbers in the user's units, each with its name where there are several."""
        found = list(zip(self.names, map(amount, self.in_units(numbers)[0].tolist()), strict=True))
        text = found[0][1] if len(found) == 1 else listed([f"{name} {value}" for name, value in found], _SHOWN)
        return f"{text} {self.unit}".rstrip()

    # Data.

    def fitted(self, targets: NDArray[Any]) -> Self:
        numbers = np.asarray(targets, dtype=np.float64)
        low, high = numbers.min(axis=0), numbers.max(axis=0)
        spread = numbers.std(axis=0)
        even = (high == low) | (spread == 0)
        centre = np.where(even, low, numbers.mean(axis=0))
        return self.replace(centre=centre.tolist(), scale=np.where(even, 1.0, spread).tolist())

    def stored(self, targets: NDArray[Any]) -> NDArray[np.float64]:
        return (np.asarray(targets, dtype=np.float64) - self.centre) / self.scale

    def check(self, targets: Tensor, which: str) -> None:
        count = len(self.names)
        if not targets.is_floating_point() or targets.dim() != 2 or targets.shape[1] != count:
            raise DataError(
                f"{which} targets must be fractions of the shape (n, {count}), found {targets.dtype} "
                f"{tuple(targets.shape)}"
            )
        if not bool(targets.isfinite().all()):
            row = int((~targets.isfinite()).any(1).nonzero()[0])
            raise DataError(f"{which} targets hold NaN or infinite numbers, the first in row {row}")

    def strata(self, targets: Any) -> NDArray[np.int64]:
        numbers = np.asarray(targets, dtype=np.float64)
        bins = max(1, min(MOST_BINS, len(numbers) // _LEAST_EACH))
        rank = np.empty(len(numbers), dtype=np.int64)
        rank[np.argsort(_along(numbers), kind="stable")] = np.arange(len(numbers))
        return rank * bins // max(1, len(numbers))

    def describe(self, targets: Tensor) -> Sequence[str]:
        numbers = self.in_units(targets)
        unit = f" {self.unit}" if self.unit else ""
        ranges = [
            f"{name!r} from {amount(float(column.min()))} to {amount(float(column.max()))}{unit}, on average "
            f"{amount(float(column.mean()))}"
            for name, column in zip(self.names[:_SHOWN], numbers.T, strict=False)
        ]
        several = len(self.names)
        if several == 1:
            return (f"regression: a number {ranges[0]}",)
        return f"regression: {several} numbers, {listed([repr(name) for name in self.names], _SHOWN)}", *ranges

    def constant(self, targets: Tensor) -> tuple[str, Tensor]:
        numbers = targets.double()
        if not self.quantiles:
            return "always the mean", numbers.mean(0).float()
        levels = numbers.new_tensor(self.levels)
        return "always the same quantiles", numbers.quantile(levels, dim=0).T.flatten().float()

    # Answers.

    def constants(self) -> Mapping[str, Any]:
        return {
            "TARGET_NAMES": self.names,
            "CENTRE": self.centre,
            "SCALE": self.scale,
            "UNIT": self.unit,
            "LEVELS": self.levels if self.quantiles else (),
        }

    def code(self) -> str:
        return inspect.getsource(answering)


def _own(metric: str, target: str) -> str:
    """The name of one target's own metric, of letters that names of metrics have."""
    return f"{metric}_of_{re.sub('[^A-Za-z0-9]+', '_', target).strip('_') or 'it'}"


def _mean(numbers: Tensor, weights: Tensor | None) -> Tensor:
    """The mean over examples, (names,). numbers: (n, names). weights: what each example counts, (n,)."""
    return numbers.mean(0) if weights is None else weights @ numbers / weights.sum()


def _explained(error: Tensor, truth: Tensor, weights: Tensor | None = None) -> Tensor:
    """R² of each target: the share of its variance that the answers explain, (names,); NaN for one example.

    Where the truth never varies it is 1 for answers without error, else 0, as scikit-learn has it.
    """
    if len(truth) < 2:
        return error.new_full((truth.shape[1],), float("nan"))
    left, total = error.square(), (truth - _mean(truth, weights)).square()
    left, total = (each.sum(0) if weights is None else weights @ each for each in (left, total))
    varies = truth.amax(0) > truth.amin(0)
    return torch.where(varies, 1 - left / total.where(varies, total + 1), (left == 0).double())


def _pinball(outputs: Tensor, truth: Tensor, levels: Sequence[float]) -> Tensor:
    """The mean over all levels of what an answer costs: (n, names).

    outputs: (n, names, levels). truth: (n, names).
    """
    total = torch.zeros_like(truth)
    for i, level in enumerate(levels):
        error = truth - outputs[..., i]
        total = total + torch.maximum(level * error, (level - 1) * error)
    return total / len(levels)


def _along(numbers: NDArray[np.float64]) -> NDArray[np.float64]:
    """One number an example, by which they are sorted: of several targets along the direction of their variance."""
    if numbers.shape[1] == 1:
        return numbers[:, 0]
    even = (numbers - numbers.mean(axis=0)) / np.maximum(numbers.std(axis=0), 1e-300)
    return even @ np.linalg.eigh(even.T @ even)[1][:, -1]

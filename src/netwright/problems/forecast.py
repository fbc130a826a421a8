"""The next values of some channels of a series: a regression that knows what no network is needed for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor

from netwright.core.errors import ConfigurationError
from netwright.core.portable_code import text_of
from netwright.core.problem import amount
from netwright.core.wording import listed
from netwright.problems.portable import forecasts, numbers
from netwright.problems.regression import LEVELS, Loss, Regression

__all__ = ["Forecast"]

_SHOWN = 4  # targets described one by one


class Forecast(Regression):
    """The next values of some channels.

    names: a name a number: all times of the first target, then those of the next.
    channels: of the input, the one that each target goes on.
    season: times after which values come again; None where they don't.
    centre, scale, loss, levels, unit, measured: as of `Regression`.

    Raises ConfigurationError as `Regression` does, and where names are not as many for each channel.
    """

    def __init__(
        self,
        names: Sequence[str],
        *,
        channels: Sequence[int],
        season: int | None = None,
        centre: Sequence[float] | None = None,
        scale: Sequence[float] | None = None,
        loss: Loss = "squared",
        levels: Sequence[float] = LEVELS,
        unit: str = "",
        measured: Sequence[str] = (),
    ) -> None:
        super().__init__(names, centre=centre, scale=scale, loss=loss, levels=levels, unit=unit, measured=measured)
        self.channels, self.season = tuple(channels), season
        if not self.channels or len(self.names) % len(self.channels):
            raise ConfigurationError(f"Forecast: {len(self.names)} names for {len(self.channels)} channels")

    @property
    def horizon(self) -> int:
        """Times ahead."""
        return len(self.names) // len(self.channels)

    def describe(self, targets: Tensor) -> Sequence[str]:
        numbers = self.in_units(targets).unflatten(1, (len(self.channels), self.horizon))
        names = [repr(name.removesuffix(" +1")) for name in self.names[:: self.horizon]]
        unit = f" {self.unit}" if self.unit else ""
        ranges = [
            f"{name} from {amount(float(own.min()))} to {amount(float(own.max()))}{unit}, on average "
            f"{amount(float(own.mean()))}"
            for name, own in zip(names[:_SHOWN], numbers.transpose(0, 1), strict=False)
        ]
        following = "the next value" if self.horizon == 1 else f"the next {self.horizon:,} values"
        if len(names) == 1:
            return (f"forecast: {following} of {ranges[0]}",)
        return f"forecast: {following} of each of {len(names)}, {listed(names, _SHOWN)}", *ranges

    def repeated(self, inputs: Tensor, back: int) -> Tensor:
        """The answers that say each value again that was there `back` times before it, or a multiple of that.

        inputs: (n, channels, times) in the user's units, at least `back` times.
        """
        steps = [step % back - back for step in range(self.horizon)]
        values = inputs[:, list(self.channels)][:, :, steps].flatten(1).double()
        return ((values - values.new_tensor(self.centre)) / values.new_tensor(self.scale)).float()

    def constants(self) -> Mapping[str, Any]:
        return {**super().constants(), "GOES_ON": self.channels}

    def code(self) -> str:
        return text_of(numbers, forecasts)

"""A user's own measure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from netwright.core.architecture import Architecture
from netwright.core.errors import UserError
from netwright.core.estimator import Estimator
from netwright.core.trial import Measurement, Proposal

PROVIDES = ("core.train_eval",)


class Function(Estimator):
    """Measures an architecture with a function of it that gives a number, or several by name.

    function: of an architecture; it gives a number, or numbers by name.
    metric: what a single number is called; by default the function's own name, "value" for a lambda.

    Raises UserError where the function gives something else, or the candidate is a mixture.
    """

    def __init__(self, function: Callable[[Architecture], Any], metric: str | None = None) -> None:
        if not callable(function):
            raise UserError(f"Function takes a function of an architecture, found {function!r}")
        self.function = function
        name = getattr(function, "__name__", "value")
        self.metric = metric or ("value" if name == "<lambda>" else name)
        self.metrics = () if metric is None else (metric,)

    def estimate(self, proposal: Proposal, seed: int) -> Measurement:
        """What the function gives for the candidate; `seed` and fidelity are not passed on."""
        if not isinstance(proposal.candidate, Architecture):
            raise UserError("Function measures architectures; a mixture of all options was proposed")
        found = self.function(proposal.candidate)
        named = found if isinstance(found, Mapping) else {self.metric: found}
        return Measurement({str(name): self._number(name, value) for name, value in named.items()})

    def _number(self, name: Any, value: Any) -> float:
        try:
            return float(value)
        except (TypeError, ValueError, RuntimeError):
            raise UserError(
                f"{self._reference()} gave {name!r} as {type(value).__name__} {str(value)[:60]!r}; expected a number, "
                "or a mapping from names to numbers"
            ) from None

    def _reference(self) -> str:
        named = self.function if hasattr(self.function, "__qualname__") else type(self.function)
        return f"{named.__module__}:{named.__qualname__}"

    def configuration(self) -> dict[str, Any]:
        """The estimator as JSON; the function by its module and name."""
        configuration = super().configuration()
        configuration["arguments"]["function"] = self._reference()
        return configuration

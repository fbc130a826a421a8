"""A performance estimation strategy: how good is this candidate?"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from netwright.core.configuration import Configured

if TYPE_CHECKING:
    from netwright.core.trial import Measurement, Proposal


class Estimator(Configured, ABC):
    """Measures candidates. `metrics` names what it measures, as far as that is known beforehand."""

    metrics: ClassVar[tuple[str, ...]] = ()

    @abstractmethod
    def estimate(self, proposal: Proposal, seed: int) -> Measurement:
        """Measure the candidate; everything random in it follows from `seed`.

        Raises TrialFailed (Diverged, OutOfMemory) where there is no usable result; any other exception ends the
        trial in state "error" with its traceback.
        """

    def stages(self) -> Sequence[Estimator]:
        """The estimators to run in this order, cheapest first; limits are checked after each. By default itself."""
        return (self,)

"""A performance estimation strategy: how good is this candidate?"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from netwright.core.configuration import Configured
from netwright.core.space import Space

if TYPE_CHECKING:
    from netwright.core.architecture import Architecture, Mixture
    from netwright.core.objective import Constraint
    from netwright.core.trial import Measurement, Proposal


LEFT = "left:"
"""Before the name of a decision, in what a round of training measured: the largest option that still has weights."""

OF_BLOCK = "block:"
"""Before the name of a block, in what a round measured: how far it is from that of the teacher it learns from."""


class Estimator(Configured, ABC):
    """Measures candidates.

    metrics: the names of what it measures, a class's or an object's, as far as that is known beforehand.

    What more a search takes it for, by what it has: see `netwright.core.roles`.
    """

    needs: type[Space] = Space  # the kind of spaces whose networks it measures

    metrics: tuple[str, ...] = ()
    analytic: bool = False  # whether it knows without training or running anything, so that limits are looked at before
    foretells: Mapping[str, str] = {}
    device: Any = ""  # on which it computes, and whose peak memory is noted; empty where that is nothing to the search

    def __init_subclass__(cls, **options: Any) -> None:
        """Understands `continues`, as `can_continue` was called before."""
        super().__init_subclass__(**options)
        former: Any = vars(cls).get("continues")
        if former is not None and "can_continue" not in vars(cls):
            type.__setattr__(cls, "can_continue", former)

    @property
    def can_continue(self) -> bool:
        """Whether a trial at a higher fidelity goes on from what one at a lower kept in its workplace's folder."""
        return False

    @property
    def keeps(self) -> bool:
        """Whether a trial's trained network is kept in its workplace's folder, from which a final training goes on."""
        return False

    def kept(self, folder: Path, architecture: Architecture) -> Path | None:
        """The checkpoints of this architecture's network, trained at the full fidelity, below a trial's folder."""
        return None

    def room(self, limit: Constraint) -> tuple[float, float]:
        """How far what is told before anything is trained may go for a limit to be kept: surely, and perhaps.

        limit: on one of its metrics, or on what one foretells. Both as shares of the limit's amount; 1 and 1 where what
            is told is exact.
        """
        return 1.0, 1.0

    @abstractmethod
    def estimate(self, proposal: Proposal, seed: int) -> Measurement:
        """Measure the candidate; everything random in it follows from `seed`.

        Raises TrialFailed (Diverged, OutOfMemory) where there is no usable result; any other exception ends the
        trial in state "error" with its traceback.
        """

    def measuring(self, *names: str) -> Estimator:
        """The same estimator, measuring these metrics of its task's problem on validation examples, too.

        names: as the problem calls them, with or without "val_"; those that it does not know are passed over. By
            default nothing changes.
        """
        return self

    def stages(self) -> Sequence[Estimator]:
        """The estimators to run in this order, cheapest first; limits are checked after each. By default itself."""
        return (self,)


class RoundEstimator(Estimator):
    """An estimator with weights that many candidates share, moved by the rounds that a strategy asks for.

    trained: the run that trained them, where they are trained already; None where the search trains them.
    """

    trained: str | None = None

    @abstractmethod
    def begin(self, seed: int) -> None:
        """Make the shared weights anew; everything random in the rounds that follow comes from `seed`."""

    @abstractmethod
    def forget(self) -> None:
        """Drop the weights of an earlier search, so that no other one is judged by them."""

    @abstractmethod
    def advance(self, proposal: Proposal) -> Measurement:
        """Carry out one round. Losses stay on the device, as tensors.

        metrics: "loss", "accuracy" (tensors), and what the host knows: "progress" (share of the weight training that is
        done, 1.0 after its last step), "epoch" (whole epochs done), "steps" (training steps in one epoch). Of purpose
        "angle" in place of a loss: "angle", in radians.
        Raises TrialFailed, and UserError for what cannot be asked (training beyond the end, for one).
        """

    def end_soon(self) -> None:
        """The time of the training is up: the next "train" is its last step, after which "progress" is 1.0.

        By default nothing: then the training goes on to its planned end, whatever time it takes.
        """

    @property
    @abstractmethod
    def epoch_ended(self) -> bool:
        """Whether the last round ended an epoch."""

    @abstractmethod
    def epoch(self, mixture: Mixture | None) -> Measurement:
        """What the epoch measured that just ended, and the alarms for `mixture`, what the strategy now stands for.

        Raises Diverged where the losses are not finite.
        """

    @abstractmethod
    def save(self, folder: Path, number: int, companion: Mapping[str, Any]) -> None:
        """Keep the shared weights, what goes on with them, and `companion` as generation `number`. Raises OSError."""

    @abstractmethod
    def load(self, folder: Path, highest: int) -> tuple[int, Mapping[str, Any]] | None:
        """Go on from the newest undamaged generation up to `highest`: its number and companion; None without one."""

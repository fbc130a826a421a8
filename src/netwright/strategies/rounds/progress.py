"""How far the weight training is, as the rounds tell."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from netwright.core.pace import place

if TYPE_CHECKING:
    from netwright.core.pace import Pace
    from netwright.core.trial import Trial


class Progress:
    """How far the weight training is.

    share: of the weight training that is done.

    epoch: whole epochs done.

    steps: training steps an epoch, 0 at first.

    trained: training steps done.

    epoch_began: holds from the end of an epoch until what its end asks for is done.
    """

    def __init__(self) -> None:
        self.share = 0.0
        self.epoch = 0
        self.steps = 0
        self.trained = 0
        self.epoch_began = False

    def note(self, trial: Trial) -> None:
        metrics = trial.metrics
        self.share = float(metrics["progress"])
        self.steps = int(metrics["steps"])
        self.trained += trial.proposal.purpose == "train"
        epoch = int(metrics["epoch"])
        if epoch > self.epoch:
            self.epoch, self.epoch_began = epoch, True

    @property
    def is_epoch_over(self) -> bool:
        """Whether the training step that was last made ended an epoch."""
        return self.steps > 0 and self.trained > 0 and self.trained % self.steps == 0

    @property
    def is_last_of_epoch(self) -> bool:
        """Whether the next training step is the last of its epoch."""
        return self.steps > 0 and (self.trained + 1) % self.steps == 0

    @property
    def training_steps(self) -> float:
        """Training steps of the whole search; 0 until one was made."""
        return self.trained / self.share if self.share > 0 else 0.0

    @property
    def epochs(self) -> float:
        """Epochs of the whole search; 0 until a step was made."""
        return round(self.training_steps / self.steps, 6) if self.steps else 0.0

    def scheduled(self, pace: Pace, late: bool = False) -> tuple[float, float]:
        """Where schedules stand, as a share of the training, and where they will stand in the end.

        late: for what belongs to the training step that was just made.
        """
        if not self.epochs:
            return 0.0, 1.0
        total = self.training_steps
        found = place(pace, max(0, self.trained - late), self.steps, self.epochs) / total
        last = place(pace, total - 1, self.steps, self.epochs)
        return found, last / total if last < total - 1 else 1.0

    def state_dict(self) -> dict[str, Any]:
        return dict(vars(self))

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        vars(self).update(state)

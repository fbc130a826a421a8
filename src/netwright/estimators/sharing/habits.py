"""In what the papers' programs differ, beside the settings that every training has."""

from __future__ import annotations

from dataclasses import dataclass

from netwright.core.checks import not_negative
from netwright.core.errors import ConfigurationError
from netwright.core.pace import Pace
from netwright.estimators.sharing.hypergradient import Order

ORDERS, PACES, DROP_PATHS = (1, 2, "exact"), ("auto", "epoch", "step"), ("rising", "constant")
MODES = ("training", "evaluation")


@dataclass(frozen=True, slots=True)
class Habits:
    """How shared weights are trained and probed; the defaults are those of DARTS (Liu et al. 2019, the authors' code).

    order: of the gradient on a probe.
    decay_all: whether biases, and scales and shifts of normalisation, decay, too.
    augment_probes: whether the validation minibatches that move an architecture are augmented as those of training are;
        evaluations never are.
    pace: how the learning rate moves.
    drop_path: "rising" from 0, epoch by epoch, or "constant".
    distillation: weight of the loss by which each other network follows the largest one.
    rehearsals: the mode in which the loss on a training minibatch is measured when nothing is trained: "training", or
        "evaluation", by running statistics and with nothing dropped.
    """

    order: Order = 1
    decay_all: bool = True
    augment_probes: bool = True
    pace: Pace = "auto"
    drop_path: str = "rising"
    rehearsals: str = "training"
    distillation: float = 0.0

    def __post_init__(self) -> None:
        for name, value, known in (
            ("order", self.order, ORDERS),
            ("pace", self.pace, PACES),
            ("drop_path_shape", self.drop_path, DROP_PATHS),
            ("rehearsals", self.rehearsals, MODES),
        ):
            if not any(type(value) is type(each) and value == each for each in known):
                told = ", ".join(map(repr, known[:-1]))
                raise ConfigurationError(f"SharedWeights: {name} = {value!r}: expected {told} or {known[-1]!r}")
        not_negative("SharedWeights", "distillation", self.distillation)

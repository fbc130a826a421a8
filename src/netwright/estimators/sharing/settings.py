"""How shared weights are trained by default, and which training settings they cannot follow."""

from __future__ import annotations

from netwright.core.errors import ConfigurationError
from netwright.estimators.sharing.hypergradient import Order
from netwright.training import TrainingSettings

SETTINGS = TrainingSettings(
    epochs=50,
    batch_size=64,
    learning_rate=0.025,
    minimum_learning_rate=0.001,
    momentum=0.9,
    nesterov=False,
    weight_decay=3e-4,
    warm_up=0.0,
    gradient_clip=5.0,
)
"""The weight training of DARTS (Liu et al. 2019, appendix A.1.1)."""
ALONE = (
    *("average", "fresh_statistics", "compile", "steps_per_epoch", "seconds", "patience", "keep_best", "part_decay"),
    *("evaluate_every", "mixup", "repeats"),
)
"""Settings for networks that are trained alone, which shared weights leave at their defaults."""


def require_followed(settings: TrainingSettings, order: Order) -> None:
    """ConfigurationError for settings that a training of shared weights cannot follow.

    settings: that were asked for.
    order: of the gradient by mixture weights.
    """
    if order != 1 and settings.precision in ("tf32", "bfloat16"):
        raise ConfigurationError(
            f"SharedWeights: order = {order!r} takes differences that {settings.precision} cannot hold; use precision "
            "float32"
        )
    usual = TrainingSettings().arguments
    found = ", ".join(
        f"{each} = {getattr(settings, each)!r}" for each in ALONE if getattr(settings, each) != usual[each]
    )
    if found:
        raise ConfigurationError(
            f"SharedWeights: {found}: expected to be left out, as this is for networks that are trained alone; "
            "--final-training, or final_settings in Python, takes it for the one that is found"
        )

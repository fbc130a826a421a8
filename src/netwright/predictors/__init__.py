"""Performance predictors: learn the score of architectures from those that were evaluated."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from netwright.predictors.averaged import Averaged
from netwright.predictors.best import best
from netwright.predictors.boosting import Boosting
from netwright.predictors.calibrated import Calibrated
from netwright.predictors.forest import Forest
from netwright.predictors.gaussian_process import GaussianProcess
from netwright.predictors.linear import Linear
from netwright.predictors.mlp import MlpEnsemble
from netwright.predictors.predictor import Prediction, Predictor
from netwright.predictors.ranked import Ranked

if TYPE_CHECKING:
    from netwright.predictors.neural import NeuralPredictor, RankingNetwork, SemiSupervisedAssessor

__all__ = [
    "Averaged",
    "Boosting",
    "Calibrated",
    "Forest",
    "GaussianProcess",
    "Linear",
    "MlpEnsemble",
    "NeuralPredictor",
    "Prediction",
    "Predictor",
    "Ranked",
    "RankingNetwork",
    "SemiSupervisedAssessor",
    "best",
]

_NEED_TORCH = ("NeuralPredictor", "RankingNetwork", "SemiSupervisedAssessor")


def __getattr__(name: str) -> Any:
    """Predictors that are networks of PyTorch's are imported when they are first asked for."""
    if name in _NEED_TORCH:
        return getattr(importlib.import_module("netwright.predictors.neural"), name)
    raise AttributeError(f"module 'netwright.predictors' has no attribute {name!r}")

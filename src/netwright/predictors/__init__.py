"""Performance predictors: learn the score of architectures from those that were evaluated."""

from __future__ import annotations

from typing import TYPE_CHECKING

from netwright.predictors.across_devices import AcrossDevices
from netwright.predictors.averaged import Averaged
from netwright.predictors.best import best
from netwright.predictors.boosting import Boosting
from netwright.predictors.calibrated import Calibrated
from netwright.predictors.forest import Forest
from netwright.predictors.gaussian_process import GaussianProcess
from netwright.predictors.layer_pairs import LayerPairs
from netwright.predictors.linear import Linear
from netwright.predictors.mlp import MlpEnsemble
from netwright.predictors.predictor import Prediction, Predictor
from netwright.predictors.ranked import Ranked

__all__ = [
    "AcrossDevices",
    "Averaged",
    "Boosting",
    "Calibrated",
    "Forest",
    "GaussianProcess",
    "LayerPairs",
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

if TYPE_CHECKING:
    from netwright.predictors.neural import NeuralPredictor, RankingNetwork, SemiSupervisedAssessor
else:  # these are networks of PyTorch's
    from netwright.core.on_demand import on_demand

    _NEED_TORCH = ("NeuralPredictor", "RankingNetwork", "SemiSupervisedAssessor")
    __getattr__, __dir__ = on_demand(__name__, {name: f"netwright.predictors.neural:{name}" for name in _NEED_TORCH})

PROVIDES = ("est.predictor",)

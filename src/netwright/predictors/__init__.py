"""Performance predictors: learn the score of architectures from those that were evaluated."""

from __future__ import annotations

from netwright.predictors.predictor import Prediction, Predictor

__all__ = ["Prediction", "Predictor"]

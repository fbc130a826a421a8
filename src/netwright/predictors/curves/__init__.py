"""Learning curves: from the beginning of a training to its end."""

from __future__ import annotations

from netwright.predictors.curves.curve import Curve, CurvePredictor, FinalValue
from netwright.predictors.curves.last_value import LastValue
from netwright.predictors.curves.pairwise import Pairwise
from netwright.predictors.curves.parametric import Parametric
from netwright.predictors.curves.support_vectors import SupportVectors

PROVIDES = ("est.learning_curve",)

__all__ = ["Curve", "CurvePredictor", "FinalValue", "LastValue", "Pairwise", "Parametric", "SupportVectors"]

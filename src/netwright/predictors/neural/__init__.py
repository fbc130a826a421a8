"""Predictors that are networks of PyTorch's: graph convolutions, a semi-supervised one, and one that learns ranks."""

from __future__ import annotations

from netwright.predictors.neural.assessor import SemiSupervisedAssessor
from netwright.predictors.neural.neural_predictor import NeuralPredictor
from netwright.predictors.neural.ranking import RankingNetwork

__all__ = ["NeuralPredictor", "RankingNetwork", "SemiSupervisedAssessor"]

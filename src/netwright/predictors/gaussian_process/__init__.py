"""Gaussian processes over architectures."""

from __future__ import annotations

from netwright.predictors.gaussian_process.gaussian_process import GaussianProcess
from netwright.predictors.gaussian_process.joint import JointPredictor

__all__ = ["GaussianProcess", "JointPredictor"]

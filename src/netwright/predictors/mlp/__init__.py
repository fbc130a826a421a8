"""Ensembles of multilayer perceptrons."""

from __future__ import annotations

from netwright.predictors.mlp.ensemble import MlpEnsemble, quick

__all__ = ["MlpEnsemble", "quick"]

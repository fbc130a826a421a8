"""Kinds of problems: what networks must answer, and how they are judged; one file a kind."""

from __future__ import annotations

from typing import TYPE_CHECKING

from netwright.core.on_demand import on_demand

__all__ = [
    "METRIC_NAMES",
    "Classification",
    "DenseClassification",
    "Regression",
    "SeveralLabels",
]

_OF_CLASSES = (
    *("accuracy", "balanced_accuracy", "f1_macro", "f1_weighted", "precision_macro", "auroc", "mean_average_precision"),
    *("log_loss", "cohen_kappa", "mcc", "ece", "brier", "top5_accuracy"),
)
_OF_NUMBERS = ("r2", "mae", "rmse", "mape", "quantile_loss")
_OF_LABELS = ("mean_average_precision", "f1_macro", "f1_micro", "subset_accuracy", "hamming_loss")
_OF_PLACES = ("mean_iou", "dice", "pixel_accuracy")
METRIC_NAMES = (*_OF_CLASSES, *_OF_NUMBERS, *_OF_LABELS, *_OF_PLACES)
"""What the kinds of problems measure, without "val_"; problems of the user's own have others."""

if TYPE_CHECKING:
    from netwright.problems.classification import Classification
    from netwright.problems.dense_classification import DenseClassification
    from netwright.problems.regression import Regression
    from netwright.problems.several_labels import SeveralLabels
else:  # these import PyTorch
    _PLACES = {
        "Classification": "classification",
        "DenseClassification": "dense_classification",
        "Regression": "regression",
        "SeveralLabels": "several_labels",
    }
    __getattr__, __dir__ = on_demand(
        __name__, {name: f"netwright.problems.{file}:{name}" for name, file in _PLACES.items()}
    )

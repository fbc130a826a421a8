"""What a network takes on a machine: bytes, and time."""

from netwright.estimators.machine.board import BoardLatency
from netwright.estimators.machine.by_the_clock import ByTheClock, as_foretold, foretelling
from netwright.estimators.machine.energy import Energy
from netwright.estimators.machine.footprint import Footprint
from netwright.estimators.machine.latency import Latency
from netwright.estimators.machine.predicted_latency import PredictedLatency, calibrated_within
from netwright.estimators.machine.stages import METRICS, behind, known_beforehand, stages_for, where

__all__ = [
    "METRICS",
    "BoardLatency",
    "ByTheClock",
    "Energy",
    "Footprint",
    "Latency",
    "PredictedLatency",
    "as_foretold",
    "behind",
    "calibrated_within",
    "foretelling",
    "known_beforehand",
    "stages_for",
    "where",
]

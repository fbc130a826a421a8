"""What a network takes on a machine: bytes, and time."""

from netwright.estimators.machine.footprint import Footprint
from netwright.estimators.machine.latency import Latency, PredictedLatency
from netwright.estimators.machine.stages import METRICS, behind, known_beforehand

__all__ = ["METRICS", "Footprint", "Latency", "PredictedLatency", "behind", "known_beforehand"]

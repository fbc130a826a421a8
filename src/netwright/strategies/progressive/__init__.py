"""Search that grows architectures block by block (Liu et al. 2018)."""

from __future__ import annotations

from netwright.strategies.progressive.beam import ProgressiveBeam
from netwright.strategies.progressive.folds import Folds
from netwright.strategies.progressive.growth import IDLE

PROVIDES = ("search.progressive_smbo",)

__all__ = ["IDLE", "Folds", "ProgressiveBeam"]

"""Before a search trains: one network on one batch, and whether its limits can be kept."""

from netwright.engine.preflight.check import Preflight, preflight

__all__ = ["Preflight", "preflight"]

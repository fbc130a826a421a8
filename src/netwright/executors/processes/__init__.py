"""Trials in worker processes: started once, one trial at a time each, replaced after a fault."""

from netwright.executors.processes.processes import Processes

__all__ = ["Processes"]

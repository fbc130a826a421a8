"""Where trials run."""

from netwright.executors.inline import Inline
from netwright.executors.job import perform

__all__ = ["Inline", "perform"]

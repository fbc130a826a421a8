"""The one loop that searches, and what it gives back."""

from netwright.engine.duration import format_duration, parse_duration
from netwright.engine.process import Interrupted, Terminated, interruptible
from netwright.engine.progress import Progress
from netwright.engine.run import Run
from netwright.engine.search import Search
from netwright.engine.under_way import RetryPolicy

__all__ = [
    "Interrupted",
    "Progress",
    "RetryPolicy",
    "Run",
    "Search",
    "Terminated",
    "format_duration",
    "interruptible",
    "parse_duration",
]

"""The durable store: one SQLite file a project directory."""

from netwright.store.rows import Asked, AttemptEnded, RunSummary, StoredAttempt, StoredRun, StoredTrial, Told
from netwright.store.store import Store
from netwright.store.writer import TrialWriter

__all__ = [
    "Asked",
    "AttemptEnded",
    "RunSummary",
    "Store",
    "StoredAttempt",
    "StoredRun",
    "StoredTrial",
    "Told",
    "TrialWriter",
]

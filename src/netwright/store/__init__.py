"""The durable store: one SQLite file a project directory."""

from netwright.store.rows import Asked, RunSummary, StoredRun, StoredTrial, Told
from netwright.store.store import Store
from netwright.store.writer import TrialWriter

__all__ = ["Asked", "RunSummary", "Store", "StoredRun", "StoredTrial", "Told", "TrialWriter"]

"""Makes the database of the present schema version that is kept here, once, when that version is new.

    python tests/store/assets/make_database.py

Three runs: a search in which a trial fails, one with epochs of shared weights, and one whose process died amid a trial.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parents[1] / "engine"))

import test_rounds  # noqa: E402
from search_parts import Cell, Climbing, Noisy  # noqa: E402

from netwright.core.trial import Measurement, Proposal  # noqa: E402
from netwright.engine import Search  # noqa: E402
from netwright.store import Asked, AttemptEnded, Store, schema  # noqa: E402


class Dying(Noisy):
    """Ends its process in the fifth trial."""

    def estimate(self, proposal: Proposal, seed: int) -> Measurement:
        self.calls = vars(self).get("calls", 0) + 1
        if self.calls == 5:
            time.sleep(0.5)  # what was handed over is on disk then
            os._exit(0)
        return super().estimate(proposal, seed)


def _add_attempts(store: Store) -> None:
    """A trial that was lost once, as a search with workers notes it."""
    writer = store.writer("died", lambda: 1.0)
    question = Asked(4, 4, 1, Proposal(Cell().at(7)), 1.7e9)
    writer.add(
        AttemptEnded(question, "lost", "the worker was killed", "worker 1", "a line\n", 1.7e9 + 2, 2.0, 1, 10**8)
    )
    writer.close()


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        project = Path(folder) / "project"
        Search(Climbing(Cell()), Noisy(0.6), seed=1).run(
            trials=24, store=project, name="trouble", notes={"made": "once"}
        )
        test_rounds.search().run(store=project, name="shared")
        child = os.fork()
        if child == 0:
            Search(Climbing(Cell()), Dying(0.2, 0.01), seed=2).run(trials=12, store=project, name="died")
        os.waitpid(child, 0)
        with Store(project) as store:
            _add_attempts(store)
            states = {run.name: dict(run.counts) for run in store.runs()}
            made = store.back_up()
        assert made is not None and "error" in states["trouble"] and "running" in states["died"], states
        shutil.copyfile(made, HERE / f"version-{schema.VERSION}.db")
        print(schema.VERSION, states, made.stat().st_size)


if __name__ == "__main__":
    main()

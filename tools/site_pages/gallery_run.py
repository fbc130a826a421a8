"""The run that the gallery shows: a small real search, made once in build/gallery, with its report and charts."""

from __future__ import annotations

import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from netwright.charts import Figure, RunData
from netwright.dashboard.report import report_of
from netwright.dashboard.report.of_run import figures_drawn
from netwright.store import Store
from site_pages.sources import ROOT

FOLDER = ROOT / "build" / "gallery"
NAME = "gallery"
SEARCH = (
    *("search", "digits", "--space", "chain", "--strategy", "evolution", "--trials", "16", "--epochs", "2"),
    *("--objective", "val_accuracy", "--objective", "params", "--limit", "macs <= 3M", "--examples", "1000"),
    *("--final-epochs", "3", "--final-seeds", "2"),
)  # some fifteen seconds of one core


@dataclass(frozen=True)
class Shown:
    """command: that made the run. report: the page's text. charts: what it shows, by name."""

    command: str
    report: str
    charts: dict[str, Figure]


def shown() -> Shown:
    """The run as the gallery shows it, made where it is not there yet."""
    if not _is_finished():
        _make()
    with Store.open_readonly(FOLDER) as store:
        data = RunData.read(store, NAME)
        return Shown(_typed(), report_of(data), figures_drawn(data))


def _is_finished() -> bool:
    if not (FOLDER / "netwright.db").is_file():
        return False
    with Store.open_readonly(FOLDER) as store:
        return NAME in store.names() and store.document(NAME, "report") is not None


def _make() -> None:
    shutil.rmtree(FOLDER, ignore_errors=True)
    words = [sys.executable, "-m", "netwright.cli", *SEARCH, "--name", NAME, "--dir", str(FOLDER), "--quiet"]
    subprocess.run(words, check=True, stdout=subprocess.DEVNULL, cwd=Path(ROOT))


def _typed() -> str:
    import shlex

    return shlex.join(["netwright", *SEARCH])

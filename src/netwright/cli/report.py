"""`netwright report`: a run as one HTML file that opens offline and may be mailed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from netwright.cli.output import say
from netwright.cli.show import at, named
from netwright.core.errors import UserError
from netwright.results.metric_words import byte_text

MARK = '<meta name="generator" content="netwright report">'
BEGINNING = 4096  # bytes in which the mark of an earlier report stands


def write_report(
    directory: Path,
    run: str | None,
    to: Path,
    *,
    rate: float | None,
    notes: Sequence[str],
    overwrite: bool,
    quiet: bool,
) -> None:
    """Write the report of a run.

    to: the file; an earlier report there is replaced, anything else only with `overwrite`.
    rate: what an hour of device time costs; None to leave it out.
    notes: lines of the user's own.
    """
    from netwright.charts.run_data import RunData
    from netwright.dashboard.report import report_of
    from netwright.store import Store

    if rate is not None and not rate >= 0:
        raise UserError(f"--rate {rate:g}: expected what an hour costs, 0 or more")
    check_target(to, overwrite=overwrite)
    with Store.open_readonly(directory) as store:
        name = named(store, run)
        text = report_of(RunData.read(store, name), rate=rate, notes=notes)
    to.write_text(text, encoding="utf-8")
    if not quiet:
        say(f"report of {name}: {to}, {byte_text(to.stat().st_size)}, opens without a network")
        say(f"watch it live: netwright serve{at(directory)}")


def check_target(to: Path, *, overwrite: bool) -> None:
    """Raise UserError where a report cannot be written there, before time is spent on it."""
    if to.is_dir():
        raise UserError(f"--to {to} is a folder; expected a file, as {to / 'report.html'}")
    if not to.parent.is_dir():
        raise UserError(f"--to {to}: there is no folder {to.parent}")
    if to.suffix.lower() not in (".html", ".htm"):
        raise UserError(f"--to {to}: a report is a page, {to.name}.html; pictures are written by netwright plot")
    if to.exists() and not overwrite and MARK not in to.read_bytes()[:BEGINNING].decode(errors="replace"):
        raise UserError(f"{to} is there already and is no report of netwright; another name, or --yes to replace it")

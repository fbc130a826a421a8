"""Is a search worth its time? `netwright search DATA --time T` beside random search and references given all of it.

    python benchmarks/worth.py DATA... --to FOLDER [--time 5m] [--seeds 3] [--threads 2] [--only NAMES] [--dry-run]
    python benchmarks/worth.py --bundled [--shared FOLDER] [--wheels FOLDER] --to FOLDER

DATA is what netwright reads (a folder or a file), `NAME=PATH,OPTION=VALUE,...` with the options of `netwright search`
in words (`adult=adult.csv,target_column=income`), or a folder with a `worth.toml` that has a table a set. A part of
each set is held out, another one for each seed; nobody sees it, and all are judged on it by the same code: searches by
their exported `model.py` on the files themselves. Each cell is a process of its own, one at a time, with the same
threads and the same seconds of the wall clock, its start included. What has finished is kept in FOLDER, and the same
command goes on.
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import sys
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

from netwright.engine import parse_duration
from worth_parts import development
from worth_parts.contenders import CONTENDERS, Cell, contenders_of
from worth_parts.running import Outcome, carried_out, keep, stored
from worth_parts.sets import DataSet, sets_of
from worth_parts.splitting import split

JUDGING = 10  # seconds of a cell beside its own time, roughly


def main(words: Sequence[str] | None = None) -> None:
    asked = arguments(words)
    folder: Path = asked.to
    folder.mkdir(parents=True, exist_ok=True)
    sets = chosen(asked)
    seconds, cells = parse_duration(asked.time), cells_of(sets, asked)
    done = {each.place for each in stored(folder) if not each.failed}
    left = [each for each in cells if (each.data, each.contender, each.seed, seconds, asked.threads) not in done]
    took = timedelta(seconds=round(len(left) * (seconds + JUDGING)))
    print(f"{len(cells)} cells on {len(sets)} data sets, {len(left)} of them left: about {took}", flush=True)
    if asked.dry_run:
        print(*(f"  {each.data}, {each.contender}, seed {each.seed}" for each in left), sep="\n")
        return
    named = {each.name: each for each in sets}
    for cell in left:
        report(run(cell, named[cell.data], asked, seconds))
    wanted = {(each.data, each.contender, each.seed) for each in cells}
    kept = [each for each in stored(folder) if (each.limit, each.threads) == (seconds, asked.threads)]
    conclude([each for each in kept if (each.data, each.contender, each.seed) in wanted], folder)


def arguments(words: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("data", nargs="*", help="PATH, NAME=PATH,OPTION=VALUE,... or a folder with a worth.toml")
    parser.add_argument("--bundled", action="store_true", help="the sets that come with scikit-learn")
    parser.add_argument(
        "--shared", type=Path, help="a folder with mnist/, cifar10-jpeg/, tabular/, membrane/ and text/"
    )
    parser.add_argument("--wheels", type=Path, help="a folder with the wheel of aeon, for its series")
    parser.add_argument("--to", type=Path, required=True, help="where all files go, and from where it goes on")
    parser.add_argument("--time", default="5m", help="for each cell, from the start of its process")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--test-share", type=float, default=0.25, help="that is held out")
    parser.add_argument("--only", default="", help="these sets and contenders, separated by commas")
    parser.add_argument("--keep", action="store_true", help="leave what each cell wrote")
    parser.add_argument("--dry-run", action="store_true", help="say what would be run, and how long it takes")
    return parser.parse_args(words)


def chosen(asked: argparse.Namespace) -> list[DataSet]:
    """The data sets that were asked for, as files."""
    makers = development.bundled() if asked.bundled else {}
    makers |= development.shared(asked.shared) if asked.shared else {}
    makers |= development.series(asked.wheels) if asked.wheels else {}
    sources = asked.to / "sources"
    sources.mkdir(exist_ok=True)
    only = names_in(asked.only)
    wanted = only & set(makers) or set(makers)
    found = [
        *(each for text in asked.data for each in sets_of(text)),
        *(makers[name](sources) for name in makers if name in wanted),
    ]
    picked = [each for each in found if each.name in only] or found
    if not picked:
        raise SystemExit("worth: no data; name some, or --bundled, --shared FOLDER, --wheels FOLDER")
    return picked


def names_in(text: str) -> set[str]:
    return {each.strip() for each in text.split(",") if each.strip()}


def cells_of(sets: Sequence[DataSet], asked: argparse.Namespace) -> list[Cell]:
    """All cells: seed by seed, so that what has been run at any time is a comparison."""
    only = names_in(asked.only)
    found = [Cell(each.name, who, seed) for seed in range(asked.seeds) for each in sets for who in contenders_of(each)]
    unknown = only - {each.data for each in found} - CONTENDERS
    if unknown:
        raise SystemExit(f"worth: --only {', '.join(sorted(unknown))}: neither a data set nor a contender here")
    return [each for each in found if not only & CONTENDERS or each.contender in only]


def run(cell: Cell, data: DataSet, asked: argparse.Namespace, seconds: float) -> Outcome:
    """One cell, kept as soon as it has finished."""
    parts = split(data, asked.to.resolve() / "data" / data.name / str(cell.seed), cell.seed, asked.test_share)
    folder = asked.to.resolve() / "cells" / f"{cell.data}-{cell.contender}-{cell.seed}"
    outcome = carried_out(cell, data, parts, folder, seconds, asked.threads)
    keep(outcome, asked.to)
    if not asked.keep:
        shutil.rmtree(folder, ignore_errors=True)
    return outcome


def report(each: Outcome) -> None:
    found = each.failed or f"{each.score:.2f}"
    share = "" if each.working is None else f", {100 * each.working / each.limit:.0f} % working"
    said = f"; {each.said}" if each.said else ""
    print(f"{each.data}, {each.contender}, seed {each.seed}: {found} in {each.seconds:.0f} s{share}{said}", flush=True)


def conclude(outcomes: Sequence[Outcome], folder: Path) -> None:
    """Print the page, and write it with its plot."""
    from worth_parts import diagram, summary

    if not outcomes:
        return
    found = summary.results_of(outcomes)
    names, values = summary.ranked(found)
    plot = None
    if len(names) > 2 and len(found) > 1:
        plot = folder / "ranks.svg"
        difference = summary.critical_difference(len(names), len(found))
        diagram.draw(names, summary.mean_ranks(values), difference, plot)
    page = summary.written(outcomes, plot)
    (folder / "worth.md").write_text(page)
    print(f"\n{page}")


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("worth: ended; the same command goes on"))  # and its cell with it
    main()

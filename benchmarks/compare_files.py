"""How much of a comparison's time its files and its page take.

    python benchmarks/compare_files.py TABLE.csv [--metric cifar10_valid_12] [--report cifar10_test_200]
        [--evaluations 300] [--repeats 200] [--rounds 5] [--processes 2]

Each round makes one comparison of three strategies on NAS-Bench-201 in a folder of its own, and then what `netwright
compare` writes. Seconds by the clock; the table is read before the first round, so that its time counts for neither.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from pathlib import Path

import netwright as nw
from netwright.benchmarks import BenchmarkProblem, compare


def rounds(options: argparse.Namespace) -> list[tuple[float, float]]:
    """Seconds of searching and of writing, a pair a round."""
    from netwright.benchmarks.plots import write_plots
    from netwright.charts.apart import Drawer
    from netwright.charts.bundle import javascript
    from netwright.dashboard.report import comparison_report

    javascript()  # made once on a machine, then kept
    table = nw.estimators.Table(nw.spaces.NasBench201(), options.table, metrics=(options.metric, options.report))
    problem = BenchmarkProblem(table, options.metric, options.report)
    found = []
    for _ in range(options.rounds):
        with tempfile.TemporaryDirectory() as folder:
            drawer = Drawer()
            began = time.perf_counter()
            made = compare(
                "random,evolution,local",
                problem,
                evaluations=options.evaluations,
                repeats=options.repeats,
                folder=Path(folder),
                processes=options.processes,
            )
            drawer.start()
            middle = time.perf_counter()
            made.lines()
            made.figures = drawer.drawn(made.figures)
            made.write(plots=False)
            page = comparison_report(made, list(made.figures.values()))
            (Path(folder) / "report.html").write_text(page, "utf-8")
            write_plots(made, Path(folder))
            drawer.close()
            found.append((middle - began, time.perf_counter() - middle))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("table", type=Path)
    parser.add_argument("--metric", default="cifar10_valid_12")
    parser.add_argument("--report", default="cifar10_test_200")
    parser.add_argument("--evaluations", type=int, default=300)
    parser.add_argument("--repeats", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--processes", type=int, default=2)
    options = parser.parse_args()
    found = rounds(options)
    shares = [writing / (searching + writing) for searching, writing in found]
    first, later = found[0], found[1:] or found
    print(f"{options.repeats} repeats of 3 strategies, {options.evaluations} evaluations, n = {len(found)}")
    print(f"searching {statistics.median(each[0] for each in found):.2f} s (median)")
    print(
        f"writing   {first[1]:.2f} s the first time, then {statistics.median(each[1] for each in later):.2f} s (median)"
    )
    print(f"share     {shares[0]:.1%} the first time, {min(shares):.1%} to {max(shares):.1%} over all rounds")


if __name__ == "__main__":
    main()

"""How fast a text table becomes a task, and how much memory that takes, beside what else reads tables.

    python benchmarks/table_reading.py [--rows 60000] [--columns 24] [--repeats 5]

Every reading is in a process of its own, in turn; libraries are imported before the clock starts.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

CHILD = """
import os, sys, threading, time
how, path = sys.argv[1:]
import pyarrow.compute, pyarrow.csv, pandas
from netwright import tasks
page = os.sysconf("SC_PAGE_SIZE")
def held(): return int(open("/proc/self/statm").read().split()[1]) * page
before, most, done = held(), [0], threading.Event()
def watch():
    while not done.wait(0.002): most[0] = max(most[0], held())
watching = threading.Thread(target=watch); watching.start()
began, used = time.perf_counter(), time.process_time()
kept = {"netwright": lambda: tasks.csv(path, target="kind"), "pandas": lambda: pandas.read_csv(path),
        "pyarrow": lambda: pyarrow.csv.read_csv(path)}[how]()
took = time.perf_counter() - began, time.process_time() - used
done.set(); watching.join()
print(*took, most[0] - before)
"""


def write(path: Path, rows: int, columns: int) -> None:
    rng = np.random.default_rng(0)
    values = rng.normal(size=(rows, columns))
    with path.open("w") as file:
        file.write(",".join([*(f"c{i}" for i in range(columns)), "kind"]) + "\n")
        for row in values:
            file.write(",".join([*(f"{value:.6f}" for value in row), "abc"[int(row[0] > 0) + int(row[1] > 1)]]) + "\n")


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name, default in (("rows", 60_000), ("columns", 24), ("repeats", 5)):
        options.add_argument(f"--{name}", type=int, default=default)
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "table.csv"
        write(path, chosen.rows, chosen.columns)
        found: dict[str, list[list[float]]] = {"netwright": [], "pandas": [], "pyarrow": []}
        for _ in range(chosen.repeats):
            for how, measured in found.items():
                said = subprocess.run(
                    [sys.executable, "-c", CHILD, how, path], check=True, capture_output=True, text=True
                )
                measured.append([float(each) for each in said.stdout.split()])
        numbers = 8 * chosen.rows * chosen.columns
        print(
            f"{path.stat().st_size / 1e6:.1f} MB, {chosen.rows:,} rows, {chosen.columns} columns, n = {chosen.repeats}"
        )
        for how, measured in found.items():
            wall, cpu, memory = (statistics.median(each) for each in zip(*measured, strict=True))
            print(
                f"{how:10} {wall:6.2f} s  {cpu:6.2f} s of processor time  peak {memory / numbers:4.1f} times as large"
            )


if __name__ == "__main__":
    main()

"""Kill -9 of the driver at random moments, over many seeds and every strategy: python benchmarks/soak.py --kills 200

A storm of kills over six kinds of search at full speed, thousands of trials a second:

    python benchmarks/soak.py --cases storm --kills 500 --each 25 --seeds 1

Goes through the seeds, all cases with each, until so many kills have found a driver alive and all seeds are done;
prints a table, and ends with 1 where any final table differs from that of the run left alone. Cases are the strategies
of netwright and of its recipes; `--cases` names some of them. After each kill the whole store is checked.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
import time
from collections import defaultdict
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "faults"))
from driver_kills import Ended, soak
from every_search import cases, storm

KINDS = ("RegularizedEvolution", "LocalSearch", "recipe asng", "recipe darts")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=200, help="at least so many kills in all")
    parser.add_argument("--seeds", type=int, default=20, help="at least so many seeds for each case")
    parser.add_argument("--each", type=int, default=4, help="the most kills in one search")
    parser.add_argument("--cases", default=",".join(KINDS), help="names with commas between them, 'all', or 'storm'")
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--log", type=Path, help="where to write one line of JSON a search")
    options = parser.parse_args()
    several = {"all": cases, "storm": storm}.get(options.cases)
    names = list(several()) if several else options.cases.split(",")
    start, found, kills, seed = time.monotonic(), defaultdict[str, list[Ended]](list), 0, 0
    while seed < options.seeds or kills < options.kills:
        first = options.first_seed + seed
        for ended in soak(names, range(first, first + 1), options.each):
            found[ended.case].append(ended)
            kills += ended.codes.count(-signal.SIGKILL)
            note(ended, options.log)
        seed += 1
    print(table(found, time.monotonic() - start))
    return 0 if all(each.good for several in found.values() for each in several) else 1


def note(ended: Ended, log: Path | None) -> None:
    if not ended.good:
        print(f"NOT GOOD: {ended}", flush=True)
    if log is not None:
        with log.open("a") as file:
            file.write(json.dumps(vars(ended)) + "\n")


def table(found: dict[str, list[Ended]], seconds: float) -> str:
    """One row a case: seeds, kills that found the driver alive, tables equal, trials acknowledged twice."""
    lines = [f"{'case':28} {'seeds':>6} {'returncode -9':>14} {'tables equal':>13} {'acknowledged twice':>19}"]
    rows = list(found.items())
    rows.append(("all", [each for several in found.values() for each in several]))
    for name, several in rows:
        kills = sum(each.codes.count(-signal.SIGKILL) for each in several)
        equal = sum(each.equal for each in several)
        twice = sum(len(each.twice) for each in several)
        seeds = len({each.seed for each in several})
        lines.append(f"{name:28} {seeds:>6} {kills:>14} {f'{equal}/{len(several)}':>13} {twice:>19}")
    return "\n".join([*lines, f"{seconds:.0f} s"])


if __name__ == "__main__":
    sys.exit(main())

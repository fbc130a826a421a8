"""What an ask costs as a search grows: every strategy of the command line at 1,000, 4,000 and 10,000 trials.

    python benchmarks/growth.py [--trials 1000,4000,10000] [--only gp,bananas:quick=false] [--objectives 2]
        [--space darts] [--longest 25] [--smallest]

Each strategy is asked and told alone, in one process, of scores that cost nothing. One that begins with random
architectures has so many of them (`initial`), learns them at once, which is the worst ask, and is timed for the rounds
after; the others search from the first trial on and are timed for the last quarter. Processor time; the mean holds what
telling costs.
"""

from __future__ import annotations

import argparse
import inspect
import time
import zlib

import netwright as nw
from netwright.benchmarks.entrants import split_list
from netwright.catalogue import construct, load, shipped, split
from netwright.core.randomness import Generators
from netwright.core.trial import Measurement, Trial

LISTS = ("exhaustive",)  # has nothing to search
ROUNDS = 4  # that are timed at least
SMALLEST = {"trials": "20", "only": "random,tpe,gp", "space": "nasbench201"}


def scored(architecture: nw.Architecture) -> tuple[float, float]:
    """Two numbers that near architectures have in common, with noise of the architecture's own."""
    noise = zlib.crc32(architecture.to_json().encode())
    point = architecture.point
    rising = sum(value * (k % 3 + 1) for k, value in enumerate(point)) / (4 * len(point))
    return rising + noise % 1000 / 1000, -rising + noise // 1000 % 1000 / 1000


def made(text: str, space: nw.Space, trials: int) -> tuple[nw.Strategy, int, int]:
    """A strategy that learns after so many trials where it can be told to; how many asks to make, and to time."""
    name, options = split(text)
    make = load("strategy", name)
    if name != "nao" and "initial" not in inspect.signature(make).parameters:
        return construct(make, space, options=options), trials, trials // 4
    strategy = construct(make, space, options={**options, "initial": str(trials)})
    batch = getattr(strategy, "batch", 1) if name != "nao" else getattr(strategy, "new", 1)
    first, timed = max(batch, trials // 20), max(ROUNDS * batch, trials // 4)
    return strategy, trials + first + timed, timed


def measured(strategy: nw.Strategy, asks: int, timed: int, objectives: int, longest: float) -> tuple[float, float, int]:
    """Mean and worst milliseconds of an ask, and how many asks there were time for."""
    generators = Generators(0)
    costs: list[tuple[float, float]] = []  # of asking, of telling
    begun = time.process_time()
    while len(costs) < asks and time.process_time() - begun < longest:
        started = time.process_time()
        proposal = strategy.ask(generators(len(costs)))
        asked = time.process_time()
        assert proposal is not None and isinstance(proposal.candidate, nw.Architecture)
        scores = scored(proposal.candidate)[:objectives]
        trial = Trial(len(costs), proposal, "completed", Measurement({"score": scores[0]}), scores, 1.0)
        telling = time.process_time()
        strategy.tell(trial)
        costs.append((asked - started, time.process_time() - telling))
    last = costs[-timed:]
    return 1e3 * sum(map(sum, last)) / len(last), 1e3 * max(ask for ask, _ in costs), len(costs)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", default="1000,4000,10000")
    parser.add_argument("--only", default="")
    parser.add_argument("--objectives", type=int, default=1, choices=(1, 2))
    parser.add_argument("--space", default="darts", choices=sorted(shipped("space")))
    parser.add_argument("--longest", type=float, default=25.0, help="processor seconds for a strategy and size")
    parser.add_argument("--smallest", action="store_true", help="few of each: only to see that it runs")
    options = parser.parse_args()
    if options.smallest:
        parser.set_defaults(**SMALLEST)
        options = parser.parse_args()
    space = load("space", options.space)()
    names = split_list(options.only) if options.only else [each for each in shipped("strategy") if each not in LISTS]
    print(f"milliseconds of an ask on {options.space}, {options.objectives} objective(s): mean / worst")
    for name in names:
        cells = []
        for trials in map(int, options.trials.split(",")):
            strategy, asks, timed = made(name, space, trials)
            mean, worst, reached = measured(strategy, asks, timed, options.objectives, options.longest)
            cells.append(f"{mean:9.2f} / {worst:8.1f}" + (f" (ended at {reached:,})" if reached < asks else ""))
        print(f"{name:20}" + "  ".join(cells), flush=True)


if __name__ == "__main__":
    main()

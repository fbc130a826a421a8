"""How far are predicted latencies from measured ones? Of random networks here, and of devices that others measured.

    python benchmarks/latency.py networks [--space mobile] [--side 32] [--networks 30] [--runtime torch]
    python benchmarks/latency.py devices TABLE.csv [--networks 200] [--measured 10]

`networks` foretells random networks of a space by the table of operations of this machine, and measures them alone.
`devices` leaves out each column of a table of latencies (a row a network, a column a device) with all of its family,
and foretells it from so many measurements of it and the other devices.
"""

from __future__ import annotations

import argparse
import csv
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import spearmanr

import netwright as nw
from netwright.catalogue.arguments import construct, split
from netwright.catalogue.loading import load
from netwright.core.trial import Proposal
from netwright.estimators import Latency, PredictedLatency
from netwright.predictors import AcrossDevices

FAMILIES = ("1080ti", "2080ti", "titanxp", "titanx_", "titan_rtx", "gold", "silver", "samsung", "pixel")
ROWS = 1100  # of a table, of which all but the last `--networks` may be measured


def correlation(first: ArrayLike, second: ArrayLike) -> float:
    return float(np.asarray(spearmanr(first, second))[0])


def networks(arguments: argparse.Namespace) -> None:
    name, options = split(arguments.space)
    space = construct(load("space", name), options=options)
    shape = nw.TaskShape((3, arguments.side, arguments.side), 10)
    foretold, measured = (each(space, shape, arguments.runtime) for each in (PredictedLatency, Latency))
    rng, pairs = np.random.default_rng(arguments.seed), []
    for _ in range(arguments.networks):
        proposal = Proposal(space.sample(rng))
        values = foretold.estimate(proposal, 0).metrics, measured.estimate(proposal, 0).metrics
        pairs.append((values[0]["latency_predicted_ms"], values[1]["latency_ms"]))
    guesses, truths = np.array(pairs).T
    errors = np.abs(guesses / truths - 1)
    print(
        f"{arguments.space}, {arguments.side}x{arguments.side}, {arguments.runtime}: error of the prediction, median "
        f"{np.median(errors):.1%}, 90th percentile {np.quantile(errors, 0.9):.1%}; rank correlation "
        f"{correlation(guesses, truths):.3f}; {truths.min():.2f} to {truths.max():.2f} ms, n = {len(truths)}"
    )


def devices(arguments: argparse.Namespace) -> None:
    with arguments.table.open(encoding="utf-8", newline="") as file:
        (_, *names), *rows = csv.reader(file)
    rng, found = np.random.default_rng(arguments.seed), {}
    times = np.array([row[1:] for row in rows], float)[rng.permutation(len(rows))[:ROWS]]
    known = len(times) - arguments.networks
    for place, name in enumerate(names):
        family = next((each for each in FAMILIES if name.startswith(each)), name)
        others = [other for other, each in enumerate(names) if not each.startswith(family)]
        chosen = AcrossDevices(times[:known, others]).choose(arguments.measured)
        across = AcrossDevices(times[:, others]).fit({each: times[each, place] for each in chosen})
        found[name] = correlation(across.predict(range(known, len(times))), times[known:, place])
        print(f"{name:16} {found[name]:.3f}", flush=True)
    values = np.array(list(found.values()))
    print(f"mean {values.mean():.3f}, {np.sum(values >= 0.9)} of {len(values)} devices at 0.9 or above")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parts = parser.add_subparsers(required=True)
    here = parts.add_parser("networks")
    here.add_argument("--space", default="mobile")
    here.add_argument("--side", type=int, default=32)
    here.add_argument("--networks", type=int, default=30)
    here.add_argument("--runtime", default="torch")
    here.set_defaults(run=networks)
    elsewhere = parts.add_parser("devices")
    elsewhere.add_argument("table", type=Path)
    elsewhere.add_argument("--networks", type=int, default=200, help="that are ranked")
    elsewhere.add_argument("--measured", type=int, default=10, help="on the new device")
    elsewhere.set_defaults(run=devices)
    for each in (here, elsewhere):
        each.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    arguments.run(arguments)


if __name__ == "__main__":
    main()

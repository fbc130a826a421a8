"""What each recipe of weight sharing finds on a share of CIFAR-10 in the space of NAS-Bench-201, beside random search.

    python benchmarks/one_shot.py --data-dir DIR --table nasbench201.csv

Every recipe searches with each seed on the same examples; what it names is looked up in the table, which knows how good
that cell is after the benchmark's own training (12 epochs validation, 200 epochs test). Random search trains networks
alone, one after the other, with the same seeds; its row for a recipe is what it had found after the seconds that the
recipe took with that seed: seconds of the processor, with one thread, so that other work on the machine favours nobody.
Results go to a JSON file as they come, from which an interrupted study goes on.
"""

from __future__ import annotations

import argparse
import contextlib
import csv
import json
import statistics
import time
from pathlib import Path
from typing import Any

import torch

import netwright as nw
from netwright.catalogue import load, shipped
from netwright.results.alarm_sentences import alarm_lines

VALIDATION, TEST = "cifar10_valid_12", "cifar10_test_200"
ALARMS = ("collapsing", "rounding", "uniform", "eigenvalue")  # a word of each alarm's sentence
QUICK = {  # of the searches on trained weights, so that scoring takes about as long as training
    "single-path-one-shot": {"population": 20, "generations": 5, "top": 5},
    "fairnas": {"population": 20, "generations": 5},
}


def main() -> None:
    options = arguments()
    torch.set_num_threads(1)
    task = nw.tasks.open_task("cifar10", data_dir=options.data_dir, limit=options.examples)
    space = nw.spaces.NasBench201(channels=options.channels, cells=options.cells)
    with Path(options.table).open(newline="") as file:
        truth = {row["arch"]: row for row in csv.DictReader(file)}
    known: dict[str, Any] = json.loads(options.out.read_text()) if options.out.exists() else {}
    for name in options.recipes:
        for seed in range(options.seeds):
            key = f"{name} {seed}"
            if key not in known:
                known[key] = searched(name, space, task, seed, options)
                options.out.write_text(json.dumps(known, indent=1))
                print(key, known[key]["architecture"], f"{known[key]['seconds']:.1f} s", flush=True)
    longest = max(each["seconds"] for key, each in known.items() if not key.startswith("random "))
    for seed in range(options.seeds):
        if f"random {seed}" not in known:
            known[f"random {seed}"] = at_random(space, task, seed, longest, options.random_epochs)
            options.out.write_text(json.dumps(known, indent=1))
    report(known, truth, options)


def searched(name: str, space: nw.Space, task: nw.Task, seed: int, options: argparse.Namespace) -> dict[str, Any]:
    extra = QUICK.get(name, {})
    search = load("search", name)(
        space, task, epochs=options.epochs, seed=seed, device="cpu", batch_size=options.batch, **extra
    )
    began = time.process_time()
    run = search.run()
    seconds = time.process_time() - began
    epochs = [trial.metrics for trial in run.trials if trial.proposal.purpose == "train"]
    last = {key: value for key, value in epochs[-1].items() if key in ("parameter_free", "entropy")}
    alarms = [word for line in alarm_lines(epochs) for word in ALARMS if word in line]
    found = run.best
    return {"architecture": str(found.architecture), "seconds": seconds, "alarms": alarms, **last}


def at_random(space: nw.Space, task: nw.Task, seed: int, seconds: float, epochs: int) -> list[tuple[float, float, str]]:
    """Seconds, validation accuracy and architecture of each network trained alone."""
    estimator = nw.estimators.Training(space, task, epochs=epochs, device="cpu", validation=0.5)
    search = nw.Search(nw.strategies.RandomSearch(space), estimator, seed=seed)
    began, found = time.process_time(), []

    def note(trial: nw.Trial) -> None:
        accuracy = trial.metrics.get("val_accuracy", 0.0)
        found.append((time.process_time() - began, accuracy, str(trial.architecture)))
        if found[-1][0] > seconds:
            raise KeyboardInterrupt  # as a user who has waited long enough

    with contextlib.suppress(KeyboardInterrupt):
        search.run(trials=100_000, on_trial=note)
    return found


def report(known: dict[str, Any], truth: dict[str, Any], options: argparse.Namespace) -> None:
    print(
        f"\n{'recipe':26}{'valid 12':>16}{'test 200':>16}{'random, test 200':>20}{'seconds':>9}  parameter-free, alarms"
    )
    rows: list[tuple[float, str]] = []
    for name in options.recipes:
        runs = [known[f"{name} {seed}"] for seed in range(options.seeds)]
        valid, test = ([float(truth[each["architecture"]][column]) for each in runs] for column in (VALIDATION, TEST))
        rivals = [
            float(truth[incumbent(known[f"random {seed}"], each["seconds"])][TEST]) for seed, each in enumerate(runs)
        ]
        free = statistics.fmean(each.get("parameter_free", float("nan")) for each in runs)
        alarms = sorted({alarm for each in runs for alarm in each["alarms"]})
        seconds = statistics.fmean(each["seconds"] for each in runs)
        line = f"{name:26}{spread(valid):>16}{spread(test):>16}{spread(rivals):>20}{seconds:9.1f}  {free:.2f} {alarms}"
        rows.append((statistics.fmean(test), line))
    for _, line in sorted(rows, reverse=True):
        print(line)
    everyone = [float(row[TEST]) for row in truth.values()]
    print(f"\na random cell of the table: {statistics.fmean(everyone):.2f} ± {statistics.stdev(everyone):.2f} test 200")
    tried = [len(known[f"random {seed}"]) for seed in range(options.seeds)]
    print(f"random search trained {tried} networks for {options.random_epochs} epochs each")


def incumbent(found: list[tuple[float, float, str]], seconds: float) -> str:
    """The best network that was trained within so many seconds, the first one where none was."""
    within = [each for each in found if each[0] <= seconds] or found[:1]
    return max(within, key=lambda each: each[1])[2]


def spread(values: list[float]) -> str:
    return f"{statistics.fmean(values):.2f}" + (f" ± {statistics.stdev(values):.2f}" if len(values) > 1 else "")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--data-dir", required=True)
    parser.add_argument("--table", required=True)
    parser.add_argument("--out", type=Path, default=Path("one_shot.json"))
    parser.add_argument("--recipes", nargs="+", default=list(shipped("search")))
    for name, default in (
        ("examples", 2000),
        ("channels", 8),
        ("cells", 1),
        ("epochs", 10),
        ("seeds", 3),
        ("batch", 64),
    ):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--random-epochs", type=int, default=5)
    return parser.parse_args()


if __name__ == "__main__":
    main()

"""Every path of netwright on a GPU once: does it run, how fast, and are the numbers of one seed the same twice?

    python benchmarks/gpu.py [--device cuda] [--seconds 540] [--repeats 5] [--only PART ...] [--json FILE]
    python benchmarks/gpu.py --device cpu --smallest

Images and labels are made up by a seed, so that it needs no files. A row that fails says how, and the others go on;
rows that no longer fit into the time are named. Times are medians of the repetitions with their range, each between two
moments at which the GPU had done all its work. `--smallest` is the same in its smallest form: only to see that it runs.
Ends with 2 where there is no such device, and with 1 where a row failed.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

import netwright as nw
from netwright.catalogue import load
from netwright.core.architecture import Architecture, Mixture
from netwright.core.errors import SearchFailed
from netwright.core.placing import placed
from netwright.core.task import Augmentation, Data
from netwright.core.trial import Trial
from netwright.estimators import SharedWeights, Training, ZeroCost
from netwright.estimators.sharing.minibatches import Minibatch
from netwright.executors import Processes
from netwright.networks.resnet import resnet
from netwright.results.hardware import hardware
from netwright.strategies import RandomSearch
from netwright.training import TrainingSettings, evaluate, predict, seeded, train
from netwright.training.augmentation import Batches
from netwright.training.batches import augmentation_generator, epoch_order
from netwright.training.evaluation import EVALUATION_BATCH, evaluation_batch
from netwright.training.trainer import ready

FAMILIES = {  # one recipe of each family of weight sharing, with what makes it short
    "darts": {},
    "darts-second-order": {},
    "gdas": {},
    "proxylessnas": {},
    "nasp": {},
    "xnas": {},
    "smooth-darts": {},
    "dropnas": {"epochs": 2},
    "asng": {},
    "single-path-one-shot": {"population": 2, "generations": 1, "top": 1, "recalibrate": 1},
    "random-weight-sharing": {"candidates": 2, "batches": 1, "best": 1},
}


@dataclass
class Row:
    """One line of the table. values: of each repetition, in `unit`; note: what else was seen, or why it failed."""

    part: str
    what: str
    values: list[float] = field(default_factory=list)
    unit: str = ""
    note: str = ""
    failed: bool = False

    def shown(self) -> str:
        if not self.values:
            return ""
        middle, low, high = statistics.median(self.values), min(self.values), max(self.values)
        return f"{middle:.4g} {self.unit} ({low:.4g} to {high:.4g}, n = {len(self.values)})"


class Bench:
    """The device, the sizes, and the rows so far."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.device = placed(options.device)
        self.small: bool = options.smallest
        self.repeats, self.warm_up = (1, 1) if self.small else (options.repeats, 2)
        self.precisions = ("float32", "bfloat16") if self.small else ("float32", "tf32", "bfloat16")
        self.steps = 1 if self.small else 10  # between two looks at the clock
        self.batch = 4 if self.small else 64
        self.ends = time.monotonic() + options.seconds
        self.only: list[str] = options.only
        self.rows: list[Row] = []
        side, count = (8, 24) if self.small else (32, 4096)
        draws = np.random.default_rng(0)
        images = draws.integers(0, 256, (count, 3, side, side), dtype=np.uint8)
        self.task = nw.tasks.arrays(images, np.arange(count) % 4, augmentation=Augmentation(flip=True, padding=1))
        self.cells = nw.spaces.NasBench201(channels=2 if self.small else 16, cells=1 if self.small else 3)
        self.darts = nw.spaces.Darts(
            **({"cells": 3, "channels": 2, "nodes": 1} if self.small else {"cells": 8, "channels": 16})
        )

    @property
    def data(self) -> Data:
        return self.task.search_data(0, self.device, 0.25)

    def network(self) -> nn.Module:
        with seeded(0):
            return resnet(self.task.shape.input, 4, 8, 2 if self.small else 64)  # type: ignore[arg-type]

    def row(self, part: str, what: str, run: Callable[[Row], None]) -> None:
        """Fill a row by `run`; a failure is written into it."""
        if self.only and part not in self.only:
            return
        row = Row(part, what)
        self.rows.append(row)
        if time.monotonic() > self.ends:
            row.note = "left out: the time was over"
            return
        try:
            run(row)
        except Exception as problem:
            row.failed, row.note = True, f"{type(problem).__name__}: {' '.join(str(problem).split())[:200]}"
        print(f"{row.part}: {row.what}: {row.shown()} {row.note}", file=sys.stderr, flush=True)

    def timed(self, row: Row, step: Callable[[], object], steps: int | None = None) -> None:
        """Milliseconds of a step, after those that pay for what is done once."""
        steps, row.unit = steps or self.steps, "ms"
        for _ in range(self.warm_up):
            step()
        for _ in range(self.repeats):
            self.wait()
            began = time.perf_counter()
            for _ in range(steps):
                step()
            self.wait()
            row.values.append(1000 * (time.perf_counter() - began) / steps)

    def wait(self) -> None:
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)


# Training and evaluation.


def trainings(bench: Bench) -> None:
    for precision in bench.precisions:
        for last in (False, True):
            for deterministic in (True,) if bench.small else (True, False):
                settings = TrainingSettings(
                    batch_size=bench.batch, precision=precision, channels_last=last, deterministic=deterministic
                )
                layout = "channels last" if last else "channels first"
                what = f"{precision}, {layout}, {'deterministic' if deterministic else 'fastest'}"
                bench.row("training", what, lambda row, settings=settings: training_step(bench, settings, row))


def training_step(bench: Bench, settings: TrainingSettings, row: Row) -> None:
    with ready(bench.network(), bench.data, settings, 0, bench.data.train.device) as loop:
        order = epoch_order(len(loop.examples), 0, 0, loop.device)
        generator = augmentation_generator(0, 0, loop.device)
        batches = Batches(loop.examples, order, loop.normalise, loop.augmentation, generator)
        inputs, labels = batches(0, bench.batch)
        loop.network.train()
        bench.timed(row, lambda: loop.step(inputs, labels))


def evaluations(bench: Bench) -> None:
    data, network = bench.data, bench.network()
    for size in dict.fromkeys((EVALUATION_BATCH, evaluation_batch(data.train, data.train.device))):
        for precision in bench.precisions:

            def run(row: Row, size: int = size, precision: Any = precision) -> None:
                given = {"device": bench.device, "batch_size": size, "precision": precision, "channels_last": True}
                bench.timed(row, lambda: evaluate(network, data.train, data, **given), 1)

            bench.row("evaluation", f"{len(data.train)} images, {size} at a time, {precision}", run)
    one = data.held_out.part(0, 1)
    bench.row("latency", "one image", lambda row: bench.timed(row, lambda: predict(network, one, data)))


# Weight sharing.


def supernets(bench: Bench) -> None:
    for space, kind in ((bench.darts, "mixture"), (bench.cells, "mixture"), (bench.cells, "path")):
        for precision in bench.precisions:
            for last in (False, True):
                options = {"precision": precision, "channels_last": last}
                name = f"{type(space).__name__}, {kind}, {precision}, channels {'last' if last else 'first'}"

                def eager(row: Row, space: Any = space, kind: str = kind, options: Any = options) -> None:
                    shared, candidate = begun(bench, space, kind, **options)
                    bench.timed(row, lambda: shared.advance(nw.Proposal(candidate, "train")))

                def graphed(row: Row, space: Any = space, kind: str = kind, options: Any = options) -> None:
                    shared, candidate = begun(bench, space, kind, **options)
                    bench.timed(row, step_in_a_graph(bench, shared, candidate))

                bench.row("supernet", f"{name}, eager", eager)
                if bench.device.type == "cuda":
                    bench.row("supernet", f"{name}, CUDA graph", graphed)


def begun(bench: Bench, space: nw.Space, kind: str, **options: Any) -> tuple[SharedWeights, Architecture | Mixture]:
    shared = SharedWeights(
        space, bench.task, epochs=1000, batch_size=bench.batch, device=str(bench.device), alarms=False, **options
    )
    shared.begin(0)
    candidate = space.at(0) if kind == "path" else uniform(space, shared.device)
    return shared, candidate


def uniform(space: nw.Space, device: torch.device) -> Mixture:
    counts = {each.name: len(each.options) + len(each.soft) for each in space.decisions if each.kind != "sources"}
    return Mixture({name: torch.full((count,), 1 / count, device=device) for name, count in counts.items()})


def step_in_a_graph(bench: Bench, shared: SharedWeights, candidate: Architecture | Mixture) -> Callable[[], None]:
    """A weight step whose forward and backward passes were recorded once, and are launched as one."""
    weights = shared.weights
    inputs, labels, _ = weights.training(0)
    inputs, labels = inputs.clone(), labels.clone()

    def passes() -> None:
        weights.loss(candidate, Minibatch(inputs, labels))[0].backward()

    aside = torch.cuda.Stream(bench.device)
    aside.wait_stream(torch.cuda.current_stream(bench.device))
    with torch.cuda.stream(aside), weights.arithmetic():
        for _ in range(3):
            weights.optimiser.zero_grad()
            passes()
    torch.cuda.current_stream(bench.device).wait_stream(aside)
    weights.optimiser.zero_grad()
    graph = torch.cuda.CUDAGraph()
    with weights.arithmetic(), torch.cuda.graph(graph):
        passes()

    def step() -> None:
        for mine, next_one in zip((inputs, labels), weights.training(weights.step)[:2], strict=True):
            mine.copy_(next_one)
        graph.replay()
        nn.utils.clip_grad_norm_(weights.parameters, 5.0)
        weights.optimiser.step()
        weights.step += 1

    return step


def recipes(bench: Bench) -> None:
    for name, options in FAMILIES.items():

        def run(row: Row, name: str = name, options: dict[str, Any] = options) -> None:
            space = bench.darts if name == "dropnas" else bench.cells
            given = {"epochs": 1, "batch_size": bench.batch, **options}
            began = time.perf_counter()
            found = load("search", name)(space, bench.task, device=str(bench.device), **given).run(preflight=False)
            row.values, row.unit = [time.perf_counter() - began], "s"
            row.note = ended(found.trials)

        bench.row("recipe", name, run)


# Scores, workers, memory.


def scores(bench: Bench) -> None:
    names = ("synflow", "grad_norm", "snip", "grasp", "jacob_cov", "naswot", "zen", "fisher")
    for name in names:

        def run(row: Row, name: str = name) -> None:
            size = min(bench.batch, 8) if bench.small else bench.batch
            estimator = ZeroCost(bench.cells, bench.task, (name,), size, device=str(bench.device))
            bench.timed(row, lambda: estimator.scores(bench.cells.at(1)), 1)

        bench.row("zero-cost", name, run)


def workers(bench: Bench) -> None:
    for count in (1, 2):

        def run(row: Row, count: int = count) -> None:
            estimator = Training(
                bench.cells, bench.task, epochs=1, batch_size=bench.batch, device=str(bench.device), augment=False
            )
            with contextlib.closing(Processes(count, gpus_per_trial=1 / count)) as executor:
                search = nw.Search(RandomSearch(bench.cells), estimator, seed=0)
                began = time.perf_counter()
                found = search.run(trials=2 if bench.small else 8, executor=executor, preflight=False)
            row.values, row.unit, row.note = [time.perf_counter() - began], "s", ended(found.trials)

        bench.row("workers", f"{count} on one device, with their start", run)


def ended(trials: Any) -> str:
    states: dict[str, int] = {}
    for each in trials:
        states[each.state] = states.get(each.state, 0) + 1
    if set(states) - {"completed", "out_of_memory"}:
        reasons = [each.reason for each in trials if each.state not in ("completed", "out_of_memory")]
        raise RuntimeError(f"{states}: {reasons[0]}")
    return ", ".join(f"{count} {state}" for state, count in states.items())


def memory(bench: Bench) -> None:
    """What does not fit must be a failed trial, whether it is known beforehand or met."""

    def beforehand(row: Row) -> None:
        row.note = out_of_memory(bench, batch_size=10**12)

    def met(row: Row) -> None:
        with limited(bench.device):
            row.note = out_of_memory(bench, batch_size=2048)

    bench.row("memory", "too large, known beforehand", beforehand)
    if bench.device.type == "cuda":
        bench.row("memory", "too large for what the process may take", met)


def out_of_memory(bench: Bench, batch_size: int) -> str:
    estimator = Training(bench.cells, bench.task, epochs=1, batch_size=batch_size, device=str(bench.device))
    trials: list[Trial] = []
    with contextlib.suppress(SearchFailed):  # since none of its trials completes
        nw.Search(RandomSearch(bench.cells), estimator, seed=0).run(trials=1, preflight=False, on_trial=trials.append)
    states = [each.state for each in trials]
    if states != ["out_of_memory"]:
        raise RuntimeError(f"expected one trial that is out_of_memory, found {states}")
    return "1 out_of_memory: " + str(trials[0].reason)[:100]


@contextlib.contextmanager
def limited(device: torch.device) -> Iterator[None]:
    """Within, this process may take a five-hundredth of the device."""
    torch.cuda.empty_cache()
    torch.cuda.set_per_process_memory_fraction(1 / 500, device)
    try:
        yield
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0, device)


# The same seed twice.


def repeated(bench: Bench) -> None:
    for deterministic in (True, False):
        for precision in bench.precisions:
            settings = TrainingSettings(
                epochs=1, batch_size=bench.batch, precision=precision, deterministic=deterministic
            )
            how = f"{precision}, {'deterministic' if deterministic else 'fastest'}"

            def alone(row: Row, settings: TrainingSettings = settings) -> None:
                row.note = apart(*(trained_alone(bench, settings) for _ in range(2)))

            def shared(row: Row, settings: TrainingSettings = settings) -> None:
                row.note = apart(*(trained_together(bench, settings) for _ in range(2)))

            bench.row("same seed", f"a network with max pooling, {how}", alone)
            bench.row("same seed", f"shared weights, {how}", shared)


def trained_alone(bench: Bench, settings: TrainingSettings) -> list[torch.Tensor]:
    with seeded(0):
        network = bench.darts.build(bench.darts.at(0), bench.task.shape)  # at(0) has max pooling everywhere
    train(network, bench.data, settings, 0, device=bench.device)
    return [each.detach().cpu().clone() for each in network.parameters()]


def trained_together(bench: Bench, settings: TrainingSettings) -> list[torch.Tensor]:
    chosen = {"precision": settings.precision, "deterministic": settings.deterministic}
    shared, mixture = begun(bench, bench.darts, "mixture", **chosen)
    for _ in range(2 if bench.small else 10):
        shared.advance(nw.Proposal(mixture, "train"))
    return [each.detach().cpu().clone() for each in shared.weights.parameters]


def apart(first: list[torch.Tensor], second: list[torch.Tensor]) -> str:
    most = max(float((a - b).abs().max()) for a, b in zip(first, second, strict=True))
    return "the same bits" if all(map(torch.equal, first, second)) else f"weights differ by up to {most:.1e}"


PARTS = (trainings, supernets, evaluations, repeated, memory, scores, recipes, workers)


def main() -> int:
    options = arguments()
    if options.device.startswith("cuda") and not torch.cuda.is_available():
        print("PyTorch finds no CUDA device here; --device cpu --smallest shows that the script runs")
        return 2
    before = Path.cwd()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)  # what searches keep
        bench = Bench(options)
        try:
            for part in PARTS:
                part(bench)
        finally:
            os.chdir(before)
    machine = hardware(bench.device)
    show(bench.rows, machine)
    if options.json:
        options.json.write_text(json.dumps({"machine": machine, "rows": [asdict(row) for row in bench.rows]}, indent=1))
    return int(any(row.failed for row in bench.rows))


def show(rows: list[Row], machine: dict[str, Any]) -> None:
    print(f"{machine['name']} ({machine['device']}), torch {machine['torch']}, CUDA {torch.version.cuda or 'none'}")
    width = max((len(row.what) for row in rows), default=0)
    for row in rows:
        print(
            f"{row.part:11} {row.what:{width}}  {row.shown():38} {'FAILED: ' if row.failed else ''}{row.note}".rstrip()
        )
    failed, left = sum(row.failed for row in rows), sum(row.note.startswith("left out") for row in rows)
    print(f"{len(rows)} rows, {failed} failed, {left} left out")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cuda", help="cuda, cuda:1, or cpu")
    parser.add_argument("--seconds", type=float, default=540, help="after which no further row begins")
    parser.add_argument("--repeats", type=int, default=5, help="of each time")
    parser.add_argument("--smallest", action="store_true", help="the smallest sizes: only to see that it runs")
    parser.add_argument("--only", nargs="*", default=[], metavar="PART", help="parts of the table, such as training")
    parser.add_argument("--json", type=Path, help="write the rows here too")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())

"""A project of very many trials, written by the real writer, to see how whatever reads one keeps up.

    python benchmarks/big_project.py DIRECTORY [--trials 10000] [--epochs 100] [--workers 4] [--objectives 2]
        [--name big] [--rounds 0] [--seed 0]

The trials are those of an evolution over the space `chain` with made-up numbers: parents, learning curves of which one
in fifty has a gap, one trial in twenty failed and some broke a limit, retries, and three rungs of fidelity. `--rounds`
adds so many epochs of a DARTS mixture as a run of its own. With `--read` the project is only read, and it is timed: the
columns, an update, a curve, and each chart.
"""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from netwright.core.architecture import Architecture, Mixture
from netwright.core.trial import Measurement, Proposal, Trial
from netwright.spaces.chain import Chain
from netwright.spaces.nasbench201 import NasBench201
from netwright.store import Asked, AttemptEnded, Store, Told

BEGUN = 1_780_000_000.0
LIMIT = 1_500_000.0
FAILURES = (
    ("error", "RuntimeError: mat1 and mat2 shapes cannot be multiplied (32x512 and 256x10)"),
    ("diverged", "the loss of epoch 3 is nan"),
    ("out_of_memory", "tried to allocate 1.21 GiB on cuda:0"),
    ("timeout", "took longer than 600 s"),
)
SMALLEST = {"trials": 30, "epochs": 3}
SPACE = Chain()


def quality(architecture: Architecture) -> tuple[float, float]:
    """Accuracy and parameters that similar architectures have in common."""
    taken = [each for each in architecture.point if each >= 0]
    rising = sum(value * (place % 3 + 1) for place, value in enumerate(taken)) / (3 * len(taken))
    heavy = sum(taken[1::2]) / len(taken[1::2])
    return 0.7 + 0.25 * math.tanh(rising / 2), 60_000 * math.exp(1.5 * heavy + 0.05 * len(taken))


def curve(final: float, epochs: int, rng: np.random.Generator) -> tuple[dict[str, float], ...]:
    """Rises to the final accuracy; one in fifty has a loss that is not a number for some epochs."""
    times = np.arange(1, epochs + 1)
    shape = final - 0.5 * final * np.exp(-times / (0.12 * epochs + 1)) + rng.normal(0, 0.004, epochs)
    loss = 2.3 * np.exp(-times / (0.2 * epochs + 1)) + 0.1
    if rng.random() < 0.02:
        loss[epochs // 3 : epochs // 2] = math.nan
    rows = zip(times.tolist(), shape.tolist(), loss.tolist(), strict=True)
    return tuple({"epoch": float(t), "val_accuracy": round(a, 5), "train_loss": round(b, 5)} for t, a, b in rows)


def trial(number: int, elders: list[tuple[float, int, Architecture]], epochs: int, rng: np.random.Generator) -> Trial:
    """The next child of a tournament, or a random architecture at first."""
    parent = None
    if len(elders) < 50:
        architecture = SPACE.sample(rng)
    else:
        _, parent, first = max(elders[place] for place in rng.integers(max(0, len(elders) - 100), len(elders), 10))
        architecture = SPACE.mutate(first, rng)
    accuracy, params = quality(architecture)
    accuracy += rng.normal(0, 0.01)
    fidelity = (1 / 9, 1 / 3, 1.0)[int(rng.choice(3, p=(0.3, 0.2, 0.5)))]
    proposal = Proposal(architecture, fidelity=fidelity, parent=parent)
    if params > LIMIT:
        reason = f"params {params:,.0f} breaks the limit params <= {LIMIT:,.0f}"
        return Trial(number, proposal, "infeasible", Measurement({"params": params}), reason=reason)
    if rng.random() < 0.05:
        state, reason = FAILURES[int(rng.integers(len(FAILURES)))]
        points = curve(accuracy, epochs, rng)[: max(1, epochs // 5)]
        return Trial(number, proposal, state, Measurement({"params": params}, curve=points), (), 5.0, "cpu", reason)  # type: ignore[arg-type]
    points = curve(accuracy, epochs, rng)[: max(1, round(epochs * fidelity))]
    last = points[-1]["val_accuracy"]
    metrics = {"params": params, "macs": 30 * params, "val_accuracy": last, "latency_ms": params**0.5 / 400}
    found = Measurement({**metrics, "train_loss": points[-1]["train_loss"]}, curve=points)
    return Trial(number, proposal, "completed", found, (last, -params), 60 * fidelity * (1 + rng.random()), "cpu")


def write(store: Store, name: str, count: int, epochs: int, workers: int, objectives: int, seed: int) -> None:
    asked = ["val_accuracy:maximize", "params:minimize"][:objectives]
    arguments = {"objective": asked, "constraints": [f"params <= {LIMIT:.0f}"], "seed": seed}
    store.create_run(name, SPACE.id, {"class": "netwright.engine.search:Search", "arguments": arguments}, "0.1.0")
    writer, rng = store.writer(name, lambda: 1.0), np.random.default_rng(seed)
    free = [0.0] * workers
    elders: list[tuple[float, int, Architecture]] = []
    for number in range(count):
        found = trial(number, elders, epochs, rng)
        if found.scores:
            elders.append((found.scores[0], number, found.architecture))
        worker = int(np.argmin(free))
        begun, spent = free[worker], found.seconds or 0.05
        again = 2 if rng.random() < 0.01 else 1
        question = Asked(number, number, again, found.proposal, BEGUN + begun + (again - 1) * spent / 2)
        ended = question.started + spent
        place = f"worker {worker}"
        if again == 2:
            first = Asked(number, number, 1, found.proposal, BEGUN + begun)
            writer.add(AttemptEnded(first, "lost", "its worker was killed", place, "", question.started, spent / 2))
        writer.add(AttemptEnded(question, found.state, found.reason, place, "", ended, spent, 1, 10**8))
        scores = found.scores[:objectives]
        done = Trial(number, found.proposal, found.state, found.measurement, scores, spent, "cpu", found.reason)
        writer.add(Told(question, number, done, "", ended))
        free[worker] = ended - BEGUN + 0.2
    writer.wait()
    writer.close()
    store.set_state(name, "finished", f"{count} trials were done", max(free))


def write_rounds(store: Store, name: str, epochs: int, seed: int) -> None:
    """A mixture that becomes sure of itself, and of skips, epoch by epoch."""
    import torch

    space, rng = NasBench201(), np.random.default_rng(seed)
    arguments = {"objective": ["val_accuracy:maximize"], "constraints": [], "seed": seed}
    store.create_run(name, space.id, {"class": "netwright.engine.search:Search", "arguments": arguments}, "0.1.0")
    writer = store.writer(name, lambda: 1.0)
    logits = {each.name: rng.normal(0, 1, len(each.options)) for each in space.decisions}
    for epoch in range(epochs):
        sure = 3 * epoch / epochs
        weights = {n: torch.softmax(torch.tensor(sure * each), 0) for n, each in logits.items()}
        entropy = float(np.mean([-(w * w.log()).sum().item() / math.log(len(w)) for w in weights.values()]))
        skips = float(np.mean([float(w[1]) for w in weights.values()]))
        metrics = {"epoch": epoch + 1.0, "train_loss": 2 / (epoch + 1), "entropy": entropy, "parameter_free": skips}
        proposal = Proposal(Mixture(weights), purpose="train")
        question = Asked(epoch, epoch, 1, proposal, BEGUN + 30.0 * epoch)
        done = Trial(epoch, proposal, "completed", Measurement(metrics), (), 30.0, "cpu")
        writer.add(Told(question, epoch, done, "", BEGUN + 30.0 * (epoch + 1)))
    writer.wait()
    writer.close()
    store.set_state(name, "finished", "the epochs were done", 30.0 * epochs)


def timed(what: str, make: Callable[[], object]) -> None:
    """Print how long it takes, processor and wall-clock."""
    clock, processor = time.perf_counter(), time.process_time()
    made = make()
    spent = f"{time.perf_counter() - clock:.2f} s, processor {time.process_time() - processor:.2f} s"
    size = f", {len(made):,} characters" if isinstance(made, str) else ""
    print(f"{what}: {spent}{size}")


def read(directory: Path, name: str) -> None:
    import json

    from netwright.charts import CHARTS, RunData

    with Store.open_readonly(directory) as store:
        timed("columns", lambda: RunData.read(store, name))
        data = RunData.read(store, name)
        timed("metrics and scores", lambda: (data.metrics, data.scores))
        timed("an update", data.update)
        timed("a curve", lambda: data.curve(0))
        timed("choices", lambda: data.choices)
        for chart in CHARTS.values():
            figure = chart.figure(data)
            if not figure.empty:
                timed(f"{chart.name}, specification", lambda: json.dumps(chart.figure(data).specification))  # noqa: B023
                timed(f"{chart.name}, SVG", figure.svg)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("directory", type=Path)
    parser.add_argument("--trials", type=int, default=10_000)
    parser.add_argument("--epochs", type=int, default=100)
    parser.add_argument("--workers", type=int, default=4)
    parser.add_argument("--objectives", type=int, default=2, choices=(1, 2))
    parser.add_argument("--rounds", type=int, default=0)
    parser.add_argument("--name", default="big")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--smallest", action="store_true")
    parser.add_argument("--read", action="store_true", help="read a project that is there")
    given = parser.parse_args()
    if given.smallest:
        vars(given).update(SMALLEST)
    if not given.read:
        begun = time.perf_counter()
        with Store(given.directory) as store:
            write(store, given.name, given.trials, given.epochs, given.workers, given.objectives, given.seed)
            if given.rounds:
                write_rounds(store, f"{given.name}-darts", given.rounds, given.seed)
        print(f"wrote {given.trials:,} trials of {given.epochs} epochs in {time.perf_counter() - begun:.0f} s")
    if given.read or given.smallest:
        read(given.directory, given.name)


if __name__ == "__main__":
    main()

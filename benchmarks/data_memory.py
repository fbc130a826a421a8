"""How often the data of a task is held: while it is read, while a network is trained on it, and in worker processes.

    python benchmarks/data_memory.py [--megabytes 100] [--repeats 3] [--only CASE]

npz: images as they are kept, compressed and not. npz-float: the same images as numbers from 0 to 1, in float32.
folder: JPEG files of 224x224 pixels. csv: 14 columns of numbers. For each, in a process of its own: the most memory
while it was read, and the memory held after a search split and the final one were trained on for an epoch, beyond what
the process had before, in multiples of the data (inputs as they are kept).
workers: two workers train on the npz images; their proportional share of memory and the driver's, beyond what they
had before the first trial, in multiples of the data. Linux only.
folder-workers: two workers train on the folder; the memory of the driver and of all blocks that can be mapped, at the
most while it was read and sent, and afterwards, beyond what it was before, in multiples of the data. Linux only.
"""

from __future__ import annotations

import argparse
import datetime
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from threading import Event, Thread

import numpy as np
import torch
from PIL import Image, JpegImagePlugin  # noqa: F401 - before the first measurement
from torch import nn

from netwright import tasks
from netwright.core.choose import Choose
from netwright.core.decision_space import DecisionSpace
from netwright.core.executor import Job
from netwright.core.task import Data, TaskShape
from netwright.core.trial import Proposal
from netwright.estimators import Training
from netwright.executors import Processes
from netwright.executors.processes import family
from netwright.training import TrainingSettings, train

CASES = ("npz", "npz-compressed", "npz-float", "folder", "csv", "workers", "folder-workers")
_SETTINGS = TrainingSettings(epochs=1, batch_size=256)


class Tiny(DecisionSpace):
    """One linear layer of pooled images: nearly nothing but reading the data."""

    def network(self, choose: Choose, shape: TaskShape) -> nn.Module:
        side = choose.value("side", [1, 2])
        head = nn.Linear(shape.channels * side * side, shape.classes)
        return nn.Sequential(nn.AdaptiveAvgPool2d(side), nn.Flatten(), head)


def written(case: str, folder: Path, size: int) -> Path:
    """A data set of about so many bytes, once read."""
    rng = np.random.default_rng(0)
    if case == "csv":
        rows = rng.normal(size=(size // 56, 14)).round(4)
        text = np.column_stack([rows, rng.integers(0, 3, len(rows))])
        names = ",".join([f"feature{i}" for i in range(14)] + ["kind"])
        np.savetxt(folder / "data.csv", text, "%.6g", ",", header=names, comments="")
        return folder / "data.csv"
    if case.startswith("folder"):
        return _photographs(folder, size, rng)
    images = rng.integers(0, 256, (size // 3072, 3, 32, 32), dtype=np.uint8)
    labels = np.arange(len(images)) % 10
    save = np.savez_compressed if case == "npz-compressed" else np.savez
    save(folder / "data.npz", x=images if case != "npz-float" else images.astype(np.float32) / 255, y=labels)
    return folder / "data.npz"


def _photographs(folder: Path, size: int, rng: np.random.Generator) -> Path:
    picture = np.kron(rng.integers(0, 256, (28, 28, 3), dtype=np.uint8), np.ones((8, 8, 1), np.uint8))
    for number in range(size // picture.nbytes):
        place = folder / "data" / f"class{number % 3}"
        place.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.roll(picture, number, 1)).save(place / f"{number}.jpg", quality=80)
    return folder / "data"


def read(case: str, path: Path) -> tasks.Task:
    if case.startswith("folder"):
        return tasks.image_folder(path)
    return tasks.csv(path, target="kind") if case == "csv" else tasks.npz(path)


def size_of(task: tasks.Task) -> int:
    count = len(task.train) + len(task.test)
    return count * task.shape.features * (1 if task.shape.is_image else 4)


def measured(case: str, path: Path) -> tuple[float, float]:
    """Multiples of the data: while it was read, and while it was trained on."""
    before = _peak_from_here()
    task = read(case, path)
    size, reading = size_of(task), _peak() - before
    splits = [task.search_data(0), task.final_data()]
    for data in splits:
        _epoch(data, task)
    return reading / size, (_peak_from_here() - before) / size


def _epoch(data: Data, task: tasks.Task) -> None:
    head = nn.Linear(task.shape.channels if task.shape.is_image else task.shape.features, task.shape.classes)
    pooled = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten()) if task.shape.is_image else nn.Identity()
    settings = TrainingSettings(epochs=1, batch_size=64)
    train(nn.Sequential(pooled, head), data, settings, 0)


def workers(path: Path, count: int = 2) -> tuple[float, float]:
    """Multiples of the data: in all, and added by each worker."""
    small = tasks.arrays(np.zeros((64, 3, 32, 32), np.uint8), np.arange(64) % 2)
    start = _share()
    task = read("npz", path)
    size, held = size_of(task), _share()
    executor = Processes(count, threads=1)
    try:
        _trials(executor, small, count, 0)  # starts the workers, with all that they import
        before = _share()
        peak = _trials(executor, task, count, count)
    finally:
        executor.close()
    return (held - start + peak - before) / size, (peak - before) / count / size


def folder_workers(path: Path, count: int = 2) -> tuple[float, float]:
    """Multiples of the data, while two workers were given it: the most in the driver and in blocks, and what stayed."""
    small = tasks.arrays(np.zeros((64, 3, 32, 32), np.uint8), np.arange(64) % 2)
    executor = Processes(count, threads=1)
    try:
        _trials(executor, small, count, 0, batch=16)
        start, ended, seen = _held(), Event(), list[int]()
        watcher = Thread(target=lambda: [seen.append(_held()) for _ in iter(lambda: ended.wait(0.002), True)])
        watcher.start()
        task = read("folder", path)
        _trials(executor, task, count, count, batch=16)
        ended.set()
        watcher.join()
        return (max(seen) - start) / size_of(task), (_held() - start) / size_of(task)
    finally:
        executor.close()


def _held() -> int:
    """Bytes of this process alone, and of all blocks of memory of this machine, mapped or not."""
    lines = Path("/proc/meminfo").read_text().splitlines()
    return _figure("RssAnon") + next(1024 * int(line.split()[1]) for line in lines if line.startswith("Shmem:"))


def _trials(executor: Processes, task: tasks.Task, count: int, first: int, batch: int = 256) -> int:
    """The most memory of all processes while so many trials run."""
    space = Tiny()
    stage = Training(space, task, settings=_SETTINGS.replace(batch_size=batch), device="cpu")
    architecture = space.sample(np.random.default_rng(0))
    for number in range(first, first + count):
        executor.submit(Job(number, Proposal(architecture), number, [stage]))
    peak, left = 0, count
    while left:
        found = executor.wait(0.02)
        assert all(each.state == "completed" for each in found), found
        left, peak = left - len(found), max(peak, _share())
    return peak


def _share() -> int:
    """Bytes of this process and its children, what they share counted once."""
    own = Path("/proc/self").resolve().name
    members = [each for each in family.everybody() if str(each.pid) == own or str(each.parent) == own]
    total = 0
    for each in members:
        for line in Path(f"/proc/{each.pid}/smaps_rollup").read_text().splitlines():
            total += 1024 * int(line.split()[1]) if line.startswith("Pss:") else 0
    return total


def _figure(name: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(1024 * int(line.split()[1]) for line in lines if line.startswith(name))


def _peak() -> int:
    return _figure("VmHWM")


def _peak_from_here() -> int:
    Path("/proc/self/clear_refs").write_text("5")
    return _figure("VmRSS")


def _one(case: str, path: Path) -> None:
    torch.set_num_threads(1)
    _epoch(tasks.digits().search_data(0), tasks.digits())  # what PyTorch takes once
    special = {"workers": workers, "folder-workers": folder_workers}
    first, second = special[case](path) if case in special else measured(case, path)
    print(first, second)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--megabytes", type=int, default=100)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--only", choices=CASES, action="append")
    parser.add_argument("--one", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        _one(options.one[0], Path(options.one[1]))
        return
    print(f"{datetime.date.today()}, torch {torch.__version__}, {options.megabytes} MB, n = {options.repeats}")
    for case in options.only or CASES:
        with tempfile.TemporaryDirectory() as temporary:
            size = options.megabytes * 1_000_000 // (5 if case == "csv" else 1)
            path = written(case, Path(temporary), size)
            began = time.monotonic()
            rows = [_child(case, path) for _ in range(options.repeats)]
            seconds = (time.monotonic() - began) / options.repeats
            print(f"{case:15} {_shown(rows, 0)}  {_shown(rows, 1)}  {seconds:.1f} s")


def _child(case: str, path: Path) -> list[float]:
    command = [sys.executable, __file__, "--one", case, str(path)]
    return [float(each) for each in subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()]


def _shown(rows: list[list[float]], column: int) -> str:
    values = [row[column] for row in rows]
    return f"{statistics.median(values):.2f} ({min(values):.2f} to {max(values):.2f})"


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parent))
    from data_memory import main as start  # so that workers find the classes of this file by its name

    run: Callable[[], None] = start
    run()

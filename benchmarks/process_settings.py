"""What two settings of netwright's own processes are worth: freed memory that is kept, and threads that do not spin.

    python benchmarks/process_settings.py memory [--rounds 3]
    python benchmarks/process_settings.py threads [--rounds 3] [--neighbours 4]

Every measurement is in a process of its own, in turn. memory: user and system time, page faults and peak memory of an
epoch of four random chains on 900 images of 32x32, one thread. threads: a step of a small convolutional network with
two threads that spin while they wait, with two that do not, and with one, beside so many processes that only compute.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys

MEMORY = """
import resource, sys
import numpy as np, torch
import netwright as nw
from netwright import tasks
from netwright.core.room import keep_freed_memory
from netwright.training import TrainingSettings, seeded, train
torch.set_num_threads(1)
assert sys.argv[1] == "left" or keep_freed_memory()
images = np.random.default_rng(0).integers(0, 256, (900, 3, 32, 32), dtype=np.uint8)
task, space = tasks.arrays(images, np.arange(900) % 10), nw.spaces.Chain()
data, settings, total = task.search_data(0), TrainingSettings(epochs=1), np.zeros(3)
def used():
    own = resource.getrusage(resource.RUSAGE_SELF)
    return np.array([own.ru_utime, own.ru_stime, own.ru_minflt])
for seed in range(4):
    with seeded(0):
        network = space.build(space.sample(np.random.default_rng(seed)), task.shape)
    train(network, data, settings, 0)
    before = used()
    train(network, data, settings, 0)
    total += used() - before
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
print(f"user {total[0]:.2f} s, system {total[1]:.2f} s, {total[2]:,.0f} page faults, peak {peak} MB")
"""
THREADS = """
import sys, time
import torch
from torch import nn
torch.manual_seed(0)
torch.set_num_threads(int(sys.argv[1]))
def block(a, b):
    return nn.Conv2d(a, b, 3, padding=1), nn.BatchNorm2d(b), nn.ReLU()
layers = [*block(1, 32), *block(32, 32), *block(32, 64)]
network = nn.Sequential(*layers, nn.MaxPool2d(2), nn.Flatten(), nn.Linear(64 * 14 * 14, 10))
images, labels = torch.randn(64, 1, 28, 28), torch.randint(10, (64,))
optimiser = torch.optim.SGD(network.parameters(), 0.01)
def step():
    optimiser.zero_grad()
    nn.functional.cross_entropy(network(images), labels).backward()
    optimiser.step()
step(), step()
began = time.perf_counter()
for _ in range(15):
    step()
print(f"{1000 * (time.perf_counter() - began) / 15:.0f} ms a step")
"""
WAITING = ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT", "KMP_BLOCKTIME")


def measured(code: str, *arguments: str, **environment: str) -> str:
    """What one process prints."""
    inherited = {name: value for name, value in os.environ.items() if name not in WAITING}
    command = [sys.executable, "-c", code, *arguments]
    return subprocess.run(
        command, env=inherited | environment, check=True, capture_output=True, text=True
    ).stdout.strip()


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("what", choices=("memory", "threads"))
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--neighbours", type=int, default=0)
    chosen = options.parse_args()
    neighbours = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(chosen.neighbours)]
    try:
        for _ in range(chosen.rounds):
            if chosen.what == "memory":
                for how in ("left", "kept"):
                    print(f"freed memory {how}: {measured(MEMORY, how)}", flush=True)
            else:
                print(f"two threads that spin: {measured(THREADS, '2')}", flush=True)
                print(f"two threads that sleep: {measured(THREADS, '2', OMP_WAIT_POLICY='PASSIVE')}", flush=True)
                print(f"one thread: {measured(THREADS, '1')}", flush=True)
    finally:
        for each in neighbours:
            each.kill()


if __name__ == "__main__":
    main()

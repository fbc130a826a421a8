"""What drawing, mutating, hashing and costing architectures takes, for the spaces that ship.

python benchmarks/spaces.py [--smallest]
"""

from __future__ import annotations

import argparse
import statistics
import time

import numpy as np

import netwright as nw

DRAWN, COSTED, WARM = 100_000, 1_500, 500


def draw_mutate_hash(rng: np.random.Generator, drawn: int) -> float:
    """Seconds for so many NAS-Bench-201 architectures."""
    space = nw.spaces.NasBench201()
    space.sample(rng)
    began = time.perf_counter()
    for _ in range(drawn):
        hash(space.mutate(space.sample(rng), rng))
    return time.perf_counter() - began


def cost(
    space: nw.Space, shape: tuple[int, ...], rng: np.random.Generator, costed: int, warm: int
) -> tuple[float, float]:
    """Seconds of the first call, and of one later call on average."""
    estimator = nw.estimators.Cost(space, nw.TaskShape(shape, 10))
    drawn = [space.sample(rng) for _ in range(warm + costed)]
    began = time.perf_counter()
    estimator.figures(drawn[0])
    first = time.perf_counter() - began
    for architecture in drawn[1:warm]:
        estimator.figures(architecture)
    began = time.perf_counter()
    for architecture in drawn[warm:]:
        estimator.figures(architecture)
    return first, (time.perf_counter() - began) / costed


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--smallest", action="store_true", help="few of each: only to see that it runs")
    part = 500 if parser.parse_args().smallest else 1
    drawn, costed, warm = DRAWN // part, COSTED // part, max(1, WARM // part)
    rng = np.random.default_rng(0)
    seconds = [draw_mutate_hash(rng, drawn) for _ in range(3)]
    median, spread = statistics.median(seconds), f"{min(seconds):.2f} to {max(seconds):.2f}"
    print(f"draw, mutate and hash {drawn:,}: {median:.2f} s ({spread})")
    image = (3, 32, 32)
    spaces = [(nw.spaces.NasBench201(), image), (nw.spaces.Darts(), image), (nw.spaces.NasNet(), image)]
    for space, shape in [*spaces, (nw.spaces.Chain(), image), (nw.spaces.Mlp(), (64,))]:
        first, each = cost(space, shape, rng, costed, warm)
        print(f"{space.name:12} {space.size:.2e} architectures: {1e6 * each:5.1f} us each, first call {first:.2f} s")


if __name__ == "__main__":
    main()

"""How good a predictor is: order, regret and coverage on architectures it has not seen, by number of examples."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from netwright.core.correlation import kendall, spearman
from netwright.core.errors import ConfigurationError
from netwright.core.randomness import derived_seed

if TYPE_CHECKING:
    from netwright.core.architecture import Architecture
    from netwright.predictors.predictor import Predictor

WITHIN = 1.6448536269514722  # deviations to either side that a normal variable stays within with probability 0.9


@dataclass(frozen=True, slots=True)
class Quality:
    """One predictor, fitted once to `size` examples and judged on the others.

    kendall, spearman: rank correlations of prediction and value (tau-b), 0 for predictions that are all the same.
    regret: the best value less that of the architecture predicted to be best.
    coverage: the share of values within 1.645 deviations of the mean, 0.9 where the deviations are right.
    fit_seconds, predict_seconds: of the processor.
    """

    size: int
    seed: int
    kendall: float
    spearman: float
    regret: float
    coverage: float
    fit_seconds: float
    predict_seconds: float


def judge(
    make: Callable[[], Predictor],
    architectures: Sequence[Architecture],
    values: Sequence[float],
    *,
    size: int,
    seed: int = 0,
    tested: int = 5000,
) -> Quality:
    """Fit a fresh predictor to `size` of these, drawn by the seed, and judge it on up to `tested` of the others.

    Raises ConfigurationError where fewer than 2 would be left to test.
    """
    scores = np.asarray(values, dtype=np.float64)
    if size + 2 > len(scores):
        raise ConfigurationError(f"{len(scores)} architectures are too few for {size} examples and 2 to test")
    order = np.random.default_rng(seed).permutation(len(scores))
    learnt, rest = order[:size], order[size : size + tested]
    predictor = make()
    start = time.process_time()
    predictor.fit([architectures[i] for i in learnt], scores[learnt].tolist(), derived_seed(seed, size))
    fitted = time.process_time()
    found = predictor.predict([architectures[i] for i in rest])
    done = time.process_time()
    return Quality(
        size,
        seed,
        *correlations(found.mean, scores[rest]),
        float(scores[rest].max() - scores[rest][int(np.argmax(found.mean))]),
        float((np.abs(scores[rest] - found.mean) <= WITHIN * found.deviation).mean()),
        fitted - start,
        done - fitted,
    )


def correlations(predicted: np.ndarray, values: np.ndarray) -> tuple[float, float]:
    """Kendall's tau-b and Spearman's rank correlation; 0 where either is constant, which tells nothing apart."""
    found = np.array([kendall(predicted, values), spearman(predicted, values)])
    tau, rho = np.nan_to_num(found, nan=0.0).tolist()
    return tau, rho


def table(rows: Sequence[tuple[str, Quality]]) -> str:
    """One line for each name and size: mean and standard deviation over the seeds, as text in columns."""
    lines = [f"{'predictor':<22}{'size':>5}{'n':>4}{'Kendall tau':>15}{'Spearman':>10}{'regret':>8}{'coverage':>10}"]
    lines[0] += f"{'fit s':>9}{'predict s':>11}"
    for name, size in dict.fromkeys((name, each.size) for name, each in rows):
        own = [each for other, each in rows if (other, each.size) == (name, size)]
        tau = np.array([each.kendall for each in own])
        spread = tau.std(ddof=1) if len(own) > 1 else 0.0
        means = np.array([(e.spearman, e.regret, e.coverage, e.fit_seconds, e.predict_seconds) for e in own]).mean(0)
        lines.append(
            f"{name:<22}{size:>5}{len(own):>4}{tau.mean():>8.3f} ±{spread:.3f}{means[0]:>10.3f}{means[1]:>8.2f}"
            f"{means[2]:>10.3f}{means[3]:>9.3f}{means[4]:>11.3f}"
        )
    return "\n".join(lines)

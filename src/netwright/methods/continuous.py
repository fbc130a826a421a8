"""Searches that go on evolving while the shared weights train: CARS."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from netwright.methods.weight_sharing import DARTS_CODE, Scale, resolved

if TYPE_CHECKING:
    from netwright.core.decision_space import DecisionSpace
    from netwright.engine.search import Search
    from netwright.tasks.task import Task

__all__ = ["cars"]

PAPERS = {
    "cars": (
        "netwright search DATA --method cars",
        "",
    ),
}

WARM_UP, EVERY = 50 / 500, 10 / 500  # of the epochs
POPULATION = 128


def cars(
    space: DecisionSpace,
    task: Task,
    *,
    population: int | None = None,
    batch: int = 1,
    epochs: int = 500,
    objective: tuple[str, ...] = ("val_accuracy", "params"),
    seed: int = 0,
    device: str = "auto",
    **settings: Any,
) -> Search:
    """CARS (Yang et al. 2020): a population lives on while its shared weights train; no small network crowds it out.

    The weights train on random architectures first, 50 of 500 epochs, then on those of the population; every 10 epochs
    as many children are bred, all are evaluated on the weights as they are, and pNSGA-III selects: by accuracy and
    size, and by how fast the accuracy grows and size. Defaults are those of the authors' code, but for that second
    sorting: the code takes accuracy and largeness, the paper what is done here. Ours: how fast a newborn's accuracy
    grows, see `ContinuousEvolution`. Left out is nothing. Published for `Darts()` on CIFAR-10: 2.62 % test error with
    3.6 M parameters (CARS-I), in 0.4 GPU-days; the error is from memory.

    space: the one to search.
    task: the data.
    population: None for 128, or as many as can be evaluated in each generation without taking longer than training.
    batch: members whose gradients are summed in a step, for which rates and clip are scaled to their mean.
    epochs: of the training of the shared weights; 500 in the authors' code.
    objective: the accuracy first, then what is to be small.
    seed: everything random follows from it.
    device: "auto", "cpu", "cuda", "cuda:1", ...
    settings: any training setting and any option of `SharedWeights`, by name.
    """
    from netwright.strategies.paths import ContinuousEvolution

    found = resolved(task, epochs, DARTS_CODE, _of_the_mean(settings, batch))
    every = max(1, round(EVERY * epochs))
    count = _affordable(found.scale, every) if population is None else population
    strategy = ContinuousEvolution(space, count, batch, WARM_UP, every)
    return found.search(strategy, seed=seed, device=device, objective=objective)


def _of_the_mean(settings: Mapping[str, Any], batch: int) -> dict[str, Any]:
    """Settings that are meant for the mean gradient of so many members, for their sum."""
    if not isinstance(batch, int) or batch < 2:
        return dict(settings)  # one, or refused where it is used
    plain = {"learning_rate": 0.025, "minimum_learning_rate": 0.001, "weight_decay": 3e-4, "gradient_clip": 5.0}
    wanted = {**plain, **settings}
    for name in ("learning_rate", "minimum_learning_rate"):
        wanted[name] = wanted[name] / batch
    for name in ("weight_decay", "gradient_clip"):
        wanted[name] = None if wanted[name] is None else wanted[name] * batch
    return wanted


def _affordable(scale: Scale, every: int) -> int:
    """Members whose evaluations, with as many children, take no longer than the training between two generations.

    A step of training takes three passes of a minibatch.
    """
    steps, looks = every * scale.steps, 2 * scale.held_out / scale["batch_size"]
    return min(POPULATION, max(4, round(3 * steps / looks)))

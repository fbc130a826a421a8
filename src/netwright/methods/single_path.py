"""Supernets trained path by path, then searched: SPOS, FairNAS, one-shot, random search with weight sharing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from netwright.methods.weight_sharing import (
    DARTS_CODE,
    Resolved,
    affordable,
    nearly_all,
    resolved,
    statistics_from,
)

if TYPE_CHECKING:
    from netwright.core.decision_space import DecisionSpace
    from netwright.engine.search import Search
    from netwright.tasks.task import Task

__all__ = ["fairnas", "one_shot", "random_weight_sharing", "single_path_one_shot"]

PAPERS = {
    "one_shot_bender": ("netwright search DATA --method one-shot", ""),
    "random_nas_ws": ("netwright search DATA --method random-weight-sharing", ""),
}

EVALUATIONS = {
    "single-path-one-shot": 50 * 20,
    "once-for-all": 50 * 20,
    "fairnas": 70 * 20,
    "one-shot": 1000,
    "random-weight-sharing": 1000,
    "smash": 500 + 100 + 100,
    "ghn": 1000,
    "hypernetworks": 1000,
}
"""How many architectures are scored on the trained weights, where the training is long enough for it."""
STATISTICS = 25_600  # images for the statistics of each, as in the authors' code of SPOS
GENERATIONS = 20  # of the evolution
SINGLE_PATH: Mapping[str, Any] = {
    "learning_rate": 0.03125,
    "minimum_learning_rate": 0.0,
    "schedule": "linear",
    "pace": "step",
    "weight_decay": 4e-5,
    "decay_all": False,
    "label_smoothing": 0.1,
    "gradient_clip": None,
    "split": nearly_all,
    "recalibrate": statistics_from(STATISTICS, EVALUATIONS["single-path-one-shot"]),
}
"""How the supernet of SPOS is trained."""


def single_path_one_shot(
    space: DecisionSpace,
    task: Task,
    *,
    epochs: int = 120,
    population: int = 50,
    generations: int | None = None,
    top: int = 10,
    mutation: float = 0.1,
    seed: int = 0,
    device: str = "auto",
    **settings: Any,
) -> Search:
    """SPOS (Guo et al. 2020): a supernet trained on uniform single paths, then evolution on its weights.

    Published: 74.7 % top-1 on ImageNet with 328 M multiply-adds. The paper trains for 150,000 steps of 1,024 images,
    about 120 epochs, with the learning rate falling from 0.5 along a line; 0.03125 is that for batches of 64. Labels
    are smoothed by 0.1, no gradient is clipped, and for each path that is scored the statistics of batch normalisations
    are taken anew from 25,600 training images, or from all where there are fewer, as in the authors' code; that draws
    paths such that their multiply-adds are uniform, where here the decisions are. Held out is what `nearly_all` says.
    Scoring never takes longer than training, roughly: where there are fewer steps than the paper's, the statistics are
    of fewer images, 256 at least, and there are fewer generations than the paper's 20.

    space: the one to search.
    task: the data.
    epochs: of the training of the shared weights; about 120 in the paper.
    population: of the evolution, times `generations` the number of evaluations; 50 in the paper.
    generations: of the evolution; None for as many as the steps allow.
    top: how many of the best architectures are bred from; 10 in the paper.
    mutation: probability of drawing a decision anew.
    seed: everything random follows from it.
    device: "auto", "cpu", "cuda", "cuda:1", ...
    settings: any training setting and any option of `SharedWeights`, by name.
    """
    from netwright.strategies.paths import TopEvolution, TrainThenSearch, UniformPaths

    found = resolved(task, epochs, SINGLE_PATH, settings)
    generations = generations_for(found, population) if generations is None else generations
    evolution = TopEvolution(space, population, generations, top, mutation=mutation)
    strategy = TrainThenSearch(UniformPaths(space), evolution, population * generations)
    return found.search(strategy, seed=seed, device=device)


def generations_for(found: Resolved, population: int) -> int:
    """As many generations as the training's steps allow, at least one."""
    if population < 1:
        return 1  # refused where it is used
    count = affordable(population * GENERATIONS, found.scale, found.settings.get("recalibrate", 0))
    return max(1, count // population)


def fairnas(
    space: DecisionSpace,
    task: Task,
    *,
    epochs: int = 150,
    population: int = 70,
    generations: int | None = None,
    objective: tuple[str, ...] = ("val_accuracy", "macs"),
    seed: int = 0,
    device: str = "auto",
    **settings: Any,
) -> Search:
    """FairNAS (Chu et al. 2019): each step trains every option once, then NSGA-II for accuracy and multiply-adds.

    Published: 75.34 % top-1 on ImageNet (FairNAS-A). Its search code is not public. Training as in the paper, whose
    learning rate of 0.045 for batches of 256 is 0.01125 for batches of 64; held out is what `nearly_all` says. A step
    costs as much as there are options in the largest decision.

    space: the one to search.
    task: the data.
    epochs: of the training of the shared weights; 150 in the paper.
    population: of NSGA-II.
    generations: of `population` each, so many evaluations; None for 20, which is ours, or fewer where scoring would
        take longer than training.
    objective: the metrics that it improves.
    seed: everything random follows from it.
    device: "auto", "cpu", "cuda", "cuda:1", ...
    settings: any training setting and any option of `SharedWeights`, by name.
    """
    from netwright.strategies.evolution.genetic import GeneticAlgorithm
    from netwright.strategies.paths import FairPaths, TrainThenSearch

    published = {
        "learning_rate": 0.01125,
        "minimum_learning_rate": 0.0,
        "pace": "step",
        "weight_decay": 4e-5,
        "decay_all": False,
        "gradient_clip": None,
        "split": nearly_all,
    }
    found = resolved(task, epochs, published, settings)
    generations = generations_for(found, population) if generations is None else generations
    evolution = GeneticAlgorithm(space, population, repeats=False)
    strategy = TrainThenSearch(FairPaths(space), evolution, population * generations)
    return found.search(strategy, seed=seed, device=device, objective=objective)


def one_shot(
    space: DecisionSpace,
    task: Task,
    *,
    epochs: int = 50,
    rate: float = 0.1,
    evaluations: int | None = None,
    seed: int = 0,
    device: str = "auto",
    **settings: Any,
) -> Search:
    """One-shot (Bender et al. 2018): all options summed with path dropout that rises linearly, then random search.

    The defaults are ours, since the paper tunes its dropout and trains for a number of steps on a machine of its time.

    space: the one to search.
    task: the data.
    epochs: of the training of the shared weights; ours.
    rate: of path dropout at the end of training; ours. One too low makes options depend on each other, one too high
        leaves them untrained.
    evaluations: architectures of the random search; None for 1,000, ours, or as many as take as long as the training.
    seed: everything random follows from it.
    device: "auto", "cpu", "cuda", "cuda:1", ...
    settings: any training setting and any option of `SharedWeights`, by name.
    """
    from netwright.strategies.paths import PathDropout, TrainThenSearch
    from netwright.strategies.random_search import RandomSearch

    found = resolved(task, epochs, {"decay_all": False, "pace": "step"}, settings)
    count = affordable(EVALUATIONS["one-shot"], found.scale) if evaluations is None else evaluations
    strategy = TrainThenSearch(PathDropout(space, rate), RandomSearch(space), count)
    return found.search(strategy, seed=seed, device=device)


def random_weight_sharing(
    space: DecisionSpace,
    task: Task,
    *,
    epochs: int = 100,
    candidates: int | None = None,
    batches: int = 10,
    best: int = 10,
    seed: int = 0,
    device: str = "auto",
    **settings: Any,
) -> Search:
    """Random search with weight sharing (Li and Talwalkar 2019): uniform paths, then the best of 1,000 random ones.

    Published for `Darts()` on CIFAR-10: 2.85 ± 0.08 % test error. Each of the candidates is scored on ten validation
    minibatches, the ten best on all of them. Supernet and training are those of DARTS, as in the authors' code, which
    looks anew for each 10,000 training steps.

    space: the one to search.
    task: the data.
    epochs: of the training of the shared weights.
    candidates: random architectures that are looked at; None for 1,000, or as many as take as long as the training.
    batches: validation minibatches that each is looked at on.
    best: how many of them are evaluated in full.
    seed: everything random follows from it.
    device: "auto", "cpu", "cuda", "cuda:1", ...
    settings: any training setting and any option of `SharedWeights`, by name.
    """
    from netwright.strategies.paths import Screening, TrainThenSearch, UniformPaths

    found = resolved(task, epochs, DARTS_CODE, settings)
    if candidates is None:
        candidates = max(best, affordable(EVALUATIONS["random-weight-sharing"], found.scale, looks=batches))
    strategy = TrainThenSearch(UniformPaths(space), Screening(space, candidates, batches, best), best)
    return found.search(strategy, seed=seed, device=device)

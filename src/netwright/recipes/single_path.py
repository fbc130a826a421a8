"""Supernets trained path by path, then searched: SPOS, FairNAS, one-shot, random search with weight sharing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from netwright.core.space import Space
    from netwright.core.strategy import Strategy
    from netwright.engine.search import Search
    from netwright.tasks.task import Task


def single_path_one_shot(
    space: Space,
    task: Task,
    *,
    epochs: int = 120,
    population: int = 50,
    generations: int = 20,
    top: int = 10,
    mutation: float = 0.1,
    seed: int = 0,
    device: str = "auto",
    **settings: Any,
) -> Search:
    """SPOS (Guo et al. 2020): a supernet trained on uniform single paths, then evolution on its weights.

    Published: 74.7 % top-1 on ImageNet with 328 M multiply-adds. The paper trains for 150,000 steps of 1,024 images,
    about 120 epochs, with the learning rate falling from 0.5 along a line; 0.03125 is that for batches of 64, and falls
    along a cosine here. It takes the statistics of batch normalisations from training images for each path that is
    scored; so does `recalibrate=20`, the default here.
    population, generations: of the evolution, whose product is the number of evaluations. top: how many of the best
    architectures are bred from. mutation: probability of drawing a decision anew.
    """
    from netwright.strategies.paths import TopEvolution, UniformPaths

    chosen = {"learning_rate": 0.03125, "minimum_learning_rate": 0.0, "weight_decay": 4e-5, "recalibrate": 20}
    evolution = TopEvolution(space, population, generations, top, mutation=mutation)
    return _two_stages(
        UniformPaths(space), evolution, population * generations, task, epochs, device, {**chosen, **settings}, seed
    )


def fairnas(
    space: Space,
    task: Task,
    *,
    epochs: int = 150,
    population: int = 70,
    generations: int = 20,
    objective: tuple[str, ...] = ("val_accuracy", "macs"),
    seed: int = 0,
    device: str = "auto",
    **settings: Any,
) -> Search:
    """FairNAS (Chu et al. 2019): each step trains every option once, then NSGA-II for accuracy and multiply-adds.

    Published: 75.34 % top-1 on ImageNet (FairNAS-A). Training as in the paper, whose learning rate of 0.045 for batches
    of 256 is 0.01125 for batches of 64. generations: of `population` each, so many evaluations; the number is ours. A
    step costs as much as there are options in the largest decision.
    population: of NSGA-II. objective: the metrics that it improves.
    """
    from netwright.strategies.genetic import GeneticAlgorithm
    from netwright.strategies.paths import FairPaths

    chosen = {"learning_rate": 0.01125, "minimum_learning_rate": 0.0, "weight_decay": 4e-5}
    evolution = GeneticAlgorithm(space, population, repeats=False)
    evaluations = population * generations
    return _two_stages(
        *(FairPaths(space), evolution, evaluations, task, epochs, device, {**chosen, **settings}, seed),
        objective=objective,
    )


def one_shot(
    space: Space,
    task: Task,
    *,
    epochs: int = 50,
    rate: float = 0.1,
    evaluations: int = 1000,
    seed: int = 0,
    device: str = "auto",
    **settings: Any,
) -> Search:
    """One-shot (Bender et al. 2018): all options summed with path dropout that rises linearly, then random search.

    rate, evaluations, epochs: ours, since the paper tunes its dropout and trains for a number of steps on a machine of
    its time; a rate too low makes options depend on each other, one too high leaves them untrained.
    """
    from netwright.strategies.paths import PathDropout
    from netwright.strategies.random_search import RandomSearch

    return _two_stages(PathDropout(space, rate), RandomSearch(space), evaluations, task, epochs, device, settings, seed)


def random_weight_sharing(
    space: Space,
    task: Task,
    *,
    epochs: int = 100,
    candidates: int = 1000,
    batches: int = 10,
    best: int = 10,
    seed: int = 0,
    device: str = "auto",
    **settings: Any,
) -> Search:
    """Random search with weight sharing (Li and Talwalkar 2019): uniform paths, then the best of 1,000 random ones.

    Published for `Darts()` on CIFAR-10: 2.85 ± 0.08 % test error. Each of the candidates is scored on ten validation
    minibatches, the ten best on all of them. Supernet and training are those of DARTS, as in the authors' code.

    candidates: random architectures that are looked at. batches: validation minibatches that each is looked at on.
    best: how many of them are evaluated in full.
    """
    from netwright.strategies.paths import Screening, UniformPaths

    screening = Screening(space, candidates, batches, best)
    chosen = {"normalise_pooling": True, **settings}
    return _two_stages(UniformPaths(space), screening, best, task, epochs, device, chosen, seed)


def _two_stages(
    train: Strategy,
    search: Strategy,
    evaluations: int,
    task: Task,
    epochs: int,
    device: str,
    settings: dict[str, Any],
    seed: int,
    objective: str | tuple[str, ...] = "val_accuracy",
) -> Search:
    from netwright.engine.search import Search
    from netwright.estimators.shared_weights import SharedWeights
    from netwright.strategies.paths import TrainThenSearch

    estimator = SharedWeights(train.space, task, epochs=epochs, device=device, **settings)
    return Search(TrainThenSearch(train, search, evaluations), estimator, objective=objective, seed=seed)

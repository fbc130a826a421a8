"""Supernets that train on what is promising: GreedyNAS, PC-NAS, and ABS, which drops what learns least."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from math import isqrt
from typing import TYPE_CHECKING, Any

from netwright.methods.single_path import SINGLE_PATH, generations_for
from netwright.methods.weight_sharing import affordable, nearly_all, resolved

if TYPE_CHECKING:
    from netwright.core.decision_space import DecisionSpace
    from netwright.engine.search import Search
    from netwright.tasks.task import Task

__all__ = ["angle_nas", "greedynas", "pc_nas"]

PAPERS = {
    "abs": (
        "netwright search DATA --method angle-nas",
        "a new start of the angles half-way, and mixtures of the space that is left: an evolution searches it",
    ),
    "greedynas": (
        "netwright search DATA --method greedynas",
        "squeezing in its space, and 1,000 images for each look, for which one minibatch stands",
    ),
    "pc_nas": (
        "netwright search DATA --method pc-nas",
        "its blocks of mixed kernels; sizes of pool and stages are ours",
    ),
}
SPACES = {
    "angle_nas": "mobile:form=proxylessnas",
    "greedynas": "mobile:form=proxylessnas",
    "pc_nas": "mobile:form=proxylessnas",
}

EVALUATED = 50 * 20
SHRINKING, SHRINKINGS = 170 / 290, 15  # share of the training in which the space shrinks, and about how often it does
ANGLES = 3  # that are measured for each training step, at most: they take some thousandths of a second each
FEWEST_ANGLES = 10  # of the networks of an option
PUBLISHED: Mapping[str, Any] = {
    "learning_rate": 0.12 * 64 / 1024,
    "minimum_learning_rate": 0.0,
    "nesterov": True,
    "pace": "step",
    "weight_decay": 4e-5,
    "decay_all": False,
    "label_smoothing": 0.1,
    "gradient_clip": None,
    "affine": True,
    "split": nearly_all,
}


def angle_nas(
    space: DecisionSpace,
    task: Task,
    *,
    epochs: int = 290,
    size: int | None = None,
    dropped: int | None = None,
    samples: int | None = None,
    population: int = 50,
    generations: int | None = None,
    seed: int = 0,
    device: str = "auto",
    **settings: Any,
) -> Search:
    """ABS (Hu et al. 2020): options leave a space whose networks have turned their weights least; then it is searched.

    An angle lies between the weights of a network in a supernet and those with which they began. The space shrinks in
    the first 170 of 290 epochs, at first after 100 of them and then each 5. What is left is trained anew and searched
    by evolution as in SPOS, whose training it is in both parts. In a cell weights count once for each path through
    them, and pooling as fixed weights; the networks are those of the space, where the paper's keep all edges of a cell.
    Published on ImageNet: 75.97 % top-1 with 472 M multiply-adds for SPOS in the space that is left, 75.33 % without.

    space: the one to search; that of ProxylessNAS unless told otherwise.
    task: the data.
    epochs: of the training of the shared weights, 170 of 290 while the space shrinks; with one epoch nothing is trained
        anew.
    size: networks that are left at most; None for 1,000,000 as in the paper, or for the root of the number of networks
        where that is less, and for that in cells.
    dropped: options that leave at once; None for as many as the largest decision has, which is 7 as in the program. In
        cells one leaves each decision.
    samples: networks by which each option is judged; None for 1,000, or fewer where angles would take long beside the
        training.
    population: of the evolution.
    generations: of the evolution; None for 20, or as many as the steps allow.
    seed: everything random follows from it.
    device: "auto", "cpu", "cuda", "cuda:1", ...
    settings: any training setting and any option of `SharedWeights`, by name.
    """
    from netwright.strategies.paths import AngleShrinking, TopEvolution, TrainThenSearch

    found = resolved(task, epochs, SINGLE_PATH, settings)
    shrinking = max(1, round(SHRINKING * epochs))
    if shrinking < epochs and "stages" not in settings:
        stages = [{"epochs": shrinking}, {"epochs": epochs - shrinking}]
        found = replace(found, settings={**found.settings, "stages": stages})
    widest, cells = max(space.decisions.sizes), any(each.kind == "sources" for each in space.decisions)
    until = shrinking / epochs
    train = AngleShrinking(
        space,
        size=size or min(isqrt(space.size), space.size if cells else 1_000_000),
        dropped=dropped or widest,
        from_each=cells,
        samples=samples or min(1000, max(FEWEST_ANGLES, ANGLES * found.scale.total_steps // (SHRINKINGS * widest))),
        first=100 / 170 * until,
        every=5 / 170 * until,
        until=until,
    )
    generations = generations_for(found, population) if generations is None else generations
    evolution = TopEvolution(space, population, generations)
    strategy = TrainThenSearch(train, evolution, population * generations)
    return found.search(strategy, seed=seed, device=device)


def greedynas(
    space: DecisionSpace,
    task: Task,
    *,
    epochs: int = 120,
    sampled: int = 10,
    kept: int = 5,
    pool: int = 1000,
    population: int = 50,
    generations: int | None = None,
    objective: tuple[str, ...] | None = None,
    seed: int = 0,
    device: str = "auto",
    **settings: Any,
) -> Search:
    """GreedyNAS (You et al. 2020): of ten paths the five are trained that lose least; a pool of good ones fills up.

    Paths come from the pool ever more often, and in the end its best are the first parents of an evolution. Networks
    that break a limit are neither trained nor bred. The rate, 0.12 for batches of 1,024, falls along a cosine to 0; the
    numbers are the paper's and those of the implementation in MMRazor. Published on ImageNet: 77.1 % top-1 with 366 M
    multiply-adds (GreedyNAS-A, from memory), with about 60 % of the training of single-path one-shot.

    space: the one to search; that of ProxylessNAS unless told otherwise, without the paper's weighing of channels.
    task: the data.
    epochs: of the training of the shared weights; 120 in the paper. It may end earlier, once the pool is stable.
    sampled, kept: paths of each look, and how many of them are trained; 10 and 5 in the paper.
    pool: candidates that are kept; 1,000 in the paper.
    population: of the evolution; 50.
    generations: of the evolution; None for 20, or as many as the steps allow.
    objective: of the evolution; None for the accuracy, or as ("val_accuracy", "macs").
    seed: everything random follows from it.
    device: "auto", "cpu", "cuda", "cuda:1", ...
    settings: any training setting and any option of `SharedWeights`, by name.
    """
    from netwright.strategies.paths import GreedyPaths

    found = resolved(task, epochs, PUBLISHED, settings)
    if generations is None:
        generations = max(1, affordable(EVALUATED, found.scale) // max(1, population))
    strategy = GreedyPaths(space, sampled, kept, pool, population=population, generations=generations)
    return found.search(strategy, seed=seed, device=device, objective=objective)


def pc_nas(
    space: DecisionSpace,
    task: Task,
    *,
    epochs: int = 120,
    pool: int = 20,
    completions: int = 5,
    seed: int = 0,
    device: str = "auto",
    **settings: Any,
) -> Search:
    """PC-NAS (Li et al. 2020): a pool of networks that are decided up to some layer grows layer by layer.

    What the shared weights train on is narrowed down with it, so that weights and the distribution of good networks do
    not drift apart. A partial network is worth what random completions of it score; completions keep the limits. The
    lengths of its stages, the pool and the number of completions are ours, as is the training, which is that of
    GreedyNAS. Published on ImageNet: 76.8 % top-1 at 10 ms on a GPU (from memory).

    space: the one to search; that of ProxylessNAS unless told otherwise.
    task: the data.
    epochs: of the training of the shared weights, half of them on uniform paths.
    pool: partial networks that are kept.
    completions: by which each extension is judged.
    seed: everything random follows from it.
    device: "auto", "cpu", "cuda", "cuda:1", ...
    settings: any training setting and any option of `SharedWeights`, by name.
    """
    from netwright.strategies.paths import PartialPool

    strategy = PartialPool(space, pool, completions)
    return resolved(task, epochs, PUBLISHED, settings).search(strategy, seed=seed, device=device)

"""Once-for-all: one supernet of elastic sizes, whose networks leave with their weights for any limit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from netwright.methods.single_path import EVALUATIONS
from netwright.methods.weight_sharing import Resolved, Scale, affordable, nearly_all, resolved, statistics_from

if TYPE_CHECKING:
    from netwright.core.decision_space import DecisionSpace
    from netwright.core.strategy import Strategy
    from netwright.engine.search import Search
    from netwright.tasks.task import Task

__all__ = ["nsganetv2", "once_for_all"]

PAPERS = {
    "mosanas": (
        "netwright search DATA --method nsganetv2",
        "fine-tuning of each network before it is scored; of the paper of this title, NSGANetV2, not of the other one",
    ),
}

SPACES = {
    "nsganetv2": "mobile",
    "once_for_all": "mobile",
}

EPOCHS = (180, 120, 25 + 120, 25 + 120)
"""Of the largest network alone, elastic kernel, depth, and width, in the authors' program."""
RATES = (1.0, 0.37, 0.09, 0.09)
"""Where the learning rate of each begins, as shares of the first: 0.03 and 0.0075 of 0.081, for batches of 64."""
EVALUATED = EVALUATIONS["once-for-all"]
STATISTICS = 2_000  # images for the statistics of each, as in the authors' code


def once_for_all(
    space: DecisionSpace,
    task: Task,
    *,
    epochs: int = 590,
    population: int = 50,
    generations: int | None = None,
    sandwich: bool = False,
    predicted: int | None = None,
    trained: str | None = None,
    seed: int = 0,
    device: str = "auto",
    **settings: Any,
) -> Search:
    """Once-for-all (Cai et al. 2020): the largest network is trained, then ever smaller ones that it teaches.

    Elastic kernels, then depths, then widths are opened, with a schedule of their own each, in the proportions of the
    authors' program; resolutions are elastic from the second phase on. Smaller kernels pass a learnt linear map. Each
    smaller network also follows the answers of the largest, with the weights as they are, where the paper's teacher is
    a frozen copy; channels are not sorted by importance before widths are opened. An evolution then searches the
    trained weights, scoring each network with statistics of its own; with `predicted` it asks a predictor of accuracy,
    as in the paper, which learns from so many random networks, and the ten that it likes best are scored.
    What is found is handed over with its share of the weights, without further training. With `trained=RUN` the weights
    of an earlier run are searched for another limit.

    Published on ImageNet: 76.9 % top-1 at 230 M multiply-adds (80.0 % at 595 M), from one supernet.

    space: the one to search; the paper's is `mobile`.
    task: the data.
    epochs: of the training of the shared weights; 590 in the authors' program, 180 of them for the largest network.
    population: of the evolution.
    generations: of the evolution; None for 20, or as many as the steps allow.
    predicted: random networks that teach a predictor of accuracy, on which the evolution then goes by (population and
        generations are 100 and 500, as in the authors' program); 16,000 in the paper. None scores each with the
        weights.
    sandwich: whether each step trains the largest and the smallest network, too (Yu and Huang 2019).
    trained: an earlier run of this method in the present project, or the folder of its shared weights, which are then
        searched as they are; None to train.
    seed: everything random follows from it.
    device: "auto", "cpu", "cuda", "cuda:1", ...
    settings: any training setting and any option of `SharedWeights`, by name.
    """
    from netwright.strategies.paths import TopEvolution

    found = _resolved(task, epochs, trained, settings)
    if predicted is not None:
        return _search(found, _on_predictor(space, predicted), epochs, sandwich, trained, seed, device)
    if generations is None:
        count = affordable(EVALUATED, found.scale, found.settings.get("recalibrate", 0))
        generations = max(1, count // max(1, population))
    evolution = TopEvolution(space, population, generations)
    return _search(found, evolution, epochs, sandwich, trained, seed, device, population * generations)


def nsganetv2(
    space: DecisionSpace,
    task: Task,
    *,
    epochs: int = 590,
    initial: int = 100,
    batch: int = 8,
    rounds: int = 30,
    metric: str = "macs",
    trained: str | None = None,
    seed: int = 0,
    device: str = "auto",
    **settings: Any,
) -> Search:
    """NSGANetV2 (Lu et al. 2020): a front on the weights of once-for-all, by NSGA-II on predictors chosen anew.

    The weights are trained as by `once_for_all`. Then networks are scored, predictors learn from them, NSGA-II searches
    what they predict, and of its last population those are scored that fill the gaps of the front. The paper tunes each
    network further before it is scored. Published on ImageNet: 80.4 % top-1 with 593 M multiply-adds (from memory).

    space: the one to search; the paper's is `mobile`.
    task: the data.
    epochs: of the training of the shared weights; 590 in the program of once-for-all.
    initial: networks first; 100 in the authors' program.
    batch, rounds: networks of each round, and rounds; 8 and 30 in the program.
    metric: the second objective.
    trained: an earlier run of this method or of `once_for_all`, whose weights are searched as they are; None to train.
    seed: everything random follows from it.
    device: "auto", "cpu", "cuda", "cuda:1", ...
    settings: any training setting and any option of `SharedWeights`, by name.
    """
    from netwright.strategies.fronts.surrogate import SurrogateFront

    found = _resolved(task, epochs, trained, settings)
    front, objective = (
        SurrogateFront(space, initial=initial, batch=batch, rounds=rounds),
        (f"val_{task.problem.main.name}", metric),
    )
    most = initial + batch * rounds
    return _search(found, front, epochs, False, trained, seed, device, most, objective)


def _resolved(task: Task, epochs: int, trained: str | None, settings: Mapping[str, Any]) -> Resolved:
    known = {} if trained is None else {"trained": trained}
    return resolved(task, epochs, PUBLISHED, {**settings, **known})


def _on_predictor(space: DecisionSpace, samples: int) -> Strategy:
    """The evolution of the authors' program, on three layers of 400 units."""
    from netwright.predictors.encodings import OneHot
    from netwright.predictors.mlp import MlpEnsemble
    from netwright.strategies.evolution.predicted import PredictedEvolution

    predictor = MlpEnsemble(space, OneHot(space), networks=1, layers=3, width=400, rate=1e-3, loss="mse")
    return PredictedEvolution(space, predictor, samples)


def _search(
    found: Resolved,
    behind: Strategy,
    epochs: int,
    sandwich: bool,
    trained: str | None,
    seed: int,
    device: str,
    evaluations: int = 1_000_000,
    objective: tuple[str, ...] | None = None,
) -> Search:
    """The training of the weights unless they are, and what searches them."""
    from netwright.strategies.paths import ProgressiveShrinking, TrainThenSearch

    if trained is not None:
        return found.search(behind, seed=seed, device=device, objective=objective)
    phases = _phases(epochs)
    full = (phases[0] / epochs) if min(phases) else EPOCHS[0] / sum(EPOCHS)
    train = ProgressiveShrinking(behind.space, full=full, sandwich=sandwich)  # pyright: ignore[reportArgumentType]
    strategy = TrainThenSearch(train, behind, evaluations)
    return found.search(strategy, seed=seed, device=device, objective=objective)


def _phases(epochs: int) -> list[int]:
    """Epochs of the largest network and of each phase after it: the program's proportions, phases of equal length."""
    rest = epochs - max(1, round(epochs * EPOCHS[0] / sum(EPOCHS)))
    third = rest // 3
    return [epochs - 3 * third, third, third, third]


def _stages(scale: Scale) -> list[dict[str, Any]]:
    """A schedule for each phase; one for all where there are fewer epochs than phases."""
    phases = _phases(scale.epochs)
    if min(phases) < 1 or scale.wanted.get("settings") is not None:
        return []
    first, rate = scale["learning_rate"], list(zip(phases, RATES, strict=True))
    rest = [{"epochs": count, "learning_rate": share * first, "goes_on": True} for count, share in rate[1:]]
    return [{"epochs": phases[0], "learning_rate": first}, *rest]


PUBLISHED: Mapping[str, Any] = {
    "learning_rate": 0.081,
    "minimum_learning_rate": 0.0,
    "nesterov": True,
    "pace": "step",
    "weight_decay": 3e-5,
    "decay_all": False,
    "label_smoothing": 0.1,
    "gradient_clip": None,
    "affine": True,
    "kernel_transform": True,
    "distillation": 1.0,
    "hand_over": True,
    "split": nearly_all,
    "recalibrate": statistics_from(STATISTICS, EVALUATED),
    "stages": _stages,
}

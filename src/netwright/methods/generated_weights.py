"""Networks ranked by weights that a hypernetwork makes for them: SMASH, graph hypernetworks, and static ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from netwright.methods.single_path import EVALUATIONS
from netwright.methods.weight_sharing import Resolved, affordable, nearly_all, resolved

if TYPE_CHECKING:
    from netwright.core.space import Space
    from netwright.engine.search import Search
    from netwright.supernets import Sharing
    from netwright.tasks.task import Task

__all__ = ["ghn", "hypernetworks", "smash"]

PAPERS = {
    "ghn": ("netwright search DATA --method ghn", "its anytime networks, and the training of the ten best"),
    "smash": (
        "netwright search DATA --method smash",
        "its own space of memory banks, and noise that is drawn anew each time",
    ),
    "hypernetworks": ("netwright search DATA --method hypernetworks", "its dynamic form for recurrent networks"),
}

ADAM = {
    "optimiser": "adamw",
    "learning_rate": 1e-3,
    "minimum_learning_rate": 0.0,
    "schedule": "cosine",
    "pace": "step",
    "split": nearly_all,
}
CHANGED = 7  # of so many architectures that SMASH scores, five are drawn; one is a change of the best, one a step


def smash(
    space: Space,
    task: Task,
    *,
    epochs: int = 100,
    evaluations: int | None = None,
    rate: float = 0.05,
    unit: int = 8,
    seed: int = 0,
    device: str = "auto",
    **settings: Any,
) -> Search:
    """SMASH (Brock et al. 2018): a hypernetwork trained on random architectures, which then scores others.

    Published: 4.03 % test error on CIFAR-10, 20.60 % on CIFAR-100. The defaults are those of the authors' program: Adam
    with a first decay of 0.5, batches of 50, a rate that falls from 0.001 along a cosine; 500 random architectures are
    scored, then 100 changes of the best and 100 steps from it, or fewer in that proportion where scoring would take
    longer than training. There the hypernetwork makes the 1x1 convolutions of a space of its own, and everything else
    is learnt as it is; here it makes all weights that decisions bring, in any space.

    space: the one to search; it need not have decisions.
    task: the data.
    epochs: of the hypernetwork's training; 100 in the authors' program.
    evaluations: architectures that are scored; None for 700, or as many as take as long as the training.
    rate: probability of drawing a decision anew; 0.05 in the authors' program.
    unit: channels that share a place of the picture that the hypernetwork sees; 8 in the authors' program.
    seed: everything random follows from it.
    device: "auto", "cpu", "cuda", "cuda:1", ...
    settings: any training setting and any option of `SharedWeights`, by name.
    """
    from netwright.estimators.hypernetworks import MemoryBankHypernetwork
    from netwright.strategies.paths import RandomThenPerturbed, TrainThenSearch, UniformPaths

    published = {**ADAM, "momentum": 0.5, "batch_size": 50, "weight_decay": 1e-4}
    found = _with_weights(task, epochs, published, settings, MemoryBankHypernetwork(unit))
    count = affordable(EVALUATIONS["smash"], found.scale) if evaluations is None else evaluations
    changed = count // CHANGED
    search = RandomThenPerturbed(space, max(1, count - 2 * changed), changed, changed, rate)
    return found.search(TrainThenSearch(UniformPaths(space), search, max(1, count)), seed=seed, device=device)


def ghn(
    space: Space,
    task: Task,
    *,
    epochs: int = 100,
    evaluations: int | None = None,
    width: int = 32,
    passes: int = 1,
    seed: int = 0,
    device: str = "auto",
    **settings: Any,
) -> Search:
    """GHN (Zhang et al. 2019): a graph network makes the weights of random architectures, then ranks a thousand.

    Published: 97.16 ± 0.07 % test accuracy on CIFAR-10 with 5.7 M parameters, after 0.84 GPU days. The authors' program
    is not public: width, passes, decoder, Adam at 0.001 and the decay of 1e-5 are those of GHN-1 in the code of Knyazev
    et al. (2021), which trains for 300 epochs. The paper trains the ten best and chooses among them; here the best
    by its made weights is what is found.

    space: the one to search; it need not have decisions.
    task: the data.
    epochs: of the hypernetwork's training; ours.
    evaluations: random architectures that are scored; None for 1,000, or as many as take as long as the training.
    width: numbers of a node of the graph; 32 in that code.
    passes: how often messages go along the graph and back; 1 in that code.
    seed: everything random follows from it.
    device: "auto", "cpu", "cuda", "cuda:1", ...
    settings: any training setting and any option of `SharedWeights`, by name.
    """
    from netwright.estimators.hypernetworks import GraphHypernetwork

    found = _with_weights(task, epochs, {**ADAM, "weight_decay": 1e-5}, settings, GraphHypernetwork(width, passes))
    return _ranked(found, space, "ghn", evaluations, seed, device)


def hypernetworks(
    space: Space,
    task: Task,
    *,
    epochs: int = 100,
    evaluations: int | None = None,
    width: int = 64,
    seed: int = 0,
    device: str = "auto",
    **settings: Any,
) -> Search:
    """Static hypernetworks (Ha et al. 2017) in place of a supernet: trained on random networks, then ranking others.

    The paper makes the weights of one network, from an embedding of each of its layers, and searches nothing;
    published are 7.23 % test error on CIFAR-10 for a wide residual network (40-2) whose weights are made so. The
    search around it is that of `ghn`.

    space: the one to search; it need not have decisions.
    task: the data.
    epochs: of the hypernetwork's training; ours.
    evaluations: random architectures that are scored; None for 1,000, or as many as take as long as the training.
    width: numbers of a layer's embedding; 64 in the paper.
    seed: everything random follows from it.
    device: "auto", "cpu", "cuda", "cuda:1", ...
    settings: any training setting and any option of `SharedWeights`, by name.
    """
    from netwright.estimators.hypernetworks import StaticHypernetwork

    found = _with_weights(task, epochs, {**ADAM, "weight_decay": 1e-5}, settings, StaticHypernetwork(width))
    return _ranked(found, space, "hypernetworks", evaluations, seed, device)


def _with_weights(
    task: Task, epochs: int, published: dict[str, Any], given: dict[str, Any], weights: Sharing
) -> Resolved:
    return resolved(task, epochs, {"weights": weights, **published}, given)


def _ranked(found: Resolved, space: Space, name: str, evaluations: int | None, seed: int, device: str) -> Search:
    """Training on uniform architectures, then random ones in their order."""
    from netwright.strategies.paths import TrainThenSearch, UniformPaths
    from netwright.strategies.random_search import RandomSearch

    count = affordable(EVALUATIONS[name], found.scale) if evaluations is None else evaluations
    strategy = TrainThenSearch(UniformPaths(space), RandomSearch(space), count)
    return found.search(strategy, seed=seed, device=device)

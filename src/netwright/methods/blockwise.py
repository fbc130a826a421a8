"""Searches block by block: DNA, which learns each block from a teacher, and FPNAS, whose blocks take turns."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from netwright.core.roles import blocks_of
from netwright.methods.weight_sharing import Scale, affordable, nearly_all, resolved

if TYPE_CHECKING:
    from netwright.core.decision_space import DecisionSpace
    from netwright.engine.search import Search
    from netwright.tasks.task import Task

__all__ = ["dna", "fpnas"]

PAPERS = {
    "dna": (
        "netwright search DATA --method dna --limit 'macs <= 30M'",
        "a teacher of another kind, EfficientNet-B7, for which the largest network of the space stands, and widths",
    ),
    "fpnas": (
        "netwright search DATA --method fpnas --limit 'macs <= 30M'",
        "the paper's own search of one block, of which its program has nothing; an evolution stands for it",
    ),
}

SPACES = {
    "dna": "mobile:form=dna",
    "fpnas": "mobile:form=fpnas",
}

PATHS = 7**4  # of the largest block in the paper's space
MINIBATCHES = 20  # on which the authors' program rates a path
TEACHING = 0.5
GENERATIONS, BATCHES = 3, 2  # of the evolution within a block


def dna(
    space: DecisionSpace,
    task: Task,
    *,
    epochs: int = 40,
    teaching: float = TEACHING,
    paths: int | None = None,
    batches: int | None = None,
    seed: int = 0,
    device: str = "auto",
    **settings: Any,
) -> Search:
    """DNA (Li et al. 2020): each block learns from a teacher, all its paths are rated, the best are combined.

    A teacher is trained; then each block of a supernet, on uniform paths, reads the teacher's features before it and
    learns those behind it. Every path of a block is rated by its distance from the teacher on validation examples, and
    the network whose distances sum to the least within the limits is found exactly. The paper's teacher is
    EfficientNet-B7, trained on ImageNet; here it is the largest network of the space, trained in the first half of the
    epochs on the data at hand. The paper trains the blocks one after the other for 20 epochs each, which is the same
    for each block as all of them at once; it also has blocks of several widths, each with a supernet of its own, where
    here layers may be left out. Adam's rate is the program's, and falls along a cosine instead of by a tenth an epoch.
    Published on ImageNet: 78.4 % top-1 with 611 M multiply-adds and 6.4 M parameters (DNA-d).

    space: the one to search, of blocks; the paper's is `mobile:form=dna`.
    task: the data.
    epochs: of both trainings together; 20 for each block in the authors' program.
    teaching: share of the epochs in which the teacher is trained.
    paths: of a block that are rated at most; None for all 2,401, or random ones as the time of the training allows.
    batches: validation minibatches on which each is rated; None for 20, or as many as take as long as the training.
    seed: everything random follows from it.
    device: "auto", "cpu", "cuda", "cuda:1", ...
    settings: any training setting and any option of `SharedWeights`, by name.

    Raises ConfigurationError for a space whose networks are no rows of blocks.
    """
    from netwright.strategies.paths.block_ratings import BlockRatings
    from netwright.supernets import BlockByBlock

    found = resolved(task, epochs, {"weights": BlockByBlock(teaching), "stages": _stages(teaching), **DNA}, settings)
    each = affordable(PATHS, found.scale, looks=1) if paths is None else paths
    rounds = affordable(PATHS * MINIBATCHES, found.scale, looks=1) // max(1, each)
    turns = max(1, min(MINIBATCHES, rounds)) if batches is None else batches
    return found.search(BlockRatings(space, each, turns, epochs), seed=seed, device=device)


def fpnas(
    space: DecisionSpace,
    task: Task,
    *,
    epochs: int = 120,
    sweeps: int = 4,
    population: int = 8,
    generations: int | None = None,
    batches: int | None = None,
    seed: int = 0,
    device: str = "auto",
    **settings: Any,
) -> Search:
    """FPNAS (Cui et al. 2019): all blocks differ, and one is searched at a time while the others stay as they are.

    The paper has two problems, one in the other, and solves them in turn: weights are trained for the blocks as they
    are, then one block is chosen for the weights as they are. Its program holds the network that was found, and
    nothing of the search: the evolution within a block, its numbers, the training of the weights and the number of
    sweeps are ours, and the space is what that network has (expansion 4, 6 or 8, half of the channels going by or not,
    a shortcut or not). Published on CIFAR-10 after 20 GPU hours, on ImageNet 73.3 % top-1 with 300 M multiply-adds.

    space: the one to search, of blocks; the paper's is `mobile:form=fpnas`.
    task: the data.
    epochs: of the training of the shared weights.
    sweeps: how often each block has its turn.
    population: of the evolution within a block.
    generations: after the first; None for 3, or as many as take as long as the training, 1 at least.
    batches: validation minibatches on which its paths are scored; None for 2, or 1 in a short training.
    seed: everything random follows from it.
    device: "auto", "cpu", "cuda", "cuda:1", ...
    settings: any training setting and any option of `SharedWeights`, by name.

    Raises ConfigurationError for a space whose networks are no rows of blocks.
    """
    from netwright.strategies.paths.block_turns import BlockTurns, scored_in_a_turn

    found = resolved(task, epochs, {"gradient_clip": None, "affine": True, "split": nearly_all}, settings)
    turns = max(1, sweeps) * len(blocks_of(space))
    most = turns * scored_in_a_turn(population, GENERATIONS) * BATCHES
    scored = affordable(most, found.scale, looks=1) // turns
    looks = (BATCHES if scored * turns >= most else 1) if batches is None else batches
    if generations is None:
        fits = (each for each in range(GENERATIONS, 1, -1) if scored_in_a_turn(population, each) * looks <= scored)
        generations = next(fits, 1)
    strategy = BlockTurns(space, sweeps, population, generations, looks, epochs)
    return found.search(strategy, seed=seed, device=device)


def _stages(teaching: float) -> Any:
    """A schedule for the teacher and one for the blocks; one for both where either has no whole epoch."""

    def stages(scale: Scale) -> list[dict[str, Any]]:
        first = round(teaching * scale.epochs)
        if not 0 < first < scale.epochs or scale.wanted.get("settings") is not None:
            return []
        rate = scale["learning_rate"]
        rest = {"epochs": scale.epochs - first, "learning_rate": rate, "goes_on": True}
        return [{"epochs": first, "learning_rate": rate}, rest]

    return stages


DNA: Mapping[str, Any] = {
    "optimiser": "adamw",
    "learning_rate": 0.005,
    "minimum_learning_rate": 0.0,
    "weight_decay": 1e-4,
    "gradient_clip": None,
    "pace": "step",
    "split": nearly_all,
}

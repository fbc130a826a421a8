"""Searches that learn from what was evaluated, one round after the other: PNAS, NAO, Harmonica."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from netwright.strategies.harmonica import Harmonica
from netwright.strategies.latent import LatentGradient
from netwright.strategies.progressive import IDLE, ProgressiveBeam

if TYPE_CHECKING:
    from netwright.core.decision_space import DecisionSpace
    from netwright.core.strategy import Strategy
    from netwright.predictors import Predictor

__all__ = ["harmonica", "nao", "pnas"]

PAPERS = {
    "harmonica": ("netwright search DATA --method harmonica", ""),
    "nao": ("netwright search DATA --method nao --space nasnet", ""),
    "pnas": ("netwright search DATA --method pnas --space nasnet", ""),
}

QUICK: Mapping[str, Any] = {
    "initial": 50,
    "new": 25,
    "seeds": 25,
    "step": 1.0,
    "steps": 50,
    "epochs": 60,
    "again": 15,
    "hidden": 48,
    "embedding": 24,
    "layers": 1,
    "dropout": 0.0,
    "rate": 3e-3,
}
"""Options of NAO for a few hundred evaluations."""


def pnas(
    space: DecisionSpace,
    beam: int = 256,
    predictor: Predictor | None = None,
    idle: Sequence[str] = IDLE,
    candidates: int = 20_000,
) -> ProgressiveBeam:
    """PNAS (Liu et al. 2018): a beam of architectures grows by a block a stage, chosen by a predictor.

    In the paper one cell serves both kinds; here the kinds grow in turn. Published on CIFAR-10, for cells of five
    blocks and 1,280 evaluations: 3.41 ± 0.09 % test error; this figure is from memory.

    space: the one to search.
    beam: K, how many architectures of each stage are evaluated; 256 in the paper.
    predictor: of their scores; five multilayer perceptrons, each of which sees four fifths of them, by default.
    idle: labels of options that compute nothing, in order of preference; they stand for blocks that are undecided.
    candidates: of more extensions than so many, a random part is ranked.
    """
    return ProgressiveBeam(space, beam, predictor, idle, candidates)


def nao(space: DecisionSpace, quick: bool = False, **settings: Any) -> LatentGradient:
    """NAO (Luo et al. 2018): gradient ascent where architectures are encoded; the defaults are the authors'.

    space: the one to search.
    quick: a smaller model for searches of a few hundred evaluations, which is not the paper's: 48 units, 50 random
        architectures first, 25 a round, steps of 1, refitted from its last weights.
    settings: options of `LatentGradient`.
    """
    return LatentGradient(space, **{**(QUICK if quick else {}), **settings})


def harmonica(
    space: DecisionSpace,
    samples: int = 100,
    stages: int = 2,
    degree: int = 3,
    monomials: int = 5,
    restrictions: int = 1,
    penalty: float = 0.05,
    variables: Literal["digits", "one-hot"] = "digits",
    base: Strategy | None = None,
) -> Harmonica:
    """Harmonica (Hazan et al. 2018): which products of a few decisions matter, and fixing those at their best.

    The authors' program has 3 stages of 300 samples; here there are fewer, so that a search of 300 trials is one.

    space: the one to search.
    samples: random architectures of a stage.
    stages: how many.
    degree: the most variables of one product.
    monomials: terms of the Lasso that are kept.
    restrictions: assignments to which the space is restricted.
    penalty: the Lasso's, in standard deviations of the scores.
    variables: how decisions of more than two options become variables: binary "digits" (the paper) or "one-hot".
    base: the strategy that follows; None for random search.
    """
    return Harmonica(space, samples, stages, degree, monomials, restrictions, penalty, variables, base)

"""The contract of a predictor as one executable check."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from netwright.core.errors import ConfigurationError, InvalidArchitecture
from netwright.core.kinds import kinds_checked
from netwright.testing.rules import global_randomness_untouched, must_not_raise, must_raise, require
from netwright.testing.small_spaces import Layers, Only

if TYPE_CHECKING:
    from netwright.core.architecture import Architecture
    from netwright.core.decision_space import DecisionSpace

Make = Callable[["DecisionSpace"], Any]  # of Predictors; `testing` knows the core only


@kinds_checked
def check_predictor(make: Make, space: DecisionSpace | None = None, *, examples: int = 24, seed: int = 0) -> None:
    """Raise AssertionError, which names the rule and how it was broken, unless this is a predictor as meant here.

    make: gives a fresh predictor for a space; a class whose constructor needs nothing else will do.
    space: what to try it on; by default a small one with conditional decisions.
    examples: how many to fit.
    seed: everything random follows from it.
    """
    space = space or Layers()
    rng = np.random.default_rng(seed)
    known = [space.sample(rng) for _ in range(examples)]
    values = [float(np.sum(space.encode(each) * np.cos(np.arange(len(space.encode(each)))))) for each in known]
    others = [space.sample(rng) for _ in range(10)]
    is_its_configuration(make, space)
    _fitted(make, space, known, values, seed)  # imports what it needs, which may move a global generator
    with global_randomness_untouched("fit, predict or samples"):
        fitted = _fitted(make, space, known, values, seed)
        first = predicts(fitted, others)
        draws(fitted, others, seed)
    repeats(make, space, known, values, others, first, seed)
    predicts_each_by_itself(fitted, others, first)
    updates(make, space, known, values, others, seed)
    forgets(fitted, known, values, others, seed)
    takes_odd_examples(make, space, known, others)
    refuses(make, space, known, values)


def is_its_configuration(make: Make, space: DecisionSpace) -> None:
    with must_not_raise("the constructor"):
        predictor = make(space)
    require(predictor.space is space, "predictor.space is not the space that the predictor was made for")
    with must_not_raise("configuration"):
        json.dumps(predictor.configuration(), allow_nan=False)
    must_raise("predict before fit", ConfigurationError, lambda: predictor.predict([space.at(0)]))


def _fitted(make: Make, space: DecisionSpace, known: Sequence[Architecture], values: Sequence[float], seed: int) -> Any:
    predictor = make(space)
    with must_not_raise("fit"):
        predictor.fit(known, values, seed)
    return predictor


def predicts(predictor: Any, architectures: Sequence[Architecture]) -> np.ndarray:
    """Means and deviations as float64, finite, one an architecture; deviations not below 0. (2, n)"""
    with must_not_raise("predict"):
        found = predictor.predict(architectures)
    for name in ("mean", "deviation"):
        value = getattr(found, name)
        require(isinstance(value, np.ndarray), f"predict: {name} is a {type(value).__name__}, expected a numpy array")
        require(
            value.shape == (len(architectures),) and value.dtype == np.float64,
            f"predict: {name} is {value.dtype} of shape {value.shape}, expected float64 of ({len(architectures)},)",
        )
        require(np.isfinite(value).all(), f"predict: {name} holds numbers that are not finite: {value}")
    require((found.deviation >= 0).all(), f"predict: a deviation is below 0: {found.deviation}")
    return np.array([found.mean, found.deviation])


def draws(predictor: Any, architectures: Sequence[Architecture], seed: int) -> None:
    first, second = (predictor.samples(architectures, 4, np.random.default_rng(seed)) for _ in range(2))
    require(
        first.shape == (4, len(architectures)) and np.isfinite(first).all(),
        f"samples: expected finite numbers of shape (4, {len(architectures)}), found shape {first.shape}",
    )
    require(np.array_equal(first, second), "samples: the same generator gave other draws the second time")


def repeats(
    make: Make,
    space: DecisionSpace,
    known: Sequence[Architecture],
    values: Sequence[float],
    others: Sequence[Architecture],
    first: np.ndarray,
    seed: int,
) -> None:
    for who, again in (("a fresh one", make(space)), ("one made again from its arguments", make(space).replace())):
        again.fit(known, values, seed)
        require(np.array_equal(predicts(again, others), first), f"determinism: {who}, fitted alike, predicts otherwise")


def predicts_each_by_itself(predictor: Any, others: Sequence[Architecture], first: np.ndarray) -> None:
    """What is predicted of one architecture does not depend on which others are asked with it."""
    alone = np.concatenate([predicts(predictor, [each]) for each in others], axis=1)
    require(
        np.allclose(alone, first, rtol=1e-3, atol=1e-3 * (1 + np.abs(first).max())),
        f"predict: alone, architectures are given {alone.tolist()}; together, {first.tolist()}",
    )
    require(predicts(predictor, []).shape == (2, 0), "predict of no architectures should give empty arrays")


def updates(
    make: Make,
    space: DecisionSpace,
    known: Sequence[Architecture],
    values: Sequence[float],
    others: Sequence[Architecture],
    seed: int,
) -> None:
    """After `update` the predictor knows all its examples; without any before, `update` is `fit`."""
    half = len(known) // 2
    grown = _fitted(make, space, known[:half], values[:half], seed)
    with must_not_raise("update"):
        grown.update(known[half:], values[half:], seed)
    predicts(grown, others)
    found = len(grown.fitted())
    require(found == len(known), f"update: {len(known)} examples were given altogether, the predictor knows {found}")
    only = make(space)
    with must_not_raise("update before fit"):
        only.update(known, values, seed)
    require(
        np.array_equal(predicts(only, others), predicts(_fitted(make, space, known, values, seed), others)),
        "update before fit: it should be the same as fit",
    )


def forgets(
    predictor: Any, known: Sequence[Architecture], values: Sequence[float], others: Sequence[Architecture], seed: int
) -> None:
    first = predicts(predictor, others)
    predictor.fit(known[::2], [100.0 - value for value in values[::2]], seed + 1)
    predictor.fit(known, values, seed)
    require(np.array_equal(predicts(predictor, others), first), "fit: it should forget what was fitted before")


def takes_odd_examples(
    make: Make, space: DecisionSpace, known: Sequence[Architecture], others: Sequence[Architecture]
) -> None:
    """One example, all of one value, one architecture with several values, huge and tiny values, a space of one."""
    predictor = make(space)
    odd = {
        "one example": (known[:1], [3.0]),
        "two examples": (known[:2], [3.0, 4.0]),
        "equal values": (known, [7.0] * len(known)),
        "one architecture": ([known[0]] * 6, [1.0, 2.0, 3.0, 1.0, 2.0, 3.0]),
        "huge values": (known, [1e12 * (1 + i % 5) for i in range(len(known))]),
        "tiny values": (known, [1e-9 * (1 + i % 5) for i in range(len(known))]),
    }
    for what, (architectures, values) in odd.items():
        with must_not_raise(f"fit and predict with {what}"):
            predictor.fit(architectures, values)
            mean = predicts(predictor, others)[0]
        low, high = min(values), max(values)
        reach = 10 * (high - low) + 1e-3 * abs(high)
        require(
            (mean >= low - reach).all() and (mean <= high + reach).all(),
            f"{what}: values from {low} to {high} gave predictions from {mean.min()} to {mean.max()}",
        )
    only = make(Only())
    with must_not_raise("fit and predict in a space of one architecture"):
        only.fit([only.space.at(0)] * 3, [1.0, 2.0, 3.0])
        predicts(only, [only.space.at(0)])


def refuses(make: Make, space: DecisionSpace, known: Sequence[Architecture], values: Sequence[float]) -> None:
    predictor = make(space)
    broken = {
        "no examples": ([], []),
        "fewer values than architectures": (known, values[:-1]),
        "NaN as a value": (known, [*values[:-1], float("nan")]),
        "infinity as a value": (known, [*values[:-1], float("inf")]),
    }
    for what, (architectures, given) in broken.items():
        must_raise(f"fit with {what}", ConfigurationError, lambda a=architectures, v=given: predictor.fit(a, v))
    stranger = Layers(4) if space.id != Layers(4).id else Layers(2)
    must_raise("fit with another space's", InvalidArchitecture, lambda: predictor.fit([stranger.at(0)], [1.0]))
    predictor.fit(known, values)
    must_raise("predict of another space's", InvalidArchitecture, lambda: predictor.predict([stranger.at(0)]))

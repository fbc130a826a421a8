"""What a network is worth: a random pick of its own space, and plain references, trained and tested alike."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from netwright.core.errors import UserError
from netwright.core.kinds import kinds_checked
from netwright.core.randomness import derived_seed
from netwright.core.task import Data, Examples
from netwright.networks.counting import count
from netwright.results.figures import Contender

if TYPE_CHECKING:
    from netwright.core.architecture import Architecture
    from netwright.core.space import Space
    from netwright.tasks.task import Task

MOST_TRIES = 1000
MOST_NUMBERS = 20_000_000
"""Most numbers (examples times features) that the logistic regression is fitted to."""
NUMBERS_A_SECOND = 400_000
"""Of them that one second is enough for, with ten classes on a slow core."""
SMALL_IMAGE = 16
_PICKS = 7


def draw_picks(
    space: Space,
    winner: Architecture,
    task: Task,
    seeds: Sequence[int],
    accept: Callable[[Architecture], bool] | None = None,
) -> list[Architecture]:
    """For each seed another random architecture than the winner, that can be built and keeps the limits.

    Raises UserError where no such architecture is found in 1,000 draws.
    """

    def suits(pick: Architecture) -> bool:
        return _works(space, pick, task) and (accept is None or accept(pick))

    return _drawn(space, winner, seeds, suits)


def _works(space: Space, architecture: Architecture, task: Task) -> bool:
    """Whether the network can be built and takes an example, found on the meta device."""
    try:
        with torch.device("meta"):
            count(space.build(architecture, task.shape), task.shape.input)
    except Exception:  # a space of the user's own may raise anything where some of its options do not fit together
        return False
    return True


def _drawn(
    space: Space, winner: Architecture, seeds: Sequence[int], accept: Callable[[Architecture], bool]
) -> list[Architecture]:
    """Different architectures other than the winner, one a seed, each from its seed's own generator."""
    seen = {space.key(winner)}
    found: list[Architecture] = []
    for seed in seeds:
        rng = np.random.default_rng(derived_seed(seed, _PICKS))
        for _ in range(MOST_TRIES):
            pick = space.sample(rng)
            if space.key(pick) not in seen and accept(pick):
                break
        else:
            raise UserError(
                f"no {'further ' if found else ''}random architecture of {space.name} that works and keeps the limits "
                f"was found in {MOST_TRIES:,} draws, so there is no random pick to compare with"
            )
        seen.add(space.key(pick))
        found.append(pick)
    return found


def resnet_depth(task: Task) -> int:
    """Layers of the residual network (He et al. 2016) that is a reference for these images."""
    return 20 if min(task.shape.height, task.shape.width) >= SMALL_IMAGE else 8


@kinds_checked
def logistic_regression(task: Task, data: Data | None = None, seconds: float | None = None) -> Contender:
    """scikit-learn's logistic regression on standardised, flattened inputs: what takes no network at all.

    task: with the test split.
    data: to fit to, by default everything but the test split.
    seconds: that fitting may take; None for no limit.

    Fitted to at most 20 million numbers, to fewer where it should not take more than so many seconds; the note says
    which share of the training examples that is.
    """
    from sklearn.linear_model import LogisticRegression

    data = task.final_data("cpu") if data is None else data
    began = time.monotonic()
    features = task.shape.features
    numbers = MOST_NUMBERS if seconds is None else min(MOST_NUMBERS, int(NUMBERS_A_SECOND * seconds))
    most = max(task.shape.classes * 10, numbers // features)
    places = _spread(len(data.train), most)
    fitted = data.train.choose(torch.from_numpy(places))
    x, mean, std = _standardised(fitted.inputs)
    labels = fitted.targets.numpy()
    model = LogisticRegression(max_iter=200)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # whether it converged is in the note
        model.fit(x, labels)
    tested = _predicted(model, data.held_out, mean, std)
    right = float((tested == data.held_out.targets.numpy()).mean())
    notes = [] if len(places) == len(data.train) else [f"fitted to {len(places) / len(data.train):.0%} of the examples"]
    notes += ["not converged in 200 iterations"] if int(max(model.n_iter_)) >= 200 else []
    weights, shifts = np.size(model.coef_), np.size(model.intercept_)
    seconds = time.monotonic() - began
    return Contender("logistic regression", (right,), (), weights + shifts, weights, seconds, "; ".join(notes))


def _spread(count: int, most: int) -> np.ndarray:
    """At most so many places, drawn without repeats by a fixed seed, in order."""
    if count <= most:
        return np.arange(count)
    return np.sort(np.random.default_rng(0).choice(count, most, replace=False))


def _predicted(model: Any, examples: Examples, mean: np.ndarray, std: np.ndarray) -> np.ndarray:
    """The class of each example, a part of them at a time."""
    step = max(1, 1_000_000 // len(mean))
    starts = range(0, len(examples), step)
    return np.concatenate([model.predict(_flat(examples.batch(each, each + step), mean, std)) for each in starts])


def _standardised(inputs: torch.Tensor) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    flat = inputs.flatten(1).numpy().astype(np.float64)
    mean, std = flat.mean(0), flat.std(0)
    std[std < 1e-12 * np.maximum(1.0, np.abs(mean))] = 1.0
    return ((flat - mean) / std).astype(np.float32), mean, std


def _flat(inputs: torch.Tensor, mean: np.ndarray, std: np.ndarray) -> np.ndarray:
    return ((inputs.flatten(1).numpy().astype(np.float64) - mean) / std).astype(np.float32)

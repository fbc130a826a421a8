"""What a network is worth: a random pick of its own space, and plain references, trained and tested alike."""

from __future__ import annotations

import statistics
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import nn

from netwright.core.errors import UserError
from netwright.core.kinds import kinds_checked
from netwright.core.randomness import derived_seed
from netwright.core.task import Data, Examples
from netwright.networks.counting import count
from netwright.networks.resnet import resnet
from netwright.results.figures import Contender
from netwright.results.final import Options, check_seeds, contender, train_each
from netwright.training import TrainingSettings

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


def random_picks(
    space: Space,
    winner: Architecture,
    task: Task,
    settings: TrainingSettings,
    *,
    seeds: Sequence[int] = (0, 1, 2),
    accept: Callable[[Architecture], bool] | None = None,
    options: Options = Options(),  # noqa: B008 - an immutable value
) -> Contender:
    """For each seed another random architecture of the same space, trained and tested like the winner.

    accept: whether an architecture keeps the search's limits; one whose network cannot be built or run is drawn again.
    Raises UserError where no such architecture is found in 1,000 draws, TrialFailed where none of the trainings
    succeeds.
    """
    check_seeds(seeds)

    picks = draw_picks(space, winner, task, seeds, accept)
    builds = {seed: lambda pick=pick: space.build(pick, task.shape) for seed, pick in zip(seeds, picks, strict=True)}
    made, failed = train_each(builds, task, settings, options, forgiven=Exception)
    costs = [count(each.network, task.shape.input) for each in made]
    params, macs = (statistics.fmean(getattr(each, name) for each in costs) for name in ("params", "macs"))
    note = "; ".join(["another architecture for each seed", *_without(failed)])
    return contender("random pick", [each.record for each in made], params, macs, note)


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


def _without(failed: Mapping[int, str]) -> list[str]:
    return [f"without seed {seed} ({reason.partition(':')[0]})" for seed, reason in failed.items()]


def _drawn(
    space: Space, winner: Architecture, seeds: Sequence[int], accept: Callable[[Architecture], bool]
) -> list[Architecture]:
    """Different architectures other than the winner, one a seed, each from its seed's own generator."""
    seen = {space.canonical(winner)}
    found: list[Architecture] = []
    for seed in seeds:
        rng = np.random.default_rng(derived_seed(seed, _PICKS))
        for _ in range(MOST_TRIES):
            pick = space.sample(rng)
            if space.canonical(pick) not in seen and accept(pick):
                break
        else:
            raise UserError(
                f"no {'further ' if found else ''}random architecture of {space.name} that works and keeps the limits "
                f"was found in {MOST_TRIES:,} draws, so there is no random pick to compare with"
            )
        seen.add(space.canonical(pick))
        found.append(pick)
    return found


def small_resnet(
    task: Task,
    settings: TrainingSettings,
    *,
    seeds: Sequence[int] = (0, 1, 2),
    options: Options = Options(),  # noqa: B008 - an immutable value
) -> Contender:
    """The residual network of He et al. (2016) with 20 layers (8 for images below 16 pixels), trained alike.

    Raises UserError for vectors, TrialFailed where none of the trainings succeeds.
    """
    check_seeds(seeds)
    if not task.shape.is_image:
        raise UserError(f"{task.name} has vectors; a residual network of convolutions is a reference for images only")
    depth = resnet_depth(task)
    channels, height, width = task.shape.input

    def build() -> nn.Module:
        return resnet((channels, height, width), task.shape.classes, depth)

    made, failed = train_each(dict.fromkeys(seeds, build), task, settings, options)
    cost = count(made[0].network, task.shape.input)
    return contender(
        f"ResNet-{depth}", [each.record for each in made], cost.params, cost.macs, "; ".join(_without(failed))
    )


def resnet_depth(task: Task) -> int:
    """Layers of the residual network that is a reference for these images."""
    return 20 if min(task.shape.height, task.shape.width) >= SMALL_IMAGE else 8


@kinds_checked
def logistic_regression(task: Task, data: Data | None = None, seconds: float | None = None) -> Contender:
    """scikit-learn's logistic regression on standardised, flattened inputs: what takes no network at all.

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
    labels = fitted.labels.numpy()
    model = LogisticRegression(max_iter=200)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # whether it converged is in the note
        model.fit(x, labels)
    tested = _predicted(model, data.held_out, mean, std)
    right = float((tested == data.held_out.labels.numpy()).mean())
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

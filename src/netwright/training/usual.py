"""The training that an expert would begin with for a kind of data, and what of it is worth racing.

What kind of data there is follows from the shape: vectors, series, images, images with masks, tokens with one answer
or with one each. Each kind has a row of settings; those that go by the number of examples follow in `usual`.
"""

from __future__ import annotations

from collections.abc import Container, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from netwright.training.batches import usual_batch

if TYPE_CHECKING:
    from netwright.core.problem import Problem
    from netwright.core.task import TaskShape

_ADAMW = {"optimiser": "adamw", "gradient_clip": 1.0}
_USUAL: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {
        "images": {"optimiser": "sgd", "learning_rate": 0.05, "weight_decay": 5e-4, "augmentation": "light"},
        "masks": {**_ADAMW, "learning_rate": 3e-3, "weight_decay": 1e-3, "augmentation": "light"},
        "vectors": {**_ADAMW, "learning_rate": 2e-3, "weight_decay": 1e-2},
        "series": {**_ADAMW, "learning_rate": 3e-3, "weight_decay": 1e-2},
        "tokens": {**_ADAMW, "learning_rate": 3e-3, "weight_decay": 1e-2},
        "language": {**_ADAMW, "learning_rate": 3e-3, "weight_decay": 1e-2},
    }
)
"""By kind of data.

Images: SGD and shifts were chosen with a small ResNet for 400 to 600 steps, one seed, on the digits of scikit-learn,
2,000 images of MNIST and 3,000 of CIFAR-10 at half their sides. Accuracy with SGD of 0.1 and 0.03 and AdamW of 0.003:
99.0, 99.9 and 99.0 %; 97.6, 97.4 and 97.3 %; 44.5, 47.0 and 43.4 %. Not changed, lightly and strongly: MNIST 97.1, 97.6
and 96.5 %, CIFAR-10 48.4, 44.5 and 42.1 %, which is why that is raced. The others are common defaults.
"""
_CHANGED: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "images": ("light", "strong", "none"),
        "masks": ("light", "strong"),
        "series": ("task", "light", "strong"),
        "tokens": ("task", "light"),
    }
)
"""How strongly examples may be changed, by kind of data."""
_MIXED = ("images", "vectors", "series")
_FASTER = (1 / 3, 3.0)  # learning rates to race beside the usual one, as its multiples
LEAST_BATCH, MOST_BATCH = 16, 256
STEPS = 30  # in an epoch, below which batches are made smaller


def usual(shape: TaskShape, problem: Problem, examples: int) -> dict[str, Any]:
    """The settings of `TrainingSettings` that an expert would choose; those that are not named keep their defaults.

    shape: of the task.
    problem: what is asked for.
    examples: to train on.
    """
    kind = _kind(shape)
    return {**_USUAL[kind], "batch_size": _batch(shape, examples)}


def choices(shape: TaskShape, problem: Problem, examples: int) -> dict[str, tuple[Any, ...]]:
    """The settings that are worth racing on such data, each with its values, the usual one first.

    shape: of the task.
    problem: what is asked for.
    examples: to train on.
    """
    own = usual(shape, problem, examples)
    rate, decay = own["learning_rate"], own["weight_decay"]
    found: dict[str, tuple[Any, ...]] = {
        "learning_rate": (rate, *(float(f"{rate * share:.1g}") for share in _FASTER)),
        "weight_decay": (decay, float(f"{decay * 10:.1g}")),
    }
    kind = _kind(shape)
    found |= {"augmentation": _CHANGED[kind]} if kind in _CHANGED else {}
    found |= {"mixup": (0.0, 0.2)} if kind in _MIXED else {}
    return {**found, "label_smoothing": (0.0, 0.1)} if problem.smooths else found


def of_masks(shape: TaskShape, examples: int, given: Container[str] = ()) -> dict[str, Any]:
    """What takes the place of the defaults of `TrainingSettings` where each pixel is asked for, else nothing.

    The usual optimiser and number of images in a step; and a long training changes images strongly: with the few that
    there are of most kinds, networks learn them by heart otherwise (benchmarks/RESULTS.md, masks).

    shape: of the task.
    examples: to train on.
    given: names of settings that were chosen already; with an optimiser, its learning rate and decay are left alone.
    """
    batch = usual_batch(shape, examples)
    if batch is None:
        return {}
    own = {} if "optimiser" in given else {**_USUAL["masks"]}
    return {**own, "batch_size": batch, "augmentation": "auto"}


def _kind(shape: TaskShape) -> str:
    """Which row of settings suits such data."""
    if shape.is_tokens:
        return "language" if shape.dense else "tokens"
    if shape.is_image and shape.dense:
        return "masks"
    return {"volumes": "images"}.get(shape.kind, shape.kind)


def _batch(shape: TaskShape, examples: int) -> int:
    """A power of 2 that leaves at least 30 steps in an epoch where there are few examples; of masks by their pixels."""
    dense = usual_batch(shape, examples)
    if dense is not None:
        return dense
    size = LEAST_BATCH
    while size < MOST_BATCH and size * 2 * STEPS <= examples:
        size *= 2
    return min(size, 64) if shape.is_image or shape.is_tokens else size

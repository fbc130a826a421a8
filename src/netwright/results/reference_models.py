"""What stands beside the network that was found: the references that make sense for a kind of problem and of inputs.

A new kind of reference is a function that gives a `Reference` where it suits a task, and a line in `OFFERS`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from torch import Tensor

from netwright.problems.forecast import Forecast
from netwright.results.figures import Contender
from netwright.results.plain_references import boosted_trees, linear_regression, logistic_regression, repeated_values
from netwright.results.series_references import nearest_neighbour, random_convolutions
from netwright.results.token_references import MOST_TOKENS, by_its_tokens, follows, name_of

if TYPE_CHECKING:
    from torch import nn

    from netwright.core.roles import BringsNetworks
    from netwright.core.task import TaskShape
    from netwright.tasks.task import Task

SMALL_IMAGE = 16  # pixels of the shorter side below which a residual network of 8 layers will do
LINEAR = {
    "classification": "logistic regression",
    "several labels": "logistic regression a label",
    "regression": "ridge regression",
}
UNET_WIDTHS = ((4_000_000, 8), (64_000_000, 16), (512_000_000, 32))  # for fewer training pixels than so many
HIDDEN = 128  # features of each hidden layer of an MLP
WIDEST_UNET = 64  # channels of the first level, the paper's
TREES = ("classification", "regression", "several labels")
SERIES = ("classification", "regression")


@dataclass(frozen=True)
class Reference:
    """One reference, which is either fitted once or a network.

    name: as reports call it.
    fit: fits and tests what is no network, given the task and the seconds that it may take; None for no limit.
    build: makes a network, which is trained as the one that was found is.
    """

    name: str
    fit: Callable[[Task, float | None], Contender] | None = None
    build: Callable[[TaskShape], nn.Module] | None = None


def references(task: Task) -> tuple[Reference, ...]:
    """The references for a task, those that cost least first; none where its kind of problem has none.

    task: with its problem and its examples.
    """
    return tuple(found for offer in OFFERS if (found := offer(task)) is not None)


def own_references(space: BringsNetworks) -> tuple[Reference, ...]:
    """The networks of the user's own beside a space.

    space: that brings them.
    """
    return tuple(Reference(name, build=partial(space.made, name)) for name in space.networks)


def last_value(task: Task) -> Reference | None:
    """Of a forecast, the last value again."""
    if not isinstance(task.problem, Forecast):
        return None
    return Reference("the last value", fit=lambda task, seconds: repeated_values(task, "the last value", 1))


def seasonal(task: Task) -> Reference | None:
    """Of a forecast with a season, the value one season before."""
    season = task.problem.season if isinstance(task.problem, Forecast) else None
    if season is None or season > task.shape.input[1]:
        return None
    name = f"the value {season} before"
    return Reference(name, fit=lambda task, seconds: repeated_values(task, name, season))


def linear(task: Task) -> Reference | None:
    """What takes no network at all, for inputs that are numbers."""
    name = LINEAR.get(task.problem.kind)
    if name is None or task.problem.dense or not _numbers(task):
        return None
    if task.problem.kind == "classification":
        return Reference(name, fit=lambda task, seconds: logistic_regression(task, seconds=seconds))
    return Reference(name, fit=lambda task, seconds: linear_regression(task, name, seconds=seconds))


def _numbers(task: Task) -> bool:
    """Whether an example is one tensor of numbers."""
    return isinstance(task.train.stored, Tensor) and not task.shape.is_tokens


def trees(task: Task) -> Reference | None:
    """Boosted trees, which are hard to beat on tables."""
    if task.problem.kind not in TREES or task.problem.dense or not task.shape.is_vector or not _numbers(task):
        return None
    return Reference("boosted trees", fit=lambda task, seconds: boosted_trees(task, seconds=seconds))


def convolutions(task: Task) -> Reference | None:
    """What needs no trained layers, of series: a linear model on what random convolutions find."""
    if task.problem.kind not in SERIES or task.problem.dense or not task.shape.is_series or not _numbers(task):
        return None
    name = "random convolutions"
    return Reference(name, fit=lambda task, seconds: random_convolutions(task, name, seconds))


def nearest(task: Task) -> Reference | None:
    """The most alike of the training series."""
    if task.problem.kind not in SERIES or task.problem.dense or not task.shape.is_series or not _numbers(task):
        return None
    name = "nearest neighbour"
    return Reference(name, fit=lambda task, seconds: nearest_neighbour(task, name, seconds))


def tokens(task: Task) -> Reference | None:
    """What needs no order, or only that of the last tokens, of texts."""
    problem = task.problem
    if not task.shape.is_tokens:
        return None
    if problem.kind == "next token" and problem.outputs <= MOST_TOKENS:
        return Reference(name_of(task), fit=lambda task, _: follows(task))
    name = LINEAR.get(problem.kind)
    if name is None or problem.dense:
        return None
    return Reference(name, fit=lambda task, seconds: by_its_tokens(task, name, seconds))


def residual(task: Task) -> Reference | None:
    """The residual network of He et al. (2016), for one answer to an image."""
    if task.problem.dense or not task.shape.is_image or not _numbers(task):
        return None
    depth = 20 if min(task.shape.height, task.shape.width) >= SMALL_IMAGE else 8

    def build(shape: TaskShape) -> nn.Module:
        from netwright.networks.resnet import resnet

        channels, height, width = shape.input
        return resnet((channels, height, width), shape.outputs, depth)

    return Reference(f"ResNet-{depth}", build=build)


def dense_layers(task: Task) -> Reference | None:
    """Two hidden layers, for what is known of an example in numbers."""
    if task.problem.dense or not task.shape.is_vector or not _numbers(task):
        return None

    def build(shape: TaskShape) -> nn.Module:
        from torch import nn

        layers = [nn.Linear(shape.features, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, HIDDEN), nn.ReLU()]
        return nn.Sequential(nn.Flatten(), *layers, nn.Linear(HIDDEN, shape.outputs))

    return Reference(f"MLP of width {HIDDEN}", build=build)


def u_shaped(task: Task) -> Reference | None:
    """The U-Net of Ronneberger et al. (2015), for a class at every pixel: as wide as suits the number of pixels."""
    if task.problem.kind != "segmentation" or not task.shape.is_image or not _numbers(task):
        return None
    pixels = len(task.train) * task.shape.height * task.shape.width
    width = next((width for most, width in UNET_WIDTHS if pixels < most), WIDEST_UNET)
    depth = levels_of(task.shape, 4)

    def build(shape: TaskShape) -> nn.Module:
        from netwright.networks.unet import unet

        return unet(shape.channels, shape.head(width), width=width, depth=depth)

    return Reference(f"U-Net of width {width}", build=build)


def levels_of(shape: TaskShape, most: int) -> int:
    """How often images may be halved until a side has fewer than 8 pixels, at most so often and at least once."""
    return max(1, min(most, (min(shape.height, shape.width) // 4).bit_length() - 1))


OFFERS: tuple[Callable[[Task], Reference | None], ...] = (
    last_value,
    seasonal,
    linear,
    trees,
    convolutions,
    nearest,
    tokens,
    residual,
    u_shaped,
    dense_layers,
)

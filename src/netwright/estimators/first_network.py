"""Finds out before a search whether the space's networks can take the task's examples, and be counted."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch.nn.parameter import is_lazy

from netwright.core.architecture import Architecture
from netwright.core.decision_space import DecisionSpace
from netwright.core.errors import NetwrightError, UntrainableSpace, UserError
from netwright.core.roles import bringing
from netwright.core.space import Space
from netwright.core.task import TaskShape
from netwright.networks.counting import count

OTHERS = 30  # networks that are tried where the first cannot be built


def require_runs(space: Space, shape: TaskShape) -> None:
    """Run one example through the space's first network on the meta device, which computes and allocates nothing.

    Where that fails, networks from the whole of the space are tried: one that cannot be built costs one trial, not the
    search. Networks of the user's own beside the space must all fit. Raises UntrainableSpace where all of them fail,
    because layers do not fit together or to the examples: so would trials. UserError where layers find their sizes only
    when they run, or a forward pass looks at values, so that what it costs follows from no shape. What the space itself
    raises for users passes.
    """
    own = bringing(space)
    if own is not None:
        own.require_fits(shape)
    first: NetwrightError | None = None
    for architecture in _spread(space):
        try:
            return _run(space, architecture, shape)
        except UntrainableSpace as problem:
            first = first or problem
    if first is not None:
        raise first


def _spread(space: Space) -> Iterator[Architecture]:
    """The first architecture, and a few others that are drawn."""
    rng = np.random.default_rng(0)
    yield next(space.enumerate()) if isinstance(space, DecisionSpace) else space.sample(rng)
    for _ in range(OTHERS if space.size is None else min(OTHERS, 2 * (space.size - 1))):
        yield space.sample(rng)


def _run(space: Space, architecture: Architecture, shape: TaskShape) -> None:
    try:
        with torch.device("meta"):
            network = space.build(architecture, shape)
            if any(is_lazy(each) for each in (*network.parameters(), *network.buffers())):
                raise UserError(
                    f"{type(space).__name__} builds lazy layers, whose sizes are not known before they run, so that "
                    "its networks cannot be counted; give each layer its sizes, which follow from the task's shape"
                )
            count(network, shape.input)
    except NetwrightError:
        raise
    except Exception as problem:
        reason = f"{type(problem).__name__}: {' '.join(str(problem).partition(chr(10))[0].split())}"
        raise _explained(space, shape, str(architecture), reason) from problem


def _explained(space: Space, shape: TaskShape, architecture: str, reason: str) -> NetwrightError:
    """UserError where counting is what fails; UntrainableSpace where the network does, as every trial would."""
    if "meta" in reason.lower():
        return UserError(
            f"{type(space).__name__} builds networks whose cost cannot be counted, because their forward pass looks at "
            f"the values of its input or holds tensors of a fixed device ({reason}); do the same steps for all values, "
            "and make constants buffers"
        )
    return UntrainableSpace(
        f"{type(space).__name__} cannot take examples of shape {shape.input} with {shape.classes} classes: its first "
        f"network, {architecture}, fails with {reason}"
    )

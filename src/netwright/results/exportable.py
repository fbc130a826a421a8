"""Whether the networks of a space can be exported: found out before a search, on a few of them."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import TYPE_CHECKING

import torch

from netwright.core.errors import UserError, marked
from netwright.core.kinds import kinds_checked
from netwright.results.network_source import write_source

if TYPE_CHECKING:
    from netwright.core.architecture import Architecture
    from netwright.core.space import Space
    from netwright.core.task import TaskShape

TIME = 1.0  # seconds after which no further network is looked at


@kinds_checked
def check_exportable(space: Space, shape: TaskShape, architectures: Iterable[Architecture]) -> int:
    """Write the code of these networks as an export would, and say how many were looked at.

    space: whose networks these are.
    shape: (channels, height, width) or (features,) of one input, and the number of classes.
    architectures: such as the smallest, the largest and a few random ones; after one second the rest is left out.

    Raises UserError, in one line that names the module and the architecture, where one cannot be written. An
    architecture that cannot be built or run at all is passed over: that is the search's to find.
    """
    end, looked_at = time.monotonic() + TIME, 0
    with torch.random.fork_rng(devices=[]):
        for architecture in architectures:
            _check(space, shape, architecture)
            looked_at += 1
            if time.monotonic() > end:
                break
    return looked_at


def _check(space: Space, shape: TaskShape, architecture: Architecture) -> None:
    example = torch.zeros(2, *shape.input, dtype=torch.int64 if shape.is_tokens else torch.float32)
    try:
        network = space.build(architecture, shape).eval()
        with torch.no_grad():
            network(example)
    except Exception:
        return
    try:
        write_source(network, example)
    except UserError as problem:
        raise UserError(f"the network {architecture} cannot be exported: {marked(problem)}") from problem

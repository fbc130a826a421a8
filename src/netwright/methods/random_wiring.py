"""Randomly wired networks: what is searched is the generator of graphs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from netwright.strategies import RandomSearch

if TYPE_CHECKING:
    from netwright.core.space import Space

__all__ = ["randwire"]

PAPERS = {
    "randwire": ("netwright search DATA --method randwire", ""),
}
SPACES = {
    "randwire": "randwire:nodes=16,channels=16,final=128",
}


def randwire(space: Space) -> RandomSearch:
    """RandWire (Xie et al. 2019): networks that a random generator wires, each looked at once.

    The generator and its parameters are options of the space: `--space randwire:wiring=ba,edges=5`. Published on
    ImageNet with stages of 32 nodes: 74.7 % top-1 in the mobile setting, as the mean of five wirings of WS(4, 0.75).

    space: the one to search; on the command line stages of 16 nodes with a fifth of the paper's channels.
    """
    return RandomSearch(space)

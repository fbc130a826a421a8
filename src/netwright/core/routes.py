"""A way through blocks of which each leads on to one of several later ones: which blocks there are is decided."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Protocol

from netwright.core.errors import UserError

if TYPE_CHECKING:
    from torch import nn

    from netwright.core.choose import Choose

NEXT = "next"
"""The last part of the names of decisions that lead from a block to the next."""


class Routes(Protocol):
    """What a route is made of; `Choose.route` puts it together."""

    @property
    def following(self) -> Sequence[Sequence[int]]:
        """For each block but the last, by number, the later ones that it may lead to, ascending.

        The last one is where every route ends, and has no layers. A block that leads to one other alone leads to the
        last one, unless all routes lead through it.
        """
        ...

    def block(self, number: int) -> nn.Module:
        """The layers of a block, asked for; of the first one what every route begins with."""
        ...

    def between(self, number: int, after: int) -> nn.Module:
        """The layers that lead from a block to a later one, asked for."""
        ...


def block_name(number: int) -> str:
    """What a block is called, in names of decisions and as their option."""
    return f"block{number}"


def block_number(name: str) -> int:
    """The block of this name."""
    return int(name.removeprefix("block"))


def preceding(routes: Routes, number: int) -> list[int]:
    """The blocks that may lead to this one."""
    return [i for i, after in enumerate(routes.following) if number in after]


def led_on(choose: Choose, routes: Routes, number: int) -> nn.Module:
    """What leads on from a block, asked for."""
    options = {block_name(after): partial(routes.between, number, after) for after in routes.following[number]}
    with choose.scope(block_name(number)):
        return choose.one(NEXT, options)


def is_always_there(routes: Routes, number: int) -> bool:
    """Whether every route leads through a block: the first, and those to which it leads alone."""
    return number == 0 or (
        preceding(routes, number) == [number - 1]
        and len(routes.following[number - 1]) == 1
        and is_always_there(routes, number - 1)
    )


def require_sound(routes: Routes) -> None:
    """UserError for blocks that do not lead on as `Routes` says."""
    last = len(routes.following)
    for i, after in enumerate(routes.following):
        later = len(after) > 0 and all(i < each <= last for each in after) and list(after) == sorted(set(after))
        one = len(after) == 1 and after[0] != last and not is_always_there(routes, i)
        if not later or one or (i and not preceding(routes, i)):
            raise UserError(
                f"block {i} leads to {list(after)} and follows {preceding(routes, i)}; expected several later blocks "
                f"in ascending order, or {last}, the last one, alone, and one before it at least"
            )

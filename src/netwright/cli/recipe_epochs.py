"""How many epochs of a recipe's weight training fit into the time, and in which space where nobody has named one."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from netwright.cli import clock
from netwright.core.errors import UserError

if TYPE_CHECKING:
    from netwright.cli.plan import Plan
    from netwright.core.space import Space
    from netwright.engine import Search
    from netwright.methods.timing import Pace
    from netwright.tasks.task import Task

SHARE_OF_WEIGHTS = 0.9  # of a recipe's time, for the training of weights
SHARE_OF_WEIGHTS_THEN_SEARCH = 0.5  # where a search on the trained weights follows
FEW_SHARED_EPOCHS = 10  # of shared weights, below which the usual space is made smaller
SMALLER_SPACES = {  # by the usual one; with the most that each takes, as a share of what that takes: cells times edges
    "darts": (
        ("darts:cells=5,channels=8", 5 / 8),
        ("darts:cells=3,channels=8", 3 / 8),
        ("darts:cells=3,channels=8,nodes=2", 3 / 8 * 5 / 14),
    ),
    "recurrent": (("recurrent:channels=64", 0.7), ("recurrent:channels=64,nodes=4", 0.3)),  # of 36 edges 10
    "unetcells": (("unet-cells:channels=4", 0.75), ("unet-cells:channels=4,nodes=2", 0.5)),
}
SHARE_OF_TIMING = 0.1  # of the time limit may a first timing take that is followed by another


def as_long_as_fits(plan: Plan, task: Task, space: Space, search: Search, wanted: int) -> Plan:
    """With as many of the wanted epochs as fit; timed again with fewer, since a short search's settings differ.

    Where not one fits, the time of the random search beside it is for the weights, too.

    space, search: that the plan makes for the task.
    wanted: epochs, the paper's.

    Raises UserError where not even one epoch fits.
    """
    from netwright.core.strategy import mixture_of
    from netwright.methods.timing import pace

    follows = mixture_of(search.strategy) is None
    share = SHARE_OF_WEIGHTS_THEN_SEARCH if follows else SHARE_OF_WEIGHTS
    began, most = clock.elapsed(), SHARE_OF_TIMING * (plan.seconds or 0.0)
    found = pace(search, most)
    took, left = clock.elapsed() - began, share * _left(plan)
    fitting = found.epochs(left)
    smaller = made_smaller(plan, space, found.epoch / max(left, 1e-9) * min(wanted, FEW_SHARED_EPOCHS))
    if smaller is not None:
        space = smaller.make_space(task)
        return as_long_as_fits(smaller, task, space, smaller.make_recipe(task, space), wanted)
    if fitting < wanted and took < most:
        found = pace(replace(plan, shared_epochs=max(1, fitting)).make_recipe(task, space), most)
        left = share * _left(plan)
        fitting = found.epochs(left)
    if plan.random_search and found.epochs(share * (plan.search_seconds or 0.0)) < 1:
        # A network comes before what it is compared with.
        plan = replace(plan, random_search=False, random_left_out=True)
        fitting = found.epochs(share * _left(plan))
    require_an_epoch(plan, space, found, share * (plan.search_seconds or 0.0))
    epochs = min(wanted, max(1, fitting))  # the limit ends an epoch for which preparing has left too little
    return replace(plan, shared_epochs=epochs, paper_epochs=wanted, shared_seconds=found.epoch * epochs)


def _left(plan: Plan) -> float:
    """Seconds of the search from now on."""
    return replace(plan, prepared=clock.elapsed()).search_seconds or 0.0


def made_smaller(plan: Plan, space: Space, times: float) -> Plan | None:
    """With a smaller space; None where one was named, or none is needed or known.

    space: the usual one.
    times: the time there is, that it takes.
    """
    known = SMALLER_SPACES.get(space.name)
    if plan.space is not None or known is None or times <= 1:
        return None
    name = next((name for name, share in known if share * times <= 1), known[-1][0])
    return replace(plan, space=name, made_smaller=True)


def require_an_epoch(plan: Plan, space: Space, found: Pace, seconds: float) -> None:
    """UserError where not one epoch would fit, had nothing been to prepare.

    found: how long an epoch takes.
    seconds: for the weights.
    """
    if found.epochs(seconds) < 1:
        raise UserError(
            f"one epoch of {plan.recipe!r} on {space} takes about {found.epoch:,.0f} s here, and "
            f"{seconds:,.0f} s of --time {plan.time_limit} are for it; give more time, "
            f"fewer --examples, a smaller space{_such_as(plan, space)}, or leave --method out"
        )


def _such_as(plan: Plan, space: Space) -> str:
    """A smaller space than this one, as one types it; nothing where none is known."""
    smallest = SMALLER_SPACES.get(space.name, (("", 0.0),))[-1][0]
    return f" such as --space {smallest}" if smallest not in ("", plan.space) else ""

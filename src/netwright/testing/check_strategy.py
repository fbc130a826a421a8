"""The contract of a strategy as one executable check: it is asked and told as the engine would, with mishaps."""

from __future__ import annotations

import json
from collections.abc import Callable, Container
from typing import TYPE_CHECKING

from netwright.core.architecture import Architecture
from netwright.core.errors import SearchFailed, SpaceExhausted
from netwright.core.kinds import kinds_checked
from netwright.core.objective import fittest
from netwright.core.packing import packed, unpacked
from netwright.core.strategy import Remembering, in_role
from netwright.core.trial import STATES
from netwright.testing.conversation import Conversation, same_proposal
from netwright.testing.rules import must_not_raise, must_raise, require
from netwright.testing.small_spaces import Layers, Only

if TYPE_CHECKING:
    from netwright.core.space import Space
    from netwright.core.strategy import Strategy

Make = Callable[["Space"], "Strategy"]


@kinds_checked
def check_strategy(
    make: Make, space: Space | None = None, *, trials: int = 60, exhausts: bool = False, seed: int = 0
) -> None:
    """Raise AssertionError, which names the rule and how it was broken, unless this is a strategy as meant here.

    make: gives a fresh strategy for a space; a class whose constructor needs nothing else will do.
    space: what to try it on; by default a small one with conditional decisions.
    trials: how long each conversation is.
    exhausts: whether the strategy promises to ask no architecture twice and to raise SpaceExhausted after the last.
    seed: everything random follows from it.
    """
    space = space or Layers()
    is_its_configuration(make, space)
    alone = Conversation(make(space), seed).hold(trials)
    crowd = Conversation(make(space), seed, slots=4, states=("completed", *STATES), shuffled=True).hold(trials)
    fronts = Conversation(make(space), seed, slots=3, objectives=2, shuffled=True).hold(trials)
    for past in (alone, crowd, fronts):
        replays(make(space), past, "a fresh strategy")
        replays(past.strategy.replace(), past, "a strategy made again from its arguments")
        remembers(past)
    for state in STATES[1:]:
        Conversation(make(space), seed, slots=2, states=(state,)).hold(trials)
    recommends_the_best(alone)
    ends_where_nothing_is_left(make, seed)
    if exhausts:
        asks_everything_once(make, seed)


def is_its_configuration(make: Make, space: Space) -> None:
    with must_not_raise("the constructor"):
        strategy = make(space)
    require(strategy.space is space, "strategy.space is not the space that the strategy was made for")
    with must_not_raise("configuration"):
        json.dumps(strategy.configuration(), allow_nan=False)


def replays(strategy: Strategy, past: Conversation, who: str) -> None:
    """Resume rebuilds a strategy by asking and telling again, and needs the same proposals."""
    _goes_like(past, strategy, f"replay: {who}, asked and told the same,")


def remembers(past: Conversation) -> None:
    """One that gives a memory goes on from it, at any place, as though it had not been interrupted."""
    places = range(len(past.log) // 3, len(past.log), len(past.log) // 3 or 1)
    _goes_like(past, past.strategy.replace(), "remember: a strategy that was given the memory of another", places)


def _goes_like(past: Conversation, strategy: Strategy, who: str, places: Container[int] = ()) -> None:
    """Ask and tell as before; the proposals must be the same. places: events before which another one takes over."""
    again = Conversation(strategy, past.seed)
    for number, (event, content) in enumerate(past.log):
        if number in places:
            again.strategy = _as_remembered(again.strategy)
        if event == "tell":
            again.tell(content)
        else:
            found = again.ask(content.number)
            require(
                same_proposal(found, content.proposal),
                f"{who} proposed {found} at event {number} of the log, which has {content.proposal}",
            )


def _as_remembered(strategy: Strategy) -> Strategy:
    """A fresh strategy that was given the memory, as it comes back from a disk; the same one where it gives none."""
    with must_not_raise("memory"):
        remembering = in_role(strategy, Remembering)
        memory = None if remembering is None else remembering.memory()
        if memory is None:
            return strategy
        plain, arrays = packed(memory)
        text = json.dumps(plain, allow_nan=False)
    fresh = strategy.replace()
    remembering = in_role(fresh, Remembering)
    assert remembering is not None
    with must_not_raise("remember"):
        remembering.remember(unpacked(json.loads(text), {name: each.copy() for name, each in arrays.items()}))
    return fresh


def recommends_the_best(past: Conversation) -> None:
    """The best trial's architecture where architectures were asked; any of the space where mixtures were."""
    strategy = past.strategy
    with must_not_raise("recommend"):
        found = strategy.recommend(past.trials)
    require(isinstance(found, Architecture), f"recommend gave {found!r}, expected an architecture")
    strategy.space.validate(found)
    if all(isinstance(each.proposal.candidate, Architecture) for each in past.trials):
        best = fittest(past.trials).architecture
        require(found == best, f"recommend gave {found}, but the best trial's architecture is {best}")
        must_raise("recommend of no trials", SearchFailed, lambda: strategy.recommend([]))


def ends_where_nothing_is_left(make: Make, seed: int) -> None:
    """In a space of one architecture a strategy asks it, perhaps more than once, and may then say that it is done."""
    only = Conversation(make(Only()), seed).hold(20)
    require(only.trials, "in a space of one architecture, nothing was asked")


def asks_everything_once(make: Make, seed: int) -> None:
    space = Layers(2)
    everything = {space.canonical(each) for each in space.enumerate()}
    past = Conversation(make(space), seed, slots=3, states=("completed", "diverged"), shuffled=True)
    past.hold(2 * len(everything))
    asked = [space.canonical(trial.architecture) for trial in past.trials]
    require(len(set(asked)) == len(asked), "exhausts: an architecture was asked twice")
    require(set(asked) == everything, f"exhausts: {len(set(asked))} of {len(everything)} architectures were asked")
    require(
        isinstance(past.ended, SpaceExhausted),
        f"exhausts: after the last architecture `ask` raised {past.ended!r}, expected SpaceExhausted",
    )

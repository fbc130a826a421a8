"""Rules for drawing, changing, counting and numbering the architectures of a space."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

import numpy as np

from netwright.core.decision_space import DecisionSpace
from netwright.core.errors import UserError
from netwright.testing.rules import must_not_raise, must_raise, require

if TYPE_CHECKING:
    from collections.abc import Sequence

    from netwright.core.architecture import Architecture
    from netwright.core.space import Space
    from netwright.core.task import TaskShape

SMALL_NEIGHBORHOOD = 2_000
SMALL_SPACE = 5_000


def samples_are_valid_and_repeatable(space: Space, samples: int, seed: int) -> list[Architecture]:
    """Half of them uniform over decisions, half over architectures, where there are decisions."""
    drawn = _draw(space, samples, seed)
    for architecture in drawn:
        _valid(space, architecture, "sample")
    require(drawn == _draw(space, samples, seed), "sample: the same generator state gave another architecture")
    return drawn


def _draw(space: Space, samples: int, seed: int) -> list[Architecture]:
    rng = np.random.default_rng(seed)
    with must_not_raise("sample"):
        if not isinstance(space, DecisionSpace):
            return [space.sample(rng) for _ in range(samples)]
        drawn = [space.sample(rng) for _ in range(samples - samples // 2)]
        return drawn + [space.sample(rng, uniform_over="architectures") for _ in range(samples // 2)]


def changes_are_valid_and_repeatable(space: Space, drawn: Sequence[Architecture], seed: int) -> None:
    """Of a space without decisions: mutations, some of them other architectures, and crossovers where it has any."""
    size = space.size
    require(size is None or (isinstance(size, int) and size >= 1), f"size is {size!r}; expected a whole number or None")
    children = _mutated(space, drawn, seed)
    require(children == _mutated(space, drawn, seed), "mutate: the same generator state gave another architecture")
    changed = any(child != parent for child, parent in zip(children, drawn, strict=True))
    require(changed or size == 1, f"mutate changed none of {len(drawn)} architectures")
    if space.crosses:
        rng = np.random.default_rng(seed)
        for first, second in zip(drawn, reversed(drawn), strict=True):
            with must_not_raise(f"crossover of {first} and {second}"):
                child = space.crossover(first, second, rng)
            _valid(space, child, "crossover")


def _mutated(space: Space, drawn: Sequence[Architecture], seed: int) -> list[Architecture]:
    rng = np.random.default_rng(seed)
    children: list[Architecture] = []
    for architecture in drawn:
        with must_not_raise(f"mutate of {architecture}"):
            children.append(space.mutate(architecture, rng))
        _valid(space, children[-1], "mutate")
    return children


def mutation_changes_one_decision(space: DecisionSpace, drawn: Sequence[Architecture], seed: int) -> None:
    rng = np.random.default_rng(seed)
    for architecture in drawn if space.size > 1 else ():
        with must_not_raise(f"mutate of {architecture}"):
            child = space.mutate(architecture, rng)
        _valid(space, child, "mutate")
        _one_change(architecture, child, "mutate")


def neighbors_are_what_mutation_reaches(space: DecisionSpace, drawn: Sequence[Architecture], seed: int) -> None:
    rng = np.random.default_rng(seed)
    for architecture in drawn if space.size > 1 else ():
        with must_not_raise(f"neighbors of {architecture}"):
            found = list(islice(space.neighbors(architecture), SMALL_NEIGHBORHOOD + 1))
        require(len(set(found)) == len(found), f"neighbors of {architecture} lists an architecture twice")
        for neighbor in found[:50]:
            _valid(space, neighbor, "neighbors")
            _one_change(architecture, neighbor, "neighbors")
        if len(found) <= SMALL_NEIGHBORHOOD:
            child = space.mutate(architecture, rng)
            require(child in found, f"mutate of {architecture} gave {child}, which is not among its neighbors")


def crossover_inherits(space: DecisionSpace, drawn: Sequence[Architecture], seed: int) -> None:
    rng = np.random.default_rng(seed)
    for first, second in zip(drawn, reversed(drawn), strict=True):
        with must_not_raise(f"crossover of {first} and {second}"):
            child = space.crossover(first, second, rng)
        _valid(space, child, "crossover")
        ours, theirs = first.decisions, second.decisions
        for name, label in child.decisions.items():
            inherited = [parent[name] for parent in (ours, theirs) if name in parent]
            require(
                not inherited or label in inherited,
                f"crossover: the child answers {name!r} with {label!r}, its parents with {inherited}",
            )


def size_counts_and_at_numbers(space: DecisionSpace, seed: int) -> None:
    with must_not_raise("size"):
        size = space.size
    require(isinstance(size, int) and size >= 1, f"size is {size!r}, expected a whole number of at least 1")
    if size <= SMALL_SPACE:
        listed = list(islice(space.enumerate(), size + 1))
        more = "more" if len(listed) > size else len(listed)
        require(len(listed) == size, f"size says {size}, but enumerate lists {more} architectures")
        require(len(set(listed)) == size, "enumerate lists an architecture twice")
        numbered = [space.at(rank) for rank in range(size)]
        require(numbered == listed, "at(0), at(1), ... differ from the order of enumerate")
    else:
        rng = np.random.default_rng(seed)
        ranks = {0, size - 1, *(int.from_bytes(rng.bytes(64), "little") % size for _ in range(50))}
        numbered = [space.at(rank) for rank in sorted(ranks)]
        require(len(set(numbered)) == len(ranks), "at gives the same architecture for two numbers")
        require(
            list(islice(space.enumerate(), 3)) == [space.at(0), space.at(1), space.at(2)], "at and enumerate differ"
        )
    for architecture in numbered[:50]:
        _valid(space, architecture, "at")
    must_raise(f"at({size}), one past the last,", UserError, lambda: space.at(size))


def canonical_is_idempotent(space: Space, drawn: Sequence[Architecture]) -> None:
    for architecture in drawn:
        with must_not_raise(f"canonical of {architecture}"):
            once = space.canonical(architecture)
            twice = space.canonical(once)
        _valid(space, once, "canonical")
        require(once == twice, f"canonical is not idempotent: {architecture} gives {once}, which gives {twice}")
        require(
            space.key(architecture) == space.key(once), f"{architecture} and its canonical form have different keys"
        )


def known_are_its_own(space: Space, shape: TaskShape) -> list[Architecture]:
    """The well-known architectures of the space, of which each is one of its own under one name."""
    with must_not_raise("known"):
        known, again = dict(space.known(shape)), dict(space.known(shape))
    require(all(isinstance(name, str) and name for name in known), f"known has a name that is no text: {list(known)}")
    require(list(known.items()) == list(again.items()), "known gives others, or another order, when asked again")
    for name, architecture in known.items():
        _valid(space, architecture, f"known, under {name!r},")
    require(len(set(known.values())) == len(known), f"known names an architecture twice, among {list(known)}")
    return list(known.values())


def _valid(space: Space, architecture: Architecture, source: str) -> None:
    try:
        space.validate(architecture)
    except UserError as problem:
        raise AssertionError(f"{source} gave an architecture that validate refuses: {problem}") from problem


def _one_change(before: Architecture, after: Architecture, source: str) -> None:
    old, new = before.decisions, after.decisions
    changed = [name for name in old if name in new and old[name] != new[name]]
    require(
        len(changed) == 1,
        f"{source} of {before} gave {after}: {len(changed)} decisions that both answer differ {changed}, expected 1",
    )

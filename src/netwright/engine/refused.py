"""Says which networks of a space cannot be built, and which of their decisions do not go together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from netwright.core.architecture import Architecture

TOGETHER = 3  # decisions that are looked at together, at most
_MOST_DECISIONS = 20  # of an architecture, for looking at more than one


def refused_line(refused: Mapping[Architecture, Exception], sound: Sequence[Architecture]) -> str:
    """A warning that names the decisions, what is wrong, and what to do."""
    first, problem = next(iter(refused.items()))
    culprits = together(first, list(refused), sound)
    named = " with ".join(f"{name}={label!r}" for name, label in culprits.items())
    what = f"those of {named}" if named else f"the first one {first}"
    count = f"{len(refused)} of {len(refused) + len(sound)} networks cannot be built"
    return (
        f"{count}, {what}: {said(problem)}; each costs a trial: restrict the space to what goes together, for example "
        "by one decision that offers the combinations, or by `restriction`"
    )


def together(
    architecture: Architecture, refused: Sequence[Architecture], sound: Sequence[Architecture]
) -> dict[str, object]:
    """The fewest decisions of an architecture that no sound one has together; empty where there are none."""
    working = [set(each.decisions.items()) for each in sound]
    failing = [set(each.decisions.items()) for each in refused]
    candidates = [each for each in _subsets(architecture) if not any(set(each) <= other for other in working)]
    if not candidates:
        return {}
    fewest = min(map(len, candidates))
    return dict(max((c for c in candidates if len(c) == fewest), key=lambda c: sum(set(c) <= each for each in failing)))


def _subsets(architecture: Architecture) -> Iterator[tuple[tuple[str, object], ...]]:
    decided = list(architecture.decisions.items())
    most = TOGETHER if len(decided) <= _MOST_DECISIONS else 1
    for count in range(1, most + 1):
        yield from combinations(decided, count)


def said(problem: Exception) -> str:
    """The kind of an error and what it says, in one line."""
    return f"{type(problem).__name__}: {' '.join(str(problem).split())[:300]}"

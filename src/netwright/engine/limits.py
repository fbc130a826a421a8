"""Limits that are changed while a search runs: what was told is judged anew, and a resume does so at the same place.

A change is kept with its place in the log, after so many asks and tells, before anything follows from it. A trial is
checked by the limits that held when it was asked, and judged by those that hold when it is told; who reads a run judges
all of its trials by those that hold in the end.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from netwright.core.errors import UserError, nearest
from netwright.core.objective import Constraint
from netwright.core.trial import Proposal
from netwright.engine.bounds import told_by
from netwright.engine.memory import Place

if TYPE_CHECKING:
    from netwright.core.architecture import Architecture
    from netwright.core.strategy import Figures
    from netwright.engine.loop import Loop
    from netwright.engine.search import Search

Changes = Sequence[Mapping[str, Any]]


class ChangingLimits:
    """The limits of a search under way, and how they were changed.

    changes: of each "asked" and "told", its place, and "limits", all that hold after it; "by" and "time" for readers.
    keep: brings all changes to the disk; nothing where nothing is stored.
    remembered: the place up to which the strategy remembers what it was told, changes before it among that.
    """

    def __init__(self, loop: Loop) -> None:
        self.changes: Changes = ()
        self.keep: Callable[[Changes], object] = _unkept
        self.remembered = Place(0, 0)
        self._loop, self._begun = loop, tuple(loop.search.limits)
        self._done = 0  # how many changes have been carried out

    @property
    def changed(self) -> bool:
        """Whether any change has been carried out."""
        return self._done > 0

    def at(self, number: int) -> Sequence[Constraint]:
        """The limits that held when trial `number` was asked."""
        found = [each for each in self.changes if each["asked"] <= number]
        return tuple(map(Constraint.parse, found[-1]["limits"])) if found else self._begun

    def restore(self, changes: Changes) -> None:
        """Repeat changes of earlier sessions, each at its place."""
        self.changes = tuple(changes)
        self.catch_up()

    def catch_up(self) -> None:
        """Carry out the changes whose place in the log has come."""
        while self._done < len(self.changes):
            change = self.changes[self._done]
            if self._loop.asked < change["asked"] or len(self._loop.trials) < change["told"]:
                return
            self._done += 1
            heard = change["asked"] < self.remembered.asked or change["told"] < self.remembered.told
            self._loop.go_by(self._loop.search.replace(constraints=change["limits"]), heard=heard)

    def change(self, limit: str, lifted: str, by: str) -> str:
        """Add or lift a limit now; in one line, what holds then. UserError where it cannot be kept, or is none."""
        loop = self._loop
        search = loop.search.limited(limit, lifted=lifted)
        self._require_measured(search)
        region = loop.region_of(search)
        if region.active and not region.find():
            nearest = region.nearest_line()
            raise UserError(
                f"no network of this space is found that keeps {_all(search)}{f'; {nearest}' * bool(nearest)}"
            )
        loop.acknowledgements.settle()
        place = {"asked": loop.asked, "told": len(loop.trials)}
        told = {"limits": [each.exactly for each in search.limits], "by": by, "time": _now()}
        self.keep([*self.changes, {**place, **told}])
        before = {each.number for each in loop.trials if each.completed}
        self.changes = (*self.changes, {**place, **told})
        self.catch_up()
        return _said(search, before, {each.number for each in loop.trials if each.completed})

    def _require_measured(self, search: Search) -> None:
        """UserError for a limit on what no trial has, where estimators do not say what they measure."""
        measured = {name for each in self._loop.trials if each.completed for name in each.metrics}
        names = measured | {name for each in search.estimator.stages() for name in each.metrics}
        for each in search.limits:
            if measured and each.metric not in names:
                raise UserError(f"this search does not measure {each.metric!r}{nearest(each.metric, sorted(names))}")


def known_of(search: Search) -> tuple[Figures, list[Constraint]]:
    """What is known of an architecture without training it, and the limits of the search on that."""
    stages = [each for each in search.estimator.stages() if each.analytic]

    def figures(architecture: Architecture) -> Mapping[str, float]:
        asked = Proposal(architecture)
        return {name: value for each in stages for name, value in each.estimate(asked, 0).metrics.items()}

    names = {name for each in stages for name in each.metrics}
    limits = [Constraint(told_by(stages, each), each.limit, each.relation) for each in search.limits]
    return figures, [each for each in limits if each.metric in names]


def _said(search: Search, before: set[int], now: set[int]) -> str:
    worse, better = len(before - now), len(now - before)
    said = [f"{_trials(worse)} of before break{'s' * (worse == 1)} them"] if worse else []
    said += [f"{_trials(better)} of before keep{'s' * (better == 1)} them now"] if better else []
    holds = f"the limits are now {_all(search)}" if search.limits else "there are no limits now"
    return "; ".join([holds, *said])


def _trials(count: int) -> str:
    return f"{count} trial{'s' * (count != 1)}"


def _all(search: Search) -> str:
    return " and ".join(map(str, search.limits))


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _unkept(_changes: Changes) -> None:
    """What `keep` is where nothing is stored."""

"""Workers and nodes at which one trial after the other is lost: they are taken out of use, and the user is told."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from netwright.core.executor import Executor, Outcome

CURSED = 3  # different trials that are lost at one place, with none ending there in between


class Places:
    """Counts the trials that are lost at each worker or node. notices: what was said of them, one line each."""

    def __init__(self, executor: Executor) -> None:
        self.notices: list[str] = []
        self.on_notice: Callable[[str, Mapping[str, object]], object] = _unheard
        self._executor = executor
        self._lost: defaultdict[str, set[int]] = defaultdict(set)
        self._cursed: set[str] = set()

    def note(self, outcome: Outcome) -> None:
        """Take the place of this outcome out of use where it is now found to be cursed."""
        lost = self._newly_cursed(outcome)
        if not lost:
            return
        place = outcome.place
        text = (
            f"trials {', '.join(map(str, lost))} were lost at {place} and none completed there in between; "
            f"{self._quarantine(place)}, the search goes on (the last one: {outcome.reason or 'no reason given'})"
        )
        self.notices.append(text)
        self.on_notice("quarantine", {"place": place, "trials": list(lost), "text": text})

    def _newly_cursed(self, outcome: Outcome) -> Sequence[int]:
        """The trials that were lost where this one was, if that makes the place a cursed one; else none."""
        place = outcome.place
        if not place or place in self._cursed:
            return ()
        if outcome.state == "completed":
            self._lost.pop(place, None)
        elif outcome.state == "lost":
            lost = self._lost[place]
            lost.add(outcome.number)
            if len(lost) >= CURSED:
                self._cursed.add(place)
                return sorted(lost)
        return ()

    def _quarantine(self, place: str) -> str:
        """Ask the executor to use a place no more; what came of it."""
        quarantine: Callable[[str], bool] | None = getattr(self._executor, "quarantine", None)
        if quarantine is None:
            return "it cannot be taken out of use"
        return "it gets no more trials" if quarantine(place) else "it stays in use, for there is no other"


def _unheard(_kind: str, _data: Mapping[str, object]) -> None:
    """What `on_notice` is where nobody listens."""

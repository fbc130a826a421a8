"""What was measured again of a front whose networks a clock measures, and what that leaves of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from netwright.core.objective import Objective, Scored
from netwright.core.trial import Trial

MEASURED_FRONT = "front measured again"
"""The key under which a run keeps it."""
HIGHEST = "_highest_ms"  # how the metric of the slowest of several measurements ends

S = TypeVar("S", bound=Scored)


@dataclass(frozen=True)
class Again:
    """What was measured again of the networks of a front.

    metric: the objective that a clock measures.
    found: by the number of a trial its metrics, the median of several measurements and the slowest of them.
    """

    metric: str
    found: Mapping[int, Mapping[str, float]]

    @classmethod
    def of(cls, kept: Mapping[str, Any] | None) -> Again | None:
        """From what a run keeps; None where nothing was measured again."""
        return None if not kept else cls(kept["metric"], {each["trial"]: each["metrics"] for each in kept["measured"]})

    def doubt(self, number: int) -> float:
        """By what share the measurements of one network differ: the slowest of several from their median."""
        found = self.found[number]
        highest = found.get(self.metric.removesuffix("_ms") + HIGHEST, found[self.metric])
        return max(0.0, highest / found[self.metric] - 1) if found[self.metric] else 0.0

    def replaced(self, trials: Sequence[S], objectives: Sequence[Objective]) -> list[S]:
        """The trials, those that were measured again with what that gave in place of what they had measured."""
        return [self._replaced(each, objectives) for each in trials]

    def _replaced(self, trial: Any, objectives: Sequence[Objective]) -> Any:
        if trial.number not in self.found or not trial.completed:
            return trial
        metrics = {**trial.metrics, **self.found[trial.number]}
        scores = tuple(
            each.score(metrics) if each.metric == self.metric else score
            for each, score in zip(objectives, trial.scores, strict=True)
        )
        if isinstance(trial, Trial):
            return replace(trial, measurement=replace(trial.measurement, metrics=metrics), scores=scores)
        return replace(trial, metrics=metrics, scores=scores)

    def perhaps_beaten(self, points: Sequence[Any], objectives: Sequence[Objective]) -> dict[int, int]:
        """Points of a front that another one may beat, since the clock cannot tell them apart: by number the other's.

        The other is better elsewhere, nowhere worse, and as good by the clock as far as repeated measurements differ.
        points: of the front, the best in the first objective first; the first of those that may beat one is given.
        """
        place = next((n for n, each in enumerate(objectives) if each.metric == self.metric), None)
        known = [each for each in points if each.number in self.found]
        if place is None:
            return {}
        found: dict[int, int] = {}
        for point in known:
            for other in known:
                if self._may_beat(other, point, place):
                    found.setdefault(point.number, other.number)
        return found

    def _may_beat(self, other: Any, point: Any, place: int) -> bool:
        theirs, ours = ([*each.scores[:place], *each.scores[place + 1 :]] for each in (other, point))
        if theirs == ours or any(a < b for a, b in zip(theirs, ours, strict=True)):
            return False
        room = self.doubt(other.number) + self.doubt(point.number)
        return abs(other.scores[place] - point.scores[place]) <= room * abs(point.scores[place])


def measured_front_line(again: Again | None, front: Sequence[Any]) -> str:
    """What was measured again, in one line; empty where nothing was."""
    if again is None:
        return ""
    known = sum(each.number in again.found for each in front)
    fell = len(again.found) - known
    count = f"all {known} networks" if known == len(front) else f"{known} of the {len(front)} networks"
    left = "; there was no time for the others" if known < len(front) else ""
    behind = f"; {fell} more fell behind it by that" if fell else ""
    return f"{again.metric} was measured again, alone, of {count} of the front{behind}{left}"

"""Which trials of a run are compared: those at the highest fidelity, or where each stands now."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

import netwright as nw
from netwright.core.errors import StopSearch
from netwright.core.fronts import best_within
from netwright.core.objective import Constraint
from netwright.core.trial import Proposal
from netwright.estimators import Function
from netwright.testing.small_spaces import Layers

SPACE = Layers(most=2)


class Climbs(nw.Strategy):
    """Asks of three architectures at half the fidelity, then of the first in full."""

    bounded: ClassVar[bool] = True

    def __init__(self, space: nw.DecisionSpace, whole: bool = True) -> None:
        self.space, self.measures_whole = space, whole
        self._asked = 0

    def ask(self, rng: np.random.Generator) -> Proposal:
        if self._asked == 4:
            raise StopSearch("all were asked")
        self._asked += 1
        first = self._asked == 4
        return Proposal(SPACE.at(0 if first else self._asked - 1), fidelity=1.0 if first else 0.5)

    def tell(self, trial: nw.Trial) -> None:
        pass


def run(whole: bool) -> nw.Run:
    places = {SPACE.at(place): place for place in range(3)}

    def measured(architecture: nw.Architecture) -> dict[str, float]:
        number = float(places[architecture])
        return {"score": number, "params": 10 * number}

    return nw.Search(Climbs(SPACE, whole), Function(measured), objective=("score", "params")).run()


def test_where_every_measurement_is_whole_each_candidate_counts_as_it_stands() -> None:
    found = run(whole=True)
    assert [each.number for each in found.compared] == [3, 1, 2]
    assert {each.number for each in found.front} == {1, 2, 3}
    assert best_within(found.compared, [Constraint("params", 10)]).number == 1


def test_elsewhere_those_at_the_highest_fidelity_are_compared() -> None:
    found = run(whole=False)
    assert [each.number for each in found.compared] == [3] == [each.number for each in found.front]

"""Costs that are sums of layers whose sizes multiply: what a decision adds follows from it and a few before it.

The cost of a layer of open width follows from its own width and from that of the layer before (Berman et al. 2020,
"AOWS", equation 5: a latency of pairs of widths). Decided in turn, each width adds an amount that hangs on the one
before alone; so sums over all networks can be found layer by layer.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from math import prod
from typing import TYPE_CHECKING

import numpy as np
import torch

from netwright.core.decision_space import DecisionSpace
from netwright.core.decisions import INACTIVE
from netwright.core.restricted import RestrictedTable
from netwright.core.roles import HasCostTerms

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from netwright.core.decisions import DecisionTable, Point
    from netwright.estimators.costs import Costs

    Floats = NDArray[np.float64]

CONTEXTS, MOST_CONTEXTS = 12, 600
"""In how many random networks each decision is looked at for the parts that follow from it; and how many are drawn."""
MOST = 20_000  # amounts that are counted; above, what a space costs is not taken apart
CHECKED, NEARLY = 200, 1e-6  # random networks on which the sums are checked, and by which share they may be off


@dataclass(frozen=True)
class LocalCosts:
    """What each option of each decision adds, given the options of a few decisions before it.

    frame: (metrics,) what the network costs that takes the first option everywhere.
    before: of each decision, the places of earlier ones that its amounts follow from, in their order.
    amounts: of each decision, by the options of those before, (options, metrics); of options before that go together.
    """

    frame: Floats
    before: Sequence[tuple[int, ...]]
    amounts: Sequence[Mapping[tuple[int, ...], Floats]]
    _tables: dict[object, list[tuple[Tensor, Tensor]]] = field(default_factory=dict, compare=False, repr=False)

    def held(self, i: int) -> tuple[int, ...]:
        """The places, up to decision `i`, from which amounts of later decisions follow."""
        return tuple(sorted({place for later in self.before[i + 1 :] for place in later if place <= i}))

    def of(self, i: int, options: Mapping[int, int]) -> Floats:
        """(options, metrics) of decision `i`. options: of the places that are held before it."""
        return self.amounts[i][tuple(options[place] for place in self.before[i])]

    def total(self, point: Point) -> Floats:
        """(metrics,) of the network at this point."""
        found, chosen = self.frame.copy(), dict(enumerate(point))
        for i, option in enumerate(point):
            if option != INACTIVE:
                found += self.of(i, chosen)[option]
        return found

    def expected(self, shares: Sequence[Tensor]) -> Tensor:
        """float64 (metrics,), the mean over networks whose options are drawn by these shares, with their graph.

        Each amount counts by the probability of the options before that it follows from, which say whether it is asked.

        shares: (options,) of each decision, float64, on one device.
        """
        total = torch.from_numpy(self.frame).to(shares[0].device)
        for i, (contexts, amounts) in enumerate(self._on(shares[0].device)):
            chance = torch.ones(len(contexts), dtype=torch.float64, device=contexts.device)
            for options, place in zip(contexts.T, self.before[i], strict=True):
                chance = chance * torch.where(options == INACTIVE, 1.0, shares[place][options.clamp(min=0)])
            total = total + torch.einsum("c,o,com->m", chance, shares[i], amounts)
        return total

    def _on(self, device: torch.device) -> list[tuple[Tensor, Tensor]]:
        """Of each decision the options before, (combinations, places), and (combinations, options, metrics)."""
        if device not in self._tables:
            self._tables[device] = [
                (
                    torch.tensor([*known], dtype=torch.long, device=device).reshape(len(known), len(places)),
                    torch.from_numpy(np.array([*known.values()])).to(device),
                )
                for known, places in zip(self.amounts, self.before, strict=True)
            ]
        return self._tables[device]


def local_costs(cost: Costs) -> LocalCosts | None:
    """What is added decision by decision; None where that follows from too many decisions, or costs are no such sum.

    cost: of a space that says of which parts its networks are the sum (`cost_terms`).
    """
    space = cost.space
    if not isinstance(space, DecisionSpace) or not isinstance(space, HasCostTerms):
        return None
    table = space.decisions
    if isinstance(table, RestrictedTable) or any(each.kind == "sources" for each in table):
        return None
    before = _before(table, space)
    counts = [prod(_states(table, place) for place in each) for each in before]
    if sum(count * size for count, size in zip(counts, table.sizes, strict=True)) > MOST:
        return None

    def figures(point: Point) -> Floats:
        found = cost.figures(space.from_indices(point, check=False))
        return np.array([float(found[name]) for name in cost.metrics])

    amounts = [_amounts(table, i, each, figures) for i, each in enumerate(before)]
    found = LocalCosts(figures(_completed(table, {})), before, amounts)
    rng = np.random.default_rng(2)
    points = [space.indices(space.sample(rng)) for _ in range(CHECKED)]
    alike = all(np.allclose(found.total(each), figures(each), rtol=NEARLY, atol=0.0) for each in points)
    return found if alike else None


def _states(table: DecisionTable, place: int) -> int:
    return table.sizes[place] + bool(table[place].conditions)


def _before(table: DecisionTable, space: DecisionSpace) -> list[tuple[int, ...]]:
    """Of each decision the earlier ones that parts follow from together with it, and why all these are asked."""
    together: list[set[int]] = [set() for _ in table]
    for scope in _scopes(table, space):
        for place in scope:
            together[place] |= {each for each in scope if each < place}
    for i, decision in enumerate(table):
        together[i] |= {table.places[each.parent] for each in decision.conditions}
    for each in together:
        waiting = list(each)
        while waiting:
            parents = {table.places[condition.parent] for condition in table[waiting.pop()].conditions}
            waiting += parents - each
            each |= parents
    return [tuple(sorted(each)) for each in together]


def _scopes(table: DecisionTable, space: DecisionSpace) -> set[frozenset[int]]:
    """The decisions that each part of some random networks follows from: those that make another part of it."""
    rng, met = np.random.default_rng(0), np.zeros(len(table), np.int64)
    found: set[frozenset[int]] = set()
    for _ in range(MOST_CONTEXTS):
        point = space.indices(space.sample(rng))
        if not any(met[place] < CONTEXTS for place, option in enumerate(point) if option != INACTIVE):
            continue
        several = _scopes_at(table, space, point)
        met[list(set().union(*several))] += 1
        found |= several
    return found


def _scopes_at(table: DecisionTable, space: DecisionSpace, point: Point) -> set[frozenset[int]]:
    """The same of one network; parts that it has twice say nothing."""
    assert isinstance(space, HasCostTerms)
    counted: Counter[Hashable] = Counter(space.cost_terms(point))
    follows: dict[Hashable, set[int]] = {term: set() for term, count in counted.items() if count == 1}
    for place, other in _changes(table, point):
        changed = _completed(table, {**dict(enumerate(point)), place: other})
        for term in follows.keys() - set(space.cost_terms(changed)):
            follows[term].add(place)
    return {frozenset(each) for each in follows.values()}


def _changes(table: DecisionTable, point: Point) -> Iterator[tuple[int, int]]:
    """Every other option of every decision that is asked."""
    for place, option in enumerate(point):
        if option != INACTIVE:
            yield from ((place, other) for other in range(table.sizes[place]) if other != option)


def _completed(table: DecisionTable, known: Mapping[int, int]) -> Point:
    """The point that takes these options where they are asked, and the first one elsewhere."""
    point: list[int] = []
    for i in range(len(table)):
        asked = table.active(i, point)
        point.append(max(0, known.get(i, 0)) if asked else INACTIVE)
    return tuple(point)


def _amounts(
    table: DecisionTable, i: int, before: tuple[int, ...], figures: Callable[[Point], Floats]
) -> dict[tuple[int, ...], Floats]:
    """Of each combination of options before that can be, what each option adds beside the first one."""
    found: dict[tuple[int, ...], Floats] = {}
    offered = [(*range(table.sizes[place]), *((INACTIVE,) * bool(table[place].conditions))) for place in before]
    for options in product(*offered):
        known = dict(zip(before, options, strict=True))
        points = [_completed(table, {**known, i: option}) for option in range(table.sizes[i])]
        if points[0][i] == INACTIVE or any(points[0][place] != option for place, option in known.items()):
            continue
        several = np.array([figures(each) for each in points])
        found[options] = several - several[0]
    return found

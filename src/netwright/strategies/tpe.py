"""The tree-structured Parzen estimator (Bergstra et al. 2011, "Algorithms for Hyper-Parameter Optimization")."""

from __future__ import annotations

import math
from bisect import bisect_left
from itertools import accumulate
from typing import TYPE_CHECKING, Literal

from netwright.core.architecture import Architecture
from netwright.core.errors import ConfigurationError
from netwright.core.strategy import Strategy
from netwright.core.trial import Proposal
from netwright.strategies.arguments import one_of, whole_number
from netwright.strategies.joint import is_allowed
from netwright.strategies.ranking import keys
from netwright.strategies.unseen import Unseen

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np

    from netwright.core.decisions import DecisionTable, Point
    from netwright.core.space import Space
    from netwright.core.trial import Trial

Densities = list[list[float]]  # a probability for each option of each decision


class TreeParzen(Strategy):
    """Draws from the density l of good architectures, and asks the draw that the density g of the others fits least.

    Both densities are products over the decisions in their order: each active decision takes an option with a
    probability in proportion to how often the architectures behind the density took it where it was active, plus
    `prior`. A decision that is not active is not counted and not drawn.

    startup: random architectures first. gamma: which of n are good: ceil(gamma sqrt(n)) of them for split "root", at
    most `recent` (the authors' published program), ceil(gamma n) for "share" (section 4 of the paper). candidates: how
    many draws from l are compared. recent: so many of the latest observations of a density weigh 1, older ones less,
    down to 1/n (the published program's linear forgetting). The defaults are those of the published program.
    prior: what is added to each option's count. split: "root" or "share", how many architectures are the good ones.

    No architecture is asked twice: draws that were asked are passed over, and where all were, a random new one is
    asked, until SpaceExhausted. Pending and failed trials count among the others, which keeps parallel trials apart.
    With several objectives the order is that of NSGA-II: by front, then by crowding (Deb et al. 2002).
    """

    def __init__(
        self,
        space: Space,
        startup: int = 20,
        gamma: float = 0.25,
        candidates: int = 24,
        prior: float = 1.0,
        split: Literal["root", "share"] = "root",
        recent: int = 25,
    ) -> None:
        one_of(self, "split", split, ("root", "share"))
        for name, value in (("gamma", gamma), ("prior", prior)):
            if not isinstance(value, (int, float)) or not 0 < value < math.inf:
                raise ConfigurationError(f"TreeParzen: {name} is {value!r}; expected a number above 0")
        if split == "share" and gamma >= 1:
            raise ConfigurationError(f"TreeParzen: gamma is {gamma!r}; expected a share of the trials, below 1")
        self.space = space
        self.startup = whole_number(self, "startup", startup)
        self.gamma = gamma
        self.candidates = whole_number(self, "candidates", candidates)
        self.prior = prior
        self.split: Literal["root", "share"] = split
        self.recent = whole_number(self, "recent", recent)
        self._unseen = Unseen(space)
        self._asked = 0
        self._pending: dict[Point, int] = {}  # the order in which it was asked
        self._told: list[tuple[int, Trial]] = []

    def ask(self, rng: np.random.Generator) -> Proposal:
        architecture = None
        if self._asked >= self.startup and self._told:
            architecture = self._best_draw(rng)
        architecture = architecture or self._unseen.draw(rng)
        self._pending[architecture.point] = self._asked
        self._asked += 1
        return Proposal(architecture)

    def tell(self, trial: Trial) -> None:
        self._told.append((self._pending.pop(trial.architecture.point), trial))

    def _best_draw(self, rng: np.random.Generator) -> Architecture | None:
        """The draw from l with the largest l/g (equation 11) of those that were not asked; None where all were."""
        table = self.space.decisions
        good, other = self.densities()
        bounds = [list(accumulate(row)) for row in good]
        ratios = [
            [math.log(a / b) for a, b in zip(ours, theirs, strict=True)]
            for ours, theirs in zip(good, other, strict=True)
        ]
        shares = rng.random((self.candidates, len(table))).tolist()
        drawn = dict.fromkeys(_drawn(table, bounds, each) for each in shares)
        ranked = sorted(drawn, key=lambda point: -_total(ratios, point))
        for point in ranked:
            architecture = Architecture(self.space, point)
            if is_allowed(table, point) and self._unseen.add(architecture):
                return architecture
        return None

    def densities(self) -> tuple[Densities, Densities]:
        """l and g: for each decision the probabilities of its options."""
        good, other = self._split()
        return self._density(good), self._density(other)

    def _split(self) -> tuple[list[Point], list[Point]]:
        """The points of the good trials and of the others, each in the order they were asked (equation 2)."""
        completed = [(order, trial) for order, trial in self._told if trial.completed]
        sort_keys = keys([trial for _, trial in completed])
        places = sorted(range(len(completed)), key=lambda k: (sort_keys[k], -completed[k][0]), reverse=True)
        count = self._count_good(len(completed))
        good = sorted((completed[k][0], completed[k][1].architecture.point) for k in places[:count])
        rest = [(completed[k][0], completed[k][1].architecture.point) for k in places[count:]]
        rest += [(order, trial.architecture.point) for order, trial in self._told if not trial.completed]
        rest += [(order, point) for point, order in self._pending.items()]
        return [point for _, point in good], [point for _, point in sorted(rest)]

    def _count_good(self, completed: int) -> int:
        if self.split == "share":
            return math.ceil(self.gamma * completed)
        return min(math.ceil(self.gamma * math.sqrt(completed)), self.recent)

    def _density(self, points: Sequence[Point]) -> Densities:
        """Section 4.2: the probability of option k of K is in proportion to K prior p_k + its count, p_k being 1/K."""
        table = self.space.decisions
        density: Densities = []
        for i, size in enumerate(table.sizes):
            taken = [point[i] for point in points if point[i] >= 0]
            counts = [self.prior] * size
            for option, weight in zip(taken, self._weights(len(taken)), strict=True):
                counts[option] += weight
            total = math.fsum(counts)
            density.append([count / total for count in counts])
        return density

    def _weights(self, count: int) -> list[float]:
        """1 for each of the latest observations; before them a straight line that begins at 1/count."""
        old = count - self.recent
        if old <= 0:
            return [1.0] * count
        step = (1 - 1 / count) / max(old - 1, 1)
        return [1 / count + step * k for k in range(old)] + [1.0] * self.recent


def _drawn(table: DecisionTable, bounds: Densities, shares: Sequence[float]) -> Point:
    """Each active decision by its own probabilities, in order."""
    point: list[int] = []
    for i, share in enumerate(shares):
        if table.active(i, point):
            point.append(min(bisect_left(bounds[i], share), table.sizes[i] - 1))
        else:
            point.append(-1)
    return tuple(point)


def _total(ratios: Densities, point: Point) -> float:
    return math.fsum(ratios[i][option] for i, option in enumerate(point) if option >= 0)

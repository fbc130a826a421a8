"""The tree-structured Parzen estimator (Bergstra et al. 2011, "Algorithms for Hyper-Parameter Optimization")."""

from __future__ import annotations

import math
from bisect import bisect_left, insort
from itertools import accumulate
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np

from netwright.core.architecture import Architecture
from netwright.core.checks import one_of, whole_number
from netwright.core.decision_space import DecisionSpace
from netwright.core.errors import ConfigurationError
from netwright.core.space import Space
from netwright.core.strategy import Remembering
from netwright.core.trial import Proposal, asked_about
from netwright.strategies.evolution.ranking import crowding_distances, front_numbers
from netwright.strategies.joint import settled
from netwright.strategies.unseen import Unseen

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from netwright.core.decisions import DecisionTable, Point
    from netwright.core.trial import Trial

PROVIDES = ("search.bo_gp",)

RANKED_AGAIN = 1.01  # times as many completed trials
Densities = list[list[float]]  # a probability for each option of each decision


class TreeParzen(Remembering):
    """Draws from the density l of good architectures, and asks the draw that the density g of the others fits least.

    Both densities are products over the decisions in their order: each active decision takes an option with a
    probability in proportion to how often the architectures behind the density took it where it was active, plus
    `prior`. A decision that is not active is not counted and not drawn.

    The authors' program has split="root" and gamma=0.25, which does worse on three of five tables and as well on the
    others (benchmarks/RESULTS.md); its other numbers are the defaults. It chooses each decision by itself, by the
    largest of 24 ratios; here whole architectures are compared, as the paper has it.

    No architecture is asked twice: draws that were asked are passed over, and where all were, a random new one is
    asked, until SpaceExhausted. Pending and failed trials count among the others, which keeps parallel trials apart.
    With several objectives the order is that of NSGA-II: by front, then by crowding (Deb et al. 2002); it is made anew
    for each hundredth more of the trials, so for each one up to a hundred; later ones count among the others till then.

    space: the one to search.
    startup: random architectures first.
    gamma: which of n are good; ceil(gamma sqrt(n)) of them for split "root", at most `recent` (the authors' published
        program), ceil(gamma n) for "share" (section 4 of the paper).
    candidates: how many draws from l are compared.
    prior: what is added to each option's count.
    split: "root" or "share", how many architectures are the good ones.
    recent: so many of the latest observations of a density weigh 1, older ones less, down to 1/n (the published
        program's linear forgetting).
    """

    called = "tpe"
    adopts = True
    needs: ClassVar[type[Space]] = DecisionSpace
    space: DecisionSpace

    def __init__(
        self,
        space: DecisionSpace,
        startup: int = 20,
        gamma: float = 0.1,
        candidates: int = 24,
        prior: float = 1.0,
        split: Literal["root", "share"] = "share",
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
        self._points = _Rows(len(space.decisions))  # by that order
        self._completed: list[tuple[int, tuple[float, ...]]] = []  # the order and the scores
        self._ranked: list[int] = []  # of several objectives: the orders when they were last ranked, the best first
        self._best: list[tuple[float, int]] = []  # of one objective: minus the score, and the order; ascending

    def ask(self, rng: np.random.Generator) -> Proposal:
        architecture = None
        if self._asked >= self.startup and self._completed:
            architecture = self._best_draw(rng)
        architecture = architecture or self._unseen.draw(rng)
        self._pending[self.space.indices(architecture)] = self._asked
        self._points.put(self._asked, self.space.indices(architecture))
        self._asked += 1
        return Proposal(architecture)

    def tell(self, trial: Trial) -> None:
        order = self._pending.pop(self.space.indices(asked_about(trial)))
        self._unseen.note(trial)
        self._points.put(order, self.space.indices(trial.architecture))
        if trial.completed:
            self._complete(order, trial.scores)

    def judge_anew(self, trials: Mapping[int, Trial]) -> None:
        """What breaks a limit now counts among the others; what keeps the limits again is ranked."""
        now = {self.space.indices(each.architecture): each for each in trials.values() if each.completed}
        pending = set(self._pending.values())
        self._completed, self._ranked, self._best = [], [], []
        for order, point in enumerate(self._points.all().tolist()):
            if order not in pending and (trial := now.get(tuple(point))):
                self._complete(order, trial.scores)

    def _complete(self, order: int, scores: tuple[float, ...]) -> None:
        self._completed.append((order, scores))
        insort(self._best, (-scores[0], order))

    def memory(self) -> Mapping[str, Any]:
        width = len(self._completed[0][1]) if self._completed else 1
        scores = [scores for _, scores in self._completed]
        return {
            "unseen": self._unseen.memory(),
            "asked": self._asked,
            "points": self._points.all().astype(np.int32),
            "pending": [[list(point), order] for point, order in self._pending.items()],
            "completed": np.array([order for order, _ in self._completed], dtype=np.int64),
            "scores": np.array(scores, dtype=np.float64).reshape(len(scores), width),
            "ranked": np.array(self._ranked, dtype=np.int64),
        }

    def remember(self, memory: Mapping[str, Any]) -> None:
        self._unseen.remember(memory["unseen"])
        self._asked = memory["asked"]
        for number, point in enumerate(memory["points"].tolist()):
            self._points.put(number, point)
        self._pending = {tuple(point): order for point, order in memory["pending"]}
        for order, scores in zip(memory["completed"].tolist(), memory["scores"].tolist(), strict=True):
            self._complete(order, tuple(scores))
        self._ranked = memory["ranked"].tolist()

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
        for drawn_point in ranked:
            point = settled(table, drawn_point, rng)
            if point is not None and self._unseen.add(architecture := self.space.from_indices(point, check=False)):
                return architecture
        return None

    def densities(self) -> tuple[Densities, Densities]:
        """l and g: for each decision the probabilities of its options."""
        good, other = self._split()
        return self._density(good), self._density(other)

    def _split(self) -> tuple[np.ndarray, np.ndarray]:
        """The points of the good trials and of the others, (n, decisions), as they were asked (equation 2)."""
        points = self._points.all()
        is_good = np.zeros(len(points), dtype=bool)
        is_good[self._best_orders(self._count_good(len(self._completed)))] = True
        return points[is_good], points[~is_good]

    def _best_orders(self, count: int) -> list[int]:
        """The orders of the best completed trials, of equal ones the older."""
        if not self._completed or len(self._completed[0][1]) == 1:
            return [order for _, order in self._best[:count]]
        if len(self._completed) >= RANKED_AGAIN * len(self._ranked):
            self._ranked = self._by_front()
        return self._ranked[:count]

    def _by_front(self) -> list[int]:
        """The orders of the completed trials by front, then by crowding, the best first."""
        orders = np.array([order for order, _ in self._completed])
        scores = np.array([scores for _, scores in self._completed])
        fronts = front_numbers(scores)
        return orders[np.lexsort((orders, -crowding_distances(scores, fronts), fronts))].tolist()

    def _count_good(self, completed: int) -> int:
        if self.split == "share":
            return math.ceil(self.gamma * completed)
        return min(math.ceil(self.gamma * math.sqrt(completed)), self.recent)

    def _density(self, points: np.ndarray) -> Densities:
        """Section 4.2: the probability of option k of K is in proportion to K prior p_k + its count, p_k being 1/K."""
        weights: dict[int, np.ndarray] = {}
        density: Densities = []
        for column, size in zip(points.T, self.space.decisions.sizes, strict=True):
            taken = column[column >= 0]
            if len(taken) not in weights:
                weights[len(taken)] = self._weights(len(taken))
            counts = self.prior + np.bincount(taken, weights[len(taken)], size)
            density.append((counts / counts.sum()).tolist())
        return density

    def _weights(self, count: int) -> np.ndarray:
        """1 for each of the latest observations; before them a straight line that begins at 1/count."""
        found = np.ones(count)
        old = count - self.recent
        if old > 0:
            found[:old] = 1 / count + (1 - 1 / count) / max(old - 1, 1) * np.arange(old)
        return found


class _Rows:
    """Points by number, in an array that grows."""

    def __init__(self, width: int) -> None:
        self._array = np.empty((64, width), dtype=np.intp)
        self._count = 0

    def put(self, number: int, point: Sequence[int]) -> None:
        if number >= len(self._array):
            self._array = np.concatenate((self._array, np.empty_like(self._array)))
        self._array[number] = point
        self._count = max(self._count, number + 1)

    def all(self) -> np.ndarray:
        """intp (n, decisions)."""
        return self._array[: self._count]


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

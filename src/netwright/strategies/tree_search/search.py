"""Monte-Carlo tree search for architectures (Negrinho and Gordon 2017; Wang et al. 2018), by UCT."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np

from netwright.core.architecture import Architecture
from netwright.core.checks import is_number, one_of, whole_number
from netwright.core.decision_space import DecisionSpace
from netwright.core.errors import ConfigurationError
from netwright.core.space import Space
from netwright.core.strategy import Remembering
from netwright.core.trial import Proposal
from netwright.strategies.joint import is_allowed
from netwright.strategies.rewards import Rewards
from netwright.strategies.told import noted, recalled
from netwright.strategies.tree_search.tree import Node, Tree, upper_bounds
from netwright.strategies.unseen import Unseen, points_of

if TYPE_CHECKING:
    from netwright.core.decisions import DecisionTable, Point
    from netwright.core.trial import Trial
    from netwright.predictors import Predictor

MOST_WALKS = 64
_MOST_INT = 2**31


class Walk:
    """One way down the tree: its nodes, and the mean reward that a predictor expects below the last (None: unknown)."""

    __slots__ = ("expected", "nodes")

    def __init__(self, nodes: list[Node], expected: float | None = None) -> None:
        self.nodes, self.expected = nodes, expected


class MonteCarloTreeSearch(Remembering):
    """Walks from the first decision to the last, each time to the option with the largest upper confidence bound.

    At the first node that no walk has visited, the architecture is completed at random; its reward is counted at every
    node of the walk. The reward is the score scaled to 0..1 by the lowest and the highest so far, 0 for a trial that
    did not complete; with several objectives the mean of their rewards. Where there is a predictor, the reward of a
    walk is the mean of the measured one and of what is predicted for random architectures below the walk's last node
    (Wang et al. 2018).

    No architecture is asked twice: a walk that ends at a known one counts its reward again and another begins; after 64
    of them a random new architecture is asked. What was asked entirely is not entered any more, until SpaceExhausted.
    Pending trials count as visits with the reward 0 (virtual loss), so that parallel walks part.

    space: the one to search.
    exploration: c in mean + c sqrt(2 ln N / n).
    halve: the options of which decisions are split in two again and again instead of branching at once, so that
        neighbours share what is known of them; "none", "ordered" (numbers and repetitions), "all" (Negrinho and Gordon
        2017, section 5.3).
    order: of the levels; "wide" has the decisions with the most options first, so that operations come before the edges
        between them, "space" the order of `space.decisions`, as every space has where what is asked depends on what was
        answered.
    predictor: of the score, for the rewards; None for the measured ones alone.
    simulations: random architectures below a walk's last node whose scores are predicted.
    refit: trials after which the predictor is fitted each time.
    """

    called = "mcts"
    needs: ClassVar[type[Space]] = DecisionSpace
    space: DecisionSpace

    def __init__(
        self,
        space: DecisionSpace,
        exploration: float = 0.2,
        halve: Literal["none", "ordered", "all"] = "none",
        order: Literal["wide", "space"] = "wide",
        predictor: Predictor | None = None,
        simulations: int = 10,
        refit: int = 20,
    ) -> None:
        one_of(self, "halve", halve, ("none", "ordered", "all"))
        if not isinstance(exploration, (int, float)) or not 0 <= exploration < math.inf:
            raise ConfigurationError(
                f"MonteCarloTreeSearch: exploration is {exploration!r}; expected a number of at least 0"
            )
        self.space = space
        self.exploration = exploration
        one_of(self, "order", order, ("wide", "space"))
        self.order: Literal["wide", "space"] = order
        self.halve: Literal["none", "ordered", "all"] = halve
        self.predictor = None if predictor is None else predictor.replace()  # its own, to fit as it likes
        self.simulations = whole_number(self, "simulations", simulations)
        self.refit = whole_number(self, "refit", refit)
        self._unseen = Unseen(space)
        self._tree: Tree | None = None
        self._rewards = Rewards()
        self._pending: dict[Point, Walk] = {}
        self._counted: list[tuple[Walk, Trial]] = []
        self._known: dict[Point, Trial] = {}  # by canonical point
        self._fitted = 0  # how many trials the predictor knows
        self._learnt: tuple[list[float], int] = ([], 0)  # their rewards when it was fitted, and the seed

    def ask(self, rng: np.random.Generator) -> Proposal:
        tree = self._tree = self._tree or self._planted()
        self._fit(rng)
        for _ in range(MOST_WALKS):
            if tree.root.closed:
                break
            walk = Walk(self._descend(tree, rng))
            point = self._rolled_out(tree, walk, rng)
            if point is None:
                continue
            architecture = self.space.from_indices(point, check=False)
            canonical = self.space.key(architecture)
            if self._unseen.add_key(canonical):
                return self._proposed(tree, architecture, walk, rng)
            if tree.ends(walk.nodes[-1]):
                tree.close(walk.nodes)
            if canonical in self._known:
                self._count(walk, self._known[canonical])
        architecture = self._unseen.draw(rng)
        return self._proposed(tree, architecture, Walk(tree.path(self.space.indices(architecture))), rng)

    def _planted(self) -> Tree:
        table = self.space.decisions
        return Tree(table, _halved(table, self.halve), _widest_first(table) if self.order == "wide" else ())

    def _descend(self, tree: Tree, rng: np.random.Generator) -> list[Node]:
        """Tree policy: by upper confidence bounds to the first node that was not visited yet."""
        path = [tree.root]
        while not tree.ends(path[-1]):
            if not path[-1].children:
                tree.expand(path[-1])
            bounds = upper_bounds(path[-1], self.exploration)
            best = max(bounds)
            ties = [k for k, bound in enumerate(bounds) if bound == best]
            path.append(path[-1].children[ties[int(rng.integers(len(ties)))]])
            if not path[-1].visits + path[-1].pending:
                break
        return path

    def _rolled_out(self, tree: Tree, walk: Walk, rng: np.random.Generator) -> Point | None:
        """Rollout policy: at random; None where the space allows no architecture at the end of the walk.

        Where it allows none, or luck found none, in a space whose decisions may not be combined at will, the walk
        counts with the reward 0 below where the architecture that was found instead parts from it.
        """
        point = tree.rollout(walk.nodes[-1], rng)
        if not is_allowed(self.space.decisions, point):
            tree.close(walk.nodes)
            return None
        nodes = tree.path(point)
        for node in walk.nodes:
            node.visits += node not in nodes
        walk.nodes = nodes
        return point

    def _proposed(self, tree: Tree, architecture: Architecture, walk: Walk, rng: np.random.Generator) -> Proposal:
        if tree.ends(walk.nodes[-1]):
            tree.close(walk.nodes)
        for node in walk.nodes:
            node.pending += 1
        walk.expected = self._expected(tree, walk.nodes[-1], rng)
        self._pending[self.space.indices(architecture)] = walk
        return Proposal(architecture)

    def tell(self, trial: Trial) -> None:
        walk = self._pending.pop(self.space.indices(trial.architecture))
        for node in walk.nodes:
            node.pending -= 1
        if self._see(trial):
            self._count_again()
        self._count(walk, trial)

    def _see(self, trial: Trial) -> bool:
        """Take note of a trial; whether this changes the reward of those before it."""
        if trial.completed:
            self._known[self.space.key(trial.architecture)] = trial
        return self._rewards.see(trial)

    def _count(self, walk: Walk, trial: Trial) -> None:
        """Back-propagation: the reward counts at each node of the walk."""
        self._counted.append((walk, trial))
        reward = self._reward(walk, trial)
        for node in walk.nodes:
            node.visits += 1
            node.total += reward

    def _reward(self, walk: Walk, trial: Trial) -> float:
        reward = self._rewards.of(trial)
        return reward if walk.expected is None or not trial.completed else (reward + walk.expected) / 2

    def _count_again(self) -> None:
        """The scale of the rewards has changed, so every sum has."""
        for walk, _ in self._counted:
            for node in walk.nodes:
                node.total = 0.0
        for walk, trial in self._counted:
            reward = self._reward(walk, trial)
            for node in walk.nodes:
                node.total += reward

    # What it remembers. A predictor learns once more what it had learnt last.

    def memory(self) -> Mapping[str, Any]:
        tree = self._tree = self._tree or self._planted()
        places = {id(node): place for place, node in enumerate(tree.nodes())}
        trials = list({trial.number: trial for _, trial in self._counted}.values())
        numbers = {trial.number: number for number, trial in enumerate(trials)}
        rewards, seed = self._learnt
        return {
            "tree": tree.memory(),
            "unseen": self._unseen.memory(),
            "told": noted(trials, self.space),
            "counted": _ends([walk for walk, _ in self._counted], places),
            "counted_trials": np.array([numbers[trial.number] for _, trial in self._counted], dtype=np.int64),
            "asked": points_of(list(self._pending), self.space),
            "pending": _ends(list(self._pending.values()), places),
            "learnt": np.array(rewards, dtype=np.float64),
            "seed": seed,
        }

    def remember(self, memory: Mapping[str, Any]) -> None:
        tree = self._tree = self._planted()
        ways = tree.remember(memory["tree"])
        self._unseen.remember(memory["unseen"])
        trials = recalled(memory["told"], self.space)
        for trial in trials:
            self._see(trial)
        counted = _walks(memory["counted"], ways)
        self._counted = [(walk, trials[k]) for walk, k in zip(counted, memory["counted_trials"].tolist(), strict=True)]
        asked = [tuple(point) for point in memory["asked"].tolist()]
        self._pending = dict(zip(asked, _walks(memory["pending"], ways), strict=True))
        if self.predictor is not None and len(memory["learnt"]):
            self._learn(self.predictor, memory["learnt"].tolist(), memory["seed"])

    # The predictor.

    def _fit(self, rng: np.random.Generator) -> None:
        if self.predictor is not None and len(self._known) >= self._fitted + self.refit:
            rewards = self._rewards.each(list(self._known.values()))
            self._learn(self.predictor, rewards, int(rng.integers(_MOST_INT)))

    def _learn(self, predictor: Predictor, rewards: list[float], seed: int) -> None:
        """Fit the predictor to the first trials that completed, as many as there are rewards."""
        trials = list(self._known.values())[: len(rewards)]
        predictor.fit([trial.architecture for trial in trials], rewards, seed)
        self._fitted, self._learnt = len(trials), (rewards, seed)

    def _expected(self, tree: Tree, node: Node, rng: np.random.Generator) -> float | None:
        """The mean reward of random architectures below a node: measured where they are known, otherwise predicted."""
        if not self._fitted or self.predictor is None or tree.ends(node):
            return None
        drawn = [self.space.from_indices(tree.rollout(node, rng), check=False) for _ in range(self.simulations)]
        return math.fsum(self._values(drawn)) / len(drawn)

    def _values(self, architectures: Sequence[Architecture]) -> list[float]:
        assert self.predictor is not None
        known = [self._known.get(self.space.key(each)) for each in architectures]
        new = [each for each, trial in zip(architectures, known, strict=True) if trial is None]
        predicted = iter(self.predictor.predict(new).mean.tolist() if new else [])
        return [next(predicted) if trial is None else self._rewards.of(trial) for trial in known]


def _ends(walks: Sequence[Walk], places: Mapping[int, int]) -> dict[str, np.ndarray]:
    """Where walks end, and what is expected below."""
    expected = [math.nan if walk.expected is None else walk.expected for walk in walks]
    ends = [places[id(walk.nodes[-1])] for walk in walks]
    return {"ends": np.array(ends, dtype=np.int64), "expected": np.array(expected, dtype=np.float64)}


def _walks(memory: Mapping[str, np.ndarray], ways: Sequence[list[Node]]) -> list[Walk]:
    """The walks again; `ways`: to each node."""
    found = zip(memory["ends"].tolist(), memory["expected"].tolist(), strict=True)
    return [Walk(ways[end], None if math.isnan(expected) else expected) for end, expected in found]


def _widest_first(table: DecisionTable) -> list[int]:
    """The decisions with the most options first; as they are where some are not always active."""
    if any(each.conditions for each in table):
        return []
    return sorted(range(len(table)), key=lambda place: -table.sizes[place])


def _halved(table: DecisionTable, which: str) -> list[int]:
    if which == "none":
        return []
    return [i for i, each in enumerate(table) if which == "all" or each.kind == "repeat" or _rising(each.options)]


def _rising(options: Sequence[object]) -> bool:
    """Whether the options are numbers, each larger than the one before."""
    numbers = [each for each in options if is_number(each)]
    return len(numbers) == len(options) and numbers == sorted(set(numbers))

"""Options leave whose networks turn their weights least (Hu et al. 2020, "Angle-based Search Space Shrinking")."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import numpy as np

from netwright.core.checks import probability, whole_number
from netwright.core.decisions import INACTIVE
from netwright.core.narrowing import narrowed, require_free
from netwright.strategies.fetching import fetched
from netwright.strategies.rounds.asking import angle, train
from netwright.strategies.rounds.script import Rounds

if TYPE_CHECKING:
    from netwright.core.architecture import Architecture
    from netwright.core.decision_space import DecisionSpace
    from netwright.strategies.rounds.asking import Talk
    from netwright.strategies.rounds.script import Script

PROVIDES = ("search.shrink_grow",)

Option = tuple[int, int]  # number of a decision and of one of its options
TRIES = 100  # draws in a row that bring no new network of an option, after which none is looked for any more


class AngleShrinking(Rounds):
    """Trains uniform paths, and drops the options whose networks have turned their weights least, until few are left.

    A network's angle lies between the vector of its weights now and that with which they began; what learns fast turns
    far. An option is worth the mean angle of the networks that take it. At the end of an epoch in which a shrinking is
    due, networks are drawn until there are `samples` of each option that is left, different ones and within the limits
    of the search on what is known without training; then the options of the least worth are dropped, and only what is
    left is trained. A decision keeps one option at least, and which sources a node reads is left open. It ends nothing:
    what is left of the space is for another strategy to search.

    space: the one to shrink, whose decisions may be combined at will.
    size: shrinking ends where so many networks are left or fewer; 1,000,000 in the paper.
    dropped: options that each shrinking drops; in the authors' program 7 of 142 for layers in a row.
    from_each: whether it drops the worst option of each decision in place of the worst of all, as the program does in
        cells.
    samples: networks by which each option is judged; 1,000 in the paper.
    first, every: shares of the training at which the first shrinking is due, and from one to the next; 100 and 5 of
        170 epochs in the program.
    until: share of the training at which it must be small enough, in one last shrinking where need be.
    """

    closes = False

    def __init__(
        self,
        space: DecisionSpace,
        size: int = 1_000_000,
        dropped: int = 7,
        from_each: bool = False,
        samples: int = 1000,
        first: float = 100 / 170,
        every: float = 5 / 170,
        until: float = 1.0,
    ) -> None:
        self.space = space
        require_free(self, space)
        self.size = whole_number(self, "size", size)
        self.dropped = whole_number(self, "dropped", dropped)
        self.from_each = from_each
        self.samples = whole_number(self, "samples", samples)
        self.first, self.every = probability(self, "first", first), probability(self, "every", every)
        self.until = probability(self, "until", until)
        self.options: dict[str, list[int]] = {
            each.name: list(range(len(each.options))) for each in space.decisions if each.kind != "sources"
        }
        self.count = space.size  # networks that are left
        self.shrunk = self.epoch = 0

    def script(self, rng: np.random.Generator) -> Script:
        """A training step on a path of what is left; and at the end of an epoch the shrinking that is due."""
        yield train(self.drawn)
        if self.progress.epoch > self.epoch:
            self.epoch = self.progress.epoch
            due = self._due()
            if due > 0 and self.count > self.size:
                yield from self._shrink(due, rng)

    def result(self) -> Architecture:
        """A network of what is left."""
        return self.drawn(np.random.default_rng(0))

    def figures(self) -> dict[str, float]:
        return {"left": float(self.count), "options_left": float(sum(map(len, self.options.values())))}

    @property
    def left(self) -> DecisionSpace:
        return narrowed(self.space, self.options)

    def _due(self) -> int:
        """Shrinkings that are due by now and were not made; as many as it takes once it must be small enough."""
        share = self.progress.share
        if share >= min(1.0, self.until) - 1e-9:
            return sum(map(len, self.options.values()))
        if share < self.first - 1e-9:
            return 0
        reached = 1 if self.every <= 0 else 1 + int((share - self.first) / self.every + 1e-9)
        return reached - self.shrunk

    # Networks of what is left.

    def drawn(self, rng: np.random.Generator, wanted: Option | None = None) -> Architecture:
        """A random network of what is left; with an option that is wanted, where what it hangs on allows."""
        table, wishes = self.space.decisions, dict[int, int]()
        if wanted is not None:
            self._wish(wanted, wishes, rng)
        point: list[int] = []
        for i, decision in enumerate(table):
            options = self.options.get(decision.name, range(table.sizes[i]))
            drawn = options[int(rng.integers(len(options)))]
            point.append(wishes.get(i, drawn) if table.active(i, point) else INACTIVE)
        return self.space.from_indices(tuple(point), check=False)

    def _wish(self, wanted: Option, wishes: dict[int, int], rng: np.random.Generator) -> None:
        """The option, and what earlier decisions have to take for it to be asked."""
        wishes[wanted[0]] = wanted[1]
        facts = self.space.decisions.facts(wanted[0])
        if not facts:
            return
        parent, allowed = facts[int(rng.integers(len(facts)))]
        own = self.options.get(self.space.decisions[parent].name)
        there = sorted(allowed if own is None else allowed & frozenset(own))
        if there:
            self._wish((parent, there[int(rng.integers(len(there)))]), wishes, rng)

    def open_options(self) -> list[Option]:
        """The options that may be dropped: all of the decisions that have several left."""
        places = self.space.decisions.places
        return [(places[name], k) for name, left in self.options.items() if len(left) > 1 for k in left]

    # Shrinking.

    def _shrink(self, due: int, rng: np.random.Generator) -> Talk[None]:
        """Measure the angles of networks of every option, and drop the options that turn them least."""
        children = self.children(rng)
        angles: list[object] = []
        for each in children:
            told = yield angle(each)
            angles.append(told.metrics["angle"])
        worth = self.worth(children, fetched(angles))
        for _ in range(due):
            if self.count <= self.size or not self._drop(worth):
                break
            self.shrunk += 1

    def children(self, rng: np.random.Generator) -> list[Architecture]:
        """Different networks of what is left, so many of each option as are wanted, where there are."""
        found: dict[Architecture, None] = {}
        counts: Counter[Option] = Counter()
        for option in self.open_options():
            failed = 0
            while counts[option] < self.samples and failed < TRIES:
                child = self.drawn(rng, option)
                if child in found or not self.keeps(child):
                    failed += 1
                    continue
                found[child], failed = None, 0
                counts.update(enumerate(self.space.indices(child)))
        return list(found)

    def worth(self, children: list[Architecture], angles: list[float]) -> dict[Option, float]:
        """The mean angle of the networks of each option; below all others where no network keeps the limits."""
        by_option: dict[Option, list[float]] = {each: [] for each in self.open_options()}
        for child, turned in zip(children, angles, strict=True):
            for option in enumerate(self.space.indices(child)):
                if option in by_option:
                    by_option[option].append(turned)
        return {option: float(np.mean(each[: self.samples])) if each else -1.0 for option, each in by_option.items()}

    def _drop(self, worth: dict[Option, float]) -> bool:
        """One shrinking by these worths; whether anything was left to drop."""
        gone, lost = 0, set[int]()
        for place, option in sorted(worth, key=lambda each: worth[each]):
            own = self.options[self.space.decisions[place].name]
            if option in own and len(own) > 1 and not (self.from_each and place in lost):
                own.remove(option)
                lost.add(place)
                gone += 1
            if gone == self.dropped and not self.from_each:
                break
        self.count = self.left.size
        return gone > 0

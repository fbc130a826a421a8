"""The architectures that keep the limits which are known before anything is trained: found, and reached from any other.

What a strategy proposes may break a limit on parameters, bytes or a latency that is foretold. Where few networks of a
space keep the limits, a strategy that only hears "infeasible" meets none in its time. So what is tried is the nearest
that keeps them: as many of its decisions as possible, the others from an architecture that is known to keep the limits
(path relinking, Glover 1998), which is found once by going down, one decision at a time.
"""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import replace
from statistics import median
from typing import TYPE_CHECKING

import numpy as np

from netwright.core.architecture import Architecture
from netwright.core.closest import smallest
from netwright.core.decision_space import DecisionSpace
from netwright.core.descent import MANY, between, descended
from netwright.core.errors import SpaceExhausted
from netwright.core.objective import Constraint
from netwright.core.randomness import Generators, derived_seed
from netwright.core.trial import Proposal
from netwright.core.wording import NAMED, shortened
from netwright.engine.bounds import Bound, bounds

if TYPE_CHECKING:
    from netwright.core.estimator import Estimator
    from netwright.core.space import Space
    from netwright.core.trial import Trial

COUNTED = ("macs", "params")  # what leads down quickly, where a limit is on what is foretold
DRAWN = 64  # random architectures, the best of which descents begin at
STARTS = 3  # descents at most
SECONDS = 20.0  # for all of that, at most
SHARE, LEAST = 0.08, 2.0  # of the time of a search, and seconds, for it
KEPT = 48  # architectures that keep the limits, which others are led to
CHANCES = 40  # changes that are drawn for one that was not tried yet
BARREN = 50  # proposals in a row for which there was none, after which no more is looked for
STREAM = 1  # of the search's seed, which is drawn from here
MUTATIONS = 200  # steps towards the limits, where architectures have no decisions
WIDER = 1.05  # times what the nearest is foretold, where none is foretold to keep the limit
DEEPENING = 2.0  # seconds to go further down, once measurements tell that what is foretold is too little
LEAST_CORRECTION = 0.02  # of a limit; less changes nothing
TELLING = 3, 15  # trials at least and at most that tell by how much what is foretold differs from what is measured
MOST_CORRECTED = 0.6, 1.25  # of a limit, what that may make of it


def seconds_of(time_of_search: float | None) -> float:
    """Seconds that may be taken to find architectures that keep the limits. None: the search has no end."""
    return SECONDS if time_of_search is None else min(SECONDS, max(LEAST, SHARE * time_of_search))


class Region:
    """The architectures of a space that keep the limits.

    space: of the architectures.
    stages: that know what architectures cost before they are trained, among others.
    limits: of a search; those on what none of the stages knows are passed over.
    seed: of what is drawn to find the first ones.
    seconds: to find them, at most.
    """

    def __init__(
        self,
        space: Space,
        stages: Sequence[Estimator],
        limits: Sequence[Constraint],
        seed: int = 0,
        seconds: float = SECONDS,
    ) -> None:
        self.space = space
        self._stages, self._limits = stages, limits
        self._seconds = seconds
        self._seed, self._generators = seed, Generators(derived_seed(seed, STREAM))
        self.active = any(  # whether any limit is known beforehand
            each.analytic and each.foretells.get(limit.metric, limit.metric) in each.metrics
            for each in stages
            for limit in limits
        )
        self._bounds: dict[Bound, Estimator] | None = None
        self._shares: dict[Bound, float] = {}
        self._known: dict[Architecture, dict[str, float]] = {}  # that keep the limits as far as they may
        self._slow: set[Architecture] = set()  # that broke one when it was measured
        self._tried: set[Hashable] = set()
        self._in_place: dict[Architecture, Architecture] = {}
        self._errors: dict[Bound, deque[float]] = {}
        self._barren = 0
        self._looked = False
        self._proven: dict[Architecture, None] = {}  # that kept the limits when they were measured
        self.sure = True  # whether there was time to go down as far as it goes
        self.nearest_found: tuple[float, Architecture] | None = None

    # What is known.

    @property
    def bounds(self) -> dict[Bound, Estimator]:
        """The limits that are known beforehand, and the stages that know them."""
        if self._bounds is None:
            self._bounds = bounds(self._stages, self._limits) if self.active else {}
            self._shares = {each: each.aim for each in self._bounds}
        return self._bounds

    def figures(self, architecture: Architecture) -> dict[str, float]:
        """What the limits are about, of an architecture."""
        found: dict[str, float] = {}
        for stage in dict.fromkeys(self.bounds.values()):
            found.update(stage.estimate(Proposal(architecture), 0).metrics)
        return found

    def excess(self, architecture: Architecture) -> float:
        """By how much it breaks the limits in all; 0 where it keeps them, infinite where it cannot be built."""
        try:
            return self._excess(self.figures(architecture))
        except Exception:  # a network that cannot be built is a trial's to tell
            return math.inf

    def _excess(self, figures: Mapping[str, float]) -> float:
        return sum(each.excess(figures, self._shares[each]) for each in self.bounds)

    def keeps(self, architecture: Architecture) -> bool:
        """Whether an architecture keeps the limits, with what foretelling it leaves unsure."""
        return self.excess(architecture) == 0

    def may_keep(self, architecture: Architecture) -> bool:
        """Whether it may keep the limits, whatever is foretold wrongly."""
        try:
            figures = self.figures(architecture)
        except Exception:  # as above
            return False
        return all(each.excess(figures, max(each.reach, self._shares[each])) == 0 for each in self.bounds)

    # Finding it.

    def find(self, first: Sequence[Architecture] = ()) -> bool:
        """Look for an architecture that keeps the limits, once; whether there is one, as far as can be foretold.

        first: architectures that are looked at in place of random ones.
        """
        if self._looked or not self.active:
            return bool(self._known)
        self._looked = True
        rng, until = np.random.default_rng(self._seed), time.monotonic() + self._seconds
        self._descend(self._starts(rng, until, first), rng, until)
        return bool(self._known)

    def _descend(self, starts: Sequence[Architecture], rng: np.random.Generator, until: float) -> None:
        """Go down from these until one keeps the limits; where none does, be content with the nearest, if it may."""
        for architecture in starts:
            found = descended(architecture, self.excess, rng, enough=0.0, until=until)
            self.sure = self.sure and found.ended
            self._note_nearest(found.value, found.architecture)
            if found.value == 0:
                self._keep(found.architecture)
                return
            if time.monotonic() > until:
                break
        self._relax()

    def _starts(self, rng: np.random.Generator, until: float, first: Sequence[Architecture]) -> list[Architecture]:
        """The best of a few random ones, and whatever of them keeps the limits is remembered."""
        drawn: dict[Architecture, float] = {}
        for number in range(len(first) or DRAWN):
            architecture = first[number] if first else self.space.sample(rng)
            drawn[architecture] = self.excess(architecture)
            if drawn[architecture] == 0:
                self._keep(architecture)
            if time.monotonic() > until - 0.5 * self._seconds:
                break
        ordered = sorted(drawn, key=lambda each: drawn[each])[:STARTS]
        return ordered if self._known else [*self._least(), *self._small(ordered[0], rng, until), *ordered]

    def _least(self) -> list[Architecture]:
        """The one of the smallest sizes, where decisions have so many options that going down would take long."""
        space = self.space
        if not isinstance(space, DecisionSpace) or max(space.decisions.sizes, default=0) <= MANY:
            return []
        return [smallest(space)]

    def _small(self, start: Architecture, rng: np.random.Generator, until: float) -> list[Architecture]:
        """Where another one is told of than what is counted at once: where what is counted leads down to."""
        counts = next((each for each in self._stages if each.analytic and set(COUNTED) <= set(each.metrics)), None)
        if counts is None or counts in self.bounds.values():
            return []

        def counted(metric: str) -> Architecture:
            def value(architecture: Architecture) -> float:
                try:
                    return counts.estimate(Proposal(architecture), 0).metrics[metric]
                except Exception:  # as above
                    return math.inf

            return descended(start, value, rng, until=until).architecture

        return list(dict.fromkeys(counted(metric) for metric in COUNTED))

    def _note_nearest(self, excess: float, architecture: Architecture) -> None:
        if self.nearest_found is None or excess < self.nearest_found[0]:
            self.nearest_found = excess, architecture

    def _relax(self) -> None:
        """Go as far as the nearest one does, where that may keep the limits though it is not foretold to."""
        if self.nearest_found is None or not self.may_keep(nearest := self.nearest_found[1]):
            return
        figures = self.figures(nearest)
        for each in self.bounds:
            if each.excess(figures, self._shares[each]):
                self._shares[each] = min(each.reach, WIDER * figures[each.metric] / each.limit.limit)
        self._keep(nearest)

    def _keep(self, architecture: Architecture) -> None:
        if architecture not in self._slow:
            self._known[architecture] = self.figures(architecture)
            if len(self._known) > KEPT:
                del self._known[next(iter(self._known))]

    @property
    def known(self) -> list[Architecture]:
        """Some that keep the limits."""
        return [each for each, figures in self._known.items() if self._excess(figures) == 0] or list(self._known)

    # Reaching it.

    def within(self, proposal: Proposal, number: int) -> Proposal:
        """The proposal, or where it breaks a limit one of the nearest architecture that keeps them and is new.

        The proposal as it is where none is found. number: of the trial.
        """
        asked = proposal.candidate
        if proposal.is_round or not isinstance(asked, Architecture):
            return proposal
        if proposal.parent is not None and asked in self._in_place:  # it goes on where that one stood
            return replace(proposal, candidate=self._in_place[asked], instead_of=asked)
        if not self.active or self._barren >= BARREN or self.keeps(asked):
            return proposal
        if not self.find():
            return proposal
        found = self.nearest(asked, self._generators(number))
        self._barren = self._barren + 1 if found is None else 0
        return proposal if found is None else replace(proposal, candidate=found, instead_of=asked)

    def nearest(self, asked: Architecture, rng: np.random.Generator) -> Architecture | None:
        """The nearest architecture that keeps the limits and was not tried yet; None where none is found."""
        known = self.known
        if not known:
            return None
        proven = [each for each in known if each in self._proven] or known
        there = _closest(asked, [proven[int(rng.integers(len(proven)))] for _ in range(STARTS)])
        found = self._between(asked, there, rng) if isinstance(self.space, DecisionSpace) else self._walked(asked, rng)
        if found is not None and self.space.key(found) not in self._tried:
            self._keep(found)
            return found
        return self._new(known if found is None else [found, *known], rng)

    def _between(self, here: Architecture, there: Architecture, rng: np.random.Generator) -> Architecture:
        """As much of one as the limits allow, the rest of the other, which keeps them."""
        fixed = int(rng.integers(2**32))
        differing = [place for place, (a, b) in enumerate(zip(here.content, there.content, strict=True)) if a != b]
        order = [differing[each] for each in rng.permutation(len(differing))]

        def mixed(places: Sequence[int]) -> Architecture:
            return between(here, there, places, np.random.default_rng(fixed))

        fewer, enough = 0, len(order)  # how many of the decisions are too few, and how many suffice
        while enough - fewer > 1:
            middle = (fewer + enough) // 2
            fewer, enough = (fewer, middle) if self.keeps(mixed(order[:middle])) else (middle, enough)
        taken = order[:enough]
        for place in order[: enough - 1]:  # those that were taken in vain
            left = [each for each in taken if each != place]
            taken = left if self.keeps(mixed(left)) else taken
        found = mixed(taken)
        return found if self.keeps(found) else there

    def _walked(self, asked: Architecture, rng: np.random.Generator) -> Architecture | None:
        """By mutations that do not lead further from the limits."""
        here, excess = asked, self.excess(asked)
        for _ in range(MUTATIONS):
            other = self.space.mutate(here, rng)
            found = self.excess(other)
            if found <= excess:
                here, excess = other, found
            if excess == 0:
                return here
        return None

    def _new(self, among: Sequence[Architecture], rng: np.random.Generator) -> Architecture | None:
        """A change of some that keep the limits, which keeps them and was not tried yet."""
        for turn in range(CHANCES):
            here = among[0] if turn < CHANCES // 4 else among[int(rng.integers(len(among)))]
            try:
                for _ in range(1 + turn % 3):
                    here = self.space.mutate(here, rng)
            except SpaceExhausted:
                return None
            if isinstance(self.space, DecisionSpace) and not self.keeps(here):
                here = self._between(here, among[int(rng.integers(len(among)))], rng)
            if self.space.key(here) not in self._tried and self.keeps(here):
                self._keep(here)
                return here
        return None

    # What trials tell.

    def begun(self, proposal: Proposal) -> None:
        """Take note of what is tried."""
        if self.active and isinstance(proposal.candidate, Architecture) and not proposal.is_round:
            self._tried.add(self.space.key(proposal.candidate))
            if proposal.instead_of is not None:
                self._in_place[proposal.instead_of] = proposal.candidate

    def told(self, trial: Trial) -> None:
        """Take note of what was measured: by how much that differs from what was foretold, and what is too slow."""
        if not self.active or trial.proposal.is_round or trial.state not in ("completed", "infeasible"):
            return
        for limit in self._limits:
            if limit.metric in trial.metrics and not limit.holds(trial.metrics):
                self._slow.add(trial.architecture)
                self._known.pop(trial.architecture, None)
        if trial.completed:
            self._proven[trial.architecture] = None
        if self._bounds is not None and self._looked:
            self._correct(trial)

    def _correct(self, trial: Trial) -> None:
        for each in self.bounds:
            measured, foretold = (trial.metrics.get(name) for name in (each.limit.metric, each.metric))
            if each.metric == each.limit.metric or measured is None or not foretold or each.limit.relation != "<=":
                continue
            errors = self._errors.setdefault(each, deque(maxlen=TELLING[1]))
            errors.append(measured / foretold)
            if len(errors) >= TELLING[0]:
                low, high = MOST_CORRECTED
                corrected = min(max(each.aim / median(errors), low), high)
                if abs(corrected - self._shares[each]) > LEAST_CORRECTION:
                    self._shares[each] = corrected
                    self._deepen()
        if trial.completed and trial.architecture not in self._known:
            self._keep(trial.architecture)

    def _deepen(self) -> None:
        """Where none of those that are known is foretold to keep the limits any longer, look for one that is."""
        if not self._known or any(self._excess(figures) == 0 for figures in self._known.values()):
            return
        nearest = sorted(self._known, key=lambda each: self._excess(self._known[each]))[:STARTS]
        self.nearest_found = None
        self._descend(nearest, np.random.default_rng(self._seed), time.monotonic() + DEEPENING)

    # In words.

    def nearest_line(self) -> str:
        """What comes nearest to the limits, with its figures; empty where nothing was looked at."""
        if self.nearest_found is None:
            return ""
        architecture = self.nearest_found[1]
        figures = self.figures(architecture)
        named = " and ".join(f"{each.metric} {figures[each.metric]:,.4g}" for each in self.bounds)
        return f"the nearest that was found has {named}: {shortened(str(architecture), NAMED)}"


def _closest(here: Architecture, others: Sequence[Architecture]) -> Architecture:
    """That with the fewest other decisions."""
    if not isinstance(here.space, DecisionSpace):
        return others[0]
    return min(others, key=lambda each: sum(a != b for a, b in zip(here.content, each.content, strict=True)))

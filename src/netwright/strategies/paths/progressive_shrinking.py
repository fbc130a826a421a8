"""Progressive shrinking (Cai et al. 2020, "Once-for-All", section 3.3): large networks first, smaller ones later."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from netwright.core.checks import part
from netwright.core.closest import largest
from netwright.core.decisions import INACTIVE
from netwright.core.errors import ConfigurationError
from netwright.strategies.paths.sampler import PathSampler

if TYPE_CHECKING:
    import numpy as np

    from netwright.core.architecture import Architecture
    from netwright.core.decision_space import DecisionSpace
    from netwright.core.decisions import Decision

PROVIDES = ("super.slim", "est.distill")

PHASES = ("resolution kernel", "depth", "width expansion")
PATHS = (1, 2, 4)
FULL, FIRST = 180 / 590, 25 / 145


class ProgressiveShrinking(PathSampler):
    """Trains the largest network alone, then, phase by phase, networks whose sizes of one kind more are drawn.

    Sizes of a kind that is not open yet are the largest. In the first part of each phase but the first only the two
    largest of the new sizes are drawn, then all. Decisions between modules are always open.

    space: the one to search.
    phases: the kinds of sizes of each, by the last part of a decision's name, several apart by blanks; sizes that none
        names are open from the first phase on. Those of the paper, whose resolution is open from the beginning.
    paths: networks of each step in each phase; those of the authors' program.
    full: share of the training for the largest alone; 180 of 590 epochs in the authors' program.
    sandwich: whether each step after that trains the largest and the smallest there is so far, too (Yu and Huang 2019).

    Raises ConfigurationError where phases and paths are not as many, or the phases' share is none.
    """

    def __init__(
        self,
        space: DecisionSpace,
        phases: Sequence[str] = PHASES,
        paths: Sequence[int] = PATHS,
        full: float = FULL,
        sandwich: bool = False,
    ) -> None:
        super().__init__(space)
        if len(phases) != len(paths) or not phases or min(paths) < 1:
            raise ConfigurationError(
                f"ProgressiveShrinking: phases {list(phases)} with {list(paths)} paths; expected a number for "
                "each, of at least 1"
            )
        self.phases, self.paths = tuple(phases), tuple(paths)
        self.full = part(self, "full", full)
        self.sandwich = sandwich
        self._order = [_largest_first(each) for each in space.decisions]

    def step(self, rng: np.random.Generator) -> Sequence[Architecture]:
        if self.progress < self.full:
            return (largest(self.space),)
        phase, within = self._phase()
        drawn = [self._drawn(phase, within, rng) for _ in range(self.paths[phase])]
        if not self.sandwich:
            return drawn
        return [largest(self.space), self._drawn(phase, within, None), *drawn]

    def _phase(self) -> tuple[int, float]:
        """The phase under way, and the share of it that is done."""
        done = (self.progress - self.full) / (1 - self.full) * len(self.phases)
        phase = min(int(done), len(self.phases) - 1)
        return phase, done - phase

    def _opens(self, decision: Decision) -> int:
        """The phase in which a decision opens."""
        last = decision.name.rpartition("/")[2]
        return next((i for i, kinds in enumerate(self.phases) if last in kinds.split()), 0)

    def _open(self, i: int, decision: Decision, phase: int, within: float) -> Sequence[int]:
        """The options that may be drawn."""
        order = self._order[i]
        if order is None:
            return range(len(decision.options))
        opens = self._opens(decision)
        if opens > phase:
            return order[:1]
        return order[:2] if opens == phase and phase and within < FIRST else order

    def _drawn(self, phase: int, within: float, rng: np.random.Generator | None) -> Architecture:
        """A network of the sizes that are open, each drawn uniformly; the smallest where there is nothing to draw from.

        Decisions between modules take their first option in the smallest.
        """
        table = self.space.decisions
        point: list[int] = []
        for i, decision in enumerate(table):
            if not table.active(i, point):
                point.append(INACTIVE)
                continue
            allowed = table.options_after(i, point)
            usual = self._open(i, decision, phase, within)
            options = [k for k in usual if allowed is None or allowed[k]] or [
                k for k in range(len(decision.options)) if allowed is None or allowed[k]
            ]
            if rng is not None:
                point.append(options[int(rng.integers(len(options)))])
            else:
                point.append(options[-1] if self._order[i] is not None else options[0])
        return self.space.from_indices(point, check=False)


def _largest_first(decision: Decision) -> Sequence[int] | None:
    """The options of a size in falling order; None for options that are no numbers."""
    numbers = decision.options
    if not all(isinstance(each, int | float) and not isinstance(each, bool) for each in numbers):
        return None
    return sorted(range(len(numbers)), key=lambda k: -float(numbers[k]))  # pyright: ignore[reportArgumentType]

"""Harmonica: a spectral search by sparse Fourier expansions (Hazan et al. 2018, "Hyperparameter Optimization: A
Spectral Approach")."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np

from netwright.core.architecture import Architecture
from netwright.core.checks import one_of, whole_number
from netwright.core.decision_space import DecisionSpace
from netwright.core.errors import ConfigurationError
from netwright.core.space import Space
from netwright.core.strategy import Remembering, Strategy, in_role
from netwright.core.trial import Proposal
from netwright.strategies.joint import settled
from netwright.strategies.parities import Polynomial, Restriction, SignVariables, sparse_polynomial, values
from netwright.strategies.rewards import Rewards
from netwright.strategies.told import noted, recalled
from netwright.strategies.unseen import Unseen

if TYPE_CHECKING:
    from netwright.core.decisions import Point
    from netwright.core.trial import Trial

PROVIDES = ("search.spectral",)

MOST_REDRAWS = 64
MOST_TOUCHED = 18  # variables whose 2^18 assignments are compared


class Harmonica(Remembering):
    """Learns which products of a few decisions matter from random architectures, fixes them at their best, and repeats.

    A stage draws `samples` random architectures, fits a Lasso on all products of up to `degree` variables, keeps the
    `monomials` largest terms and restricts the space to the `restrictions` assignments of their variables that make the
    sum of these terms largest; the next stage draws within. After `stages` of them the rest is random search within the
    restrictions, then, when all was asked, outside; or `base` searches, whose architectures are moved into the best
    restriction first.

    No architecture is asked twice, except where `base` does. `ask` gives None while a stage waits for pending trials;
    trials that did not complete are left out of the fit. With several objectives the mean of the scaled scores counts.

    space: the one to search.
    samples: random architectures of a stage; 300 in the authors' program.
    stages: how many; 3 in the authors' program.
    degree: the most variables of one product; 3 in the authors' program.
    monomials: terms that are kept; 5 in the authors' program.
    restrictions: assignments to which the space is restricted; 1 in the authors' program.
    penalty: the Lasso's, in standard deviations of the scores.
    variables: how decisions with more than two options become variables of plus and minus one: binary "digits" of the
        option's index (the paper), or "one-hot".
    base: the strategy that follows, or None for random search.
    """

    needs: ClassVar[type[Space]] = DecisionSpace
    space: DecisionSpace

    def __init__(
        self,
        space: DecisionSpace,
        samples: int = 100,
        stages: int = 2,
        degree: int = 3,
        monomials: int = 5,
        restrictions: int = 1,
        penalty: float = 0.05,
        variables: Literal["digits", "one-hot"] = "digits",
        base: Strategy | None = None,
    ) -> None:
        one_of(self, "variables", variables, ("digits", "one-hot"))
        if not isinstance(penalty, (int, float)) or not 0 < penalty < math.inf:
            raise ConfigurationError(f"Harmonica: penalty is {penalty!r}; expected a number above 0")
        if base is not None and base.space is not space and base.space.id != space.id:
            raise ConfigurationError(f"Harmonica: base searches {base.space.id}, not {space.id}")
        if monomials * degree > MOST_TOUCHED:
            raise ConfigurationError(
                f"Harmonica: {monomials} monomials of degree {degree} may touch {monomials * degree} variables, too "
                f"many to compare all their assignments; expected at most {MOST_TOUCHED}"
            )
        self.space = space
        self.samples = whole_number(self, "samples", samples)
        self.stages = whole_number(self, "stages", stages)
        self.degree = whole_number(self, "degree", degree)
        self.monomials = whole_number(self, "monomials", monomials)
        self.restrictions = whole_number(self, "restrictions", restrictions)
        self.penalty = penalty
        self.variables: Literal["digits", "one-hot"] = variables
        self.base = None if base is None else base.replace()  # its own, which nobody else asks
        self._remembering = None if self.base is None else in_role(self.base, Remembering)
        self._unseen = Unseen(space)
        self._signs: SignVariables | None = None
        self._asked = self._pending = 0
        self._stage: list[Trial] = []
        self._rewards = Rewards()
        self._learnt: list[Polynomial] = []
        self._restricted: list[list[Restriction]] = []
        self._asked_by_base: dict[Point, list[Proposal]] = {}

    def ask(self, rng: np.random.Generator) -> Proposal | None:
        self._signs = signs = self._signs or SignVariables(self.space.decisions, self.variables)
        if len(self._learnt) < self.stages and self._asked == self.samples:
            if self._pending:
                return None
            self._learn(signs)
        if self.base is not None and len(self._learnt) == self.stages:
            return self._from_base(self.base, signs, rng)
        architecture = self._draw(signs, rng)
        self._asked += 1
        self._pending += 1
        return Proposal(architecture)

    def _draw(self, signs: SignVariables, rng: np.random.Generator) -> Architecture:
        """A random architecture that was not asked: within the restrictions, or anywhere where luck finds none there.

        Of each stage one restriction is drawn; those of earlier stages count most.
        """
        for _ in range(MOST_REDRAWS):
            chosen = [each[int(rng.integers(len(each)))] for each in self._restricted]
            shares = rng.random(len(self.space.decisions)).tolist()
            point: list[int] = []
            for i, share in enumerate(shares):
                if self.space.decisions.active(i, point):
                    allowed = signs.allowed(i, chosen)
                    point.append(allowed[int(share * len(allowed))])
                else:
                    point.append(-1)
            found = settled(self.space.decisions, tuple(point), rng)
            if found is not None and self._unseen.add(architecture := self.space.from_indices(found, check=False)):
                return architecture
        return self._unseen.draw(rng)

    def _learn(self, signs: SignVariables) -> None:
        """The end of a stage: the sparse polynomial of its scores, and the restrictions that follow (Algorithm 2)."""
        trials = [trial for trial in self._stage if trial.completed and math.isfinite(sum(trial.scores))]
        polynomial: Polynomial = []
        if len(trials) > 1:
            variables = signs.encode([self.space.indices(trial.architecture) for trial in trials])
            targets = self._residual(variables, np.array(self._rewards.each(trials)))
            if targets.std() > 1e-12:
                targets = (targets - targets.mean()) / targets.std()
                polynomial = sparse_polynomial(variables, targets, self.degree, self.penalty, self.monomials)
        self._learnt.append(polynomial)
        if polynomial:
            self._restricted.append(signs.best(polynomial, self.restrictions))
        self._stage = []
        self._asked = 0

    def _residual(self, variables: np.ndarray, targets: np.ndarray) -> np.ndarray:
        """What the terms learnt in earlier stages leave open: they vary where several restrictions are drawn from."""
        monomials = [monomial for polynomial in self._learnt for _, monomial in polynomial]
        known = np.column_stack([np.ones(len(targets)), values(variables, monomials)])
        return targets - known @ np.linalg.lstsq(known, targets, rcond=None)[0]

    def tell(self, trial: Trial) -> None:
        asked = self._asked_by_base.get(self.space.indices(trial.architecture))
        if asked and self.base is not None:
            self.base.tell(dataclasses.replace(trial, proposal=asked.pop(0)))
            return
        self._pending -= 1
        self._rewards.see(trial)
        if len(self._learnt) < self.stages:
            self._stage.append(trial)

    def memory(self) -> Mapping[str, Any] | None:
        remembering = self._remembering
        base = {} if self.base is None else None if remembering is None else remembering.memory()
        if base is None:
            return None
        return {
            "base": base,
            "asked_by_base": [[list(each), _told(asked)] for each, asked in self._asked_by_base.items()],
            "unseen": self._unseen.memory(),
            "asked": self._asked,
            "pending": self._pending,
            "stage": noted(self._stage, self.space),
            "rewards": self._rewards.memory(),
            "learnt": [[[float(weight), list(each)] for weight, each in found] for found in self._learnt],
            "restricted": [[[[int(k), int(v)] for k, v in r.items()] for r in found] for found in self._restricted],
        }

    def remember(self, memory: Mapping[str, Any]) -> None:
        if self._remembering is not None:
            self._remembering.remember(memory["base"])
        for point, asked in memory["asked_by_base"]:
            self._asked_by_base[tuple(point)] = [
                Proposal(self.space.from_indices(tuple(own), check=False), fidelity=fidelity, parent=parent)
                for own, fidelity, parent in asked
            ]
        self._unseen.remember(memory["unseen"])
        self._asked, self._pending = memory["asked"], memory["pending"]
        self._stage = recalled(memory["stage"], self.space)
        self._rewards.remember(memory["rewards"])
        self._learnt = [[(weight, tuple(each)) for weight, each in found] for found in memory["learnt"]]
        self._restricted = [[dict(map(tuple, r)) for r in found] for found in memory["restricted"]]

    # The base optimiser searches the whole space; what it asks is moved into the restrictions.

    def _from_base(self, base: Strategy, signs: SignVariables, rng: np.random.Generator) -> Proposal | None:
        proposal = base.ask(rng)
        if proposal is None:
            return None
        moved = self._moved(signs, proposal)
        self._asked_by_base.setdefault(self.space.indices(moved), []).append(proposal)
        return dataclasses.replace(proposal, candidate=moved)

    def _moved(self, signs: SignVariables, proposal: Proposal) -> Architecture:
        """The same architecture with options that break the best restrictions replaced, always by the same ones."""
        assert isinstance(proposal.candidate, Architecture)
        best: Sequence[Restriction] = [each[0] for each in self._restricted]
        point: list[int] = []
        for i, option in enumerate(self.space.indices(proposal.candidate)):
            if self.space.decisions.active(i, point):
                allowed = signs.allowed(i, best)
                point.append(option if option in allowed else allowed[max(option, 0) % len(allowed)])
            else:
                point.append(-1)
        found = settled(self.space.decisions, tuple(point), np.random.default_rng(0))  # always the same one
        return proposal.candidate if found is None else self.space.from_indices(found, check=False)


def _told(proposals: Sequence[Proposal]) -> list[list[Any]]:
    """The architecture, fidelity and parent of each."""
    found: list[list[Any]] = []
    for each in proposals:
        assert isinstance(each.candidate, Architecture)
        found.append([list(each.candidate.content), each.fidelity, each.parent])
    return found

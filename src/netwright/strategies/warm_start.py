"""Begins any search with architectures that are thought to be good (Abdelfattah et al. 2021, section 5)."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np

from netwright.core.architecture import Architecture
from netwright.core.decision_space import DecisionSpace
from netwright.core.errors import ConfigurationError
from netwright.core.space import Space
from netwright.core.strategy import RoundStrategy, Strategy, Wrapper, in_role
from netwright.core.trial import Measurement, Proposal, Trial

PROVIDES = ("search.random",)


class WarmStart(Wrapper):
    """Asks the given architectures first, then goes on with a strategy, which begins with them.

    Wherever the strategy would draw a random architecture, it gets the next one of the list while there is one: they
    are the first population of evolution, the points at which local search begins, the first examples of a model. What
    it asks then was measured already, and it is told so at once. A strategy that draws none (an exhaustive one, say)
    goes on as it would without.

    A strategy of several fidelities measures the list itself, at its own fidelities, and one that trains shared weights
    trains them first. The strategy given stays as it is; the search is that of a copy, which was told nothing.

    strategy: the one that goes on.
    first: as `space.parse` reads them, or as they are.

    Raises ConfigurationError where there is none, InvalidArchitecture for what is none of the strategy's space.
    """

    def __init__(self, strategy: Strategy, first: Sequence[Architecture | str]) -> None:
        if isinstance(first, str) or not first:
            raise ConfigurationError(f"WarmStart: first is {first!r}; expected at least one architecture in a list")
        space = strategy.space
        self.first = tuple(dict.fromkeys(space.parse(each) if isinstance(each, str) else each for each in first))
        for each in self.first:
            space.validate(each)
        begun = _begun(space, self.first)
        self._left: deque[Architecture] = vars(begun)["left"]
        super().__init__(_searching(strategy, begun))
        self.space = space
        # As text, so that the configuration can be kept and read.
        self._arguments = {**self._arguments, "first": [str(each) for each in self.first]}
        measures = not strategy.continues and in_role(strategy, RoundStrategy) is None
        self._queue = deque(self.first if measures else ())
        self._pending = dict.fromkeys(self._queue, 0)  # of the list: asked, or still to be
        self._ended: dict[Architecture, Trial] = {}  # of the list: what the strategy was not told yet
        self._waiting: dict[Architecture, Proposal] = {}  # of the strategy: answered when the list's trial ends

    def ask(self, rng: np.random.Generator) -> Proposal | None:
        if self._queue:
            return Proposal(self._queue.popleft())
        while True:
            proposal = self.strategy.ask(rng)
            if proposal is None or not isinstance(proposal.candidate, Architecture):
                return proposal
            proposal = replace(proposal, candidate=self.space.adopt(proposal.candidate))
            if not self._answered(proposal):
                return proposal

    def _answered(self, proposal: Proposal) -> bool:
        """Whether the list's trial of this architecture answers the proposal, now or when it ends; each once."""
        architecture = proposal.candidate
        assert isinstance(architecture, Architecture)
        if proposal.is_round:
            return False
        if architecture in self._ended:
            self.strategy.tell(_answering(self._ended.pop(architecture), proposal))
            return True
        if architecture in self._pending and architecture not in self._waiting:
            self._waiting[architecture] = proposal
            return True
        return False

    def tell(self, trial: Trial) -> None:
        candidate = trial.proposal.question.candidate
        if not isinstance(candidate, Architecture) or candidate not in self._pending:
            self.strategy.tell(trial)
            return
        del self._pending[candidate]
        asked = self._waiting.pop(candidate, None)
        if asked is None:
            self._ended[candidate] = trial
        else:
            self.strategy.tell(_answering(trial, asked))

    def memory(self) -> Mapping[str, Any] | None:
        known = super().memory()
        if known is None:
            return None
        places = {each: place for place, each in enumerate(self.first)}
        return {
            "strategy": known,
            "drawn": len(self.first) - len(self._left),
            "asked": len(self.first) - len(self._queue),
            "pending": [places[each] for each in self._pending],
            "ended": [[places[each], _noted(trial)] for each, trial in self._ended.items()],
            "waiting": [[places[each], asked.fidelity, asked.parent] for each, asked in self._waiting.items()],
        }

    def remember(self, memory: Mapping[str, Any]) -> None:
        super().remember(memory["strategy"])
        for _ in range(memory["drawn"]):
            self._left.popleft()
        for _ in range(memory["asked"] if self._queue else 0):
            self._queue.popleft()
        self._pending = {self.first[place]: 0 for place in memory["pending"]}
        self._ended = {self.first[place]: _recalled(self.first[place], facts) for place, facts in memory["ended"]}
        self._waiting = {
            self.first[place]: Proposal(self.first[place], fidelity=fidelity, parent=parent)
            for place, fidelity, parent in memory["waiting"]
        }

    def state_dict(self) -> Mapping[str, Any]:
        return {"strategy": super().state_dict(), "left": len(self._left)}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        if "left" not in state:  # kept before the draws were
            super().load_state_dict(state)
            return
        super().load_state_dict(state["strategy"])
        while len(self._left) > state["left"]:
            self._left.popleft()


def _answering(trial: Trial, asked: Proposal) -> Trial:
    """The trial as the answer to this proposal, about what was tried in its place, if anything was."""
    if trial.proposal.instead_of is None:
        return replace(trial, proposal=asked)
    tried = replace(asked, candidate=trial.architecture, instead_of=trial.proposal.instead_of)
    return replace(trial, proposal=tried)


class _Beginning:
    """What is put before a space's own `sample`: the first draws are those of a list, the others the whole space's."""

    whole: Space
    left: deque[Architecture]

    def sample(self, rng: np.random.Generator, **options: Any) -> Architecture:
        return self.left.popleft() if self.left else self.whole.sample(rng, **options)


def _begun(space: Space, first: Sequence[Architecture]) -> Space:
    """The same space, but for its first draws, which are those of the list; `left` of it are still to be drawn."""
    args, kwargs = space.call()
    made = _beginning(type(space))(*args, **kwargs)
    vars(made).update(whole=space, left=deque(first))
    if isinstance(space, DecisionSpace):
        vars(made).update(decisions=space.decisions)  # traced once
    return made


@cache
def _beginning(kind: type[Space]) -> type[Space]:
    """The class of a space of this kind that begins with given draws; it is named as the space is."""
    if issubclass(kind, _Beginning):
        return kind
    named = {"__module__": kind.__module__, "__qualname__": kind.__qualname__, "__doc__": kind.__doc__}
    return type(kind)(kind.__name__, (_Beginning, kind), named)


def _noted(trial: Trial) -> dict[str, Any]:
    """All of a trial but its proposal."""
    measured = trial.measurement
    rows = [measured.metrics, *measured.curve]
    return {
        "number": trial.number,
        "state": trial.state,
        "scores": np.array(trial.scores, dtype=np.float64),
        "measured": [[list(row), np.array(list(row.values()), dtype=np.float64)] for row in rows],
        "ended": [trial.seconds, trial.device, trial.reason],
    }


def _recalled(architecture: Architecture, facts: Mapping[str, Any]) -> Trial:
    metrics, *curve = (dict(zip(names, values.tolist(), strict=True)) for names, values in facts["measured"])
    measurement = Measurement(metrics, curve=tuple(curve))
    scores = tuple(facts["scores"].tolist())
    return Trial(facts["number"], Proposal(architecture), facts["state"], measurement, scores, *facts["ended"])


def _searching(strategy: Strategy, space: Space) -> Strategy:
    """A copy of the strategy, and of those that it is made of, that searches this space."""
    changes: dict[str, Any] = {}
    for name, value in strategy.arguments.items():
        if isinstance(value, Strategy):
            changes[name] = _searching(value, space)
        elif isinstance(value, Space) and value is strategy.space:
            changes[name] = space
    return strategy.replace(**changes)

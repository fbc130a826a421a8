"""Asks a strategy and tells it, as a search would, while watching that it keeps to the protocol."""

from __future__ import annotations

import random
import zlib
from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Self, get_args

from netwright.core.architecture import Architecture, Mixture
from netwright.core.errors import StopSearch
from netwright.core.randomness import Generators, derived_seed
from netwright.core.trial import Measurement, Proposal, Purpose, Trial
from netwright.testing.rules import global_randomness_untouched, must_not_raise, require

if TYPE_CHECKING:
    import numpy as np

    from netwright.core.strategy import Strategy
    from netwright.core.trial import State


class Asked(NamedTuple):
    """What a call of `ask` gave; `number` is that of the trial it would be."""

    number: int
    proposal: Proposal | None


class Conversation:
    """A search with a free estimator: the score of an architecture is drawn from its own JSON.

    slots: how many trials may be pending.
    states: how trials end, in turn.
    shuffled: tell them in random order.
    """

    def __init__(
        self,
        strategy: Strategy,
        seed: int,
        *,
        slots: int = 1,
        states: tuple[State, ...] = ("completed",),
        objectives: int = 1,
        shuffled: bool = False,
    ) -> None:
        self.strategy = strategy
        self.seed = seed
        self.trials: list[Trial] = []
        self.log: list[tuple[Literal["ask", "tell"], Any]] = []
        self.ended: StopSearch | None = None
        self._slots, self._states, self._objectives, self._shuffled = slots, states, objectives, shuffled
        self._generators = Generators(seed)
        self._generator: np.random.Generator | None = None

    def hold(self, trials: int) -> Self:
        """Go on until so many trials are told or the strategy raises StopSearch."""
        order = random.Random(self.seed)  # noqa: S311 - the order of replies, not a secret
        pending: list[Asked] = []
        number = 0
        while number < trials or pending:
            if number < trials and self.ended is None and len(pending) < self._slots:
                asked = self._asked(number, pending)
                if asked is not None:
                    pending.append(asked)
                    number += 1
                    continue
            if not pending:
                break
            place = order.randrange(len(pending)) if self._shuffled else 0
            self._tell_next(pending.pop(place))
        return self

    def _asked(self, number: int, pending: list[Asked]) -> Asked | None:
        try:
            proposal = self.ask(number)
        except StopSearch as end:
            self.ended = end
            return None
        self.log.append(("ask", Asked(number, proposal)))
        if proposal is None:
            require(pending, "ask gave None though no trial is pending, so nothing can ever be told")
            return None
        self._check(proposal, number)
        return Asked(number, proposal)

    def ask(self, number: int) -> Proposal | None:
        self._generator = self._generators(number)
        with global_randomness_untouched("ask"), must_not_raise("ask", StopSearch):
            return self.strategy.ask(self._generator)

    def tell(self, trial: Trial) -> None:
        before, told = _position(self._generator), replace(trial)
        with global_randomness_untouched("tell"), must_not_raise(f"tell of a trial that ended {trial.state!r}"):
            self.strategy.tell(trial)
        require(
            before == _position(self._generator),
            "tell drew from the generator that an earlier ask was given; it is valid there only",
        )
        changed = [each.name for each in fields(told) if getattr(trial, each.name) is not getattr(told, each.name)]
        require(
            not changed, f"tell changed the trial's {', '.join(changed)}; a trial is a value, which others read too"
        )

    def _tell_next(self, asked: Asked) -> None:
        assert asked.proposal is not None
        state = self._states[len(self.trials) % len(self._states)]
        trial = self._trial(asked.number, asked.proposal, state)
        self.log.append(("tell", trial))
        self.trials.append(trial)
        self.tell(trial)

    def _trial(self, number: int, proposal: Proposal, state: State) -> Trial:
        if state != "completed":
            return Trial(number, proposal, state, reason="made to fail by the check")
        scores = tuple(_score(proposal.candidate, k) for k in range(self._objectives))
        metrics = {f"objective_{k}": score for k, score in enumerate(scores)}
        gradient = None
        if isinstance(proposal.candidate, Mixture):
            gradient = {name: weight.detach() * 0.1 for name, weight in proposal.candidate.weights.items()}
        return Trial(number, proposal, state, Measurement(metrics, gradient), scores, seconds=1.0)

    def _check(self, proposal: Proposal, number: int) -> None:
        require(isinstance(proposal, Proposal), lambda: f"ask gave {proposal!r}, expected a Proposal or None")
        if isinstance(proposal.candidate, Architecture):
            with must_not_raise("validate of the proposed architecture"):
                self.strategy.space.validate(proposal.candidate)
        else:
            require(
                isinstance(proposal.candidate, Mixture),
                lambda: f"ask proposed {proposal.candidate!r}, expected an Architecture or a Mixture",
            )
        require(proposal.purpose in get_args(Purpose), f"ask gave the unknown purpose {proposal.purpose!r}")
        require(
            proposal.purpose == "evaluate",
            f"ask gave the purpose {proposal.purpose!r}; strategies that train shared weights are checked by "
            "check_round_strategy",
        )
        fidelity, parent = proposal.fidelity, proposal.parent
        require(fidelity is None or 0 < fidelity <= 1, f"ask gave fidelity {fidelity}, expected 0 < fidelity <= 1")
        told = {trial.number for trial in self.trials}
        require(parent is None or parent in told, f"trial {number} has parent {parent}, which was not told before")


def same_proposal(first: Proposal | None, second: Proposal | None) -> bool:
    """Whether two proposals ask the same; mixtures are compared by their weights."""
    if first is None or second is None or not isinstance(first.candidate, Mixture):
        return first == second
    if not isinstance(second.candidate, Mixture) or first.candidate.weights.keys() != second.candidate.weights.keys():
        return False
    rest = (first.purpose, first.fidelity, first.parent, first.again) == (
        *(second.purpose, second.fidelity, second.parent, second.again),
    ) and first.candidate.active == second.candidate.active
    ours, theirs = first.candidate.weights, second.candidate.weights
    return rest and all(ours[name].equal(theirs[name]) for name in ours)


def _position(generator: np.random.Generator | None) -> Any:
    """Where in its stream a generator stands."""
    if generator is None:
        return None
    state = generator.bit_generator.state
    return state["state"]["counter"].tobytes(), state["buffer_pos"], state["has_uint32"]


def _score(candidate: Architecture | Mixture, objective: int) -> float:
    """A number from 0 to 1 that looks random but depends on the candidate alone."""
    if isinstance(candidate, Architecture):
        text = candidate.to_json()
    else:
        text = str({name: weight.tolist() for name, weight in candidate.weights.items()})
    return derived_seed(zlib.crc32(text.encode()), objective) / 2**63

"""Gives any strategy a state: what it was asked and told, to be asked and told again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from netwright.core.strategy import RoundStrategy, in_role
from netwright.core.trial import Measurement, Trial

if TYPE_CHECKING:
    from netwright.core.strategy import Strategy
    from netwright.core.trial import Proposal


class Replayed:
    """A strategy with a state: its own where it has one, otherwise the log of its conversation.

    A strategy is a deterministic function of its configuration, the generators it is given and what it is told. So the
    log keeps where each generator stood, and how each trial ended.
    """

    def __init__(self, strategy: Strategy) -> None:
        self.strategy = strategy
        self._rounds = in_role(strategy, RoundStrategy)
        self._log: list[dict[str, Any]] = []  # empty where the strategy has a state
        self._asked: dict[int, Proposal] = {}  # by order of asking, not told yet
        self._count = 0

    def ask(self, rng: np.random.Generator) -> Proposal | None:
        before = _state(rng) if self._rounds is None else None
        proposal = self.strategy.ask(rng)
        if self._rounds is None:
            self._log.append({"asked": before})
            if proposal is not None:
                self._asked[self._count] = proposal
                self._count += 1
        return proposal

    def tell(self, trial: Trial) -> None:
        self.strategy.tell(trial)
        if self._rounds is None:
            place = next(k for k, each in self._asked.items() if each is trial.proposal or each == trial.proposal)
            del self._asked[place]
            self._log.append({"told": place, **_ending(trial)})

    @property
    def is_between(self) -> bool:
        return self._rounds is None or self._rounds.is_between

    def figures(self) -> Mapping[str, float]:
        return {} if self._rounds is None else self._rounds.figures()

    def state_dict(self) -> dict[str, Any]:
        if self._rounds is not None:
            return {"state": self._rounds.state_dict()}
        return {"log": list(self._log)}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Bring a strategy that was told nothing yet to where the one that gave the state was."""
        if self._rounds is not None:
            self._rounds.load_state_dict(state["state"])
            return
        for event in state["log"]:
            if "asked" in event:
                self.ask(_generator(event["asked"]))
            else:
                self.tell(_trial(event, self._asked[event["told"]]))


def _state(rng: np.random.Generator) -> dict[str, Any]:
    """Where a generator stands, as JSON."""
    return _plain(rng.bit_generator.state)


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(each) for key, each in value.items()}
    return value.tolist() if isinstance(value, (np.ndarray, np.generic)) else value


def _generator(state: Mapping[str, Any]) -> np.random.Generator:
    """A generator that goes on from there."""
    bits = getattr(np.random, state["bit_generator"])()
    bits.state = _arrays(state)
    return np.random.Generator(bits)


def _arrays(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _arrays(each) for key, each in value.items()}
    return np.array(value, dtype=np.uint64) if isinstance(value, list) else value


def _ending(trial: Trial) -> dict[str, Any]:
    return {
        "number": trial.number,
        "state": trial.state,
        "metrics": {name: float(value) for name, value in trial.metrics.items()},
        "curve": [dict(point) for point in trial.measurement.curve],
        "scores": list(trial.scores),
        "seconds": trial.seconds,
        "device": trial.device,
        "reason": trial.reason,
    }


def _trial(event: Mapping[str, Any], proposal: Proposal) -> Trial:
    return Trial(
        *(event["number"], proposal, event["state"], Measurement(event["metrics"], curve=tuple(event["curve"]))),
        *(tuple(event["scores"]), event["seconds"], event["device"], event["reason"]),
    )

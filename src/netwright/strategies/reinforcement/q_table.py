"""The table of Q-learning: what each answer is worth, by what was answered just before."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from netwright.core.architecture import Architecture
    from netwright.core.sequence import DecisionSequence, Question, State

Trajectory = tuple[tuple[int, int], ...]
"""The rows of the table that an architecture leads through, and the option that it takes in each."""


class QTable:
    """The worth of each answer in each state, at first `initial` (Watkins and Dayan 1992).

    A state is a question, what may be answered there, and the `window` answers before it. The architecture's reward
    comes with its last answer or, shaped, in equal parts with all of them.

    sequence: the questions.
    window: how many answers before a question its states tell apart; None for all of them.
    rate: alpha, how far a value is moved towards what it should be.
    discount: gamma, what the next state counts.
    initial: the value of what was never tried.
    shaped: whether each answer has its part of the reward (Zhong et al. 2018).
    """

    def __init__(
        self,
        sequence: DecisionSequence,
        window: int | None = 1,
        rate: float = 0.01,
        discount: float = 1.0,
        initial: float = 0.5,
        shaped: bool = False,
    ) -> None:
        self._sequence, self._window, self._rate, self._discount = sequence, window, rate, discount
        self._initial, self._shaped = initial, shaped
        self._rows: dict[tuple[Any, ...], int] = {}
        self.values: list[list[float]] = []

    def row(self, state: State, question: Question) -> int:
        """The number of the row of a state; a new one where it was never met.

        state: where a controller stands.
        question: that is asked there.
        """
        before = state.tokens if self._window is None else state.tokens[len(state.tokens) - self._window :]
        if self._window == 0 or not state.tokens:
            before = ()
        key = (question.index, question.mask, before)
        found = self._rows.get(key)
        if found is None:
            found = self._rows[key] = len(self.values)
            self.values.append([self._initial if may else -np.inf for may in question.mask])
        return found

    def walk(self, rng: np.random.Generator, epsilon: float) -> Architecture:
        """An architecture: each answer at random with probability epsilon, otherwise one of the best.

        rng: what is drawn from.
        epsilon: from 0 to 1.
        """
        state = self._sequence.start
        while state.next is not None:
            values = self.values[self.row(state, state.next)]
            wanted = state.next.mask if rng.random() < epsilon else [each == max(values) for each in values]
            options = [option for option, may in enumerate(wanted) if may]
            state = state.answer(options[int(rng.integers(len(options)))])
        return state.architecture

    def trajectory(self, architecture: Architecture) -> Trajectory:
        """The rows that lead to an architecture, and its answers."""
        batch = self._sequence.encode([architecture])
        state, found = self._sequence.start, list[tuple[int, int]]()
        for option in batch.tokens[0, : batch.lengths[0]].tolist():
            assert state.next is not None
            found.append((self.row(state, state.next), option))
            state = state.answer(option)
        return tuple(found)

    def learn(self, trajectory: Trajectory, reward: float) -> None:
        """Move the values along a trajectory, from its last answer to its first.

        trajectory: that was taken.
        reward: of the architecture at its end.
        """
        part = reward / max(1, len(trajectory)) if self._shaped else 0.0
        gained, following = part if self._shaped else reward, 0.0
        for row, option in reversed(trajectory):
            values = self.values[row]
            values[option] += self._rate * (gained + self._discount * following - values[option])
            following, gained = max(values), part

    def memory(self) -> dict[str, Any]:
        """The states as text, and their values in one array."""
        sizes = [len(each) for each in self.values]
        return {
            "states": [json.dumps([index, list(mask), list(before)]) for index, mask, before in self._rows],
            "sizes": np.array(sizes, dtype=np.int64),
            "values": np.array([value for each in self.values for value in each], dtype=np.float64),
        }

    def remember(self, memory: Mapping[str, Any]) -> None:
        """Go on from there."""
        ends = np.cumsum(memory["sizes"])[:-1]
        self.values = [each.tolist() for each in np.split(memory["values"], ends)] if len(memory["sizes"]) else []
        self._rows = {}
        for number, text in enumerate(memory["states"]):
            index, mask, before = json.loads(text)
            self._rows[index, tuple(mask), tuple(before)] = number


class Schedule:
    """How epsilon falls: so much of it for so many networks, stretched to a number of networks in all.

    steps: pairs of epsilon and a number of networks.
    models: how many networks there are to be in all; None for as many as the steps have.
    """

    def __init__(self, steps: Sequence[tuple[float, int]], models: int | None = None) -> None:
        self._steps = tuple(steps)
        self._all = sum(count for _, count in self._steps)
        self._models = models or self._all

    def epsilon(self, number: int) -> float:
        """Epsilon of a network.

        number: how many networks there were before it.
        """
        end = 0
        for epsilon, count in self._steps:
            end += count
            if number * self._all < end * self._models:
                return epsilon
        return self._steps[-1][0]

"""Many architectures as padded answers to questions, and how they are led through all questions at once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from netwright.core.decisions import INACTIVE
from netwright.core.errors import InvalidArchitecture
from netwright.core.steps import ROLES, Step, Steps

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from netwright.core.sequence import DecisionSequence

Read = Callable[[Step, "NDArray[np.int64]", "NDArray[np.int64]"], "NDArray[np.int64]"]
"""Gives the answers to a step of some rows, each at its place in its sequence."""


@dataclass(frozen=True, eq=False)
class TokenBatch:
    """Architectures as padded answers. Padding is token 0 under a mask that allows token 0 alone: its probability is 1.

    tokens: (n, length) int64, the option that was taken, counted from 0.
    masks: (n, length, most options) bool, which options could have been taken there.
    questions: (n, length) int64, `Question.index`; 0 in the padding.
    roles: (n, length) int64, the place in `ROLES`.
    lengths: (n,) int64, questions asked of each architecture.
    """

    tokens: NDArray[np.int64]
    masks: NDArray[np.bool_]
    questions: NDArray[np.int64]
    roles: NDArray[np.int64]
    lengths: NDArray[np.int64]


class Walk:
    """Many architectures led through all steps at once."""

    def __init__(self, sequence: DecisionSequence, steps: Steps, count: int, *, masked: bool) -> None:
        """masked: whether masks are noted and answers checked against them."""
        self._sequence, self._steps, self._masked = sequence, steps, masked
        size = count, sequence.length
        self.points = np.full((count, len(sequence.space.decisions)), INACTIVE, dtype=np.int64)
        self._picks = {i: np.full((count, sets.count), -1, dtype=np.int64) for i, sets in steps.sets.items()}
        self._nodes = {i: np.zeros(count, dtype=np.int64) for i in steps.sets}
        self._listed = np.zeros(count, dtype=np.int64)
        self._masks = np.zeros((*size, sequence.width) if masked else (0, 0, 1), dtype=bool)
        self._masks[:, :, 0] = True
        self.tokens, self._questions, self._roles = (np.zeros(size, dtype=np.int64) for _ in range(3))
        self.lengths = np.zeros(count, dtype=np.int64)

    @property
    def batch(self) -> TokenBatch:
        return TokenBatch(self.tokens, self._masks, self._questions, self._roles, self.lengths)

    def run(self, read: Read) -> None:
        """Take all steps; read gives the answers."""
        for step in self._steps.all:
            rows = np.flatnonzero(self._active(step))
            if len(rows):
                self._take(step, rows, read(step, rows, self.lengths[rows]))

    def _active(self, step: Step) -> NDArray[np.bool_]:
        active = np.ones(len(self.points), dtype=bool)
        for decision, pick, source in step.given:
            active &= self._picks[decision][:, pick] == source
        if step.facts:
            active &= np.any([self._steps.holds(fact)[self.points[:, fact[0]]] for fact in step.facts], axis=0)
        return active

    def _take(self, step: Step, rows: NDArray[np.int64], answers: NDArray[np.int64]) -> None:
        places = self.lengths[rows]
        if self._masked:
            self._check_masks(step, rows, answers)
        self.tokens[rows, places] = answers
        self._questions[rows, places] = step.question
        self._roles[rows, places] = ROLES.index(self._steps.roles[step.question])
        self.lengths[rows] += 1
        if self._masked:
            self._listed[rows] = self._sequence.listed_after_each(self._listed[rows], answers)
        if step.pick is None:
            self.points[rows, step.decision] = answers
            return
        sets, nodes = self._steps.sets[step.decision], self._nodes[step.decision]
        self._picks[step.decision][rows, step.pick] = answers
        nodes[rows] = sets.trie.following[nodes[rows], answers]
        self.points[rows, step.decision] = sets.option_at[nodes[rows]]

    def _check_masks(self, step: Step, rows: NDArray[np.int64], answers: NDArray[np.int64]) -> None:
        """Note which answers are allowed; InvalidArchitecture where one that is not was given."""
        nodes = self._nodes.get(step.decision, self._listed)[rows]
        masks = self._sequence.masks(step, self.points[rows], nodes, self._listed[rows])
        inside = (answers >= 0) & (answers < step.size)
        wrong = np.flatnonzero(~(inside & masks[np.arange(len(rows)), np.where(inside, answers, 0)]))
        for place in wrong[:1]:
            name, allowed = self._steps.names[step.question], np.flatnonzero(masks[place]).tolist()
            raise InvalidArchitecture(
                f"sequence {rows[place]} answers {name!r} with option {answers[place]}; after the answers before it "
                f"may be one of {allowed}"
            )
        self._masks[rows[:, None], self.lengths[rows][:, None], np.arange(step.size)] = masks

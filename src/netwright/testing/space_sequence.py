"""Rules for the decisions of a space as a controller asks them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from netwright.core.sequence import DecisionSequence
from netwright.testing.rules import must_not_raise, require

if TYPE_CHECKING:
    from collections.abc import Sequence

    from netwright.core.architecture import Architecture
    from netwright.core.decision_space import DecisionSpace

SMALL_SPACE = 300


def answers_lead_to_each_architecture_once(space: DecisionSpace, drawn: Sequence[Architecture], seed: int) -> None:
    with must_not_raise("sequence"):
        sequence = DecisionSequence(space)
    _read_back(sequence, drawn)
    rng = np.random.default_rng(seed)
    for _ in drawn:
        _random_answers_are_valid(space, sequence, rng)
    if space.size <= SMALL_SPACE:
        _probabilities_sum_to_one(sequence, list(space.enumerate()))


def _read_back(sequence: DecisionSequence, drawn: Sequence[Architecture]) -> None:
    with must_not_raise("sequence().encode"):
        batch = sequence.encode(drawn)
    for row, architecture in enumerate(drawn):
        state = sequence.start
        with must_not_raise(f"the answers of sequence().encode to the questions on {architecture}"):
            for token in batch.tokens[row, : batch.lengths[row]].tolist():
                state = state.answer(token)
        require(
            state.next is None and state.architecture == architecture,
            f"the answers of sequence().encode lead elsewhere than to {architecture}",
        )
    with must_not_raise("sequence().decode"):
        require(sequence.decode(batch.tokens) == list(drawn), "sequence().decode gave others than were encoded")


def _random_answers_are_valid(space: DecisionSpace, sequence: DecisionSequence, rng: np.random.Generator) -> None:
    state = sequence.start
    while state.next is not None:
        allowed = np.flatnonzero(state.next.mask)
        require(len(allowed) > 0, f"the question {state.next.name!r} of sequence() has no answer")
        state = state.answer(int(allowed[int(rng.integers(len(allowed)))]))
    with must_not_raise(f"validate of {state.architecture}, to which the answers to sequence() led,"):
        space.validate(state.architecture)


def _probabilities_sum_to_one(sequence: DecisionSequence, everyone: Sequence[Architecture]) -> None:
    """Where each allowed answer is as likely: more would mean architectures reached twice, less other ends."""
    masks = sequence.encode(everyone).masks
    total = float(np.exp(-np.log(masks.sum(axis=2)).sum(axis=1)).sum())
    require(abs(total - 1) < 1e-9, f"random answers to sequence() reach the space's architectures with {total}, not 1")

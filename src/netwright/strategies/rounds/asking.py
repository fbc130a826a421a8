"""What a script may ask, in the words of `Proposal`: `told = yield probe(candidate)`.

Each takes an architecture, a mixture, or a function that draws one of them from the generator of the ask.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from netwright.core.architecture import Architecture, Mixture
from netwright.core.trial import Proposal

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor

    from netwright.core.trial import Purpose, Trial

    Candidate = Architecture | Mixture | Callable[[np.random.Generator], Architecture | Mixture]
    Make = Callable[[np.random.Generator], Proposal]  # what to ask, drawn when it is asked

T = TypeVar("T")
Talk = Generator["Make", "Trial", T]
"""A part of a script: yields what to ask next, is sent how it ended, and returns a T."""


def train(candidate: Candidate, memo: Mapping[str, Any] | None = None) -> Make:
    """Move the shared weights by one step on the next training minibatch.

    candidate: whose loss is lowered.
    memo: plain values to find again in `told.proposal.memo`.
    """
    return _asked("train", candidate, memo)


def accumulate(candidate: Candidate, memo: Mapping[str, Any] | None = None) -> Make:
    """Add the weights' gradient on the next training minibatch to what the next `train` steps with.

    candidate: whose gradient is taken.
    memo: plain values to find again in `told.proposal.memo`.
    """
    return _asked("accumulate", candidate, memo)


def rehearse(candidate: Candidate, memo: Mapping[str, Any] | None = None) -> Make:
    """Measure the loss on the next training minibatch, and move nothing.

    candidate: whose loss is measured; a mixture's weights that require grad get their gradient, in `told.gradient`.
    memo: plain values to find again in `told.proposal.memo`.
    """
    return _asked("rehearse", candidate, memo)


def probe(
    candidate: Candidate,
    memo: Mapping[str, Any] | None = None,
    again: bool = False,
    along: Mapping[str, Tensor] | None = None,
) -> Make:
    """Measure the loss on the next validation minibatch, and move nothing.

    candidate: a mixture's weights that require grad get their gradient, in `told.gradient`.
    memo: plain values to find again in `told.proposal.memo`.
    again: on the minibatch of the last probe.
    along: see `Proposal`.
    """
    return _asked("probe", candidate, memo, again=again, along=along)


def angle(candidate: Candidate) -> Make:
    """Measure by how far the weights of an architecture have turned since they were drawn: `angle`, in radians.

    candidate: the architecture.
    """
    return _asked("angle", candidate, None)


def evaluate(candidate: Candidate, memo: Mapping[str, Any] | None = None, fidelity: float | None = None) -> Make:
    """Score an architecture on the validation examples: a trial of its own, which may fail (`told.completed`).

    candidate: which is scored.
    memo: plain values to find again in `told.proposal.memo`.
    fidelity: the share of the validation examples; None for all.
    """
    return _asked("evaluate", candidate, memo, fidelity=fidelity)


def _asked(purpose: Purpose, candidate: Candidate, memo: Mapping[str, Any] | None, **more: Any) -> Make:
    def make(rng: np.random.Generator) -> Proposal:
        drawn = candidate if isinstance(candidate, (Architecture, Mixture)) else candidate(rng)
        return Proposal(drawn, purpose, memo=memo, **more)

    return make

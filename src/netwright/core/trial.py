"""What is asked of an estimator, what it measured, and how the trial ended."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field, replace
from typing import TYPE_CHECKING, Any, Literal

from netwright.core.architecture import Architecture, Mixture
from netwright.core.display import drawn, html_table
from netwright.core.values import value
from netwright.core.wording import shortened

if TYPE_CHECKING:
    from torch import Tensor

State = Literal[
    "completed", "diverged", "infeasible", "out_of_memory", "timeout", "error", "lost", "cancelled"
]  # how a trial may end
STATES: tuple[State, ...] = (
    "completed",
    "diverged",
    "infeasible",
    "out_of_memory",
    "timeout",
    "error",
    "lost",
    "cancelled",
)


def share_of(fidelity: float | None) -> float:
    """The share of the full training budget that a fidelity stands for: all of it where there is none."""
    return 1.0 if fidelity is None else fidelity


Purpose = Literal["evaluate", "train", "accumulate", "probe", "rehearse", "angle"]


@value
class Proposal:
    """One question to an estimator.

    candidate: what is asked about.
    purpose: "evaluate" for a trial, otherwise a round of weight sharing, see below.
    fidelity: share of the full training budget, 0 < fidelity <= 1, None for all of it.
    parent: number of the trial whose weights or edits it starts from.
    again: whether a probe takes the last minibatch once more.

    purpose "evaluate" is a trial. The others are rounds of weight sharing, recorded an epoch rather than one by one:
    "train" moves the shared weights by one step on the next minibatch of the training examples; "accumulate" adds the
    weights' gradient on that minibatch to what the next "train" steps with; "rehearse" measures the loss on it and
    moves nothing; "probe" does so on the next minibatch of the validation examples, on the last one where `again`;
    "angle" measures by how far the weights of an architecture have turned since they were drawn, and moves nothing.

    along: a direction for each weight of a mixture that a probe `again` is to move in: its gradient is then how the
        gradient changes per length of that direction, the second derivative times it.
    memo: what its asker must remember of it until it is told, plain values as JSON holds them; kept with the trial. Two
        proposals that differ in it alone are equal.
    instead_of: what the strategy asked about, where that breaks a limit which is known before anything is trained, and
        the candidate is near to it and keeps the limits; None where the candidate is what it asked about.
    """

    candidate: Architecture | Mixture
    purpose: Purpose = "evaluate"
    fidelity: float | None = None
    parent: int | None = None
    again: bool = False
    along: Mapping[str, Tensor] | None = field(default=None, compare=False)
    memo: Mapping[str, Any] | None = field(default=None, compare=False)
    instead_of: Architecture | None = field(default=None, compare=False)

    @property
    def question(self) -> Proposal:
        """The proposal as the strategy made it."""
        return self if self.instead_of is None else replace(self, candidate=self.instead_of, instead_of=None)

    @property
    def share(self) -> float:
        """The share of the full training budget that is asked for."""
        return share_of(self.fidelity)

    @property
    def is_round(self) -> bool:
        """Whether this is a step of weight sharing rather than a trial."""
        return self.purpose != "evaluate"


@value
class Measurement:
    """What an estimator found: metrics by name, per-epoch curve, and the gradient by mixture weight where known.

    metrics: by name, each in its own unit.
    gradient: by mixture weight, where it is known.
    curve: metrics by name, one entry an epoch.
    """

    metrics: Mapping[str, float]
    gradient: Mapping[str, Tensor] | None = None
    curve: Sequence[Mapping[str, float]] = ()


LONGEST_TEXT = 100  # characters of an architecture in one line


@value
class Trial:
    """A proposal and how it ended. Every trial ends in one of `STATES`, with a reason in one line where it failed.

    number: from 0, in the order of asking.
    proposal: what was asked.
    state: one of `STATES`.
    measurement: what was measured.
    scores: one number an objective, all oriented so that larger is better; empty unless the trial completed.
    seconds: time the estimator took.
    device: where it ran.
    reason: why it failed, in one line; empty where it completed.
    """

    number: int
    proposal: Proposal
    state: State
    measurement: Measurement = field(default_factory=lambda: Measurement({}))
    scores: tuple[float, ...] = ()
    seconds: float = 0.0
    device: str = ""
    reason: str = ""

    @property
    def architecture(self) -> Architecture:
        candidate = self.proposal.candidate
        assert isinstance(candidate, Architecture), "this trial asked about a mixture, not an architecture"
        return candidate

    @property
    def share(self) -> float:
        """The share of the full training budget that it was given."""
        return self.proposal.share

    @property
    def metrics(self) -> Mapping[str, float]:
        return self.measurement.metrics

    @property
    def gradient(self) -> Mapping[str, Tensor] | None:
        """The gradient of the loss by mixture weight, where it was measured."""
        return self.measurement.gradient

    @property
    def completed(self) -> bool:
        return self.state == "completed"

    def __repr__(self) -> str:
        what = self.reason if not self.completed else ", ".join(f"{k} {v:.4g}" for k, v in self.metrics.items())
        candidate = self.proposal.candidate
        text = str(candidate) if isinstance(candidate, Architecture) else "a mixture"
        return f"Trial({self.number} {self.state}: {what or 'nothing measured'}; {shortened(text, LONGEST_TEXT)})"

    def _repr_html_(self) -> str:
        table = html_table([("trial", self.number), ("state", self.state), *self._facts()])
        candidate = self.proposal.candidate
        return f"{table}{drawn(candidate) if isinstance(candidate, Architecture) else ''}"

    def _facts(self) -> list[tuple[str, object]]:
        facts: list[tuple[str, object]] = [(name, f"{value:.6g}") for name, value in self.metrics.items()]
        facts += [("reason", self.reason)] if self.reason else []
        return [*facts, ("architecture", self.proposal.candidate), ("seconds", f"{self.seconds:.1f}")]


def asked_about(trial: Trial) -> Architecture:
    """The architecture that the strategy asked about, whatever was tried in its place."""
    return trial.architecture if trial.proposal.instead_of is None else trial.proposal.instead_of

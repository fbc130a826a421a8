"""Resume: a run is a log, and asking and telling again from it brings a strategy to where it was."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from netwright.core.architecture import Architecture, Mixture
from netwright.core.errors import CorruptStore, StopSearch, UserError
from netwright.core.serial import parse_json
from netwright.core.trial import Measurement, Proposal, Trial
from netwright.engine.control import by_hand
from netwright.engine.last_resort import is_last_resort
from netwright.engine.memory import in_order_told
from netwright.engine.under_way import HALF
from netwright.store.numbers import tensors_from, tensors_to_json
from netwright.store.rows import DIED, Asked

if TYPE_CHECKING:
    from netwright.engine.loop import Loop
    from netwright.store.rows import StoredAttempt, StoredTrial


def replay(
    loop: Loop,
    name: str,
    stored: Sequence[StoredTrial],
    attempts: Sequence[StoredAttempt] = (),
    *,
    begin: bool = True,
) -> None:
    """Ask and tell from the log, then begin again what had not ended unless `begin` is False.

    attempts: those of the run that have ended. Raises UserError where the strategy proposes something else than it did,
    CorruptStore for a log with gaps.
    """
    _check_order(name, stored)
    if begin:
        loop.clock.go_on(*_simulated(stored))
    stored = _after_last_epoch(loop, stored, begin)
    proposals, told = _remembered(loop, stored, in_order_told(stored))

    def ask_until(count: int) -> None:
        while len(proposals) < len(stored) and stored[len(proposals)].asked <= count:
            proposals.append(_ask(loop, name, stored[len(proposals)]))

    first = stored[0].number if stored else 0
    for each in told:
        ask_until(each.told or 0)
        loop.restore(_trial(each, proposals[each.number - first]), each.traceback)
    ask_until(len(loop.trials))
    for each in stored:
        if begin and each.told is None:
            _begin_again(loop, each, proposals[each.number - first], attempts)
        elif begin:
            loop.folders.clear(each.number)


def _remembered(
    loop: Loop, stored: Sequence[StoredTrial], told: Sequence[StoredTrial]
) -> tuple[list[Proposal], Sequence[StoredTrial]]:
    """The proposals that the strategy remembers and is not asked again, and the trials that are still to be told."""
    place = loop.limits.remembered = loop.memory.restore(stored)
    proposals = [_proposal(loop, each) for each in stored[: place.asked]]
    for proposal, each in zip(proposals, stored, strict=False):
        loop.folders.continuations.note(loop.skip(each.asked), proposal)
        loop.begun(proposal)
    for each in told[: place.told]:
        loop.restore(_trial(each, proposals[each.number]), each.traceback, told=False)
    return proposals, told[place.told :]


def _simulated(stored: Sequence[StoredTrial]) -> tuple[float, Mapping[int, float]]:
    """When the last trial ended, and when those began that have not ended: the seconds of a simulated run.

    A trial begins when it is asked, which is when the last one ended that was told before.
    """
    ends = [0.0]  # when so many trials had been told
    for each in sorted((each for each in stored if each.told is not None), key=lambda each: each.told or 0):
        ends.append(max(ends[-1], ends[each.asked] + each.seconds))
    return ends[-1], {each.number: ends[each.asked] for each in stored if each.told is None}


def _begin_again(loop: Loop, stored: StoredTrial, proposal: Proposal, attempts: Sequence[StoredAttempt]) -> None:
    """Another attempt at a trial that was under way; the last one went with the process that drove the run.

    How often the driver died does not count: the trial is not to blame, and a resumed run ends as it would have.
    """
    own = [each for each in attempts if each.trial == stored.number]
    question = Asked(stored.number, stored.asked, stored.attempt, proposal, _seconds(stored.started))
    if all(each.attempt != stored.attempt for each in own):
        loop.attempts.note_lost(question, DIED)
    lost = sum(each.state == "lost" and each.reason != DIED for each in own)
    halved = any(each.state == "out_of_memory" for each in own)
    loop.attempts.begin_again(question, lost, HALF if halved else 1.0)


def _seconds(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def _after_last_epoch(loop: Loop, stored: Sequence[StoredTrial], begin: bool) -> Sequence[StoredTrial]:
    """What is left to replay after the last epoch of weight sharing whose state was kept; all of it without one.

    Where nothing is to begin again, nothing is trained: without the last epoch's state the strategy is told nothing.
    """
    told = [each for each in stored if each.told is not None]
    epochs = [each.number for each in told if each.purpose == "train"]
    number = loop.rounds.restore(told[-1].number if epochs else -1)
    if not begin and epochs and (number is None or number < epochs[-1]):
        loop.rounds.lost = True
        number = len(stored) - 1
    if number is None:
        return stored
    for each in stored[: number + 1]:
        if each.told is None:
            loop.skip()
            continue
        loop.restore(_trial(each, _proposal(loop, each)), each.traceback, told=False)
        loop.skip()
    return stored[number + 1 :]


def _proposal(loop: Loop, stored: StoredTrial) -> Proposal:
    """A proposal as it was stored, for a strategy that is not asked again."""
    if stored.architecture is not None:
        (data,) = (part for name, part in stored.architecture.items() if name != "space")
        candidate: Any = loop.space.architecture(data)
    else:
        candidate = Mixture(tensors_from(stored.mixture or {}))
    purpose: Any = stored.purpose
    asked = None if stored.instead_of is None else loop.space.parse(stored.instead_of)
    return Proposal(candidate, purpose, stored.fidelity, stored.parent, memo=stored.memo, instead_of=asked)


def _check_order(name: str, stored: Sequence[StoredTrial]) -> None:
    told = {each.told: each for each in stored if each.told is not None}
    numbers = [each.number for each in stored]
    asked = [each.asked for each in stored]
    whole = numbers == list(range(len(stored))) and sorted(told) == list(range(len(told))) and asked == sorted(asked)
    if not whole or any(each.asked > place for place, each in told.items()) or max(asked, default=0) > len(told):
        raise CorruptStore(f"the log of run {name!r} has gaps: trials were removed or changed")


def _ask(loop: Loop, name: str, stored: StoredTrial) -> Proposal:
    if by_hand(stored) or is_last_resort(stored):
        proposal = _proposal(loop, stored)
        loop.folders.continuations.note(loop.skip(), proposal)
        return proposal
    try:
        proposal = _next(loop)
    except StopSearch as stop:
        found = f"nothing ({stop})"
    else:
        tried = proposal if proposal is None else _tried(loop, proposal, stored)
        if tried is not None and _same(tried, stored):
            loop.folders.continuations.note(loop.skip(), tried)
            loop.begun(tried)
            return tried
        found = "to wait" if proposal is None else describe(proposal)
    raise UserError(
        f"run {name!r} cannot be resumed: it was made with other settings or another version. The strategy proposed "
        f"{_stored_text(stored)} as trial {stored.number} then, and proposes {found} now"
    )


def _next(loop: Loop) -> Proposal | None:
    """What the strategy asks next, after the rounds that it asks before; the proposal of an epoch for its end."""
    while True:
        asked = loop.ask()
        if isinstance(asked, Trial):
            return asked.proposal
        if not loop.asked_round:
            return asked


def _tried(loop: Loop, proposal: Proposal, stored: StoredTrial) -> Proposal:
    """What was tried then in place of what the strategy asks about, where it asks what it asked then."""
    if stored.instead_of is None or str(proposal.candidate) != stored.instead_of:
        return proposal
    return replace(proposal, candidate=_proposal(loop, stored).candidate, instead_of=proposal.candidate)


def _same(proposal: Proposal, stored: StoredTrial) -> bool:
    candidate = proposal.candidate
    if isinstance(candidate, Architecture):
        same = candidate.digest == stored.architecture_digest
    else:
        same = stored.mixture is not None and parse_json(tensors_to_json(candidate.weights)) == stored.mixture
    return same and (proposal.purpose, proposal.fidelity, proposal.parent) == (
        stored.purpose,
        stored.fidelity,
        stored.parent,
    )


def describe(proposal: Proposal) -> str:
    """A proposal in one line."""
    what = str(proposal.candidate) if isinstance(proposal.candidate, Architecture) else "a mixture"
    return what + _options(proposal.purpose, proposal.fidelity, proposal.parent)


def _stored_text(stored: StoredTrial) -> str:
    what = stored.text if stored.architecture is not None else "a mixture"
    return what + _options(stored.purpose, stored.fidelity, stored.parent)


def _options(purpose: str, fidelity: float | None, parent: int | None) -> str:
    parts = [purpose] if purpose != "evaluate" else []
    parts += [] if fidelity is None else [f"fidelity {fidelity:g}"]
    parts += [] if parent is None else [f"parent {parent}"]
    return f" ({', '.join(parts)})" if parts else ""


def _trial(stored: StoredTrial, proposal: Proposal) -> Trial:
    gradient = None if stored.gradient is None else tensors_from(stored.gradient)
    measurement = Measurement(stored.metrics, gradient, stored.curve)
    state: Any = stored.state
    return Trial(
        stored.number, proposal, state, measurement, stored.scores, stored.seconds, stored.device, stored.reason
    )

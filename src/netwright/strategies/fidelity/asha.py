"""Asynchronous successive halving, ASHA (Li et al. 2020, "A System for Massively Parallel Hyperparameter Tuning")."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any, ClassVar

from netwright.core.checks import one_of
from netwright.core.errors import StopSearch
from netwright.core.strategy import Strategy
from netwright.core.trial import Proposal
from netwright.strategies.fidelity.rungs import Order, Rung, checked_eta, shares, steps_below
from netwright.strategies.fidelity.source import Source, chosen_sampler

if TYPE_CHECKING:
    import numpy as np

    from netwright.core.space import Space
    from netwright.core.trial import Trial


class Asha(Strategy):
    """Promotes a trial as soon as it is among the best 1/`eta` of its rung so far; tries a new candidate otherwise.

    No worker ever waits, so that it keeps any number of them busy. Ends only with the search, or with the sampler. A
    trial that did not complete counts as the worst of its rung; a network that breaks a limit does not count in the
    lowest one. With several objectives a rung is ordered by front, then by crowding distance (Deb et al. 2002). Of each
    rung the checkpoints of the best 64 that were not promoted are kept; one that comes back after that is trained from
    the start, with the same result.

    space: the one to search.
    least: the smallest share of the full budget; the lowest rung is the smallest power of 1/eta that is no less.
    eta: a trial among the best 1/eta of its rung is promoted, to eta times as much.
    sampler: the strategy that new candidates come from, by default random search.
    order: of several objectives; "crowding" as above, or "epsilon-net", by front and then as far as possible from those
        before (Salinas et al. 2021).
    """

    continues: ClassVar[bool] = True

    def __init__(
        self,
        space: Space,
        least: float = 1 / 27,
        eta: float = 3,
        sampler: Strategy | None = None,
        order: Order = "crowding",
    ) -> None:
        self.space = space
        self.order = one_of(self, "order", order, ("crowding", "epsilon-net"))
        self.eta = checked_eta(self, eta)
        self.sampler = chosen_sampler(self, space, sampler)
        self._rungs = [Rung(share, order) for share in shares(steps_below(self, least, eta), eta)]
        self._source = Source(self.sampler)
        self._pending: dict[Proposal, deque[tuple[Rung, Proposal | None]]] = {}
        self._ended: StopSearch | None = None

    def ask(self, rng: np.random.Generator) -> Proposal | None:
        # Algorithm 2, get_job: the highest rung with a trial to promote goes first.
        for upper, lower in zip(self._rungs[:0:-1], self._rungs[-2::-1], strict=True):
            trial = lower.promote(self.eta)
            if trial is not None:
                return self._asked(upper, trial.proposal.candidate, trial.number, None)
        if self._ended is None:
            try:
                proposal = self._source.ask(rng)
            except StopSearch as stop:
                self._ended = stop
            else:
                return proposal and self._asked(self._rungs[0], proposal.candidate, proposal.parent, proposal)
        if not self._pending:
            raise self._ended
        return None

    def _asked(self, rung: Rung, candidate: object, parent: int | None, asked: Proposal | None) -> Proposal:
        proposal = Proposal(candidate, fidelity=rung.share, parent=parent)  # pyright: ignore[reportArgumentType]
        self._pending.setdefault(proposal, deque()).append((rung, asked))
        return proposal

    def configuration(self) -> dict[str, Any]:
        """As it was before there were other orders, where none is asked for."""
        described = super().configuration()
        arguments: dict[str, Any] = dict(described["arguments"])
        if arguments["order"] == "crowding":
            del arguments["order"]
        return {**described, "arguments": arguments}

    def tell(self, trial: Trial) -> None:
        waiting = self._pending[trial.proposal]
        rung, asked = waiting.popleft()
        if not waiting:
            del self._pending[trial.proposal]
        self._source.tell(trial, asked)
        if trial.state != "infeasible" or rung is not self._rungs[0]:
            rung.note(trial)

    def may_continue(self, number: int) -> bool:
        return any(rung.may_promote(number) for rung in self._rungs[:-1])

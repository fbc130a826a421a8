"""The loop: ask while there is a free slot, run, record, tell. Nothing else loops."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from netwright.core.errors import NetwrightError, StopSearch
from netwright.core.executor import Executor, Job, Outcome, Resizes
from netwright.core.judged import Judgement, judged_anew
from netwright.core.randomness import Generators, derived_seed
from netwright.core.strategy import Strategy, mixture_of
from netwright.core.trial import Proposal, Trial
from netwright.engine.control import Control, by_hand
from netwright.engine.execution import Clock, Places, Waiting
from netwright.engine.folders import Folders
from netwright.engine.last_resort import LastResort, is_last_resort
from netwright.engine.limits import ChangingLimits, known_of
from netwright.engine.memory import Memory
from netwright.engine.process import FullCollections, Signals
from netwright.engine.record import SLOW, Acknowledgements, Judge
from netwright.engine.region import Region, seconds_of
from netwright.engine.rounds import Rounds, round_estimator
from netwright.engine.stops import Failures, Stopper
from netwright.engine.under_way import Attempts, RetryPolicy
from netwright.store.rows import Asked, Told

if TYPE_CHECKING:
    from netwright.engine.progress import Watch
    from netwright.engine.search import Search
    from netwright.engine.stops import Stops
    from netwright.store.writer import TrialWriter


class Loop:
    """One run under way. `trials` are in the order in which the strategy was told."""

    def __init__(
        self,
        search: Search,
        strategy: Strategy,
        executor: Executor,
        stopper: Stopper,
        earlier: float = 0.0,
        on_trial: Callable[[Trial], object] | None = None,
        watch: Watch | None = None,
        shared: Path | None = None,
        retries: RetryPolicy | None = None,
        folder: Path | None = None,
        memory: Path | None = None,
        control: Control | None = None,
    ) -> None:
        """folder: where the trials that are under way have folders for their checkpoints; None for nowhere.

        memory: where what the strategy remembers is kept, if anywhere.
        control: what a person asks meanwhile; None where nobody can.
        """
        self.search = search
        self.trials: list[Trial] = []
        self.tracebacks: dict[int, str] = {}
        self.signals = Signals()
        self._collections = FullCollections()
        self.stopper = stopper
        self.clock = Clock(executor, earlier)
        self.folders = Folders(folder, strategy, any(each.keeps for each in search.estimator.stages()))
        self.places = Places(executor)
        self.attempts = Attempts(search, executor, self.clock, retries, self.folders)
        self.last_resort = LastResort(search.estimator.stages(), search.limits)
        self.limits = ChangingLimits(self)
        self.attempts.limits_of = lambda number, proposal: self.last_resort.limits_of(proposal, self.limits.at(number))
        if not self.clock.virtual:
            self.attempts.given = lambda: stopper.given(self.clock.seconds)
        self.acknowledgements = Acknowledgements(self.folders, watch, on_trial)
        self._waiting = Waiting(executor, self.attempts, self.clock, self.signals)
        self._strategy, self._executor, self.space = strategy, executor, search.space
        self.rounds = Rounds(strategy, round_estimator(search.estimator), derived_seed(search.seed), shared)
        self.memory = Memory(strategy, memory if self.rounds.none else None)
        asked = self.memory if self.memory.active else strategy
        self._ask, self._tell = asked.ask, asked.tell
        self._generators = Generators(search.seed)
        self._as_told: list[Trial] = []  # the trials as they were judged when they ended
        self._begun: list[Proposal] = []
        self._judge, self.failures, self.region = self._judges(search)
        self._watch = watch
        self.control = control or Control(None, "", search.space.parse)
        self._prepare_control()
        self._number = 0
        self.asked_round = False
        self._asked_all = False  # whether there was a slot when the strategy could last be asked

    def _judges(self, search: Search) -> tuple[Judge, Failures, Region]:
        """What goes by the limits of a search."""
        foretold = {later: name for each in search.estimator.stages() for later, name in each.foretells.items()}
        failures = Failures(search.limits, foretold, lambda: self.region.nearest_line())
        return Judge(search.objectives, search.limits), failures, self.region_of(search)

    def region_of(self, search: Search) -> Region:
        """The architectures that keep the limits of a search, as this run knows them; all under a mixture."""
        follows = mixture_of(self._strategy) is not None  # whose architectures are decoded within the limits
        limits, stages = () if follows else search.limits, search.estimator.stages()
        found = Region(search.space, stages, limits, search.seed, seconds_of(self.stopper.seconds))
        for proposal in self._begun:
            found.begun(proposal)
        for trial in self.trials:
            found.told(trial)
        return found

    def go_by(self, search: Search, *, heard: bool = False) -> None:
        """Go by the limits of this search from now on, and judge by them what was told.

        heard: whether the strategy remembers that it did so already.
        """
        self.search = search
        self.trials = [_judged_anew(each, search) for each in self._as_told]
        self._judge, self.failures, self.region = self._judges(search)
        for trial in self.trials:
            self._judge.note(trial)
            self.failures.note(trial, self.tracebacks.get(trial.number, ""))
        self.region.find()
        for keeper in (self.stopper, self.folders, self._watch):
            if keeper is not None:
                keeper.judge_anew(self.trials)
        self.last_resort.judge_anew(search.limits, self.trials)
        self._strategy.know(*known_of(search))
        if not heard:
            told = filter(None, map(self._for_strategy, self.trials))
            self._strategy.judge_anew({trial.number: trial for trial in told})

    def begun(self, proposal: Proposal) -> None:
        """Take note of what is tried for the strategy."""
        self._begun.append(proposal)
        self.region.begun(proposal)

    @property
    def asked(self) -> int:
        """How many trials were asked."""
        return self._number

    def _prepare_control(self) -> None:
        self.control.change_stops = self._change_stops
        self.control.fidelity = lambda: highest_fidelity(self.trials)
        if isinstance(self._executor, Resizes):
            self.control.resize = self._resize
        if self.rounds.none:
            self.control.change_limits = self.limits.change
        else:
            shared = "this search trains weights that all networks share"
            self.control.refusal_to_try = f"{shared}; none can be put in between"
            self.control.refusal_to_resize = f"{shared}, in one process; it takes no other number of workers"
            self.control.refusal_to_limit = f"{shared} within its limits; they stay as they are"

    def _change_stops(self, change: Callable[[Stops], Stops]) -> tuple[Stops, Stops]:
        before = self.stopper.stops
        found = self.stopper.change(change)
        if self._watch is not None:
            self._watch.stops = found
        return found, before

    def _resize(self, workers: int) -> str:
        assert isinstance(self._executor, Resizes)
        like = Proposal(self.space.sample(np.random.default_rng(0)))
        return self._executor.resize(workers, Job(0, like, 0, self.search.estimator.stages(), self.search.limits))

    def write_to(self, journal: TrialWriter) -> None:
        """Write down what happens from now on."""
        self.attempts.journal = self.acknowledgements.journal = journal
        self.memory.writing = True
        journal.interrupt = self.signals.check
        journal.alarm = self.signals.alarm
        journal.make_room = self._make_room

    def _make_room(self) -> None:
        """On a disk without room: remove what trials keep that have ended, as far as it can be done again."""
        journal = self.acknowledgements.journal
        assert journal is not None
        self.acknowledgements.clear_written()
        if journal.full:
            self.memory.clear()
            self.folders.make_room()
        while journal.short and self.folders.make_room():
            pass

    def run(self) -> str:
        """Search until a stop; why it stopped."""
        with self.signals, self._collections:
            while True:
                self._heed()
                self._fill()
                if self._over():
                    break
                self._collections.look()
                self.acknowledgements.look()
                self._show()
                remaining = self.stopper.remaining(self.clock.seconds)
                for outcome in self._cancelled() if remaining == 0 else self._waiting.outcomes(remaining):
                    self._finish(outcome)
                self.signals.check()
            self.acknowledgements.settle()
        if self.rounds.cut:
            self.stopper.reason += "; the training of the shared weights ended early for it"
        return self.stopper.reason

    def _over(self) -> bool:
        """Whether nothing is under way and nothing will be; a search without a place to run waits for one."""
        if self.attempts.pending:
            return False
        if self.control.paused:
            return not self.stopper.may_begin(0, self.clock.seconds)
        return self._asked_all or not self.stopper.may_begin(0, self.clock.seconds)

    def _show(self, progress: float = 0.0) -> None:
        if self._watch is not None:
            pending, seconds = len(self.attempts.pending), self.clock.seconds()
            notices, steered = self.places.notices, self.control.said
            self._watch.show(pending, seconds, progress=progress, notices=notices, steered=steered)

    def _heed(self) -> None:
        """Take up what a person has asked."""
        self.control.look()
        if self.control.stopping and not self.stopper.reason:
            self.stopper.reason = self.control.stopping

    # Asking.

    def ask(self) -> Proposal | Trial | None:
        """The strategy's next proposal, drawn from the next number's generator.

        A round is carried out at once: what comes back is then the epoch that it ended, or None where it ended none.
        """
        rounds = self.rounds
        if rounds.unkept:
            rounds.settle(self._number - 1)
        proposal = self._ask(self._generators(self._number, rounds.count))
        if proposal is None or proposal.purpose == "evaluate":
            self.asked_round = False
            rounds.count = 0
            return proposal
        self.asked_round = True
        if self.attempts.pending:
            raise NetwrightError(
                f"{type(self._strategy).__name__} asks for a round while trials {sorted(self.attempts.pending)} are "
                "pending; a strategy that trains shared weights must first be told of them"
            )
        if self.stopper.weights_end(self.clock.seconds):
            rounds.end_soon()
        return rounds.carry_out(self._number, proposal)

    def _fill(self) -> None:
        """Ask until every slot is taken, a stop is reached, or the strategy waits to be told."""
        pending, stopper, control = self.attempts.pending, self.stopper, self.control
        slots = control.slots(self._executor.slots)
        self._asked_all = slots > 0
        if self.attempts.delayed.numbers:
            self.attempts.begin_due(slots)
        while not control.paused and len(pending) < slots and stopper.may_begin(len(pending), self.clock.seconds):
            if control.to_try:
                self.attempts.begin(self.skip(), len(self.trials), control.to_try.pop(0))
                continue
            if self._try_last_resort():
                continue
            try:
                asked = self.ask()
            except StopSearch as stop:
                self._try_last_resort(ending=not pending)
                stopper.reason = str(stop) or type(stop).__name__
                return
            if isinstance(asked, Proposal):
                tried = self.region.within(asked, self._number)
                self.begun(tried)
                self.attempts.begin(self.skip(), len(self.trials), tried)
                self.memory.look()
            elif self.asked_round:
                self._after_round(asked)
            else:
                self._require_pending()
                return

    def _try_last_resort(self, *, ending: bool = False) -> bool:
        """Begin what is tried where the search would end with nothing, if it is time for that; whether it was."""
        limit = self.stopper.seconds
        share = 1.0 if ending else 0.0 if limit is None else self.clock.seconds() / limit
        proposal = self.last_resort.due(share)
        if proposal is not None:
            self.attempts.begin(self.skip(), len(self.trials), proposal)
        return proposal is not None

    def _after_round(self, epoch: Trial | None) -> None:
        """Record the epoch that a round ended, if any; let the user see and interrupt."""
        if isinstance(epoch, Trial):
            now, told = time.time(), len(self.trials)
            question = Asked(self.skip(), told, 1, epoch.proposal, now)
            self.acknowledgements.add_at_once(Told(question, told, epoch, "", now))
            self.trials.append(epoch)
            self._as_told.append(epoch)
            self.acknowledgements.acknowledge(epoch)
        self._collections.look()
        self._heed()
        self.signals.check()
        self._show(self.rounds.progress)

    def _require_pending(self) -> None:
        if not self.attempts.pending:
            name = type(self._strategy).__name__
            raise NetwrightError(f"{name} wants to be told of a trial before it asks again, but none is under way")

    def skip(self, told: int | None = None) -> int:
        """Note that the next number was asked, now or in an earlier session; that number.

        told: how many trials had been told before, as many as now by default.
        """
        self._number += 1
        self.memory.asked(len(self.trials) if told is None else told)
        number = self._number - 1
        self.limits.catch_up()
        return number

    # Ending.

    def _cancelled(self) -> Sequence[Outcome]:
        self.stopper.end_of_time()
        return self.attempts.cancelled("the time of the search was up")

    def cancel(self) -> None:
        """Tell the executor to end what it runs."""
        self.attempts.cancel()

    def drain(self, seconds: float, *, tell: bool) -> None:
        """After `cancel`: wait for what was under way, so that none of it reaches another search.

        tell: whether trials that ended by themselves meanwhile count; those that were cancelled are begun again when
        the run is resumed.
        """
        for outcome in self.attempts.last_outcomes(seconds):
            if tell and outcome.state not in ("cancelled", "lost"):
                self._finish(outcome)
            else:
                self.attempts.drop(outcome)

    # Telling.

    def _finish(self, outcome: Outcome) -> None:
        if not self.attempts.awaited(outcome):
            return
        if outcome.place:
            self.places.note(outcome)
        question = self.attempts.end(outcome)
        if question is None:
            return
        trial, traceback = self._judge.trial(question.proposal, outcome), outcome.traceback
        broken = self.last_resort.broken(trial)
        if broken:
            trial = replace(trial, state="infeasible", reason=broken, scores=())
        if self.limits.changed:
            trial = _judged_anew(trial, self.search)
        acknowledgements = self.acknowledgements
        if acknowledgements.journal is None:
            self.tell(trial, traceback)
            acknowledgements.acknowledge(trial)
        else:
            slow = outcome.seconds > SLOW and not self.clock.virtual
            acknowledgements.add(Told(question, len(self.trials), trial, traceback, time.time()), slow=slow)
            self.tell(trial, traceback)
        if trial.state != "completed" and not self.last_resort.under_way:
            problem = self.failures.verdict()
            if problem is not None:
                raise problem

    def tell(self, trial: Trial, traceback: str = "", *, strategy: bool = True) -> None:
        """Tell everybody who keeps count of how a trial ended, the strategy last, where it asked for it."""
        self.trials.append(trial)
        self._as_told.append(trial)
        if traceback:
            self.tracebacks[trial.number] = traceback
        self.stopper.note(trial)
        self.folders.note(trial)
        self.failures.note(trial, traceback)
        self.memory.told(trial)
        self.region.told(trial)
        self.last_resort.note(trial)
        if strategy and (known := self._for_strategy(trial)):
            self._tell(known)
        self.limits.catch_up()

    def _for_strategy(self, trial: Trial) -> Trial | None:
        """The trial as the strategy is told of it; None where somebody else asked for it."""
        if by_hand(trial) or is_last_resort(trial.proposal):
            return None
        asked = trial.proposal.instead_of is not None and not self._strategy.adopts
        return replace(trial, proposal=trial.proposal.question) if asked else trial

    def restore(self, trial: Trial, traceback: str, *, told: bool = True) -> None:
        """Tell of a trial of an earlier session; all but the strategy where it was not `told` or knows already."""
        self._judge.note(trial)
        if self._watch is not None:
            self._watch.note(trial)
        if trial.proposal.is_round:
            self.trials.append(trial)
            self._as_told.append(trial)
        else:
            self.tell(trial, traceback, strategy=told)


def _judged_anew(trial: Trial, search: Search) -> Trial:
    """A trial as the limits of this search judge it. trial: as it was judged when it ended."""
    if trial.proposal.is_round:
        return trial
    before = Judgement(trial.state, trial.reason, trial.scores)
    found = judged_anew(before, trial.metrics, search.objectives, search.limits)
    state: Any = found.state
    return trial if found == before else replace(trial, state=state, reason=found.reason, scores=found.scores)


def highest_fidelity(trials: Sequence[Trial]) -> float | None:
    """The largest share of the full training that a trial completed with; None for all of it."""
    share = max((trial.share for trial in trials if trial.completed), default=1.0)
    return None if share == 1.0 else share

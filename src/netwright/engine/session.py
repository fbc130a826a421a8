"""One call of `Search.run`: opens the store, makes or resumes the run, drives the loop, and says how it ended."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
import weakref
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from netwright.core.errors import ConfigurationError, NetwrightError, SearchFailed, UserError
from netwright.core.executor import VirtualClock
from netwright.core.inside import inside
from netwright.core.roles import KeepsLimits
from netwright.core.spelling import spelled
from netwright.core.strategy import RoundStrategy, Strategy, in_role, is_led, untold
from netwright.core.warning import warn
from netwright.engine.control import STEERED, Control
from netwright.engine.finalists import measure_finalists
from netwright.engine.identity import as_begun, check_identity, check_name, next_name, note_identity
from netwright.engine.limits import known_of
from netwright.engine.loop import Loop
from netwright.engine.measured_front import measure_front
from netwright.engine.memory import FOLDER as MEMORY
from netwright.engine.preflight import preflight
from netwright.engine.process import Interrupted, signal_of
from netwright.engine.progress import Progress, Watch
from netwright.engine.replay import replay
from netwright.engine.rounds import FOLDER, round_estimator
from netwright.engine.run import Run, beyond, resuming
from netwright.engine.stops import THEN_SEARCH, Stopper, Stops
from netwright.engine.under_way import CANCELLING
from netwright.executors.inline import Inline
from netwright.store.changed_limits import LIMITS
from netwright.store.problems import NoRoom
from netwright.store.store import Store

if TYPE_CHECKING:
    from netwright.core.executor import Executor
    from netwright.core.trial import Trial
    from netwright.engine.search import Search
    from netwright.engine.under_way import RetryPolicy
    from netwright.store.writer import TrialWriter

TRIALS = "trials"  # the folder of a project in which trials under way and the best ones keep their checkpoints
STOPPING = 20.0  # seconds that an executor has to end its jobs after an interruption
NOTES = "notes"


class Session:
    """A run that is about to be driven. As a context, it closes the store that it opened."""

    def __init__(
        self,
        search: Search,
        stops: Stops,
        store: Store | str | Path | None,
        name: str | None,
        resume: bool,
        notes: Any,
        executor: Executor | None = None,
        check: bool = False,
    ) -> None:
        """check: whether the space's smallest and largest network are tried first, unless the run is resumed."""
        self._executor, self._elsewhere = executor or Inline(), executor is not None
        refuse_rounds_elsewhere(search, self._executor)
        warn_of_nothing_to_inherit(search)
        if resume and store is None:
            raise UserError("only a run in a store can be resumed; give " + spelled("store=DIRECTORY"))
        if name is not None:
            check_name(name)
        self._search, self._stops, self._resume = search, stops, resume
        if check and not resume:
            preflight(search, seconds=stops.seconds)
        self._journal: TrialWriter | None = None
        self._folder: Path | None = None
        self._unwritten: list[tuple[str, Mapping[str, object]]] = []  # events for which there was no room
        self._temporary: Path | None = None  # where a run in memory keeps what trials have kept
        self._own = not isinstance(store, Store)
        self.store = store if isinstance(store, Store) or store is None else Store(store)
        try:
            self.name = self._prepare(name, notes)
        except BaseException:
            self.__exit__()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._temporary is not None:
            shutil.rmtree(self._temporary, ignore_errors=True)
        if not self._elsewhere:
            self._executor.close()
        if self._own and self.store is not None:
            self.store.close()

    def _prepare(self, name: str | None, notes: Any) -> str:
        """The run's name, after making it in the store or finding it there."""
        search, store = self._search, self.store
        if store is None:
            return name or next_name(search.strategy, search.estimator, ())
        if self._resume:
            name = _found(store, name)
            search = self._search = as_begun(store, name, search)
            check_identity(store, name, search)
            store.keep_backups()
        else:
            name = name or next_name(search.strategy, search.estimator, store.names())
            if name in store.names():
                raise UserError(f"run {name!r} exists already in {store.directory}; resume it, or choose another name")
            store.keep_backups()
            note_identity(store, name, search)
        if notes is not None:
            store.keep(name, NOTES, notes)
        if self._resume and store.document(name, STEERED):
            store.keep(name, STEERED, {})  # who resumes it says anew how far and where
        return name

    def drive(
        self,
        on_trial: Callable[[Trial], object] | None,
        on_progress: Callable[[Progress], object] | None,
        reserve: Callable[[Trial], float] | None = None,
        retries: RetryPolicy | None = None,
        expected: float | None = None,
    ) -> Run:
        """Search to a stop; the run."""
        strategy = prepared(self._search)
        watch = None if on_progress is None else Watch(on_progress, self._stops, self._search.objectives[0])
        training = 1.0 if is_led(strategy) else THEN_SEARCH
        stopper = Stopper(
            *(self._stops, self._search.objectives, reserve),
            patient=strategy.bounded and not strategy.keeps_time,
            expected=expected,
            training=training,
            keeps_time=strategy.keeps_time,
        )
        earlier = self.store.summary(self.name).seconds if self.store and self._resume else 0.0
        shared, self._folder, memory = self._folders()
        loop = Loop(
            *(self._search, strategy, self._executor, stopper, earlier, on_trial, watch, shared),
            retries=retries,
            folder=self._folder,
            memory=memory,
            control=self._control(),
        )
        try:
            self._begin(loop)
            stopped = loop.run()
        except BaseException as problem:
            raise self._failed(loop, strategy, problem) from problem.__cause__
        failure = loop.failures.final_verdict()
        if failure is not None:
            raise self._failed(loop, strategy, failure)
        if watch is not None:
            notices, steered = loop.places.notices, loop.control.said
            watch.show(0, loop.clock.seconds(), now=True, notices=notices, steered=steered)
        self._end(loop, "finished", stopped)
        loop.folders.clear_all()
        run = self._run(loop, strategy, stopped)
        measure_finalists(run)
        measure_front(run, self._stops.seconds)
        return run

    def _control(self) -> Control:
        """What a person asks while this runs; nobody can where nothing is stored, or time is simulated."""
        real = self.store is not None and not isinstance(self._executor, VirtualClock)
        directory = self.store.directory if real and self.store is not None else None
        control = Control(directory, self.name, self._search.space.parse)
        control.event = self._event
        if directory is not None:
            control.keep = self._keep_steered
        control.clear()
        return control

    def _keep_steered(self, found: Mapping[str, Any]) -> None:
        """Keep what a person has changed, for who resumes the run."""
        assert self.store is not None
        with contextlib.suppress(NoRoom):
            self.store.keep(self.name, STEERED, {**(self.store.document(self.name, STEERED) or {}), **found})

    def _folders(self) -> tuple[Path | None, Path | None, Path | None]:
        """Where shared weights are kept, the checkpoints of trials under way, and what the strategy remembers."""
        if self.store is None:
            return None, self._temporary_folder(), None
        shared, trials, memory = (inside(self.store.directory, each, self.name) for each in (FOLDER, TRIALS, MEMORY))
        return shared, trials, memory

    def _temporary_folder(self) -> Path | None:
        """For a run in memory whose trials keep something; gone with the `Run`, or with this where there is none."""
        search, stages = self._search, self._search.estimator.stages()
        goes_on = search.strategy.continues and any(each.can_continue for each in stages)
        if not goes_on and not any(each.keeps for each in stages):
            return None
        self._temporary = Path(tempfile.mkdtemp(prefix="netwright-"))
        return self._temporary / TRIALS

    def _begin(self, loop: Loop) -> None:
        store = self.store
        if store is None:
            return
        stored = store.read_run(self.name, as_told=True).trials if self._resume else ()
        attempts = store.attempts(self.name) if any(each.told is None for each in stored) else ()
        store.set_state(self.name, "running")
        self._journal = store.writer(self.name, loop.clock.seconds)
        loop.write_to(self._journal)
        loop.places.on_notice = self._event
        loop.limits.keep = lambda changes: store.keep(self.name, LIMITS, changes)
        if self._resume:
            loop.limits.restore(store.present_limits(self.name).changes)
        replay(loop, self.name, stored, attempts)

    def _event(self, kind: str, data: Mapping[str, object]) -> None:
        """Write an event down; where the disk is full, at the end, for the trials are what there must be room for."""
        assert self.store is not None
        try:
            self.store.add_event(self.name, kind, data)
        except NoRoom:
            self._unwritten.append((kind, data))

    def _failed(self, loop: Loop, strategy: Strategy, problem: BaseException) -> BaseException:
        """Store what there is, and the error to raise: the problem itself but for an interruption.

        A second interruption while jobs are ended stops waiting for them.
        """
        if loop.signals.alarmed and self._journal is not None and self._journal.problem is not None:
            problem = self._journal.problem
        interrupted = isinstance(problem, KeyboardInterrupt)
        loop.cancel()
        again = False
        try:
            loop.drain(STOPPING if interrupted else CANCELLING, tell=interrupted)
        except KeyboardInterrupt:
            again = interrupted
        except Exception:  # noqa: S110 - the problem that is being handled is the one to raise
            pass
        reason = "interrupted" if interrupted else str(problem).strip().partition("\n")[0] or type(problem).__name__
        failed = isinstance(problem, (SearchFailed, UserError)) and not isinstance(problem, NoRoom)
        state = "failed" if failed else "interrupted"
        try:
            self._end(loop, state, reason)
        except NetwrightError as unwritten:
            if isinstance(unwritten, NoRoom):
                with contextlib.suppress(NetwrightError):  # there may be room for this
                    self.store.set_state(self.name, state, reason, loop.clock.seconds())  # type: ignore[union-attr]
            if not (interrupted and isinstance(unwritten, NoRoom)):
                return problem if isinstance(problem, NetwrightError) else unwritten
        if not interrupted:
            return problem
        with contextlib.suppress(Exception):  # the callback of one who has gone already
            loop.acknowledgements.settle()
        number = loop.signals.received or signal_of(problem)
        return Interrupted(self._run(loop, strategy, reason), number, again=again)

    def _end(self, loop: Loop, state: str, reason: str) -> None:
        """All trials are on disk when this returns."""
        if self.store is None:
            return
        loop.memory.settle()
        if self._journal is not None:
            self._journal.close()
            self._journal.wait()
        for kind, data in self._unwritten:
            self.store.add_event(self.name, kind, data)
        if loop.attempts.refused:
            self.store.add_event(self.name, "refused", {"outcomes": loop.attempts.refused})
        self.store.set_state(self.name, state, reason, loop.clock.seconds())
        try:
            self.store.keep_backups(ended=True)
        except NetwrightError as problem:
            warn(f"no backup was made: {problem}")

    def _further(self, loop: Loop, stopped: str) -> str:
        """The call that goes on; empty where nothing was kept, or where no higher limit would bring more."""
        stopper, stops = loop.stopper, loop.stopper.stops
        if self.store is None or loop.rounds.cut:
            return ""
        if stopped == stopper.reason:
            if stopper.reached is None:
                return ""
            stops = beyond(stops, stopper.reached, stopper.finished, loop.clock.seconds())
        return resuming(stops, self.store.directory, self.name, elsewhere=self._elsewhere)

    def _run(self, loop: Loop, strategy: Strategy, stopped: str) -> Run:
        run = Run(
            *(self.name, loop.search, strategy, loop.trials),
            stopped=stopped,
            further=self._further(loop, stopped),
            seconds=loop.clock.seconds(),
            tracebacks=loop.tracebacks,
            store=self.store,
            notices=loop.places.notices,
            folder=self._folder,
        )
        if self._temporary is not None:
            weakref.finalize(run, shutil.rmtree, self._temporary, ignore_errors=True)
            self._temporary = None
        return run


def refuse_rounds_elsewhere(search: Search, executor: Executor) -> None:
    """ConfigurationError for shared weights that are trained in this process while trials would run in others."""
    estimator = round_estimator(search.estimator)
    if estimator is None or isinstance(executor, Inline) or estimator.trained is not None:
        return
    raise ConfigurationError(
        f"{type(estimator).__name__} trains its shared weights in the process that drives the search, where "
        f"{type(executor).__name__} cannot use them; search with "
        + spelled("one worker, or give the estimator trained=RUN, the name of a run that trained them")
    )


def warn_of_nothing_to_inherit(search: Search) -> None:
    """Warn where children would begin from their parents' weights, but nothing keeps the trained networks."""
    if search.strategy.inherits and not any(each.keeps for each in search.estimator.stages()):
        name = type(search.estimator).__name__
        warn(f"{name} keeps no trained networks, so that children inherit nothing; leave inherit out")


def prepared(search: Search) -> Strategy:
    """A fresh strategy for a run, which knows what the search does without training anything.

    One that is led stands for networks that keep the limits.
    """
    strategy, estimator = untold(search.strategy), round_estimator(search.estimator)
    strategy.know(*known_of(search))
    if isinstance(estimator, KeepsLimits):
        follows = in_role(strategy, RoundStrategy) if is_led(strategy) else None
        decoder = estimator.within(search.limits if follows is not None else (), search.estimator.stages())
        if follows is not None and search.limits:
            follows.keep_within(decoder)
    return strategy


def load_run(search: Search, store: Store | str | Path, name: str | None) -> Run:
    """A stored run as it is."""
    with contextlib.ExitStack() as stack:
        opened = store if isinstance(store, Store) else stack.enter_context(Store.open_readonly(store))
        found = opened.read_run(_found(opened, name), as_told=True)
        search = as_begun(opened, found.name, search)
        check_identity(opened, found.name, search)
        strategy = prepared(search)
        shared = inside(opened.directory, FOLDER, found.name)
        stopper = Stopper(Stops(), search.objectives)
        memory = inside(opened.directory, MEMORY, found.name)
        loop = Loop(search, strategy, Inline(), stopper, found.summary.seconds, shared=shared, memory=memory)
        loop.limits.restore(opened.present_limits(found.name).changes)
        replay(loop, found.name, found.trials, begin=False)
        return Run(
            *(found.name, loop.search, strategy, loop.trials),
            stopped=found.summary.stopped,
            seconds=found.summary.seconds,
            tracebacks=loop.tracebacks,
            store=opened,
            state_lost=loop.rounds.lost,
            folder=inside(opened.directory, TRIALS, found.name),
        )


def _found(store: Store, name: str | None) -> str:
    """The name of an existing run, by default the latest."""
    if name is not None:
        return store.summary(name).name
    names = store.names()
    if not names:
        raise UserError(f"there is no run in {store.directory}")
    return names[-1]

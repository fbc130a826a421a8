"""What a search gives back, and the call that goes on with it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from netwright.core.architecture import Architecture
from netwright.core.display import drawn, html_columns
from netwright.core.errors import SearchFailed, UserError
from netwright.core.installing import installing
from netwright.core.objective import comparable, fitness, fittest, front
from netwright.core.strategy import mixture_of
from netwright.core.trial import Trial
from netwright.engine.duration import format_duration, parse_duration
from netwright.engine.finalists import FINALISTS, refused
from netwright.engine.folders import Continuations
from netwright.engine.stops import Stops
from netwright.results.front_again import MEASURED_FRONT, Again
from netwright.store.numbers import spelled
from netwright.store.store import Store

if TYPE_CHECKING:
    from netwright.core.strategy import Strategy
    from netwright.engine.search import Search

HTML_TRIALS = 10  # in a notebook
MEASURED = frozenset({"seconds", "latency", "throughput", "ms", "peak"})


class Run:
    """The trials of a search, in the order of their numbers, and how it ended.

    name: under which a store keeps it.
    search: what was searched, and for what.
    strategy: as it is after it was told of all trials.
    trials: in the order of their numbers.
    stopped: why it ended, in one line.
    further: the call in Python that goes on with it; empty where there is none.
    seconds: wall-clock, all sessions of a resumed run together.
    tracebacks: of trials that ended in an error, by number.
    store: in which it is kept; None where only in memory.
    state_lost: whether what the strategy had learnt is gone.
    notices: what went wrong where trials ran.
    folder: in which the best trials kept their networks; None where they did not.

    `store_directory` is where it is kept; None where only in memory.
    """

    def __init__(
        self,
        name: str,
        search: Search,
        strategy: Strategy,
        trials: Sequence[Trial],
        *,
        stopped: str = "",
        further: str = "",
        seconds: float = 0.0,
        tracebacks: Mapping[int, str] | None = None,
        store: Store | None = None,
        state_lost: bool = False,
        notices: Sequence[str] = (),
        folder: Path | None = None,
    ) -> None:
        """folder: in which the best trials kept their networks."""
        self.notices = tuple(notices)
        self._folder = folder
        self.state_lost = state_lost
        self.name = name
        self.search = search
        self.strategy = strategy
        self.trials: tuple[Trial, ...] = tuple(sorted(trials, key=lambda trial: trial.number))
        self.stopped = stopped
        self.further = further
        self.seconds = seconds
        self.store_directory: Path | None = None if store is None else store.directory
        self._tracebacks = dict(tracebacks or {})
        self._store = store
        self._documents: dict[str, Any] = {}

    @property
    def compared(self) -> list[Trial]:
        """The completed evaluations of architectures that are compared: those at the highest measured fidelity, or
        where each of the strategy's `measures_whole` the last of each candidate.

        Where networks of the front were measured again, with what that gave.
        """
        found = _last_of_each(self.trials) if self.strategy.measures_whole else comparable(self.trials)
        found = [each for each in found if isinstance(each.proposal.candidate, Architecture)]
        again = self.again
        return found if again is None else again.replaced(found, self.search.objectives)

    @property
    def again(self) -> Again | None:
        """What was measured again of the front's networks; None where nothing was."""
        return Again.of(self.kept(MEASURED_FRONT)) if len(self.search.objectives) > 1 else None

    @cached_property
    def best(self) -> Trial:
        """The best trial, of those `compared`, of the architecture that the strategy recommends; by default the best.

        Raises SearchFailed where none completed.
        """
        trials = self.compared
        left_out = refused(self.kept(FINALISTS), trials) if trials else set()
        trials = [each for each in trials if each.architecture not in left_out]
        if not self.trials:
            raise SearchFailed(f"run {self.name!r} holds no trial, since {self.stopped or 'it was stopped at once'}")
        if left_out and not trials:
            raise SearchFailed(f"no network of run {self.name!r} keeps the limits when it is measured again")
        if not trials:
            raise SearchFailed(f"none of the {len(self.trials)} trials of run {self.name!r} completed")
        if self.state_lost:  # what the strategy had learnt is gone; what it asked about last is what it stood for
            return trials[-1] if mixture_of(self.strategy) is not None else fittest(trials)
        recommended = self.strategy.recommend(trials)
        return fittest([trial for trial in trials if trial.architecture == recommended] or trials)

    @property
    def front(self) -> list[Trial]:
        """The Pareto front: the trials, of those `compared`, that no other dominates."""
        return front(self.compared)

    @property
    def counts(self) -> dict[str, int]:
        """How many trials ended in each state that occurred; epochs of shared weights are no trials."""
        return dict(Counter(trial.state for trial in self.trials if not trial.proposal.is_round))

    def traceback(self, number: int) -> str:
        """The traceback of a trial that ended in state "error"; empty for others."""
        return self._tracebacks.get(number, "")

    def table(self) -> list[dict[str, Any]]:
        """One row a trial without what a clock or the system measured, so that the tables of equal searches are equal.

        Non-finite numbers are given by name: "nan", "inf", "-inf".
        """
        return [spelled(_row(trial)) for trial in self.trials]

    def weights(self, trial: Trial) -> Path | None:
        """The checkpoints of a trial's network as it was trained; None where they were not kept, or not whole."""
        if self._folder is None:
            return None
        chains = Continuations()
        for each in self.trials:
            chains.note(each.number, each.proposal)
        folder = self._folder / str(chains.first(trial.number))
        estimators = (self.search.estimator, *self.search.estimator.stages())
        found = (each.kept(folder, trial.architecture) for each in estimators if each.keeps)
        return next((each for each in found if each is not None), None)

    def keep(self, key: str, value: Any) -> None:
        """Keep JSON under a key, in the store where there is one."""
        self._documents[key] = value
        if self.store_directory is not None:
            with _opened(self._store, self.store_directory) as store:
                store.keep(self.name, key, value)

    def keep_finalists(self, found: Mapping[str, Any]) -> None:
        """Keep what was measured again before a network is handed over; the best is chosen anew after it."""
        self.keep(FINALISTS, found)
        vars(self).pop("best", None)

    def keep_front(self, found: Mapping[str, Any]) -> None:
        """Keep what was measured again of the front's networks; the front is chosen anew after it."""
        self.keep(MEASURED_FRONT, found)
        vars(self).pop("best", None)

    def kept(self, key: str) -> Any:
        """What was kept under this key; None where nothing was."""
        if key in self._documents or self.store_directory is None:
            return self._documents.get(key)
        if self._store is not None and not self._store.closed:
            return self._store.document(self.name, key)
        with Store.open_readonly(self.store_directory) as store:
            return store.document(self.name, key)

    def export(self, directory: str | Path, **options: Any) -> Any:
        """Write the best network as plain PyTorch with weights, architecture, numbers and cost: see `results`."""
        from netwright.results import export_run

        return export_run(self, directory, **options)

    def frame(self) -> Any:
        """The trials as a pandas.DataFrame, one row each, with a column for each metric and each decision.

        Raises UserError where pandas is not installed.
        """
        try:
            import pandas
        except ImportError:
            raise UserError(f"pandas is not installed; get it with: {installing('pandas')}") from None
        return pandas.DataFrame([_flat(trial) for trial in self.trials])

    def __repr__(self) -> str:
        counts = ", ".join(f"{count} {state}" for state, count in self.counts.items())
        return f"Run({self.name!r}: {counts or 'no trials'}{self._best_line()}; {self.stopped})"

    def _best_line(self) -> str:
        """The best value there is; empty where no trial completed."""
        completed = [each for each in comparable(self.trials) if not each.proposal.is_round]
        if not completed:
            return ""
        best = fittest(completed)
        values = ", ".join(f"{each.metric} {best.metrics[each.metric]:.4g}" for each in self.search.objectives)
        return f"; best {values} (trial {best.number})"

    def _repr_html_(self) -> str:
        metrics = [each.metric for each in self.search.objectives]
        best = sorted((each for each in self.trials if each.scores), key=fitness, reverse=True)[:HTML_TRIALS]
        rows = [
            (each.number, *(f"{each.metrics[name]:.4g}" for name in metrics), each.proposal.candidate) for each in best
        ]
        table = html_columns(("trial", *metrics, "architecture"), rows)
        told = f"<p>{escape(repr(self))}</p>{table}"
        chosen = [each for each in comparable(self.trials) if each.completed and not each.proposal.is_round]
        first = fittest(chosen) if chosen else None
        if first is None or not isinstance(first.proposal.candidate, Architecture):
            return told
        return f"{told}<p>trial {first.number}:</p>{drawn(first.proposal.candidate)}"


def _last_of_each(trials: Sequence[Trial]) -> list[Trial]:
    """The last completed evaluation of each candidate, where it stands now."""
    return list({trial.proposal.candidate: trial for trial in trials if trial.completed and trial.scores}.values())


def _flat(trial: Trial) -> dict[str, Any]:
    """One row of the frame. Metrics come before decisions of the same name."""
    candidate = trial.proposal.candidate
    decisions = _parts(candidate) if isinstance(candidate, Architecture) else {}
    start = {"trial": trial.number, "state": trial.state, "seconds": trial.seconds}
    found = {**start, **trial.metrics, "reason": trial.reason}
    return {**found, **{name: label for name, label in decisions.items() if name not in found}}


def _parts(architecture: Architecture) -> Mapping[str, Any]:
    """The label of each decision; where there are none, the architecture in one column."""
    return architecture.space.record(architecture).get("decisions", {"architecture": str(architecture)})


class _opened:
    """The store that is open already, or a new one that is closed again."""

    def __init__(self, store: Store | None, directory: Path) -> None:
        self._own = store is None or store.closed or not store.writable
        self._store = Store(directory) if self._own or store is None else store

    def __enter__(self) -> Store:
        return self._store

    def __exit__(self, *_: object) -> None:
        if self._own:
            self._store.close()


def _row(trial: Trial) -> dict[str, Any]:
    proposal, candidate = trial.proposal, trial.proposal.candidate
    measured = {name: value for name, value in trial.metrics.items() if not _is_measured(name)}
    return {
        "number": trial.number,
        "state": trial.state,
        "architecture": candidate.to_json() if isinstance(candidate, Architecture) else None,
        "purpose": proposal.purpose,
        "fidelity": proposal.fidelity,
        "parent": proposal.parent,
        "metrics": measured,
        "curve": [
            {name: value for name, value in point.items() if not _is_measured(name)}
            for point in trial.measurement.curve
        ],
        "reason": trial.reason,
    }


def _is_measured(metric: str) -> bool:
    return not MEASURED.isdisjoint(metric.lower().split("_"))


def resuming(stops: Stops, directory: Path, name: str, *, elsewhere: bool) -> str:
    """The call that goes on with a run to these stops.

    elsewhere: whether its executor must be given again.
    """
    given = {
        "trials": stops.trials,
        "time": None if stops.seconds is None else _time(stops.seconds),
        "target": stops.target,
        "patience": stops.patience,
        "store": str(directory),
        "name": name,
    }
    arguments = [f"{key}={value!r}" for key, value in given.items() if value is not None]
    arguments += ["executor=executor"] if elsewhere else []
    return f"search.run({', '.join(arguments)}, resume=True)"


def _time(seconds: float) -> str | float:
    """As people write it, unless that is not exact."""
    text = format_duration(seconds)
    return text if parse_duration(text) == seconds else seconds


def beyond(stops: Stops, reached: str, trials: int, seconds: float) -> Stops:
    """Stops with which a run goes on that has ended: the one that was reached, doubled, and any that is half used."""
    used = {"trials": (stops.trials, trials), "seconds": (stops.seconds, seconds), "patience": (stops.patience, 0)}
    raised = {
        name: 2 * limit
        for name, (limit, spent) in used.items()
        if limit is not None and (name == reached or 2 * spent > limit)
    }
    return replace(stops, **raised)

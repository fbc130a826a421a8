"""What a running search shows: a live table on a terminal, plain lines elsewhere, nothing with --quiet."""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self

from netwright.cli.front import AHEAD
from netwright.cli.output import colours, say
from netwright.core.objective import Objective, fitness, front
from netwright.core.wording import duration, printable
from netwright.engine.stops import cost_nothing
from netwright.results.alarm_sentences import Raised, alarm_lines, alarms_of, alarms_of_candidates
from netwright.results.metric_words import metrics_text, number

if TYPE_CHECKING:
    from netwright.core.trial import Trial
    from netwright.engine import Progress

SCORE = "val_accuracy"
PLAIN_EVERY = 10.0  # seconds between plain lines that bring nothing new


class Display:
    """Told of every stored trial; shows best so far, counts by end state, rate and time to go."""

    def __init__(self, objectives: list[Objective], trials: int | None, seconds: float | None, *, quiet: bool) -> None:
        self.objectives = objectives
        self.trials = trials
        self.seconds = seconds
        self.quiet = quiet
        self.best: Trial | None = None
        self.counts: Counter[str] = Counter()
        self.recent: list[Trial] = []
        self.completed: list[Trial] = []  # by this process, for the front of several objectives
        self.last_failure = ""
        self._started = time.monotonic()
        self._own = 0  # trials of this process; the others are an earlier session's
        self._said = 0.0
        self._live: Any = None
        self.shared = 0.0
        self._raised = Raised()
        self.epochs: list[Trial] = []
        self._scores: list[float] = []  # of architectures on shared weights
        self._noticed: list[str] = []
        self._steered = 0  # lines that were said of it
        self._refused = 0  # networks that broke a limit before they were measured
        self._fronted: tuple[int, list[Trial]] = (0, [])  # after so many trials

    def __enter__(self) -> Self:
        if not self.quiet and colours(sys.stdout):
            from rich.console import Console
            from rich.live import Live

            self._live = Live(console=Console(), get_renderable=self._table, refresh_per_second=4, transient=True)
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._live is not None:
            self._live.stop()
            say(*self.summary())
        elif not self.quiet and self._scores:
            told = alarms_of_candidates([each.metrics for each in self.epochs], self._scores)
            say(*[f"{'':15}warning: {each.text}" for each in told])

    def counted(self, progress: Progress) -> None:
        """What the engine counts: all sessions of a resumed run."""
        self.counts, self._refused = Counter(progress.counts), progress.refused
        self.trials = progress.stops.trials if progress.stops.trials is not None else self.trials
        self.shared = progress.shared or self.shared
        for notice in progress.notices[len(self._noticed) :]:
            self._noticed.append(notice)
            if not self.quiet:
                say(f"warning: {notice}")
        for line in progress.steered[self._steered :]:
            self._steered += 1
            self.best = progress.best  # limits may have changed
            if not self.quiet:
                say(f"[{duration(self.elapsed):>11}]  {line}")
        if progress.best is not None and (self.best is None or fitness(progress.best) > fitness(self.best)):
            self.best = progress.best

    def __call__(self, trial: Trial) -> None:
        if trial.proposal.is_round:
            self._epoch(trial)
            return
        self._own += not cost_nothing(trial, self.objectives[0])
        self._refused += cost_nothing(trial, self.objectives[0])
        self.counts[trial.state] += 1
        self.recent = [*self.recent[-7:], trial]
        if trial.completed and self.epochs and SCORE in trial.metrics:
            self._scores.append(trial.metrics[SCORE])
        if trial.completed and len(self.objectives) > 1:
            self.completed.append(trial)
        better = trial.completed and (self.best is None or fitness(trial) > fitness(self.best))
        if better:
            self.best = trial
        if not trial.completed and trial.state != "infeasible":
            self.last_failure = f"trial {trial.number} {trial.state}: {trial.reason}"
        if not self.quiet and self._live is None and trial.state != "infeasible":
            self._plain_line(trial, better)

    def _epoch(self, trial: Trial) -> None:
        """One epoch of weight sharing, and the alarms that it raises anew, or that have grown."""
        self.epochs.append(trial)
        new = self._raised.news(alarms_of([each.metrics for each in self.epochs]))
        if self.quiet or self._live is not None:
            return
        said = [f"{'':15}warning: {each.text}" for each in new]
        say(f"[{duration(self.elapsed):>11}]  {epoch_line(trial)}", *said)

    @property
    def alarms(self) -> list[str]:
        """What the last epoch, and the candidates that were scored on its weights, warn of."""
        return alarm_lines([each.metrics for each in self.epochs], self._scores)

    def _plain_line(self, trial: Trial, better: bool) -> None:
        now = time.monotonic()
        few = self.trials is not None and self.trials <= 200
        if better or few or now - self._said > PLAIN_EVERY:
            self._said = now
            mark = " *" if better else ""
            say(f"[{duration(self.elapsed):>11}]{self._describe(trial)}{mark}   {self.eta()}".rstrip())

    def _describe(self, trial: Trial) -> str:
        place = f"{self.tried}/{self.trials}" if self.trials else str(self.tried)
        if not trial.completed:
            return f"{place:>7}  trial {trial.number}  {trial.state}: {trial.reason}"
        shared = "  (with shared weights)" if self.epochs else ""
        return f"{place:>7}  trial {trial.number}  {self.metrics(trial)}{shared}  {duration(trial.seconds)}"

    def metrics(self, trial: Trial) -> str:
        """The objectives and the parameters of a trial in one line."""
        shown = [each.metric for each in self.objectives]
        shown += [name for name in ("params",) if name in trial.metrics and name not in shown]
        return metrics_text(trial.metrics, shown)

    @property
    def tried(self) -> int:
        """Trials so far but for the networks that broke a limit before they were measured."""
        return self.counts.total() - self._refused

    @property
    def elapsed(self) -> float:
        return time.monotonic() - self._started

    def eta(self) -> str:
        """Time to go, from the trials of this process so far."""
        by_time = None if self.seconds is None else max(0.0, self.seconds - self.elapsed)
        by_trials = None
        if self.trials is not None and self._own:
            by_trials = self.elapsed / self._own * max(0, self.trials - self.tried)
        known = [each for each in (by_time, by_trials) if each is not None]
        return f"about {duration(min(known))} to go" if known and self._own >= 3 else ""

    def summary(self) -> list[str]:
        """The outcome in a few lines."""
        done = self.counts.total()
        states = ", ".join(f"{count} {state}" for state, count in self.counts.most_common())
        lines = [f"{done} trials in {duration(self.elapsed)}: {states or 'none'}"]
        several = len(self.objectives) > 1
        if several and self.completed:
            lines.append(f"front: {len(front(self.completed))} of {len(self.completed)} trials, {AHEAD}")
        if self.best is not None:
            first = f" in {self.objectives[0].metric}" if several else ""
            lines.append(f"best{first}: trial {self.best.number}  {self.metrics(self.best)}")
        lines += [f"warning: {each}" for each in self.alarms]
        if self.last_failure:
            lines.append(f"last failure: {self.last_failure}")
        return lines

    def facts(self) -> list[tuple[str, str]]:
        """What a running search says of itself at any time: trials by state, best, front, time to go, last failure."""
        states = ", ".join(f"{count} {state}" for state, count in self.counts.most_common())
        goal = f" of {self.trials}" if self.trials else ""
        rate = self._own / max(self.elapsed, 1e-9)
        best = "none yet" if self.best is None else f"{self.metrics(self.best)}  trial {self.best.number}"
        several = [("front", self._front())] if len(self.objectives) > 1 else []
        best += f", best by {self.objectives[0].metric}" if several and self.best is not None else ""
        left = self.eta().removesuffix(" to go") or "not known yet"
        failed = [("failed", f"last was {self.last_failure}")] if self.last_failure else []
        return [
            ("trials", f"{self.tried}{goal}: {states or 'none has ended'}"),
            ("best", best),
            *several,
            ("to go", f"{left}, {rate:.3g} trials a second; Ctrl-C is safe"),
            *failed,
            *(("warning", each) for each in self.alarms),
        ]

    def _front(self) -> str:
        """How many trials are on the front, and from where to where it goes."""
        if len(self.completed) != self._fronted[0]:
            self._fronted = len(self.completed), front(self.completed)
        ahead = self._fronted[1]
        if not ahead:
            return "none yet"
        spans = [_span(each.metric, [trial.metrics[each.metric] for trial in ahead]) for each in self.objectives]
        return f"{len(ahead)} of {len(self.completed)} trials: {', '.join(spans)}"

    def _table(self) -> Any:
        from rich.console import Group
        from rich.table import Table
        from rich.text import Text

        def plain(text: str, style: str = "") -> Text:
            """Text in which no square bracket means anything."""
            return Text(printable(text), style=style)

        view = Table(show_header=True, header_style="bold", box=None, pad_edge=False)
        names = [each.metric for each in self.objectives]
        names += ["params"] if "params" not in names else []
        for head in ("trial", "state", *names, "seconds"):
            view.add_column(plain(head), justify="left" if head == "state" else "right")
        for trial in self.recent:
            values = [number(n, trial.metrics[n]) if n in trial.metrics else "" for n in names]
            style = "green" if trial is self.best else ("" if trial.completed else "yellow")
            row = (str(trial.number), trial.state, *values, f"{trial.seconds:.1f}")
            view.add_row(*map(plain, row), style=style)
        if self.epochs:
            view.title = plain(f"weight training {self.shared:.0%}: {epoch_line(self.epochs[-1])}", "italic")
            view.title_justify = "left"
        facts = Table.grid(padding=(0, 2))
        for name, told in self.facts():
            facts.add_row(plain(name, "bold"), plain(told, "yellow" if name in ("failed", "warning") else ""))
        return Group(view, plain(""), facts)


def _span(metric: str, values: list[float]) -> str:
    """From the smallest to the largest value of a metric."""
    return f"{metric} {number(metric, min(values))} to {number(metric, max(values))}"


WATCHED = ("entropy", "parameter_free", "discretisation_gap")  # of a mixture


def epoch_metrics(metrics: Mapping[str, float]) -> list[str]:
    """What is shown of an epoch of weight sharing: how well it trains, and where its mixture stands."""
    scores = [each for each in metrics if each.startswith(("train_", "probe_")) and not each.endswith("_loss")]
    expected = [each for each in metrics if each.startswith("expected_")]  # under limits, of the mixture
    return [each for each in ("train_loss", *scores, *WATCHED, *expected) if each in metrics]


def epoch_line(trial: Trial) -> str:
    """One epoch of weight sharing in one line."""
    names = epoch_metrics(trial.metrics)
    found = [f"{name} {number(name, trial.metrics[name])}" for name in names]
    return f"epoch {trial.metrics['epoch']:.0f}  {'  '.join(found)}  {duration(trial.seconds)}"

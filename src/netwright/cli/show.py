"""Lists runs, and shows one: settings, trials, what was found and what it cost. Reads the store and nothing else."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from netwright.cli.front import (
    AHEAD,
    again_lines,
    beaten_of,
    front_table,
    head,
    limit_lines,
    marked_front,
    row,
    with_params,
)
from netwright.cli.output import say, say_json
from netwright.cli.progress import SCORE
from netwright.cli.workers import LOGS
from netwright.core.errors import UserError
from netwright.core.objective import Constraint, Objective, comparable, front
from netwright.core.wording import amount, duration, shortened, table
from netwright.methods.departures import departure
from netwright.results.documents import PLANNED
from netwright.results.front_again import MEASURED_FRONT, Again
from netwright.results.metric_words import metrics_text, number

if TYPE_CHECKING:
    from netwright.store import RunSummary, Store, StoredAttempt, StoredRun, StoredTrial
    from netwright.store.changed_limits import PresentLimits

LONGEST_TEXT = 60  # characters of an architecture in a table
MOST_TRIALS = 20
MOST_EPOCHS = 10
MOST_STEERED = 5
LOG_LINES = 20
REPORT = "report"  # what the final training found, as kept in the store
OTHER_RUN = "run handed over"  # the search beside a run whose network was handed over, as kept in the store
PLAN = "notes"  # the plan of the command line, as kept in the store


def list_runs(directory: Path, *, as_json: bool) -> None:
    """One line a run, newest last."""
    from netwright.store import Store

    with Store.open_readonly(directory) as store:
        runs = store.runs()
        if as_json:
            say_json([{**_summary(run), "counts": _counts(store, run), "best": _best(store, run)} for run in runs])
            return
        rows = [_row(run, sum(_counts(store, run).values()), _best(store, run)) for run in runs]
    say(*table(("run", "state", "trials", "best", "time", "begun (UTC)"), rows))
    if not rows:
        say(f"no runs in {directory} yet; begin one with: netwright search digits")


def _counts(store: Store, run: RunSummary) -> Mapping[str, int]:
    """Trials by state; epochs of weight sharing are no trials."""
    return store.evaluated(run.name)


def _row(run: RunSummary, trials: int, best: Mapping[str, Any] | None) -> list[str]:
    shown = "-" if best is None else metrics_text(best["metrics"], best["metrics"])
    state = "running" if run.state == "running" and run.driven else run.state
    begun = run.created[:16].replace("T", " ")
    return [run.name, state, str(trials), shown, duration(run.seconds), begun]


def _summary(run: RunSummary) -> dict[str, Any]:
    return {key: value for key, value in asdict(run).items() if key != "configuration"}


def _best(store: Store, run: RunSummary) -> dict[str, Any] | None:
    best, chosen = store.best(run.name), store.document(run.name, PLANNED)
    if best is None:
        return None
    if chosen and chosen[0] != best.number:  # what was handed over; a trial of a lower fidelity may be
        best = next((each for each in store.read_trials(run.name) if each.number == chosen[0]), best)
    metrics = {name: best.metrics[name] for name in metric_names(run) if name in best.metrics}
    return {"trial": best.number, "metrics": metrics, "architecture": best.text}


def metric_names(run: RunSummary) -> list[str]:
    """The objectives' metrics, the first one first."""
    return [Objective.parse(each).metric for each in run.configuration["arguments"]["objective"]]


def named(store: Store, run: str | None) -> str:
    """The name of a run: as given, or the latest one; UserError where there is none."""
    names = store.names()
    if run is not None:
        return store.summary(run).name
    if not names:
        raise UserError(f"there are no runs in {store.directory}; begin one with: netwright search digits")
    return names[-1]


def show_run(directory: Path, run: str | None, *, as_json: bool, only_front: bool = False) -> None:
    """Settings, counts, the best trials and the final report; or nothing but the front of several objectives."""
    from netwright.store import Store

    with Store.open_readonly(directory) as store:
        found = store.read_run(named(store, run))
        report, plan = store.document(found.name, REPORT), store.document(found.name, PLAN)
        steered, limits = _steered(store.events(found.name)), store.present_limits(found.name)
        handed, training = store.document(found.name, OTHER_RUN), store.document(found.name, PLANNED)
        ahead = _Front(store, found)
    summary = found.summary
    if only_front:
        _show_front(directory, found, ahead, limits.limits, as_json=as_json)
        return
    if as_json:
        trials = [_trial_json(each) for each in found.trials]
        told = {"plan": plan, "trials": trials, "report": report, "steered": steered}
        told["limits"] = [each.exactly for each in limits.limits]
        say_json({"front": ahead.numbers, **asdict(summary), **told})
        return
    states = Counter(each.state for each in found.trials if each.purpose == "evaluate")
    counts = ", ".join(f"{count} {state}" for state, count in states.items()) or "no trials"
    say(
        f"run        {summary.name} ({summary.state}{f': {summary.stopped}' if summary.stopped else ''})",
        f"space      {summary.space}",
        *[f"{name:10} {value}" for name, value in _settings(_with_limits(plan or {}, limits)).items()],
        f"trials     {counts} in {duration(summary.seconds)}",
        *[f"steered    {each['time'][:19].replace('T', ' ')} UTC, {each['said']}" for each in steered[-MOST_STEERED:]],
    )
    metrics = metric_names(summary)
    completed = sorted((each for each in found.trials if each.scores), key=lambda each: each.scores, reverse=True)
    _say_epochs(
        [each for each in found.trials if each.purpose == "train" and each.completed],
        [each.metrics[SCORE] for each in completed if each.purpose == "evaluate" and SCORE in each.metrics],
    )
    if len(metrics) > 1 and ahead.points:
        count = f"front      {len(ahead.points)} of {len(completed)}, {AHEAD}"
        say(count, "", *ahead.lines(metrics, MOST_TRIALS), *limit_lines(found.trials, limits.limits))
        say("", "the others")
        completed = [each for each in completed if each.number not in ahead.numbers]
    say("", *table(_head(metrics), [_trial_row(each, metrics) for each in completed[:MOST_TRIALS]]))
    if any(each.purpose == "train" for each in found.trials):
        say("scored with shared weights")
    if len(completed) > MOST_TRIALS:
        say(f"... and {len(completed) - MOST_TRIALS} more (--json shows all)")
    failed = [each for each in found.trials if each.state not in ("completed", "running")]
    say(*[f"trial {each.number} {each.state}: {each.reason}" for each in failed[:5]])
    if handed and "run" in handed:  # earlier versions kept something else under the same name
        say("", f"{handed['why']}: netwright show {handed['run']}{at(directory)}")
    if report:
        say("", *report["lines"])
    elif summary.state == "interrupted":
        say("", f"go on with: netwright resume {summary.name}{at(directory)}")
    elif training:
        say("", f"its final training is not done; go on with: netwright resume {summary.name}{at(directory)}")


def _steered(events: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """What was asked of a run while it was driven, by whom and when, and what came of it."""
    from netwright.engine.control import EVENT, in_words

    found = [(each["time"], each["data"]) for each in events if each["type"] == EVENT]
    return [
        {"time": time, "by": data.get("by", ""), "said": in_words(data["asked"], data["done"], data.get("by", ""))}
        for time, data in found
    ]


def _with_limits(plan: Mapping[str, Any], limits: PresentLimits) -> Mapping[str, Any]:
    """The plan with the limits that hold now, where they were changed."""
    if not limits.changed:
        return plan
    held = " and ".join(map(str, limits.limits)) or "none any more"
    return {**plan, "limits": [held, f"changed while it ran: {'; '.join(limits.lines)}"]}


def _show_front(
    directory: Path, found: StoredRun, ahead: _Front, limits: Sequence[Constraint], *, as_json: bool
) -> None:
    """`netwright show RUN --front`: every point of the front, and how one is taken home."""
    summary, metrics = found.summary, metric_names(found.summary)
    if as_json:
        say_json(ahead.as_json())
        return
    if len(metrics) < 2:
        raise UserError(
            f"run {summary.name!r} has one objective, {metrics[0]}; a front needs two, as --objective {metrics[0]} "
            "--objective params"
        )
    completed = sum(bool(each.scores) and each.purpose == "evaluate" for each in found.trials)
    where = at(directory)
    say(
        f"run {summary.name}, front: {len(ahead.points)} of {completed} trials, {AHEAD}",
        *ahead.lines(metrics),
        *limit_lines(found.trials, limits),
    )
    if ahead.points:
        example = next((each for each, said in ahead.marks.items() if "knee" in said), ahead.numbers[0])
        say(
            f"train some of them: netwright final {summary.name} --front 3{where}",
            f"take one home: netwright export {summary.name} --trial {example}{where}, "
            f'or: --at "params <= 50k"; all: --front --to DIR',
        )


class _Front:
    """The front of a stored run, by what was measured again of it where a clock measures an objective."""

    def __init__(self, store: Store, found: StoredRun) -> None:
        self.objectives = [*map(Objective.parse, found.summary.configuration["arguments"]["objective"])]
        several = len(self.objectives) > 1
        self.again = Again.of(store.document(found.name, MEASURED_FRONT)) if several else None
        self.searched = found.trials
        trials = found.trials if self.again is None else self.again.replaced(found.trials, self.objectives)
        self.points = front(comparable([each for each in trials if each.purpose == "evaluate"]))
        self.numbers = [each.number for each in self.points]  # the best in the first objective first
        self.marks = marked_front(self.points, beaten=beaten_of(self.points, self.again, self.objectives))

    def as_json(self) -> list[dict[str, Any]]:
        """Each point as the search has measured it, with its mark and what was measured again."""
        before = {each.number: each for each in self.searched}
        again = {} if self.again is None else self.again.found
        return [
            {**_trial_json(before[number]), "mark": self.marks.get(number, ""), "measured_again": again.get(number, {})}
            for number in self.numbers
        ]

    def lines(self, names: list[str], most: int | None = None) -> list[str]:
        """A table of so many points, with their architectures."""
        shown = self.points[:most]
        headings, rows = front_table(shown, with_params(names), self.marks, self.again, self.searched)
        texts = [shortened(each.text, LONGEST_TEXT) for each in shown]
        rows = [[*row, text] for row, text in zip(rows, texts, strict=True)]
        return [*table([*headings, "architecture"], rows), *again_lines(self.again, self.points)]


def _say_epochs(epochs: list[StoredTrial], scores: list[float]) -> None:
    """The epochs of weight sharing, the alarms of the last one and of the scores on its weights, if there are any."""
    if not epochs:
        return
    from netwright.cli.progress import epoch_metrics
    from netwright.results.alarm_sentences import alarm_lines

    shown = [each.metrics for each in epochs[-MOST_EPOCHS:]]
    names = ["epoch", *dict.fromkeys(name for each in shown for name in epoch_metrics(each))]
    rows = [[f"{each[name]:.4g}" if name in each else "" for name in names] for each in shown]
    memory = epochs[-1].metrics.get("peak_memory", 0.0)
    alarms = alarm_lines([each.metrics for each in epochs], scores)
    say("", *table(names, rows), *[f"warning: {each}" for each in alarms])
    say(f"shared weights took {duration(sum(each.seconds for each in epochs))}, at most {memory / 2**20:,.0f} MiB")


def at(directory: Path) -> str:
    """The option that names this project directory; empty for the default one."""
    return "" if str(directory) == "netwright-runs" else f" --dir {directory}"


def _settings(plan: Mapping[str, Any]) -> dict[str, str]:
    keys = ("data", "recipe", "shared_epochs", "strategy", "epochs", "objectives", "limits", "seed", "device")
    keys = [key for key in keys if not (plan.get("recipe") and key in ("strategy", "epochs"))]
    if plan.get("network"):
        plan = {**plan, "strategy": f"none: {plan['network'].get('name')} is trained as it is"}
    shown = {key.replace("_", " "): plan[key] for key in keys if plan.get(key) not in (None, [], "", ())}
    for method in ("recipe", "strategy"):
        if said := departure(str(shown.get(method, ""))):
            shown[method] = f"{shown[method]} ({said})"
    return {key: ", ".join(map(str, value)) if isinstance(value, list) else str(value) for key, value in shown.items()}


def _head(metrics: list[str]) -> list[str]:
    return [*head(with_params(metrics)), "architecture"]


def _trial_row(trial: StoredTrial, metrics: list[str]) -> list[str]:
    return [*row(trial, with_params(metrics)), shortened(trial.text, LONGEST_TEXT)]


def show_trial(directory: Path, run: str | None, trial: int, *, as_json: bool) -> None:
    """One trial: architecture, metrics, attempts, curve, and traceback and log where it failed."""
    from netwright.store import Store

    with Store.open_readonly(directory) as store:
        found = store.read_run(named(store, run))
        attempts = store.attempts(found.name, trial)
    chosen = next((each for each in found.trials if each.number == trial), None)
    if chosen is None:
        raise UserError(f"run {found.name!r} has no trial {trial}; it has 0 to {len(found.trials) - 1}")
    attempts = attempts or _only_attempt(chosen)
    if as_json:
        logs = {each.attempt: _log_path(directory, found.name, trial, each.attempt) for each in attempts}
        told = [{**asdict(each), "log_path": _text(logs[each.attempt])} for each in attempts]
        say_json({**_trial_json(chosen), "attempts": told})
        return
    say(
        f"trial         {chosen.number} of {found.name}: {chosen.state} {chosen.reason}".rstrip(),
        f"architecture  {chosen.text}",
        f"metrics       {metrics_text(chosen.metrics, chosen.metrics)}",
        f"took          {duration(chosen.seconds)} on {chosen.device}",
    )
    if chosen.curve:
        names = list(chosen.curve[0])
        rows = [[number(name, point[name]) if name in point else "" for name in names] for point in chosen.curve]
        say("", *table(names, rows))
    _say_attempts(directory, found.name, chosen, attempts)
    if chosen.traceback:
        say("", *chosen.traceback.rstrip().splitlines())


def _only_attempt(trial: StoredTrial) -> tuple[StoredAttempt, ...]:
    """The attempt at a trial that was too quick to have a row of its own, as the trial's row tells of it."""
    from netwright.store import StoredAttempt

    if trial.ended is None or trial.purpose != "evaluate":
        return ()
    where = {"place": "", "log": "", "threads": None, "peak_memory": None}
    told = {"state": trial.state, "reason": trial.reason, "seconds": trial.seconds}
    return (StoredAttempt(trial.number, trial.attempt, started=trial.started, ended=trial.ended, **told, **where),)


def _say_attempts(directory: Path, run: str, trial: StoredTrial, attempts: Sequence[StoredAttempt]) -> None:
    """How each attempt ended and where, and what the last one printed."""
    if not attempts:
        return
    rows = [
        [
            *(str(each.attempt), each.state, each.place or "here", duration(each.seconds)),
            *("" if each.threads is None else str(each.threads), each.started[:19].replace("T", " ")),
            *("" if each.peak_memory is None else f"{amount(each.peak_memory)}B", each.reason),
        ]
        for each in attempts
    ]
    head = ("attempt", "state", "where", "time", "threads", "begun (UTC)", "memory", "reason")
    if len(attempts) > 1 or not trial.completed or attempts[0].place:
        say("", *table(head, rows))
    for each in attempts:
        path = _log_path(directory, run, trial.number, each.attempt)
        if path is not None or each.log:
            say("", f"log of attempt {each.attempt}: {path or 'only its end was kept'}")
            say(*each.log.splitlines()[-LOG_LINES:])


def _log_path(directory: Path, run: str, trial: int, attempt: int) -> Path | None:
    """The file in which a worker printed during this attempt, where there is one."""
    path = directory / LOGS / run / f"trial-{trial:06d}-attempt-{attempt}.log"
    return path if path.exists() else None


def _text(path: Path | None) -> str | None:
    return None if path is None else str(path)


def _trial_json(trial: StoredTrial) -> dict[str, Any]:
    """The memory of an epoch of shared weights is, as its seconds are, no metric that two equal runs have in common."""
    left_out = ("mixture", "gradient", *(each for each in ("memo", "instead_of") if not getattr(trial, each)))
    found = {key: value for key, value in asdict(trial).items() if key not in left_out}
    metrics = {name: value for name, value in trial.metrics.items() if name != "peak_memory"}
    measured = {name: trial.metrics[name] for name in trial.metrics if name not in metrics}
    return {**found, "metrics": metrics, **measured}

"""What a final comparison says: the winner and each contender with their costs, and what a reader must know of them."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from netwright.core.kinds import kinds_checked
from netwright.core.problem import Metric, Problem
from netwright.core.roles import chosen_training
from netwright.core.trees import mapped
from netwright.core.wording import settings_text
from netwright.results.entries import FOUND, PICK, Done
from netwright.results.figures import ClassRecall, Contender, Figures
from netwright.results.final import FinalResult, contender
from netwright.results.instead import lines_instead
from netwright.results.known_networks import fared
from netwright.results.plain_references import constant
from netwright.results.resampling import paired_interval, standard_error
from netwright.results.verdict import better_one, verdict
from netwright.results.worst_examples import worst_examples

if TYPE_CHECKING:
    from netwright.core.trial import Trial
    from netwright.results.finals import Finals, Wanted
    from netwright.results.searched import FinishedRun as Run
    from netwright.tasks.task import Task

MOST_CLASSES = 200  # whose confusions are told


def compared(
    final: FinalResult, finals: Finals, run: Run, trial: Trial, repeats: Sequence[Run], wanted: Wanted
) -> Figures:
    """The figures, with what each contender's reader must know."""
    skipped = dict(finals.skipped)
    if not wanted.baselines:
        skipped = {"comparison with baselines": "it was not asked for"}
    main = finals.work.task.problem.main
    baselines = [_contender(name, found, main) for name, found in finals.results.items() if name != FOUND]
    places = (*finals.rivals, PICK, *finals.fixed)
    ordered = sorted(baselines, key=lambda each: places.index(each.name) if each.name in places else len(places))
    facts, lead = search_facts(run, repeats, trial), finals.work.metric.name
    figures = figures_of(final, finals.work.task, ordered, skipped, facts, lead=lead)
    note = _going_on(finals, trial, wanted) if finals.winners[0].begun else ""
    winner = replace(figures.winner, note=note)
    beside = tuple(_with_interval(each, figures, finals) for each in figures.baselines)
    figures = replace(figures, winner=winner, baselines=beside, left_out=finals.left_out)
    better = better_one(figures)
    lines = () if better is None else lines_instead(better, finals.work.task)
    known = fared(run, trial, finals.work.task.shape)
    figures = replace(figures, verdict=verdict(figures), instead=lines, known=known)
    return Figures.from_json(figures.as_json())


def _with_interval(contender: Contender, figures: Figures, finals: Finals) -> Contender:
    """The contender with how sure its difference from the winner is, by the choice of test examples."""
    found = [finals.results.get(name, {}).values() for name in (FOUND, contender.name)]
    ours, theirs = ([each.outputs for each in side if each.outputs is not None] for side in found)
    if not ours or not theirs or len(theirs) < len(found[1]):
        return contender
    problem = finals.work.task.problem
    value = figures.winner.mean - contender.mean
    targets = mapped(lambda each: each.cpu(), finals.work.task.test.targets)
    return replace(contender, paired=paired_interval(problem, figures.main, ours, theirs, targets, value))


def _going_on(finals: Finals, trial: Trial, wanted: Wanted) -> str:
    """What the first seed's epochs are made of."""
    winner, first = finals.winners[0], finals.results[FOUND].get(wanted.seeds[0])
    record = None if first is None else first.record
    if record is None:
        return ""
    further = record.epochs - winner.begun
    if further <= 0:
        epochs = f"for {record.epochs} epoch{'s' * (record.epochs != 1)}"
        long = epochs if finals.work.settings.seconds is None else "to the end"
        return f"the weights of trial {trial.number} as the search has trained them, {long}"
    text = f"seed {record.seed} is the network of trial {trial.number}, trained on from {winner.begun} to "
    return f"{text}{record.epochs} epochs"


def _contender(name: str, found: Mapping[int, Done], main: Metric) -> Contender:
    """A row of the comparison, from what each seed left."""
    plain = next((each.contender for each in found.values() if each.contender is not None), None)
    if plain is not None:
        return Contender.from_json(plain)
    params, macs = (statistics.fmean(getattr(each, field) for each in found.values()) for field in ("params", "macs"))
    note = "another architecture for each seed" if name == PICK and len(found) > 1 else ""
    records = [each.record for each in found.values() if each.record is not None]
    return contender(name, records, params, macs, main, note)


@kinds_checked
def figures_of(
    final: FinalResult,
    task: Task,
    baselines: Sequence[Contender] = (),
    skipped: dict[str, str] | None = None,
    search: dict[str, Any] | None = None,
    *,
    lead: str = "",
) -> Figures:
    """Everything a report states, from the parts.

    final: as `train_final` gives it.
    task: on which it was tested.
    baselines: in the order of the report.
    skipped: baselines that were not run, by name, each with why.
    search: what the search cost, as `search_facts` gives it.
    lead: the metric that tables, differences and verdicts are of, the problem's main one where empty. Where a contender
        was not measured by it, the main one leads.
    """
    first, problem = final.trainings[0], task.problem
    plain = constant(task)
    rows = [final.contender(), *baselines, *([] if plain is None else [plain])]
    main, rows = _led(rows, problem, lead)
    whole = len(final.outputs) == len(task.test)
    targets = mapped(lambda each: each.cpu(), task.test.targets)
    counts = confusions(final.outputs, task) if whole and task.class_names and not problem.dense else None
    whose = "process" if torch.device(final.device).type == "cpu" else "device"
    training = {
        "settings": dict(final.settings.arguments),
        "epochs": [each.epochs for each in final.trainings],
        "seconds": [round(each.seconds, 2) for each in final.trainings],
        "precision": f"{first.precision}, {'channels last' if first.channels_last else 'channels first'}",
        "threads": first.threads,
        f"peak memory of the {whose} in bytes": max(each.peak_memory or 0 for each in final.trainings) or None,
    }
    chosen = chosen_training(final.architecture.space, final.architecture)
    raced = [f"trained as the search chose: {settings_text(chosen)}"] if chosen else []
    failed = [f"the training with seed {seed} gave no result: {reason}" for seed, reason in final.failed.items()]
    stopped = [
        f"the training with seed {t.seed} was stopped by its deadline"
        for t in final.trainings
        if t.stopped == "deadline"
    ]
    return Figures(
        task=task.name,
        architecture=str(final.architecture),
        winner=rows[0],
        baselines=tuple(rows[1:]),
        test_examples=len(task.test),
        exported_seed=final.exported_seed,
        hardware=dict(final.hardware),
        training=training,
        search=search or {},
        skipped=skipped or {},
        data=tuple(task.describe()),
        classes=() if counts is None else recalls(counts, task.class_names),
        confusion=() if counts is None or len(counts) > MOST_CLASSES else tuple(map(tuple, counts.tolist())),
        breakdown=problem.breakdown(final.outputs, targets) if whole else None,
        metrics=(main, *(each for each in problem.metrics if each.name != main.name)),
        worst=worst_examples(final.outputs, task),
        constant="" if plain is None else plain.name,
        chance=None if plain is None else rows[-1].mean,
        error=standard_error(problem, main, final.outputs, targets) if whole and not main.of_examples else None,
        notes=(*raced, *failed, *stopped, *dict.fromkeys(note for each in final.trainings for note in each.notes)),
    )


def _led(rows: Sequence[Contender], problem: Problem, lead: str) -> tuple[Metric, Sequence[Contender]]:
    """The metric that leads, and the contenders with its values first; see `figures_of`."""
    main = problem.main
    if lead in ("", main.name) or any(lead not in each.others for each in rows):
        return main, rows
    return problem.metric(lead), [each.led_by(lead, main.name) for each in rows]


def confusions(outputs: Tensor, task: Task) -> Tensor:
    """How many test examples of each class (rows) are taken for each (columns), int64 (classes, classes).

    outputs: logits (n, classes) of all test examples, on the CPU.
    task: of classes.
    """
    count = len(task.class_names)
    pairs = task.test.targets.cpu() * count + outputs.argmax(1)
    return torch.bincount(pairs, minlength=count * count).view(count, count)


def recalls(confusion: Tensor, class_names: Sequence[str]) -> tuple[ClassRecall, ...]:
    """Of each class, in the order of the labels, the share of its test examples that is found.

    confusion: see `confusions`.
    class_names: in the order of the labels.
    """
    counts, hits = confusion.sum(1).tolist(), confusion.diagonal().tolist()
    return tuple(
        ClassRecall(name, count, hit / count if count else None)
        for name, count, hit in zip(class_names, counts, hits, strict=True)
    )


@kinds_checked
def search_facts(run: Run, repeats: Sequence[Run] = (), trial: Trial | None = None) -> dict[str, Any]:
    """What finding the network cost, and how it was found.

    run: as `Search.run` or `Search.load` gives it.
    repeats: the same search with other seeds.
    trial: whose network it is, by default the best one.
    """
    search, trial = run.search, trial or run.best
    repeated = {"repeats": {each.name: str(each.best.architecture) for each in repeats}} if repeats else {}
    return {
        **repeated,
        "run": run.name,
        "space": repr(search.space),
        "strategy": repr(search.strategy),
        "estimator": repr(search.estimator),
        "objectives": [str(each) for each in search.objectives],
        "limits": [str(each) for each in search.limits],
        "seed": search.seed,
        "trials": run.counts,
        "stopped": run.stopped,
        "seconds": round(run.seconds, 1),
        "seconds in trials": round(sum(each.seconds for each in run.trials), 1),
        "best trial": trial.number,
        "its metrics": dict(trial.metrics),
    }

"""`netwright compare --methods`: whole methods on the user's data at equal cost, each repeat a run of its own.

The folder holds `methods.json`, what was asked for and how each search ended, and the project `runs`, in which each
search is a run as `netwright search` makes it: it can be shown, exported, and goes on after a kill.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from netwright.catalogue import load, own_spaces, split
from netwright.cli.asked import SearchOptions
from netwright.cli.method_runs import Ended, carried_out
from netwright.cli.method_settings import FILE, REPEATS, MethodSettings
from netwright.cli.output import say, say_json
from netwright.cli.planning import plan_of_search
from netwright.cli.stopping import stoppable
from netwright.cli.trust import Foreign, code_of, note, parts_of, require
from netwright.core.errors import ConfigurationError, CorruptStore, SearchFailed, UserError
from netwright.core.inside import open_inside, refuse_link
from netwright.core.wording import counted, duration

if TYPE_CHECKING:
    from netwright.benchmarks.approaches import Approach, MethodComparison, Outcome
    from netwright.cli.plan import Plan
    from netwright.tasks.task import Task

RUNS = "runs"
FORMAT = "netwright comparison of methods 1"
RANDOM = "random"
TABLE = "table.json"
FAMILIES = {
    "evolution": "evolution",
    "bayesian": "Bayesian optimisation",
    "tpe": "Bayesian optimisation",
    "fronts": "several objectives",
    "reinforcement": "reinforcement learning",
    "tree_search": "tree search",
    "fidelity": "successive halving",
    "stepwise": "step by step",
    "progressive": "step by step",
    "local_search": "local search",
    "random_search": "random search",
    "exhaustive": "every network",
    "harmonica": "compressed sensing",
    "race": "race",
}
"""Of strategies that no paper of the list is named after, by the file or folder that they stand in."""
WRITTEN = ("report.txt", "table.md", "table.csv", "table.tex", "runs.csv")


class MethodRuns:
    """The searches of a comparison: which there are, how each is asked, what came of it. Kept in the folder."""

    def __init__(self, settings: MethodSettings, folder: Path, usual_space: str) -> None:
        """usual_space: in which methods search that have none of their own."""
        self.settings, self.folder, self.usual_space = settings, folder, usual_space
        self.ended: dict[str, Ended] = {}

    @cached_property
    def approaches(self) -> list[Approach]:
        """The methods, and a random search in each of their spaces."""
        from netwright.benchmarks.approaches import Approach

        named = [each for each in self.settings.methods if each != RANDOM]
        spaces = {each: self.settings.space or own_spaces().get(split(each)[0]) or self.usual_space for each in named}
        within = list(dict.fromkeys(spaces.values())) or [self.settings.space or self.usual_space]
        labels = {space: RANDOM if len(within) == 1 else f"{RANDOM} in {space}" for space in within}
        found = [Approach(each, each, spaces[each], family_of(each), labels[spaces[each]]) for each in named]
        return [*found, *(Approach(label, RANDOM, space, "random search", label) for space, label in labels.items())]

    def plan(self, approach: Approach, repeat: int) -> Plan:
        """What `netwright search` is asked for a repeat: with the evaluations of a strategy a recipe trains as long."""
        asked = self.settings
        options = SearchOptions(
            data=str(asked.data),
            space=approach.space or None,
            method=approach.method,
            time=asked.budget,
            seed=(asked.seed or 0) + repeat,
            device=asked.device or "auto",
            final_seeds=1,
            baselines=False,
            random_search=False,
            workers=1,
        )
        plan = plan_of_search(options)
        if asked.evaluations is not None and asked.epochs is not None:
            final = 4 * asked.epochs
            if plan.recipe:
                plan = replace(plan, shared_epochs=asked.evaluations * asked.epochs, final_epochs=final)
            else:
                plan = replace(plan, trials=asked.evaluations, epochs=asked.epochs, final_epochs=final)
        return replace(plan, data_dir=asked.data_dir, data_options=asked.data_options)

    def name(self, approach: Approach, repeat: int) -> str:
        """Of a run: "darts-seed0"."""
        stem = re.sub(r"[^a-z0-9.]+", "-", approach.label.lower()).strip("-.")[:80]
        alike = [each.label for each in self.approaches if each.label != approach.label]
        twins = [each for each in alike if re.sub(r"[^a-z0-9.]+", "-", each.lower()).strip("-.")[:80] == stem]
        number = sorted([approach.label, *twins]).index(approach.label)
        return f"{stem}{f'-{number}' if number else ''}-seed{(self.settings.seed or 0) + repeat}"

    def places(self) -> Iterator[tuple[Approach, int]]:
        """Approach and repeat of each search; all methods once, then all again."""
        for repeat in range(self.settings.repeats or REPEATS):
            for approach in self.approaches:
                yield approach, repeat

    # The file.

    def keep(self) -> None:
        """Write down what was asked and how searches ended, whole or not at all."""
        told = {
            "format": FORMAT,
            "settings": asdict(self.settings),
            "usual_space": self.usual_space,
            "ended": {name: {"reason": each.reason, "memory": each.memory} for name, each in self.ended.items()},
        }
        _write(self.folder / FILE, json.dumps(told, indent=1))

    @classmethod
    def kept(cls, folder: Path) -> MethodRuns:
        """What a folder holds. Raises CorruptStore where it was written by something else."""
        from netwright.core.serial import parse_json

        told = parse_json((folder / FILE).read_text(encoding="utf-8"))
        if not isinstance(told, dict) or told.get("format") != FORMAT:
            raise CorruptStore(f"{folder / FILE} is no {FORMAT}")
        found = cls(MethodSettings.from_json(told.get("settings")), folder, str(told.get("usual_space", "")))
        ended = told.get("ended")
        if not isinstance(ended, dict):
            raise CorruptStore(f"{folder / FILE} does not say how searches ended")
        for name, each in ended.items():
            found.ended[name] = Ended(str(each["reason"]), each["memory"] if isinstance(each["memory"], int) else None)
        return found

    # What came of it.

    def outcomes(self) -> list[Outcome]:
        """Of the searches that have ended; what each found is read from its run."""
        from netwright.benchmarks.approaches import Outcome

        found: list[Outcome] = []
        reports = self._reports()
        for approach, repeat in self.places():
            name = self.name(approach, repeat)
            if name not in self.ended:
                continue
            ended = self.ended[name]
            if ended.reason or name not in reports:
                reason = ended.reason or "its run holds no result"
                found.append(Outcome(approach.label, repeat, name, "failed", reason, memory=ended.memory))
            else:
                found.append(_outcome(approach.label, repeat, name, reports[name], ended.memory))
        return found

    def _reports(self) -> dict[str, Mapping[str, Any]]:
        """The figures of each run that has some."""
        from netwright.cli.show import REPORT
        from netwright.store import Store
        from netwright.store.directory import DATABASE

        if not (self.folder / RUNS / DATABASE).exists():
            return {}
        with Store.open_readonly(self.folder / RUNS) as store:
            kept = {name: store.document(name, REPORT) for name in store.names()}
        return {name: each["figures"] for name, each in kept.items() if each}

    def comparison(self, task: Task) -> MethodComparison:
        """The table of what has ended."""
        from netwright.benchmarks.approaches import MethodComparison

        return MethodComparison(
            task=task.name,
            budget=self.settings.words,
            repeats=self.settings.repeats or REPEATS,
            approaches=self.approaches,
            outcomes=self.outcomes(),
            metric=task.problem.main,
            test_examples=len(task.test),
            notes=(
                f"each search is netwright search {self.settings.data} --method METHOD --space SPACE in a process of "
                f"its own; take one home with: netwright export RUN --dir {self.folder / RUNS} --to best",
            ),
        )


def family_of(method: str) -> str:
    """The family of the paper that a method runs, that of its own name first, else of its strategy; empty for neither.

    Methods whose networks share their weights are "one-shot", as surveys have it, and what they search by follows.
    """
    from netwright.catalogue.loading import names
    from netwright.catalogue.papers import commands, papers

    name = split(method)[0]
    asked = {key: told[0].split() for key, told in commands().items()}
    flags = ("--method", "--strategy")
    runs = [key for key, words in asked.items() if any(_names(words, flag, name) for flag in flags)]
    own = name.replace("-", "_")
    families = {each.key: each.family for each in papers() if each.key in (own, *runs) and each.family != "other"}
    found = families.get(own) or next(iter(families.values()), "") or _of_strategy(name)
    return f"one-shot, {found}".removesuffix(", ") if name in names("search") else found


def _of_strategy(name: str) -> str:
    """The family of the strategy of this name, or of the one that a function of this name makes, by where it stands."""
    import netwright.strategies
    from netwright.catalogue.loading import names

    if name not in names("strategy"):
        return ""
    made: Any = load("strategy", name)
    kind = getattr(netwright.strategies, str(made.__annotations__.get("return", "")), None)
    parts = [part for each in (made, kind) for part in getattr(each, "__module__", "").split(".")]
    return next((FAMILIES[each] for each in parts if each in FAMILIES), "")


def _names(words: Sequence[str], flag: str, name: str) -> bool:
    return flag in words[:-1] and split(words[words.index(flag) + 1])[0] == name


def _outcome(label: str, repeat: int, name: str, figures: Mapping[str, Any], memory: int | None) -> Outcome:
    from netwright.benchmarks.approaches import Outcome
    from netwright.results.figures import Figures

    found = Figures.from_json(figures)
    on_device = [
        value for key, value in found.training.items() if key.startswith("peak memory of the device") and value
    ]
    trials = sum(found.search.get("trials", {}).values())
    return Outcome(
        label,
        repeat,
        name,
        value=found.winner.values[0],
        params=found.winner.params,
        macs=found.winner.macs,
        search_seconds=found.search.get("seconds"),
        training_seconds=found.winner.seconds,
        memory=on_device[0] if on_device else memory,
        trials=int(trials),
        architecture=found.architecture,
    )


def compare_methods(
    settings: MethodSettings,
    folder: Path,
    *,
    trust: bool,
    as_json: bool,
    quiet: bool,
    search: Callable[[Plan, Path, str], Ended] = carried_out,
) -> None:
    """Run what is missing, print the table, and write it as text, Markdown, CSV and LaTeX.

    search: carries out one search of a plan in a project, under a name; in a process of its own by default.
    """
    from netwright.benchmarks.approaches import COMPLETED
    from netwright.store.lock import DriverLock

    found, task = _prepared(settings, folder, trust=trust)
    with stoppable():
        folder.mkdir(parents=True, exist_ok=True)
        lock = DriverLock(folder)
        try:
            found.keep()
            _carry_out(found, task, search, quiet=quiet or as_json)
        finally:
            lock.release()
    table = found.comparison(task)
    written = _write_reports(table, folder)
    if not any(each.state == COMPLETED for each in table.outcomes):
        raise SearchFailed(f"no search found anything; the first one: {table.outcomes[0].reason}")
    if as_json:
        say_json({**table.as_json(), "files": [str(each) for each in written]})
        return
    from netwright.benchmarks.approach_report import text_lines

    say(*text_lines(table))
    if not quiet:
        say("", f"in {folder}: {', '.join(each.name for each in written)}")


def is_there(folder: Path) -> bool:
    """Whether a folder holds a comparison of methods."""
    return (folder / FILE).is_file()


def _prepared(settings: MethodSettings, folder: Path, *, trust: bool) -> tuple[MethodRuns, Task]:
    """The searches with what has ended of them, and the data; everything is refused here that can be known before."""
    from netwright.benchmarks.record import FILE as OTHER
    from netwright.cli.plan import Plan
    from netwright.cli.reading import read_task

    earlier = MethodRuns.kept(folder) if is_there(folder) else None
    if earlier is None and (folder / OTHER).exists():
        raise UserError(f"{folder} holds a comparison of strategies; choose another --folder")
    wanted = settings.checked() if earlier is None else settings.over(earlier.settings)
    note(code_in(settings), folder)
    if earlier is not None:
        require(code_in(wanted), folder, trust=trust)
    task = read_task(Plan(data=str(wanted.data), data_dir=wanted.data_dir, data_options=wanted.data_options), None)
    found = MethodRuns(wanted, folder, earlier.usual_space if earlier else usual_space(task))
    found.ended |= earlier.ended if earlier else {}
    _refuse(found, task)
    return found, task


def code_in(settings: MethodSettings) -> list[Foreign]:
    """What these options name that is code of somebody's own; nothing of it is imported."""
    from netwright.cli.plan import Plan

    plan = Plan(data=settings.data or "", data_dir=settings.data_dir, data_options=settings.data_options)
    data = code_of(plan) if settings.data else []
    return [*data, *parts_of("space", [settings.space or ""]), *parts_of("method", settings.methods)]


def _refuse(found: MethodRuns, task: Task) -> None:
    """UserError for a method, an option or a space that cannot be, before anything is searched."""
    from netwright.cli.refusals import refuse_early

    labels = [each.label for each in found.approaches]
    twice = next((each for each in labels if labels.count(each) > 1), None)
    if twice is not None:
        raise ConfigurationError(f"--methods names {twice} twice; --repeats says how often each searches")
    for approach in found.approaches:
        plan = found.plan(approach, 0)
        refuse_early(plan, found.folder / RUNS, {})
        plan.make_space(task)


def usual_space(task: Task) -> str:
    """The space of methods that have none of their own: the usual one of shared weights, which others search, too."""
    shape = task.shape
    if shape.is_image:
        return "unet-cells" if shape.dense else "darts"
    if shape.is_tokens:
        return "recurrent"
    if shape.is_series:
        return "series"
    return "mlp:activations=('relu',),normalisations=('batch',),dropouts=(0.0,)"


def _carry_out(found: MethodRuns, task: Task, search: Callable[[Plan, Path, str], Ended], *, quiet: bool) -> None:
    """Search what has not been searched, or failed before, one after the other."""
    places = list(found.places())
    if not quiet:
        repeats = counted(found.settings.repeats or REPEATS, "repeat")
        say(f"{counted(len(found.approaches), 'method')}, {repeats}, {found.settings.words} for each search")
    for number, (approach, repeat) in enumerate(places, 1):
        name = found.name(approach, repeat)
        if name in found.ended and not found.ended[name].reason:
            continue
        ended = search(found.plan(approach, repeat), found.folder / RUNS, name)
        found.ended[name] = replace(ended, reason=ended.reason.replace("--time", "--budget"))
        found.keep()
        _write_table(found.comparison(task), found.folder)
        if not quiet:
            say(f"[{number} of {len(places)}] {name}: {_told(found, name, task)}")


def _told(found: MethodRuns, name: str, task: Task) -> str:
    """What came of one search, in a line."""
    if found.ended[name].reason:
        return f"nothing was found: {found.ended[name].reason}"
    outcome = next(each for each in found.outcomes() if each.run == name)
    if outcome.value is None:
        return outcome.reason
    metric, params = task.problem.main, outcome.params or 0
    seconds = "" if outcome.seconds is None else f", {duration(outcome.seconds)}"
    return f"test {metric.words} {metric.text(outcome.value)}, {params:,.0f} parameters{seconds}"


def _write_table(table: MethodComparison, folder: Path) -> None:
    """The table of what has ended, for the pages of `netwright serve`."""
    from netwright.benchmarks import approach_report as report

    runs = [each.run for each in table.outcomes]
    told = {"title": report.title(table), "cells": report.cells(table), "sentences": report.sentences(table)}
    _write(folder / TABLE, json.dumps({**told, "runs": runs}, indent=1))


def _write_reports(table: MethodComparison, folder: Path) -> list[Path]:
    from netwright.benchmarks import approach_report as report

    texts = (
        "\n".join([*report.text_lines(table), ""]),
        report.markdown(table),
        report.rows_csv(table),
        report.latex(table),
        report.runs_csv(table),
    )
    for name, text in zip(WRITTEN, texts, strict=True):
        _write(folder / name, text)
    _write_table(table, folder)
    return [folder / name for name in WRITTEN]


def _write(path: Path, text: str) -> None:
    """A file whole or not at all, in place of the one before."""
    refuse_link(path)
    beside = path.with_name(f".{path.name}.new")
    with os.fdopen(open_inside(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    os.replace(beside, path)

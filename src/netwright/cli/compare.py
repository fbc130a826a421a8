"""`netwright compare`: strategies on tables of known results, or on real training, at equal budget, with statistics."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from netwright.cli.arguments import construct, split
from netwright.cli.output import say, say_json
from netwright.cli.stopping import stoppable
from netwright.cli.trust import Foreign, code_of, note, parts_of, require
from netwright.core.errors import ConfigurationError, CorruptStore, UserError

if TYPE_CHECKING:
    from netwright.benchmarks import Comparison, Problem

FOLDER = "netwright-comparison"
SETTINGS = "notes"
_STRATEGIES = "random,evolution,local"
_REPEATS = 20


@dataclass(frozen=True)
class Settings:
    """The options of a comparison as the user gave them; None and empty for those that were left out."""

    strategies: tuple[str, ...] = ()
    spaces: tuple[str, ...] = ()
    tables: tuple[str, ...] = ()
    metrics: tuple[str, ...] = ()
    reports: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    architecture: str | None = None
    fidelity: str | None = None
    cost: str | None = None
    data: str | None = None
    epochs: int | None = None
    evaluations: float | None = None
    seconds: str | None = None
    repeats: int | None = None
    seed: int | None = None
    workers: int | None = None

    @property
    def empty(self) -> bool:
        return self == Settings()

    def over(self, earlier: Settings) -> Settings:
        """These options, and those of an earlier comparison for what was left out; strategies are added to it."""
        given = {name: value for name, value in asdict(self).items() if value not in (None, ())}
        added = tuple(each for each in self.strategies if each not in earlier.strategies)
        if self.evaluations is not None or self.seconds is not None:
            earlier = replace(earlier, evaluations=None, seconds=None)
        changes = {**given, "strategies": (*earlier.strategies, *added)}
        return replace(earlier, **cast("dict[str, Any]", changes))

    @classmethod
    def from_json(cls, data: Any) -> Settings:
        known = {each.name for each in fields(cls)}
        if not isinstance(data, dict) or not set(data) <= known:
            raise CorruptStore("the comparison's folder holds options that are not those of this command")
        options = {name: tuple(value) if isinstance(value, list) else value for name, value in data.items()}
        return cls(**cast("dict[str, Any]", options))

    def problems(self) -> tuple[Problem, ...]:
        """The problems: a table, a metric and a report each, or the training of networks on data."""
        from netwright.benchmarks import Problem

        if self.data is not None:
            return (self._training(),)
        if not self.tables:
            raise ConfigurationError("a comparison needs --table FILE (or --data, to train networks), and --metric")
        count = max(len(self.metrics), len(self.tables))
        metrics = self._each("metric", self.metrics or ("",), count)
        tables = [
            self._table(*each)
            for each in zip(self._each("table", self.tables, count), self._spaces(count), strict=True)
        ]
        reports = self._each("report", self.reports or metrics, count, one_for_all=False)
        names = self._each("name", self.names or self._default_names(reports), count, one_for_all=False)
        for table, metric in zip(tables, metrics, strict=True):
            if not metric:
                raise ConfigurationError(f"--metric is missing: what to search by. Known: {', '.join(table.metrics)}.")
        return tuple(map(Problem, tables, metrics, reports, names))

    def _default_names(self, reports: Sequence[str]) -> list[str]:
        """Each report's metric, with the table's name where two are alike."""
        if len(set(reports)) == len(reports):
            return [each.partition(":")[0] for each in reports]
        stems = [Path(split(each)[0]).stem for each in self._each("table", self.tables, len(reports))]
        return [f"{stem} {each.partition(':')[0]}" for stem, each in zip(stems, reports, strict=True)]

    @staticmethod
    def _each(option: str, values: Sequence[str], count: int, *, one_for_all: bool = True) -> list[str]:
        """One value a problem; a single one may stand for all."""
        if len(values) == count:
            return list(values)
        if len(values) == 1 and one_for_all:
            return list(values) * count
        expected = f"{count}, one a problem" if not one_for_all else f"1 or {count}, one a problem"
        raise ConfigurationError(f"--{option} is given {len(values)} times; expected {expected}")

    def _spaces(self, count: int) -> list[str]:
        if not self.spaces:
            raise ConfigurationError("--space is missing: which space the table is about, as nasbench201")
        return self._each("space", self.spaces, count)

    def _table(self, text: str, space: str) -> Any:
        from netwright.cli import catalogue
        from netwright.estimators.table import Table

        name, space_options = split(space)
        made = construct(catalogue.load("space", name, catalogue.SPACES), options=space_options)
        path, options = split(text)
        roles = {"architecture": self.architecture, "fidelity": self.fidelity, "cost": self.cost}
        options = {**{role: column for role, column in roles.items() if column is not None}, **options}
        return construct(Table, made, path, options=options)

    def _training(self) -> Problem:
        """Real training: what `netwright search` would measure candidates with."""
        from netwright.benchmarks import Problem
        from netwright.cli.plan import Plan

        assert self.data is not None
        if self.tables or self.reports:
            raise ConfigurationError("--data trains networks; leave out --table and --report, which read known results")
        space = self.spaces[0] if self.spaces else None
        metric = self.metrics[0] if self.metrics else "val_accuracy"
        plan = Plan(data=self.data, space=space, epochs=self.epochs or 5)
        task = plan.make_task()
        return Problem(
            plan.make_search(task, plan.make_space(task)).estimator,
            metric,
            name=self.names[0] if self.names else self.data,
        )


def run(
    settings: Settings,
    folder: Path,
    processes: int | None,
    *,
    plots: bool,
    trust: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """Compare, print the report, and write it into the folder. trust: agree to the code that the folder names."""
    from netwright.benchmarks.statistics import require_statistics

    require_statistics()
    if plots:
        from netwright.benchmarks.plots import require_plots

        require_plots()
    with stoppable():
        found = _found(settings, folder, processes, trust=trust, quiet=quiet or as_json)
        written = found.write(plots=plots)
    if as_json:
        say_json({**found.as_json(), "files": [str(each) for each in written]})
        return
    say(*found.lines())
    if not quiet:
        names = ", ".join(each.name for each in written)
        say("", f"in {folder}: {names}")


def _found(settings: Settings, folder: Path, processes: int | None, *, trust: bool, quiet: bool) -> Comparison:
    """The comparison, after running what is missing of it."""
    from netwright.benchmarks import Comparison, compare

    earlier, there = _earlier(folder)
    if there and earlier is None:
        if settings.empty:
            return Comparison.load(folder)
        raise UserError(
            f"the comparison in {folder} was made from Python, which alone knows its parts; add to it there"
        )
    note(_code(settings), folder)
    if earlier is not None:
        settings = settings.over(earlier)
        require(_code(settings), folder, trust=trust)
    if settings.evaluations is None and settings.seconds is None:
        raise ConfigurationError("a comparison needs a budget: --evaluations 300, or --seconds 12000")
    problems = settings.problems()
    strategies = ",".join(settings.strategies or (_STRATEGIES,))
    return compare(
        *(strategies, problems),
        evaluations=settings.evaluations,
        seconds=settings.seconds,
        repeats=_REPEATS if settings.repeats is None else settings.repeats,
        seed=settings.seed or 0,
        workers=1 if settings.workers is None else settings.workers,
        folder=folder,
        processes=processes,
        progress=not quiet,
        notes=asdict(replace(settings, tables=tuple(map(_absolute, settings.tables)))),
    )


def _code(settings: Settings) -> list[Foreign]:
    """What these options name that is code of somebody's own."""
    from netwright.benchmarks.entrants import split_list
    from netwright.cli.plan import Plan

    data = [] if settings.data is None else code_of(Plan(data=settings.data))
    strategies = [each for text in settings.strategies for each in split_list(text)]
    return [*data, *parts_of("space", settings.spaces), *parts_of("strategy", strategies)]


def _earlier(folder: Path) -> tuple[Settings | None, bool]:
    """The options of the comparison that a folder holds, None where it was made from Python; whether it holds one."""
    from netwright.benchmarks.record import FILE, Record

    if not (folder / FILE).is_file():
        return None, False
    with Record(folder, writable=False) as record:
        kept = record.fact(SETTINGS)
    return (None if kept is None else Settings.from_json(kept)), True


def _absolute(table: str) -> str:
    """The table's text with its path made absolute, so that it is found from anywhere."""
    path, _ = split(table)
    return f"{Path(path).absolute()}{table[len(path) :]}"

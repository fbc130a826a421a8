"""`netwright compare`: strategies on tables of known results, or on real training, at equal budget, with statistics."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass, field, fields, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from netwright.catalogue import construct, load, split
from netwright.cli.asked_evidence import Compared
from netwright.cli.flags import FLAGS
from netwright.cli.output import say, say_json
from netwright.cli.stopping import stoppable
from netwright.cli.trust import Foreign, code_of, note, parts_of, require
from netwright.cli.workers import check, chosen
from netwright.core.errors import ConfigurationError, CorruptStore, UserError
from netwright.core.inside import refuse_link
from netwright.core.wording import listed

if TYPE_CHECKING:
    from netwright.benchmarks import BenchmarkProblem, Comparison, Searches
    from netwright.benchmarks.comparing import Standing
    from netwright.charts.apart import Drawer
    from netwright.cli.plan import Plan
    from netwright.core.executor import Executor

FOLDER = "netwright-comparison"
SETTINGS = "notes"
PAGE = "report.html"
_STRATEGIES = "random,evolution,local"
_REPEATS = 20
NEARLY = 20.0  # seconds to go
QUEUE = "searches"  # where a comparison shares its work, in its folder


@dataclass(frozen=True)
class Settings(Compared):
    """The options of a comparison as the user gave them; None and empty for those that were left out."""

    data_dir: str | None = None
    data_options: dict[str, Any] = field(default_factory=dict)

    @property
    def empty(self) -> bool:
        return self == Settings()

    def over(self, earlier: Settings) -> Settings:
        """These options, and those of an earlier comparison for what was left out; strategies are added to it."""
        given = {name: value for name, value in asdict(self).items() if value not in (None, (), {})}
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

    def to_json(self) -> dict[str, Any]:
        """The options as the folder keeps them: a table is found from anywhere."""
        return asdict(replace(self, tables=tuple(map(_absolute, self.tables))))

    def comparison(self) -> dict[str, Any]:
        """What is compared: the arguments of `compare` and of `Searches`."""
        if self.evaluations is None and self.seconds is None:
            raise ConfigurationError("a comparison needs a budget: --evaluations 300, or --seconds 12000")
        return {
            "problems": self.problems(),
            "strategies": ",".join(self.strategies or (_STRATEGIES,)),
            "evaluations": self.evaluations,
            "seconds": self.seconds,
            "seed": self.seed or 0,
            "workers": 1 if self.workers is None else self.workers,
        }

    def searches(self) -> Searches:
        """The searches as the jobs of a worker."""
        from netwright.benchmarks import Searches

        return Searches(**self.comparison())

    def problems(self) -> tuple[BenchmarkProblem, ...]:
        """The problems: a table, a metric and a report each, or the training of networks on data."""
        from netwright.benchmarks import BenchmarkProblem

        if self.data is not None:
            return (self._training(),)
        read = [*self.data_options, *(("data_dir",) * bool(self.data_dir))]
        if read:
            flags = sorted({FLAGS.get(each, "--data-option") for each in read})
            raise ConfigurationError(f"without --data no data is read, but {listed(flags, 5)} was given")
        if not self.tables:
            raise ConfigurationError("a comparison needs --table FILE (or --data, to train networks), and --metric")
        if self.latency:
            raise ConfigurationError(
                f"--latency {self.latency} goes with --data; a table has its latencies as a column, by whose name "
                "--objective asks for them"
            )
        count = max(len(self.metrics), len(self.tables))
        if self._for_fronts():
            return self._front_problems(self._read_tables(count))
        metrics = self._each("metric", self.metrics or self.objectives or ("",), count)
        tables = self._read_tables(count)
        reports = self._each("report", self.reports or metrics, count, one_for_all=False)
        names = self._each("name", self.names or self._default_names(reports), count, one_for_all=False)
        for table, metric in zip(tables, metrics, strict=True):
            if not metric:
                raise ConfigurationError(f"--metric is missing: what to search by. Known: {', '.join(table.metrics)}.")
        return tuple(map(BenchmarkProblem, tables, metrics, reports, names))

    def reference(self) -> tuple[float, ...]:
        """The reference point, a number an objective; none where it was not given."""
        from netwright.core.amounts import parse_amount_of
        from netwright.core.objective import Objective

        if self.reference_point is None:
            return ()
        texts, metrics = self.reference_point.split(","), [Objective.parse(each).metric for each in self.objectives]
        if len(texts) != len(metrics) or len(metrics) < 2:
            raise ConfigurationError(
                f"--reference-point {self.reference_point}: expected a number for each --objective, of which there are "
                f"{len(metrics)}: {', '.join(metrics) or 'none'}"
            )
        return tuple(parse_amount_of(metric, text.strip()) for metric, text in zip(metrics, texts, strict=True))

    def _read_tables(self, count: int) -> list[Any]:
        """A table a problem."""
        places = zip(self._each("table", self.tables, count), self._spaces(count), strict=True)
        return [self._table(*each) for each in places]

    def _for_fronts(self) -> bool:
        """Whether strategies search for fronts. Raises ConfigurationError for what does not go with that."""
        if self.objectives and self.metrics:
            raise ConfigurationError(
                f"--metric {self.metrics[0]} and --objective {self.objectives[0]}: expected one of them; --objective "
                "twice and more compares by hypervolume"
            )
        if len(self.objectives) > 1 and self.reports:
            raise ConfigurationError(
                f"--report {self.reports[0]} goes with --metric; several objectives are compared by their hypervolume"
            )
        return len(self.objectives) > 1

    def _front_problems(self, tables: Sequence[Any]) -> tuple[BenchmarkProblem, ...]:
        """A problem a table, all with the same objectives; several are called by their files."""
        from netwright.benchmarks import BenchmarkProblem

        stems = self._stems(len(tables)) if len(tables) > 1 else [""]
        names = self._each("name", self.names or stems, len(tables), one_for_all=False)
        return tuple(
            BenchmarkProblem(table, name=name, objectives=self.objectives)
            for table, name in zip(tables, names, strict=True)
        )

    def _default_names(self, reports: Sequence[str]) -> list[str]:
        """Each report's metric, with the table's name where two are alike."""
        if len(set(reports)) == len(reports):
            return [each.partition(":")[0] for each in reports]
        stems = self._stems(len(reports))
        return [f"{stem} {each.partition(':')[0]}" for stem, each in zip(stems, reports, strict=True)]

    def _stems(self, count: int) -> list[str]:
        """What the table of each problem is called."""
        return [Path(split(each)[0]).stem for each in self._each("table", self.tables, count)]

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
        from netwright.estimators.table import Table

        name, space_options = split(space)
        made = construct(load("space", name), options=space_options)
        path, options = split(text)
        roles = {"architecture": self.architecture, "fidelity": self.fidelity, "cost": self.cost}
        options = {**{role: column for role, column in roles.items() if column is not None}, **options}
        return construct(Table, made, path, options=options)

    def _training(self) -> BenchmarkProblem:
        """Real training: what `netwright search` would measure candidates with."""
        from netwright.benchmarks import BenchmarkProblem
        from netwright.cli.plan import Plan

        assert self.data is not None
        if self.tables or self.reports:
            raise ConfigurationError("--data trains networks; leave out --table and --report, which read known results")
        space = self.spaces[0] if self.spaces else None
        read = {"data_dir": self.data_dir, "data_options": self.data_options}
        several = self._for_fronts()
        asked = self.objectives if several else (self.metrics or self.objectives)[:1]
        latency = self.latency
        plan = Plan(data=self.data, space=space, epochs=self.epochs or 5, objectives=asked, latency=latency, **read)
        task = plan.make_task()
        main = task.problem.main
        metric = asked[0] if asked else f"val_{main.name}:{main.direction}"
        estimator, name = plan.make_search(task, plan.make_space(task)).estimator, (self.names or (self.data,))[0]
        if several:
            return BenchmarkProblem(estimator, name=name, objectives=asked)
        return BenchmarkProblem(estimator, metric, name=name)


@dataclass(frozen=True)
class Where:
    """Where searches run, as the options say it: `processes` at once, in place of the workers of `netwright search`."""

    processes: int | None = None
    executor: str | None = None
    address: str | None = None

    def plan(self) -> Plan:
        """The place as that of a search. Raises ConfigurationError for what does not go together."""
        from netwright.cli.plan import Plan
        from netwright.executors.processes.placement import cores

        if self.processes is not None and self.processes < 1:
            raise ConfigurationError(f"--processes {self.processes}: expected a whole number of at least 1")
        if self.executor in ("folder", "inline") and self.processes is not None:
            many = (
                "as many searches at once as its workers take" if self.executor == "folder" else "one after the other"
            )
            raise ConfigurationError(f"--executor {self.executor} runs {many}; leave out --processes")
        plan = Plan(data="", executor=self.executor, address=self.address, workers=self.at_once or cores())
        check(plan)
        return plan

    @property
    def at_once(self) -> int | None:
        """How many run on this machine; None for what fits."""
        return 1 if self.executor == "inline" else self.processes


def run(
    settings: Settings,
    folder: Path,
    where: Where,
    *,
    plots: bool,
    trust: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """Compare, print the report, and write it into the folder. trust: agree to the code that the folder names."""
    from netwright.charts.apart import Drawer

    where.plan()
    if plots:
        from netwright.benchmarks.plots import require_plots

        require_plots()
    with stoppable(), closing(Drawer()) as drawer:
        found = _found(settings, folder, where, drawer if plots else None, trust=trust, quiet=quiet or as_json)
        written = _write(found, folder, drawer if plots else None)
    if as_json:
        say_json({**found.as_json(), "files": [str(each) for each in written]})
        return
    say(*found.lines())
    if not quiet:
        names = ", ".join(each.name for each in written)
        say("", f"in {folder}: {names}")


def _write(found: Comparison, folder: Path, drawer: Drawer | None) -> list[Path]:
    """Every file of the report; the plots are drawn while the others are written. drawer: None for no plots."""
    if drawer is None:
        return found.write(plots=False)
    from netwright.benchmarks.plots import write_plots

    found.figures = drawer.drawn(found.figures)
    texts, page = found.write(plots=False), _write_page(found, folder)
    return [*texts, *write_plots(found, folder), page]


def _write_page(found: Comparison, folder: Path) -> Path:
    """The report as one page, with the plots; the file."""
    from netwright.dashboard.report import comparison_report
    from netwright.dashboard.report.command import comparison_command

    kept, _ = _earlier(folder)
    command = comparison_command(kept.to_json(), str(folder)) if kept else ""
    refuse_link(folder / PAGE)
    (folder / PAGE).write_text(comparison_report(found, list(found.figures.values()), command=command), "utf-8")
    return folder / PAGE


def _found(
    settings: Settings, folder: Path, where: Where, drawer: Drawer | None, *, trust: bool, quiet: bool
) -> Comparison:
    """The comparison, after running what is missing of it. drawer: started when little is missing."""
    from netwright.benchmarks import Comparison, compare
    from netwright.benchmarks.problem import surrogate_lines

    earlier, there = _earlier(folder)
    if there and earlier is None:
        if settings.empty:
            return Comparison.load(folder)
        raise UserError(
            f"the comparison in {folder} was made from Python, which alone knows its parts; add to it there"
        )
    note(named_code(settings), folder)
    if earlier is not None:
        settings = settings.over(earlier)
        require(named_code(settings), folder, trust=trust)
    comparison = settings.comparison()
    if not quiet:
        say(*(line for problem in comparison["problems"] for line in surrogate_lines(problem)))
    with _executor(where, settings, folder, quiet=quiet) as executor:
        return compare(
            **comparison,
            repeats=_REPEATS if settings.repeats is None else settings.repeats,
            folder=folder,
            processes=where.at_once if executor is None else None,
            executor=executor,
            on_progress=None if drawer is None else partial(_get_ready, drawer),
            progress=not quiet,
            notes=settings.to_json(),
            reference=settings.reference(),
        )


def _get_ready(drawer: Drawer, now: Standing) -> None:
    """Near the end of the searches: what draws starts, and what the reports need is imported while they go on."""
    if now.to_go is not None and now.to_go < NEARLY:
        drawer.start()
        import scipy.stats  # noqa: F401


@contextmanager
def _executor(where: Where, settings: Settings, folder: Path, *, quiet: bool) -> Generator[Executor | None]:
    """What carries the searches out; None for this process and those beside it."""
    from netwright.cli.sharing import COMPARISON, of_run, work_of
    from netwright.cli.workers import make_executor, waited

    plan = where.plan()
    if chosen(plan) in ("inline", "processes"):
        yield None
        return
    shared = of_run(folder, QUEUE, work_of(COMPARISON, settings), aloud=not quiet)
    with closing(cast("Executor", make_executor(plan, shared=shared))) as executor:
        waited(executor, shared)
        yield executor


def named_code(settings: Settings) -> list[Foreign]:
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
    """The table's text with its paths made absolute, so that they are found from anywhere."""
    path, options = split(table)
    found = f"{Path(path).absolute()}{table[len(path) :]}"
    joined = options.get("join")
    return found.replace(f"join={joined}", f"join={Path(joined).absolute()}") if isinstance(joined, str) else found

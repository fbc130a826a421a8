"""Makes a chart of a run as a file: SVG, PNG, PDF, CSV, JSON, Vega-Lite or HTML; or says which charts there are."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from netwright.cli.output import say
from netwright.cli.show import at, named
from netwright.core.errors import UserError, nearest
from netwright.core.wording import table

if TYPE_CHECKING:
    from netwright.charts import Chart, Figure, RunData

ROWS = 20
FORMS: Mapping[str, Callable[[Figure], str | bytes]] = {
    "svg": lambda figure: figure.svg(),
    "png": lambda figure: figure.png(),
    "pdf": lambda figure: figure.pdf(),
    "csv": lambda figure: figure.csv(),
    "json": lambda figure: figure.json(),
    "vl.json": lambda figure: _vega_lite(figure),
    "html": lambda figure: _page(figure),
}


def plot(
    directory: Path,
    run: str | None,
    chart: str | None,
    to: Path | None,
    theme: str,
    settings: Sequence[str],
    *,
    listed: bool = False,
) -> None:
    """Write one chart of a run to a file, print its table, or list the charts that there are."""
    from netwright.charts import RunData
    from netwright.store import Store

    form = None if to is None else form_of(to)
    with Store.open_readonly(directory) as store:
        run, chart = _meant(store.names(), run, chart)
        data = RunData.read(store, named(store, run))
        data.find_options = _options
        if listed or chart is None:
            list_charts(data, directory)
            return
        figure = chart_of(chart).figure(data, theme, **given(settings))
    if to is not None and form is not None:
        _write(figure, to, form)
        say(f"wrote {to}: {figure.title}, {figure.empty or figure.note or figure.question}")
    else:
        _say(figure, f"netwright plot {data.name} {chart}{at(directory)}")


def _meant(runs: Sequence[str], run: str | None, chart: str | None) -> tuple[str | None, str | None]:
    """Run and chart; one word alone that no run is called is a chart of the latest run."""
    from netwright.charts import CHARTS

    if run is not None and chart is None and run not in runs and (run in CHARTS or ":" in run):
        return None, run
    return run, chart


def _options(data: RunData) -> Mapping[str, Sequence[str]]:
    """The labels of a mixture's weights, where the run's space is one of ours."""
    from netwright.dashboard.stored_space import option_labels

    return option_labels(data)


def chart_of(name: str) -> Chart:
    """The chart of a name, or that of a person's own function, as file.py:function."""
    from netwright.charts import find
    from netwright.charts.own import own_chart

    if ":" not in name:
        return find(name)
    from netwright.catalogue.loading import own

    return own_chart(own("chart", name), name.rpartition(":")[2])


def given(settings: Sequence[str]) -> dict[str, Any]:
    """Settings as name=value; UserError for anything else."""
    pairs = [each.partition("=") for each in settings]
    for name, equal, _ in pairs:
        if not equal:
            raise UserError(f"the setting {name!r} has no value; expected name=value, as x=params")
    return {name.strip(): value for name, _, value in pairs}


def form_of(to: Path) -> str:
    """What a file's name ends with; UserError for what no chart is written as."""
    found = [each for each in sorted(FORMS, key=len, reverse=True) if to.name.lower().endswith(f".{each}")]
    if not found:
        raise UserError(
            f"{to} ends in {to.suffix!r}; expected a name that says the form{nearest(to.suffix[1:], FORMS)}"
        )
    return found[0]


def _write(figure: Figure, to: Path, form: str) -> None:
    made = FORMS[form](figure)
    try:
        to.parent.mkdir(parents=True, exist_ok=True)
        to.write_bytes(made.encode() if isinstance(made, str) else made)
    except OSError as problem:
        raise UserError(f"{to} could not be written: {problem.strerror or problem}") from None


def _vega_lite(figure: Figure) -> str:
    import json

    return json.dumps(figure.titled, allow_nan=False, default=str)


def _page(figure: Figure) -> str:
    from netwright.charts.page import page

    return page([figure])


def _say(figure: Figure, command: str) -> None:
    """The chart's table, as far as it fits."""
    columns, rows = figure.table(ROWS)
    say(f"{figure.title}: {figure.question}", figure.empty or figure.note)
    if rows:
        texts = [[_cell(value) for value in row] for row in rows]
        say("", *table(columns, texts))
    if len(figure.rows) > ROWS:
        say(f"... and {len(figure.rows) - ROWS} more rows")
    if not figure.empty:
        say("", f"as a picture: {command} --to {figure.name}.svg")


def _cell(value: Any) -> str:
    from netwright.core.wording import shortened

    return "" if value is None else f"{value:.5g}" if isinstance(value, float) else shortened(str(value), 50)


def list_charts(data: RunData, directory: Path) -> None:
    """Every chart with its question, and why this run has nothing for it."""
    from netwright.charts import CHARTS

    found = [(each, each.applies(data)) for each in CHARTS.values()]
    say(
        *table(
            ("chart", "question", "settings"),
            [(each.name, each.question, ", ".join(each.about)) for each, why in found if not why],
        )
    )
    missing = [(each.name, why) for each, why in found if why]
    if missing:
        say("", f"nothing to draw of run {data.name}:", *[f"  {name}: {why}" for name, why in missing])
    say("", f"as a picture: netwright plot {data.name} {found[0][0].name}{at(directory)} --to {found[0][0].name}.svg")

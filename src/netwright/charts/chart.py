"""A chart: a question about a run, and how its picture is made of the run's columns."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from netwright.charts.figure import Figure, Row
from netwright.charts.themes import known
from netwright.core.errors import MissingExtra, UserError, nearest

if TYPE_CHECKING:
    from netwright.charts.run_data import RunData


@dataclass(frozen=True)
class Drawn:
    """What a chart's function gives back.

    chart: of Altair, with named data, or Vega-Lite as a dict.
    tables: the data by name, the one for people first.
    note: n, units, what was left out.
    heads: what columns of the first table are called for people; "" leaves one out.
    empty: why there is nothing to draw after all.
    """

    chart: Any
    tables: Mapping[str, Sequence[Row]]
    note: str = ""
    empty: str = ""
    heads: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True)
class Chart:
    """One definition for page, report, notebook and file.

    name: under which it is asked for, as "front".
    title: what is drawn.
    question: that it answers, one sentence.
    draw: makes it of a run; its further parameters are the chart's settings.
    applies: why a run has nothing for it; "" where it has.
    about: what each setting is, by name.
    one_of: the values that a setting may take, where they are few.
    """

    name: str
    title: str
    question: str
    draw: Callable[..., Drawn]
    applies: Callable[[RunData], str]
    about: Mapping[str, str] = field(default_factory=dict[str, str])
    one_of: Mapping[str, Sequence[str]] = field(default_factory=dict[str, Sequence[str]])

    @property
    def settings(self) -> dict[str, Any]:
        """Names and defaults of what may be set."""
        found = list(inspect.signature(self.draw).parameters.values())[1:]
        return {each.name: each.default for each in found}

    def figure(self, data: RunData, theme: str = "light", **settings: Any) -> Figure:
        """The chart of a run.

        data: the run's columns.
        theme: light, dark or print.
        settings: see `settings`; numbers may be texts.

        Raises UserError for a setting or theme that there is not, MissingExtra without altair.
        """
        begun = Figure(self.name, self.title, self.question, theme=known(theme))
        chosen = self._checked(settings)
        why = self.applies(data)
        if why:
            return replace(begun, empty=why)
        drawn = self.draw(data, **chosen)
        template = drawn.chart if isinstance(drawn.chart, dict) else drawn.chart.to_dict()
        template = {key: value for key, value in template.items() if key != "config"}
        made = {"note": drawn.note, "tables": drawn.tables, "heads": drawn.heads, "template": template}
        return replace(begun, empty=drawn.empty, **made)

    def _checked(self, settings: Mapping[str, Any]) -> dict[str, Any]:
        known = self.settings
        for name in settings:
            if name not in known:
                raise UserError(f"the chart {self.name!r} has no setting {name!r}{nearest(name, known)}")
        return {name: self._read(name, value, known[name]) for name, value in settings.items()}

    def _read(self, name: str, value: Any, default: Any) -> Any:
        if name in self.one_of and value not in self.one_of[name]:
            about = f"the setting {name!r} of the chart {self.name!r} is {value!r}"
            raise UserError(f"{about}{nearest(value, self.one_of[name])}")
        if not isinstance(value, str) or isinstance(default, str) or default is None:
            return value
        if isinstance(default, bool):
            return value.lower() in ("1", "true", "yes", "on")
        try:
            return type(default)(value)
        except ValueError:
            raise UserError(
                f"the setting {name!r} of the chart {self.name!r} is {value!r}; expected a number, as {default!r}"
            ) from None


def altair() -> Any:
    """The module; MissingExtra where it is not installed."""
    try:
        import altair as found
    except ImportError:
        raise MissingExtra("altair", "dashboard") from None
    return found

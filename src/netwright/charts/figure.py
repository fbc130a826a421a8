"""A chart that was made: what it asks and says, its data as a table, and its picture in every form."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np

from netwright.charts.themes import coloured, configuration, known
from netwright.core.errors import MissingExtra
from netwright.core.wording import as_cell

Row = dict[str, Any]


@dataclass(frozen=True)
class Figure:
    """A chart of some data.

    name: of the chart, as "front".
    title: what is drawn.
    question: the one that it answers.
    note: what must be known to read it: n, seeds, units, the test used, how many of how many are shown.
    tables: the data by name, each a list of rows; the first is what people get as a table.
    heads: what columns of the table are called for people, where that is not their name in the rows.
    template: Vega-Lite without data, colours named by their roles.
    empty: why there is nothing to draw; "" where there is something.
    theme: light, dark or print.
    picture: draws it as SVG, where that is done elsewhere.
    """

    name: str
    title: str
    question: str
    note: str = ""
    tables: Mapping[str, Sequence[Row]] = field(default_factory=dict[str, Sequence[Row]])
    heads: Mapping[str, str] = field(default_factory=dict[str, str])
    template: Mapping[str, Any] = field(default_factory=dict[str, Any])
    empty: str = ""
    theme: str = "light"
    picture: Callable[[], str] | None = None

    def themed(self, theme: str) -> Figure:
        """The same figure in another theme; nothing is computed anew."""
        return replace(self, theme=known(theme), picture=None)

    # As data.

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of the table's columns, in order."""
        return tuple(self.heads.get(each, each) for each in self._names)

    @property
    def _names(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(name for row in self._main for name in row if self.heads.get(name, name)))

    @property
    def rows(self) -> list[tuple[Any, ...]]:
        """The table, a tuple a row; None where a row has nothing."""
        names = self._names
        return [tuple(_plain(row.get(name)) for name in names) for row in self._main]

    @property
    def _main(self) -> Sequence[Row]:
        return next(iter(self.tables.values()), ())

    def table(self, limit: int | None = None) -> tuple[tuple[str, ...], list[tuple[Any, ...]]]:
        """Columns and rows, the first `limit` of them."""
        return self.columns, self.rows[:limit]

    def csv(self) -> str:
        """The table as comma-separated values; texts that a spreadsheet takes for formulas are preceded by '."""
        text = io.StringIO()
        writer = csv.writer(text)
        writer.writerow([as_cell(each) for each in self.columns])
        writer.writerows([[as_cell(each) for each in row] for row in self.rows])
        return text.getvalue()

    def json(self) -> str:
        """Everything but the picture: name, title, question, note, columns, rows."""
        known = {"name": self.name, "title": self.title, "question": self.question, "note": self.note}
        data = {**known, "empty": self.empty, "columns": self.columns, "rows": self.rows}
        return json.dumps(data, allow_nan=False, default=str)

    # As a picture.

    @property
    def specification(self) -> dict[str, Any]:
        """Vega-Lite with its data, colours and type, without a title: for a page that has one."""
        drawn = coloured(dict(self.template), self.theme)
        datasets = {name: [_plain_row(row) for row in rows] for name, rows in self.tables.items()}
        return {
            **drawn,
            "config": {**configuration(self.theme), **drawn.get("config", {})},
            "datasets": datasets,
            "description": self.description,
        }

    @property
    def titled(self) -> dict[str, Any]:
        """The same with title, question and note, for a file that stands alone."""
        below = [*_wrapped(self.question), *_wrapped(self.note)]
        return {**self.specification, "title": {"text": self.title, "subtitle": below}, "padding": 14}

    @property
    def description(self) -> str:
        """For who does not see it."""
        return " ".join(each for each in (f"{self.title}.", self.question, self.note, self.empty) if each)

    def svg(self) -> str:
        """The picture as SVG that stands alone; a sentence where there is nothing to draw."""
        return self._svg

    @cached_property
    def _svg(self) -> str:
        """Drawn once; other forms are made of it."""
        return draw(self.drawable) if self.picture is None else self.picture()

    def png(self, scale: float = 2.0) -> bytes:
        """The picture as PNG.

        scale: pixels for each unit of the picture, which is about 700 wide.
        """
        return _converter().svg_to_png(self._svg, scale=scale)

    def pdf(self) -> bytes:
        """The picture as PDF."""
        return _converter().svg_to_pdf(self._svg)

    @property
    def drawable(self) -> dict[str, Any]:
        """Vega-Lite of the file: the chart with its title, or the sentence."""
        return self.titled if not self.empty else _sentence(self)

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        if self.empty:
            return {"text/plain": f"{self.title}: {self.empty}"}
        return {"image/svg+xml": self.svg(), "text/plain": self.description}


def draw(drawable: Mapping[str, Any]) -> str:
    """Vega-Lite as SVG; no address is asked for anything. Raises MissingExtra without vl-convert."""
    return _converter().vegalite_to_svg(dict(drawable), allowed_base_urls=[])


def _sentence(figure: Figure) -> dict[str, Any]:
    """A picture that says why there is none."""
    return {
        "config": configuration(figure.theme),
        "title": {"text": figure.title, "subtitle": _wrapped(figure.question)},
        "data": {"values": [{}]},
        "width": 640,
        "height": 60,
        "padding": 14,
        "mark": {"type": "text", "align": "left", "x": 0, "limit": 640},
        "encoding": {"text": {"value": figure.empty}},
    }


def _wrapped(text: str, width: int = 108) -> list[str]:
    import textwrap

    return textwrap.wrap(text, width)


def _plain_row(row: Row) -> Row:
    return {name: _plain(value) for name, value in row.items()}


def _plain(value: Any) -> Any:
    """As JSON has it: numpy's numbers as Python's, None for what is not finite."""
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _converter() -> Any:
    try:
        import vl_convert
    except ImportError:
        raise MissingExtra("vl-convert-python", "dashboard") from None
    return vl_convert

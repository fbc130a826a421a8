"""Figures as one HTML file that opens offline: their script, their data, and nothing else may run in it."""

from __future__ import annotations

import base64
import hashlib
import html
import json
from collections.abc import Sequence

from netwright.charts.bundle import javascript
from netwright.charts.figure import Figure
from netwright.charts.themes import THEMES

STYLE = """
body { margin: 2rem auto; max-width: 60rem; padding: 0 1rem; background: %(paper)s; color: %(ink)s;
  font: 15px/1.5 system-ui, -apple-system, 'Segoe UI', Roboto, 'DejaVu Sans', Arial, sans-serif; }
h1 { font-size: 1.25rem; margin-bottom: 0; }
p { color: %(quiet)s; margin: 0.2rem 0; max-width: 50rem; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; margin-top: 0.5rem; }
th, td { text-align: left; padding: 0.15rem 0.9rem 0.15rem 0; border-bottom: 1px solid %(grid)s; }
summary { cursor: pointer; }
.chart-tooltip { position: fixed; z-index: 9; pointer-events: none; background: %(ink)s; color: %(paper)s;
  padding: 0.3rem 0.5rem; border-radius: 4px; font-size: 13px; max-width: 24rem; }
.chart-tooltip-name { opacity: 0.7; margin-right: 0.6rem; }
[hidden] { display: none; }
"""
MOST_ROWS = 200


def page(figures: Sequence[Figure], title: str = "") -> str:
    """One file with the figures and their tables. Raises MissingExtra without vl-convert.

    figures: in order; their first says the theme.
    title: of the file; by default the first figure's.
    """
    style = STYLE % THEMES[figures[0].theme]
    script = javascript()
    rules = (
        f"default-src 'none'; script-src {source(script)}; style-src {source(style)}; img-src data:; base-uri 'none'"
    )
    parts = [
        "<!doctype html>",
        f'<html lang="en"><head><meta charset="utf-8"><title>{html.escape(title or figures[0].title)}</title>',
        f'<meta http-equiv="Content-Security-Policy" content="{rules}">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<style>{style}</style></head><body>",
        *map(section, figures),
        f"<script>{script}</script></body></html>",
    ]
    return "\n".join(parts)


def source(text: str) -> str:
    """What a content security policy calls exactly this script or style."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def section(figure: Figure) -> str:
    """A figure as a part of a page: its question, its note, the picture, and its table folded away."""
    words = (
        f"<h1>{html.escape(figure.title)}</h1><p>{html.escape(figure.question)}</p><p>{html.escape(figure.note)}</p>"
    )
    if figure.empty:
        return f"<section>{words}<p>{html.escape(figure.empty)}</p></section>"
    return f"<section>{words}<div data-chart>{embedded(figure)}</div>{table(figure)}</section>"


def embedded(figure: Figure) -> str:
    """The specification as data in a page: it cannot end the element that it stands in."""
    text = json.dumps(figure.specification, allow_nan=False, default=str, separators=(",", ":"))
    harmless = text.replace("<", "\\u003c")
    return f'<script type="application/json">{harmless}</script>'


def table(figure: Figure, limit: int = MOST_ROWS) -> str:
    """The rows as a table that is folded away."""
    columns, rows = figure.table(limit)
    head = "".join(f"<th>{html.escape(each)}</th>" for each in columns)
    body = "".join(f"<tr>{''.join(f'<td>{html.escape(cell(value))}</td>' for value in row)}</tr>" for row in rows)
    shown = f"{len(rows):,} of {len(figure.rows):,} rows" if len(rows) < len(figure.rows) else f"{len(rows):,} rows"
    return f"<details><summary>Table, {shown}</summary><table><tr>{head}</tr>{body}</table></details>"


def cell(value: object) -> str:
    """A value of a table as text."""
    return "" if value is None else f"{value:.6g}" if isinstance(value, float) else str(value)

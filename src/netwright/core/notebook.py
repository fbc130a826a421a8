"""How values look in a notebook: small tables of escaped text."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape


def html_table(facts: Iterable[tuple[object, object]]) -> str:
    """Names and values, one row each, as HTML."""
    rows = "".join(f"<tr><th>{escape(str(name))}</th><td>{escape(str(value))}</td></tr>" for name, value in facts)
    return f"<table>{rows}</table>"


def html_columns(head: Sequence[object], rows: Iterable[Sequence[object]]) -> str:
    """A table with a head as HTML."""
    first = "".join(f"<th>{escape(str(each))}</th>" for each in head)
    body = "".join("<tr>" + "".join(f"<td>{escape(str(each))}</td>" for each in row) + "</tr>" for row in rows)
    return f"<table><tr>{first}</tr>{body}</table>"

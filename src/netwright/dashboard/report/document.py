"""One HTML file that opens offline: style, scripts, figures and drawings inside; its policy allows nothing else."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from netwright.charts.bundle import javascript
from netwright.charts.figure import Figure
from netwright.core.errors import MissingExtra
from netwright.dashboard.wording import FILTERS, shown
from netwright.drawings import stylesheet
from netwright.version import __version__

if TYPE_CHECKING:
    from jinja2 import Environment

STILL_SCALE = 1.4  # pixels for each unit of a still picture, which is about 700 wide
HERE = Path(__file__).parent
PAGES_STYLE = HERE.parent / "static" / "pages.css"  # a report looks as the pages do
DARK = ':root[data-theme="dark"] '


def document(template: str, figures: Sequence[Figure], **values: Any) -> str:
    """The file's text.

    template: of this folder.
    figures: that it shows, in any order; the template names them.
    values: what the template says.

    Raises MissingExtra without what the extra `dashboard` brings.
    """
    scripts = [javascript(), _read(HERE / "report.js")] if figures else [_read(HERE / "report.js")]
    style = _style()
    made = environment().get_template(template)
    return made.render(
        style=style,
        scripts=scripts,
        policy=policy(scripts, [style]),
        version=__version__,
        **values,
    )


def policy(scripts: Sequence[str], styles: Sequence[str]) -> str:
    """The content security policy: these scripts and styles by their SHA-256, pictures of the file, nothing else."""
    allowed = {"script-src": scripts, "style-src": styles}
    parts = [f"{what} {' '.join(map(_digest, texts))}" for what, texts in allowed.items()]
    return "; ".join(["default-src 'none'", *parts, "img-src data:", "base-uri 'none'", "form-action 'none'"])


def embedded(value: Any) -> str:
    """A value as JSON that may stand within a script element, whatever it holds."""
    text = json.dumps(value, allow_nan=False, default=str, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def shown_figure(figure: Figure) -> dict[str, Any]:
    """What the page's script needs of a figure: its data once, and the specification in both themes."""
    light = figure.themed("light").specification
    dark = figure.themed("dark").specification
    data = {name: _columns(rows) for name, rows in light.pop("datasets").items()}
    dark.pop("datasets")
    for each in (light, dark):
        each["config"] = {**each["config"], "background": "transparent"}  # that of the page
    return {"name": figure.name, "data": data, "light": light, "dark": dark}


def _columns(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Rows with each name once, which takes half the room."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    return {"names": names, "rows": [[row.get(name) for name in names] for row in rows]}


def still(figure: Figure) -> str:
    """The figure as an address that holds a picture, for readers that run no scripts."""
    return f"data:image/png;base64,{base64.b64encode(figure.png(STILL_SCALE)).decode()}"


def environment() -> Environment:
    """Templates of this folder and of the pages; everything is escaped."""
    try:
        from jinja2 import Environment, FileSystemLoader, StrictUndefined
        from markupsafe import Markup
    except ImportError:
        raise MissingExtra("jinja2", "dashboard") from None
    made = Environment(
        loader=FileSystemLoader([HERE, HERE.parent / "templates"]),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=shown,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters.update(FILTERS)
    made.filters["embedded"] = lambda value: Markup(embedded(value))  # noqa: S704
    made.filters["indented"] = lambda value: json.dumps(value, indent=1, default=str, ensure_ascii=False)
    made.filters["shown_figure"] = shown_figure
    made.filters["as_written"] = Markup  # of this file's own style and script, and of drawings, which are ours
    return made


def _style() -> str:
    dark = stylesheet(DARK) + f"@media (prefers-color-scheme: dark){{{stylesheet(_unless_light())}}}"
    return _read(PAGES_STYLE) + _read(HERE / "report.css") + dark


def _unless_light() -> str:
    return ':root:not([data-theme="light"]) '


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def _digest(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"

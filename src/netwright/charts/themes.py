"""Colours and type of charts: light, dark and print. A chart names roles, "role:best"; a theme says their colours.

The categories are those of Okabe and Ito (2008), which colour-blind readers tell apart.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from netwright.core.errors import UserError, nearest

CATEGORIES = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#7F7F7F", "#B8A800")
ROLE = "role:"
FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'DejaVu Sans', 'Helvetica Neue', Arial, sans-serif"

_LIGHT = {
    "paper": "#ffffff",
    "ink": "#1b1f24",
    "quiet": "#5b636d",
    "grid": "#e3e6ea",
    "faint": "#b4bac2",
    "main": "#0072B2",
    "best": "#C04A00",
    "other": "#007A59",
    "band": "#0072B2",
    "limit": "#8B2F6B",
    "outside": "#8B2F6B",
    "low": "#edf4fa",
    "high": "#08457a",
}
_DARK = {
    "paper": "#14181d",
    "ink": "#e8ebef",
    "quiet": "#a4adb8",
    "grid": "#2b323a",
    "faint": "#59626d",
    "main": "#56B4E9",
    "best": "#FF9A4D",
    "other": "#35C99B",
    "band": "#56B4E9",
    "limit": "#E59AC6",
    "outside": "#E59AC6",
    "low": "#1d2a36",
    "high": "#a9dcff",
}
THEMES: Mapping[str, Mapping[str, str]] = {
    "light": _LIGHT,
    "dark": _DARK,
    "print": {**_LIGHT, "ink": "#000000", "quiet": "#333333", "grid": "#d9d9d9", "main": "#00568A", "best": "#A83E00"},
}
_DARK_CATEGORIES = ("#56B4E9", "#FF8C42", "#2CC295", "#E59AC6", "#F0B429", "#7FA7FF", "#A9A9A9", "#E8DC4A")


def known(theme: str) -> str:
    """The theme's name; UserError where there is none of this name."""
    if theme not in THEMES:
        raise UserError(f"there is no theme {theme!r}{nearest(theme, THEMES)}")
    return theme


def coloured(value: Any, theme: str) -> Any:
    """A specification with the colours of a theme in place of roles."""
    if isinstance(value, dict):
        return {key: coloured(each, theme) for key, each in value.items()}
    if isinstance(value, list):
        return [coloured(each, theme) for each in value]
    if isinstance(value, str) and value.startswith(ROLE):
        return colour(value.removeprefix(ROLE), theme)
    return value


def colour(role: str, theme: str) -> str:
    """Of a role, or of a category: "category 0", "category 1", ..."""
    if role.startswith("category "):
        found = categories(theme)
        return found[int(role.split()[1]) % len(found)]
    return THEMES[theme][role]


def categories(theme: str) -> tuple[str, ...]:
    """Eight colours that are told apart on this theme's paper."""
    return _DARK_CATEGORIES if theme == "dark" else CATEGORIES


def configuration(theme: str) -> dict[str, Any]:
    """The Vega-Lite configuration of a theme."""
    roles = THEMES[theme]
    axis = {
        "labelColor": roles["quiet"],
        "titleColor": roles["ink"],
        "titleFontWeight": "normal",
        "gridColor": roles["grid"],
        "domainColor": roles["faint"],
        "tickColor": roles["faint"],
        "labelFontSize": 11,
        "titleFontSize": 12,
        "titlePadding": 8,
        "labelOverlap": "greedy",
    }
    return {
        "background": roles["paper"],
        "font": FONT,
        "axis": axis,
        "legend": {
            "labelColor": roles["ink"],
            "titleColor": roles["quiet"],
            "titleFontWeight": "normal",
            "labelFontSize": 11,
            "titleFontSize": 11,
            "symbolStrokeWidth": 2,
            "labelLimit": 260,
        },
        "title": {
            "color": roles["ink"],
            "fontSize": 15,
            "fontWeight": 600,
            "anchor": "start",
            "offset": 14,
            "subtitleColor": roles["quiet"],
            "subtitleFontSize": 12,
            "subtitlePadding": 5,
        },
        "header": {"labelColor": roles["ink"], "titleColor": roles["quiet"], "titleFontWeight": "normal"},
        "view": {"stroke": None, "continuousWidth": 640, "continuousHeight": 340},
        "range": {"category": list(categories(theme)), "heatmap": [roles["low"], roles["high"]]},
        "text": {"color": roles["ink"], "fontSize": 11},
        "point": {"size": 45, "filled": True},
        "line": {"strokeWidth": 2},
        "rule": {"color": roles["quiet"]},
        "bar": {"color": roles["main"]},
    }

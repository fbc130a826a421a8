"""The colours of a drawing on light and on dark ground, and on paper."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from netwright.core.errors import UserError, nearest
from netwright.drawings.kinds import KINDS, colours


@dataclass(frozen=True, slots=True)
class Theme:
    """Colours, as "#rrggbb".

    ground: behind everything, "none" for nothing.
    text, faint: letters, and small ones.
    line: between boxes.
    marks: border of what a difference added, removed and changed.
    dark: which colours boxes have.
    """

    ground: str
    text: str
    faint: str
    line: str
    marks: Mapping[str, str]
    dark: bool


_LIGHT_MARKS = MappingProxyType({"added": "#00734f", "removed": "#b34700", "changed": "#0060a0"})
_DARK_MARKS = MappingProxyType({"added": "#3fd0a0", "removed": "#ff9a5c", "changed": "#7cc4ff"})
THEMES: Mapping[str, Theme] = MappingProxyType(
    {
        "light": Theme("#ffffff", "#1b2430", "#566170", "#6b7685", _LIGHT_MARKS, dark=False),
        "dark": Theme("#14181e", "#eef1f5", "#a9b3c0", "#8e99a8", _DARK_MARKS, dark=True),
        "print": Theme("none", "#000000", "#333333", "#333333", _LIGHT_MARKS, dark=False),
    }
)
NAMES = ("auto", *THEMES)


def theme_named(name: str) -> Theme:
    """The theme; that of "auto" is the light one, which a style sheet turns dark. UserError for other names."""
    if name not in NAMES:
        raise UserError(f"a drawing has no theme {name!r}{nearest(name, NAMES)}")
    return THEMES["light" if name == "auto" else name]


def stylesheet(before: str = "") -> str:
    """Rules that turn light drawings dark, for a page that holds them.

    before: what every selector begins with, such as "[data-theme=dark] ".
    """
    dark = THEMES["dark"]
    rules = [
        (".nw-drawing", "max-width:100%;height:auto"),
        (".nw-ground", f"fill:{dark.ground}"),
        (".nw-text", f"fill:{dark.text}"),
        (".nw-faint", f"fill:{dark.faint}"),
        (".nw-line", f"stroke:{dark.line}"),
        (".nw-head", f"fill:{dark.line}"),
        *((f".nw-kind-{kind}", f"fill:{colours(kind, dark=True)[0]}") for kind in KINDS),
        *((f".nw-mark-{mark}", f"stroke:{colour}") for mark, colour in dark.marks.items()),
        *((f".nw-badge-{mark}", f"fill:{colour}") for mark, colour in dark.marks.items()),
    ]
    return "".join(f"{before}{selector}{{{rule}}}" for selector, rule in rules)

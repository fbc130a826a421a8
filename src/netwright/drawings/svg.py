"""A picture as SVG, written here: no other file, no script, nothing from outside."""

from __future__ import annotations

import hashlib
import itertools
import math
from collections.abc import Container, Iterable, Sequence
from html import escape

from netwright.core.wording import printable
from netwright.drawings.kinds import DASHED, KINDS, colours
from netwright.drawings.letters import FAMILY, broken, fitted, width_of
from netwright.drawings.picture import Box, Picture
from netwright.drawings.places import Laid, Point, Spot, Way
from netwright.drawings.sizes import DETAIL, TITLE, Style
from netwright.drawings.themes import Theme, stylesheet

MARGIN = 16.0
BETWEEN = 48.0  # panels
HEADING = 26.0  # above a panel that has a title
LEGEND = 20.0  # a line of the legend
LEAST = 260.0  # width, so that a legend has room
ROUND = 7.0  # radius of corners
NARROW = "#%s{max-width:100%%;height:auto}"  # where a page has less room
AHEAD = {"down": (0, 1), "up": (0, -1), "right": (1, 0)}
HEADS = {"down": "l-3.5 -7h7z", "up": "l-3.5 7h7z", "right": "l-7 -3.5v7z"}
SIGNS = {"added": "+", "removed": "−", "changed": "≠"}


def written(picture: Picture, panels: Sequence[Laid], style: Style, theme: Theme, *, auto: bool) -> str:
    """The file.

    panels: where everything stands, one of each panel of the picture.
    auto: whether it turns dark where its reader prefers that.
    """
    margin = 4.0 if style.small else MARGIN
    offsets, width, height = _beside(picture, panels, style, margin)
    body = [
        _panel(panel.title, panel.boxes, laid, offset, style, theme)
        for panel, laid, offset in zip(picture.panels, panels, offsets, strict=True)
    ]
    if not style.small:
        foot, bottom = _foot(picture, width, height, theme)
        body, height = [*body, foot], bottom
    name = f"nw-{hashlib.sha256(picture.title.encode() + ''.join(body).encode()).hexdigest()[:10]}"
    rules = f"<style>{NARROW % name}@media (prefers-color-scheme:dark){{{stylesheet(f'#{name} ')}}}</style>"
    rules = rules if auto else ""
    ground = f'<rect class="nw-ground" width="100%" height="100%" fill="{theme.ground}"/>'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" id="{name}" class="nw-drawing" role="img" '
        f'aria-labelledby="{name}-title {name}-desc" viewBox="0 0 {_n(width)} {_n(height)}" width="{_n(width)}" '
        f'height="{_n(height)}" font-family="{escape(FAMILY)}"><title id="{name}-title">{_text(picture.title)}</title>'
        f'<desc id="{name}-desc">{_text(picture.description)}</desc>{rules}{ground}{"".join(body)}</svg>'
    )


def _beside(picture: Picture, panels: Sequence[Laid], style: Style, margin: float) -> tuple[list[Point], float, float]:
    """Where each panel begins, and the width and the height of all."""
    headings = HEADING if not style.small and any(panel.title for panel in picture.panels) else 0.0
    offsets: list[Point] = []
    x = margin
    for panel, laid in zip(picture.panels, panels, strict=True):
        title = width_of(panel.title, TITLE + 1) if headings else 0.0
        room = max(laid.width, title)
        offsets.append((x + (room - laid.width) / 2, margin + headings))
        x += room + (BETWEEN if not style.small else 8.0)
    width = x - (BETWEEN if not style.small else 8.0) + margin
    height = max((laid.height for laid in panels), default=0.0) + headings + 2 * margin
    return offsets, width if style.small else max(LEAST, width), height


def _panel(title: str, boxes: Iterable[Box], laid: Laid, offset: Point, style: Style, theme: Theme) -> str:
    heading = ""
    if title and not style.small:
        heading = _letters(title, laid.width / 2, -12, TITLE + 1, "nw-text", theme.text, bold=True)
    lines = "".join(_way(way, style, theme) for way in laid.ways)
    drawn = "".join(_box(box, laid.spots[box.name], style, theme) for box in boxes)
    return f'<g transform="translate({_n(offset[0])} {_n(offset[1])})">{heading}{lines}{drawn}</g>'


def _way(way: Way, style: Style, theme: Theme) -> str:
    mark = way.line.mark
    colour = theme.marks.get(mark, theme.line)
    kind = f"nw-mark-{mark}" if mark else "nw-line"
    dashes = ' stroke-dasharray="5 3"' if mark == "removed" else ""
    thick = (1.0 if style.small else 1.3) + (1.0 if mark else 0.0)
    (x, y), (dx, dy) = way.bends[-1], AHEAD[way.heading]
    bends = way.bends if style.small else (*way.bends[:-1], (x - 5 * dx, y - 5 * dy))
    drawn = f'd="{_path(bends, way.straight)}" fill="none" stroke="{colour}" stroke-width="{thick}"{dashes}'
    return f'<path class="{kind}" {drawn}/>' + ("" if style.small else _head(way.bends[-1], way.heading, mark, colour))


def _head(point: Point, heading: str, mark: str, colour: str) -> str:
    """The head of an arrow."""
    kind = f"nw-badge-{mark}" if mark else "nw-head"
    return f'<path class="{kind}" d="M{_pair(point)}{HEADS[heading]}" fill="{colour}"/>'


def _path(bends: Sequence[Point], straight: Container[int]) -> str:
    """Curves between rows, straight through them; corners are round."""
    parts = [f"M{_pair(bends[0])}"]
    for k, (start, end) in enumerate(itertools.pairwise(bends)):
        if k in straight and k + 1 in straight and k + 2 < len(bends):
            parts.append(_corner(start, end, bends[k + 2]))
        elif k in straight or abs(start[0] - end[0]) < 0.5:
            parts.append(f"L{_pair(end)}")
        else:
            middle = (start[1] + end[1]) / 2
            parts.append(f"C{_pair((start[0], middle))} {_pair((end[0], middle))} {_pair(end)}")
    return "".join(parts)


def _corner(start: Point, corner: Point, end: Point) -> str:
    """Straight to a corner, and round it."""
    before, after = (_towards(corner, each, ROUND) for each in (start, end))
    return f"L{_pair(before)}Q{_pair(corner)} {_pair(after)}"


def _towards(start: Point, end: Point, far: float) -> Point:
    """The point so far from one point on the way to another, at most half the way."""
    distance = math.hypot(end[0] - start[0], end[1] - start[1])
    part = min(0.5, far / distance) if distance else 0.0
    return start[0] + part * (end[0] - start[0]), start[1] + part * (end[1] - start[1])


def _pair(point: Point) -> str:
    return f"{_n(point[0])} {_n(point[1])}"


def _box(box: Box, spot: Spot, style: Style, theme: Theme) -> str:
    fill, stroke = colours(box.kind, dark=theme.dark)
    kind = f"nw-mark-{box.mark}" if box.mark else ""
    stroke = theme.marks.get(box.mark, stroke)
    dashes = ' stroke-dasharray="4 2.5"' if box.mark == "removed" or (box.kind in DASHED and not box.mark) else ""
    thick = 0.8 if style.small else 2.4 if box.mark else 1.3
    x, y = spot.x - spot.width / 2, spot.y - spot.height / 2
    round_ = spot.height / 2 if box.kind in ("state", "input") else 2.0 if style.small else 5.0
    shape = (
        f'<rect class="nw-kind-{box.kind} {kind}" x="{_n(x)}" y="{_n(y)}" width="{_n(spot.width)}" '
        f'height="{_n(spot.height)}" rx="{_n(round_)}" fill="{fill}" stroke="{stroke}" stroke-width="{thick}"{dashes}/>'
    )
    told = _told(box)
    inner = "" if style.small else _inside(box, spot, theme)
    return f'<g class="nw-box" data-name="{_text(box.name)}">{told}{shape}{inner}</g>'


def _told(box: Box) -> str:
    """What is shown where a pointer rests."""
    facts = [": ".join(fact) for fact in box.facts]
    lines = [" ".join((box.mark, box.title or box.name)).strip(), *(facts or box.details)]
    return f"<title>{chr(10).join(map(_text, lines))}</title>"


def _inside(box: Box, spot: Spot, theme: Theme) -> str:
    room = spot.width - 16 - (14 if box.mark else 0)
    if spot.width <= 24:
        return _letters(box.title, spot.x, spot.y + 3.5, DETAIL, "nw-text", theme.text)
    y = spot.y - spot.height / 2 + 7 + TITLE - 2
    shift = 7.0 if box.mark else 0.0
    parts = [_letters(fitted(box.title, TITLE, room), spot.x + shift, y, TITLE, "nw-text", theme.text)]
    for each in box.details:
        y += DETAIL + 3
        parts.append(_letters(fitted(each, DETAIL, room), spot.x + shift, y, DETAIL, "nw-text", theme.text))
    if box.mark:
        x = spot.x - spot.width / 2 + 12
        colour = theme.marks[box.mark]
        badge = _letters(SIGNS[box.mark], x, spot.y + 5, TITLE + 3, f"nw-badge-{box.mark}", colour, bold=True)
        parts.append(badge)
    return "".join(parts)


def _foot(picture: Picture, width: float, top: float, theme: Theme) -> tuple[str, float]:
    """The legend of the kinds that there are, and the notes; with where they end."""
    kinds = [kind for kind in KINDS if kind != "input" and any(box.kind == kind for box in picture.boxes)]
    marks = [mark for mark in SIGNS if any(box.mark == mark for box in picture.boxes)]
    parts: list[str] = []
    x, y = MARGIN, top + 2.0
    for text, swatch in [*((KINDS[k], _swatch(k, theme)) for k in kinds), *((m, _badge(m, theme)) for m in marks)]:
        wide = 22 + width_of(text, DETAIL) + 14
        if x + wide > width and x > MARGIN:
            x, y = MARGIN, y + LEGEND
        parts.append(f'<g transform="translate({_n(x)} {_n(y)})">{swatch}')
        parts.append(_letters(text, 20, 4, DETAIL, "nw-faint", theme.faint, anchor="start") + "</g>")
        x += wide
    for line in [line for note in picture.notes for line in broken(note, DETAIL, width - 2 * MARGIN)]:
        y += LEGEND * 0.8
        parts.append(_letters(line, MARGIN, y + 4, DETAIL, "nw-faint", theme.faint, anchor="start"))
    return "".join(parts), y + LEGEND


def _swatch(kind: str, theme: Theme) -> str:
    fill, stroke = colours(kind, dark=theme.dark)
    dashes = ' stroke-dasharray="3 2"' if kind in DASHED else ""
    return (
        f'<rect class="nw-kind-{kind}" y="-5" width="14" height="10" rx="{5 if kind == "state" else 2}" '
        f'fill="{fill}" stroke="{stroke}"{dashes}/>'
    )


def _badge(mark: str, theme: Theme) -> str:
    return _letters(SIGNS[mark], 7, 4, TITLE, f"nw-badge-{mark}", theme.marks[mark], bold=True)


def _letters(
    text: str, x: float, y: float, size: float, kind: str, colour: str, *, bold: bool = False, anchor: str = "middle"
) -> str:
    weight = ' font-weight="600"' if bold else ""
    return (
        f'<text class="{kind}" x="{_n(x)}" y="{_n(y)}" font-size="{_n(size)}" fill="{colour}" '
        f'text-anchor="{anchor}"{weight}>{_text(text)}</text>'
    )


def _text(text: str) -> str:
    return escape(printable(text))


def _n(value: float) -> str:
    """A number in few letters."""
    return f"{value:.1f}".removesuffix(".0")

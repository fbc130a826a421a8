"""Drawings as files: well formed, the same every time, nothing in them from outside, readable by everybody."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import numpy as np
import pytest

from netwright.core.errors import UserError
from netwright.core.graph import Edge, Graph, Node
from netwright.drawings import draw_architecture, drawing
from netwright.drawings.kinds import KINDS, colours, kind_of, readable
from netwright.drawings.letters import fitted, width_of
from netwright.drawings.themes import THEMES
from netwright.spaces import Darts, NasBench201

SVG = "{http://www.w3.org/2000/svg}"


def cell(operation: str = "nor_conv_3x3") -> Graph:
    return Graph((Node("input"), Node("a", operation), Node("output")), (Edge("input", "a"), Edge("a", "output")))


def texts(svg: str) -> list[str]:
    return [each.text or "" for each in ElementTree.fromstring(svg).iter(f"{SVG}text")]


def test_a_cell_shows_its_operations_its_states_and_a_legend() -> None:
    space = NasBench201()
    text = "|nor_conv_3x3~0|+|none~0|skip_connect~1|+|avg_pool_3x3~0|none~1|nor_conv_1x1~2|"
    svg = draw_architecture(space, space.parse(text)).svg()
    assert {"conv 3×3", "conv 1×1", "skip", "avg pool 3×3", "none", "pooling"} <= set(texts(svg))


def test_cells_stand_beside_each_other_with_their_names() -> None:
    space = Darts(cells=3)
    drawn = draw_architecture(space, space.sample(np.random.default_rng(0)))
    assert [panel.title for panel in drawn.picture.panels] == ["normal cell", "reduce cell"]


@pytest.mark.parametrize("theme", ["auto", *THEMES])
def test_a_file_is_well_formed_the_same_each_time_and_asks_for_nothing(theme: str) -> None:
    svg = drawing(cell(), "a <cell> & more").svg(theme)
    root = ElementTree.fromstring(svg)
    assert root.find(f"{SVG}title").text == "a <cell> & more"  # type: ignore[union-attr]
    assert root.get("role") == "img" and root.find(f"{SVG}desc").text == "conv 3×3"  # type: ignore[union-attr]
    assert svg == drawing(cell(), "a <cell> & more").svg(theme)
    assert not re.search(r"<script|href|url\(|@import|\son\w+=", svg)
    assert ("prefers-color-scheme" in svg) == (theme == "auto")


def test_names_from_elsewhere_stay_text() -> None:
    svg = drawing(cell('</text><script>alert("x")</script>\x1b[31m\u202e')).svg()
    assert "<script" not in svg and "\x1b" not in svg and "\u202e" not in svg
    ElementTree.fromstring(svg)


def test_an_unknown_theme_says_the_nearest() -> None:
    with pytest.raises(UserError, match=r"'drak'.*'dark'"):
        drawing(cell()).svg("drak")


def test_long_names_are_cut_so_that_they_fit() -> None:
    drawn = drawing(cell("a_very_long_operation_of_somebody_with_a_name_that_goes_on"))
    (title,) = [each for each in texts(drawn.svg()) if each.startswith("a very")]
    assert title.endswith("…") and width_of(title, 12) <= drawn.panels[0].spots["a"].width - 16
    assert fitted("conv", 12, 100) == "conv"


def test_small_drawings_are_small_and_without_letters() -> None:
    drawn = drawing(cell(), small=True)
    assert texts(drawn.svg()) == [] and drawn.panels[0].width < 20 and len(drawn.svg("light")) < 2500


@pytest.mark.parametrize(
    ("operation", "kind"),
    [
        ("nor_conv_3x3", "convolution"),
        ("conv3x3-bn-relu", "convolution"),
        ("sep_conv_5x5", "separable"),
        ("mb6_k5", "separable"),
        ("dil_conv_3x3", "dilated"),
        ("maxpool3x3", "pooling"),
        ("skip_connect", "skip"),
        ("none", "none"),
        ("attention", "sequence"),
        ("tanh", "activation"),
        ("linear", "linear"),
        ("C(256,3,1)", "convolution"),
        ("concatenation", "joined"),
        ("", "state"),
        ("something of mine", "other"),
    ],
)
def test_the_kind_of_an_operation_is_told_by_its_name(operation: str, kind: str) -> None:
    assert kind_of(operation) == kind


def test_operations_are_read_as_people_write_them() -> None:
    assert readable("mbconv(kernel=7, expansion=6)") == ("mbconv", ("kernel 7, expansion 6",))
    assert readable("conv3x3-bn-relu") == ("conv 3×3", ("bn-relu",))
    assert readable("C(256,3,1)") == ("C(256,3,1)", ())


def luminance(colour: str) -> float:
    """Relative luminance (WCAG 2.2)."""
    parts = [int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5)]
    linear = [each / 12.92 if each <= 0.04045 else ((each + 0.055) / 1.055) ** 2.4 for each in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("name", ["light", "dark"])
def test_letters_stand_out_from_what_is_behind_them(name: str) -> None:
    """At least 4.5 to 1 (WCAG 2.2, 1.4.3)."""
    theme = THEMES[name]
    pairs = [(theme.text, colours(kind, dark=theme.dark)[0]) for kind in KINDS]
    pairs += [(theme.text, theme.ground), (theme.faint, theme.ground)]
    pairs += [(each, theme.ground) for each in theme.marks.values()]
    for letters, behind in pairs:
        lighter, darker = sorted((luminance(letters), luminance(behind)), reverse=True)
        assert (lighter + 0.05) / (darker + 0.05) >= 4.5, (letters, behind)

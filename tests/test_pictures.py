"""The pictures of the README: small, made here, and with nothing in them from elsewhere."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

ROOT = Path(__file__).parents[1]
PICTURES = sorted((ROOT / "docs" / "pictures").iterdir())
LARGEST = 120_000  # bytes


def test_the_readme_shows_the_terminal_the_page_a_drawing_and_a_front_near_its_top() -> None:
    shown = re.findall(
        r"!\[[^\]]+\]\(docs/pictures/([\w.-]+)\)", (ROOT / "README.md").read_text().partition("## From")[0]
    )
    assert {"terminal.svg", "page.png", "found-network.svg", "front.svg"} <= set(shown)


@pytest.mark.parametrize("path", PICTURES, ids=lambda path: path.name)
def test_a_picture_is_small_and_whole(path: Path) -> None:
    assert 2_000 < path.stat().st_size < LARGEST
    if path.suffix == ".svg":
        text = path.read_text()
        ElementTree.fromstring(text)
        addresses = set(re.findall(r"https?://[^\s\"']+", text))
        assert addresses <= {"http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink", "https://www.textualize.io"}
        assert "<script" not in text
    else:
        assert path.read_bytes().startswith(b"\x89PNG")

"""Links between files of the repository become links between pages; what is no page is named without a link."""

from __future__ import annotations

import os.path
import re

from site_pages.sources import page_of, source_of

_FENCED = re.compile(r"(^```.*?^```[^\n]*$)", flags=re.DOTALL | re.MULTILINE)
_LINK = re.compile(r"(!?)\[((?:[^\[\]]|\[[^\]]*\])*)\]\(([^)\s#:]+)(#[^)\s]*)?\)")
_ITEM = re.compile(r"^(?:[-*] |\d+\. )")


def linked(text: str, page: str) -> str:
    """The Markdown of a page with its links for the site, code left as it is.

    page: where it stands in the site.
    """
    parts = _FENCED.split(text)
    return "".join(_coloured(part) if part.startswith("```") else spaced(_in_prose(part, page)) for part in parts)


def _coloured(block: str) -> str:
    """Commands without a prompt as those of a shell, which a console's would be taken for what it printed."""
    typed = block.startswith("```console\n") and not re.search(r"^\$ ", block, flags=re.MULTILINE)
    return block.replace("```console", "```bash", 1) if typed else block


def _in_prose(text: str, page: str) -> str:
    here = os.path.dirname(source_of(page))
    return _LINK.sub(lambda found: _link(found, here, page), text)


def _link(found: re.Match[str], here: str, page: str) -> str:
    picture, words, target, anchor = found[1], found[2], found[3], found[4] or ""
    path = os.path.normpath(os.path.join(here, target)).replace(os.sep, "/")
    there = page_of(path)
    if there is None:
        return words if path in words else f"{words} (`{path}`)"
    away = os.path.relpath(there, os.path.dirname(page) or ".").replace(os.sep, "/")
    return f"{picture}[{words}]({away}{anchor})"


def spaced(text: str) -> str:
    """With an empty line before each list, without which Python-Markdown reads it as part of the paragraph."""
    lines: list[str] = []
    for line in text.split("\n"):
        before = lines[-1] if lines else ""
        if _ITEM.match(line) and before.strip() and not _ITEM.match(before) and not before.startswith(" "):
            lines.append("")
        lines.append(_deeper(line))
    return "\n".join(lines)


def _deeper(line: str) -> str:
    """What belongs to an item stands four blanks in, where two or three are enough elsewhere."""
    blanks = len(line) - len(line.lstrip(" "))
    return " " * 4 * ((blanks + 1) // 2 if blanks < 4 else blanks // 2) + line.lstrip(" ") if 1 < blanks < 8 else line

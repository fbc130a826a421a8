"""The JavaScript that shows figures in a page: Vega, Vega-Lite and Vega-Embed in one text, nothing from elsewhere.

Specifications are run by Vega's expression interpreter, so that a page needs no `unsafe-eval`; texts of tooltips are
texts, never HTML; nothing is loaded from an address.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import subprocess
import sys
from functools import cache
from importlib.metadata import version
from pathlib import Path

from netwright.core.errors import MissingExtra, UserError
from netwright.core.inside import open_inside

SNIPPETS = tuple(Path(__file__).with_name(name) for name in ("brush.js", "embed.js"))
LEAST = 500_000  # characters; less is no bundle


@cache
def javascript() -> str:
    """One script, about 900 kB: `netwrightCharts.show(element, specification)`, and it shows what is in the page.

    In the page: `<div data-chart><script type="application/json">specification</script></div>`.

    Raises MissingExtra without vl-convert. Making it takes some ten seconds, once for each version of vl-convert: it is
    kept in the user's cache folder (`XDG_CACHE_HOME`, by default ~/.cache).
    """
    try:
        import vl_convert
    except ImportError:
        raise MissingExtra("vl-convert-python", "dashboard") from None
    snippet = own_script()
    place = _place(f"{version('vl-convert-python')} {snippet}")
    found = _kept(place)
    if len(found) < LEAST:
        found = _made_apart(snippet) or vl_convert.javascript_bundle(snippet)
        _keep(place, found)
    return found


def own_script() -> str:
    """What of the script is netwright's own."""
    return "\n".join(each.read_text(encoding="utf-8") for each in SNIPPETS)


def _made_apart(snippet: str) -> str:
    """The script, made by a process of its own: the library holds the interpreter meanwhile. Empty where it failed."""
    words = "import sys, vl_convert; print(vl_convert.javascript_bundle(sys.stdin.read()), end='')"
    with contextlib.suppress(OSError, UnicodeError, subprocess.SubprocessError):
        made = subprocess.run(  # noqa: S603 - this very interpreter
            [sys.executable, "-P", "-X", "utf8", "-c", words],
            input=snippet,
            capture_output=True,
            encoding="utf-8",
            check=True,
        )
        return made.stdout if len(made.stdout) >= LEAST else ""
    return ""


def _place(made_of: str) -> Path:
    home = os.environ.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser()
    return Path(home) / "netwright" / f"charts-{hashlib.sha256(made_of.encode()).hexdigest()[:20]}.js"


def _kept(place: Path) -> str:
    """What was kept there by this user and can be written by nobody else; empty for nothing."""
    try:
        with os.fdopen(open_inside(place, os.O_RDONLY), "rb") as file:
            found = os.fstat(file.fileno())
            own = found.st_uid == os.getuid() and not found.st_mode & 0o022
            return file.read().decode() if own else ""
    except (OSError, UserError, UnicodeDecodeError):
        return ""


def _keep(place: Path, text: str) -> None:
    """Keep it, whole or not at all; a folder that cannot be written to is no reason to fail."""
    unfinished = place.with_suffix(f".{os.getpid()}")
    with contextlib.suppress(OSError, UserError):
        place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with os.fdopen(open_inside(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), "wb") as file:
            file.write(text.encode())
        os.replace(unfinished, place)

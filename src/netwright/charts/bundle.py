"""The JavaScript that shows figures in a page: Vega, Vega-Lite and Vega-Embed in one text, nothing from elsewhere.

Specifications are run by Vega's expression interpreter, so that a page needs no `unsafe-eval`; texts of tooltips are
texts, never HTML; nothing is loaded from an address.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

from netwright.core.errors import MissingExtra

SNIPPET = Path(__file__).with_name("embed.js")


@cache
def javascript() -> str:
    """One script, about 900 kB: `netwrightCharts.show(element, specification)`, and it shows what is in the page.

    In the page: `<div data-chart><script type="application/json">specification</script></div>`.

    Raises MissingExtra without vl-convert. Making it takes some seconds, once a process.
    """
    try:
        import vl_convert
    except ImportError:
        raise MissingExtra("vl-convert-python", "dashboard") from None
    return vl_convert.javascript_bundle(SNIPPET.read_text())

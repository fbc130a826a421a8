"""A written page in a real browser, under its own content security policy: drawn, pointed at, and nothing else runs."""

from __future__ import annotations

import importlib.util
import shutil
from pathlib import Path

import pytest
from run_parts import Given, read, write

from netwright.charts import Figure, find, page

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium here"),
    pytest.mark.skipif(importlib.util.find_spec("playwright") is None, reason="playwright is not installed"),
]
HOSTILE = "<script>window.hacked = 1</script><img src=x onerror='window.hacked = 2'>"


def bars() -> Figure:
    rows = [{"who": HOSTILE, "value": 1.0}, {"who": "b", "value": 2.0}]
    encoding = {
        "x": {"field": "value", "type": "quantitative"},
        "y": {"field": "who", "type": "nominal"},
        "tooltip": {"field": "who", "type": "nominal"},
    }
    return Figure(
        "bars",
        HOSTILE,
        "Which?",
        HOSTILE,
        {"rows": rows},
        {},
        {"mark": "bar", "data": {"name": "rows"}, "encoding": encoding},
    )


def test_a_page_is_drawn_and_what_is_hostile_is_text(tmp_path: Path) -> None:
    from playwright.sync_api import sync_playwright

    trials = [Given(0.5, 100), Given(0.75, 300), Given(0.7, 200), Given(0.6, 400)]
    file = tmp_path / "page.html"
    file.write_text(page([find("front").figure(read(write(tmp_path / "runs", trials)), "dark"), bars()]))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        tab = browser.new_page()
        problems: list[str] = []
        tab.on("pageerror", lambda error: problems.append(str(error)))
        tab.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
        tab.on("request", lambda request: problems.append(request.url) if request.url != file.as_uri() else None)
        tab.goto(file.as_uri())
        tab.wait_for_function("document.querySelectorAll('.chart-drawing svg').length === 2")
        tab.locator(".chart-drawing").nth(1).locator("path[aria-roledescription='bar']").first.hover()
        tab.wait_for_selector(".chart-tooltip:not([hidden])")
        assert HOSTILE in tab.locator(".chart-tooltip").inner_text()
        assert tab.evaluate("window.hacked") is None
        browser.close()
    assert problems == []

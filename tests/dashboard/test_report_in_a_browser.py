"""A report in headless Chromium, without a network: nothing is refused, charts are drawn, it may be narrow."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from page_parts import RUN, filled

from netwright.charts import RunData
from netwright.dashboard.report import report_of
from netwright.store import Store

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """The opened report; `page.told` is what the console said."""
    if CHROMIUM is None:
        pytest.skip("there is no Chromium on this machine")
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    folder: Path = tmp_path_factory.mktemp("opened")
    with Store.open_readonly(filled(folder)) as store:
        (folder / "report.html").write_text(report_of(RunData.read(store, RUN)), encoding="utf-8")
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        opened = browser.new_context(offline=True, viewport={"width": 1200, "height": 800}).new_page()
        opened.told = []
        opened.on("console", lambda message: opened.told.append(message.text) if message.type == "error" else None)
        opened.on("pageerror", lambda problem: opened.told.append(str(problem)))
        opened.goto((folder / "report.html").as_uri())
        opened.wait_for_selector(".chart-drawing svg")
        yield opened
        browser.close()


def eventually(page: Any, expression: str) -> bool:
    """Whether it becomes true within ten seconds; the page's policy lets Playwright's own waiting evaluate nothing."""
    for _ in range(100):
        if page.evaluate(expression):
            return True
        page.wait_for_timeout(100)
    return False


def test_charts_are_drawn_and_nothing_is_refused(page: Any) -> None:
    for each in page.locator(".chart").all():
        each.scroll_into_view_if_needed()
    assert eventually(
        page, "document.querySelectorAll('.chart-drawing').length === document.querySelectorAll('.chart').length"
    )
    assert page.told == [] and page.title() != "broken"


def test_the_data_of_a_chart_become_a_table_and_csv(page: Any) -> None:
    chart = page.locator("#chart-best")
    chart.locator("summary").click()
    assert chart.locator("th").first.inner_text() == "trial" and chart.locator("tbody tr").count() == 12
    with page.expect_download() as kept:
        chart.locator(".as-csv").click()
    lines = Path(kept.value.path()).read_text().splitlines()
    assert len(lines) == 13 and lines[0].startswith("trial,")


def test_a_button_changes_the_colours_of_page_and_charts(page: Any) -> None:
    colour = "getComputedStyle(document.querySelector('html')).backgroundColor"
    before, ink = page.evaluate(colour), page.locator("#chart-front text").first.get_attribute("fill")
    page.locator("#theme").click()
    assert eventually(page, f"document.querySelector('#chart-front text')?.getAttribute('fill') !== '{ink}'")
    assert page.evaluate(colour) != before


def test_a_narrow_window_needs_no_scrolling_sideways(page: Any) -> None:
    page.set_viewport_size({"width": 380, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") <= 0

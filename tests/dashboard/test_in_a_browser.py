"""The pages in a real browser: every page drawn without an error, filters, brushes, news, colours, narrow windows."""

from __future__ import annotations

import importlib.util
import shutil
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from page_parts import NAME, RUN, filled, record

from netwright.dashboard.application import make_application
from netwright.dashboard.rules import Rules
from netwright.store import Store

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium here"),
    pytest.mark.skipif(importlib.util.find_spec("playwright") is None, reason="playwright is not installed"),
]
TABS = ("Overview", "Trials", "Front", "Charts", "Strategy", "Resources", "Export")


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return filled(tmp_path_factory.mktemp("browser") / "runs")


@pytest.fixture(scope="module")
def address(directory: Path) -> Iterator[str]:
    """Where a real server answers."""
    import uvicorn

    place = socket.create_server(("127.0.0.1", 0))
    port = place.getsockname()[1]
    application: Any = make_application(directory, Rules(control=True, port=port))
    server = uvicorn.Server(uvicorn.Config(application, log_level="error", access_log=False, ws="none"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [place]}, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.02)
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join(10)
    place.close()


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def page(chromium: Any) -> Iterator[Any]:
    """A page that fails the test for every error and every refusal that the browser tells of."""
    made, problems = chromium.new_page(viewport={"width": 1280, "height": 900}), list[str]()
    made.on("pageerror", lambda error: problems.append(str(error)))
    made.on("console", lambda told: problems.append(told.text) if told.type == "error" else None)
    yield made
    made.close()
    assert not problems


def test_every_tab_is_reached_by_clicks_and_runs_no_markup(page: Any, address: str) -> None:
    page.goto(address)
    page.get_by_role("link", name=RUN, exact=True).click()
    for words in TABS:
        page.get_by_role("navigation", name="About this run").get_by_role("link", name=words, exact=True).click()
        assert page.locator(".tabs [aria-current]").inner_text() == words
        assert "broken" not in page.title()
    page.goto(f"{address}/runs/{RUN}/trials/5")
    assert "<script>" in page.locator(".problem").inner_text() and page.title().startswith("Trial 5")


def test_a_filter_is_in_the_address_and_back_takes_it_away(page: Any, address: str) -> None:
    page.goto(f"{address}/runs/{RUN}/trials")
    page.get_by_label("Limits").fill("params <= 3k, val_accuracy >= 0.501")
    page.keyboard.press("Enter")
    page.wait_for_url("**where=params*")
    assert page.locator("tbody tr").count() == 2
    page.go_back()
    assert page.locator("tbody tr").count() == 24
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.id") == "search"


def test_a_brush_leaves_some_and_proposes_one(page: Any, address: str) -> None:
    page.goto(f"{address}/runs/{RUN}/front")
    assert page.locator("#remain").inner_text() == "12 remain"
    strip = page.locator(".range svg").nth(1).bounding_box()
    page.mouse.move(strip["x"] + 1, strip["y"] + 10)
    page.mouse.down()
    page.mouse.move(strip["x"] + strip["width"] * 0.4, strip["y"] + 10, steps=4)
    page.mouse.up()
    remaining = page.locator("#remaining tbody tr").count()
    assert 1 < remaining < 12 and "at=params" in page.url
    assert "--trial" in page.locator("#command").inner_text() and "take" in page.locator("#advice").inner_text()
    page.reload()
    assert page.locator("#remaining tbody tr").count() == remaining


def test_a_range_is_typed_as_people_write_it(page: Any, address: str) -> None:
    page.goto(f"{address}/runs/{RUN}/front")
    most, least = page.get_by_label("params, to"), page.get_by_label("val accuracy, from")
    every = page.locator("#remaining tbody tr").count()
    most.fill("3k")
    most.press("Tab")
    few = page.locator("#remaining tbody tr").count()
    assert 0 < few < every and "at=params" in page.url and most.input_value() == "3k"
    least.fill("many")
    least.press("Enter")
    assert least.get_attribute("aria-invalid") == "true" and page.locator("#remaining tbody tr").count() == few
    least.fill("99.9 %")
    least.press("Enter")
    assert page.locator("#remaining tbody tr").count() == 0 and least.get_attribute("aria-invalid") is None
    for each in (least, most):
        each.fill("")
        each.press("Enter")
    assert page.locator("#remaining tbody tr").count() == every and "at=" not in page.url


def test_a_page_follows_a_search_while_it_writes(page: Any, address: str, directory: Path) -> None:
    page.goto(f"{address}/runs/{RUN}/trials?size=1000")
    before = page.locator("tbody tr").count()
    with Store(directory) as store:
        writer = store.writer(RUN, lambda: 43.0)
        writer.add(record(before))
        writer.wait()
        writer.close()
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    page.locator("tbody tr").nth(before).wait_for(timeout=20_000)


def test_a_page_says_at_once_that_a_search_was_killed(page: Any, address: str, directory: Path) -> None:
    """Nothing is written by a process that is gone."""
    with Store(directory) as store:
        store.set_state(RUN, "running")
        page.goto(f"{address}/runs/{RUN}")
        page.locator('#pulse[data-is="live"]').wait_for()
        assert "running" in page.locator("#state").inner_text()
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    page.locator("#state", has_text="interrupted").wait_for(timeout=5_000)


def test_runs_that_are_marked_in_the_list_are_compared(page: Any, address: str, directory: Path) -> None:
    filled(directory, 6, "second")
    page.goto(address)
    for name in (RUN, "second"):
        page.get_by_label(f"Compare {name}", exact=True).check()
    page.get_by_role("button", name="Compare the marked runs").click()
    page.wait_for_url("**/compare?run=*&run=*")
    assert set(page.locator(".side thead a").all_inner_texts()) == {RUN, "second"}


def test_a_report_is_waited_for_and_comes_as_a_file(page: Any, address: str) -> None:
    page.goto(f"{address}/runs/{RUN}/export")
    with page.expect_download(timeout=60_000) as file:
        page.get_by_role("link", name="Download the report").click()
        page.get_by_text("being made").wait_for()
    assert file.value.suggested_filename == f"{RUN}-report.html"
    page.get_by_text("The report is there").wait_for()


def test_notes_are_kept_by_the_page(page: Any, address: str) -> None:
    page.goto(f"{address}/runs/{RUN}")
    page.get_by_label("Note").fill("look again")
    page.get_by_role("button", name="Keep").click()
    page.get_by_text("kept", exact=True).wait_for()
    page.reload()
    assert page.get_by_label("Note").input_value() == "look again"


@pytest.mark.slow  # the charts' library is made once a machine, which takes ten seconds
def test_charts_are_drawn_in_the_pages_colours(page: Any, address: str) -> None:
    from playwright.sync_api import expect

    page.goto(f"{address}/runs/{RUN}/front")
    page.locator("#figure-front").scroll_into_view_if_needed()
    page.locator("#figure-front .chart-drawing svg").wait_for(timeout=120_000)
    assert page.locator("#figure-front .chart-drawing svg path").count() > 10
    words = page.locator("#figure-front .chart-drawing text").first
    light = words.get_attribute("fill")
    for _ in range(2):
        page.locator("#theme").click()
    expect(words).not_to_have_attribute("fill", light)
    assert page.evaluate("getComputedStyle(document.body.parentElement).backgroundColor") == "rgb(13, 16, 20)"


@pytest.mark.slow  # as above
def test_a_brush_on_an_axis_of_the_chart_chooses(page: Any, address: str) -> None:
    page.goto(f"{address}/runs/{RUN}/front")
    chart = page.locator("#figure-parallel")
    chart.scroll_into_view_if_needed()
    picture = chart.locator(".chart-drawing :is(svg, canvas)")
    picture.wait_for(timeout=120_000)
    before = int(page.locator("#remaining tbody tr").count())
    box, cursor = picture.bounding_box(), "document.querySelector('#figure-parallel .chart-drawing').style.cursor"
    x = int(box["x"])
    while page.evaluate(cursor) != "ns-resize":  # the first axis
        x += 4
        page.mouse.move(x, box["y"] + 0.5 * box["height"])
    x, y = x + 8, box["y"] + 0.4 * box["height"]
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x, y + 0.2 * box["height"], steps=5)
    page.mouse.up()
    left = int(page.locator("#remaining tbody tr").count())
    assert 0 < left < before and "at=val_accuracy" in page.url
    assert chart.locator(".chart-brushed").inner_text().startswith(f"{left} of ")
    page.mouse.dblclick(x, y + 10)
    assert page.locator("#remaining tbody tr").count() == before and "at=" not in page.url


@pytest.mark.parametrize("end", ["", "/trials", "/trials/3", "/front", "/resources", "/export"])
def test_a_narrow_window_needs_no_scrolling_sideways(page: Any, address: str, end: str) -> None:
    page.set_viewport_size({"width": 380, "height": 800})
    page.goto(f"{address}/runs/{RUN}{end}")
    assert page.evaluate("document.documentElement.scrollWidth") <= 380


@pytest.mark.slow  # as above
def test_wide_charts_of_a_comparison_scroll_within_a_narrow_window(page: Any, address: str, directory: Path) -> None:
    filled(directory, 6, "third")
    page.set_viewport_size({"width": 380, "height": 800})
    page.goto(f"{address}/compare?run={RUN}&run=third")
    page.locator("#figure-runs").scroll_into_view_if_needed()
    page.locator("#figure-runs .chart-drawing :is(svg, canvas)").wait_for(timeout=120_000)
    assert page.evaluate("document.documentElement.scrollWidth") <= 380


def test_a_runs_name_that_is_markup_is_text(page: Any, address: str, directory: Path) -> None:
    filled(directory, 3, NAME)
    page.goto(address)
    page.get_by_role("link", name=NAME, exact=True).click()
    assert page.locator("h1").inner_text() == NAME and NAME in page.title()

"""A page of charts runs its own script and nothing else, and a user's own chart brings its data."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from run_parts import Given, read, write

from netwright.charts import Figure, RunData, find, own_chart, page
from netwright.charts.page import embedded, source
from netwright.core.errors import UserError

HOSTILE = "</script><script>alert(1)</script>"


def own(data: RunData, size: int = 20) -> dict:
    """Are they alike?"""
    rows = [{"trial": int(each), "size": size} for each in data.numbers]
    return {"mark": "point", "data": {"values": rows}, "encoding": {"x": {"field": "trial", "type": "quantitative"}}}


def test_a_page_allows_its_script_and_style_alone(tmp_path: Path) -> None:
    text = page([find("front").figure(read(write(tmp_path, [Given(0.5), Given(0.7, 2000)])))])
    scripts = re.findall(r"<script>(.*?)</script>", text, re.DOTALL)
    styles = re.findall(r"<style>(.*?)</style>", text, re.DOTALL)
    assert len(scripts) == len(styles) == 1
    policy = re.findall(r'Content-Security-Policy" content="([^"]+)"', text)[0]
    assert source(scripts[0]) in policy and source(styles[0]) in policy and "unsafe" not in policy
    assert "default-src 'none'" in policy and not re.search(r'(src|href)="?http', text)


def test_data_cannot_end_its_element() -> None:
    figure = Figure("x", HOSTILE, HOSTILE, HOSTILE, tables={HOSTILE: [{HOSTILE: HOSTILE}]}, template={"mark": "point"})
    assert embedded(figure).count("<") == 2
    text = page([figure])
    assert "<script>alert" not in text and text.count("</script>") == 2


def test_a_chart_of_ones_own(tmp_path: Path) -> None:
    data = read(write(tmp_path, [Given(0.5), Given(0.7)]))
    chart = own_chart(own)
    assert (chart.name, chart.question, chart.settings) == ("own", "Are they alike?", {"size": 20})
    figure = chart.figure(data, size="7")
    assert figure.columns == ("trial", "size") and figure.rows == [(0, 7), (1, 7)]
    assert figure.svg().startswith("<svg")


def test_an_own_chart_brings_its_data_and_is_a_chart(tmp_path: Path) -> None:
    data = read(write(tmp_path, [Given(0.5)]))
    with pytest.raises(UserError, match="its data from"):
        own_chart(lambda _: {"mark": "point", "data": {"url": "https://example.org/a.csv"}}, "far").figure(data)
    with pytest.raises(UserError, match="gave 3; expected an Altair chart"):
        own_chart(lambda _: 3, "three").figure(data)

"""The page of a comparison: of methods from its table, of strategies from its searches, new whenever these are."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from page_parts import RUN, SCRIPT, client, filled

import netwright as nw
from netwright.cli import serve as serving

SPACE = nw.spaces.NasBench201()
CELLS = list(SPACE.enumerate())[:60]


def table(folder: Path, mean: str, at: float) -> None:
    """The table as `netwright compare --methods` writes it."""
    told = {
        "title": f"digits: 10m for each search {SCRIPT}",
        "cells": [["approach", "method", "test accuracy"], ["one-shot", "darts", mean]],
        "sentences": ["no method is told apart from random search in the same space"],
        "runs": [RUN, "not-there"],
    }
    (folder / "table.json").write_text(json.dumps(told))
    os.utime(folder / "table.json", (at, at))


def test_methods_are_shown_by_their_table_with_links_to_their_runs(tmp_path: Path) -> None:
    filled(tmp_path / "runs", 4)
    with client(tmp_path / "runs") as browser:
        assert browser.get("/comparison").status_code == 404 and "/comparison" not in browser.get("/").text
        (tmp_path / "methods.json").write_text("{}")
        assert "No search has ended yet" in browser.get("/comparison").text
        table(tmp_path, "91.00 %", 1e9)
        page = browser.get("/comparison").text
        assert "91.00 %" in page and "<script>document" not in page and f'href="/runs/{RUN}"' in page
        assert "not-there" not in page and 'href="/comparison"' in browser.get("/").text
        before = browser.get("/api/comparison").json()
        assert before["rows"] == [["one-shot", "darts", "91.00 %"]]
        assert not browser.get(f"/api/comparison/live?after={before['sequence']}").json()["changed"]
        table(tmp_path, "95.00 %", 1e9 + 60)
        assert browser.get(f"/api/comparison/live?after={before['sequence']}").json()["changed"]
        assert "95.00 %" in browser.get("/comparison").text
        (tmp_path / "table.json").write_text('{"cells": 3}')
        assert "The table cannot be read" in browser.get("/comparison").text
        (tmp_path / "table.json").unlink()
        (tmp_path / "table.json").symlink_to("/etc/passwd")
        assert "root:" not in browser.get("/comparison").text


def test_strategies_are_shown_by_their_report_and_its_charts(tmp_path: Path) -> None:
    known = nw.estimators.Table(SPACE, {"arch": CELLS, "valid": [50 + k / 10 for k in range(60)]})
    problem = nw.benchmarks.BenchmarkProblem(known, metric="valid")
    nw.benchmarks.compare(["random", "local"], problem, evaluations=5, repeats=3, folder=tmp_path, processes=1)
    with client(tmp_path) as browser:
        page = browser.get("/comparison").text
        assert "random" in page and "local" in page and 'src="/comparison/charts/0.svg' in page
        chart = browser.get("/comparison/charts/0.svg")
        assert chart.headers["content-type"] == "image/svg+xml" and chart.text.startswith("<svg")
        assert browser.get("/comparison/charts/99.svg").status_code == 404
        assert browser.get("/comparison/charts/-1.svg").status_code == 404


def test_the_folder_of_a_comparison_is_served_as_its_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    served: list[Path] = []
    monkeypatch.setattr("netwright.dashboard.serving.serve", lambda directory, *_, **__: served.append(directory))
    told = (None, None, "", ())
    (tmp_path / "methods.json").write_text("{}")
    serving.serve_pages(tmp_path, *told, control=False, open_browser=False, quiet=True)  # type: ignore[arg-type]
    assert served == [tmp_path / "runs"]

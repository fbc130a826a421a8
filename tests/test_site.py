"""The documentation's site: what its pages are made of, and how links between files become links between pages."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from netwright.catalogue.papers import papers
from netwright.charts import Figure
from reference_pages import taxonomy
from site_pages import assets, examples, gallery, interfaces
from site_pages.gallery_run import Shown
from site_pages.links import linked
from site_pages.navigation import completed, pages
from site_pages.sources import BESIDE, ROOT, page_of, source_of

SETTINGS = (ROOT / "mkdocs.yml").read_text()


def test_links_between_files_become_links_between_pages() -> None:
    assert linked("see [here](../README.md#install)", "evolution.md") == "see [here](readme.md#install)"
    assert linked("[a](../../README.md)", "reference/python.md") == "[a](../readme.md)"
    assert linked("[d](docs/devices.md#size)", "readme.md") == "[d](devices.md#size)"
    assert linked("[e](../examples/own_space.py)", "masks.md") == "[e](examples/own_space.md)"
    assert linked("[d](docs/decisions)", "readme.md") == "[d](decisions/README.md)"
    assert linked("![p](docs/pictures/a.svg)", "readme.md") == "![p](pictures/a.svg)"


def test_what_is_no_page_is_named_without_a_link() -> None:
    assert linked("[cite](CITATION.cff)", "readme.md") == "cite (`CITATION.cff`)"
    assert linked("[`tools/oldest.sh`](tools/oldest.sh)", "readme.md") == "`tools/oldest.sh`"


def test_addresses_anchors_and_code_stay_as_they_are() -> None:
    for text in ("[a](https://example.org/x)", "[b](#below)", "```\n[c](../README.md)\n- d\n```\n"):
        assert linked(text, "evolution.md") == text


def test_commands_without_a_prompt_are_no_output() -> None:
    assert linked("```console\nnetwright runs\n```\n", "a.md") == "```bash\nnetwright runs\n```\n"
    assert linked("```console\n$ ls\na\n```\n", "a.md") == "```console\n$ ls\na\n```\n"


def test_a_list_is_told_from_the_paragraph_before_it() -> None:
    assert linked("text\n- one\n- two", "evolution.md") == "text\n\n- one\n- two"
    assert linked("- one\n  more\n- two", "evolution.md") == "- one\n    more\n- two"


@pytest.mark.parametrize("page", BESIDE.values())
def test_a_page_knows_its_file(page: str) -> None:
    assert page_of(source_of(page)) == page and (ROOT / source_of(page)).is_file()


def test_a_page_that_the_navigation_forgets_is_added_and_others_are_not(tmp_path: Path) -> None:
    for name in ("a.md", "new.md", "decisions/0001-x.md"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("# x")
    navigation = completed([{"Home": "a.md"}, {"Guides": []}], str(tmp_path))
    assert list(pages(navigation)) == ["a.md", "new.md"]


def test_what_the_settings_name_is_there() -> None:
    made = {*BESIDE.values(), "examples/README.md", "gallery.md", "interfaces.md"}
    named = re.findall(r"([\w/-]+\.md)$", SETTINGS, flags=re.MULTILINE)
    assert len(named) > 60 and not [each for each in named if each not in made and not (ROOT / "docs" / each).is_file()]
    assert {"assets/site.css", "assets/iframe-worker.js"} <= set(assets.files())
    assert not re.search(r"https?://", SETTINGS), "nothing comes from elsewhere"


def test_every_example_has_a_page_with_its_code() -> None:
    found = examples.pages()
    assert len(found) == len(list((ROOT / "examples").glob("*.py"))) > 15
    assert "import netwright as nw" in found["examples/own_space.md"]
    assert all(f"({name.rpartition('/')[2].removesuffix('.md')}.py)" in examples.index() for name in found)


def test_every_paper_stands_on_the_map_once() -> None:
    lines = taxonomy.map_page().splitlines()
    rows = [line for line in lines if re.search(r"netwright \w+|not yet: lacks", line) and line.startswith("| ")]
    assert len(rows) == len(papers())
    found = {each.key: each for each in papers()}
    assert (
        taxonomy.strategy_of(found["darts"]) == "gradient" and taxonomy.estimate_of(found["darts"]) == "shared weights"
    )
    assert taxonomy.strategy_of(found["regularized_evolution"]) == "evolution"
    assert taxonomy.estimate_of(found["smash"]) == "made weights" and taxonomy.space_of(found["darts"]) == "cells"
    blocks = {block for each in papers() for block in each.blocks}
    groups = (*taxonomy.SPACES.values(), *taxonomy.STRATEGIES.values(), *taxonomy.ESTIMATORS.values())
    assert {block for group in groups for block in group} <= blocks


def test_interfaces_are_shown_where_they_are_defined() -> None:
    assert "netwright.core.space.Space" in interfaces.groups()["Spaces"]
    assert any(each.endswith(".check_strategy") for each in interfaces.groups()["Contract tests"])
    assert "::: netwright.engine.search.Search" in interfaces.page()


def test_the_gallery_shows_every_chart_and_the_report() -> None:
    figure = Figure("best", "Best so far", "Is it paying?", "n = 3", empty="nothing to draw")
    run = Shown("netwright search digits", "<!doctype html>", {"best": figure})
    page, files = gallery.page(run), gallery.files(run)
    assert "netwright search digits" in page and "Is it paying? n = 3" in page
    assert set(files) == {"gallery/report.html", "gallery/best.svg", "gallery/best-dark.svg"}
    assert all(f"({each}" in page for each in files)


@pytest.mark.slow
def test_the_site_is_built_without_a_warning_and_asks_for_nothing_from_elsewhere(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "mkdocs", "build", "--quiet", "--site-dir", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, env=_environment())
    assert done.returncode == 0, done.stderr[-2000:]
    wanted = r'(?:src|href)="(https?://[^"]+)"[^>]*(?:rel="stylesheet"|></script)'
    for page in ("index.html", "reference/map.html", "interfaces.html"):
        assert not re.findall(wanted, (tmp_path / page).read_text())


def _environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": f"{ROOT / 'src'}:{ROOT / 'tools'}", "NO_MKDOCS_2_WARNING": "1"}

"""The pages show what the store holds, as text whatever it is, and say so where there is nothing."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from urllib.parse import quote

import pytest
from page_parts import NAME, RUN, SCRIPT, client, filled
from starlette.testclient import TestClient

from netwright.store import Store


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    directory = filled(tmp_path_factory.mktemp("pages") / "runs")
    filled(directory, 3, NAME)
    with client(directory) as made:
        yield made


def numbers(page: str) -> list[int]:
    """The trials of a table, in order."""
    return [int(each) for each in re.findall(r'<th scope="row" class="number"><a href="[^"]*">(\d+)</a>', page)]


@pytest.mark.parametrize("run", [RUN, NAME])
@pytest.mark.parametrize("end", ["", "/trials"])
def test_names_and_reasons_are_text_and_steer_nothing(browser: TestClient, run: str, end: str) -> None:
    page = browser.get(f"/runs/{quote(run, safe='')}{end}")
    assert page.status_code == 200
    assert "<script>document" not in page.text and "\x1b" not in page.text and "\x07" not in page.text
    assert SCRIPT[:-9] in unescape(page.text)


def test_the_list_of_runs_says_what_each_has_found(browser: TestClient) -> None:
    page = unescape(browser.get("/").text)
    assert page.index(NAME) < page.index(f">{RUN}<")  # the latest first
    assert "52.30 %" in page  # trial 23 is the best


def test_the_overview_has_the_five_facts(browser: TestClient) -> None:
    page = unescape(browser.get(f"/runs/{RUN}").text)
    facts = page[page.index('id="facts"') : page.index('id="report"')]
    for said in ("21<span", "of 100", "12 completed", "52.30 %", "trial 23", "42 s", "timeout", "trial 22"):
        assert said in facts, said
    assert facts.index("12<") < facts.index("Time")  # the front


def test_the_table_is_filtered_sorted_and_searched_by_its_address(browser: TestClient) -> None:
    def shown(query: str) -> list[int]:
        return numbers(browser.get(f"/runs/{RUN}/trials?{query}").text)

    assert shown("state=error") == [5, 13, 21]
    assert shown("where=params+%3C%3D+3k") == [0, 1, 2]
    assert shown("where=params+%3C%3D+3k&where=val_accuracy+%3E%3D+0.502") == [2]
    assert shown("sort=val_accuracy&descending=true&size=3") == [23, 18, 17]
    assert shown("sort=val_accuracy&size=3") == [0, 1, 2]  # what was not measured comes last
    assert shown("size=10&page=3") == [20, 21, 22, 23]
    assert shown("search=TIMEOUT") == [6, 14, 22]
    assert shown("sort=choice:b&size=8&column=number&column=choice:b") == [0, 3, 6, 9, 12, 15, 18, 21]


def test_what_is_not_understood_is_named_with_the_nearest(browser: TestClient) -> None:
    page = unescape(browser.get(f"/runs/{RUN}/trials?where=parms+%3C%3D+3k&sort=numbr&state=failed").text)
    assert "'parms' was not measured" in page and "'params'" in page
    assert "no column 'numbr'" in page and "'failed'" in page
    assert browser.get(f"/api/runs/{RUN}/trials?where=parms").status_code == 422
    assert browser.get(f"/runs/{RUN}/trials?page=0").status_code == 422


def test_the_csv_file_holds_all_that_match_and_no_formulas(browser: TestClient) -> None:
    columns = "column=number&column=reason&column=val_loss&column=choice:a"
    answer = browser.get(f"/runs/{RUN}/trials.csv?{columns}&size=1")
    rows = list(csv.reader(io.StringIO(answer.text)))
    assert rows[0] == ["number", "reason", "val_loss", "choice:a"] and len(rows) == 25
    assert rows[2][2] == "" and rows[1][2] == "0.5"
    from netwright.dashboard.trials_page import safe

    assert [safe(each) for each in ("=1+1", "+a", "-a", "@a", "a", -1.5, 2.0, None)] == [
        *("'=1+1", "'+a", "'-a", "'@a", "a", -1.5, 2, ""),
    ]


def test_json_names_what_is_not_finite(browser: TestClient) -> None:
    found = browser.get(f"/api/runs/{RUN}/trials?column=number&column=val_loss&size=2").json()["trials"]
    assert found == [{"number": 0, "val_loss": 0.5}, {"number": 1, "val_loss": None}]
    told = browser.get(f"/api/runs/{RUN}").json()
    assert told["facts"]["best"] == 23 and told["facts"]["front"][0] == 23 and told["facts"]["failed"] == 9
    assert told["metrics_of_best"]["params"] == 24000.0


def test_the_sequence_grows_with_what_is_written(tmp_path: Path) -> None:
    directory = filled(tmp_path / "runs", 2)
    with client(directory) as browser:
        before = browser.get(f"/api/runs/{RUN}/live").json()["sequence"]
        assert browser.get(f"/api/runs/{RUN}/live?after={before}").json()["changed"] is False
        with Store(directory) as store:
            store.add_event(RUN, "noted", {})
        told = browser.get(f"/api/runs/{RUN}/live?after={before}").json()
        assert told["changed"] is True and told["sequence"] > before
        filled(directory, 1, "other")
        assert browser.get(f"/api/runs/{RUN}/live?after={told['sequence']}").json()["changed"] is False
        assert browser.get("/api/runs/other").json()["facts"]["tried"] == 1


def test_a_place_without_a_project_says_how_to_begin_one(tmp_path: Path) -> None:
    with client(tmp_path / "runs") as browser:
        page = browser.get("/").text
        assert "No run here yet" in page and "netwright search digits" in page
        assert browser.get("/runs/x").status_code == 404
        filled(tmp_path / "runs", 1)
        assert RUN in browser.get("/").text


def test_an_unknown_run_names_the_nearest_and_a_damaged_project_no_detail(tmp_path: Path) -> None:
    directory = filled(tmp_path / "runs", 1)
    with client(directory) as browser:
        answer = browser.get("/runs/run-2")
        assert answer.status_code == 404 and "run-1" in answer.text
        assert browser.get("/api/runs/run-2").json()["error"].startswith("there is no run")
    (directory / "netwright.db").write_bytes(b"nothing")
    with client(directory) as browser:
        answer = browser.get("/")
        assert answer.status_code == 503 and "netwright db check" in answer.text and "nothing" not in answer.text

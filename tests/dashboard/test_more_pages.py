"""Charts, drawings, choosing, comparing and exporting from the pages."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from page_parts import CONFIGURATION, NAME, RUN, client, filled
from starlette.testclient import TestClient

from netwright.charts import CHARTS, RunData, own_chart
from netwright.dashboard.application import make_application
from netwright.dashboard.resources_page import kind_of_reason
from netwright.dashboard.rules import Rules
from netwright.spaces import Chain
from netwright.store import Store


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = filled(tmp_path_factory.mktemp("more") / "runs")
    return filled(made, 6, NAME)


@pytest.fixture(scope="module")
def browser(directory: Path) -> Iterator[TestClient]:
    with client(directory, Rules(rate=3600.0)) as made:
        yield made


@pytest.mark.parametrize("run", [RUN, NAME])
@pytest.mark.parametrize(
    "end",
    ["", "/trials/1", "/trials/5", "/front", "/charts", "/strategy", "/resources", "/export", "/side?trial=0&trial=3"],
)
def test_every_page_of_a_run_is_there_and_runs_no_markup(browser: TestClient, run: str, end: str) -> None:
    answer = browser.get(f"/runs/{quote(run, safe='')}{end}")
    assert answer.status_code == 200 and "<script>document" not in answer.text and "\x1b" not in answer.text


def test_charts_have_their_data_and_refuse_what_they_do_not_know(browser: TestClient) -> None:
    listed = browser.get(f"/api/runs/{RUN}/charts").json()
    assert {each["name"] for each in listed} == set(CHARTS)
    told = browser.get(f"/api/runs/{RUN}/charts/front?x=params&y=val_accuracy&theme=dark").json()
    assert told["specification"]["datasets"]["trials"] and told["table"]["all"] == len(told["table"]["rows"])
    assert browser.get(f"/runs/{RUN}/charts/front.csv").text.startswith("trial,")
    assert "'front'" in browser.get(f"/api/runs/{RUN}/charts/frnt").json()["error"]
    assert "'params'" in browser.get(f"/api/runs/{RUN}/charts/front?x=parms").json()["error"]
    assert browser.get(f"/runs/{RUN}/charts/front.exe").status_code == 422
    assert browser.get(f"/api/runs/{RUN}/charts/front?theme=pink").status_code == 422


def test_a_chart_of_ones_own_is_shown_and_what_it_raises_is_said(directory: Path) -> None:
    def sizes(data: RunData) -> Any:
        """How large are they?"""
        return {"mark": "point", "data": {"values": [{"x": float(each)} for each in data.metrics["params"]]}}

    def broken(data: RunData) -> Any:
        raise ZeroDivisionError("no <b>")

    own = {each.name: each for each in (own_chart(sizes), own_chart(broken))}
    made: Any = make_application(directory, charts=own)
    with TestClient(made, base_url="http://127.0.0.1") as browser:
        assert "How large are they?" in browser.get(f"/runs/{RUN}/charts").text
        assert browser.get(f"/api/runs/{RUN}/charts/sizes").json()["table"]["all"] == 24
        assert browser.get(f"/api/runs/{RUN}/charts/broken").json()["empty"] == "it raised ZeroDivisionError: no <b>"


def test_only_architectures_of_shipped_spaces_are_drawn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "evil_space.py").write_text("raise SystemExit('imported')")
    monkeypatch.syspath_prepend(tmp_path)
    space = Chain()
    described: Any = {**CONFIGURATION["arguments"], "strategy": {"class": "a:B", "arguments": {"space": None}}}  # type: ignore[dict-item]
    with Store(tmp_path / "runs") as store:
        for run, inner in (("ours", space.configuration()), ("theirs", {"class": "evil_space:Space", "arguments": {}})):
            described["strategy"] = {"class": "a:B", "arguments": {"space": inner}}
            store.create_run(run, space.id, {"class": "x", "arguments": described}, "0.1.0")
            _write(store, run, space)
    with client(tmp_path / "runs") as browser:
        drawn = browser.get("/runs/ours/trials/0/drawing.svg")
        assert drawn.status_code == 200 and drawn.text.lstrip().startswith("<svg")
        assert browser.get("/runs/theirs/trials/0/drawing.svg").status_code == 404
        assert "drawing.svg" not in browser.get("/runs/theirs/trials/0").text
        assert browser.get("/runs/ours/trials/9/drawing.svg").status_code == 404
        changed = browser.get("/runs/ours/trials/0/changed-from-0.svg")
        assert changed.status_code == 200 and "no box differs" in changed.text
        assert browser.get("/runs/theirs/trials/0/changed-from-0.svg").status_code == 404
        assert browser.get("/runs/ours/trials/0/changed-from-9.svg").status_code == 404
    assert "evil_space" not in sys.modules


def _write(store: Store, run: str, space: Chain) -> None:
    import time

    import numpy as np

    from netwright.core.trial import Measurement, Proposal, Trial
    from netwright.store import Asked, Told

    proposal = Proposal(space.sample(np.random.default_rng(0)))
    writer = store.writer(run, lambda: 1.0)
    trial = Trial(0, proposal, "completed", Measurement({"val_accuracy": 0.5, "params": 1.0}), (0.5, -1.0))
    writer.add(Told(Asked(0, 0, 1, proposal, time.time()), 0, trial, "", time.time()))
    writer.wait()
    writer.close()


def test_what_there_is_to_choose_from_says_the_front_and_which_way_is_better(browser: TestClient) -> None:
    told = browser.get(f"/api/runs/{RUN}/front").json()
    assert next(each["trial"] for each in told["trials"] if each["front"]) == 23 and told["compared"] == 12
    assert {each["name"]: each["smaller"] for each in told["metrics"]} == {
        "val_accuracy": False,
        "params": True,
    }


def test_trials_side_by_side_show_what_differs(browser: TestClient) -> None:
    page = unescape(browser.get(f"/runs/{RUN}/side?trial=0&trial=6").text)
    assert "0 of 2 choices differ" in page
    assert "1 of 2 choices differ" in unescape(browser.get(f"/runs/{RUN}/side?trial=0&trial=2").text)
    assert browser.get(f"/runs/{RUN}/side?{'&'.join(f'trial={each}' for each in range(7))}").status_code == 422
    assert browser.get(f"/runs/{RUN}/side?trial=99").status_code == 404


def test_runs_are_compared_with_what_they_cost(browser: TestClient) -> None:
    page = unescape(browser.get(f"/compare?run={RUN}&run={quote(NAME)}").text)
    assert "52.30 %" in page and "36.00" in page  # 24 trials of 1.5 seconds at one a second
    assert browser.get("/compare?run=nobody").status_code == 404


def test_commands_are_safe_to_paste(browser: TestClient) -> None:
    page = unescape(browser.get(f"/runs/{quote(NAME, safe='')}/export?trial=3").text)
    assert (
        f"netwright export '{NAME.replace(chr(39), chr(39) + chr(34) + chr(39) + chr(34) + chr(39))}' --trial 3" in page
    )


def test_failures_fall_together_by_their_reason_without_numbers(browser: TestClient) -> None:
    assert kind_of_reason("loss 1234 at 7") == kind_of_reason("loss 99 at 5")
    page = unescape(browser.get(f"/runs/{RUN}/resources").text)
    assert "worker 0" in page and "trial 4" in page  # the first that diverged
    health = browser.get("/api/health").json()
    assert health["driver"] is None and health["machine"]["folders"]["database"] > 0


@pytest.mark.parametrize("end", ["front", "export"])
def test_commands_name_the_project_as_one_types_it_where_the_pages_are_served(
    browser: TestClient, directory: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, end: str
) -> None:
    for place, named in ((directory.parent, "runs"), (tmp_path, directory.as_posix())):
        monkeypatch.chdir(place)
        page = unescape(browser.get(f"/runs/{RUN}/{end}").text)
        assert f"--to best --dir {named}" in page

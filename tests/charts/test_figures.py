"""A figure is a table, a picture in each form, and a sentence where there is nothing to draw."""

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path

import pytest
from run_parts import Given, read, write

from netwright.charts import CHARTS, THEMES, Figure, find, javascript
from netwright.charts.parallel import titles
from netwright.core.errors import UserError

TRIALS = [
    Given(0.5, 100),
    Given(0.75, 300),
    Given(0.7, 200),
    Given(0.6, 400),
    Given(None, 900, "error", reason="a <b>"),
]


def test_the_front_is_that_of_brute_force(tmp_path: Path) -> None:
    figure = find("front").figure(read(write(tmp_path, TRIALS)))
    kinds = {row["trial"]: row["kind"] for row in figure.tables["trials"]}
    beaten = {3: (1, 2)}  # more parameters and fewer hits than trials 1 and 2
    assert {number for number, kind in kinds.items() if kind == "behind it"} == set(beaten)
    assert "n = 4 trials; 3 of them" in figure.note


def test_further_limits_leave_some_and_say_what(tmp_path: Path) -> None:
    data = read(write(tmp_path, TRIALS, objectives=("val_accuracy", "params")))
    figure = find("front").figure(data, within="params >= 200; val_accuracy >= 0.65")
    kinds = {row["trial"]: row["kind"] for row in figure.tables["trials"]}
    assert {number for number, kind in kinds.items() if kind == "left out"} == {0, 3}
    assert {number for number, kind in kinds.items() if kind == "front"} == {1, 2}
    assert "2 of 4 trials keep params >= 200 and val_accuracy >= 0.65; the best of them is trial 1." in figure.note
    assert "None of the 4 trials keeps" in find("front").figure(data, within="params <= 1").note


def test_a_few_trials_far_off_do_not_press_the_front_flat(tmp_path: Path) -> None:
    good = [Given((180 + place) / 200, 100 + 10 * place) for place in range(12)]
    figure = find("front").figure(read(write(tmp_path / "far", [*good, Given(0.1, 150), Given(0.12, 160)])))
    assert figure.note.endswith("2 trials lie outside, at val accuracy 10.00 % to 12.00 %.")
    assert '"domain": [0.9, 0.955]' in json.dumps(figure.template)
    assert len(figure.rows) == 14  # the table has them all
    figure = find("front").figure(read(write(tmp_path / "front", [*good, Given(0.1, 10)])))  # far, but on the front
    assert "outside" not in figure.note


def test_long_names_of_axes_lose_their_middle_where_they_still_differ(tmp_path: Path) -> None:
    names = [*(f"stage{stage}/depth/{block}/operation/conv/kernel" for stage, block in ((1, 0), (1, 1), (2, 0))), "a"]
    assert titles(read(write(tmp_path, TRIALS)), [*names, "val_accuracy"]) == [
        "stage1 / depth / 0 / operation / conv / kernel",
        "stage1 / depth / 1 / operation / conv / kernel",
        "stage2 / … / conv / kernel",
        "a",
        "val accuracy",
    ]


@pytest.mark.parametrize("name", CHARTS)
def test_every_chart_draws_or_says_why_not(tmp_path: Path, name: str) -> None:
    figure = find(name).figure(read(write(tmp_path, TRIALS)))
    assert (figure.empty == "") == bool(figure.tables)
    assert figure.question.endswith("?") and figure.svg().startswith("<svg")


def test_a_run_without_trials_says_so(tmp_path: Path) -> None:
    data = read(write(tmp_path, []))
    for chart in CHARTS.values():
        figure = chart.figure(data)
        assert figure.empty and figure.rows == [] and figure.empty in figure.svg()


def test_themes_have_the_same_roles_and_no_role_is_left(tmp_path: Path) -> None:
    assert {frozenset(each) for each in THEMES.values()} == {frozenset(THEMES["light"])}
    figure = find("front").figure(read(write(tmp_path, TRIALS)), "dark")
    text = json.dumps(figure.specification)
    assert "role:" not in text and THEMES["dark"]["main"] in text
    assert THEMES["light"]["main"] in json.dumps(figure.themed("light").specification)
    assert not re.search(r"https?://(?!vega\.github\.io/schema)", text)
    with pytest.raises(UserError, match="did you mean 'dark'"):
        figure.themed("drak")


def test_the_page_of_the_documentation_names_every_chart_and_setting() -> None:
    page = (Path(__file__).parents[2] / "docs" / "charts.md").read_text()
    rows = dict(re.findall(r"^\| `(\w+)` \| (.*) \|$", page, re.MULTILINE))
    assert set(rows) == set(CHARTS)
    for name, chart in CHARTS.items():
        assert chart.question in rows[name] and set(chart.about) == set(chart.settings)
        assert [each for each in chart.settings if f"`{each}`" not in rows[name]] == []


def test_names_and_settings_are_checked(tmp_path: Path) -> None:
    data = read(write(tmp_path, TRIALS))
    with pytest.raises(UserError, match="did you mean 'front'"):
        find("frnt")
    with pytest.raises(UserError, match=r"no setting 'siz'.*did you mean 'size'"):
        find("front").figure(data, siz="params")
    with pytest.raises(UserError, match=r"'param' was not measured.*did you mean 'params'"):
        find("front").figure(data, x="param")


def test_formulas_are_texts_in_a_spreadsheet() -> None:
    rows = [{"name": f"{each}1", "value": -1.5} for each in "=+-@\t\r"] + [{"name": "a,b\n", "value": float("nan")}]
    figure = Figure("x", "X", "What?", tables={"rows": rows})
    read_back = list(csv.reader(io.StringIO(figure.csv())))
    assert read_back[0] == ["name", "value"] and all(cell[0].startswith("'") for cell in read_back[1:-1])
    assert read_back[1][1] == "-1.5" and read_back[-1] == ["a,b\n", ""]
    assert json.loads(figure.json())["rows"][-1] == ["a,b\n", None]
    assert figure.table(2) == (("name", "value"), figure.rows[:2])


def test_files_are_what_they_say(tmp_path: Path) -> None:
    figure = find("failures").figure(read(write(tmp_path, TRIALS)))
    assert figure.png(1.0).startswith(b"\x89PNG") and figure.pdf().startswith(b"%PDF")
    assert "error: a &lt;b&gt;" in figure.svg() and "<b>" not in figure.svg()


def test_the_script_loads_nothing_from_elsewhere() -> None:
    text = javascript()
    assert 500_000 < len(text) < 2_000_000 and "netwrightCharts" in text
    assert not re.search(r"https?://(cdn|unpkg|esm|esbuild)", text) and "import(" not in text
    assert javascript() is text

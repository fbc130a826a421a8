"""A report is one file that says what the store holds, asks for nothing from elsewhere, and shows texts as texts."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
from pathlib import Path

import pytest
from page_parts import RUN, SCRIPT, filled

from netwright.charts import RunData
from netwright.dashboard.report import report_of
from netwright.dashboard.report.document import embedded, policy
from netwright.dashboard.report.evidence import failures, front
from netwright.dashboard.report.first_screen import _size, first_screen
from netwright.results.figures import Contender, Figures
from netwright.spaces import Chain
from netwright.store import Store


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return filled(tmp_path_factory.mktemp("reported"))


@pytest.fixture(scope="module")
def text(project: Path) -> str:
    with Store.open_readonly(project) as store:
        return report_of(RunData.read(store, RUN), rate=36.0, notes=["Asked for by <b>Ada</b>."])


def without_scripts(page: str) -> str:
    return re.sub(r"<(script|style)[^>]*>.*?</\1>", "", page, flags=re.DOTALL)


def test_nothing_comes_from_elsewhere(text: str) -> None:
    shown = without_scripts(text)
    assert not re.search(r'(?:src|href)="(?!#|data:image/png)', shown)
    assert "default-src 'none'" in html.unescape(shown) and "unsafe" not in shown
    assert len(text.encode()) < 5_000_000


def test_the_policy_allows_the_scripts_and_styles_that_are_there(text: str) -> None:
    allowed = set(re.findall(r"sha256-([\w+/=]+)", html.unescape(text[:4000])))
    found = re.findall(r'<script type="module">(.*?)</script>', text, flags=re.DOTALL)
    found += re.findall(r"<style>(.*?)</style>", text, flags=re.DOTALL)
    assert len(found) == 3
    assert {base64.b64encode(hashlib.sha256(each.encode()).digest()).decode() for each in found} == allowed
    assert not re.search(r'\son\w+="|\sstyle="', without_scripts(text)), "no inline script or style, which it forbids"


def test_texts_of_the_run_stay_texts(text: str) -> None:
    shown = without_scripts(text)
    assert SCRIPT not in text and "&lt;script&gt;" in shown
    assert "\x1b" not in text and "<b>Ada</b>" not in text and "&lt;b&gt;Ada&lt;/b&gt;" in text


def test_data_may_hold_the_end_of_a_script() -> None:
    held = {"name": "</script><script>alert(1)</script>", "more": "a & b"}
    assert "<" not in embedded(held) and json.loads(embedded(held)) == held
    assert policy(["a"], ["b"]).count("sha256-") == 2


def test_what_the_terminal_says_is_in_it(text: str) -> None:
    shown = without_scripts(text)
    for said in ("The found network is better.", "12 completed", "3 error", "params &lt;= 500,000", "run-1", "0.1.0"):
        assert said in shown, said
    assert "There was no final test" in shown.replace("there was", "There was")
    assert re.search(r"netwright search digits .*--trials 100 --seed 0", shown)


def test_the_front_is_a_table_to_choose_from(project: Path) -> None:
    from netwright.dashboard.facts import facts_of, front_of

    with Store.open_readonly(project) as store:
        data = RunData.read(store, RUN)
        found = front(data, facts_of(data))
        numbers = [str(data.numbers[place]) for place in front_of(data)]
    assert found is not None and found.head == ("trial", "val accuracy", "params", "time")
    assert [row[0] for row in found.rows] == numbers[:12] and "netwright export run-1 --trial N" in found.text


def test_failures_of_one_kind_are_one_line(project: Path) -> None:
    with Store.open_readonly(project) as store:
        found = failures(RunData.read(store, RUN))
    assert found is not None
    assert {row[1]: row[0] for row in found.rows} == {"infeasible": "3", "diverged": "3", "error": "3", "timeout": "3"}


def test_the_first_screen_claims_no_more_than_was_measured(project: Path) -> None:
    from netwright.dashboard.facts import facts_of

    winner = Contender("found network", (0.95, 0.97), (0, 1), 1000.0, 2000.0, 60.0)
    worse = Contender("ResNet-8", (0.90, 0.91), (0, 1), 9000.0, 2000.0, 40.0, paired=(0.02, 0.09))
    figures = Figures("digits", "{}", winner, (worse,), 200, 0, left_out=("random pick",))
    alone = Figures("digits", "{}", winner, (), 200, 0, left_out=("random pick",))
    with Store.open_readonly(project) as store:
        data = RunData.read(store, RUN)
        facts = facts_of(data)
        screen = first_screen(data, facts, figures, None, 36.0)
        cards = {card.title: card for card in screen.cards}
        assert cards["Test accuracy"].figure == "96.00 %"
        assert "92.3" in cards["Test accuracy"].lines[0], "Wilson's interval of 192 of 200 is 92.31 to 97.96 %"
        assert cards["Against ResNet-8"].figure == "+5.50 points"
        assert cards["Device time"].lines[2].startswith(f"About {(facts.device_seconds + 100) * 36 / 3600:.2f}")
        assert (
            "not measured"
            in {card.title: card.figure for card in first_screen(data, facts, alone, None, None).cards}[
                "Against references"
            ]
        )
        untested = first_screen(data, facts, None, None, None)
    assert "has not been tested" in untested.lead and {card.title for card in untested.cards} >= {"Front"}


def test_a_run_without_trials_has_a_report(tmp_path: Path) -> None:
    with Store.open_readonly(filled(tmp_path, trials=0)) as store:
        found = report_of(RunData.read(store, RUN))
    assert "No network has completed its training." in found


def test_the_size_of_a_space_is_said_however_large_it_is() -> None:
    class Vast(Chain):
        size = 10**400  # type: ignore

    assert [_size(each) for each in (None, Vast())] == ["", "about 1.0 × 10⁴⁰⁰"]

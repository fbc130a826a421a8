"""The page of a comparison says who is told apart from whom, and no more."""

from __future__ import annotations

import html
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

import netwright as nw
from netwright.benchmarks import Comparison
from netwright.cli.app import app
from netwright.dashboard.report import comparison_report
from netwright.dashboard.report.command import comparison_command

SPACE = nw.spaces.NasBench201()
CELLS = list(SPACE.enumerate())[:400]


class First(nw.Strategy):
    """Always the same cell, a good one or a bad one."""

    def __init__(self, space: nw.Space, place: int) -> None:
        self.space, self.place = space, place

    def ask(self, rng: object) -> nw.Proposal:
        return nw.Proposal(CELLS[self.place])

    def tell(self, trial: nw.Trial) -> None:
        pass


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Comparison:
    table = nw.estimators.Table(SPACE, {"arch": CELLS, "valid": [50 + k / 10 for k in range(400)]})
    entrants = {"random": "random", "good": lambda space: First(space, 399), "bad <b>": lambda space: First(space, 0)}
    problem = nw.benchmarks.BenchmarkProblem(table, metric="valid")
    folder = tmp_path_factory.mktemp("compared")
    return nw.benchmarks.compare(entrants, problem, evaluations=5, repeats=12, folder=folder, processes=1)


def test_the_lead_names_who_is_better_than_whom(found: Comparison) -> None:
    page = comparison_report(found)
    lead = re.search(r'<p class="lead">(.*?)</p>', page, flags=re.DOTALL)
    assert lead is not None
    said = html.unescape(lead[1])
    assert said.startswith("The best mean valid is that of good, 90; it is better than bad <b>, random.")
    assert "3 of 3 pairs of strategies are told apart" in said
    assert "<b>" not in page and "Wilcoxon" in page and "12 seeds (0 to 11)" in page


def test_one_seed_tells_nothing(found: Comparison) -> None:
    table = nw.estimators.Table(SPACE, {"arch": CELLS, "valid": [50 + k / 10 for k in range(400)]})
    problem = nw.benchmarks.BenchmarkProblem(table, metric="valid")
    one = nw.benchmarks.compare(["random", "local"], problem, evaluations=5, repeats=1)
    assert "tells nothing of chance" in comparison_report(one)


def test_the_command_writes_the_page_with_the_command(tmp_path: Path) -> None:
    table = tmp_path / "table.csv"
    rows = [f'"{cell}",{50 + k / 10}' for k, cell in enumerate(CELLS)]
    table.write_text("\n".join(["arch,valid", *rows]))
    words = ["compare", "--space", "nasbench201", "--table", f"{table}:within=true", "--metric", "valid"]
    words += ["--strategies", "random,local", "--evaluations", "4", "--repeats", "3", "--processes", "1"]
    done = CliRunner().invoke(app, [*words, "--folder", str(tmp_path / "kept")])
    assert done.exit_code == 0, done.output
    page = html.unescape((tmp_path / "kept" / "report.html").read_text())
    command = re.search(r'<pre class="command"[^>]*>(netwright compare .*?)</pre>', page)
    assert command is not None
    for said in (
        "--space nasbench201",
        "--metric valid",
        "--strategies random,local",
        "--evaluations 4",
        "--repeats 3",
    ):
        assert said in command[1]
    assert page.count('class="card chart') >= 3


def test_a_comparison_from_python_has_no_command() -> None:
    assert comparison_command({}, "here") == ""

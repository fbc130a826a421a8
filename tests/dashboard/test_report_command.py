"""The command in a report is the one that was typed, and `netwright report` replaces nothing but reports."""

from __future__ import annotations

import shlex
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
import typer.main
from page_parts import RUN, filled
from typer.testing import CliRunner

from netwright.cli.app import app
from netwright.cli.asked import SearchOptions
from netwright.cli.planning import plan_of_search
from netwright.cli.taking import in_order
from netwright.dashboard.report.command import DATA_OPTIONS, command_of

COMMANDS: Any = typer.main.get_command(app)
TYPED = [
    "netwright search digits --seed 0",
    "netwright search digits --space darts:cells=4 --strategy evolution:population=8 --trials 12 --epochs 2 --seed 3",
    "netwright search photos --method gdas --epochs 7 --time 10m --no-random-search --seed 0",
    "netwright search a.csv --target-column price --nan impute-median --drop a --drop b --no-header --time 1m --seed 1",
    "netwright search digits --objective val_accuracy --objective params --limit 'macs <= 1M' --max-params 20k",
    "netwright search digits --no-baselines --workers 3 --executor processes --memory 2g --auto-batch --device cpu",
    "netwright search digits --data-option test_share=0.3 --examples 500 --final-seeds 1 --reference mine.py:build",
]


def plan_of(line: str) -> dict[str, Any]:
    """The plan that a command line asks for."""
    command = COMMANDS.commands["search"]
    given = command.make_context("search", shlex.split(line)[2:]).params
    known = {each.name for each in in_order(SearchOptions)}
    values: dict[str, Any] = {name: value for name, value in given.items() if name in known}
    repeated = ("objective", "limit", "reference", "drop", "text_column", "data_option")
    values |= {name: tuple(values[name] or ()) for name in repeated}
    return asdict(plan_of_search(SearchOptions(**values)))


@pytest.mark.parametrize("line", TYPED)
def test_the_command_asks_for_the_same_plan_again(line: str) -> None:
    plan = plan_of(line)
    assert plan_of(command_of(plan)) == plan


def test_options_of_data_have_the_names_of_the_command_line() -> None:
    known = {option for each in COMMANDS.commands["search"].params for option in (*each.opts, *each.secondary_opts)}
    assert {f"--{option}" for option in DATA_OPTIONS.values()} <= known


def test_a_search_from_python_has_no_command() -> None:
    assert command_of({}) == "" and command_of({"data": "digits", "network": {"name": "darts_v2"}}) == ""


def test_a_report_replaces_a_report_and_nothing_else(tmp_path: Path) -> None:
    project, to = filled(tmp_path / "project", trials=3), tmp_path / "page.html"
    command = ["report", RUN, "--dir", str(project), "--to", str(to)]
    runner = CliRunner()
    to.write_text("my own page")
    assert _refusal(runner, command).endswith("or --yes to replace it") and to.read_text() == "my own page"
    assert runner.invoke(app, [*command, "--yes"]).exit_code == 0 and to.stat().st_size > 800_000
    assert runner.invoke(app, command).exit_code == 0
    assert "is a folder" in _refusal(runner, [*command[:-1], str(tmp_path)])
    assert "a report is a page" in _refusal(runner, [*command[:-1], "front.svg"])


def _refusal(runner: CliRunner, command: list[str]) -> str:
    return str(runner.invoke(app, command).exception)

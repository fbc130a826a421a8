"""`netwright demo`: what it asks for, and what it says came of it."""

from __future__ import annotations

import shlex
from dataclasses import replace
from pathlib import Path

import pytest
import typer.main
from statsmodels.stats.proportion import confint_proportions_2indep, proportion_confint

from netwright.cli import app, demo
from netwright.cli.planning import plan_of_search
from netwright.results.figures import Contender, Figures


def figures(*baselines: Contender) -> Figures:
    winner = Contender("found network", (0.99,), (0,), 19_000, 1e5, 10.0)
    return Figures("digits", "{}", winner, baselines, 540, 0, {}, {}, {})


RESIDUAL = Contender("ResNet-8", (0.985,), (0,), 76_000, 4e5, 10.0)


def test_the_command_that_it_shows_is_the_search_that_it_does(monkeypatch: pytest.MonkeyPatch) -> None:
    given = ("45s", 3, Path("runs"), Path("some where"))
    heard = []
    monkeypatch.setattr("netwright.cli.planning.plan_of_search", lambda options: heard.append(options) or 1 / 0)
    command = typer.main.get_command(app.app)
    with pytest.raises(ZeroDivisionError):
        command.main(shlex.split(demo.typed(*given))[1:], standalone_mode=False)
    assert heard == [demo.asked(*given)]


def test_the_plan_has_the_limit() -> None:
    plan = plan_of_search(demo.asked("45s", 0, Path("runs"), Path("best")))
    assert plan.limits == (f"params <= {demo.MOST_PARAMS}",) and plan.time == "45s" and plan.is_automatic


def test_intervals_are_those_of_statsmodels() -> None:
    assert demo.share_interval(0.95, 540) == pytest.approx(proportion_confint(513, 540, method="wilson"))
    expected = confint_proportions_2indep(513, 540, 500, 540, method="newcomb")
    assert demo.difference_interval(513 / 540, 500 / 540, 540) == pytest.approx(expected)


def test_who_holds_the_limit_and_who_does_not_is_said_with_intervals() -> None:
    found = demo.lines(figures(RESIDUAL))
    assert "19,000  yes" in found[1] and "76,000  no" in found[2] and "99.00 %" in found[1]
    assert found[-1].startswith(
        "25 % of the parameters of ResNet-8, and +0.50 points of test accuracy against it: 95 %"
    )
    low = float(found[-1].partition("interval ")[2].partition(" to")[0])
    assert low < 0  # what could be chance is not said to be more


def test_a_network_that_is_worse_is_said_to_be() -> None:
    found = demo.lines(figures(replace(RESIDUAL, values=(1.0,))))
    assert "-1.00 points" in found[-1]
    assert "No residual network" in demo.lines(figures())[-1]

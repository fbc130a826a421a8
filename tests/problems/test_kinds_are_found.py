"""Kinds of problems and what they measure are found by reading the folder, and are what the classes say."""

from __future__ import annotations

import pytest

from netwright import problems
from netwright.core.problem import Problem
from netwright.problems import Classification, DenseClassification, Forecast, Language, Regression, SeveralLabels

MADE = (
    Classification("ab"),
    DenseClassification(("a", "b")),
    Language("abc"),
    Language("abc", unit="words"),
    Forecast(("y +1",), channels=[0]),
    Regression(("y",)),
    SeveralLabels(("a", "b")),
)


def test_every_kind_has_its_file() -> None:
    assert {type(each).__name__ for each in MADE} == set(problems.__all__)
    assert all(issubclass(getattr(problems, name), Problem) for name in problems.__all__)


@pytest.mark.parametrize("problem", MADE, ids=lambda each: each.kind)
def test_what_a_kind_measures_is_known_without_making_one(problem: Problem) -> None:
    names = {each.name for each in problem.metrics} | set(problem.further)
    assert names <= set(problems.METRIC_NAMES) and problem.main.name in names


@pytest.mark.parametrize("problem", MADE, ids=lambda each: each.kind)
def test_which_metrics_are_shares_is_known_by_their_names(problem: Problem) -> None:
    for each in (*problem.metrics, *problem.further.values()):
        assert (each.name in problems.SHARE_NAMES or each.name.endswith("accuracy")) == each.percent, each.name

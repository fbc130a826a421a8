"""Durations, names of runs, and what differs between settings."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from search_parts import Cell, Climbing, Counting

import netwright as nw
from netwright.core.errors import UserError
from netwright.engine.duration import format_duration, parse_duration
from netwright.engine.identity import check_name, differences, listed, next_name


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("30s", 30),
        ("10m", 600),
        ("1h30m", 5400),
        ("2h", 7200),
        ("1.5h", 5400),
        ("1d12h", 129_600),
        (" 1H 30M ", 5400),
        ("90", 90),
        (90, 90),
        (0.5, 0.5),
        ("0.5s", 0.5),
    ],
)
def test_times_as_people_write_them(text: str | float, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize(
    "text", ["10 parsecs", "", " ", "m", "10 minutes", "-5m", "30m1h", "1h1h", "0s", "0", 0, -1, "nan", "1e3"]
)
def test_times_that_are_none_are_refused_with_the_allowed_form(text: str | float) -> None:
    with pytest.raises(UserError, match=r"'1h30m'|more than 0 seconds"):
        parse_duration(text)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), True, None, [3]])
def test_values_that_are_no_time_are_refused(value: object) -> None:
    with pytest.raises(UserError, match="time"):
        parse_duration(value)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.25, "0.25s"), (42, "42s"), (60, "1m"), (90, "1m30s"), (5430, "1h30m"), (7200, "2h"), (90_000, "1d1h")],
)
def test_times_are_shown_in_two_units(seconds: float, text: str) -> None:
    assert format_duration(seconds) == text


@given(st.floats(1, 1e7))
def test_a_shown_time_is_read_again_to_its_precision(seconds: float) -> None:
    assert abs(parse_duration(format_duration(seconds)) - seconds) <= 0.05 * seconds + 0.5


@pytest.mark.parametrize("name", ["", "../x", "a/b", "a b", "-x", ".x", "x" * 101, "ü", "a\n", 3])
def test_names_that_could_not_stand_in_a_path_are_refused(name: str) -> None:
    with pytest.raises(UserError, match="cannot be the name of a run"):
        check_name(name)


def test_a_name_is_made_of_task_space_and_strategy_with_the_next_number() -> None:
    class Judging(Counting):
        def __init__(self, name: str) -> None:
            self.task = SimpleNamespace(name=name)

    class RegularizedClimbing(Climbing):
        pass

    assert next_name(RegularizedClimbing(Cell()), Judging("Digits 8x8"), []) == "digits-8x8-cell-regularized-climbing-1"
    taken = ["cell-climbing-1", "cell-climbing-7", "cell-climbing-x", "other-9"]
    assert next_name(Climbing(Cell()), Counting(), taken) == "cell-climbing-8"


def test_differences_name_the_path_and_both_values() -> None:
    before = {"a": {"arguments": {"x": 1, "y": [1, 2]}}, "b": 2, "c": [1]}
    now = {"a": {"arguments": {"x": 1.0, "y": [1, 3]}}, "d": 2, "c": [1, 2]}
    assert sorted(differences(before, now)) == [
        "a.arguments.x: was 1, now 1.0",
        "a.arguments.y[1]: was 2, now 3",
        "b: was 2, now absent",
        "c: was [1], now [1, 2]",
        "d: was absent, now 2",
    ]
    assert listed(before, before) == ""
    assert listed({str(i): i for i in range(9)}, {}).endswith("; and 3 more")


@pytest.mark.parametrize("space", [nw.spaces.NasNet(cells=3), nw.spaces.NasNet(cells=3, projected=True)], ids=str)
def test_an_option_that_came_later_is_what_it_is_by_its_default(space: nw.Space) -> None:
    now = space.configuration()
    before = {**now, "arguments": {name: each for name, each in now["arguments"].items() if name != "projected"}}
    inside = [{"space": before, "more": [before]}, {"space": now, "more": [now]}]
    found = listed(*inside)
    changed = "projected: was False, now True"
    assert found == (f"space.{changed}; more[0].{changed}" if space.arguments["projected"] else "")
    fewer = {**before, "arguments": {**before["arguments"], "cells": 4}}
    assert listed(fewer, now).startswith("cells: was 4, now 3")


def test_a_description_of_columns_that_came_later_is_no_other_setting():
    before = {"class": "netwright.estimators.cost:Cost", "arguments": {"shape": {"input": [3], "classes": 2}}}
    now = {
        "class": "netwright.estimators.cost:Cost",
        "arguments": {"shape": {**before["arguments"]["shape"], "columns": [1, 2]}},
    }
    assert not list(differences(before, now))
    other = {"class": now["class"], "arguments": {"shape": {**now["arguments"]["shape"], "columns": [2, 1]}}}
    assert list(differences(now, other)) and list(differences(now, before))

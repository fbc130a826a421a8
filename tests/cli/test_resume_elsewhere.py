"""A stored run goes on elsewhere: every option about where trials run can be changed and lifted, on every way."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from netwright.cli import completing
from netwright.cli.app import app
from netwright.cli.main import run
from netwright.cli.moving import moved
from netwright.cli.plan import Plan
from netwright.cli.workers import EXECUTORS, ONLY, chosen, flag
from netwright.core.errors import ConfigurationError
from netwright.store import Store

FIRST: dict[str, Any] = {
    "trial_timeout": "10m",
    "stall_timeout": "5m",
    "memory": "4g",
    "gpus_per_trial": 0.25,
    "cpus_per_trial": 2.0,
    "address": "head:6379",
}
SECOND: dict[str, Any] = {
    "trial_timeout": "20m",
    "stall_timeout": "6m",
    "memory": "2g",
    "gpus_per_trial": "0.5",
    "cpus_per_trial": "4",
    "address": "auto",
}
MOVES = list(itertools.product(EXECUTORS, EXECUTORS))
PLACES = [(option, executor) for option, known_to in ONLY.items() for executor in known_to]
SMALL = ("--epochs", "1", "--strategy", "random", "--examples", "100", "--final-epochs", "0", "--space")
TINY = "chain:width=4,stages=1,most=1"


def begun(executor: str, **options: Any) -> Plan:
    """The plan of a run with all the options that this executor knows."""
    known = {name: value for name, value in FIRST.items() if executor in ONLY[name]}
    return Plan("digits", executor=executor, workers=1 if executor == "inline" else 3, **{**known, **options})


def test_the_table_names_every_option() -> None:
    assert set(FIRST) == set(SECOND) == set(ONLY)


@pytest.mark.parametrize(("before", "after"), MOVES)
def test_a_run_goes_on_with_every_executor(before: str, after: str) -> None:
    plan = begun(before)
    found, said = moved(plan, {"executor": after})
    assert chosen(found) == after and found.workers == (1 if after == "inline" else plan.workers)
    for option, known_to in ONLY.items():
        value = getattr(plan, option)
        assert getattr(found, option) == (value if after in known_to else None)
        assert (f"{flag(option)} {value}" in said) == (value is not None and after not in known_to)
    assert ("--workers 3" in said) == (after == "inline" and before != "inline")
    assert said.startswith(f"dropped for --executor {after}: ") or not said


@pytest.mark.parametrize(("before", "after"), MOVES)
@pytest.mark.parametrize("option", ONLY)
def test_an_option_goes_with_the_executor_that_knows_it(before: str, after: str, option: str) -> None:
    given = {"executor": after, option: SECOND[option]}
    if after not in ONLY[option]:
        with pytest.raises(ConfigurationError, match=f"{flag(option)} needs --executor .*; it was {after}"):
            moved(begun(before), given)
        return
    found, said = moved(begun(before), given)
    assert str(getattr(found, option)).removesuffix(".0") == SECOND[option] and flag(option) not in said


@pytest.mark.parametrize(("before", "after"), MOVES)
@pytest.mark.parametrize("option", ONLY)
def test_an_option_is_lifted_by_a_word(before: str, after: str, option: str) -> None:
    for word in ("none", "None"):
        found, said = moved(begun(before), {"executor": after, option: word})
        assert getattr(found, option) is None and flag(option) not in said


@pytest.mark.parametrize(("option", "executor"), PLACES)
def test_an_option_changes_and_goes_where_the_run_is(option: str, executor: str) -> None:
    plan = begun(executor)
    changed, said = moved(plan, {option: SECOND[option]})
    assert str(getattr(changed, option)).removesuffix(".0") == SECOND[option] and not said
    lifted, said = moved(plan, {option: "none"})
    assert getattr(lifted, option) is None and not said
    assert chosen(changed) == chosen(lifted) == executor


@pytest.mark.parametrize("option", ONLY)
def test_a_run_of_this_process_follows_what_is_asked_for(option: str) -> None:
    for plan in (begun("inline"), Plan("digits")):
        found, said = moved(plan, {option: SECOND[option]})
        assert chosen(found) in ONLY[option]
        assert ("dropped" in said) == (plan.executor == "inline")
    found, said = moved(begun("inline"), {"workers": 4})
    assert (chosen(found), found.workers, said) == (
        "processes",
        4,
        "dropped for --executor processes: --executor inline",
    )


def test_a_cluster_is_left_by_name_only() -> None:
    with pytest.raises(ConfigurationError, match="this run's trials are on ray; add --executor processes"):
        moved(begun("ray"), {"stall_timeout": "5m"})
    found, said = moved(begun("processes"), {"address": "auto"})
    assert chosen(found) == "ray" and "--stall-timeout 5m" in said and "--trial-timeout" not in said
    assert chosen(moved(begun("ray"), {"workers": 1})[0]) == "ray"
    assert chosen(moved(begun("ray"), {"executor": "none", "address": "none", "cpus_per_trial": "none"})[0]) == (
        "processes"
    )


def test_what_followed_from_the_options_follows_from_those_that_are_left() -> None:
    limited = Plan("digits", trial_timeout="10m")
    assert chosen(moved(limited, {"trial_timeout": "none"})[0]) == "inline"
    assert moved(limited, {"executor": "inline"})[1] == "dropped for --executor inline: --trial-timeout 10m"
    assert moved(Plan("digits", address="auto"), {"address": "none"})[0].address is None
    assert moved(limited, {}) == (limited, "")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"gpus_per_trial": "lots"}, "--gpus-per-trial lots: expected a number such as 0.5, or none to lift it"),
        ({"cpus_per_trial": "-1"}, "--cpus-per-trial -1: expected a number of at least 0"),
        ({"memory": "lots"}, "--memory lots: .*expected for example 4g or 512m"),
        ({"trial_timeout": "soon"}, "--trial-timeout soon: the time 'soon' was not understood"),
        ({"executor": "proceses"}, "did you mean 'processes'"),
        ({"executor": "inline", "workers": 2}, "one trial at a time"),
        ({"workers": 0}, "--workers 0"),
    ],
)
def test_values_that_are_none_are_named(given: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message) as raised:
        moved(Plan("digits"), given)
    assert "\n" not in str(raised.value)


def test_the_help_says_the_word_and_the_shell_offers_it() -> None:
    for command in ("resume", "final"):
        text = CliRunner().invoke(app, [command, "--help"], terminal_width=200).output
        assert text.count("none:") >= 4 and "--executor" in text and "--gpus-per-trial" in text
    assert completing.none("") == completing.none("no") == ["none"]
    assert completing.addresses_or_none("") == ["auto", "none"]
    assert completing.executors_or_none("") == sorted([*EXECUTORS, "none"])


def said(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int, str, str]:
    code = run([str(word) for word in words])
    out, err = capsys.readouterr()
    return code, out, err


def test_a_run_with_limits_goes_on_in_this_process_and_its_final_in_workers(tmp_path: Path, capsys: Any) -> None:
    place = ("--dir", tmp_path / "p")
    limits = ("--trial-timeout", "10m", "--memory", "8g", "--stall-timeout", "9m", "--trials", 2, "--name", "r")
    code, _, err = said(capsys, "search", "digits", *SMALL, TINY, *limits, *place)
    assert code == 0, err
    code, out, err = said(capsys, "resume", "r", "--trials", 3, "--executor", "inline", *place)
    assert code == 0 and "stopped: 3 trials done" in out, err
    dropped = "dropped for --executor inline: --trial-timeout 10m, --memory 8g, --stall-timeout 9m"
    assert sorted(err.strip().split(", ")) == sorted(dropped.split(", "))
    with Store.open_readonly(tmp_path / "p") as store:
        kept, places = store.document("r", "notes"), [each.place for each in store.attempts("r")]
    assert {kept[name] for name in ONLY} == {None} and kept["executor"] == "inline"
    assert len(places) == 3 and len(set(places)) > 1, "the third trial did not run elsewhere"
    code, out, err = said(
        *(capsys, "final", "r", "--epochs", 1, "--seeds", 1, "--no-baselines", "--workers", 2, "--json", *place)
    )
    assert code == 0 and "dropped for --executor processes: --executor inline" in err
    assert json.loads(out)["run"] == "r"


def test_a_run_goes_on_with_another_device_and_refuses_one_that_is_not_there(tmp_path: Path, capsys: Any) -> None:
    place = ("--dir", tmp_path / "p")
    assert said(capsys, "search", "digits", *SMALL, TINY, "--trials", 1, "--name", "r", *place)[0] == 0
    code, out, err = said(capsys, "resume", "r", "--trials", 2, "--device", "cpu", *place)
    assert code == 0 and "stopped: 2 trials done" in out, err
    code, _, err = said(capsys, "resume", "r", "--trials", 3, "--device", "cuda:77", *place)
    assert code == 2 and "cuda:77" in err
    code, _, err = said(capsys, "resume", "r", "--trials", 0, *place)
    assert code == 2 and "--trials 0: expected a whole number of at least 1" in err

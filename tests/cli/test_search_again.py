"""The same `netwright search --resume` again goes on with its run; what makes another search of it is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from netwright.cli.again import asked_again, stored
from netwright.cli.main import run
from netwright.cli.plan import Plan
from netwright.core.errors import ConfigurationError

GIVEN: dict[str, Any] = {
    "space": "chain:width=4",
    "strategy": "evolution:population=4",
    "trials": 8,
    "limits": ("params <= 5k",),
    "data_options": {"limit": 100},
    "memory": "4g",
}


def begun(**options: Any) -> Plan:
    """A plan as it is stored: what was given, and what was fitted to it."""
    plan = Plan("digits", **{**GIVEN, **options})
    return Plan("digits", **{**GIVEN, **options, "epochs": 7, "given": plan.to_json()}).resolved()


def test_the_same_again_changes_nothing_and_keeps_what_was_fitted() -> None:
    before = begun()
    assert asked_again(before, Plan("digits", **GIVEN)) == (before, "")
    assert asked_again(before, Plan("digits")) == (before, "")
    changed = begun(trials=8)
    further, _ = asked_again(changed, Plan("digits", **{**GIVEN, "trials": 9, "workers": 3}))
    assert (further.trials, further.workers, further.epochs, further.strategy) == (9, 3, 7, before.strategy)


@pytest.mark.parametrize(
    ("options", "field", "value"),
    [
        ({"trials": 20}, "trials", 20),
        ({"time": "2h"}, "time", "2h"),
        ({"patience": 5}, "patience", 5),
        ({"final_epochs": 3}, "final_epochs", 3),
        ({"memory": "8g"}, "memory", "8g"),
        ({"gpus_per_trial": 0.5}, "gpus_per_trial", 0.5),
        ({"device": "cpu"}, "device", "cpu"),
        ({"executor": "ray", "address": "auto"}, "address", "auto"),
        ({"auto_batch": True}, "auto_batch", True),
    ],
)
def test_what_may_change_changes(options: dict[str, Any], field: str, value: object) -> None:
    found, _ = asked_again(begun(), Plan("digits", **{**GIVEN, **options}))
    assert getattr(found, field) == value


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"space": "darts"}, "--space was chain:width=4 and is darts"),
        ({"strategy": "random"}, "--strategy was evolution:population=4 and is random"),
        ({"seed": 3}, "--seed was 0 and is 3"),
        ({"epochs": 2}, "--epochs was not given and is 2"),
        ({"limits": ("params <= 6k",)}, "--limit was params <= 5k and is params <= 6k"),
        ({"data_options": {"limit": 50}}, "--examples was 100 and is 50"),
        ({"recipe": "darts", "shared_epochs": 3, "memory": None}, "--recipe was not given and is darts"),
    ],
)
def test_what_makes_another_search_of_it_is_refused_by_name(options: dict[str, Any], told: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        asked_again(begun(), Plan("digits", **{**GIVEN, **options}))
    assert told in str(raised.value) and "choose another --name" in str(raised.value) and "\n" not in str(raised.value)
    with pytest.raises(ConfigurationError, match="the data was digits and is mnist"):
        asked_again(begun(), Plan("mnist", **GIVEN))


def test_the_command_twice_is_one_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    space = ["--space", "chain:width=4,stages=1,most=1", "--strategy", "random", "--examples", "100"]
    words = [
        "search",
        "digits",
        *space,
        "--epochs",
        "1",
        "--final-epochs",
        "0",
        "--resume",
        "--dir",
        str(tmp_path / "p"),
    ]
    assert run([*words, "--trials", "2"]) == 2
    assert "--resume goes on with the run of a name; give it with --name" in capsys.readouterr().err
    words += ["--name", "r"]
    assert run([*words, "--trials", "2"]) == 0
    capsys.readouterr()
    assert run([*words, "--trials", "2"]) == 0
    assert "run r stopped: 2 trials done" in capsys.readouterr().out
    assert run([*words, "--trials", "3"]) == 0
    assert "run r stopped: 3 trials done" in capsys.readouterr().out
    assert run([*words, "--trials", "3", "--seed", "5"]) == 2
    assert "--seed was 0 and is 5" in capsys.readouterr().err
    plan = stored(tmp_path / "p", "r", Plan("digits"), trust=False)
    assert plan is not None and plan.trials == 3
    assert stored(tmp_path / "p", "other", Plan("digits"), trust=False) is None

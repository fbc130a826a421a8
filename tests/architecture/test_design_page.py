"""docs/design.md names what exists and what is planned in two tables: all of one is there, and nothing of the other."""

from __future__ import annotations

import inspect
import re
import tomllib
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import pytest
import typer.main

import netwright as nw
from netwright import catalogue, executors
from netwright.catalogue import loading
from netwright.catalogue.reading import KINDS
from netwright.cli.app import app
from netwright.core.errors import ConfigurationError
from netwright.estimators import Cost
from netwright.estimators.machine import METRICS

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "design.md").read_text()
BEFORE, _, LISTS = PAGE.partition("\n## 12. ")


def table(title: str) -> dict[str, list[str]]:
    """The names in backticks by kind, of the table under a title."""
    text = LISTS.partition(f"### {title}\n")[2].partition("\n### ")[0]
    rows = re.findall(r"^\| ([^|`]+?) \| (.*`.*) \|$", text, flags=re.MULTILINE)
    return {kind: re.findall("`([^`]+)`", names) for kind, names in rows}


EXISTS, PLANNED = table("Exists"), table("Planned")


def extras() -> dict[str, object]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]


def searched_groups() -> list[str]:
    """The groups of entry points in which the command line looks."""
    found: list[str] = []

    def noted(group: str) -> list[object]:
        found.append(group)
        return []

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loading, "entry_points", noted)
        for kind in KINDS:
            with pytest.raises(ConfigurationError):
                catalogue.load(kind, "none of this name")
    return found


def exported(name: str) -> bool:
    """Whether the code that writes an export names this file."""
    return any(f'"{name}"' in path.read_text() for path in (ROOT / "src/netwright/results").glob("*.py"))


THERE: dict[str, Callable[[str], bool]] = {
    "commands": lambda name: name in typer.main.get_command(app).commands,  # pyright: ignore
    "folders of the package": lambda name: find_spec(f"netwright.{name}") is not None,
    "spaces": lambda name: name in catalogue.shipped("space"),
    "strategies": lambda name: name in catalogue.shipped("strategy"),
    "methods": lambda name: name in catalogue.shipped("method"),
    "executors": lambda name: isinstance(getattr(executors, name, None), type),
    "what a limit may be on before training": lambda name: name in {*Cost.metrics, *METRICS},
    "stops of a search": lambda name: name in inspect.signature(nw.Search.run).parameters,
    "files of an export": exported,
    "extras": lambda name: name in extras(),
    "entry points": lambda name: name in searched_groups(),
}


def test_both_tables_are_read() -> None:
    assert set(EXISTS) == set(THERE) and set(PLANNED) <= set(THERE) and PLANNED
    assert all(EXISTS.values()) and all(PLANNED.values())


@pytest.mark.parametrize(("kind", "name"), [(kind, name) for kind, names in EXISTS.items() for name in names])
def test_what_exists_is_there(kind: str, name: str) -> None:
    assert THERE[kind](name)


@pytest.mark.parametrize(("kind", "name"), [(kind, name) for kind, names in PLANNED.items() for name in names])
def test_what_is_planned_is_not_there_yet(kind: str, name: str) -> None:
    assert not THERE[kind](name), f"{name} is built: move it to the upper table"


def test_the_rest_of_the_page_speaks_of_what_exists() -> None:
    planned = {name for kind, names in PLANNED.items() for name in names if name not in EXISTS.get(kind, [])}
    named = set(re.findall("`([^`\n]+)`", BEFORE))
    assert not named & planned
    assert not re.search(r"\(planned|tensorboard|mlflow", BEFORE)


def test_the_house_names_the_folders_that_are_there() -> None:
    house = BEFORE.partition("src/netwright/\n")[2].partition("tests/")[0]
    folders = re.findall(r"^  (\w+)/ ", house, flags=re.MULTILINE)
    there = [path.name for path in (ROOT / "src" / "netwright").iterdir() if (path / "__init__.py").exists()]
    assert sorted(folders) == sorted(there)


@pytest.mark.parametrize("command", re.findall(r"`netwright (\w+)", BEFORE))
def test_commands_of_the_text_are_there(command: str) -> None:
    assert THERE["commands"](command)


@pytest.mark.parametrize("group", re.findall(r"`(netwright\.\w+)`", BEFORE))
def test_entry_points_of_the_text_are_there(group: str) -> None:
    assert THERE["entry points"](group)

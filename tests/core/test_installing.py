"""What is missing is named with a command that installs it, not with one that asks an index for netwright."""

from __future__ import annotations

import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from netwright.core import installing as module
from netwright.core.errors import MissingExtra
from netwright.core.installing import installing, package, required

PROJECT = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]


def names(requirements: list[str] | tuple[str, ...]) -> set[str]:
    return {package(each).lower() for each in requirements}


def test_what_is_required_is_what_the_project_says() -> None:
    assert names(required()) == names(PROJECT["dependencies"])
    for extra in ("ray", "compare"):
        assert names(required(extra)) == names(PROJECT["optional-dependencies"][extra])
    assert required("no-such-extra") == ()


def test_the_command_for_an_extra_runs_and_names_no_package_that_no_index_has() -> None:
    command = str(MissingExtra("ray", "ray")).partition("get it with: ")[2]
    assert "netwright" not in shlex.split(command)[4:]
    done = subprocess.run([*shlex.split(command), "--dry-run"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_command_names_this_python_where_the_shell_knows_another(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert installing("ray>=2.52") == f"{shlex.quote(sys.executable)} -m pip install 'ray>=2.52'"
    monkeypatch.setenv("PATH", str(Path(sys.executable).parent))
    assert installing("x") == "python -m pip install x"


def test_an_extra_of_a_source_tree_that_was_never_installed_is_named_by_its_module(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("importlib.metadata.requires", lambda name: None)
    assert module.required("ray") == ()
    assert str(MissingExtra("ray", "ray")).endswith("-m pip install ray")

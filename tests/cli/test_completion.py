"""What the shell offers when a name is begun, by the protocol that the installed completion uses."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from netwright import catalogue
from netwright.cli import completing
from netwright.store import Store


def offered(line: str, folder: Path) -> list[str]:
    """What bash is offered at the end of this line."""
    words = line.split(" ")
    environment = {
        **os.environ,
        "_NETWRIGHT_COMPLETE": "complete_bash",
        "COMP_WORDS": line,
        "COMP_CWORD": str(len(words) - 1),
    }
    script = (
        "import sys; sys.argv = ['netwright']; from netwright.cli.app import app\n"
        "try:\n    app(prog_name='netwright')\nfinally:\n    assert 'torch' not in sys.modules"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], env=environment, capture_output=True, text=True, cwd=folder, timeout=60
    )
    assert "AssertionError" not in done.stderr, done.stderr
    return done.stdout.split()


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (
            "netwright search digits --space nas",
            ["nasbench101", "nasbench1shot1", "nasbench201", "nasbenchmacro", "nasnet"],
        ),
        ("netwright search digits --strategy ba", ["bananas"]),
        ("netwright search digits --recipe smooth", ["smooth-darts", "smooth-darts-adversarial"]),
    ],
)
def test_bash_is_offered_the_names(line: str, expected: list[str], tmp_path: Path) -> None:
    assert offered(line, tmp_path) == expected


def test_bash_is_offered_the_runs_of_the_project(tmp_path: Path) -> None:
    with Store(tmp_path / "netwright-runs") as store:
        for name in ("first", "second", "further"):
            store.create_run(name, "space", {"arguments": {}}, "0")
    assert offered("netwright show f", tmp_path) == ["first", "further"]
    assert offered("netwright export ", tmp_path / "..") == []


def test_every_name_is_offered() -> None:
    assert completing.spaces("") == sorted(catalogue.shipped("space"))
    assert completing.strategies("") == sorted(catalogue.shipped("strategy"))
    assert completing.recipes("") == sorted(catalogue.shipped("search"))

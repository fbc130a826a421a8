"""The pages of docs/reference say what the code says now, and leave nothing without a word."""

from __future__ import annotations

import inspect
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import netwright as nw
from netwright import catalogue
from netwright.core.objective import Objective
from reference_pages import docstrings, metrics
from reference_pages.__main__ import FOLDER, PAGES, differing
from reference_pages.commands import commands, flags
from reference_pages.objects import parts

ROOT = Path(__file__).parents[1]
GUIDE = (ROOT / "docs" / "command-line.md").read_text()
ASKED: dict[str, Any] = {
    **{f"space {name}": catalogue.load("space", name) for name in catalogue.shipped("space")},
    **{f"strategy {name}": catalogue.load("strategy", name) for name in catalogue.shipped("strategy")},
    **{f"method {name}": catalogue.load("search", name) for name in catalogue.shipped("search")},
    **{
        f"{part.__name__}.{name}": getattr(part, name)
        for part in (nw.spaces, nw.strategies, nw.estimators, nw.predictors, nw.executors, nw.tasks)
        for name in part.__all__
        if name not in ("BadFiles", "Data", "Examples", "TaskShape", "from_configuration", "perform", "Prediction")
    },
    **parts(),
    "TrainingSettings": nw.TrainingSettings,
    "Search": nw.Search,
}


def test_the_pages_are_what_the_code_says_now() -> None:
    assert not differing(), "make docs"
    assert {path.name for path in FOLDER.glob("*.md")} == {*PAGES, "README.md"}


@pytest.mark.parametrize("name", ASKED)
def test_everything_public_has_a_sentence_and_a_word_for_each_option(name: str) -> None:
    described = ASKED[name]
    assert docstrings.summary(getattr(described, "__wrapped__", described)), "no docstring of its own"
    left = [each for each in docstrings.missing(described) if each not in ("args", "kwargs")]
    assert not left, f"the docstring says nothing of {left}"


def test_a_docstring_that_says_nothing_of_an_option_is_found() -> None:
    def made(width: int, depth: int, height: int = 3, **rest: int) -> None:
        """A thing. The width is said in prose only.

        depth, height: of the thing: how deep and high. Raises ValueError for none. rest: what is left.
        """

    assert docstrings.missing(made) == ["width"]
    assert docstrings.lines(made)["depth"] == docstrings.lines(made)["height"] == "of the thing: how deep and high"
    assert docstrings.prose(made) == [] and docstrings.summary(made).startswith("A thing.")


def test_what_another_docstring_says_is_looked_up_there() -> None:
    said = docstrings.lines(nw.tasks.npz)
    assert said["layout"] == docstrings.lines(nw.tasks.arrays)["layout"] and "channels-last" in said["layout"]


@pytest.mark.parametrize(("name", "command"), list(commands()), ids=[name for name, _ in commands()])
def test_every_option_of_every_command_is_in_the_reference(name: str, command: Any) -> None:
    text = (FOLDER / "commands.md").read_text().partition(f"## netwright {name}\n")[2].partition("\n## ")[0]
    assert flags(command) and all(f"`{each}`" in text for each in flags(command) if each.startswith("-"))


def test_every_option_of_search_is_in_the_guide_too() -> None:
    """Its tables group options by what they are for; a new one must be put somewhere."""
    search = dict(commands())["search"]
    lacking = [each for each in flags(search) if each.startswith("--") and each not in GUIDE]
    assert set(lacking) <= {"--baselines"}  # of which the guide shows the other form


def test_every_metric_that_an_estimator_names_is_described() -> None:
    measured = {each for name in ("Training", "Cost", "SharedWeights", "Predicted") for each in estimated(name)}
    assert measured <= set(metrics.METRICS)
    assert set(metrics.METRICS) - measured == {"cost_seconds"}
    for name, (unit, _, _) in metrics.METRICS.items():
        if unit in ("count", "bytes", "nats", "seconds"):
            assert Objective.parse(name).direction == "minimize", name


def estimated(name: str) -> tuple[str, ...]:
    """What an estimator measures, of classes where that follows from what is asked for."""
    kind = getattr(nw.estimators, name)
    made = kind(nw.spaces.Mlp(), nw.tasks.digits()) if name in ("Training", "SharedWeights") else kind
    return tuple(made.metrics)


def test_the_command_says_which_pages_differ(tmp_path: Path) -> None:
    code = (
        "import sys, pathlib, reference_pages.__main__ as pages\n"
        f"pages.FOLDER = pathlib.Path({str(tmp_path)!r})\n"
        "assert pages.main([]) == 0\n"
        "(pages.FOLDER / 'training.md').write_text('old')\n"
        "print(pages.differing(pages.FOLDER))\n"
    )
    paths = [str(ROOT / "tools"), str(Path(inspect.getfile(nw)).parents[1])]
    done = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path[:0] = {paths!r}\n{code}"], capture_output=True, text=True
    )
    assert done.stdout.strip() == "['training.md']", done.stderr

"""The wheel, made from the source distribution: what it holds, what it says of itself, and that it works."""

from __future__ import annotations

import csv
import email
import email.message
import os
import re
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from trove_classifiers import classifiers

from netwright.version import __version__

ROOT = Path(__file__).parents[1]
NAMED = f"netwright-{__version__}"
HANGS = 1200  # seconds: many times what it takes


def build(kind: str, source: Path, folder: Path) -> Path:
    """A distribution of the project in a folder, by the back end that its pyproject.toml names."""
    code = f"import sys, hatchling.build; print(hatchling.build.build_{kind}(sys.argv[1]))"
    command = [sys.executable, "-c", code, str(folder)]
    done = subprocess.run(command, cwd=source, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return folder / done.stdout.split()[-1]


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build("sdist", ROOT, tmp_path_factory.mktemp("sdist"))


@pytest.fixture(scope="module")
def wheel(sources: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """As an installer makes it that has the source distribution only."""
    folder = tmp_path_factory.mktemp("unpacked")
    with tarfile.open(sources) as archive:
        # Not every 3.11 knows filters; later ones warn without.
        options: dict[str, Any] = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}
        archive.extractall(folder, **options)
    return build("wheel", folder / NAMED, tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def metadata(wheel: Path) -> email.message.Message:
    with zipfile.ZipFile(wheel) as archive:
        return email.message_from_bytes(archive.read(f"{NAMED}.dist-info/METADATA"))


def tracked(folder: str) -> set[str]:
    if not (ROOT / ".git").exists():
        pytest.skip("this is no repository: what is tracked is not known")
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", folder]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return {name for name in listed.split("\0") if name and (ROOT / name).exists()}


def test_the_wheel_holds_the_package_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        held = {name for name in archive.namelist() if not name.endswith("/")}
    info = {name for name in held if name.startswith(f"{NAMED}.dist-info/")}
    assert held - info == {name.removeprefix("src/") for name in tracked("src/netwright")}
    assert {name.partition("/")[2] for name in info} == {
        *("METADATA", "RECORD", "WHEEL", "entry_points.txt", "licenses/LICENSE")
    }
    needed = ("py.typed", "catalogue/papers.json", "problems/portable/classes.py", "tasks/portable/arrays.py")
    assert {f"netwright/{name}" for name in needed} <= held


def test_the_source_distribution_holds_nothing_that_was_made_while_working(sources: Path) -> None:
    with tarfile.open(sources) as archive:
        held = {name.partition("/")[2] for name in archive.getnames()}
    made = (
        "__pycache__",
        ".venv",
        ".hypothesis",
        ".ruff_cache",
        ".pytest_cache",
        "netwright-runs",
        "demo-runs",
        "dist",
    )
    assert [name for name in held if set(name.split("/")) & set(made)] == []


def test_what_the_wheel_says_of_itself(metadata: email.message.Message) -> None:
    assert (metadata["Name"], metadata["Version"]) == ("netwright", __version__)
    assert metadata["License-Expression"] == "Apache-2.0" and metadata["License-File"] == "LICENSE"
    assert metadata["Requires-Python"] == ">=3.11" and metadata["Summary"] and metadata["Author"]
    assert metadata["Description-Content-Type"] == "text/markdown"
    assert str(metadata.get_payload()).startswith("# netwright")
    named = metadata.get_all("Classifier") or []
    assert set(named) <= classifiers and "Typing :: Typed" in named
    assert metadata.get_all("Provides-Extra") == ["compare", "dashboard", "dev", "onnx", "ray"]


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheel in it, and nothing of what it depends on, which the tests' own environment has."""
    folder = tmp_path_factory.mktemp("installed")
    options = ["--no-deps", "--no-index", "--no-compile", "--target", str(folder)]
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *options, str(wheel)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return folder


def netwright(installed: Path, folder: Path, *words: str) -> str:
    """What the installed command prints, run where nothing of the repository is in reach."""
    environment = {**os.environ, "PYTHONPATH": str(installed), "OMP_NUM_THREADS": "2"}
    command = [sys.executable, str(installed / "bin" / "netwright"), *words]
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=HANGS, check=False
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout


def test_the_installed_command_is_that_of_the_wheel(installed: Path, tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(installed)}
    command = [sys.executable, "-c", "import netwright; print(netwright.__file__)"]
    found = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True).stdout
    assert Path(found.strip()).is_relative_to(installed)
    assert netwright(installed, tmp_path, "--version").split() == ["netwright", __version__]


@pytest.mark.slow
@pytest.mark.timeout(HANGS)
def test_the_wheel_searches_a_small_file(installed: Path, tmp_path: Path) -> None:
    values = np.random.default_rng(0).normal(size=(90, 3)).round(3)
    with (tmp_path / "rows.csv").open("w", newline="") as file:
        rows = [[*each, "ab"[int(each[1] > each[0])]] for each in values.tolist()]
        csv.writer(file).writerows([["one", "two", "three", "larger"], *rows])
    words = ["--target-column", "larger", "--trials", "2", "--epochs", "1", "--final-epochs", "1", "--final-seeds", "1"]
    netwright(installed, tmp_path, "search", "rows.csv", *words, "--no-baselines", "--export", "best")
    model = [sys.executable, "best/model.py", "rows.csv"]
    answered = subprocess.run(model, cwd=tmp_path, capture_output=True, text=True, check=True).stdout
    assert len(answered.splitlines()) == 90


@pytest.mark.slow
@pytest.mark.timeout(HANGS)
def test_the_wheel_runs_its_demo_and_it_ends_as_the_readme_says(installed: Path, tmp_path: Path) -> None:
    """Numbers differ from machine to machine: those of the limit and of the network beside it do not."""
    ended = outcome(netwright(installed, tmp_path, "demo"))
    readme = re.search(
        r"^```console\n\$ netwright demo[^\n]*\n(.*?)^```", (ROOT / "README.md").read_text(), re.DOTALL | re.M
    )
    assert readme is not None
    said = outcome(readme.group(1))
    assert without_numbers(ended) == without_numbers(said), "the README should show:\n" + "\n".join(ended)
    for lines in (ended, said):
        found, reference = (row(line) for line in lines[1:3])
        assert (
            found["holds"] == "yes" and reference["holds"] == "no" and found["params"] <= 25_000 < reference["params"]
        )
        assert found["high"] >= reference["accuracy"], "it is not worse than the interval allows"
    assert row(ended[2])["params"] == row(said[2])["params"]
    assert (tmp_path / "demo-best" / "model.py").exists()


def outcome(text: str) -> list[str]:
    """The last lines: a table with a head and two rows, and a sentence."""
    lines = [line for line in text.splitlines() if line.strip()]
    return lines[-4:]


def without_numbers(lines: list[str]) -> list[str]:
    return [" ".join(re.sub(r"[-+]?[\d,]*\d(\.\d+)?", "N", line).split()) for line in lines]


def row(line: str) -> dict[str, Any]:
    found = re.match(r"(\S.*?)\s+([\d,]+)\s+(yes|no)\s+([\d.]+) %\s+([\d.]+) to ([\d.]+) %", line)
    assert found is not None, line
    name, params, holds, accuracy, low, high = found.groups()
    numbers = {"params": float(params.replace(",", "")), "accuracy": float(accuracy)}
    return {"name": name, "holds": holds, **numbers, "low": float(low), "high": float(high)}

"""The names of each package are the same for people, editors, type checkers and generators of documentation."""

from __future__ import annotations

import ast
import importlib
import subprocess
import sys
from pathlib import Path

import pytest

import netwright

PACKAGE = Path(netwright.__file__).parent
PARTS = ["netwright", *(f"netwright.{path.parent.name}" for path in sorted(PACKAGE.glob("*/__init__.py")))]
PUBLIC = [each for each in PARTS if hasattr(importlib.import_module(each), "__all__")]
WITHOUT = {"netwright.cli", "netwright.core", "netwright.networks"}  # their modules are imported by name
CALLS = ast.parse(
    """
import netwright as nw
nw.spaces.Chain, nw.estimators.Training, nw.methods.darts, nw.strategies.Asha, nw.executors.Processes, nw.testing
nw.Search, nw.tasks.digits, nw.predictors.NeuralPredictor, nw.benchmarks.compare
nw.spaces.Chian
nw.methods.drats
nw.Serach
"""
)


def tree(package: str) -> ast.Module:
    return ast.parse(Path(importlib.import_module(package).__file__ or "").read_text())


def imported(nodes: list[ast.stmt]) -> dict[str, str]:
    """Name -> where it is imported from, of the imports among these statements."""
    return {
        asname or name: f"{node.module}:{name}"
        for node in nodes
        if isinstance(node, ast.ImportFrom)
        for name, asname in taken(node)
    }


def taken(node: ast.ImportFrom) -> list[tuple[str, str | None]]:
    """The names of an import with those that they are given; of a star, what the module makes public."""
    if [alias.name for alias in node.names] == ["*"]:
        return [(name, None) for name in importlib.import_module(node.module or "").__all__]
    return [(alias.name, alias.asname) for alias in node.names]


def hidden(package: str) -> dict[str, str]:
    """The imports that only type checkers see."""
    branches = [
        node for node in tree(package).body if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node)
    ]
    return {name: place for each in branches for name, place in imported(each.body).items()}


def test_every_package_says_which_names_are_public() -> None:
    assert set(PARTS) - set(PUBLIC) == WITHOUT


@pytest.mark.parametrize("package", PUBLIC)
def test_every_public_name_is_there_and_listed(package: str) -> None:
    module = importlib.import_module(package)
    assert len(module.__all__) == len(set(module.__all__)) > 0
    assert set(module.__all__) <= set(dir(module))
    for name in module.__all__:
        assert getattr(module, name) is not None, name
    with pytest.raises(AttributeError, match="has no attribute 'nothing_of_the_kind'"):
        _ = module.nothing_of_the_kind


@pytest.mark.parametrize("package", PUBLIC)
def test_type_checkers_see_the_names_that_are_imported_on_demand(package: str) -> None:
    module = importlib.import_module(package)
    written = tree(package)
    made = {node.name for node in written.body if isinstance(node, ast.FunctionDef | ast.ClassDef)}
    made |= {node.targets[0].id for node in written.body if isinstance(node, ast.Assign)}
    later = set(module.__all__) - set(imported(written.body)) - made
    seen = hidden(package)
    assert later <= set(seen)
    for name in later:
        place, _, attribute = seen[name].partition(":")
        there = importlib.import_module(f"{place}.{name}" if place == package else place)
        assert getattr(module, name) is (there if place == package else getattr(there, attribute)), name


def test_an_editor_tells_names_that_do_not_exist_from_those_that_do(tmp_path: Path) -> None:
    page = tmp_path / "page.py"
    page.write_text(ast.unparse(CALLS))
    (tmp_path / "pyrightconfig.json").write_text(f'{{"extraPaths": ["{PACKAGE.parent}"]}}')
    command = [sys.executable, "-m", "pyright", "--pythonpath", sys.executable, "--project", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    told = [line for line in done.stdout.splitlines() if "error:" in line]
    assert len(told) == 3 and all(word in "".join(told) for word in ("Chian", "drats", "Serach")), done.stdout

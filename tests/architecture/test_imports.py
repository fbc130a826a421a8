"""Who may import whom (docs/design.md, "The house")."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "src" / "netwright"
ARROWS = {
    "core": set(),
    "networks": set(),
    "training": {"core"},
    "tasks": {"core"},
    "store": {"core"},
    "executors": {"core"},
    "spaces": {"core", "networks"},
    "predictors": {"core"},
    "strategies": {"core", "predictors"},
    "supernets": {"core", "networks"},
    "estimators": {"core", "networks", "predictors", "supernets", "training", "tasks"},
    "results": {"core", "networks", "training", "tasks", "executors"},
    "engine": {"core", "store", "executors", "results"},
    "testing": {"core"},
}
MODULES = sorted(path for path in PACKAGE.rglob("*.py") if path.relative_to(PACKAGE).parts[0] in ARROWS)


def imports(path: Path, *, annotations: bool) -> set[str]:
    """The modules that a file imports; with `annotations` also those only type checkers see."""
    found: set[str] = set()
    hidden: set[ast.AST] = set()
    tree = ast.parse(path.read_text())
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test) and not annotations:
            hidden.update(each for child in node.body for each in ast.walk(child))
    for node in ast.walk(tree):
        if node in hidden:
            continue
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            found.add(node.module or "")
            found.update(f"{node.module}.{alias.name}" for alias in node.names)
    return found


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_module_imports_only_what_its_folder_may(path: Path) -> None:
    folder = path.relative_to(PACKAGE).parts[0]
    parts = {each.split(".")[1] for each in imports(path, annotations=False) if each.startswith("netwright.")}
    own = {each for each in parts if (PACKAGE / each).is_dir()} - {folder}
    assert own <= ARROWS[folder], f"{folder} imports {sorted(own - ARROWS[folder])}"


def test_every_folder_of_the_package_has_its_arrows() -> None:
    folders = {path.name for path in PACKAGE.iterdir() if path.is_dir() and any(path.glob("*.py"))}
    assert folders - {"cli", "recipes", "benchmarks", "dashboard"} <= set(ARROWS)


@pytest.mark.parametrize("light", ["netwright", "netwright.cli.app", "netwright.core.space", "netwright.strategies"])
def test_what_is_imported_first_needs_no_torch(light: str) -> None:
    code = f"import sys, {light}; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("folder", ["spaces", "strategies", "estimators", "training", "store", "engine", "tasks"])
def test_the_library_imports_with_four_dependencies(folder: str) -> None:
    """torch, numpy, scikit-learn and safetensors are enough; everything else is imported where it is used."""
    others = ["PIL", "yaml", "typer", "rich", "pydantic", "moocore", "fastapi", "ray"]
    others += ["matplotlib", "pandas", "pyarrow", "statsmodels"]
    code = f"import sys; sys.modules.update(dict.fromkeys({others!r})); import netwright.{folder}"
    subprocess.run([sys.executable, "-c", code], check=True)


FORBIDDEN = ("pickle.load", "yaml.load(", "eval(", "exec(", "allow_pickle=True", "shell=True", "joblib.load")


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_nothing_reads_a_format_that_can_run_code(path: Path) -> None:
    calls = [ast.unparse(node) for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)]
    for call in calls:
        assert not any(call.startswith(each) for each in FORBIDDEN), call
        assert "allow_pickle=True" not in call and "shell=True" not in call, call
        if call.startswith("torch.load("):
            assert "weights_only=True" in call, call

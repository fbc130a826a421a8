"""Who may import whom (docs/design.md, "The house")."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "src" / "netwright"
NAMED = re.compile(r"(netwright(?:\.\w+)+)(?::\w+)?")  # a module as text, imported when it is asked for
EVERYBODY = {"version"}  # what any module may import


def arrows(page: str) -> dict[str, set[str]]:
    """Which folders each folder may import, as the page says; every line names only folders of the lines before."""
    lines = page.partition("Who may import whom")[2].split("```")[1].strip().splitlines()
    found: dict[str, set[str]] = {}
    for line in lines:
        folders, _, allowed = line.partition("->")
        named = set(found) if "all above" in allowed else set(re.findall(r"\w+", allowed)) - {"nothing"}
        assert named <= set(found), f"{line}: imports what comes later"
        found |= dict.fromkeys(re.findall(r"\w+", folders), named)
    return found


def name_of(path: Path) -> str:
    parts = ("netwright", *path.relative_to(PACKAGE).with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


ARROWS = arrows((ROOT / "docs" / "design.md").read_text())
MODULES = {name_of(path): path for path in sorted(PACKAGE.rglob("*.py"))}


@cache
def parsed(name: str) -> ast.Module:
    return ast.parse(MODULES[name].read_text())


def seen_by_type_checkers(tree: ast.Module) -> set[ast.AST]:
    """What stands under `if TYPE_CHECKING:`."""
    branches = [
        each for each in ast.walk(tree) if isinstance(each, ast.If) and "TYPE_CHECKING" in ast.unparse(each.test)
    ]
    return {each for branch in branches for child in branch.body for each in ast.walk(child)}


def imports(tree: ast.Module) -> Iterator[tuple[str, ast.AST]]:
    """The modules of the package that a module imports, inside functions too, each with where."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"line {node.lineno}: relative import"
            inner = [f"{node.module}.{alias.name}" for alias in node.names]
            found = [each if each in MODULES else node.module or "" for each in inner]
        else:
            continue
        yield from ((each, node) for each in found if each in MODULES)


def names_in_text(tree: ast.Module) -> set[str]:
    """The modules of the package that a module names as text, "netwright.spaces.chain:Chain"."""
    texts = [each.value for each in ast.walk(tree) if isinstance(each, ast.Constant) and isinstance(each.value, str)]
    return {found[1] for each in texts if (found := NAMED.fullmatch(each)) and found[1] in MODULES}


def room(module: str) -> str:
    """The folder of a module, or its own name where it lies beside the folders."""
    return module.split(".")[1] if "." in module else "netwright"


def circles(graph: Mapping[str, Iterable[str]]) -> list[set[str]]:
    """The groups of more than one in which each leads to each."""
    reach = {name: set(reached(graph, name)) for name in graph}
    groups = {frozenset(other for other in reach[name] if name in reach[other]) for name in graph}
    return [set(group) for group in groups if group]


def reached(graph: Mapping[str, Iterable[str]], start: str) -> set[str]:
    """Everything to which one leads, by way of others too."""
    found: set[str] = set()
    waiting = list(graph[start])
    while waiting:
        each = waiting.pop()
        if each not in found:
            found.add(each)
            waiting.extend(graph[each])
    return found


def modules_imported(name: str) -> set[str]:
    """What is imported when the program runs."""
    hidden = seen_by_type_checkers(parsed(name))
    return {each for each, node in imports(parsed(name)) if node not in hidden}


@pytest.mark.parametrize("name", [name for name in MODULES if room(name) in ARROWS])
def test_a_module_imports_only_what_its_folder_may(name: str) -> None:
    own = room(name)
    found = {room(each) for each in modules_imported(name) | names_in_text(parsed(name))}
    forbidden = found - EVERYBODY - {own} - ARROWS[own]
    assert not forbidden, f"{own} imports {sorted(forbidden)}"


def test_every_folder_of_the_package_has_its_arrows() -> None:
    assert {path.name for path in PACKAGE.iterdir() if path.is_dir() and any(path.glob("*.py"))} == set(ARROWS)


def test_nothing_may_import_the_command_line() -> None:
    assert not [folder for folder, allowed in ARROWS.items() if "cli" in allowed]


def test_no_modules_import_each_other() -> None:
    assert circles({name: modules_imported(name) for name in MODULES}) == []


def test_no_folders_import_each_other_for_type_checkers_either() -> None:
    graph: dict[str, set[str]] = {folder: set() for folder in ARROWS}
    for name in MODULES:
        if room(name) in ARROWS:
            graph[room(name)] |= {room(each) for each, _ in imports(parsed(name))} & set(ARROWS) - {room(name)}
    assert circles(graph) == []


def test_circles_are_found_and_only_these() -> None:
    graph = {"a": "b", "b": "c", "c": "a", "d": "ae", "e": "f", "f": "", "g": "hg", "h": "g"}
    assert sorted(map(sorted, circles(graph))) == [["a", "b", "c"], ["g", "h"]]


def test_what_is_imported_first_needs_no_torch() -> None:
    light = ["netwright", "netwright.cli.app", "netwright.core.space", "netwright.strategies"]
    imports_all("import importlib, sys", light, "assert 'torch' not in sys.modules, name")


def test_the_library_imports_with_four_dependencies() -> None:
    """torch, numpy, scikit-learn and safetensors are enough; everything else is imported where it is used."""
    others = ["PIL", "typer", "rich", "moocore", "fastapi", "ray"]
    others += ["altair", "vl_convert", "pandas", "pyarrow"]
    folders = ["spaces", "strategies", "estimators", "training", "store", "engine", "tasks"]
    hidden = f"import importlib, sys; sys.modules.update(dict.fromkeys({others!r}))"
    imports_all(hidden, [f"netwright.{folder}" for folder in folders], "assert 'netwright' in sys.modules")


WITH_EXTRAS = ("netwright.dashboard", "netwright.results.onnx_frame", "netwright.runtimes.on_board")


def test_only_what_is_for_an_extra_needs_it() -> None:
    """Without `onnx` networks are searched and exported; what goes into files for a device is imported by nobody."""
    extras = ["onnx", "onnxruntime", "onnxscript", "ray", "altair", "vl_convert", "jinja2", "fastapi", "uvicorn"]
    hidden = f"import importlib, sys; sys.modules.update(dict.fromkeys({extras!r}))"
    names = [name for name in MODULES if not name.startswith(WITH_EXTRAS) and not name.endswith("__main__")]
    imports_all(hidden, names, "assert name in sys.modules")


def imports_all(first: str, names: list[str], after_each: str) -> None:
    """Import these in one process, after `first`."""
    code = f"{first}\nfor name in {names!r}:\n    importlib.import_module(name)\n    {after_each}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


FORBIDDEN = ("pickle.load", "yaml.load(", "eval(", "exec(", "joblib.load")


@pytest.mark.parametrize("name", MODULES)
def test_nothing_reads_a_format_that_can_run_code(name: str) -> None:
    for node in ast.walk(parsed(name)):
        if isinstance(node, ast.Call):
            call = f"{ast.unparse(node.func)}("
            options = {each.arg: ast.unparse(each.value) for each in node.keywords}
            assert not call.startswith(FORBIDDEN), call
            assert "True" not in (options.get("allow_pickle"), options.get("shell")), call
            if call == "torch.load(":
                assert options.get("weights_only") == "True", call

"""What the project says of itself is true of its files: source distribution, versions, extras, changelog, citation."""

from __future__ import annotations

import ast
import importlib.util
import re
import subprocess
import sys
import tarfile
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml

import netwright
from netwright.core.installing import package

ROOT = Path(__file__).parents[1]
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXTRAS: dict[str, list[str]] = PROJECT["optional-dependencies"]
KINDS = ("feature", "bugfix", "doc", "removal", "misc")


def pins(name: str) -> dict[str, str]:
    lines = (ROOT / "constraints" / name).read_text().splitlines()
    pairs = [line.split("==") for line in lines if not line.startswith("#")]
    return {package.lower(): version for package, version in pairs}


def tool(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, ROOT / "tools" / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_source_distribution_holds_every_file_of_the_repository(tmp_path: Path) -> None:
    if not (ROOT / ".git").exists():
        pytest.skip("this is no repository: what is tracked is not known")
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    build = "import sys, hatchling.build; print(hatchling.build.build_sdist(sys.argv[1]))"
    done = subprocess.run(
        [sys.executable, "-c", build, tmp_path], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    with tarfile.open(tmp_path / done.stdout.split()[-1]) as archive:
        held = {name.partition("/")[2] for name in archive.getnames()}
    tracked = {name for name in listed.split("\0") if name and (ROOT / name).exists()}
    assert {"Makefile", "constraints/ci.txt", "benchmarks/RESULTS.md", "CHANGELOG.md"} <= held
    assert tracked <= held


def test_the_oldest_versions_are_those_of_the_project() -> None:
    wanted = [*PROJECT["dependencies"], *EXTRAS["ray"], *EXTRAS["compare"], *EXTRAS["onnx"]]
    bounds = {package(each).lower(): each.partition(">=")[2] for each in wanted}
    assert all(bounds.values()), "each has a lower bound"

    def same(version: str) -> str:
        return re.sub(r"(\.0)+$", "", version)

    oldest = pins("oldest.txt")
    assert {name: same(version) for name, version in oldest.items()} == {k: same(v) for k, v in bounds.items()}
    assert set(oldest) <= set(pins("ci.txt"))


def test_every_dependency_is_imported_by_the_package() -> None:
    wanted = {
        package(each).lower()
        for each in (*PROJECT["dependencies"], *EXTRAS["ray"], *EXTRAS["compare"], *EXTRAS["onnx"])
    }
    homes = {module: {name.lower() for name in names} for module, names in packages_distributions().items()}
    trees = [ast.parse(path.read_text()) for path in (ROOT / "src").rglob("*.py")]
    nodes = [node for tree in trees for node in ast.walk(tree)]
    modules = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    modules |= {node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.module}
    found = set().union(*(homes.get(module.partition(".")[0], ()) for module in modules))
    assert wanted - found == {"onnxscript"}, "which PyTorch's exporter imports"


def test_no_file_names_a_package_of_cuda() -> None:
    for name in ("pyproject.toml", "constraints/ci.txt", "constraints/oldest.txt"):
        assert not re.search(r"^\W*(nvidia|cuda)-", (ROOT / name).read_text(), flags=re.MULTILINE)


def test_the_readme_names_the_extras() -> None:
    table = (ROOT / "README.md").read_text().partition("| extra |")[2].partition("\n\n")[0]
    assert set(re.findall(r"^\| `(\w+)` \|", table, flags=re.MULTILINE)) == set(EXTRAS)


def test_the_citation_is_of_this_project() -> None:
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert {"cff-version", "message", "title", "authors", "version"} <= set(cited) and cited["cff-version"] == "1.2.0"
    assert str(cited["version"]) == netwright.__version__
    assert cited["license"] == PROJECT["license"] and cited["authors"] == PROJECT["authors"]


def test_each_fragment_of_the_changelog_says_its_kind() -> None:
    fragments = [path.name for path in (ROOT / "changelog").iterdir()]
    assert all(re.fullmatch(rf"[a-z0-9-]+\.({'|'.join(KINDS)})\.md", name) for name in fragments), fragments


def test_the_changelog_is_made_of_the_fragments_however_often(tmp_path: Path) -> None:
    changelog = tool("changelog")
    for name in ("pyproject.toml", "tools/changelog.jinja", "src/netwright/version.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes((ROOT / name).read_bytes())
    page, fragments = tmp_path / "CHANGELOG.md", tmp_path / "changelog"
    fragments.mkdir()
    (fragments / "one.feature.md").write_text("First thing.\n")
    page.write_text(f"# Changelog\n\n{changelog.START}\n## 0.0.9 (2020-01-01)\n\n- Old.\n")
    for _ in range(2):
        assert changelog.main(tmp_path, []) == 0
    assert page.read_text().count("First thing.") == 1 and page.read_text().endswith("- Old.\n")
    (fragments / "two.bugfix.md").write_text("Second thing.\n")
    assert changelog.main(tmp_path, ["--release"]) == 0
    text = page.read_text()
    assert not list(fragments.iterdir()) and changelog.UNRELEASED not in text
    assert text.index("First thing.") < text.index("Second thing.") < text.index("- Old.")

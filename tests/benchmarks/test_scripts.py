"""Each script in benchmarks/ runs to its end in its smallest form."""

from __future__ import annotations

import ast
import csv
import importlib.util
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from netwright.spaces import NasBench201

FOLDER = Path(__file__).parents[2] / "benchmarks"
TABLE = "TABLE"  # stands for a table of all of NAS-Bench-201 with made-up accuracies
ROWS = "ROWS"  # stands for a data set, a small table of classes
MASKS = "MASKS"  # stands for a folder of images with masks
SMALLEST = {
    "big_project.py": "project --smallest --rounds 2",
    "compare_files.py": f"{TABLE} --evaluations 5 --repeats 3 --rounds 1 --processes 1",
    "compare_nasbench201.py": f"{TABLE} --strategies random --evaluations 5 --repeats 5",
    "compare_null.py": f"{TABLE} --comparisons 2 --strategies random",
    "controllers.py": f"{TABLE} --evaluations 6 --seeds 2",
    "data_memory.py": "--megabytes 1 --repeats 1 --only npz",
    "engine.py": f"--trials 50 --repeats 1 --table {TABLE}",
    "fronts.py": f"{TABLE} --latency {TABLE} --devices cifar10_test_200 --evaluations 5 --seeds 2",
    "folder_workers.py": "cost --workers 1 --trials 3 --repeats 1",
    "gpu.py": "--device cpu --smallest",
    "growth.py": "--smallest",
    "hypernetworks.py": "--smallest",
    "inheritance.py": "--smallest",
    "latency.py": "networks --space mlp --side 8 --networks 2",
    "masks.py": f"{MASKS} --smallest",
    "paths.py": "--batch 2 --steps 1 --smallest",
    "predictors.py": f"{TABLE} --sizes 20 --seeds 1 --tested 20 --only linear",
    "process_settings.py": "threads --rounds 1",
    "proxies.py": "times --networks 1 --pairs 1 --batch-size 2 --proxies synflow",
    "ray_cluster.py": "--nodes 1 --workers 1 --trials 2",
    "short_searches.py": f"--smallest --table {TABLE} --recipes single-path-one-shot gdas",
    "shrinking_network.py": "digits --examples 60 --last 8 --epochs 1 --candidate-epochs 1 --seeds 1 --limit macs<=9M",
    "side_by_side.py": "--smallest",
    "soak.py": "--kills 1 --seeds 1 --each 1 --cases RegularizedEvolution",
    "spaces.py": "--smallest",
    "strategies.py": f"{TABLE} --evaluations 5 --seeds 2",
    "supernet.py": "--quick --device cpu",
    "table_reading.py": "--rows 50 --columns 3 --repeats 1",
    "training.py": "--rounds 2 --only naive --workers 0",
    "watched_search.py": "--pairs 1 --trials 3 --no-browser",
    "worth.py": f"{ROWS} --to found --time 15s --seeds 1 --only auto,trees",
    "workers.py": "speed --trials 2 --work 5 --repeats 1",
}
LEFT_OUT = {"one_shot.py": "reads the 50,000 images of CIFAR-10"}
NEEDS = {"ray_cluster.py": "ray", "compare_nasbench201.py": "vl_convert", "compare_files.py": "vl_convert"}
HANGS = 1200  # seconds: many times what the longest of them takes


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("table") / "nasbench201.csv"
    draws = np.random.default_rng(0)
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["arch", "cifar10_valid_12", "cifar10_test_200"])
        writer.writerows([str(each), *draws.uniform(50, 90, 2).round(2)] for each in NasBench201().enumerate())
    return path


@pytest.fixture(scope="module")
def masks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight pictures of 32x32 pixels, and which of them are bright."""
    folder, draws = tmp_path_factory.mktemp("pictures"), np.random.default_rng(0)
    for kind in ("images", "masks"):
        (folder / kind).mkdir()
    for number in range(8):
        pixels = draws.integers(0, 256, (32, 32)).astype(np.uint8)
        Image.fromarray(pixels).save(folder / "images" / f"{number}.png")
        Image.fromarray((pixels > 128).astype(np.uint8)).save(folder / "masks" / f"{number}.png")
    return folder


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Rows of three numbers, and which of two is the larger."""
    path = tmp_path_factory.mktemp("rows") / "rows.csv"
    values = np.random.default_rng(0).normal(size=(80, 3)).round(3)
    with path.open("w", newline="") as file:
        csv.writer(file).writerows(
            [["a", "b", "c", "larger"], *([*each, "ab"[int(each[1] > each[0])]] for each in values.tolist())]
        )
    return f"rows={path},target_column=larger"


def run(script: str, arguments: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    command = [sys.executable, str(FOLDER / script), *arguments]
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=HANGS, check=False
    )


@pytest.mark.slow
@pytest.mark.parametrize("script", SMALLEST)
def test_it_runs_in_its_smallest_form(script: str, table: Path, masks: Path, rows: str, tmp_path: Path) -> None:
    if script in NEEDS and importlib.util.find_spec(NEEDS[script]) is None:
        pytest.skip(f"needs {NEEDS[script]}, which is not installed")
    places = {TABLE: str(table), MASKS: str(masks), ROWS: rows}
    arguments = [places.get(each, each) for each in SMALLEST[script].split()]
    found = run(script, arguments, tmp_path)
    assert found.returncode == 0, found.stdout[-2000:] + found.stderr[-4000:]
    assert found.stdout.strip()


def imported(script: Path) -> Iterator[tuple[str, str]]:
    """Modules of netwright, and the names that are imported from them."""
    for node in ast.walk(ast.parse(script.read_text())):
        if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] == "netwright":
            yield from ((node.module or "", each.name) for each in node.names)


@pytest.mark.parametrize("script", sorted(FOLDER.glob("*.py")), ids=lambda script: script.name)
def test_what_it_imports_is_there(script: Path) -> None:
    """Running it takes too long for each change; a name that was changed shows here."""
    for module, name in imported(script):
        holder = importlib.import_module(module)
        found = hasattr(holder, name) or (hasattr(holder, "__path__") and importlib.util.find_spec(f"{module}.{name}"))
        assert found, f"{script.name} imports {name} from {module}, which has no such name"


def test_every_script_has_a_smallest_form() -> None:
    assert {each.name for each in FOLDER.glob("*.py")} == {*SMALLEST, *LEFT_OUT}


@pytest.mark.skipif("__import__('torch').cuda.is_available()", reason="there is a CUDA device here")
def test_without_a_gpu_its_script_says_so_in_one_line(tmp_path: Path) -> None:
    found = run("gpu.py", [], tmp_path)
    assert found.returncode == 2
    assert len(found.stdout.splitlines()) == 1
    assert "no CUDA device" in found.stdout
    assert not found.stderr

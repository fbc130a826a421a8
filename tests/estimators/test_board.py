"""A profile is taken to a device, timed there with numpy and ONNX Runtime alone, and brought back for a search."""

import csv
import json
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch

from netwright.core.architecture import Mixture
from netwright.core.errors import DataError, UserError
from netwright.core.objective import Constraint
from netwright.core.task import TaskShape
from netwright.core.trial import Proposal
from netwright.engine import Search
from netwright.estimators import SharedWeights, Training
from netwright.estimators.machine import behind
from netwright.estimators.machine.board import BoardLatency, read_board
from netwright.estimators.machine.profile import write_profile
from netwright.spaces import Chain
from netwright.strategies import RandomSearch
from netwright.tasks import open_task

pytest.importorskip("onnxruntime")
pytest.importorskip("onnxscript")

SHAPE, SPACE = TaskShape((1, 8, 8), 10), Chain(width=4, least=1, most=2)
FORBIDDEN = """
import sys
class Refuse:
    def find_spec(self, name, *_):
        if name.split(".")[0] in ("torch", "netwright", "onnx", "scipy"):
            raise ImportError(name)
sys.meta_path.insert(0, Refuse())
sys.argv = sys.argv[1:]
import runpy
runpy.run_path(sys.argv[0], run_name="__main__")
"""


@pytest.fixture(scope="module")
def board(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("board")
    made = write_profile(SPACE, SHAPE, folder / "board.zip", networks=4)
    assert made.networks == 4 and made.operations > 5
    with zipfile.ZipFile(folder / "board.zip") as archive:
        archive.extractall(folder / "there")
        assert {"run.py", "pieces.csv", "README.txt"} <= set(archive.namelist())
    target = folder / "board.csv"
    command = [sys.executable, "-c", FORBIDDEN, str(folder / "there" / "run.py"), "--seconds", "0.002"]
    subprocess.run([*command, "--to", str(target)], check=True, capture_output=True, cwd=folder)
    return target


def test_every_piece_was_timed_where_torch_cannot_be_imported(board):
    rows = read_board(board)
    assert sum(row["kind"] == "network" for row in rows) == 4
    assert all(float(row["ms"]) > 0 and float(row["spread"]) >= 0 for row in rows)
    assert {"conv2d", "linear"} <= {row["operation"] for row in rows}
    assert rows[0]["runtime"].startswith("onnxruntime ")


def test_a_search_goes_by_the_board_and_measures_nothing_here(board):
    training = Training(SPACE, open_task("digits"), epochs=1, steps_per_epoch=1)
    estimator = behind(training, SPACE, SHAPE, ["latency_ms"], str(board))
    assert [type(each).__name__ for each in estimator.stages()] == ["BoardLatency", "Cost", "Training"]
    run = Search(RandomSearch(SPACE), estimator, constraints="latency_ms <= 1 s").run(trials=2, preflight=False)
    best = run.best
    assert best.metrics["latency_ms"] == best.metrics["latency_predicted_ms"] > 0
    assert "board.csv, which errs by" in estimator.stages()[0].described()["foretold"]  # pyright: ignore
    json.dumps(estimator.configuration())


def test_the_whole_networks_are_foretold_about_as_they_were_measured(board):
    latency = BoardLatency(SPACE, SHAPE, str(board))
    rows = [row for row in read_board(board) if row["kind"] == "network"]
    errors = [latency.of(SPACE.parse(row["architecture"])) / float(row["ms"]) - 1 for row in rows]
    assert np.median(np.abs(errors)) < 0.5
    assert latency.fit.networks == 4


def scaled(board: Path, target: Path, change) -> Path:
    rows = read_board(board)
    with target.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        for row in rows:
            change(row)
            writer.writerow(row)
    return target


def test_a_device_that_is_ten_times_slower_is_foretold_so(board, tmp_path):
    slow = scaled(board, tmp_path / "slow.csv", lambda row: row.update(ms=f"{10 * float(row['ms'])}"))
    architecture = SPACE.sample(np.random.default_rng(3))
    quick, late = BoardLatency(SPACE, SHAPE, str(board)), BoardLatency(SPACE, SHAPE, str(slow))
    assert late.of(architecture) == pytest.approx(
        10 * quick.of(architecture), rel=0.15
    )  # what calls take is held to a millionth of a second
    found = quick.again(SPACE.build(architecture, SHAPE))
    assert found["latency_ms"] == pytest.approx(quick.estimate(Proposal(architecture), 0).metrics["latency_ms"])
    limit = Constraint("latency_ms", found["latency_ms"])
    assert not quick.surely(limit, found)  # the table errs


def test_a_board_leads_a_mixture_to_what_surely_keeps_the_limit_there(board):
    stage, weights = BoardLatency(SPACE, SHAPE, str(board)), SharedWeights(SPACE, open_task("digits", limit=60))
    rng = np.random.default_rng(0)
    drawn = sorted((SPACE.sample(rng) for _ in range(40)), key=stage.of)
    known = [stage.of(each) for each in drawn]
    limit = Constraint("latency_ms", (1 + stage.fit.error) * float(np.quantile(known, 0.6)))
    decoder = weights.within([limit], [stage])
    slowest = SPACE.indices(drawn[-1])
    ones = {each.name: torch.full((len(each.options),), 0.01) for each in SPACE.decisions}
    for decision, option in zip(SPACE.decisions, slowest, strict=True):
        if option >= 0:
            ones[decision.name][option] = 1.0
    found = stage.estimate(Proposal(decoder.decode(Mixture(ones))), 0)  # TooSlow where the limit is not sure
    reach = 1 + stage.fit.error
    assert reach * found.metrics["latency_ms"] <= limit.limit < reach * max(known)
    even = Mixture({each.name: torch.ones(len(each.options)) for each in SPACE.decisions})
    expected = weights.costs.expected(even)["latency_ms"]
    assert min(known) < float(expected) < max(known)


def test_files_that_are_no_board_are_refused_with_what_they_lack(board, tmp_path):
    with pytest.raises(UserError, match="cannot be read"):
        BoardLatency(SPACE, SHAPE, str(tmp_path / "none.csv"))
    other = tmp_path / "other.csv"
    other.write_text("a,b\n1,2\n")
    with pytest.raises(DataError, match="lacks kind, operation"):
        read_board(other)
    with pytest.raises(DataError, match="line 2: ms is 'soon'"):
        read_board(scaled(board, tmp_path / "odd.csv", lambda row: row.update(ms="soon")))
    with pytest.raises(DataError, match="examples of 1x8x8, found examples of 3x8x8"):
        BoardLatency(SPACE, TaskShape((3, 8, 8), 10), str(board))

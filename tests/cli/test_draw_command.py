"""`netwright draw`: which architecture is meant, what is written, and what is said."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest

from netwright import Search
from netwright.cli.main import run
from netwright.core.estimator import Estimator
from netwright.core.task import TaskShape
from netwright.core.trial import Measurement, Proposal
from netwright.engine.identity import note_identity
from netwright.estimators import Training
from netwright.spaces import Mlp, NasBench201
from netwright.store import Store
from netwright.strategies import RandomSearch
from netwright.tasks import digits

CELL = "|nor_conv_3x3~0|+|none~0|skip_connect~1|+|avg_pool_3x3~0|none~1|nor_conv_1x1~2|"


class Counted(Estimator):
    """The number of convolutions."""

    metrics = ("val_accuracy",)

    def estimate(self, proposal: Proposal, seed: int) -> Measurement:
        return Measurement({"val_accuracy": str(proposal.candidate).count("conv") / 7})


def stored(directory: Path) -> str:
    found = Search(RandomSearch(NasBench201(channels=4)), Counted()).run(trials=8, store=directory, name="some")
    return str(found.best.number)


def texts(path: Path) -> set[str]:
    return {each.text or "" for each in ElementTree.parse(path).iter() if each.tag.endswith("text")}


def test_a_published_cell_is_drawn_and_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(["draw", "DARTS-v2"]) == 0
    said = capsys.readouterr().out
    assert "darts_v2 (Liu et al. 2019)" in said and "5 sep conv 3×3, 2 skip, dil conv 3×3" in said
    assert {"normal cell", "reduce cell", "cell k−2", "dil conv 3×3"} <= texts(tmp_path / "darts_v2.svg")


def test_the_best_trial_of_a_run_another_one_and_their_difference(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    best = stored(tmp_path / "runs")
    where = ["--dir", str(tmp_path / "runs"), "--to", str(tmp_path / "a.svg"), "--json"]
    assert run(["draw", *where]) == 0
    assert json.loads(capsys.readouterr().out)["title"] == f"trial {best} of some, the best"
    other = "0" if best != "0" else "1"
    assert run(["draw", f"some:{other}", *where, "--against", best]) == 0
    assert json.loads(capsys.readouterr().out)["title"] == f"from trial {best} of some to trial {other} of some"
    assert {"≠", "changed"} & texts(tmp_path / "a.svg")


def test_a_run_draws_the_network_for_the_shape_that_it_was_asked_for(tmp_path: Path) -> None:
    stored(tmp_path / "runs")
    to = tmp_path / "network.svg"
    assert (
        run(["draw", "some", "--dir", str(tmp_path / "runs"), "--network", "--shape", "1,16,16", "--to", str(to)]) == 0
    )
    assert {"1×16×16", "dense cell"} <= texts(to)


def test_json_is_read_with_its_space_in_a_file_too(tmp_path: Path) -> None:
    space = NasBench201()
    (tmp_path / "cell.json").write_text(space.parse(CELL).to_json())
    for words in ([CELL, "--space", "nasbench201"], [space.parse(CELL).to_json()], [str(tmp_path / "cell.json")]):
        assert run(["draw", *words, "--to", str(tmp_path / "a.svg")]) == 0
        assert {"conv 3×3", "conv 1×1", "avg pool 3×3"} <= texts(tmp_path / "a.svg")


@pytest.mark.parametrize(("suffix", "begins"), [("png", b"\x89PNG"), ("pdf", b"%PDF")])
def test_other_files_are_written_with_the_extra(suffix: str, begins: bytes, tmp_path: Path) -> None:
    pytest.importorskip("vl_convert")
    to = tmp_path / f"cell.{suffix}"
    assert run(["draw", "gdas_v1", "--to", str(to)]) == 0
    assert to.read_bytes().startswith(begins)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["drats_v2"], "did you mean 'darts_v2'?"),
        (["darts_v2", "--to", "a.gif"], "--to a.gif: expected a file that ends in .svg, .png, .pdf"),
        (['{"a": 1}'], "say whose it is with --space"),
        (["darts_v2", "--shape", "3x32x32", "--network"], "--shape 3x32x32: expected whole numbers, as 3,32,32"),
        (["darts_v2", "--theme", "drak"], "no theme 'drak'; did you mean 'dark'?"),
    ],
)
def test_what_cannot_be_drawn_is_said_in_one_line(
    words: list[str],
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(["draw", *words]) == 2
    told = capsys.readouterr().err
    assert said in told and told.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_a_trial_that_there_is_not_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    stored(tmp_path / "runs")
    assert run(["draw", "some", "--trial", "99", "--dir", str(tmp_path / "runs"), "--to", str(tmp_path / "a.svg")]) == 2
    assert "run 'some' has no trial 99" in capsys.readouterr().err


def test_the_shape_of_the_data_is_kept_with_a_run(tmp_path: Path) -> None:
    task = digits()
    search = Search(RandomSearch(Mlp()), Training(Mlp(), task))
    with Store(tmp_path) as store:
        note_identity(store, "shaped", search)
        assert TaskShape.from_json(store.document("shaped", "networks")["shape"]) == task.shape

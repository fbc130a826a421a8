"""Messages name options in the language of whoever reads them: flags on the command line, arguments in Python."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from netwright import tasks
from netwright.cli.flags import in_flags
from netwright.cli.main import run
from netwright.core.errors import NetwrightError, UserError
from netwright.core.spelling import MARK, option, spelled
from netwright.engine.stops import Stops
from netwright.estimators import SharedWeights, Table
from netwright.executors.processes.placement import Gpus
from netwright.results import check_target
from netwright.spaces import Mlp, NasBench201
from netwright.tasks import digits

ROWS = [f"{i},{i * 37 % 101 / 4},{['cat', 'dog'][i % 7 < 3]}" for i in range(80)]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Data of each kind with one thing wrong."""
    monkeypatch.chdir(tmp_path)
    Path("whole.csv").write_text("\n".join(["first,weight,kind", *ROWS]))
    Path("gaps.csv").write_text("\n".join(["first,weight,kind", *ROWS, "3,,cat"]))
    Path("typed.csv").write_text("\n".join(["first,weight,kind", *ROWS, "3,heavy,cat"]))
    Path("single.csv").write_text("\n".join(["kind", *"abab"]))
    generator, labels = np.random.default_rng(0), np.arange(40) % 2
    vectors = generator.normal(size=(40, 4))
    vectors[3, 1] = np.nan
    np.savez("gaps.npz", x=vectors, y=labels)
    np.savez("turned.npz", x=generator.integers(0, 255, (40, 8, 8, 9), dtype=np.uint8), y=labels)
    Path("made").mkdir()
    Path("made/notes.txt").write_text("kept")
    return tmp_path


TABLE = [
    (("whole.csv",), {}, "--target-column kind", "target='kind'"),
    (("gaps.csv", "--target-column", "kind"), {"target": "kind"}, "--nan impute-median", "nan='impute-median'"),
    (("typed.csv", "--target-column", "kind"), {"target": "kind"}, "--drop weight", "drop=['weight']"),
    (("single.csv",), {}, "--delimiter ' '", "delimiter=' '"),
    (("whole.csv", "--categories", "none"), {"categories": "none"}, "--categories must be", "categories= must be"),
    (("whole.csv", "--delimiter", "::"), {"delimiter": "::"}, "--delimiter is one", "delimiter= is one"),
    (("gaps.npz",), {}, "--nan drop", "nan='drop'"),
    (("gaps.npz", "--nan", "mean"), {"nan": "mean"}, "--nan must be", "nan= must be"),
    (("turned.npz",), {}, "--layout channels-first", "layout='channels-first'"),
    (("turned.npz", "--layout", "rows"), {"layout": "rows"}, "--layout must be", "layout= must be"),
    (("cifar10",), {}, "--data-dir", "data_dir="),
]


@pytest.mark.parametrize(("words", "options", "flag", "argument"), TABLE)
def test_bad_data_is_told_in_flags_and_in_arguments(
    words: tuple[str, ...], options: dict[str, str], flag: str, argument: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["search", *words, "--trials", "1", "--epochs", "1", "--final-epochs", "0", "--dir", "runs"]) in (2, 5)
    told = capsys.readouterr().err
    assert flag in told and argument not in told and MARK not in told
    with pytest.raises(NetwrightError) as found:
        tasks.open_task(words[0], **options)
    assert argument in str(found.value) and argument in repr(found.value)
    assert flag not in str(found.value) and MARK not in str(found.value) + repr(found.value)


CELL = NasBench201()


def placed(each: float, workers: int) -> Gpus:
    found = Gpus.__new__(Gpus)
    found._names, found._each, found._workers = ["0", "1"], each, workers
    return found


CUDA = [SimpleNamespace(device="cuda", arguments={"device": "cuda"})]
RAISED = [
    (lambda: placed(0, 2).require(CUDA), "--gpus-per-trial is 0", "gpus_per_trial is 0"),
    (lambda: placed(0, 2).require(CUDA), "--device cpu", "device='cpu'"),
    (lambda: placed(1, 4).require(CUDA), "--gpus-per-trial 0.5", "gpus_per_trial=0.5"),
    (lambda: Table(CELL, {"name": ["a"], "score": [0.1]}), "with --architecture", "with architecture="),
    (
        lambda: Table(CELL, {"arch": [CELL.format(CELL.at(0))] * 2, "score": [0.1, 0.2]}),
        "--table FILE:repeat=REPEAT",
        "repeat=",
    ),
    (
        lambda: SharedWeights(Mlp(), digits()).weights,
        "search with --recipe",
        "trained=RUN with the name of a run that did",
    ),
    (lambda: check_target(Path("made")), "--yes", "overwrite=True"),
    (lambda: Stops.of(None, None, None, None, bounded=False), "--trials 50 or --time 10m", "trials=50 or time='10m'"),
]


@pytest.mark.parametrize(("wrong", "flag", "argument"), RAISED)
def test_errors_of_other_parts_are_told_in_both_ways(wrong: Callable[[], object], flag: str, argument: str) -> None:
    with pytest.raises(NetwrightError) as found:
        wrong()
    assert flag in in_flags(found.value) and argument in str(found.value)


@pytest.mark.parametrize(
    ("marked", "flag"),
    [
        (option("skip_bad", True), "--skip-bad"),
        (option("skip_bad", "3%"), "--skip-bad 3%"),
        (option("header", False), "--no-header"),
        (option("drop", ["a b", "c"]), "--drop 'a b' --drop c"),
        (spelled("resume=True"), "netwright resume"),
        (option("unknown", 3), "unknown=3"),
        (option("target", f"odd{MARK}name"), r"--target-column 'odd" + MARK + "name'"),
    ],
)
def test_every_kind_of_value_becomes_words_of_a_shell(marked: str, flag: str) -> None:
    assert in_flags(UserError(f"say {marked}.")) == f"say {flag}."


def test_what_the_data_are_is_told_in_both_ways() -> None:
    uneven = tasks.arrays(np.random.default_rng(0).normal(size=(200, 3)), np.arange(200) % 20 > 0)
    assert "objective='val_balanced_accuracy'" in " ".join(uneven.describe())
    assert "--objective val_balanced_accuracy" in " ".join(uneven.describe(in_flags))

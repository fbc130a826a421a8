"""How the command line reads tables: its options, what it says, and resuming with them."""

from __future__ import annotations

from pathlib import Path

import pytest

from netwright.cli.flags import FLAGS
from netwright.cli.main import run
from netwright.tasks import csv

SHORT = ("--trials", "1", "--epochs", "1", "--final-epochs", "0", "--dir", "runs")


def row(i: int) -> str:
    return f"{i},{i * 37 % 101 / 4},{['red', 'blue'][i % 2]},{['cat', 'dog'][i % 7 < 3]}"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("index.csv").write_text("\n".join([",weight,colour,kind", *map(row, range(80))]))
    Path("other.csv").write_text("\n".join([",weight,colour,kind", *map(row, range(100, 130))]))
    Path("bare.csv").write_text("\n".join(row(i).replace(",", "~") for i in range(80)))
    return tmp_path


def test_every_option_of_tables_reaches_the_reader(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["search", "index.csv", "--target-column", "kind", "--test", "other.csv", "--categories", "ordinal"]
    assert run([*words, "--header", "--delimiter", "comma", "--drop", "weight", "--name", "first", *SHORT]) == 0
    said = capsys.readouterr().out
    assert "110 vectors of 1 features" in said and "80 to train and validate on, 30 for the final test" in said
    assert "left out: 'column_1' (row numbers)" in said
    assert run(["resume", "first", "--trials", "2", "--dir", "runs", "--quiet"]) == 0


def test_a_table_without_names(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["search", "bare.csv", "--target-column", "-1", "--no-header", "--delimiter", "~"]
    assert run([*words, "--drop", "column_1", "--drop", "column_3", *SHORT]) == 0
    assert "80 vectors of 1 features" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["index.csv"], "Say --target-column"),
        (
            ["index.csv", "--target-column", "kind", "--drop", "colr"],
            "no column 'colr' to leave out; did you mean 'colour'",
        ),
        (
            ["index.csv", "--target-column", "kind", "--categories", "hash"],
            "--categories must be one of one-hot, ordinal",
        ),
        (["index.csv", "--target-column", "kind", "--delimiter", "::"], "--delimiter is one character"),
        (["index.csv", "--target-column", "kind", "--test", "othr.csv"], "did you mean other.csv"),
        (["digits", "--drop", "x"], "--drop does not apply to digits"),
        (["digits", "--no-header"], "--header does not apply to digits"),
    ],
)
def test_what_cannot_be_done_is_said_in_the_words_of_the_command_line(
    words: list[str], said: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["search", *words, *SHORT]) == 2
    assert said in capsys.readouterr().err


def test_every_option_of_the_reader_has_a_flag() -> None:
    import inspect

    known = set(inspect.signature(csv).parameters) - {"path", "test_share", "split_seed", "classes"}
    assert known <= set(FLAGS)

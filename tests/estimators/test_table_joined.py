"""A table gets further columns from another one, by what both have in common."""

from __future__ import annotations

from pathlib import Path

import pytest

import netwright as nw
from netwright.cli.compare import Settings
from netwright.core.errors import DataError
from netwright.estimators import Table
from netwright.spaces import NasBenchMacro

SPACE = NasBenchMacro()
ROWS = {"arch": ["01201221", "11111111", "22222222"], "index": [0, 1, 2], "accuracy": [90.5, 92.25, 94.0]}
TIMES = {"index": ["2", "0", "1.0"], "phone": [2.5, 0.5, 1.5]}


def measured(table: Table, architecture: str) -> dict[str, float]:
    return dict(table.estimate(nw.Proposal(SPACE.parse(architecture)), 0).metrics)


def test_rows_belong_together_by_what_both_have_however_numbers_are_written() -> None:
    table = Table(SPACE, ROWS, metrics=["accuracy", "phone"], join=TIMES)
    assert measured(table, "22222222") == {"accuracy": 94.0, "phone": 2.5}
    assert measured(table, "11111111") == {"accuracy": 92.25, "phone": 1.5}
    other = Table(SPACE, ROWS, metrics=["accuracy", "phone"], join={**TIMES, "phone": [1.0, 1.0, 1.0]})
    assert other.fingerprint != table.fingerprint
    again = table.replace(duplicates="first")
    assert measured(again, "01201221") == {"accuracy": 90.5, "phone": 0.5}


def test_a_row_without_its_like_has_a_gap() -> None:
    fewer = {name: cells[:2] for name, cells in TIMES.items()}
    with pytest.raises(DataError, match=r"row 1 .*phone"):
        Table(SPACE, ROWS, metrics=["accuracy", "phone"], join=fewer)
    assert len(Table(SPACE, ROWS, metrics=["accuracy", "phone"], join=fewer, missing="skip").architectures) == 2


@pytest.mark.parametrize(
    ("join", "said"),
    [
        ({"number": [0, 1, 2], "phone": [1.0, 1.0, 1.0]}, "no column in common"),
        ({"index": [7, 8, 9], "phone": [1.0, 1.0, 1.0]}, "equal to one .* in index"),
        ({"index": [0, 1, 1], "phone": [1.0, 1.0, 1.0]}, r"row 2 .*index 1\.0 as in row 1"),
    ],
)
def test_tables_that_do_not_fit_are_refused_with_what_they_have(join: dict[str, list[float]], said: str) -> None:
    with pytest.raises(DataError, match=said):
        Table(SPACE, ROWS, join=join)


def test_a_comparison_finds_both_files_from_anywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, columns in (("rows.csv", ROWS), ("others.csv", ROWS), ("times.csv", TIMES)):
        lines = [columns, *zip(*columns.values(), strict=True)]
        (tmp_path / name).write_text("\n".join(",".join(map(str, each)) for each in lines))
    monkeypatch.chdir(tmp_path)
    texts = ("rows.csv:join=times.csv,within=true", "others.csv:join=times.csv")
    given = Settings(tables=texts, spaces=("nasbenchmacro",), objectives=("accuracy", "phone:minimize"))
    kept = Settings.from_json(given.to_json())
    monkeypatch.chdir("/")
    first, second = kept.problems()
    assert first.estimator.metrics == second.estimator.metrics == ("index", "accuracy", "phone")
    assert [first.name, second.name] == ["rows", "others"]

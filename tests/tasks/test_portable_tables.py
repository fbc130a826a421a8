"""The code that an export holds reads the user's own tables as training did."""

import csv
import datetime

import pytest
import torch
from exported_tables import features, written

from netwright import tasks
from netwright.core.errors import DataError, UserError

ROWS = 90
HEAD = "age,city,income,when,member,zip,buys"


def row(i, buys=True):
    gap = "" if i % 9 == 0 else f"{18 + i % 50}"
    income = f'"{i * 1234 + 100:,}"'
    cells = [
        gap,
        ["oslo", "rome", "lima"][i % 3],
        income,
        f"{i % 28 + 1}/12/2020",
        ["yes", "no"][i % 2],
        f"0{i % 4}150",
    ]
    return ",".join([*cells, ["no", "yes"][i % 5 > 1]] if buys else cells)


@pytest.fixture
def task(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text("\n".join([HEAD, *map(row, range(ROWS))]) + "\n")
    return tasks.csv(path, target="buys", nan="impute-median")


@pytest.fixture
def model(task, tmp_path):
    return written(task.preparation, tmp_path / "own")


def test_the_description_and_the_constants(task):
    assert task.preparation.describe() == "rows of 6 columns"
    constants = task.preparation.constants()
    assert [each["name"] for each in constants["COLUMNS"]] == HEAD.split(",")[:-1]
    assert constants["COLUMNS"][1]["texts"] == ("lima", "oslo", "rome") and constants["HEADER"] is True
    assert eval(repr(constants)) == constants


def test_own_files_hold_the_test_rows_as_they_are(task, tmp_path):
    own = tmp_path / "own"
    own.mkdir()
    (path,) = task.preparation.own_files(5, own)
    lines, rows = (list(csv.reader(each.read_text().splitlines())) for each in (path, tmp_path / "table.csv"))
    assert path.name == "table.csv" and lines[0] == HEAD.split(",") and len(lines) == 6
    places = [rows.index(line) for line in lines[1:]]
    assert places == sorted(places)
    (path,) = task.preparation.own_files(10_000, own)
    assert len(path.read_text().splitlines()) == 1 + len(task.test)
    assert torch.equal(features(task, own), task.test.inputs)


def test_a_limit_keeps_the_order_of_the_test_rows(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text("\n".join([HEAD, *map(row, range(ROWS))]) + "\n")
    for options in ({"limit": 50}, {"limit": 50, "test": path}, {"limit": 40, "nan": "drop"}):
        task = tasks.csv(path, target="buys", **{"nan": "impute-median", **options})
        assert torch.equal(features(task, tmp_path / "own"), task.test.inputs)


def test_columns_in_any_order_with_others_between(task, tmp_path):
    names = HEAD.split(",")[:-1]
    whole = features(task, tmp_path / "own", [tmp_path / "table.csv"])
    for delimiter in ";\t|":
        lines = [delimiter.join(["id", *reversed(names), "note"])]
        for i in range(ROWS):
            cells = row(i, buys=False).replace('"', "").rsplit(",", 3)
            first, city, *income = cells[0].split(",")
            ordered = [first, city, ",".join(income), *cells[1:]]
            lines.append(delimiter.join([str(i), *reversed(ordered), "x"]))
        path = tmp_path / "other.tsv"
        path.write_text("\n".join(lines))
        assert torch.equal(features(task, tmp_path / "own", [path]), whole)


def test_rows_have_names(model, tmp_path):
    names, rows = model.read(tmp_path / "table.csv")
    assert names[:2] == ["row 1", "row 2"] and len(names) == len(rows) == ROWS
    assert rows[1] == {
        "age": "19",
        "city": "rome",
        "income": "1,334",
        "when": "2/12/2020",
        "member": "no",
        "zip": "01150",
    }
    assert ".csv" in model.ENDINGS and ".tsv" in model.ENDINGS


def test_rows_as_dicts_of_texts_or_values(model):
    texts = {"age": " 30", "city": "oslo", "income": "1,500", "when": "24/12/2020", "member": "yes", "zip": "02150"}
    values = {**texts, "age": 30, "income": 1500.0, "when": datetime.date(2020, 12, 24), "member": True, "more": 1}
    found = model.prepared([texts, values])
    assert torch.equal(found[0], found[1]) and found.dtype == torch.float32
    assert torch.equal(model.prepared(found), found)


@pytest.mark.parametrize("gap", ["", "NA", None, float("nan")])
def test_gaps_become_the_training_median(task, model, gap):
    known = {"age": 30, "city": "oslo", "income": "1,500", "when": "24/12/2020", "member": "yes", "zip": "02150"}
    median = task.preparation.specs[0]["median"]
    assert model.prepared([{**known, "age": gap}])[0, 0] == median
    assert model.prepared([{**known, "city": gap}])[0, 1:4].tolist() == [0, 0, 0]


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([{"age": "1"}], "a row lacks the column 'city'; it has age"),
        (torch.zeros(2, 3), r"expected features \(n, 11\), or a list of dicts, found \(2, 3\)"),
        ([{"age": "old"}], "'old' in the column 'age' is no finite number"),
    ],
)
def test_rows_that_cannot_be_used(model, rows, message):
    with pytest.raises(ValueError, match=message):
        model.prepared(rows)


def test_what_is_filled_or_unknown_is_said(model, tmp_path, capsys):
    path = tmp_path / "new.csv"
    path.write_text(
        "\n".join([HEAD.rpartition(",")[0], row(0, buys=False), row(1, buys=False).replace("rome", "paris")])
    )
    model.read(path)
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 2
    assert "1 gaps in 'age' became the training median" in said[0]
    assert "1 rows hold a text in 'city' such as 'paris', which is none of the 3 that the network knows" in said[1]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty"),
        (
            "age,city,when,member\n1,oslo,1/12/2020,yes\n",
            "lacks 2 columns: 'income', 'zip'; it has 'age', 'city', 'when'",
        ),
        ("age,city,when,member,income\n1,oslo,1/12/2020,yes,1\n", "lacks the column 'zip'"),
        ("1,oslo,100,1/12/2020,yes,00150\n", "has no line with the columns' names; expected 'age', 'city'"),
        (HEAD + "\n", "holds no rows"),
        ("\n".join([HEAD, row(1), row(2), row(3) + ",more"]), "line 4: 8 columns, but expected 7"),
        (HEAD + "\n" + row(1).replace("19", "young"), "line 2: 'young' in the column 'age' is no finite number"),
        (HEAD + "\n" + row(1).replace("2/12", "32/12"), "line 2: '32/12/2020' in the column 'when' is no date"),
        (HEAD + "\n" + row(1).replace("no", "perhaps"), "line 2: 'perhaps' in the column 'member' is no yes or no"),
    ],
)
def test_files_that_cannot_be_used_are_named_in_one_line(model, text, message, tmp_path):
    path = tmp_path / "new.csv"
    path.write_text(text)
    with pytest.raises(ValueError, match=message) as found:
        model.read(path)
    assert "\n" not in str(found.value) and str(path) in str(found.value)


def test_a_second_file_with_other_columns(tmp_path):
    train, test = tmp_path / "train.csv", tmp_path / "test.csv"
    train.write_text("\n".join([f"id,{HEAD}", *(f"{i},{row(i)}" for i in range(ROWS))]))
    test.write_text("\n".join([f"{HEAD},more", *(f"{row(i)},x" for i in range(5, 25))]))
    task = tasks.csv(train, target="buys", test=test, nan="impute-median")
    assert len(task.test) == 20 and torch.equal(features(task, tmp_path / "own"), task.test.inputs)
    assert torch.equal(features(task, tmp_path / "own", [train]), task.train.inputs)
    test.write_text("\n".join([HEAD.rpartition(",")[0], *(row(i, buys=False) for i in range(5, 25))]))
    with pytest.raises(DataError, match=r"test\.csv has no column 'buys', the class, and so cannot be the test split"):
        tasks.csv(train, target="buys", test=test, nan="impute-median")


def test_ordinal_categories(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text("\n".join([HEAD, *map(row, range(ROWS))]) + "\n")
    task = tasks.csv(path, target="buys", nan="impute-median", categories="ordinal")
    assert task.shape.features == 6
    assert torch.equal(features(task, tmp_path / "own"), task.test.inputs)


def test_gaps_may_have_a_feature_that_tells_of_them(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text("\n".join([HEAD, *map(row, range(ROWS))]) + "\n")
    task, plain = (tasks.csv(path, target="buys", nan=nan) for nan in ("indicate", "impute-median"))
    assert task.shape.columns == (1, 1, 3, 1, 1, 1, 4) and plain.shape.columns == (1, 3, 1, 1, 1, 4)
    assert any("a second feature of 'age' says which numbers were missing" in note for note in task.notes)
    gaps = task.train.inputs[:, 1]
    assert 0 < gaps.sum() < len(gaps) and set(gaps.tolist()) == {0.0, 1.0}
    rest = torch.cat([task.train.inputs[:, :1], task.train.inputs[:, 2:]], 1)
    assert torch.equal(rest, plain.train.inputs)
    median = plain.preparation.constants()["COLUMNS"][0]["median"]
    assert (rest[gaps == 1, 0] == median).all()
    assert torch.equal(features(task, tmp_path / "own"), task.test.inputs)
    model = written(task.preparation, tmp_path / "own")
    new = {"city": "rome", "income": "1", "when": "1/12/2020", "member": "no", "zip": "00150"}
    found = model.prepared([{**new, "age": None}, {**new, "age": 31}, {**new, "age": ""}])
    assert found[:, :2].tolist() == [[median, 1.0], [31.0, 0.0], [median, 1.0]]


def test_a_policy_for_gaps_that_is_none_names_those_of_tables(tmp_path):
    (tmp_path / "table.csv").write_text("\n".join([HEAD, *map(row, range(ROWS))]) + "\n")
    with pytest.raises(UserError, match="error, impute-median, drop, indicate, found 'fill'"):
        tasks.csv(tmp_path / "table.csv", target="buys", nan="fill")

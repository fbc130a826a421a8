"""Columns that are left out or spoken of: row numbers, constants, copies of the class; and rows that are repeated."""

import pytest

from netwright import tasks
from netwright.core.errors import DataError, UserError

ROWS = 120


def kind(i):
    return "ab"[i % 7 < 3]


def made(folder, name, cells, rows=ROWS):
    path = folder / "table.csv"
    lines = [f"{name},size,kind", *(f"{cells(i)},{i * 37 % 101 / 4},{kind(i)}" for i in range(rows))]
    path.write_text("\n".join(lines) + "\n")
    return path


def used(task):
    return [each["name"] for each in task.preparation.specs]


LEFT_OUT = [
    ("", lambda i: i, "'column_1' (row numbers)"),
    ("number", lambda i: i + 1, "'number' (row numbers)"),
    ("PassengerId", lambda i: 1000 + i * 7 % ROWS, "'PassengerId' (another number in each row"),
    ("customer_id", lambda i: 10**12 + i * i, "'customer_id' (another number in each row"),
    ("Id", lambda i: ROWS - i, "'Id' (another number in each row"),
    ("shuffled", lambda i: i * 7 % ROWS, "'shuffled' (another number in each row"),
    ("", lambda i: i * i, "'column_1' (another number in each row"),
    ("name", lambda i: f"n{i}", "'name' (120 different texts in 120 rows)"),
    ("one", lambda i: 7, "'one' (always the same value)"),
    ("one", lambda i: "x", "'one' (always the same value)"),
    ("none", lambda i: "", "'none' (empty)"),
    ("again", kind, "'again' (the class again)"),
    ("again", lambda i: kind(i).upper(), "'again' (the class again)"),
    (
        "mixed",
        lambda i: f"{i}" if i % 4 else f"about {i}",
        "'mixed' (numbers mixed with 30 other texts such as 'about 0')",
    ),
]


@pytest.mark.parametrize(("name", "cells", "note"), LEFT_OUT)
def test_columns_that_tell_nothing_are_left_out_and_said(name, cells, note, tmp_path):
    task = tasks.csv(made(tmp_path, name, cells), target="kind")
    assert used(task) == ["size"]
    assert any(each.startswith("left out: ") and note in each for each in task.notes)


@pytest.mark.parametrize(("text", "said"), [("room {} is large and quiet", True), ("Anna Maria {}", False)])
def test_of_a_column_of_sentences_the_option_that_reads_them_is_said(text, said, tmp_path):
    task = tasks.csv(made(tmp_path, "review", text.format), target="kind")
    told = [each for each in task.notes if "holds sentences: " in each]
    assert bool(told) is said and any("'review' (120 different texts" in each for each in task.notes)


@pytest.mark.parametrize(
    ("name", "cells"),
    [
        ("year", lambda i: 1900 + i % 90),
        ("population", lambda i: i * i * 31 + 7),
        ("income", lambda i: i + 0.5),
        ("day", lambda i: i % 31 + 1),
        ("paid", lambda i: i * 3),
        ("ident", lambda i: i % 50),
        ("valid", lambda i: 500 + i * 11 % 997),
    ],
)
def test_other_whole_numbers_stay(name, cells, tmp_path):
    assert used(tasks.csv(made(tmp_path, name, cells), target="kind")) == [name, "size"]


def test_a_column_that_tells_the_class_is_kept_and_said(tmp_path):
    task = tasks.csv(made(tmp_path, "code", lambda i: 10 + "ab".index(kind(i))), target="kind")
    assert used(task) == ["code", "size"]
    assert any("each value of 'code' belongs to one class only" in note and "drop=" in note for note in task.notes)


def test_a_target_of_numbers_again(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text("y,x,again\n" + "".join(f"{i % 3},{i * 37 % 101 / 4},{i % 3}.0\n" for i in range(ROWS)))
    task = tasks.csv(path, target="y")
    assert used(task) == ["x"] and any("'again' (the class again)" in note for note in task.notes)


def test_row_numbers_alone_are_used(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text("x,kind\n" + "".join(f"{i},{kind(i)}\n" for i in range(ROWS)))
    assert used(tasks.csv(path, target="kind")) == ["x"]


def test_columns_to_leave_out(tmp_path):
    path = made(tmp_path, "more", lambda i: i % 5)
    assert used(tasks.csv(path, target="kind", drop=["more"])) == ["size"]
    assert used(tasks.csv(path, target="kind", drop="more")) == ["size"]
    with pytest.raises(UserError, match="no column 'mor' to leave out; did you mean 'more'"):
        tasks.csv(path, target="kind", drop=["mor"])
    with pytest.raises(UserError, match="'kind' is the class"):
        tasks.csv(path, target="kind", drop=["kind"])
    with pytest.raises(DataError, match="no column that can serve"):
        tasks.csv(path, target="kind", drop=["more", "size"])


def test_the_options_are_remembered(tmp_path):
    path = made(tmp_path, "more", lambda i: i % 5)
    task = tasks.csv(path, target="kind", drop=["more"], header=True, delimiter=",", categories="ordinal")
    assert tasks.from_configuration(task.configuration()).fingerprint == task.fingerprint


def test_uneven_classes_are_said(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text("x,kind\n" + "".join(f"{i * 37 % 101 / 4},{['no', 'yes'][i % 20 == 0]}\n" for i in range(ROWS)))
    assert any("always naming 'no' is right in 95." in line for line in tasks.csv(path, target="kind").describe())
    path.write_text("x,kind\n" + "".join(f"{i * 37 % 101 / 4},{kind(i)}\n" for i in range(ROWS)))
    assert not any("uneven" in line for line in tasks.csv(path, target="kind").describe())


def test_repeated_rows_are_counted(tmp_path):
    path = tmp_path / "table.csv"
    rows = [f"{i * 37 % 101 / 4},{i},{kind(i)}\n" for i in range(ROWS)]
    path.write_text("x,y,kind\n" + "".join(rows * 3))
    task = tasks.csv(path, target="kind")
    said = [note for note in task.notes if "test rows equal a training row" in note]
    assert len(said) == 1 and "drawn at random" in said[0]
    train = {tuple(row) for row in task.train.inputs.tolist()}
    assert said[0].startswith(f"{sum(tuple(row) in train for row in task.test.inputs.tolist())} of {len(task.test)} ")
    path.write_text("x,y,kind\n" + "".join(rows))
    assert not any("equal a training row" in note for note in tasks.csv(path, target="kind").notes)


def test_rows_in_both_files_are_counted(tmp_path):
    rows = [f"{i * 37 % 101 / 4},{i % 9},{kind(i)}\n" for i in range(ROWS)]
    paths = [tmp_path / name for name in ("train.csv", "test.csv")]
    paths[0].write_text("x,y,kind\n" + "".join(rows[:100]))
    paths[1].write_text("x,y,kind\n" + "".join(rows[95:]))
    notes = tasks.csv(paths[0], target="kind", test=paths[1]).notes
    assert any(note.startswith("5 of 25 test rows equal a training row") and "both files" in note for note in notes)


def test_more_texts_may_be_told_apart(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("\n".join(["place,size,y", *(f"p{i % 90},{i * 37 % 101 / 7},{'ab'[i % 2]}" for i in range(400))]))
    assert tasks.csv(path, target="y").shape.columns == (64, 1)
    assert tasks.csv(path, target="y", most_categories=500).shape.columns == (90, 1)
    assert tasks.csv(path, target="y", most_categories=3).shape.columns == (3, 1)
    with pytest.raises(UserError, match="most_categories= is a whole number of at least 1, found 0"):
        tasks.csv(path, target="y", most_categories=0)

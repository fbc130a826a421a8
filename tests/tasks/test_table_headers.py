"""Which line names a table's columns, and what stands above and around the rows."""

import pytest
import torch
from exported_tables import features

from netwright import tasks
from netwright.core.errors import DataError, UserError

ROWS = 40


def size(i):
    return f"{i * 37 % 101 / 4}"


def kind(i):
    return "ab"[i % 7 < 3]


def rows(*columns, delimiter=",", end="\n"):
    return end.join(delimiter.join(each(i) for each in columns) for i in range(ROWS)) + end


NUMBER = str
FOUR = [
    ("pandas' index", ",size,kind\n" + rows(NUMBER, size, kind), "kind", ["size"]),
    ("pandas' old index", "Unnamed: 0,size,kind\n" + rows(NUMBER, size, kind), "kind", ["size"]),
    ("pandas' own headings", ",0,1,2\n" + rows(NUMBER, size, lambda i: f"{i % 4}", kind), "2", ["0", "1"]),
    ("years", "name,1990,1991,kind\n" + rows(lambda i: f"n{i % 3}", size, size, kind), "kind", None),
    ("a year as the target", "1990,1991,2020\n" + rows(size, lambda i: f"{i % 5}", lambda i: f"{i % 2}"), "2020", None),
    ("numbers", "1,2,3,kind\n" + rows(size, size, size, kind), "kind", ["1", "2", "3"]),
    ("repeated", "a,a,kind,kind\n" + rows(size, lambda i: f"{i % 5}", lambda i: f"{i % 3}", kind), "kind.2", None),
    ("a heading that is also a value", "size,a,kind\n" + rows(size, lambda i: f"{i % 3}", kind), "kind", ["size", "a"]),
    ("empty headings", "size,,kind\n" + rows(size, lambda i: f"{i % 3}", kind), "kind", ["size", "column_2"]),
    ("comments", "# from, some, where, else\n# else\nsize,kind\n" + rows(size, kind), "kind", ["size"]),
    ("a title", "Report of 2020\n\nsize,kind\n" + rows(size, kind), "kind", ["size"]),
    ("a padded title", "Report,,\n,,\nsize,a,kind\n" + rows(size, lambda i: f"{i % 3}", kind), "kind", ["size", "a"]),
    ("groups", "A,A,B\nsize,a,kind\n" + rows(size, lambda i: f"{i % 3}", kind), "kind", ["size", "a"]),
    ("the separator", "sep=;\nsize;kind\n" + rows(size, kind, delimiter=";"), "kind", ["size"]),
    ("R's row names", "size,kind\n" + rows(lambda i: f'"{i + 1}"', size, kind), "kind", ["size"]),
    ("delimiters at the end", "size,kind,\n" + rows(size, kind, lambda i: ""), "kind", ["size"]),
    ("delimiters at the rows' end", "size,kind\n" + rows(size, kind, lambda i: ""), "kind", ["size"]),
    ("blank rows", "size,kind\n\n" + rows(size, kind) + ",\n\n  \n", "kind", ["size"]),
    ("carriage returns", "size,kind\r" + rows(size, kind, end="\r"), "kind", ["size"]),
    ("a byte order mark", "\ufeffsize,kind\n" + rows(size, kind), "kind", ["size"]),
    ("quotes", '"size","kind"\n' + rows(lambda i: f'"{size(i)}"', lambda i: f'"{kind(i)}"'), "kind", ["size"]),
    (
        "spaces and quotes",
        'size, "a, b", kind\n' + rows(size, lambda i: f' "{i % 3}, x"', kind),
        "kind",
        ["size", "a, b"],
    ),
    ("lines in quotes", "size,a,kind\n" + rows(size, lambda i: f'"x\n{i % 3}"', kind), "kind", ["size", "a"]),
    ("semicolons in texts", "size,a,kind\n" + rows(size, lambda i: f"x;{i % 3}", kind), "kind", ["size", "a"]),
    ("tabs", "size\tkind\n" + rows(size, kind, delimiter="\t"), "kind", ["size"]),
    ("bars", "size|a|kind\n" + rows(size, lambda i: f"{i % 3},5", kind, delimiter="|"), "kind", ["size", "a"]),
    ("only decimal commas", "size;a\n" + rows(lambda i: f"{i},5", lambda i: f"{i % 2}", delimiter=";"), "a", ["size"]),
]


@pytest.mark.parametrize(("text", "target", "used"), [each[1:] for each in FOUR], ids=[each[0] for each in FOUR])
def test_the_line_with_the_targets_name_is_the_header(text, target, used, tmp_path):
    path = tmp_path / "table.csv"
    path.write_bytes(text.encode())
    task = tasks.csv(path, target=target)
    assert len(task.train) + len(task.test) == ROWS
    assert used is None or [each["name"] for each in task.preparation.specs] == used
    assert set(task.class_names) in ({"a", "b"}, {"0", "1"})
    own = tmp_path / "own"
    assert torch.equal(features(task, own), task.test.inputs)
    assert len(features(task, own, [path])) == ROWS


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252", "latin-1"])
def test_encodings(encoding, tmp_path):
    mark = "\ufeff" if encoding in ("utf-16-le", "utf-16-be") else ""
    text = mark + "größe;Straße;kind\n" + rows(size, lambda i: "äöü"[i % 3], kind, delimiter=";")
    path = tmp_path / "table.csv"
    path.write_bytes(text.encode(encoding))
    task = tasks.csv(path, target="kind")
    assert [each["name"] for each in task.preparation.specs] == ["größe", "Straße"]
    assert task.preparation.specs[1]["texts"] == ("ä", "ö", "ü")
    assert torch.equal(features(task, tmp_path / "own"), task.test.inputs)


@pytest.mark.parametrize(
    ("first", "named"),
    [
        (",size,colour,kind", True),
        ("id,2018,colour,kind", True),
        ("2017,2018,colour,kind", True),
        ("x,2018,2019,kind", True),
        ("0,1,2,3", True),
        ("7,12.5,red,a", False),
        ("7,12.5,green,c", False),
        ("id,size,colour,kind", True),
        ("7,?,red,a", False),
    ],
)
def test_a_header_is_found_without_the_targets_name(first, named, tmp_path):
    path = tmp_path / "table.csv"
    path.write_text(first + "\n" + rows(lambda i: str(i * i % 97), size, lambda i: ["red", "blue"][i % 2], kind))
    try:
        assert tasks.csv(path, target=-1).preparation.header == named
    except DataError as problem:
        assert not named and ("every class needs" in str(problem) or "lacks 1 numbers" in str(problem)), problem


def test_what_was_skipped_is_said(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text("Report\n\n# a comment\nsize,a,kind\n" + rows(size, size, kind))
    notes = tasks.csv(path, target="kind").notes
    assert "skipped the first 2 rows of table.csv, which are above the table" in notes


@pytest.mark.parametrize("header", [None, False])
@pytest.mark.parametrize("target", [-1, "-1", "2", "column_3"])
def test_tables_without_names(header, target, tmp_path):
    path = tmp_path / "table.csv"
    path.write_text(rows(size, lambda i: f"{i % 4}", kind))
    task = tasks.csv(path, target=target, header=header)
    assert len(task.train) + len(task.test) == ROWS and not task.preparation.header
    assert torch.equal(features(task, tmp_path / "own"), task.test.inputs)
    without = tmp_path / "without.csv"
    without.write_text(rows(size, lambda i: f"{i % 4}"))
    assert torch.equal(features(task, tmp_path / "own", [without]), features(task, tmp_path / "own", [path]))


def test_a_number_is_a_place_where_the_first_row_holds_values(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text("6,1,3,1\n" + "".join(f"{i % 9},{i % 2},{i % 5},{i % 3}\n" for i in range(ROWS)))
    task = tasks.csv(path, target="3")
    assert len(task.train) + len(task.test) == ROWS + 1 and task.class_names == ("0", "1", "2")


def test_a_value_is_no_name(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text(rows(size, lambda i: f"{i % 4}", kind))
    with pytest.raises(UserError, match="no column 'a'; it has no line with names: the columns are called column_1"):
        tasks.csv(path, target="a")


def test_header_and_no_header_overrule(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text("x,y\n" + rows(lambda i: "xz"[i % 2], lambda i: "yz"[i % 3 > 0]))
    assert len(tasks.csv(path, target=-1, header=True).train) < len(tasks.csv(path, target=-1, header=False).train) + 1
    assert tasks.csv(path, target=-1, header=True).preparation.specs[0]["name"] == "x"
    assert tasks.csv(path, target=-1, header=False).preparation.specs[0]["name"] == "column_1"


@pytest.mark.parametrize("delimiter", ["~", "\\t", "tab", "space", "semicolon", ":"])
def test_a_delimiter_that_is_given(delimiter, tmp_path):
    sign = {"\\t": "\t", "tab": "\t", "space": "  ", "semicolon": ";"}.get(delimiter, delimiter)
    path = tmp_path / "table.csv"
    path.write_text(f"size{sign}a{sign}kind\n" + rows(size, lambda i: f"{i % 4}", kind, delimiter=sign))
    task = tasks.csv(path, target="kind", delimiter=delimiter)
    assert task.shape.input == (2,)
    assert torch.equal(features(task, tmp_path / "own"), task.test.inputs)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("size,kind\n1,a\n2,b,c\n" + rows(size, kind), "line 3: 3 columns between commas, but line 1 has 2"),
        ("size,kind\n" + rows(size, kind) + "3\n", "line 42: 1 columns between commas"),
        (
            "size,kind\n" + rows(size, kind) + '"3,a\n' + rows(size, kind),
            r"lines 42 to 82 \(one row, unless a quotation",
        ),
        ("\n\nsize,kind\n" + rows(size, kind) + "1,a,b\n", "line 44: 3 columns between commas, but line 3 has 2"),
    ],
)
def test_rows_of_another_length_are_named_by_line(text, message, tmp_path):
    path = tmp_path / "table.csv"
    path.write_text(text)
    with pytest.raises(DataError, match=message):
        tasks.csv(path, target="kind")


def test_five_thousand_columns(tmp_path):
    names = [f"c{j}" for j in range(5000)]
    lines = [",".join([*(str(i * (j + 1) % 11) for j in range(5000)), kind(i)]) for i in range(ROWS)]
    path = tmp_path / "table.csv"
    path.write_text("\n".join([",".join([*names, "kind"]), *lines]))
    task = tasks.csv(path, target="kind")
    assert task.shape.features == 5000 - len([j for j in range(5000) if (j + 1) % 11 == 0])
    assert max(map(len, task.notes)) < 400
    assert torch.equal(features(task, tmp_path / "own"), task.test.inputs)

"""Tables: dialects, headers, columns of numbers and categories, missing cells, and errors with their lines."""

import numpy as np
import pytest
import torch

from netwright import tasks
from netwright.core.errors import DataError, UserError


@pytest.fixture
def write(tmp_path):
    def make(text, name="table.csv"):
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return make


def animals(n=12, separator=",", header=True):
    lines = [["weight", "legs", "colour", "kind"]] if header else []
    lines += [[f"{i}.5", str(i % 4), ["red", "blue"][i % 2], ["cat", "dog"][i % 2]] for i in range(n)]
    return "\n".join(separator.join(line) for line in lines) + "\n"


def both(task):
    rows = torch.cat([task.train.inputs, task.test.inputs])
    return rows[rows[:, 0].argsort()]


def test_numbers_and_categories(write):
    task = tasks.csv(write(animals()), target="kind")
    assert task.class_names == ("cat", "dog") and task.shape.input == (4,)
    i = np.arange(12)
    expected = np.stack([i + 0.5, i % 4, i % 2, 1 - i % 2], 1)
    assert np.array_equal(both(task).numpy(), expected.astype(np.float32))
    assert "2 columns of numbers and 1 column of categories became 4 features" in task.notes


def test_categories_as_numbers(write):
    task = tasks.csv(write(animals()), target="kind", categories="ordinal")
    assert np.array_equal(both(task)[:, 2].numpy(), 1 - np.arange(12) % 2)


@pytest.mark.parametrize(
    ("text", "note"),
    [
        (animals(separator=";"), "separated by semicolons"),
        (animals(separator="\t"), "separated by tabs"),
        (animals(separator="|"), "separated by bars"),
        (animals(separator=", "), None),
        ("\ufeff" + animals(), None),
        (animals().replace("\n", "\r\n"), None),
        (animals().replace("\n", "\n\n"), None),
        (animals().encode("utf-16"), "UTF-16"),
        (animals().replace("cat", '"cat"').replace("weight", '"weight"'), None),
        (animals(separator=";").replace(".5", ",5"), "semicolons"),
    ],
)
def test_dialects_give_the_same_task(write, text, note):
    task = tasks.csv(write(text), target="kind")
    assert task.fingerprint == tasks.csv(write(animals(), "plain.csv"), target="kind").fingerprint
    assert note is None or any(note in each for each in task.notes)


def test_latin_1_is_said(write):
    task = tasks.csv(write(animals().replace("red", "grün").encode("latin-1")), target="kind")
    assert any("Latin-1" in note for note in task.notes) and task.shape.input == (4,)


@pytest.mark.parametrize("target", ["column_4", -1, 3, "-1", "3"])
def test_tables_without_a_header(write, target):
    task = tasks.csv(write(animals(header=False)), target=target)
    assert task.class_names == ("cat", "dog") and len(task.train) + len(task.test) == 12
    assert any("no header" in note for note in task.notes)


def test_whole_numbers_can_be_classes(write):
    text = "a,b\n" + "".join(f"{i}.25,{i % 3 * 10}\n" for i in range(30))
    assert tasks.csv(write(text), target="b").class_names == ("0", "10", "20")


def test_missing_categories_are_a_category(write):
    task = tasks.csv(write(animals().replace("red", "?", 2)), target="kind")
    assert task.shape.input == (5,) and both(task)[:, 2].sum() == 2


MISSING = animals().replace("3.5,", ",").replace("5.5,1", "NA,?")


def test_missing_numbers_are_counted_with_their_lines(write):
    path = write(MISSING)
    with pytest.raises(
        DataError, match=r"lacks 3 numbers, the first at \(line 5, 'weight'\), \(line 7, 'legs'\), \(line 7"
    ):
        tasks.csv(path, target="kind")
    filled = tasks.csv(path, target="kind", nan="impute-median")
    assert len(both(filled)) == 12
    median = np.median([i + 0.5 for i in range(12) if i not in (3, 5)])
    assert int((both(filled)[:, 0] == median).sum()) == 2
    assert len(both(tasks.csv(path, target="kind", nan="drop"))) == 10


def test_a_second_table_is_the_test_split(write):
    test = "kind,colour,legs,weight\ndog.,blue,2,7.5\ncat.,green,3,8.5\n"
    task = tasks.csv(write(animals()), target="kind", test=write(test, "test.csv"))
    assert task.test.inputs.tolist() == [[7.5, 2, 1, 0], [8.5, 3, 0, 0]] and task.test.targets.tolist() == [1, 0]
    assert any("full stop" in note for note in task.notes)


@pytest.mark.parametrize("nan", ["drop", "impute-median", "indicate"])
def test_rows_without_a_target_are_left_out_where_gaps_are_allowed(write, nan):
    text = animals(40).replace("weight,", "nr,weight,")
    lines = [line if i == 0 else f"{i},{line}" for i, line in enumerate(text.splitlines())]
    for i in (4, 20, 21):
        lines[i] = lines[i].rpartition(",")[0] + ","
    task = tasks.csv(write("\n".join(lines)), target="kind", nan=nan)
    assert "3 of 40 rows of table.csv lack 'kind' and were left out" in task.notes
    assert "left out: 'nr' (row numbers)" in task.notes
    assert sorted(both(task)[:, 0].tolist()) == [i + 0.5 for i in range(40) if i + 1 not in (4, 20, 21)]
    places = range(len(task.test))
    rows = [each["row"] for each in task.preparation.looks(places)]
    assert [float(each["weight"]) for each in rows] == task.test.inputs[:, 0].tolist()
    assert [each["kind"] for each in rows] == [task.class_names[i] for i in task.test.targets.tolist()]


def test_rows_of_a_test_table_without_a_target_are_left_out_too(write):
    test = write("kind,colour,legs,weight\n,blue,2,7.5\ncat,green,3,8.5\n", "test.csv")
    with pytest.raises(DataError, match=r"test.csv: the target column 'kind' is empty in line 2; nan="):
        tasks.csv(write(animals()), target="kind", test=test)
    task = tasks.csv(write(animals()), target="kind", test=test, nan="drop")
    assert task.test.inputs.tolist() == [[8.5, 3, 0, 0]]


def test_a_gap_is_no_empty_set_of_labels_where_commas_are_decimal(write):
    text = "x;y\n" + "".join(f"{i},5;{i * i},25\n" for i in range(30)) + "7,5;\n"
    with pytest.raises(DataError, match="'y' is empty in line 32"):
        tasks.csv(write(text), target="y")


def test_rare_and_individual_texts(write):
    text = "id,place,kind\n" + "".join(f"n{i},p{min(i % 90, 70)},{'ab'[i % 2]}\n" for i in range(360))
    task = tasks.csv(write(text), target="kind")
    assert task.shape.input == (64,)
    assert any("left out" in note and "'id' (360 different texts" in note for note in task.notes)


@pytest.mark.parametrize(
    ("text", "options", "error", "message"),
    [
        ("", {}, DataError, r"is empty \(0 bytes\)"),
        (b"\x89PNG\x00\x00", {}, DataError, "no text file"),
        ("a\n1\n2\n", {}, DataError, "only one column"),
        ("a,b\n", {"header": True}, DataError, "a header but no rows"),
        (animals() + "1,2\n", {}, DataError, r"line 14: 2 columns between commas, but line 1 has 4"),
        (animals(), {"target": None}, UserError, "which column of table.csv is the target.*'kind'.*weight, legs"),
        (animals(), {"target": "knd"}, UserError, "no column 'knd'; did you mean 'kind'"),
        (animals(), {"target": 4}, UserError, "has 4 columns: 0 to 3"),
        ("a,b\n" + "".join(f"{i},t{i}\n" for i in range(99)), {"target": "b"}, DataError, "these are no classes"),
        (animals(40).replace("7.5,", "7.5kg,"), {}, DataError, r"4 of 40 are none \(line 9: '7.5kg'.*correct them"),
        (
            animals().replace("blue,dog", "blue,", 1),
            {},
            DataError,
            r"'kind' is empty in line 3; nan='impute-median' leaves",
        ),
        (animals(), {"categories": "hash"}, UserError, r"categories= must be one of"),
        (animals(), {"nan": "skip"}, UserError, "nan= must be one of"),
        (animals(), {"delimiter": ";;"}, UserError, r"delimiter= is one character"),
        ("kind,b\n" + "a,x\nb,y\n" * 3, {}, None, ""),
        ("kind,b\n" + "a,x\nb,x\n" * 3, {}, DataError, r"can serve as a feature.*'b' \(always the same value\)"),
        ("kind,b\n" + "".join(f"{'ab'[i % 2]},t{i}\n" for i in range(60)), {}, DataError, "no column that can serve"),
        (animals().replace("4.5", "1e308"), {}, DataError, "beyond 3.4e38"),
        (animals().replace("cat", "dog"), {}, DataError, "only 'dog'"),
        ('a,kind\n"1,x\n', {}, DataError, "."),
        (",".join(f"c{i}" for i in range(20001)) + "\n" + ",".join("1" * 20001), {}, DataError, "20,001 columns"),
        ("kind," + "x" * 200_000 + "\n", {}, DataError, "begins with a cell of more than"),
    ],
)
def test_what_cannot_be_used_is_refused_in_words(write, text, options, error, message):
    path = write(text)
    if error is None:
        assert tasks.csv(path, **{"target": "kind", **options})
        return
    with pytest.raises(error, match=message):
        tasks.csv(path, **{"target": "kind", **options})


@pytest.mark.parametrize(
    ("test", "message"),
    [
        ("weight,kind\n1,cat\n", "has 2 columns, table.csv has 4"),
        (animals().replace("weight", "wait"), "no column 'weight'"),
        (animals().replace("cat", "cow"), "classes that the training examples do not: cow"),
        (animals().replace("4.5", "heavy"), "line 6: 'heavy' in the column 'weight' is no finite number"),
    ],
)
def test_a_test_table_must_fit(write, test, message):
    with pytest.raises(DataError, match=message):
        tasks.csv(write(animals()), target="kind", test=write(test, "test.csv"))


def test_a_limit(write):
    task = tasks.csv(write(animals(100)), target="kind", limit=0.5)
    assert len(both(task)) == 50 and "limit: 50 of 100 examples kept" in task.notes

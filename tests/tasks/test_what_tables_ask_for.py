"""Tables with numbers, labels, groups, times, and files of their own to validate and test on."""

import numpy as np
import pytest

from netwright import tasks
from netwright.core.errors import DataError, UserError
from netwright.problems import Classification, Regression, SeveralLabels

DRAWS = np.random.default_rng(5)
SIZE = DRAWS.random(120) * 100
ROOMS = DRAWS.integers(1, 6, 120)
PRICE = np.round(SIZE * 13.7 + ROOMS * 100 + DRAWS.random(120) * 50, 2)
TAGS = [
    ";".join(name for name, least in zip(("big", "old", "wet"), (50, 30, 80), strict=True) if x > least) for x in SIZE
]


def rows(**columns):
    """A table of these columns, each a list of texts or numbers."""
    names = list(columns)
    lines = [",".join(names), *(",".join(map(str, row)) for row in zip(*columns.values(), strict=True))]
    return "\n".join(lines) + "\n"


HOUSES = {"size": SIZE, "rooms": ROOMS, "price": PRICE}


@pytest.fixture
def write(tmp_path):
    def make(text, name="table.csv"):
        path = tmp_path / name
        path.write_text(text)
        return path

    return make


def answers(task, examples):
    return task.problem.in_units(examples.targets).numpy()


@pytest.mark.parametrize("price", [PRICE, [f'"${each:,.2f}"' for each in PRICE]])
def test_a_column_of_measured_numbers_is_a_regression(write, price):
    task = tasks.csv(write(rows(**{**HOUSES, "price": price})), target="price")
    assert isinstance(task.problem, Regression) and task.problem.names == ("price",)
    found = np.concatenate([answers(task, task.train), answers(task, task.test)])[:, 0]
    assert np.allclose(np.sort(found), np.sort(PRICE))
    assert task.shape.input == (2,) and any("a regression" in note for note in task.notes)
    assert task.notes[0] == "the target is the column 'price'"


def test_few_whole_numbers_are_classes_unless_the_user_says_otherwise(write):
    path = write(rows(size=SIZE, price=PRICE, rooms=ROOMS))
    assert tasks.csv(path, target="rooms").class_names == ("1", "2", "3", "4", "5")
    assert isinstance(tasks.csv(path, target="rooms", problem="regression").problem, Regression)
    ages = write(rows(size=np.tile(SIZE, 20), age=np.tile(np.arange(30) + 4, 80)), "ages.csv")
    task = tasks.csv(ages, target="age")
    assert isinstance(task.problem, Classification)
    assert any("30 different whole numbers, taken as classes; problem='regression'" in note for note in task.notes)


def test_several_target_columns_are_numbers_or_labels(write):
    wet = (SIZE > 80).astype(int)
    path = write(rows(**HOUSES, old=["yes" if each > 30 else "no" for each in SIZE], wet=wet))
    task = tasks.csv(path, target="price,size")
    assert task.problem.names == ("price", "size") and task.shape.input == (3,)
    assert tasks.csv(path, target=["price", "size"]).fingerprint == task.fingerprint
    labels = tasks.csv(path, target=["old", "wet"])
    assert labels.problem.label_names == ("old", "wet") and labels.shape.input == (3,)
    assert labels.notes[0] == "the targets are the columns 'old', 'wet'"
    with pytest.raises(DataError, match=r"'kind' is to hold numbers, but 120 of 120 cells are none \(line 2: 'x'"):
        tasks.csv(write(rows(size=SIZE, price=PRICE, kind=["x"] * 120)), target="price,kind")
    with pytest.raises(UserError, match="names a column twice"):
        tasks.csv(path, target="price,price")


def test_several_labels_in_one_column(write):
    path = write(rows(size=SIZE, rooms=ROOMS, tags=TAGS))
    task = tasks.csv(path, target="tags")
    assert isinstance(task.problem, SeveralLabels) and task.problem.label_names == ("big", "old", "wet")
    assert int(task.train.targets.sum()) + int(task.test.targets.sum()) == sum(
        len(each.split(";")) for each in TAGS if each
    )
    assert any("separated by ';'; problem='classification' takes each text" in note for note in task.notes)
    full = write(rows(size=SIZE, rooms=ROOMS, tags=[each or "new" for each in TAGS]), "full.csv")
    assert isinstance(tasks.csv(full, target="tags", problem="classification").problem, Classification)
    other = write(rows(size=SIZE[:9], rooms=ROOMS[:9], tags=[*TAGS[:8], "dry"]), "test.csv")
    with pytest.raises(DataError, match=r"in test.csv hold the label 'dry'.*they know big, old, wet"):
        tasks.csv(path, target="tags", test=other)


def test_a_column_that_gives_the_number_away_is_left_out_or_said(write):
    path = write(rows(size=SIZE, again=PRICE, euro=PRICE * 0.9 + 3, price=PRICE))
    task = tasks.csv(path, target="price")
    assert any("'again' (the target again)" in note for note in task.notes)
    assert any("a straight line through 'euro' gives the target" in note for note in task.notes)
    assert task.shape.input == (2,)


def test_files_to_validate_and_to_test_on(write):
    parts = [slice(0, 80), slice(80, 100), slice(100, 120)]
    names = ["table.csv", "validation.csv", "test.csv"]
    paths = [
        write(rows(**{key: values[part] for key, values in HOUSES.items()}), name)
        for part, name in zip(parts, names, strict=True)
    ]
    task = tasks.csv(paths[0], target="price", validation=paths[1], test=paths[2])
    data = task.search_data(0)
    for examples, part in ((data.train, parts[0]), (data.held_out, parts[1]), (task.test, parts[2])):
        assert np.allclose(np.sort(answers(task, examples)[:, 0]), np.sort(PRICE[part]))
    assert tasks.from_configuration(task.configuration()).fingerprint == task.fingerprint
    alone = tasks.csv(paths[0], target="price", validation=paths[1])
    assert len(alone.validation) == 20 and len(alone.test) == 8
    some = tasks.csv(paths[0], target="price", validation=paths[1], test=paths[2], limit=40)
    assert len(some.validation) == 10 and len(some.train) == 50
    with pytest.raises(
        DataError, match=r"test\.csv has no column 'price', the target, and so cannot be the validation"
    ):
        tasks.csv(paths[0], target="price", validation=write(rows(size=SIZE, rooms=ROOMS), "test.csv"))


def test_groups_are_never_on_both_sides_and_are_no_feature(write):
    street = [f"street {i // 6}" for i in range(120)]
    path = write(rows(**HOUSES, street=street))
    task = tasks.csv(path, target="price", group_column="street")
    data = task.search_data(3)
    where = {round(float(price), 2): name for price, name in zip(PRICE, street, strict=True)}
    sides = [
        {where[round(float(each), 2)] for each in answers(task, part)[:, 0]}
        for part in (data.train, data.held_out, task.test)
    ]
    assert all(sides) and sum(map(len, sides)) == 20 and task.shape.input == (2,)
    test = write(rows(**{key: values[:9] for key, values in HOUSES.items()}, street=street[:9]), "test.csv")
    said = tasks.csv(path, target="price", group_column="street", test=test).notes
    assert any(
        "2 groups of 'street' are in the training and in the test file ('street 0', 'street 1')" in n for n in said
    )


def test_the_last_rows_by_time_are_tested_on(write):
    days = DRAWS.permutation(120)
    dates = [f"2020-{1 + day // 28:02}-{1 + day % 28:02}" for day in days]
    path = write(rows(**HOUSES, sold=dates))
    task = tasks.csv(path, target="price", time_column="sold")
    order = np.argsort(days)
    assert np.allclose(answers(task, task.test)[:, 0], PRICE[order][-12:]) and task.shape.input == (2,)
    assert np.allclose(np.sort(answers(task, task.search_data(0).held_out)[:, 0]), np.sort(PRICE[order][-23:-12]))
    with pytest.raises(DataError, match="line 4: '' in the column 'sold' is no date, time or number"):
        tasks.csv(write(rows(**HOUSES, sold=[*dates[:2], "", *dates[3:]])), target="price", time_column="sold")
    with pytest.raises(UserError, match="no column 'solt'; did you mean 'sold'"):
        tasks.csv(path, target="price", time_column="solt")


def test_the_examples_of_an_exported_model_stand_in_the_order_of_the_test_split(write, tmp_path):
    path = write(rows(**HOUSES, sold=120 - np.arange(120)))
    task = tasks.csv(path, target="price", time_column="sold")
    (own,) = task.preparation.own_files(5, tmp_path / "..")
    found = [float(line.split(",")[2]) for line in own.read_text().splitlines()[1:]]
    assert np.allclose(found, answers(task, task.test)[:5, 0])


@pytest.mark.parametrize(
    ("price", "options", "message"),
    [
        ({3: ""}, {}, "'price' is empty in line 5; nan='impute-median' leaves such rows out"),
        (
            {3: "cheap"},
            {},
            r"'price' is to hold numbers, but 1 of 120 cells are none \(line 5: 'cheap'\); correct these",
        ),
        ({3: "inf", 9: "-inf"}, {}, r"2 of 120 cells are none \(line 5: 'inf', line 11: '-inf'\)"),
        ({i: f"text {i % 3}" for i in range(120)}, {"problem": "regression"}, r"120 of 120 .*line 2: 'text 0'"),
        (dict.fromkeys(range(120), 7.5), {}, "always 7.5: there is nothing to learn"),
    ],
)
def test_targets_that_cannot_be_used_are_refused_with_their_line(write, price, options, message):
    texts = [price.get(i, each) for i, each in enumerate(PRICE)]
    with pytest.raises(DataError, match=message):
        tasks.csv(write(rows(size=SIZE, rooms=ROOMS, price=texts)), target="price", **options)


def test_a_text_among_the_numbers_of_a_test_file_is_refused_with_its_line(write):
    path = write(rows(**HOUSES))
    test = write(rows(size=SIZE[:5], rooms=ROOMS[:5], price=[*PRICE[:4], "cheap"]), "test.csv")
    with pytest.raises(DataError, match=r"test.csv: the target column 'price' .* 1 of 5 .* \(line 6: 'cheap'\)"):
        tasks.csv(path, target="price", test=test)


def test_a_value_that_is_no_label_is_named_with_its_line(write):
    table = rows(size=SIZE, big=[int(each > 50) for each in SIZE], old=[7 if i == 9 else i % 2 for i in range(120)])
    with pytest.raises(DataError, match=r"table.csv, line 11: the label 'old' is 0 or 1, found '7'"):
        tasks.csv(write(table), target="big,old", problem="labels")


def test_a_class_that_only_the_test_has_is_named_with_its_line_and_the_nearest(write):
    kinds = ["large" if each > 50 else "small" for each in SIZE]
    test = write(rows(size=SIZE[:5], kind=["small", "small", "smal", "small", "?"]), "test.csv")
    with pytest.raises(DataError, match=r"not: smal \(first in line 4\); .* large, small; did you mean 'small'\?"):
        tasks.csv(write(rows(size=SIZE, kind=kinds)), target="kind", test=test, nan="drop")
    whole = rows(size=SIZE, kind=ROOMS)
    with pytest.raises(DataError, match=r"not: 9 \(first in line 2\); the training"):
        tasks.csv(write(whole), target="kind", test=write(rows(size=[3.5], kind=[9]), "test.csv"))


def test_names_that_differ_in_case_only_are_said(write):
    text = rows(size=SIZE, street=["Elm", "ELM", "Oak"] * 40, kind=["yes", "no", "Yes", "no"] * 30)
    notes = tasks.csv(write(text), target="kind").notes
    assert "the classes 'Yes' and 'yes' differ in upper and lower case only, and are told apart" in notes
    assert "'ELM' and 'Elm' differ in upper and lower case only, and are told apart in 'street'" in notes

"""What is said of data and options that do not fit: the cause, and what to do."""

import numpy as np
import pytest

from netwright.cli.flags import in_flags
from netwright.core.errors import NetwrightError
from netwright.tasks import arrays, csv, forecast, open_task, series
from netwright.tasks.opening import readers_with


@pytest.fixture
def numbers():
    return np.random.default_rng(0).normal(size=(40, 3))


def refused(make, *args, **options):
    with pytest.raises(NetwrightError) as found:
        make(*args, **options)
    return in_flags(found.value)


def table(path, head, rows):
    path.write_text("\n".join(",".join(map(str, row)) for row in (head, *rows)) + "\n")
    return path


def ts(path, lines, head="@equalLength true\n@classLabel true a b"):
    path.write_text("\n".join([head, "@data", *lines]) + "\n")
    return path


def test_class_weights_are_for_classes_and_labels(numbers):
    said = refused(arrays, numbers, numbers[:, 0] * 2, class_weights="balanced")
    assert "--class-weights is for classes and labels" in said and "regression" in said


@pytest.mark.parametrize(
    ("row", "said"), [([0, 0], "no example has any label"), ([0, 1], "every example has 'label 2'")]
)
def test_labels_that_are_the_same_in_all_examples(numbers, row, said):
    found = refused(arrays, numbers, np.tile(row, (40, 1)), problem="labels")
    assert said in found and "nothing to learn" in found


def test_a_number_among_labels_is_named(numbers):
    y = np.random.default_rng(1).integers(0, 2, (40, 3))
    y[5, 1] = 2
    assert any("1 are neither 0 nor 1, the first 2 in row 5 (from 0)" in each for each in arrays(numbers, y).notes)
    assert not any("neither" in each for each in arrays(numbers, y + 3).notes)


def test_a_class_in_the_test_masks_alone():
    generator = np.random.default_rng(0)
    x, y = generator.integers(0, 256, (12, 16, 16), np.uint8), generator.integers(0, 2, (12, 16, 16))
    said = refused(arrays, x, y, test=(x[:4], y[:4] * 2))
    assert "that the training masks do not: 2; the training classes are 0, 1" in said
    arrays(x, y, test=(x[:4], y[:4]))
    arrays(x, y, test=(x[:4], y[:4] * 2), classes=("ground", "tree", "house"))


@pytest.mark.parametrize("shape", [(6, 24, 30), (6, 24, 30, 3), (6, 3, 24, 30)])
def test_masks_of_another_size_than_the_images(shape):
    said = refused(arrays, np.zeros(shape, np.uint8), np.zeros((6, 20, 30), int))
    assert "masks in y are 30x20 pixels, the images in x 30x24" in said


@pytest.mark.parametrize("groups", [["one"], ["one", "two"]])
def test_groups_that_are_too_few(tmp_path, groups):
    rows = [(i * 0.37 % 1, "xy"[i % 2], groups[i % len(groups)]) for i in range(40)]
    said = refused(csv, table(tmp_path / "t.csv", ("a", "c", "g"), rows), target="c", group_column="g")
    assert (
        f"t.csv: 'g' has {len(groups)} group" in said and "at least 3 are needed" in said and "--group-column" in said
    )


def test_a_class_that_lies_in_one_group(tmp_path):
    rows = [(i * 0.37 % 1, "xyz"[i % 3], i % 3) for i in range(60)]
    path = table(tmp_path / "t.csv", ("a", "c", "g"), rows)
    said = refused(csv, path, target="c", group_column="g")
    assert "groups are split whole, and with 1 of 3 set aside for the test" in said and "has 0" in said


@pytest.mark.parametrize("bad", ["x", ""])
def test_a_bad_cell_in_the_target_of_a_forecast_is_not_to_be_dropped(tmp_path, bad):
    rows = [[i, i % 7 + 0.5, i % 5] for i in range(200)]
    rows[50][1] = bad
    path = table(tmp_path / "t.csv", ("t", "load", "wind"), rows)
    asked = {"horizon": 2, "window": 4, "time_column": "t"}
    said = refused(forecast, path, target="load", **asked)
    assert "line 52" in said and "target" in said and "--drop" not in said
    assert "--drop load" in refused(forecast, path, target="wind", **asked) if not bad else True


def test_a_short_text_is_a_text(tmp_path):
    path = tmp_path / "short.txt"
    path.write_text("hello world\n")
    assert "holds 12 characters, too few" in refused(open_task, str(path))
    said = refused(open_task, str(path), target="a")
    assert "leave --target-column" in said and "read as a text" in said


def test_a_class_that_the_header_of_series_does_not_list(tmp_path):
    rows = ["1,2,3,4:a", "2,3,4,5:b"] * 6
    series(ts(tmp_path / "good.ts", rows))
    said = refused(series, ts(tmp_path / "bad.ts", [*rows, "1,2,3,4:zz"]))
    assert "bad.ts, line 16: the class 'zz' is none of those that @classLabel lists: a, b" in said
    numbers = [each.replace(":a", ":1").replace(":b", ":2") for each in rows]
    series(ts(tmp_path / "numbers.ts", numbers, "@classLabel true 1.0 2.0"))


def test_series_of_unequal_length_name_the_file_and_the_option(tmp_path):
    said = refused(series, ts(tmp_path / "uneq.ts", [*["1,2,3,4:a", "2,3,4,5:b"] * 6, "1,2,3:a"]))
    assert said.startswith("uneq.ts: line 16 has 3 times") and "--data-option unequal=pad" in said


def test_an_empty_file_of_series(tmp_path):
    (tmp_path / "empty.ts").touch()
    assert "is empty (0 bytes)" in refused(series, tmp_path / "empty.ts")


def test_a_target_of_series_that_is_no_number(tmp_path):
    y = np.arange(30) + 0.25
    y[3] = np.nan
    np.savez(tmp_path / "s.npz", x=np.random.default_rng(0).normal(size=(30, 2, 20)), y=y)
    assert "targets in s.npz are NaN or infinite, the first at row 3 (from 0)" in refused(series, tmp_path / "s.npz")


def test_what_options_are_for():
    assert "images with masks" in readers_with("dice") and "texts (.txt)" in readers_with("tokens")
    assert readers_with("nothing") == []

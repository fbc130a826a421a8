"""Arrays and tensors: layouts, number ranges, labels of every kind, and what is refused with which words."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from netwright.core.errors import DataError, NetwrightError, UserError
from netwright.core.task import Augmentation
from netwright.tasks import arrays

RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 256, (30, 3, 8, 8), dtype=np.uint8)
VECTORS = RNG.normal(size=(30, 4))
Y = np.arange(30) % 3


def both(task):
    """All inputs of a task, in an order of their own."""
    return torch.cat([task.train.inputs, task.test.inputs])


def sorted_rows(x):
    return np.sort(np.asarray(x).reshape(len(x), -1), axis=0)


def test_images_are_kept_as_they_are():
    task = arrays(IMAGES, Y)
    assert task.shape.input == (3, 8, 8) and task.augmentation == Augmentation()
    assert np.array_equal(sorted_rows(both(task)), sorted_rows(IMAGES))


def test_every_label_stays_with_its_image():
    x = np.zeros((30, 1, 2, 2), dtype=np.uint8)
    x[:, 0, 0, 0] = Y
    for part in (arrays(x, Y).train, arrays(x, Y).test):
        assert torch.equal(part.inputs[:, 0, 0, 0].long(), part.targets)


@pytest.mark.parametrize(
    ("x", "expected", "note"),
    [
        (IMAGES.transpose(0, 2, 3, 1), IMAGES, "channels-last input: moved the channel axis first"),
        (IMAGES[:, 0], IMAGES[:, :1], "one channel, 8x8"),
        (torch.from_numpy(IMAGES), IMAGES, None),
        (IMAGES.tolist(), IMAGES, None),
        (IMAGES / 255, IMAGES, None),
        ((IMAGES / 255).astype(np.float32), IMAGES, None),
        (torch.from_numpy(IMAGES / 255).half(), IMAGES, None),
        (IMAGES.astype(np.float64), IMAGES, None),
        (IMAGES.astype(np.int64), IMAGES, None),
        (IMAGES > 127, (IMAGES > 127) * np.uint8(255), "true and false"),
        (IMAGES.astype(np.float64) * 2 - 255, None, "-255 to 255"),
        (IMAGES.astype(np.uint16) * 257, IMAGES, "0 to 65535"),
        (np.round(IMAGES / 255, 2), None, "rounded to 256 levels"),
        (np.full((30, 1, 4, 4), -5.0), np.zeros((30, 1, 4, 4), np.uint8), "-5 to -5"),
    ],
)
def test_images_of_every_range_and_layout(x, expected, note):
    task = arrays(x, Y)
    assert task.train.inputs.dtype == torch.uint8
    if expected is not None:
        assert np.array_equal(sorted_rows(both(task)), sorted_rows(expected))
    said = " ".join(each for each in task.notes if "set aside" not in each)
    assert (note in said) if note else expected is None or not said


@settings(max_examples=50, deadline=None)
@given(hnp.arrays(np.uint8, (6, 1, 3, 2)))
def test_images_as_fractions_come_back_exactly(x):
    y = [0, 0, 0, 1, 1, 1]
    whole = arrays(x, y)
    for dtype in (np.float16, np.float32, np.float64):
        if x.max() > 1:  # 0 and 1 alone cannot be told from fractions
            fractions = arrays((x / 255).astype(dtype), y)
            assert whole.fingerprint == fractions.fingerprint
            assert not any("rounded" in note for note in fractions.notes)


def test_test_images_are_scaled_as_the_training_images():
    x = RNG.uniform(-3, 7, (30, 1, 4, 4))
    task = arrays(x, Y, test=(x[:6] * 10, Y[:6]))
    low, high = x.min(), x.max()
    expected = np.clip(np.round((x[:6] * 10 - low) * 255 / (high - low)), 0, 255)
    assert np.array_equal(task.test.inputs.numpy(), expected.astype(np.uint8))


def test_images_in_different_ranges_are_pointed_out():
    task = arrays(IMAGES, Y, test=(IMAGES[:6] / 255, Y[:6]))
    assert any("test images lie in" in note for note in task.notes)
    assert not any("test images lie in" in note for note in arrays(IMAGES, Y, test=(IMAGES[:6], Y[:6])).notes)


def test_an_ambiguous_layout_is_asked_for():
    x = np.zeros((30, 8, 8, 6), np.uint8)
    with pytest.raises(DataError, match=r"8 channels first or 6 channels last.*layout=.*permute"):
        arrays(x, Y)
    assert arrays(x, Y, layout="channels-last").shape.input == (6, 8, 8)
    assert arrays(x, Y, layout="channels-first").shape.input == (8, 8, 6)
    with pytest.raises(UserError, match="layout= must be one of"):
        arrays(x, Y, layout="nhwc")


@pytest.mark.parametrize(
    ("y", "names"),
    [
        (Y, ("0", "1", "2")),
        (Y * 5 - 3, ("-3", "2", "7")),
        (Y.astype(np.float32), ("0", "1", "2")),
        (np.array(["cat", "ant", "bee"])[Y], ("ant", "bee", "cat")),
        (np.array([b"cat", b"ant", b"bee"])[Y], ("ant", "bee", "cat")),
        (np.array(["cat", "ant", "bee"], dtype=object)[Y], ("ant", "bee", "cat")),
        (["cat", "ant", "bee"] * 10, ("ant", "bee", "cat")),
        (Y > 0, ("False", "True")),
        (Y[:, None], ("0", "1", "2")),
        (np.eye(3)[Y], ("0", "1", "2")),
        (torch.from_numpy(Y), ("0", "1", "2")),
        (torch.from_numpy(Y).to(torch.uint8), ("0", "1", "2")),
    ],
)
def test_labels_of_every_kind(y, names):
    task = arrays(VECTORS, y)
    assert task.class_names == names
    x = torch.from_numpy(VECTORS.astype(np.float32))
    plain = np.asarray(y.argmax(1) if getattr(y, "ndim", 1) == 2 and y.shape[1] > 1 else y).reshape(-1)
    expected = {
        row.numpy().tobytes(): str(v.decode() if isinstance(v, bytes) else v) for row, v in zip(x, plain, strict=True)
    }
    for row, label in zip(task.train.inputs, task.train.targets.tolist(), strict=True):
        found = names[label]
        wanted = expected[row.numpy().tobytes()]
        assert found == wanted or float(found) == float(wanted)


def test_class_names_can_be_given():
    assert arrays(VECTORS, Y, classes=["a", "b", "c"]).class_names == ("a", "b", "c")
    assert arrays(VECTORS, Y + 4, classes=["a", "b", "c"]).class_names == ("a", "b", "c")


def test_gaps_in_labels_are_said():
    assert "labels 0, 5, 10 were numbered 0 to 2" in arrays(VECTORS, Y * 5).notes


ROWS = VECTORS.copy()
ROWS[3, 1], ROWS[7, 2], ROWS[7, 0] = np.nan, np.inf, -np.inf


def test_missing_features_become_the_median_or_leave():
    task = arrays(ROWS, Y, nan="impute-median")
    column = ROWS[np.isfinite(ROWS[:, 1]), 1]
    assert np.float32(np.median(column)) in both(task)[:, 1].numpy()
    assert len(both(task)) == 30 and bool(torch.isfinite(both(task)).all())
    task = arrays(ROWS, Y, nan="drop")
    assert len(both(task)) == 28 and any("2 of 30 rows" in note for note in task.notes)


def test_missing_test_features_become_the_training_median():
    x_test = np.full((3, 4), np.nan)
    task = arrays(VECTORS, Y, test=(x_test, [0, 1, 2]), nan="impute-median")
    assert np.allclose(task.test.inputs.numpy(), np.median(VECTORS, axis=0).astype(np.float32))


def test_large_offsets_do_not_swallow_differences():
    seconds = 1.7e9 + np.arange(30.0)
    task = arrays(np.stack([seconds, np.ones(30)], 1), Y)
    assert len(set(both(task)[:, 0].tolist())) == 30
    assert any("column 0 " in note or "columns 0 " in note for note in task.notes)
    assert any("same value" in note for note in task.notes)


class Sparse:
    def toarray(self):
        return VECTORS


HUGE = VECTORS.copy()
HUGE[2, 3] = 1e308


@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        (VECTORS, Y[:29], r"\(30, 4\) holds 30 examples, but there are 29 labels"),
        (VECTORS.T, Y, r"30 labels; axis 1 of x has that length: np.moveaxis\(x, 1, 0\)"),
        (IMAGES.transpose(1, 2, 3, 0), Y, r"axis 3 of x has that length"),
        (VECTORS[:, 0], Y, r"shape \(30,\).*reshape\(-1, 1\)"),
        (IMAGES[None], Y, r"shape \(1, 30, 3, 8, 8\); expected"),
        (np.zeros((30, 0)), Y, "nothing in it"),
        (np.zeros((0, 4)), np.zeros(0, int), "nothing in it"),
        (ROWS, Y, r"3 NaN or infinite values in 2 of 30 rows, at \(row, column\) \(3, 1\), \(7, 0\), \(7, 2\); nan="),
        (HUGE, Y, r"1 values beyond 3.4e38.*\(2, 3\), such as 1e\+308"),
        (IMAGES + np.where(np.arange(8) == 5, np.nan, 0.0), Y, "x holds 720 NaN or infinite values in 30 of 30 rows"),
        (VECTORS.astype(complex), Y, "complex"),
        (VECTORS.astype(str), Y, "holds text"),
        (Sparse(), Y, "toarray"),
        ([[1, 2], [3]] * 15, Y, "different lengths"),
        (VECTORS, np.zeros(30, int), "at least 2 classes.*only '0'"),
        (VECTORS, np.where(Y == 1, np.nan, Y), "10 of the labels are NaN or infinite, the first at row 1"),
        (VECTORS, np.zeros((30, 2, 2)), r"expected \(n,\)"),
        (VECTORS, np.array(["a", 1, None] * 10, dtype=object), "missing, the first at row 2"),
        (VECTORS, np.array(["a", 1, 2] * 10, dtype=object), "mix int and str"),
        (VECTORS, np.where(np.arange(30) == 4, 9, Y), "class '9' has 1; add"),
        (VECTORS, np.where(np.arange(30) < 2, 9, Y), "at least 3 examples .*'9' has 2"),
        (VECTORS[:1], Y[:1], "at least 2 classes"),
        (VECTORS[:2], Y[:2], "at least 3 examples"),
        (VECTORS[:3], Y[:3], "at least 3 examples"),
        (VECTORS[:7], Y[:7], "'1' has 2, '2' has 2"),
        (np.full((30, 2), np.nan), Y, "60 NaN"),
    ],
)
def test_what_cannot_be_used_is_refused_in_words(x, y, message):
    with pytest.raises(DataError, match=message) as caught:
        arrays(x, y)
    assert caught.value.exit_code == 5


@pytest.mark.parametrize(
    ("test", "message"),
    [
        ((VECTORS[:5, :3], Y[:5]), r"x_test has the shape \(5, 3\), x \(30, 4\)"),
        ((VECTORS[:5], Y[:4]), "x_test of shape"),
        ((VECTORS[:5], Y[:5] + 2), "classes that the training examples do not: 3, 4"),
        ((VECTORS[:5], ["a"] * 5), "are text such as 'a', but the training labels are numbers such as 0"),
        ((VECTORS[:0], Y[:0]), "nothing in it"),
        (VECTORS, r"pair \(x_test, y_test\)"),
        ((ROWS[:5], Y[:5]), r"x_test holds 1 NaN.*\(3, 1\)"),
    ],
)
def test_a_test_split_must_fit(test, message):
    with pytest.raises(DataError, match=message):
        arrays(VECTORS, Y, test=test)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"nan": "ignore"}, "nan= must be one of"),
        ({"classes": ["a", "b"]}, "2 class names were given"),
        ({"classes": ["a", "b", "c", "d"]}, "class 'd' has no examples"),
        ({"classes": ["a", "a", "b"]}, "must differ"),
        ({"test_share": 0}, "between 0 and 1"),
        ({"limit": 0}, "limit is a number"),
    ],
)
def test_options_that_cannot_be(options, message):
    with pytest.raises(NetwrightError, match=message):
        arrays(VECTORS, Y, **options)


def test_a_median_of_nothing_is_refused():
    x = VECTORS.copy()
    x[:, 2] = np.nan
    with pytest.raises(DataError, match="column 2 holds no finite number"):
        arrays(x, Y, nan="impute-median")


@pytest.mark.parametrize("n", [9, 10, 11])
def test_the_smallest_data_sets_still_split(n):
    task = arrays(VECTORS[:n], Y[:n])
    data = task.search_data(0)
    assert set(data.train.targets.tolist()) == set(data.held_out.targets.tolist()) == {0, 1, 2}


def test_a_limit_keeps_a_stratified_part():
    task = arrays(VECTORS, Y, limit=15)
    assert len(both(task)) == 15
    assert torch.bincount(torch.cat([task.train.targets, task.test.targets])).tolist() == [5, 5, 5]
    assert "limit: 15 of 30 examples kept" in task.notes


@settings(max_examples=150, deadline=None)
@given(
    hnp.arrays(
        st.sampled_from([np.float64, np.float32, np.uint8, np.int64, np.bool_]),
        hnp.array_shapes(min_dims=1, max_dims=4, max_side=9),
    ),
    st.lists(st.integers(-2, 3), max_size=9),
)
def test_any_input_gives_a_task_or_a_sentence(x, y):
    try:
        task = arrays(x, np.array(y))
    except NetwrightError as refused:
        assert str(refused)
    else:
        data = task.search_data(0)
        assert len(data.train) and len(data.held_out)
        assert np.isfinite([*data.mean, *data.std]).all() and min(data.std) > 0

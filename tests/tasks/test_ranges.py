"""What sets the range of arrays of pictures: not a hot pixel, wherever and however often it is."""

import numpy as np
import pytest

from netwright import tasks

N, SIDE = 320, 12


def pictures(seed=0):
    """Noise in which the class is a brighter square."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 2, N)
    x = rng.normal(size=(N, SIDE, SIDE)).astype(np.float32)
    x[y == 1, 2:6, 2:6] += 3
    return x, y


def one(x, rng):
    x[5, 0, 0] = 50_000


def cold(x, rng):
    x[7, 3, 3] = -9999


def missing(x, rng):
    x[9] = 1e30


def stuck(x, rng):
    x[:, 4, 4] = 4000


def row(x, rng):
    x[3, 5] = 65535


def several(x, rng):
    x[rng.choice(N, 3, replace=False), 1, 1] = 1e6


def everywhere(x, rng):
    x[np.arange(N), rng.integers(0, SIDE, N), rng.integers(0, SIDE, N)] = 20_000


def bulk_levels(task):
    """How many of 256 levels lie between the 1st and the 99th percentile of the stored pixels."""
    low, high = np.percentile(task.train.inputs.numpy(), (1, 98))
    return high - low


@pytest.mark.parametrize("harm", [one, cold, missing, stuck, row, several, everywhere])
@pytest.mark.parametrize("whole", [False, True], ids=["floats", "whole numbers"])
def test_outliers_leave_the_others_their_levels(harm, whole):
    x, y = pictures()
    if whole:
        x = np.round(x * 100 + 1000)
    harm(x, np.random.default_rng(1))
    x = x.astype(np.int64) if whole and harm is not missing else x
    task = tasks.arrays(x, y)
    assert bulk_levels(task) >= 40
    assert any("clipped" in note or "arcsinh" in note for note in task.notes)
    bright = np.concatenate([task.train.inputs.numpy(), task.test.inputs.numpy()])[:, 0, 2:6, 2:6].mean((1, 2))
    labels = np.concatenate([task.train.targets.numpy(), task.test.targets.numpy()])
    assert bright[labels == 1].min() > np.percentile(bright[labels == 0], 90)


def test_the_picture_with_the_outlier_is_named():
    x, y = pictures()
    one(x, None)
    (note,) = [note for note in tasks.arrays(x, y).notes if "far outside" in note]
    assert "1 pixel values in 1 of 320 images" in note and "such as 50000, the first in image 5" in note


def test_pictures_without_outliers_span_their_lowest_and_highest_value():
    x, y = pictures()
    task = tasks.arrays(x, y)
    expected = np.round((x - x.min()) * (255 / (float(x.max()) - float(x.min()))))
    stored = np.concatenate([task.train.inputs.numpy(), task.test.inputs.numpy()])[:, 0]
    assert {each.tobytes() for each in stored} == {each.astype(np.uint8).tobytes() for each in expected}


@pytest.mark.parametrize(("factor", "dtype"), [(1, np.float32), (255, np.float64), (255, np.uint16)])
def test_a_hot_pixel_does_not_make_other_pixels_of_fractions_or_bytes(factor, dtype):
    rng = np.random.default_rng(0)
    clean = np.round(rng.random((60, 8, 8)) * 255) / 255 * factor
    hot = clean.astype(dtype)
    hot[3, 0, 0] = 5000
    expected = np.round(clean * (255 / factor))
    expected[3, 0, 0] = 255
    task = tasks.arrays(hot, np.arange(60) % 2)
    stored = np.concatenate([task.train.inputs.numpy(), task.test.inputs.numpy()])[:, 0]
    assert {each.tobytes() for each in stored} == {each.astype(np.uint8).tobytes() for each in expected}


def test_few_bright_points_on_black_are_no_outliers():
    x = np.zeros((60, 16, 16), np.uint16)
    rng = np.random.default_rng(0)
    for picture in x:
        picture[rng.integers(0, 16, 2), rng.integers(0, 16, 2)] = rng.integers(500, 4000, 2)
    task = tasks.arrays(x, np.arange(60) % 2)
    assert len(task.train.inputs.unique()) > 40 and not any("clipped" in note for note in task.notes)


def test_a_hot_test_picture_is_clipped_and_no_warning_of_the_range():
    x, y = pictures()
    test = x[:20].copy()
    test[2, 0, 0] = 9e9
    task = tasks.arrays(x, y, test=(test, y[:20]))
    assert int(task.test.inputs[2, 0, 0, 0]) == 255 and not any("test images lie in" in each for each in task.notes)

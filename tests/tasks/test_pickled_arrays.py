"""Pickles are read as data: numpy arrays in every protocol, and nothing that calls anything."""

import collections
import os
import pickle

import numpy as np
import pytest
from small_files import Runs, old_pickle

from netwright.core.errors import DataError
from netwright.tasks.pickled_arrays import read

DATA = np.random.default_rng(0).integers(0, 256, (5, 3072), dtype=np.uint8)


def test_the_file_of_python_2_is_what_pickle_reads():
    body = old_pickle(DATA, [3, 1, 4, 1, 5], [b"a.png"] * 5)
    reference = pickle.loads(body, encoding="bytes")
    found = read(body, "batch")
    assert np.array_equal(found[b"data"], DATA) and np.array_equal(reference[b"data"], DATA)
    assert {k: v for k, v in found.items() if k != b"data"} == {k: v for k, v in reference.items() if k != b"data"}


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize(
    "array",
    [
        DATA,
        DATA.T,
        np.asfortranarray(DATA),
        np.arange(6.0).reshape(2, 3),
        np.arange(4, dtype=np.int16),
        np.zeros((0, 3)),
    ],
)
def test_arrays_of_every_protocol(protocol, array):
    value = {
        "data": array,
        "labels": [1, 2, 300, -70000, 2**40],
        "names": ("a", "b"),
        "none": None,
        "yes": True,
        "x": 1.5,
    }
    found = read(pickle.dumps(value, protocol), "file")
    assert np.array_equal(found.pop("data"), value.pop("data"))
    assert found == value


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("function", [os.system, eval, exec, getattr, __import__, open])
def test_calls_are_refused_by_name_and_nothing_runs(tmp_path, protocol, function):
    marker = tmp_path / "ran"
    body = pickle.dumps({"data": Runs(function, f"touch {marker}"), "labels": [1]}, protocol)
    with pytest.raises(DataError, match=rf"unsafe pickle refused: global \w+\.{function.__name__}"):
        read(body, "batch")
    assert not marker.exists()


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (collections.OrderedDict(a=1), "global collections.OrderedDict"),
        (np.array([{}, 1], dtype=object), "arrays of object"),
        (np.array(["a"]), "arrays of <U1"),
        (np.arange(3, dtype=">i4"), "big-endian"),
        (Runs(np.load, "file"), "unsafe pickle refused"),
        ({1, 2}, "unsafe pickle refused"),
    ],
)
def test_other_values_are_refused(value, message):
    with pytest.raises(DataError, match=message):
        read(pickle.dumps(value, 2), "batch")


@pytest.mark.parametrize(
    "body",
    [b"", b".", b"text", b"\x80\x02", b"}", b"0.", b"\x80\x02}q\x01(U\x04data", b"h\x05.", b"(lp0\n(d", b"]a.", b"(."],
)
def test_nonsense_is_refused(body):
    with pytest.raises(DataError):
        read(body, "batch")


def test_small_files_that_unfold_without_end_are_harmless():
    value: dict = {}
    for _ in range(60):
        value = {"a": value, "b": value}
    read(pickle.dumps(value, 4), "batch")


def test_every_truncation_is_refused():
    body = old_pickle(DATA[:1], [3], [b"a.png"])
    for length in [*range(200), *range(len(body) - 60, len(body))]:
        with pytest.raises(DataError):
            read(body[:length], "batch")

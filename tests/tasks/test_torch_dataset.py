"""Any torch dataset: items of every structure, and words for those that do not fit."""

import numpy as np
import pytest
import torch
from PIL import Image
from torch.utils.data import Dataset, IterableDataset, Subset, TensorDataset

from netwright import tasks
from netwright.core.errors import DataError, UserError

X = torch.randint(0, 256, (30, 3, 6, 6), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
Y = torch.arange(30) % 3


class Items(Dataset):
    def __init__(self, make, n=30):
        self.make, self.n = make, n

    def __len__(self):
        return self.n

    def __getitem__(self, index):
        return self.make(index)


def picture(i):
    return Image.fromarray(X[i].permute(1, 2, 0).numpy())


@pytest.mark.parametrize(
    "source",
    [
        TensorDataset(X, Y),
        Subset(TensorDataset(X, Y), range(30)),
        Items(lambda i: (X[i], int(Y[i]))),
        Items(lambda i: (X[i].numpy(), np.int64(Y[i]))),
        Items(lambda i: (X[i] / 255, Y[i : i + 1])),
        Items(lambda i: (X[i], Y[i], "path.png")),
        Items(lambda i: [X[i], Y[i]]),
        Items(lambda i: (picture(i), int(Y[i]))),
        Items(lambda i: {"image": X[i], "label": Y[i]}),
        Items(lambda i: {"pixel_values": X[i], "labels": int(Y[i]), "id": i}),
        Items(lambda i: {"img": picture(i), "fine_label": int(Y[i])}),
    ],
)
def test_items_of_every_structure(source):
    assert tasks.dataset(source).fingerprint == tasks.arrays(X, Y).fingerprint


class Stream(IterableDataset):
    def __iter__(self):
        return iter([(X[i], Y[i]) for i in range(30)])


def test_iterable_datasets():
    assert tasks.dataset(Stream()).fingerprint == tasks.arrays(X, Y).fingerprint


def test_labels_as_text_and_names_of_classes():
    named = Items(lambda i: (X[i], "abc"[Y[i]]))
    assert tasks.dataset(named).class_names == ("a", "b", "c")
    own = TensorDataset(X, Y)
    own.classes = ["ant", "bee", "cow"]  # type: ignore[attr-defined]
    assert tasks.dataset(own).class_names == ("ant", "bee", "cow")
    assert tasks.dataset(own, classes=["x", "y", "z"]).class_names == ("x", "y", "z")


def test_a_test_dataset():
    task = tasks.dataset(TensorDataset(X, Y), test=TensorDataset(X[:6], Y[:6]))
    assert torch.equal(task.test.inputs, X[:6]) and len(task.train) == 30


def fails(i):
    if i == 17:
        raise OSError("disk gone")
    return X[i], Y[i]


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (
            Items(fails),
            r"item 17 raises OSError: disk gone; item 0 is \(tensor\(3, 6, 6\) of uint8, tensor\(\) of int64\)",
        ),
        (Items(lambda i: X[i]), r"item 0 is tensor\(3, 6, 6\) of uint8; expected \(input, label\)"),
        (Items(lambda i: {"foto": X[i], "label": 1}), r"item 0 is \{'foto': tensor.*'label': int\}; expected"),
        (
            Items(lambda i: (X[i, :, : 3 + i % 2], Y[i])),
            r"item 1 has the shape \(3, 4, 6\), item 0 \(3, 3, 6\); resize",
        ),
        (Items(lambda i: (object(), 1)), r"input of item 0 is a object, not numbers: \(object, int\)"),
        (Items(lambda i: (X[i], None)), "label of item 0 is a NoneType"),
        (Items(lambda i: (X[i], Y[i]), n=0), "is empty"),
        (5, "is a int; expected a torch dataset"),
        (Items(lambda i: (X[i], 0.5)), "regression"),
    ],
)
def test_what_does_not_fit_is_named(source, message):
    with pytest.raises(DataError, match=message):
        tasks.dataset(source)


def test_memory_cannot_be_made_again():
    configuration = tasks.dataset(TensorDataset(X, Y)).configuration()
    assert configuration == {"task": "dataset", "arguments": {}, "in_memory": True}
    with pytest.raises(UserError, match="data in memory"):
        tasks.from_configuration(configuration)

"""Any torch dataset: items of every structure, and words for those that do not fit."""

import numpy as np
import pytest
import torch
from PIL import Image
from torch.utils.data import (
    DataLoader,
    Dataset,
    IterableDataset,
    RandomSampler,
    Subset,
    SubsetRandomSampler,
    TensorDataset,
    WeightedRandomSampler,
)

from netwright import tasks
from netwright.core.errors import ConfigurationError, DataError, UserError
from netwright.estimators import SharedWeights, Training, ZeroCost
from netwright.spaces import Mlp

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
        (Items(lambda i: (X[i], 0.5)), "the labels are always 0.5: there is nothing to learn"),
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


def loader(source=None, **options):
    return DataLoader(TensorDataset(X, Y) if source is None else source, **options)


@pytest.mark.parametrize(
    "source",
    [
        loader(),
        loader(batch_size=16),
        loader(batch_size=10, shuffle=True),
        loader(batch_size=None),
        loader(batch_size=7, drop_last=True),
        loader(Stream(), batch_size=4),
        loader(Subset(TensorDataset(X, Y), range(30)), batch_size=8),
    ],
)
def test_of_a_loader_the_data_set_behind_it_is_read(source):
    assert tasks.dataset(source).fingerprint == tasks.arrays(X, Y).fingerprint
    assert torch.equal(tasks.dataset(source, test=source).test.inputs, X)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (
            loader(sampler=SubsetRandomSampler(range(10))),
            "a DataLoader with a SubsetRandomSampler that chooses examples",
        ),
        (loader(sampler=WeightedRandomSampler([1.0] * 30, 30)), "with a WeightedRandomSampler that chooses"),
        (loader(sampler=RandomSampler(TensorDataset(X, Y), num_samples=8)), "with a RandomSampler that chooses"),
        (loader(collate_fn=lambda items: items), "a DataLoader with a collate_fn of its own"),
        (list(loader(TensorDataset(torch.rand(30, 8), Y), batch_size=1)), "which looks like a batch of 1; give single"),
        (list(loader(batch_size=1)), "looks like a batch of 1"),
        (list(loader(TensorDataset(torch.rand(30, 8), Y), batch_size=10)), "looks like a batch of 10"),
        (list(loader(batch_size=16)), "looks like a batch of 16"),
        (TensorDataset, "is the class TensorDataset, not an object of it"),
        (Items, "is the class Items, not an object of it: write Items"),
    ],
)
def test_loaders_batches_and_classes_are_refused_by_name(source, message):
    with pytest.raises(DataError, match=message):
        tasks.dataset(source)


def drawn(change):
    generator = np.random.default_rng(0)
    return Items(lambda i: (change(X[i].float(), generator), int(Y[i])))


@pytest.mark.parametrize(
    "change",
    [
        lambda x, generator: x + float(generator.normal()),
        lambda x, generator: x.flip(2) if generator.random() < 0.5 else x,
        lambda x, generator: torch.roll(x, int(generator.integers(0, 3)), 1),
        lambda x, generator: x[:, : generator.integers(3, 6)],
    ],
)
@pytest.mark.parametrize("role", ["first", "test", "validation"])
def test_a_data_set_that_draws_anew_each_time_is_refused(change, role):
    arguments = (drawn(change),) if role == "first" else (TensorDataset(X.float(), Y),)
    with pytest.raises(DataError, match=r"differs each time it is read, .*augmentation=Augmentation"):
        tasks.dataset(*arguments, **({} if role == "first" else {role: drawn(change)}))


def test_a_data_set_to_validate_on():
    task = tasks.dataset(TensorDataset(X, Y), validation=TensorDataset(255 - X[:6], Y[:6]))
    assert torch.equal(task.search_data(0).held_out.inputs, 255 - X[:6])


@pytest.mark.parametrize(
    ("given", "how"),
    [
        ((X, Y), r"a tuple of 2 \(Tensor, Tensor\); expected a Task: tasks\.arrays\(x, y\)"),
        ([X, Y], r"a list of 2 \(Tensor, Tensor\); expected a Task: tasks\.arrays\(x, y\)"),
        (X, r"a Tensor; expected a Task: tasks\.arrays\(x, y\)"),
        (TensorDataset(X, Y), r"a TensorDataset; expected a Task: tasks\.dataset\(data\)"),
        (loader(), r"a DataLoader; expected a Task: tasks\.dataset\(loader\.dataset\)"),
        ("path/to/images", r"the text 'path/to/images'; expected a Task: tasks\.open_task\('path/to/images'\)"),
        (tasks.digits, r"the function digits; expected a Task: call the function, digits\(\.\.\.\)"),
        (tasks.Task, r"the class Task; expected a Task: with parentheses, Task\(name, train, test, problem\)"),
        (None, r"None; expected a Task: tasks\.arrays\(x, y\)"),
    ],
)
@pytest.mark.parametrize("estimator", [Training, SharedWeights, ZeroCost])
def test_what_is_given_in_place_of_a_task_is_told_how_to_become_one(estimator, given, how):
    with pytest.raises(ConfigurationError, match=f"{estimator.__name__}: task is {how}"):
        estimator(Mlp(), given)

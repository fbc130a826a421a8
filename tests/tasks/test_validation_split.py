"""A validation split that came with the data: what a search holds out, and what it does not change."""

import numpy as np
import pytest
import torch

from netwright.core.errors import DataError
from netwright.core.task import Examples
from netwright.tasks import Task
from netwright.tasks.building import Prepared, build


def examples(n, classes=3, seed=0):
    x = np.random.default_rng(seed).integers(0, 256, (n, 1, 4, 4), dtype=np.uint8)
    return Examples(torch.from_numpy(x), torch.arange(n) % classes)


def task_of(places, n=60):
    return Task("given", examples(n), examples(9, seed=1), "abc", validation=places)


def test_the_search_validates_on_exactly_these_whatever_seed_and_share():
    places = [3, 50, 7, 22]
    task = task_of(places)
    for seed, share in ((0, 0.1), (1, 0.5)):
        data = task.search_data(seed, validation=share)
        assert torch.equal(data.held_out.inputs, task.train.inputs[sorted(places)])
        assert len(data.train) == 56 and not any(
            torch.equal(image, held) for image in data.train.inputs for held in data.held_out.inputs
        )
    assert not torch.equal(task.search_data(0).train.inputs, task.search_data(1).train.inputs)  # another order
    assert len(task.final_data().train) == 60


def test_each_beginning_of_the_training_examples_is_stratified():
    data = task_of(list(range(0, 30, 3))).search_data(0, share=0.2)
    assert np.bincount(data.train.targets.numpy()).tolist() == [2, 4, 4]


def test_it_is_said_and_part_of_the_fingerprint():
    task = task_of([0, 1, 2])
    assert "57 to train on, 3 to validate on (they came with the data), 9 for the final test" in task.describe()[2]
    assert task.fingerprint != task_of(None).fingerprint != task_of([3, 4, 5]).fingerprint


@pytest.mark.parametrize("places", [[], [-1], [60]])
def test_places_outside_are_refused(places):
    with pytest.raises(DataError, match="validation is places in train, 0 to 59"):
        task_of(places)


def test_a_class_with_validation_examples_alone_is_refused():
    with pytest.raises(DataError, match="'a' has 0"):
        task_of(list(range(0, 60, 3)))


def test_a_test_split_is_set_aside_from_the_training_examples_alone():
    given = examples(60)
    validation = np.arange(40, 60)
    split = Prepared(given.inputs.numpy(), given.targets.numpy())
    seen = []

    def preparation(places):
        seen.append(places)

    task = build("x", split, None, "abc", augmentation=None, validation=validation, preparation=preparation)  # type: ignore[arg-type]
    assert len(task.test) == 4 and torch.equal(task.search_data(0).held_out.inputs, given.inputs[40:])
    assert torch.equal(task.test.inputs, given.inputs[seen[0]]) and seen[0].max() < 40

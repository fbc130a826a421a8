"""What is read lies in memory that worker processes can map, so that they need no copy of it."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image

from netwright import tasks
from netwright.core.blocks import place_of

rng = np.random.default_rng(0)


def folder(place, bad=()):
    for k in range(60):
        name = place / f"class{k % 2}" / f"{k:02}.png"
        name.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((32, 32, 3), 4 * k, np.uint8)).save(name)
        if k in bad:
            name.write_bytes(name.read_bytes()[:60])
    return place


def table(place):
    rows = np.column_stack([rng.normal(size=(4000, 6)), np.arange(4000) % 3])
    np.savetxt(place / "table.csv", rows, "%.4g", ",", header="a,b,c,d,e,f,kind", comments="")
    return tasks.csv(place / "table.csv", target="kind")


def data_set(_):
    images = [torch.full((3, 32, 32), k, dtype=torch.uint8) for k in range(60)]
    return tasks.dataset([(image, k % 2) for k, image in enumerate(images)])


def cifar10(place):
    for name in (*(f"data_batch_{k}.bin" for k in range(1, 6)), "test_batch.bin"):
        records = rng.integers(0, 256, (40, 3073), dtype=np.uint8)
        records[:, 0] = np.arange(40) % 10
        (place / name).write_bytes(records.tobytes())
    return tasks.cifar10(place)


READERS = {
    "folder": lambda place: tasks.image_folder(folder(place)),
    "folder with damaged files": lambda place: tasks.image_folder(folder(place, bad=(7, 30)), skip_bad=5),
    "table": table,
    "data set": data_set,
    "cifar10": cifar10,
}


@pytest.mark.parametrize("kind", READERS)
def test_the_examples_lie_where_workers_can_map_them(kind, tmp_path):
    task = READERS[kind](tmp_path)
    for each in (task.train, task.test):
        assert each.stored.nbytes > 1 << 16
        assert place_of(each.stored.numpy()) is not None


def test_damaged_files_leave_the_other_pictures_in_their_places(tmp_path):
    bad = (0, 7, 8, 30, 59)
    task = tasks.image_folder(folder(tmp_path, bad), skip_bad=5)
    values = [
        (int(picture.flatten()[0]), int(label))
        for part in (task.train, task.test)
        for picture, label in zip(part.inputs, part.targets, strict=True)
    ]
    assert sorted(values) == [(4 * k, k % 2) for k in range(60) if k not in bad]

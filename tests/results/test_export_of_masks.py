"""A segmentation taken home: masks of whole images from raw files, with the score that was reported."""

import json
import re
import subprocess
import sys

import numpy as np
import pytest
import torch
from PIL import Image

from netwright.cli.main import run
from netwright.results.reference_models import references
from netwright.tasks import mask_folder
from netwright.tasks.portable import masked

RNG = np.random.default_rng(0)


def squares(folder, count=12):
    """Grey images of two sizes with a brighter square each, and where it is."""
    for i in range(count):
        size = (50, 70) if i % 2 else (60, 40)
        image, mask = RNG.integers(0, 120, size, dtype=np.uint8), np.zeros(size, dtype=np.uint8)
        mask[i : i + 20, i : i + 25] = 255
        image[mask > 0] += 100
        for kind, array in (("images", image), ("masks", mask)):
            (folder / kind).mkdir(parents=True, exist_ok=True)
            Image.fromarray(array).save(folder / kind / f"{i:02}.png")
    return folder


def test_tiles_are_put_together_to_the_images_that_they_were_cut_from(tmp_path):
    task = mask_folder(squares(tmp_path), tile=32, test_share=0.3)
    files = task.preparation.own_files(len(task.test), tmp_path)
    whole = task.preparation.stood_for(task.test.inputs)
    assert len(files) == len(whole) == len({*files}) >= 3
    for file, picture in zip(files, whole, strict=True):
        assert np.array_equal(np.array(Image.open(file)), picture[0])
    fewer = len(task.test) - 1
    assert len(task.preparation.own_files(fewer, tmp_path)) == len(files) - 1
    assert len(task.preparation.stood_for(task.test.inputs[:fewer])) == len(files) - 1


@pytest.mark.parametrize(
    ("channels", "raw", "shapes"),
    [
        (1, np.zeros((5, 6), np.uint8), [(1, 5, 6)]),
        (1, np.zeros((3, 5, 6), np.uint8), [(1, 5, 6)] * 3),
        (1, [np.zeros((5, 6), np.uint8), torch.zeros(1, 7, 8, dtype=torch.uint8)], [(1, 5, 6), (1, 7, 8)]),
        (3, np.zeros((5, 6, 3), np.uint8), [(3, 5, 6)]),
        (3, np.zeros((3, 5, 6), np.uint8), [(3, 5, 6)]),
        (3, np.zeros((2, 3, 5, 6), np.uint8), [(3, 5, 6)] * 2),
        (3, [Image.new("L", (6, 5)), Image.new("RGB", (8, 7))], [(3, 5, 6), (3, 7, 8)]),
    ],
)
def test_pictures_come_in_any_size_and_layout(monkeypatch, channels, raw, shapes):
    monkeypatch.setattr(masked, "INPUT_SHAPE", (channels, 4, 4))
    found = masked.prepared(raw)
    assert [tuple(each.shape) for each in found] == shapes
    with pytest.raises(ValueError, match="expected pictures of"):
        masked.prepared(np.zeros((2, 5, 5, 5), np.uint8))


def test_a_unet_stands_beside_what_is_found(tmp_path):
    task = mask_folder(squares(tmp_path), tile=32)
    (reference,) = references(task)
    assert reference.name == "U-Net of width 8"
    network = reference.build(task.shape)
    assert network(torch.randn(2, 1, 32, 32)).shape == (2, 2, 32, 32)


@pytest.mark.slow
def test_the_exported_model_writes_masks_with_the_reported_score(tmp_path, monkeypatch, capsys):
    """Search, final training, export and `model.py` on the raw test images: some ten seconds."""
    monkeypatch.chdir(tmp_path)
    squares(tmp_path / "data")
    small = ["--tile", "32", "--space", "unet-cells:depth=1,channels=4,nodes=1", "--trials", "2", "--epochs", "6"]
    quick = ["--final-epochs", "6", "--final-seeds", "1", "--no-baselines", "--device", "cpu", "--quiet"]
    assert run(["search", "data", *small, *quick, "--name", "squares", "--export", "out"]) == 0
    reported = re.search(r"Test mean IoU ([\d.]+) %", (tmp_path / "out" / "README.md").read_text())
    assert reported is not None
    task = mask_folder(tmp_path / "data", tile=32)
    files = list(map(str, task.preparation.own_files(len(task.test), tmp_path)))
    command = [sys.executable, "out/model.py", *files, "--truth", "data/masks"]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    assert told[-1].startswith(f"mean IoU {reported[1]}%")
    assert told[-2] == f"{len(files)} mask{'s are' if len(files) > 1 else ' is'} in predicted_masks"
    for file in files:
        mask = np.array(Image.open(tmp_path / "predicted_masks" / file.rpartition("/")[2]))
        assert mask.shape == np.array(Image.open(file)).shape and {*np.unique(mask)} <= {0, 255}
    command = [sys.executable, "out/model.py", "--json", *files]
    answers = [json.loads(each) for each in subprocess.run(command, capture_output=True, text=True).stdout.splitlines()]
    assert [each["file"] for each in answers] == files
    assert all(sum(each["classes"].values()) == pytest.approx(1) and "mask" not in each for each in answers)

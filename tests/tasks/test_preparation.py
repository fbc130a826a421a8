"""What an exported model makes of the user's own files is bit for bit what the network was trained and tested on."""

import os
import pickle

import numpy as np
import pytest
import torch
from exported import module_of, own_inputs
from PIL import Image
from small_files import jpeg, pack
from torch.utils.data import Dataset

from netwright import tasks

RNG = np.random.default_rng(5)
Y = np.arange(60) % 3
BYTES = RNG.integers(0, 256, (60, 3, 8, 8), dtype=np.uint8)
TABLE = RNG.normal(size=(60, 5))
GAPS = np.where(RNG.random((60, 5)) < 0.1, np.nan, TABLE)

ARRAYS = {
    "bytes": BYTES,
    "tensor": torch.from_numpy(BYTES),
    "channels last": BYTES.transpose(0, 2, 3, 1),
    "one channel": BYTES[:, 0],
    "one channel last": BYTES[:, :1].transpose(0, 2, 3, 1),
    "two channels": BYTES[:, :2],
    "fractions": BYTES / 255,
    "float16 fractions": (BYTES / 255).astype(np.float16),
    "floats 0..255": BYTES.astype(np.float32),
    "whole numbers": BYTES.astype(np.int64),
    "16 bits": BYTES.astype(np.uint16) * 13 + 100,
    "16 bits, big-endian": (BYTES.astype(np.uint16) * 13).astype(">u2"),
    "16 bits, channels last": BYTES.astype(np.uint16).transpose(0, 2, 3, 1) * 13,
    "standardised": RNG.normal(size=(60, 1, 8, 8)).astype(np.float32),
    "true and false": BYTES[:, :1] > 128,
    "reversed": BYTES[:, :, ::-1],
    "far outliers in many": RNG.standard_cauchy((60, 1, 8, 8)),
    "vectors": TABLE,
    "float32 vectors": TABLE.astype(np.float32),
    "years in seconds": 1.7e9 + TABLE,
    "whole vectors": (TABLE * 100).astype(np.int32),
    "large whole vectors": (TABLE * 100).astype(np.int64) + 2**40,
}


@pytest.mark.parametrize("kind", ARRAYS)
@pytest.mark.parametrize("given", [False, True], ids=["set aside", "given"])
def test_arrays(tmp_path, kind, given):
    x = ARRAYS[kind]
    task = tasks.arrays(x, Y, test=(x[:9], Y[:9]) if given else None)
    assert torch.equal(own_inputs(task, tmp_path), task.test.inputs)
    module = module_of(pickle.loads(pickle.dumps(task.preparation)), tmp_path)
    if given:
        assert torch.equal(
            module.prepared(torch.as_tensor(np.ascontiguousarray(x[:9]).astype(x.dtype.newbyteorder("="))))
            if isinstance(x, np.ndarray)
            else module.prepared(x[:9]),
            task.test.inputs,
        )


def test_gaps_are_filled_as_in_training(tmp_path):
    task = tasks.arrays(GAPS, Y, nan="impute-median")
    raw = module_of(task.preparation, tmp_path).prepared(GAPS)
    assert torch.equal(torch.cat([task.train.inputs, task.test.inputs]).sort(0).values, raw.sort(0).values)
    strict = module_of(tasks.arrays(GAPS, Y, nan="drop").preparation, tmp_path)
    with pytest.raises(ValueError, match="row 1 holds NaN or infinity in column 2; the training rows held none"):
        strict.prepared([[0.0, 1.0, float("nan"), 0.0, 0.0]])


def test_npz_keeps_what_it_read_and_reads_it_again(tmp_path):
    x = ARRAYS["16 bits"]
    np.savez(tmp_path / "d.npz", x_train=x[:48], y_train=Y[:48], x_test=x[48:], y_test=Y[48:])
    task = tasks.npz(tmp_path / "d.npz")
    assert torch.equal(own_inputs(task, tmp_path), task.test.inputs)
    module = module_of(task.preparation, tmp_path / "m")
    names, raw = module.read(tmp_path / "d.npz")  # the test arrays, where it holds some
    assert torch.equal(module.prepared(raw), task.test.inputs) and names[3] == "d.npz[3]"


def test_digits_and_their_stored_form(tmp_path):
    task = tasks.digits()
    assert torch.equal(own_inputs(task, tmp_path), task.test.inputs)
    assert torch.equal(module_of(task.preparation, tmp_path).prepared(task.test.inputs), task.test.inputs)


def test_packed_jpeg(tmp_path):
    images = [jpeg(each.transpose(1, 2, 0)) for each in BYTES]
    pack(tmp_path / "a.npz", images, Y)
    task = tasks.npz(tmp_path / "a.npz")
    assert torch.equal(own_inputs(task, tmp_path), task.test.inputs)


class Pictures(Dataset):
    def __len__(self):
        return 60

    def __getitem__(self, index):
        return Image.fromarray(BYTES[index].transpose(1, 2, 0)), int(Y[index])


def test_a_data_set_of_pillow_images(tmp_path):
    task = tasks.dataset(Pictures(), test=Pictures())
    assert torch.equal(own_inputs(task, tmp_path), task.test.inputs)
    module = module_of(task.preparation, tmp_path)
    assert torch.equal(module.prepared([Pictures()[i][0] for i in range(60)]), task.test.inputs)


def test_what_arrays_a_model_refuses(tmp_path):
    module = module_of(tasks.arrays(BYTES, Y).preparation, tmp_path / "bytes")
    for raw, reason in [
        (BYTES[0], r"one picture is x\[None\]"),
        (BYTES[:, :2], r"expected pictures of the shape \(n, \(3, 8, 8\)\), found \(60, 2, 8, 8\)"),
        (BYTES / 255, "holds fractions 0..1; .* multiply by 255"),
        (BYTES.astype(np.uint16) * 9, "expected 0 to 255"),
        (np.full(BYTES.shape, np.nan), "NaN"),
        (np.full(BYTES.shape, "a"), "expected numbers"),
    ]:
        with pytest.raises(ValueError, match=reason):
            module.prepared(raw)
    deep = module_of(tasks.arrays(ARRAYS["16 bits"], Y).preparation, tmp_path / "deep")
    Image.fromarray(BYTES[0].transpose(1, 2, 0)).save(tmp_path / "a.png")
    with pytest.raises(ValueError, match=r"expected \.npy or \.npz"):
        deep.read(tmp_path / "a.png")
    np.savez(tmp_path / "two.npz", first=BYTES, second=BYTES)
    with pytest.raises(ValueError, match="holds the arrays first, second; expected one, or one called x"):
        deep.read(tmp_path / "two.npz")
    np.save(tmp_path / "objects.npy", np.array([{}], dtype=object), allow_pickle=True)
    (tmp_path / "text.npz").write_text("x")
    for name in ("objects.npy", "text.npz"):
        with pytest.raises(ValueError, match=r"is no \.npy or \.npz file of numbers that can be read, or is damaged"):
            deep.read(tmp_path / name)


def test_few_megabytes_of_large_examples_are_kept():
    task = tasks.arrays(np.zeros((40, 1, 512, 512), np.float32) + np.arange(40)[:, None, None, None], np.arange(40) % 2)
    assert len(pickle.dumps(task.preparation)) < 6 << 20


def test_image_files_of_a_folder(tmp_path):
    for i, label in enumerate(Y):
        folder = tmp_path / "data" / f"class {label}"
        folder.mkdir(parents=True, exist_ok=True)
        height, width = RNG.integers(9, 40, 2)
        picture = Image.fromarray(RNG.integers(0, 256, (height, width, 3), dtype=np.uint8))
        exif = Image.Exif()
        exif[0x0112] = i % 8 + 1
        picture.save(folder / f"{i} ä.{('jpg', 'png', 'webp', 'tif')[i % 4]}", exif=exif)
    task = tasks.image_folder(tmp_path / "data")
    own = task.preparation.own_files(4, tmp_path)
    assert len(own) == 4 and all(os.path.isabs(each) and each.is_file() for each in own)
    assert torch.equal(own_inputs(task, tmp_path), task.test.inputs)

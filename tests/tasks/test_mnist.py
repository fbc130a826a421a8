"""MNIST as IDX files, plain or compressed, and as one .npz."""

import gzip

import numpy as np
import pytest

from netwright import tasks
from netwright.core.errors import DataError, UserError

FILES = {
    "train-images-idx3-ubyte": "x_train",
    "train-labels-idx1-ubyte": "y_train",
    "t10k-images-idx3-ubyte": "x_test",
    "t10k-labels-idx1-ubyte": "y_test",
}


def idx(array) -> bytes:
    header = bytes([0, 0, 8, array.ndim]) + b"".join(extent.to_bytes(4, "big") for extent in array.shape)
    return header + array.astype(np.uint8).tobytes()


@pytest.fixture
def parts(rng):
    images = rng.integers(0, 256, (60, 28, 28), dtype=np.uint8)
    labels = np.arange(60, dtype=np.uint8) % 10
    return {"x_train": images[:40], "y_train": labels[:40], "x_test": images[40:], "y_test": labels[40:]}


def write(folder, parts, compressed=False, dots=False):
    folder.mkdir(parents=True, exist_ok=True)
    for name, part in FILES.items():
        body = idx(parts[part])
        name = name.replace("-idx", ".idx") if dots else name
        (folder / (f"{name}.gz" if compressed else name)).write_bytes(gzip.compress(body) if compressed else body)
    return folder


@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize("inside", ["", "raw", "MNIST/raw"])
def test_idx_files(tmp_path, parts, compressed, inside):
    write(tmp_path / inside, parts, compressed)
    task = tasks.mnist(tmp_path)
    assert np.array_equal(task.train.inputs.numpy()[:, 0], parts["x_train"])
    assert np.array_equal(task.test.targets.numpy(), parts["y_test"])
    assert task.shape.input == (1, 28, 28) and not task.augmentation.flip


def test_all_forms_agree(tmp_path, parts):
    np.savez(tmp_path / "mnist.npz", **parts)
    write(tmp_path / "dots", parts, dots=True)
    found = {tasks.mnist(each).fingerprint for each in (tmp_path / "mnist.npz", tmp_path, tmp_path / "dots")}
    assert len(found) == 1


def test_a_limit(tmp_path, parts):
    task = tasks.mnist(write(tmp_path, parts), limit=20)
    assert np.bincount(task.train.targets).tolist() == [2] * 10 and len(task.test) == 20


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "begins with nothing"),
        (b"\x89PNG....", "no IDX file of bytes: it begins with 89 50 4e 47"),
        (idx(np.zeros((40, 28, 28)))[:-1], "asks for 31,360 bytes, found 31,359"),
        (idx(np.zeros((40, 28, 28))) + b"x", "found more"),
        (bytes([0, 0, 8, 3]) + b"\xff" * 12, "damaged, or too large"),
        (bytes([0, 0, 8, 3, 0]), "damaged, or too large"),
        (idx(np.zeros((39, 28, 28))), "39 examples, but there are 40 labels"),
    ],
)
def test_damaged_files(tmp_path, parts, body, message):
    folder = write(tmp_path, parts)
    (folder / "train-images-idx3-ubyte").write_bytes(body)
    with pytest.raises(DataError, match=message):
        tasks.mnist(folder)


def test_damaged_compression(tmp_path, parts):
    folder = write(tmp_path, parts, compressed=True)
    path = folder / "t10k-images-idx3-ubyte.gz"
    path.write_bytes(path.read_bytes()[:-2000])
    with pytest.raises(DataError, match="damaged"):
        tasks.mnist(folder)
    path.write_bytes(b"no gzip")
    with pytest.raises(DataError, match="damaged"):
        tasks.mnist(folder)


def test_missing_files(tmp_path, parts):
    with pytest.raises(DataError, match=r"holds no MNIST; expected train-images-idx3-ubyte.*found nothing"):
        tasks.mnist(tmp_path)
    folder = write(tmp_path, parts)
    (folder / "t10k-labels-idx1-ubyte").unlink()
    with pytest.raises(DataError, match="lacks the IDX file of y_test"):
        tasks.mnist(folder)
    np.savez(tmp_path / "other.npz", a=np.zeros(3))
    with pytest.raises(DataError, match="holds the arrays a; expected x_train"):
        tasks.mnist(tmp_path / "other.npz")
    with pytest.raises(UserError, match="there is no"):
        tasks.mnist(tmp_path / "nowhere" / "at" / "all")

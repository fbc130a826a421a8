"""What several tests of tasks begin with."""

import io

import numpy as np
import pytest
from PIL import Image
from small_files import jpeg, pack


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture
def packed_folder(tmp_path, rng):
    """train.npz with 40 and test.npz with 20 JPEG images of ten classes, and the decoded training pixels."""
    decoded = {}
    for name, count in (("train", 40), ("test", 20)):
        images = [jpeg(rng.integers(0, 256, (32, 32, 3), dtype=np.uint8)) for _ in range(count)]
        pack(tmp_path / f"{name}.npz", images, np.arange(count, dtype=np.uint8) % 10)
        decoded[name] = np.stack([np.asarray(Image.open(io.BytesIO(each))) for each in images]).transpose(0, 3, 1, 2)
    return tmp_path, decoded

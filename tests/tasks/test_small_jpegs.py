"""Plain JPEGs in folders are read past Pillow's file layer, each once, with the pixels and the complaints of before."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from netwright.core.errors import DataError
from netwright.tasks import image_folder
from netwright.tasks.from_folder import Reading
from netwright.tasks.portable import images


def pictures(folder: Path, count: int = 12, size: tuple[int, int] = (24, 16), **options: object) -> list[Path]:
    rng = np.random.default_rng(0)
    found: list[Path] = []
    for number in range(count):
        path = folder / f"class{number % 2}" / f"{number:02}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(rng.integers(0, 256, (*size, 3), dtype=np.uint8)).save(path, **options)
        found.append(path)
    return found


def expected(paths: list[Path]) -> np.ndarray:
    return np.stack([np.asarray(Image.open(path).convert("RGB")).transpose(2, 0, 1) for path in paths])


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"quality": 95, "subsampling": 0}])
def test_plain_jpegs_are_not_opened_by_pillow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: dict) -> None:
    paths = pictures(tmp_path, **options)
    opened: list[object] = []
    monkeypatch.setattr(images, "opened", opened.append)
    found = Reading(paths, None, False).images
    assert not opened
    monkeypatch.undo()
    assert np.array_equal(found, expected(paths))


def test_one_that_is_turned_or_of_another_kind_is_read_as_before(tmp_path: Path) -> None:
    paths = pictures(tmp_path)
    turned = Image.Exif()
    turned[0x0112] = 6
    Image.open(paths[1]).save(stream := io.BytesIO(), "PNG")
    paths[1].write_bytes(stream.getvalue())
    Image.open(paths[2]).convert("CMYK").save(paths[2])
    upright = expected(paths[:1])[0]
    Image.open(paths[0]).transpose(Image.Transpose.ROTATE_90).save(paths[0], exif=turned, quality=100)
    found = Reading(paths, None, False).images
    assert np.array_equal(found[3:], expected(paths[3:])) and np.array_equal(found[1], expected(paths[1:2])[0])
    assert found[0].shape == upright.shape and np.corrcoef(found[0].ravel(), upright.ravel())[0, 1] > 0.8


@pytest.mark.parametrize("cut", [0, 3, 300])
def test_damaged_ones_are_named(tmp_path: Path, cut: int) -> None:
    paths = pictures(tmp_path, quality=95)
    paths[3].write_bytes(paths[3].read_bytes()[:cut])
    with pytest.raises(DataError, match=rf"1 of 12 images cannot be used: .*{paths[3].name}"):
        image_folder(tmp_path)


def test_a_claim_of_too_many_pixels_is_refused(tmp_path: Path) -> None:
    paths = pictures(tmp_path)
    data = bytearray(paths[3].read_bytes())
    place = data.index(b"\xff\xc0")
    data[place + 5 : place + 9] = b"\xff\xff\xff\xff"
    paths[3].write_bytes(bytes(data))
    with pytest.raises(DataError, match=r"claims .*pixels"):
        image_folder(tmp_path)

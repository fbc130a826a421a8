"""Folders of class folders: layouts, sizes, and images that cannot be used."""

import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from netwright import tasks
from netwright.core.errors import DataError, UserError
from netwright.core.task import Augmentation
from netwright.tasks import BadFiles


def fill(folder, rng, count=4, size=(12, 10), mode="RGB", ending="png"):
    folder.mkdir(parents=True, exist_ok=True)
    for i in range(count):
        shape = size if mode == "L" else (*size, 3)
        Image.fromarray(rng.integers(0, 256, shape, dtype=np.uint8)).save(folder / f"{i:03}.{ending}")


@pytest.fixture
def pets(tmp_path, rng):
    for name in ("cats", "dogs"):
        fill(tmp_path / "pets" / name, rng, 6)
    return tmp_path / "pets"


def test_class_folders(pets):
    task = tasks.image_folder(pets)
    assert task.name == "pets" and task.class_names == ("cats", "dogs") and task.shape.input == (3, 12, 10)
    assert task.augmentation == Augmentation(flip=True, padding=1)
    assert len(task.train) == 10 and len(task.test) == 2
    stored = {
        np.asarray(Image.open(path)).transpose(2, 0, 1).tobytes(): path.parent.name for path in pets.rglob("*.png")
    }
    for split in (task.train, task.test):
        for image, label in zip(split.inputs, split.targets, strict=True):
            assert stored.pop(image.numpy().tobytes()) == task.class_names[label]
    assert not stored


@pytest.mark.parametrize("name", ["test", "TEST", "Testing"])
def test_a_test_split_that_came_with_the_folder_is_kept(tmp_path, rng, name):
    for part, count in (("train", 4), (name, 2)):
        for label in ("a", "b"):
            fill(tmp_path / part / label, rng, count)
    task = tasks.image_folder(tmp_path)
    assert len(task.train) == 8 and len(task.test) == 4 and task.class_names == ("a", "b") and task.validation is None


def test_a_class_that_only_the_test_folder_has(tmp_path, rng):
    for part, labels in (("train", "ab"), ("test", "abc")):
        for label in labels:
            fill(tmp_path / part / label, rng)
    with pytest.raises(DataError, match="has the classes c, which the training folder has not: a, b"):
        tasks.image_folder(tmp_path)


def test_a_class_that_the_test_folder_lacks_is_said(tmp_path, rng):
    for part, labels in (("train", "ab"), ("test", "b")):
        for label in labels:
            fill(tmp_path / part / label, rng)
    task = tasks.image_folder(tmp_path)
    assert set(task.test.targets.tolist()) == {1} and any("no example of 'a'" in note for note in task.notes)


def test_images_of_several_sizes_are_resized_to_the_middle_one(pets, rng):
    fill(pets / "cats", rng, 8, size=(20, 30))
    task = tasks.image_folder(pets)
    assert task.shape.input == (3, 20, 20)
    assert any("14 of 14 images were resized to cover 20x20" in note for note in task.notes)


@pytest.mark.parametrize(("size", "shape"), [(8, (3, 8, 8)), ((6, 9), (3, 6, 9))])
def test_a_size_can_be_asked_for(pets, size, shape):
    task = tasks.image_folder(pets, size=size)
    assert task.shape.input == shape
    assert tasks.from_configuration(task.configuration()).fingerprint == task.fingerprint


@pytest.mark.parametrize("size", [0, -3, (4,), (4, 5, 6), 1e9, "8"])
def test_a_size_that_is_none_is_refused(pets, size):
    with pytest.raises(UserError, match="size is a number of pixels"):
        tasks.image_folder(pets, size=size)


def test_large_images_are_shrunk_by_default(tmp_path, rng):
    for name in "ab":
        fill(tmp_path / name, rng, 3, size=(300, 260), ending="jpg")
    assert tasks.image_folder(tmp_path).shape.input == (3, 224, 224)


def test_a_resized_photograph_keeps_its_picture(tmp_path):
    """A smooth picture shrunk four times is close to the mean of each 4x4 block, also through JPEG."""
    rows, columns = np.mgrid[0:256, 0:256]
    picture = np.stack([rows, columns, (rows + columns) // 2], 2).astype(np.uint8)
    for name in "ab":
        (tmp_path / name).mkdir()
        for i in range(3):
            Image.fromarray(picture).save(tmp_path / name / f"{i}.jpg", quality=95)
    found = tasks.image_folder(tmp_path, size=64).train.inputs[0].numpy().astype(float)
    expected = picture.reshape(64, 4, 64, 4, 3).mean((1, 3)).transpose(2, 0, 1)
    assert np.abs(found - expected).mean() < 2


def test_grey_images_stay_grey_unless_mixed(tmp_path, rng):
    for name in "ab":
        fill(tmp_path / name, rng, 3, mode="L")
    assert tasks.image_folder(tmp_path).shape.input == (1, 12, 10)
    fill(tmp_path / "c", rng, 3)
    task = tasks.image_folder(tmp_path)
    assert task.shape.input == (3, 12, 10) and any("6 grey images were read as colour" in note for note in task.notes)


def test_turned_photographs_are_set_upright(tmp_path, rng):
    for name in "ab":
        (tmp_path / name).mkdir()
        for i in range(3):
            image = Image.fromarray(rng.integers(0, 256, (12, 20, 3), dtype=np.uint8))
            exif = Image.Exif()
            exif[0x0112] = 6
            image.save(tmp_path / name / f"{i}.jpg", exif=exif)
    assert tasks.image_folder(tmp_path).shape.input == (3, 20, 12)


@pytest.mark.parametrize("mode", ["1", "P", "LA", "RGBA"])
def test_other_eight_bit_modes_are_read(tmp_path, rng, mode):
    for name in "ab":
        (tmp_path / name).mkdir()
        for i in range(3):
            image = Image.fromarray(rng.integers(0, 256, (8, 8, 3), dtype=np.uint8)).convert(mode)
            image.save(tmp_path / name / f"{i}.png")
    assert tasks.image_folder(tmp_path).shape.channels == (1 if mode in ("1", "LA") else 3)


def test_a_limit_reads_only_what_is_kept(pets):
    task = tasks.image_folder(pets, limit=8)
    assert len(task.train) + len(task.test) == 8 and "limit: 8 of 12 examples kept" in task.notes


def test_other_files_are_ignored_and_counted(pets):
    (pets / "cats" / "notes.txt").write_text("a cat")
    (pets / "cats" / ".hidden.png").write_text("hidden")
    (pets / "readme.md").write_text("pets")
    task = tasks.image_folder(pets)
    assert task.shape.classes == 2 and any(
        note.startswith("ignored 1 file without an ending of images") for note in task.notes
    )


def bomb() -> bytes:
    """A PNG of 70 bytes that claims 60,000 x 60,000 pixels."""

    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 60000, 60000, 8, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


BAD = {
    "empty.jpg": (lambda path: path.write_bytes(b""), r"is empty \(0 bytes\)"),
    "text.png": (lambda path: path.write_text("no image"), "is no image that can be read"),
    "bomb.png": (lambda path: path.write_bytes(bomb()), "claims .* pixels"),
    "gaps.tif": (
        lambda path: Image.fromarray(np.full((12, 10), np.nan, np.float32)).save(path),
        "holds pixels that are NaN or infinite",
    ),
    "page.png": (lambda path: path.write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n"), "is no image"),
}


@pytest.mark.parametrize("name", [*BAD, "cut.png", "cut.jpg"])
def test_images_that_cannot_be_used_stop_or_are_skipped(pets, name, rng):
    if name.startswith("cut"):
        fill(pets / "cats", rng, 1, size=(100, 100), ending=name[-3:])
        path = pets / "cats" / f"000.{name[-3:]}"
        path = path.rename(path.with_name(name))
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
        if name == "cut.png":
            fill(pets / "cats", rng, 1)
        reason, total = "cannot be decoded", 13
    else:
        write, reason = BAD[name]
        write(pets / "cats" / name)
        total = 13
    with pytest.raises(
        BadFiles, match=rf"1 of {total} images cannot be used: .*{name}: {reason}.*skip_bad=True"
    ) as caught:
        tasks.image_folder(pets)
    assert caught.value.exit_code == 5 and [file.endswith(name) for file, _ in caught.value.files] == [True]
    task = tasks.image_folder(pets, skip_bad=True)
    assert len(task.train) + len(task.test) == 12
    assert any(f"1 of {total} images cannot be used and were skipped" in note for note in task.notes)


def test_many_bad_images_are_not_skipped_and_the_first_are_named(pets):
    for i in range(7):
        (pets / "cats" / f"bad{i}.png").write_bytes(b"")
    with pytest.raises(BadFiles, match=r"7 of 19 .*bad0.*bad4.*and 2 more") as caught:
        tasks.image_folder(pets)
    assert len(caught.value.files) == 7
    with pytest.raises(BadFiles, match="at most 1 "):
        tasks.image_folder(pets, skip_bad=True)


LAYOUT = r"expected at least two class folders:\n  folder/cats/one.jpg\n  folder/cats/two.jpg\n  folder/dogs/three.jpg"


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda folder, rng: None, "holds nothing; " + LAYOUT),
        (lambda folder, rng: fill(folder, rng, 3), "holds no class folders but 3 images; " + LAYOUT),
        (lambda folder, rng: fill(folder / "cats", rng), r"holds one class folder \(cats\); " + LAYOUT),
        (lambda folder, rng: fill(folder / "train" / "cats", rng), r"train holds one class folder \(cats\); " + LAYOUT),
    ],
)
def test_folders_without_class_folders(tmp_path, rng, build, message):
    build(tmp_path, rng)
    with pytest.raises(DataError, match=message):
        tasks.image_folder(tmp_path)


def test_an_empty_class_is_named(pets):
    (pets / "fish").mkdir()
    with pytest.raises(DataError, match=r"class folder .*fish is empty; add images"):
        tasks.image_folder(pets)
    (pets / "fish" / "list.txt").write_text("fish")
    with pytest.raises(DataError, match="fish holds no images but 1 file of other kinds"):
        tasks.image_folder(pets)


@pytest.mark.parametrize(("count", "message"), [(1, "at least 2 .*'fish' has 1"), (2, "at least 3 .*'fish' has 2")])
def test_too_few_images_of_a_class(pets, rng, count, message):
    fill(pets / "fish", rng, count)
    with pytest.raises(DataError, match=message):
        tasks.image_folder(pets)


def test_paths_that_are_no_folders(pets):
    with pytest.raises(UserError, match=r"did you mean .*pets\?"):
        tasks.image_folder(pets.parent / "pet")
    with pytest.raises(UserError, match="is a file, but a folder of class folders was expected"):
        tasks.image_folder(pets / "cats" / "000.png")


def test_images_beyond_the_memory_are_refused_before_they_are_read(pets, monkeypatch):
    monkeypatch.setattr("os.sysconf", lambda name: 50)
    with pytest.raises(UserError, match="choose a smaller size= or a limit="):
        tasks.image_folder(pets)

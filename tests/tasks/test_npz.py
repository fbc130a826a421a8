"""Numpy archives: key names, packed JPEG, and files that are damaged, foreign or dangerous."""

import io
import pickle
import tracemalloc
import zipfile

import numpy as np
import pytest
from PIL import Image
from small_files import Runs, jpeg, pack

from netwright import tasks
from netwright.core.errors import DataError, NetwrightError, UserError
from netwright.problems import Classification, Regression, SeveralLabels
from netwright.tasks import BadFiles

X = np.random.default_rng(0).integers(0, 256, (30, 1, 6, 6), dtype=np.uint8)
Y = np.arange(30) % 3


@pytest.mark.parametrize("keys", [("x", "y"), ("X", "Y"), ("data", "labels"), ("images", "labels"), ("data", "target")])
def test_pairs_of_keys(tmp_path, keys):
    np.savez(tmp_path / "some.npz", **dict(zip(keys, (X, Y), strict=True)))
    task = tasks.npz(tmp_path / "some.npz")
    assert task.name == "some" and task.fingerprint == tasks.arrays(X, Y).fingerprint


@pytest.mark.parametrize("style", ["x_{0},y_{0}", "{0}_images,{0}_labels"])
def test_splits_that_came_with_the_data_are_kept(tmp_path, style):
    train, test = (style.format(part).split(",") for part in ("train", "test"))
    np.savez_compressed(tmp_path / "a.npz", **dict(zip([*train, *test], (X[6:], Y[6:], X[:6], Y[:6]), strict=True)))
    task = tasks.npz(tmp_path / "a.npz")
    assert np.array_equal(task.test.inputs.numpy(), X[:6]) and np.array_equal(task.train.inputs.numpy(), X[6:])


def test_a_validation_split_that_came_with_the_arrays_is_what_a_search_validates_on(tmp_path):
    np.savez(tmp_path / "a.npz", train_images=X, train_labels=Y, val_images=255 - X[::-1], val_labels=Y[::-1])
    task = tasks.npz(tmp_path / "a.npz")
    held_out = task.search_data(0).held_out
    assert np.array_equal(held_out.inputs.numpy(), 255 - X[::-1]) and np.array_equal(held_out.targets.numpy(), Y[::-1])
    assert "to validate on (they came with the data)" in task.describe()[2]


def test_a_second_file_can_hold_the_test_split(tmp_path):
    np.savez(tmp_path / "a.npz", x=X, y=Y)
    np.savez(tmp_path / "b.npz", x=X[:6], y=Y[:6])
    assert len(tasks.npz(tmp_path / "a.npz", test=tmp_path / "b.npz").test) == 6


def test_packed_images_are_what_pillow_decodes(packed_folder):
    folder, decoded = packed_folder
    task = tasks.npz(folder / "train.npz", test=folder / "test.npz")
    assert np.array_equal(task.train.inputs.numpy(), decoded["train"])
    assert np.array_equal(task.test.inputs.numpy(), decoded["test"])
    assert task.train.targets.tolist() == [i % 10 for i in range(40)]


def test_packed_class_names_and_grey_images(tmp_path, rng):
    pixels = rng.integers(0, 256, (12, 10, 14), dtype=np.uint8)
    images = [jpeg(each) for each in pixels]
    pack(tmp_path / "a.npz", images, np.arange(12) % 2, classes=np.array(["cat", "dog"]))
    task = tasks.npz(tmp_path / "a.npz")
    assert task.class_names == ("cat", "dog") and task.shape.input == (1, 10, 14)


def test_packed_images_may_ask_for_numbers_and_labels(tmp_path, rng):
    pixels = rng.integers(0, 256, (24, 8, 8), dtype=np.uint8)
    images, bright = [jpeg(each) for each in pixels], pixels.mean((1, 2), dtype=np.float64)
    pack(tmp_path / "numbers.npz", images, bright)
    pack(tmp_path / "test.npz", images[:9], bright[:9])
    task = tasks.npz(tmp_path / "numbers.npz", test=tmp_path / "test.npz", limit=20)
    assert isinstance(task.problem, Regression) and len(task.train) == 20 and len(task.test) == 9
    assert np.allclose(np.sort(task.problem.in_units(task.test.targets)[:, 0]), np.sort(bright[:9]))
    several = np.stack([bright > 127, np.arange(24) % 3 > 0], 1).astype(int)
    pack(tmp_path / "labels.npz", images, several, group=np.arange(24) // 2)
    task = tasks.npz(tmp_path / "labels.npz", group_column="group")
    assert isinstance(task.problem, SeveralLabels) and len(task.groups) == len(task.train)
    pack(tmp_path / "whole.npz", images, np.arange(24) % 8)
    assert isinstance(tasks.npz(tmp_path / "whole.npz").problem, Classification)
    numbers = tasks.npz(tmp_path / "whole.npz", problem="regression", loss="absolute").problem
    assert isinstance(numbers, Regression) and numbers.loss_name == "absolute"


def test_other_formats_in_a_packed_file_are_decoded_too(tmp_path, rng):
    pixels = rng.integers(0, 256, (12, 8, 8, 3), dtype=np.uint8)
    streams = [io.BytesIO() for _ in pixels]
    for each, stream in zip(pixels, streams, strict=True):
        Image.fromarray(each).save(stream, "PNG")
    pack(tmp_path / "a.npz", [stream.getvalue() for stream in streams], np.arange(12) % 2)
    task = tasks.npz(tmp_path / "a.npz")
    found = np.concatenate([task.train.inputs.numpy(), task.test.inputs.numpy()]).reshape(12, -1)
    assert sorted(map(bytes, found)) == sorted(map(bytes, pixels.transpose(0, 3, 1, 2).reshape(12, -1)))


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (lambda good: b"", "is empty"),
        (lambda good: good[: len(good) // 2], "not enough image data|truncated|cannot be decoded"),
        (lambda good: b"not an image at all", "no image that can be read"),
        (lambda good: jpeg(np.zeros((9, 8, 3), np.uint8)), "8x9 pixels, the others 8x8"),
    ],
)
def test_damaged_packed_images_are_named_and_can_be_skipped(tmp_path, rng, damage, reason):
    images = [jpeg(each) for each in rng.integers(0, 256, (12, 8, 8, 3), dtype=np.uint8)]
    images[5] = damage(images[5])
    pack(tmp_path / "a.npz", images, np.arange(12) % 2)
    with pytest.raises(BadFiles, match=rf"1 of 12 images .*image 5: .*({reason}).*skip_bad=True") as caught:
        tasks.npz(tmp_path / "a.npz")
    assert caught.value.exit_code == 5 and len(caught.value.files) == 1
    task = tasks.npz(tmp_path / "a.npz", skip_bad=True)
    assert len(task.train) + len(task.test) == 11 and any("skipped" in note for note in task.notes)


def test_at_most_one_percent_is_skipped(tmp_path, rng):
    images = [jpeg(each) for each in rng.integers(0, 256, (12, 8, 8, 3), dtype=np.uint8)]
    images[5] = images[6] = b""
    pack(tmp_path / "a.npz", images, np.arange(12) % 2)
    with pytest.raises(BadFiles, match=r"at most 1 .*may be skipped"):
        tasks.npz(tmp_path / "a.npz", skip_bad=True)


@pytest.mark.parametrize(
    ("offsets", "message"),
    [
        ([0, 3, 2, 4], "do not rise"),
        ([0, 1, 2, 99], "do not rise"),
        ([-1, 1, 2, 3], "do not rise"),
        ([0, 1], "2 offsets"),
    ],
)
def test_offsets_that_lie(tmp_path, offsets, message):
    np.savez(tmp_path / "a.npz", data=np.zeros(4, np.uint8), offsets=np.array(offsets), labels=np.array([0, 1, 0]))
    with pytest.raises(DataError, match=message):
        tasks.npz(tmp_path / "a.npz")


def test_objects_are_refused_and_nothing_runs(tmp_path):
    marker = tmp_path / "ran"
    np.savez(tmp_path / "a.npz", x=np.array([Runs(open, str(marker), "w"), 2], dtype=object), y=np.array([0, 1]))
    with pytest.raises(DataError, match="'x' holds Python objects"):
        tasks.npz(tmp_path / "a.npz")
    assert not marker.exists()
    # The trap is a real one.
    pickle.loads(pickle.dumps(Runs(open, str(marker), "w"))).close()
    assert marker.exists()


def truncated(path):
    path.write_bytes(path.read_bytes()[:-40])


def flipped(path):
    body = bytearray(path.read_bytes())
    body[200] ^= 255
    path.write_bytes(body)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (truncated, "not an .npz file, or is damaged"),
        (flipped, "cannot be read, the file is damaged"),
        (lambda path: path.write_bytes(b""), "0 bytes"),
        (lambda path: path.write_text("x,y\n1,2\n"), "not an .npz file"),
        (lambda path: np.save(path.open("wb"), X), r"single array \(.npy\).*np.savez"),
    ],
)
@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
def test_damaged_files(tmp_path, spoil, message):
    path = tmp_path / "a.npz"
    np.savez_compressed(path, x=X, y=Y)
    spoil(path)
    with pytest.raises(DataError, match=message):
        tasks.npz(path)


def test_a_foreign_archive_lists_its_keys(tmp_path):
    np.savez(tmp_path / "a.npz", weights=X, bias=Y)
    with pytest.raises(DataError, match="weights, bias; expected x and y"):
        tasks.npz(tmp_path / "a.npz")
    with zipfile.ZipFile(tmp_path / "b.npz", "w") as archive:
        archive.writestr("x.npy", b"text")
        archive.writestr("y.npy", b"text")
    with pytest.raises(DataError):
        tasks.npz(tmp_path / "b.npz")


def test_an_archive_that_unpacks_to_more_than_the_memory(tmp_path, monkeypatch):
    np.savez_compressed(tmp_path / "a.npz", x=np.zeros((30, 1, 500, 500), np.uint8), y=Y)
    monkeypatch.setattr("os.sysconf", lambda name: 1000)
    with pytest.raises(DataError, match="more than the"):
        tasks.npz(tmp_path / "a.npz")


def test_missing_paths_name_the_nearest(tmp_path):
    np.savez(tmp_path / "flowers.npz", x=X, y=Y)
    with pytest.raises(UserError, match=r"did you mean .*flowers\.npz"):
        tasks.npz(tmp_path / "flower.npz")
    with pytest.raises(UserError, match="is a folder"):
        tasks.npz(tmp_path)


@pytest.mark.parametrize("seed", range(20))
def test_random_damage_ends_in_a_sentence(tmp_path, seed):
    """Bytes flipped anywhere either change nothing that is checked, or are refused; nothing else is raised."""
    path = tmp_path / "a.npz"
    np.savez_compressed(path, x=X, y=Y)
    body = bytearray(path.read_bytes())
    generator = np.random.default_rng(seed)
    for place in generator.integers(0, len(body), 5):
        body[place] ^= int(generator.integers(1, 256))
    path.write_bytes(body)
    try:
        tasks.npz(path)
    except NetwrightError as refused:
        assert str(refused)


def npy(shape: str, body: bytes = b"", kind: str = "|u1") -> bytes:
    """An .npy file that claims a shape."""
    text = f"{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}, }}".encode()
    text = text.ljust(117) + b"\n"
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text + body


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        (f"({10**30},)", r"claims 10\^30 values of uint8, but 12 bytes are stored"),
        (f"({10**9}, {10**9}, 28, 28)", r"claims 10\^9 x|claims 1,000,000,000 x 1,000,000,000 x 28 x 28 values"),
        ("(4, 4)", "claims 4 x 4 values of uint8, but 12 bytes are stored"),
        ("(2, 4)", "claims 2 x 4 values of uint8, but 12 bytes are stored"),
        (f"({2**63},)", "claims .* values of uint8"),
        ("(-12,)", "claims -12 values|damaged"),
        ("('a',)", "cannot be read, the file is damaged"),
        ("(" + "9" * 60_000 + ",)", "cannot be read, the file is damaged"),
    ],
)
def test_headers_that_claim_another_size_are_refused_before_anything_is_allocated(tmp_path, shape, message):
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        body = (
            npy(shape, b"123456789012")
            if len(shape) < 100
            else b"\x93NUMPY\x02\x00" + b"\xff\xff\x00\x00" + shape.encode()
        )
        archive.writestr("x.npy", body)
        archive.writestr("y.npy", npy("(12,)", bytes([0, 1] * 6)))
    tracemalloc.start()
    with pytest.raises(DataError, match=message) as caught:
        tasks.npz(tmp_path / "a.npz")
    assert tracemalloc.get_traced_memory()[1] < 4 << 20 and len(str(caught.value)) < 500
    tracemalloc.stop()


def test_an_archive_that_unpacks_to_more_than_the_memory_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("os.sysconf", lambda name: 1000)
    with zipfile.ZipFile(tmp_path / "a.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x.npy", npy("(4000, 1000)", bytes(4_000_000)))
        archive.writestr("y.npy", npy("(4000,)", bytes(4000)))
    with pytest.raises(DataError, match=r"unpacks to .*more than the .* memory"):
        tasks.npz(tmp_path / "a.npz")

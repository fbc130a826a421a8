"""Decoded images in a file: the same task as in memory, found again, gone on with, and never damaged unnoticed."""

from __future__ import annotations

import json
import os
import pickle
import threading
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from typer.testing import CliRunner

from netwright import tasks
from netwright.cli.app import app
from netwright.core.errors import DataError, UserError
from netwright.tasks import decoded_files
from netwright.tasks.decoded_files import decoded_in, in_file, kept, remove

SHAPE = (3, 16, 16)


def pixels(number: int) -> np.ndarray:
    return np.random.default_rng(number).integers(0, 256, SHAPE, dtype=np.uint8)


def decode(numbers):
    return [pixels(number) for number in numbers if number != 5], {5: "is torn"} if 5 in numbers else {}


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoded_files, "PART", 4 * pixels(0).nbytes)


@pytest.fixture
def photographs(tmp_path: Path) -> Path:
    folder = tmp_path / "photographs"
    for place in range(24):
        file = folder / "ab"[place % 2] / f"{place:02}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels(place).transpose(1, 2, 0)).save(file)
    return folder


def expected() -> np.ndarray:
    return np.stack([pixels(number) for number in range(11) if number != 5])


def test_examples_are_kept_in_parts_and_what_is_bad_is_named(tmp_path: Path, small_parts: None) -> None:
    rows, bad = in_file(tmp_path, "a" * 24, 11, SHAPE, decode)
    assert np.array_equal(rows, expected()) and bad == {5: "is torn"}
    assert [part[:2] for part in json.loads((tmp_path / f"{'a' * 24}.json").read_text())["parts"]] == [
        [4, 4],
        [4, 3],
        [3, 3],
    ]


def test_what_is_there_is_found_without_decoding(tmp_path: Path, small_parts: None) -> None:
    in_file(tmp_path, "a" * 24, 11, SHAPE, decode)
    rows, bad = in_file(tmp_path, "a" * 24, 11, SHAPE, lambda numbers: pytest.fail(f"decoded {numbers}"))
    assert np.array_equal(rows, expected()) and bad == {5: "is torn"}


def test_a_killed_process_leaves_the_parts_that_are_done(tmp_path: Path, small_parts: None) -> None:
    asked: list[int] = []

    def killed(numbers):
        if numbers[0] >= 8:
            raise KeyboardInterrupt
        return decode(numbers)

    def counted(numbers):
        asked.extend(numbers)
        return decode(numbers)

    with pytest.raises(KeyboardInterrupt):
        in_file(tmp_path, "a" * 24, 11, SHAPE, killed)
    rows, _ = in_file(tmp_path, "a" * 24, 11, SHAPE, counted)
    assert np.array_equal(rows, expected()) and asked == [8, 9, 10]


@pytest.mark.parametrize("damage", ["flipped", "short", "gone", "record"])
def test_damage_is_noticed_and_mended(tmp_path: Path, small_parts: None, damage: str) -> None:
    in_file(tmp_path, "a" * 24, 11, SHAPE, decode)
    file = tmp_path / f"{'a' * 24}.pixels"
    if damage == "flipped":
        with file.open("r+b") as stream:
            stream.seek(5 * pixels(0).nbytes)
            stream.write(b"\0\1\2\3")
    elif damage == "short":
        os.truncate(file, file.stat().st_size - 1)
    elif damage == "gone":
        file.unlink()
    else:
        file.with_suffix(".json").write_text('{"parts": [[1]]')
    rows, bad = in_file(tmp_path, "a" * 24, 11, SHAPE, decode)
    assert np.array_equal(rows, expected()) and bad == {5: "is torn"}


def test_two_at_once_decode_once(tmp_path: Path, small_parts: None) -> None:
    asked: list[int] = []

    def counted(numbers):
        asked.extend(numbers)
        return decode(numbers)

    threads = [threading.Thread(target=in_file, args=(tmp_path, "a" * 24, 11, SHAPE, counted)) for _ in range(3)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert sorted(asked) == list(range(11))


def test_a_folder_of_photographs_is_the_same_task_in_a_file(photographs: Path, tmp_path: Path) -> None:
    plain = tasks.image_folder(photographs)
    with decoded_in(tmp_path / "kept"):
        filed = tasks.image_folder(photographs, decoded="file")
        again = tasks.image_folder(photographs, decoded="file")
    assert plain.fingerprint == filed.fingerprint == again.fingerprint
    assert any("are kept in" in note for note in filed.notes) and not any("are kept in" in note for note in plain.notes)
    data = filed.search_data(seed=0)
    assert torch.equal(data.train.batch(0, 4), plain.search_data(seed=0).train.batch(0, 4))


def test_a_changed_photograph_is_decoded_anew(photographs: Path, tmp_path: Path) -> None:
    with decoded_in(tmp_path / "kept"):
        before = tasks.image_folder(photographs, decoded="file").fingerprint
        Image.fromarray(pixels(99).transpose(1, 2, 0)).save(photographs / "a" / "00.png")
        assert tasks.image_folder(photographs, decoded="file").fingerprint != before


def test_workers_get_the_file_not_a_copy(photographs: Path, tmp_path: Path) -> None:
    from netwright.core import blocks

    with decoded_in(tmp_path / "kept"):
        task = tasks.image_folder(photographs, decoded="file")
    place = blocks.place_of(task.train.stored.numpy())
    assert place is not None and place.block.size == 24 * pixels(0).nbytes
    received = pickle.loads(pickle.dumps(task))
    assert received.fingerprint == task.fingerprint


def test_writing_to_what_was_read_reaches_no_file(photographs: Path, tmp_path: Path) -> None:
    with decoded_in(tmp_path / "kept"):
        task = tasks.image_folder(photographs, decoded="file")
        before = task.fingerprint
        task.train.stored[:] = 0
        assert tasks.image_folder(photographs, decoded="file").fingerprint == before


@pytest.mark.parametrize(
    ("decoded", "left", "message"),
    [
        ("disk", None, "must be one of auto, memory, file"),
        ("file", None, "needs a folder"),
        ("memory", 1000, r"are left here; choose a smaller size=\.\.\. or a limit|are left here"),
    ],
)
def test_where_images_cannot_be_is_said(
    photographs: Path, monkeypatch: pytest.MonkeyPatch, decoded: str, left: int | None, message: str
) -> None:
    monkeypatch.setattr(decoded_files, "memory_left", lambda: left)
    with pytest.raises(UserError, match=message):
        tasks.image_folder(photographs, decoded=decoded)


def test_large_images_go_to_a_file_by_themselves(
    photographs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decoded_files, "memory_left", lambda: 30_000)
    with decoded_in(tmp_path / "kept"):
        task = tasks.image_folder(photographs)
    assert any("are kept in" in note for note in task.notes) and kept(tmp_path / "kept")


def test_a_full_disk_is_said_before_anything_is_decoded(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"the decoded images need .* are free there"):
        in_file(tmp_path, "a" * 24, 10**12, SHAPE, lambda _: pytest.fail("decoded"))


def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match="cannot be written"):
        in_file(tmp_path / "file", "a" * 24, 3, SHAPE, decode)


def test_cleaning_removes_what_is_ours_only(tmp_path: Path) -> None:
    in_file(tmp_path / "decoded", "a" * 24, 3, SHAPE, decode)
    (tmp_path / "decoded" / "mine.txt").write_text("x")
    assert "MB of decoded images removed" in CliRunner().invoke(app, ["clean", "--dir", str(tmp_path)]).output
    assert [each.name for each in (tmp_path / "decoded").iterdir()] == ["mine.txt"]
    assert remove(tmp_path / "decoded") == 0

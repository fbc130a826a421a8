"""Which folders are classes and which are splits; left-overs, links, and pictures that occur twice."""

import os
import shutil

import numpy as np
import pytest
from PIL import Image

from netwright import tasks
from netwright.core.errors import DataError
from netwright.tasks import BadFiles

RNG = np.random.default_rng(11)


def fill(folder, count=4, ending="png"):
    folder.mkdir(parents=True, exist_ok=True)
    for i in range(count):
        Image.fromarray(RNG.integers(0, 256, (6, 6), dtype=np.uint8)).save(folder / f"{i:03}.{ending}")
    return folder


def tree(place, counts):
    for name, count in counts.items():
        fill(place / name, count)
    return place


def said(task, text):
    return any(text in note for note in task.notes)


def test_the_users_own_validation_split_is_what_a_search_validates_on(tmp_path):
    counts = {"train/a": 5, "train/b": 6, "Valid/a": 2, "Valid/b": 3, "TEST/a": 2, "TEST/b": 2}
    task = tasks.image_folder(tree(tmp_path, counts))
    data = task.search_data(0)
    assert (len(data.train), len(data.held_out), len(task.test)) == (11, 5, 4)
    stored = {np.asarray(Image.open(path)).tobytes() for path in (tmp_path / "Valid").rglob("*.png")}
    assert {each.numpy().tobytes() for each in data.held_out.inputs} == stored
    assert len(task.final_data().train) == 16
    assert "11 to train on, 5 to validate on (they came with the data), 4 for the final test" in task.describe()[2]


@pytest.mark.parametrize("name", ["val", "valid", "Validation", "dev", "DEV"])
def test_without_a_test_split_one_is_set_aside_from_the_training_images(tmp_path, name):
    task = tasks.image_folder(tree(tmp_path, {"train/a": 10, "train/b": 10, f"{name}/a": 3, f"{name}/b": 3}))
    assert len(task.search_data(0).held_out) == 6 and len(task.test) == 2 and task.class_names == ("a", "b")
    assert said(task, "no test split came with the data: 2 of 26 examples were set aside")


def test_a_limit_keeps_its_share_of_a_validation_split(tmp_path):
    counts = {"train/a": 20, "train/b": 20, "val/a": 10, "val/b": 10, "test/a": 4, "test/b": 4}
    task = tasks.image_folder(tree(tmp_path, counts), limit=0.5)
    data = task.search_data(0)
    assert (len(data.train), len(data.held_out), len(task.test)) == (20, 10, 8)


def test_bad_images_leave_the_splits_as_they_are(tmp_path):
    tree(tmp_path, {"train/a": 5, "train/b": 5, "val/a": 3, "val/b": 3, "test/a": 2, "test/b": 2})
    for bad in ("train/a/000.png", "val/b/001.png", "test/a/000.png"):
        (tmp_path / bad).write_bytes(b"")
    task = tasks.image_folder(tmp_path, skip_bad=3)
    data = task.search_data(0)
    assert (len(data.train), len(data.held_out), len(task.test)) == (9, 5, 3)
    with pytest.raises(BadFiles, match=r"3 of 20 .* at most 2 may be skipped.*skip_bad='15%'"):
        tasks.image_folder(tmp_path, skip_bad="10%")


@pytest.mark.parametrize("extra", ["unlabeled", "extra/raw", "notes", "masks/a"])
def test_a_third_folder_beside_train_and_test_is_left_out(tmp_path, extra):
    tree(tmp_path, {"train/a": 4, "train/b": 4, "test/a": 2, "test/b": 2, extra: 5})
    task = tasks.image_folder(tmp_path)
    assert task.class_names == ("a", "b") and len(task.test) == 4
    assert said(task, f"left out, since train/ is the training split: {extra.split('/')[0]}/")


LEFT_OVERS = ["__MACOSX", ".ipynb_checkpoints", "@eaDir", "Thumbs", ".hidden", "$RECYCLE.BIN"]


@pytest.mark.parametrize("name", LEFT_OVERS)
def test_left_overs_are_no_classes(tmp_path, name):
    tree(tmp_path, {"a": 4, "b": 4, name: 4, f"a/{name}": 4})
    task = tasks.image_folder(tmp_path)
    assert task.class_names == ("a", "b") and len(task.train) + len(task.test) == 8
    assert name.startswith(".") or said(task, f"left-over folders were left out: {name}/")


@pytest.mark.parametrize(
    "counts", [{"train": 4, "test": 4}, {"Train": 4, "VAL": 4, "test": 2}, {"train": 5, "testing": 5, "unlabeled": 5}]
)
def test_splits_without_class_folders_are_never_classes(tmp_path, counts):
    with pytest.raises(DataError, match=r"which are splits by their names, but no class folders in [Tt]rain/"):
        tasks.image_folder(tree(tmp_path, counts))


def test_test_and_val_without_train_are_no_classes(tmp_path):
    with pytest.raises(DataError, match="holds test/, val/, which are splits by their names, but no folder train/"):
        tasks.image_folder(tree(tmp_path, {"test/a": 4, "test/b": 4, "val/a": 4, "val/b": 4}))


def test_a_test_folder_beside_the_class_folders(tmp_path):
    task = tasks.image_folder(tree(tmp_path, {"a": 5, "b": 5, "test/a": 2, "test/b": 2}))
    assert task.class_names == ("a", "b") and (len(task.train), len(task.test)) == (10, 4)


@pytest.mark.parametrize("counts", [{"train/a": 5, "train/b": 5, "test": 4}, {"a": 5, "b": 5, "test": 4}])
def test_a_test_folder_without_labels_is_left_out(tmp_path, counts):
    task = tasks.image_folder(tree(tmp_path, counts))
    assert task.class_names == ("a", "b") and said(task, "test/ was left out")


def test_a_class_may_be_called_train(tmp_path):
    task = tasks.image_folder(tree(tmp_path, {"bus": 4, "car": 4, "train": 4}))
    assert task.class_names == ("bus", "car", "train")


def test_images_deep_in_a_class_folder_belong_to_it(tmp_path):
    task = tasks.image_folder(tree(tmp_path, {"a/2020/may/1": 4, "a/2021": 2, "b/x y/ü": 6}))
    assert task.class_names == ("a", "b") and len(task.train) + len(task.test) == 12


@pytest.mark.parametrize("count", [3, 60])
def test_names_of_any_kind(tmp_path, count):
    names = ("two words", "line\nbreak", "ümläut 漢字", "-dash", "semi;colon,comma")
    task = tasks.image_folder(tree(tmp_path, dict.fromkeys(names, count)))
    assert task.class_names == tuple(sorted(names))
    (tmp_path / "line\nbreak" / "bad\n.png").write_bytes(b"")
    with pytest.raises(BadFiles) as caught:
        tasks.image_folder(tmp_path)
    assert "\n" not in str(caught.value) and r"line\nbreak/bad\n.png: is empty" in str(caught.value)


def test_a_flat_folder_is_told_what_its_file_names_begin_with(tmp_path):
    for name in ("cat.0", "cat.1", "dog.0", "dog.1", "dog.2"):
        Image.new("L", (4, 4)).save(tmp_path / f"{name}.jpg")
    with pytest.raises(DataError, match=r"the file names begin with dog \(3\), cat \(2\): if these are the classes"):
        tasks.image_folder(tmp_path)


def test_a_folder_around_the_folder_is_pointed_into(tmp_path):
    with pytest.raises(DataError, match=r"did you mean .*/data\?"):
        tasks.image_folder(tree(tmp_path, {"data/a": 4, "data/b": 4}))


def test_files_of_other_kinds_are_told_by_their_endings(tmp_path):
    tree(tmp_path, {"a": 4, "b": 4})
    for name in ("a/1.heic", "a/2.HEIC", "b/labels.txt", "b/README"):
        (tmp_path / name).write_bytes(b"x")
    assert said(tasks.image_folder(tmp_path), "ignored 4 files without an ending of images (2 .heic, 1 ")


def test_images_beside_the_class_folders_are_said(tmp_path):
    tree(tmp_path, {"a": 4, "b": 4, ".": 3})
    assert said(tasks.image_folder(tmp_path), "3 images beside the class folders were left out")


def test_links(tmp_path):
    away = fill(tmp_path / "elsewhere", 3)
    data = tree(tmp_path / "data", {"a": 5, "b": 5})
    (data / "c").symlink_to(away, target_is_directory=True)
    (data / "a" / "one.png").symlink_to(away / "000.png")
    (data / "b" / "inside.png").symlink_to(data / "b" / "000.png")
    (data / "a" / "gone.png").symlink_to(tmp_path / "nowhere.png")
    (data / "a" / "round").symlink_to(data / "a", target_is_directory=True)
    task = tasks.image_folder(data)
    assert task.class_names == ("a", "b", "c") and len(task.train) + len(task.test) == 15
    assert said(task, "links that lead nowhere were left out: 1, such as") and said(task, "gone.png")
    assert said(task, "4 images are links to files outside of this folder")
    assert said(task, f"folders that are links out of this one were read: c/ (to {away})")


def test_a_split_or_a_folder_deep_within_that_is_a_link_out_is_said(tmp_path):
    tree(tmp_path / "away", {"a": 3, "b": 3})
    data = tree(tmp_path / "data", {"train/a": 5, "train/b": 5})
    (data / "test").symlink_to(tmp_path / "away", target_is_directory=True)
    (data / "train" / "a" / "more").symlink_to(fill(tmp_path / "odd\x1b[2J", 2), target_is_directory=True)
    task = tasks.image_folder(data)
    assert said(task, f"were read: more/ (to {tmp_path}/odd\\x1b[2J), test/ (to {tmp_path}/away)")
    (tmp_path / "link").symlink_to(tmp_path / "away", target_is_directory=True)
    assert not said(tasks.image_folder(tmp_path / "link"), "links out of this one")


def test_the_same_pictures_in_train_and_test_are_counted(tmp_path):
    tree(tmp_path, {"train/a": 5, "train/b": 5, "test/a": 3, "test/b": 3})
    shutil.copy(tmp_path / "train/a/000.png", tmp_path / "test/a/copy.png")
    Image.open(tmp_path / "train/b/001.png").save(tmp_path / "test/b/as another file.bmp")
    task = tasks.image_folder(tmp_path)
    assert said(task, "warning: 2 of the 8 test images are in the training split, too (the same pixels, such as ")
    assert said(task, f"{os.path.join('test', 'a', 'copy.png')} as {os.path.join('train', 'a', '000.png')}")


def test_the_same_pictures_in_two_classes_are_counted(tmp_path):
    tree(tmp_path, {"a": 5, "b": 5})
    shutil.copy(tmp_path / "a/000.png", tmp_path / "b/copy.png")
    task = tasks.image_folder(tmp_path)
    assert said(task, "warning: 1 picture occurs in more than one class, such as a/000.png (a) and b/copy.png (b)")


def test_the_same_pictures_in_train_and_val_and_among_the_training_images(tmp_path):
    tree(tmp_path, {"train/a": 5, "train/b": 5, "val/a": 3, "val/b": 3, "test/a": 3, "test/b": 3})
    shutil.copy(tmp_path / "train/a/000.png", tmp_path / "val/a/copy.png")
    assert said(tasks.image_folder(tmp_path), "1 of the 7 validation images is in the training split, too")
    other = tree(tmp_path / "other", {"a": 9, "b": 9, "test/a": 3, "test/b": 3})
    shutil.copy(other / "a/000.png", other / "a/copy.png")
    assert said(tasks.image_folder(other), "1 of the training images are copies of others")


def test_different_pictures_are_not_spoken_of(tmp_path):
    task = tasks.image_folder(tree(tmp_path, {"a": 9, "b": 9}))
    assert not any("warning" in note or "copies" in note for note in task.notes)


def test_equal_arrays_are_told_by_their_number():
    x = RNG.integers(0, 256, (40, 6, 6), dtype=np.uint8)
    x[7] = x[4]
    task = tasks.arrays(x, np.arange(40) % 2, test=(x[30:], np.arange(10) % 2))
    assert said(
        task, "10 of the 10 test images are in the training split, too (the same pixels, such as test image 0 as "
    )
    assert said(task, "1 picture occurs in more than one class, such as image 4 (0) and image 7 (1)")

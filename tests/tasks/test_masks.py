import numpy as np
import pytest
import torch
from PIL import Image

from netwright.core.errors import DataError, UserError
from netwright.core.task import Augmentation
from netwright.problems.dense_classification import VOID, DenseClassification
from netwright.tasks import arrays, open_task
from netwright.tasks.from_masks import mask_folder
from netwright.tasks.portable.tiles import cut, put_together, spans
from netwright.training.augmentation import Batches, Normalisation

RNG = np.random.default_rng(0)


def save(path, array, **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(array).save(path, **options)


def pictures(folder, count=6, size=(20, 24), values=(0, 255), images="images", masks="masks", suffix=""):
    for i in range(count):
        save(folder / images / f"{i:02}.png", RNG.integers(0, 256, size, dtype=np.uint8))
        mask = np.full(size, values[0], dtype=np.uint8)
        for k, value in enumerate(values[1:]):
            mask[k :: len(values), i % 3 :] = value
        save(folder / masks / f"{i:02}{suffix}.png", mask)
    return folder


@pytest.mark.parametrize(
    ("images", "masks", "suffix"),
    [
        ("images", "masks", ""),
        ("JPEGImages", "SegmentationClass", ""),
        ("img", "labels", "_label"),
        (".", ".", "_mask"),
    ],
)
def test_masks_lie_in_a_folder_of_their_own_or_beside_their_images(tmp_path, images, masks, suffix):
    pictures(tmp_path, images=images, masks=masks, suffix=suffix)
    task = open_task(str(tmp_path))
    assert isinstance(task.problem, DenseClassification) and task.shape.dense
    assert task.shape.input == (1, 20, 24) and task.shape.outputs == 2
    assert task.problem.class_names == ("0", "255") and task.problem.values == (0, 255)
    assert len(task.train) == 5 and len(task.test) == 1
    assert set(task.train.targets.unique().tolist()) == {0, 1}


def test_splits_are_around_the_folders_or_inside_them(tmp_path):
    for split, count in (("train", 4), ("val", 2), ("test", 3)):
        pictures(tmp_path / "around" / split, count)
        pictures(tmp_path / "inside", count, images=f"images/{split}", masks=f"masks/{split}")
    for where in ("around", "inside"):
        task = open_task(str(tmp_path / where))
        assert len(task.train) == 6 and task.validation.tolist() == [4, 5] and len(task.test) == 3


def test_the_mask_of_an_image_is_that_of_its_name(tmp_path):
    for name, value in (("b", 1), ("a", 0), ("c", 2)):
        save(tmp_path / "images" / f"{name}.png", np.full((4, 4), 10 * value, dtype=np.uint8))
        save(tmp_path / "masks" / f"{name}.png", np.full((4, 4), value, dtype=np.uint8))
    task = mask_folder(tmp_path)
    for examples in (task.train, task.test):
        assert torch.equal(examples.inputs[:, 0] // 10, examples.targets)


def test_tiles_answer_for_each_pixel_once():
    for extent, tile, margin in ((20, 16, 2), (100, 16, 2), (512, 128, 16), (7, 16, 2), (17, 16, 2), (33, 16, 0)):
        found = spans(extent, tile, margin)
        covered = [place for _, first, stop in found for place in range(first, stop)]
        assert covered == list(range(extent))
        for i, (start, first, stop) in enumerate(found):
            assert start <= first and stop <= start + tile
            assert extent <= tile or 0 <= start <= extent - tile
            assert i == 0 or first - start >= margin
            assert i == len(found) - 1 or start + tile - stop >= margin
    picture = torch.arange(3 * 50 * 37).view(3, 50, 37)
    assert torch.equal(put_together(cut(picture, (16, 12), 2), 50, 37, (16, 12), 2), picture)
    small = torch.arange(5 * 4).view(1, 5, 4)
    assert torch.equal(put_together(cut(small, (8, 8), 1), 5, 4, (8, 8), 1), small)
    assert torch.equal(cut(small, (8, 8), 1)[0, 0, 7], torch.tensor([16, 17, 18, 19, 19, 19, 19, 19]))


def test_images_are_split_whole_and_each_pixel_of_theirs_is_asked_for_once(tmp_path):
    pictures(tmp_path, 5, (50, 70))
    task = mask_folder(tmp_path, tile=32)
    assert task.shape.input == (1, 32, 32)
    asked = [int((each.targets != VOID).sum()) for each in (task.train, task.test)]
    assert asked == [4 * 50 * 70, 50 * 70]
    assert task.groups.tolist() == sorted(task.groups.tolist()) and len(set(task.groups.tolist())) == 4
    data = task.search_data(0, validation=0.25)
    count = len(task.train) // 4
    assert len(data.held_out) == count and len(data.train) == 3 * count
    assert int((data.held_out.targets != VOID).sum()) == 50 * 70
    assert any("5 images were cut into" in each for each in task.notes)


def test_images_of_several_sizes_become_tiles_and_small_ones_are_continued(tmp_path):
    pictures(tmp_path / "a", 4, (40, 64))
    pictures(tmp_path / "b", 4, (20, 90))
    for which in "ab":
        for kind in ("images", "masks"):
            for file in (tmp_path / which / kind).iterdir():
                (tmp_path / kind).mkdir(exist_ok=True)
                file.rename(tmp_path / kind / f"{which}{file.name}")
    task = mask_folder(tmp_path, tile=32)
    asked = sum(int((each.targets != VOID).sum()) for each in (task.train, task.test))
    assert asked == 4 * (40 * 64 + 20 * 90) and task.shape.input == (1, 32, 32)


def test_255_beside_numbers_without_a_gap_is_void_unless_said_otherwise(tmp_path):
    pictures(tmp_path, 6, values=(0, 1, 2, 255))
    task = mask_folder(tmp_path)
    assert task.problem.values == (0, 1, 2) and any("'not labelled'" in each for each in task.notes)
    assert set(task.train.targets.unique().tolist()) == {0, 1, 2, VOID}
    assert mask_folder(tmp_path, ignore="none").problem.values == (0, 1, 2, 255)
    assert mask_folder(tmp_path, ignore=2).problem.values == (0, 1, 255)
    assert mask_folder(tmp_path, ignore="1,255").problem.values == (0, 2)
    with pytest.raises(UserError, match="no mask holds it; there are 0, 1, 2, 255"):
        mask_folder(tmp_path, ignore=7)
    named = mask_folder(tmp_path, classes=("sky", "road", "car"), class_weights="balanced", dice=0.5)
    assert named.problem.class_names == ("sky", "road", "car") and named.problem.dice == 0.5
    assert len(named.problem.class_weights) == 3
    with pytest.raises(UserError, match="2 names were given, a, b, but the masks hold 3 numbers"):
        mask_folder(tmp_path, classes=("a", "b"))


def test_palettes_black_and_white_and_grey_saved_as_colour_are_numbers(tmp_path):
    pictures(tmp_path, 4, (8, 8))
    numbers = np.zeros((8, 8), dtype=np.uint8)
    numbers[2:] = 1
    palette = Image.fromarray(numbers, "P")
    palette.putpalette([0, 0, 0, 128, 64, 0])
    palette.save(tmp_path / "masks" / "00.png")
    Image.fromarray(numbers * 255).convert("1").save(tmp_path / "masks" / "01.png")
    Image.fromarray(numbers).convert("RGB").save(tmp_path / "masks" / "02.png")
    save(tmp_path / "masks" / "03.png", numbers.astype(np.uint16))
    task = mask_folder(tmp_path)
    assert task.problem.values == (0, 1)
    for examples in (task.train, task.test):
        assert torch.equal(examples.targets, torch.from_numpy(numbers).expand(len(examples), -1, -1))


def colour(folder):
    save(folder / "masks" / "01.png", RNG.integers(0, 256, (20, 24, 3), dtype=np.uint8))


def other_size(folder):
    save(folder / "masks" / "01.png", np.zeros((20, 20), dtype=np.uint8))


def blurred(folder):
    for i in range(6):
        save(folder / "masks" / f"{i:02}.png", RNG.integers(0, 256, (20, 24), dtype=np.uint8))


def one_number(folder):
    for i in range(6):
        save(folder / "masks" / f"{i:02}.png", np.full((20, 24), 7, dtype=np.uint8))


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (colour, r"01\.png: is a colour image \(\d+ pixels such as .*\); a mask holds one number a pixel"),
        (other_size, r"01\.png: is 20x20 pixels, its image 24x20"),
        (lambda folder: (folder / "masks" / "03.png").unlink(), r"1 of 6 images has no mask: .*03\.png"),
        (lambda folder: (folder / "images" / "03.png").unlink(), r"1 of 6 masks has no image: .*03\.png"),
        (lambda folder: (folder / "masks" / "03.png").write_bytes(b""), r"03\.png: is empty"),
        (lambda folder: (folder / "images" / "03.png").write_bytes(b"no"), r"03\.png is no image that can be read"),
        (blurred, "more than the 64 that are taken for classes; are they JPEG images"),
        (one_number, "hold the number 7 alone; expected at least two"),
    ],
)
def test_what_cannot_be_used_is_said_in_one_line(tmp_path, spoil, message):
    spoil(pictures(tmp_path))
    with pytest.raises(DataError, match=message) as told:
        mask_folder(tmp_path)
    assert "\n" not in str(told.value)


def test_bad_pairs_may_be_left_out(tmp_path):
    other_size(pictures(tmp_path))
    task = mask_folder(tmp_path, skip_bad=1)
    assert len(task.train) + len(task.test) == 5
    (tmp_path / "images" / "01.png").unlink()
    (tmp_path / "masks" / "01.png").unlink()
    assert len(mask_folder(tmp_path, limit=4).train) == 3


def test_a_task_is_made_again_from_its_configuration(tmp_path):
    from netwright.tasks import from_configuration

    pictures(tmp_path, 4, (50, 40))
    task = mask_folder(tmp_path, tile=32, class_weights="balanced")
    assert from_configuration(task.configuration()).fingerprint == task.fingerprint


def test_masks_are_mirrored_and_shifted_with_their_images(tmp_path):
    for i in range(8):
        numbers = RNG.integers(0, 3, (12, 10), dtype=np.uint8)
        save(tmp_path / "images" / f"{i}.png", numbers + 1)
        save(tmp_path / "masks" / f"{i}.png", numbers)
    data = mask_folder(tmp_path, augmentation=Augmentation(flip=True, padding=3)).search_data(0)
    plain = Normalisation(torch.tensor(1.0), torch.tensor(0.0))
    order = torch.arange(len(data.train))
    batches = Batches(data.train, order, plain, data.augmentation, torch.Generator().manual_seed(0), data.problem.void)
    inputs, targets = batches(0, len(data.train))
    images, asked = inputs[:, 0].long(), targets != VOID
    assert torch.equal(images[asked] - 1, targets[asked].long())
    assert torch.equal(images == 0, ~asked) and 0 < asked.sum() < asked.numel()
    before = data.train.targets
    assert not torch.equal(before, targets) and torch.equal(batches(2, 4)[1].ne(VOID), asked[2:4])


def test_fewer_pixels_of_an_image_are_asked_for_the_whole_mask(tmp_path):
    task = mask_folder(pictures(tmp_path, 8))
    data = task.search_data(0, resolution=12)
    assert data.train.shape[1:] == (1, 10, 12) and data.train.targets.shape[1:] == (20, 24)


def held(path, count=8, size=(20, 24), channels=0, **more):
    shape = (count, *size, channels) if channels else (count, *size)
    x = RNG.integers(0, 256, shape, dtype=np.uint8)
    y = (RNG.random((count, *size)) < 0.3).astype(np.int64)
    np.savez(path, images=x, masks=y, **more)
    return x, y


@pytest.mark.parametrize("channels", [0, 3])
def test_masks_in_an_npz_file(tmp_path, channels):
    x, y = held(tmp_path / "cells.npz", channels=channels)
    task = open_task(str(tmp_path / "cells.npz"))
    assert task.shape.dense and task.shape.input == (channels or 1, 20, 24)
    assert sorted([len(task.train), len(task.test)]) == [1, 7]
    place = next(i for i in range(8) if np.array_equal(y[i], task.test.targets[0].numpy()))
    own = np.load(task.preparation.own_files(1, tmp_path)[0])
    assert np.array_equal(own[0], x[place])
    assert torch.equal(task.preparation.stood_for(task.test.inputs)[0], task.test.inputs[0])


def test_large_masks_in_arrays_are_cut_and_splits_that_came_are_kept(tmp_path):
    val, test = held(tmp_path / "v.npz", 2, (50, 40)), held(tmp_path / "t.npz", 3, (50, 40))
    held(tmp_path / "a.npz", 4, (50, 40), val_images=val[0], val_masks=val[1], test_images=test[0], test_masks=test[1])
    task = open_task(str(tmp_path / "a.npz"), tile=32, dice=0.5, class_weights="balanced")
    tiles = 4
    assert (len(task.train), len(task.test)) == (6 * tiles, 3 * tiles)
    assert task.validation.tolist() == list(range(4 * tiles, 6 * tiles))
    assert int((task.test.targets != VOID).sum()) == 3 * 50 * 40
    assert torch.equal(task.preparation.stood_for(task.test.inputs)[2][0], torch.from_numpy(test[0][2]))
    assert task.problem.dice == 0.5 and len(task.problem.class_weights) == 2


def test_groups_of_images_stay_whole():
    x, y = RNG.random((12, 20, 20)), RNG.integers(0, 2, (12, 20, 20))
    task = arrays(x, y, groups=["a", "b", "c"] * 4, test_share=0.34, tile=16)
    held_out = {*task.groups[: len(task.train)].tolist()}
    assert len(held_out) == 2 and len(task.test) == len(task.train) / 2


@pytest.mark.parametrize(
    ("y", "options", "message"),
    [
        (RNG.random((8, 20, 20)), {}, "y holds fractions; a mask holds one whole number a pixel"),
        (-np.ones((8, 20, 20)), {}, "y holds numbers from -1 to -1"),
        (np.zeros((8, 20, 20), int), {}, "the masks hold the number 0 alone"),
        (np.arange(8) % 2, {"tile": 16}, "tile=16 is for masks"),
        (np.arange(8) % 2, {"dice": 0.5}, "dice=0.5 is for masks"),
    ],
)
def test_arrays_that_are_no_masks(y, options, message):
    with pytest.raises((DataError, UserError), match=message):
        arrays(np.zeros((8, 20, 20), np.uint8), y, **options)


def test_class_folders_stay_what_they_are(tmp_path):
    for name in ("x", "y", "target", "cell_mask"):
        for i in range(3):
            save(tmp_path / name / f"{i}.png", RNG.integers(0, 256, (8, 8), dtype=np.uint8))
    save(tmp_path / "notes_mask.png", np.zeros((8, 8), dtype=np.uint8))
    assert open_task(str(tmp_path)).class_names == ("cell_mask", "target", "x", "y")


def test_fewer_images_with_masks_are_judged_at_a_time():
    from netwright.problems import Classification
    from netwright.training.evaluation import plain_batch

    masked = DenseClassification(("a", "b"))
    assert [plain_batch(masked, (9, 1, side, side)) for side in (16, 32, 128, 256, 1024)] == [256, 256, 16, 4, 4]
    assert plain_batch(Classification(("a", "b")), (9, 3, 224, 224)) == 256


def test_a_tile_is_called_by_its_image_and_place(tmp_path):
    for i, size in enumerate([(20, 24), (40, 30)] * 4):
        level = np.full(size, 10 * i, dtype=np.uint8)
        level[:, 16:] += 5
        save(tmp_path / "images" / f"{i}.png", level)
        save(tmp_path / "masks" / f"{i}.png", (level % 10 > 0).astype(np.uint8))
    task = mask_folder(tmp_path, tile=16)
    looks = [each["file"] for each in task.preparation.looks(range(len(task.test)))]
    for found, tile in zip(looks, task.test.inputs, strict=True):
        name, across, down = found.removesuffix(" down").replace(" across", "").replace("from ", "").split(", ")
        across, down = int(across), int(down)
        with Image.open(tmp_path / "images" / name) as image:
            assert np.array_equal(np.asarray(image)[down : down + 16, across : across + 16], tile[0])
    whole = mask_folder(tmp_path, tile=64)
    assert {each["file"] for each in whole.preparation.looks(range(len(whole.test)))} <= set(
        map(str, (tmp_path / "images").iterdir())
    )

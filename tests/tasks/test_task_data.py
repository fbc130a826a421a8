"""The task: what a search gets, what only the final evaluation gets, and what is said."""

import pickle

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from netwright import tasks
from netwright.core.errors import DataError, UserError
from netwright.core.task import Augmentation, Examples
from netwright.tasks import Task
from netwright.tasks.mean_and_spread import mean_and_std


def image_task(n=120, classes=3, size=8, channels=2, seed=0, **kwargs):
    generator = np.random.default_rng(seed)
    x = generator.integers(0, 256, (n, channels, size, size), dtype=np.uint8)
    return tasks.arrays(x, np.arange(n) % classes, **kwargs)


def same(a: Examples, b: Examples) -> bool:
    return torch.equal(a.inputs, b.inputs) and torch.equal(a.targets, b.targets)


def rows(inputs) -> set[bytes]:
    return {row.numpy().tobytes() for row in inputs}


def test_digits_need_nothing():
    task = tasks.digits()
    assert task.shape.input == (1, 8, 8) and task.shape.classes == 10
    assert len(task.train) == 1617 and len(task.test) == 180
    assert task.train.inputs.dtype == torch.uint8 and int(task.train.inputs.max()) == 255
    assert task.class_names == tuple("0123456789") and not task.augmentation.flip


def test_search_data_is_a_split_of_train_alone():
    task = image_task()
    data = task.search_data(0, validation=0.25)
    assert len(data.train) + len(data.held_out) == len(task.train)
    assert rows(data.train.inputs) | rows(data.held_out.inputs) == rows(task.train.inputs)
    assert not rows(data.train.inputs) & rows(data.held_out.inputs)
    assert not (rows(data.train.inputs) | rows(data.held_out.inputs)) & rows(task.test.inputs)


class Sealed(Task):
    """A task whose test split may not be looked at."""

    @property
    def test(self):
        raise AssertionError("the test split was touched")


def test_nothing_but_final_data_touches_the_test_split():
    plain = image_task()
    poison = Examples(torch.zeros_like(plain.test.inputs), torch.zeros_like(plain.test.targets))
    sealed = Sealed("sealed", plain.train, poison, plain.class_names)
    sealed._test = None  # type: ignore[assignment]
    for arguments in ({}, {"share": 0.3}, {"resolution": 4}, {"validation": 0.5}):
        ours, theirs = plain.search_data(1, **arguments), sealed.search_data(1, **arguments)
        assert same(ours.train, theirs.train) and same(ours.held_out, theirs.held_out)
        assert (ours.mean, ours.std) == (theirs.mean, theirs.std)
    with pytest.raises(AttributeError):
        sealed.final_data()


def test_the_task_set_aside_depends_on_split_seed_and_not_on_the_search():
    first, again, other = image_task(), image_task(), image_task(split_seed=1)
    first.search_data(7)
    assert same(first.test, again.test) and not same(first.test, other.test)


def test_final_data_trains_on_all_and_holds_out_the_test_split():
    task = image_task()
    data = task.final_data()
    assert same(data.train, task.train) and same(data.held_out, task.test)
    assert data.train.stored.data_ptr() == task.train.stored.data_ptr()  # no copy on the CPU
    assert data.mean == mean_and_std(task.train.inputs)[0]


def test_seeds_decide_the_split_and_calls_share_it():
    task = image_task()
    assert task.search_data(3) is task.search_data(3)
    assert same(task.search_data(3).held_out, image_task().search_data(3).held_out)
    assert not same(task.search_data(3).held_out, task.search_data(4).held_out)


def test_smaller_shares_choose_from_the_same_tensor_as_larger_ones_with_every_class():
    task = image_task()
    full, half, tiny = (task.search_data(0, share=share) for share in (1.0, 0.5, 0.001))
    assert half.train.stored.data_ptr() == full.train.stored.data_ptr()
    assert len(half.train) == round(len(full.train) * 0.5) and same(half.held_out, full.held_out)
    assert sorted(tiny.train.targets.tolist()) == [0, 1, 2]
    counts = torch.bincount(half.train.targets)
    assert int(counts.max() - counts.min()) <= 1


@pytest.mark.parametrize("share", [0, -1, 1.01])
def test_a_share_outside_0_to_1_is_refused(share):
    with pytest.raises(UserError, match="share"):
        image_task().search_data(0, share=share)


def test_mean_and_std_are_those_of_the_training_part():
    data = image_task().search_data(0, share=0.5)
    scaled = data.train.inputs.double() / 255
    assert data.mean == pytest.approx(scaled.mean((0, 2, 3)).tolist(), rel=1e-12)
    assert data.std == pytest.approx(scaled.std((0, 2, 3), correction=0).tolist(), rel=1e-12)


def test_what_never_varies_has_the_spread_one():
    images = torch.full((5, 2, 4, 4), 77, dtype=torch.uint8)
    images[0, 1, 0, 0] = 0
    mean, std = mean_and_std(images)
    assert mean[0] == pytest.approx(77 / 255) and std[0] == 1.0 and 0 < std[1] < 1
    vectors = torch.tensor([[0.1, 1.0], [0.1, 3.0], [0.1, 5.0]])
    mean, std = mean_and_std(vectors)
    assert std[0] == 1.0 and std[1] == pytest.approx(np.std([1, 3, 5]))


def test_resolution_averages_areas():
    task = image_task(size=8)
    data = task.search_data(0, resolution=4)
    full = task.search_data(0)
    assert data.train.inputs.shape[1:] == (2, 4, 4) and data.train.inputs.dtype == torch.uint8
    expected = F.avg_pool2d(full.train.inputs.float(), 2).round().to(torch.uint8)
    assert torch.equal(data.train.inputs, expected)
    assert torch.equal(data.train.targets, full.train.targets)


def test_resolution_keeps_the_aspect_ratio_and_can_grow():
    x = np.random.default_rng(0).integers(0, 256, (20, 1, 6, 12), dtype=np.uint8)
    task = tasks.arrays(x, np.arange(20) % 2)
    assert task.search_data(0, resolution=4).train.inputs.shape[1:] == (1, 2, 4)
    assert task.search_data(0, resolution=24).train.inputs.shape[1:] == (1, 12, 24)
    assert torch.equal(task.search_data(0, resolution=12).train.inputs, task.search_data(0).train.inputs)


@pytest.mark.parametrize("resolution", [0, -1, 2.5, True])
def test_a_resolution_that_is_none_is_refused(resolution):
    with pytest.raises(UserError, match="resolution"):
        image_task().search_data(0, resolution=resolution)


def test_vectors_have_no_resolution():
    task = tasks.arrays(np.random.default_rng(0).normal(size=(20, 3)), np.arange(20) % 2)
    with pytest.raises(UserError, match="vectors"):
        task.search_data(0, resolution=4)


def test_the_fingerprint_is_of_data_and_labels():
    one, two = image_task(), image_task()
    assert one.fingerprint == two.fingerprint and len(one.fingerprint) == 64
    changed = image_task()
    changed.train.stored[changed.train.places[0], 0, 0, 0] ^= 1
    relabelled = image_task()
    place = relabelled.test.places[0]
    relabelled.test.stored_targets[place] = (relabelled.test.stored_targets[place] + 1) % 3
    assert len({one.fingerprint, changed.fingerprint, relabelled.fingerprint, image_task(seed=1).fingerprint}) == 4


def test_a_task_travels_to_another_process_without_its_splits():
    task = image_task()
    task.search_data(0)
    copy = pickle.loads(pickle.dumps(task))
    assert not copy._splits and copy.fingerprint == task.fingerprint
    assert same(copy.search_data(0).train, task.search_data(0).train)


def test_describe_says_what_was_understood():
    text = "\n".join(image_task(n=121).describe())
    assert "121 images of 2x8x8" in text and "classes: 3" in text and "set aside" in text
    assert "splits: 109 to train and validate on, 12 for the final test" in text


def test_describe_says_how_images_are_augmented():
    task = image_task(augmentation=Augmentation(flip=True, padding=2, cutout=3))
    (line,) = [each for each in task.describe() if each.startswith("augmentation of training images: ")]
    assert line.endswith("mirrored left and right, shifted by up to 2 pixels, a square of 3 pixels blanked")
    assert not any("augmentation" in line for line in image_task().describe())


def test_the_two_splits_used_last_stay_in_memory():
    task = image_task()
    first, final = task.search_data(0), task.final_data()
    assert task.search_data(0) is first and task.final_data() is final
    task.search_data(1)
    assert task.search_data(0) is not first and same(task.search_data(0).train, first.train)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_a_cuda_device_gets_the_same_split():
    task = image_task()
    there, here = task.search_data(0, "cuda", resolution=4), task.search_data(0, "cpu", resolution=4)
    assert there.train.inputs.is_cuda and torch.equal(there.train.targets.cpu(), here.train.targets)
    full, plain = task.search_data(0, "cuda"), task.search_data(0)
    assert (full.mean, full.std) == (plain.mean, plain.std)
    assert torch.equal(full.train.inputs.cpu(), plain.train.inputs)


IMAGES, LABELS = torch.zeros(6, 1, 4, 4, dtype=torch.uint8), torch.tensor([0, 1, 0, 1, 0, 1])
GOOD = Examples(IMAGES, LABELS)


@pytest.mark.parametrize(
    ("train", "test", "names", "message"),
    [
        (Examples(IMAGES.float(), LABELS), GOOD, "ab", "uint8"),
        (GOOD, Examples(IMAGES, LABELS.int()), "ab", "int64"),
        (GOOD, Examples(IMAGES[..., :2], LABELS), "ab", r"\(1, 4, 2\)"),
        (Examples(IMAGES[:5], LABELS), GOOD, "ab", "5 inputs but 6 targets"),
        (Examples(IMAGES, LABELS + 1), GOOD, "ab", r"outside 0\.\.1"),
        (GOOD, Examples(IMAGES[:0], LABELS[:0]), "ab", "test split is empty"),
        (GOOD, GOOD, "aa", "must differ"),
        (GOOD, GOOD, "abc", "'c' has 0"),
        (Examples(IMAGES, torch.tensor([0, 0, 0, 0, 0, 1])), GOOD, "ab", "'b' has 1"),
    ],
)
def test_a_task_is_valid_from_birth(train, test, names, message):
    with pytest.raises(DataError, match=message):
        Task("task", train, test, tuple(names), augmentation=Augmentation())

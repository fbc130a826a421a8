"""Whether images may be mirrored is found out from the images."""

from __future__ import annotations

import torch

from netwright.core.task import Data, Examples
from netwright.problems import Classification, DenseClassification, Regression
from netwright.training.mirrors import mirrored_alike

NAMES = ("a", "b")


def images(count, answers, side=8):
    """Noise with a bright row whose place is asked for, one of `answers`."""
    generator = torch.Generator().manual_seed(0)
    stored = torch.randint(0, 60, (count, 1, side, side), generator=generator, dtype=torch.uint8)
    chosen = torch.randint(len(answers), (count,), generator=generator)
    for image, answer in zip(stored, chosen.tolist(), strict=True):
        image[0, answers[answer], :] += 150
    return stored, chosen


def data_of(stored, targets, problem):
    mean = (stored.double().mean().item() / 255,)
    cut = len(stored) * 3 // 4
    order = torch.argsort(targets[:cut].reshape(cut, -1)[:, 0], stable=True)  # by class, as in folders
    train = Examples(stored[:cut][order], targets[:cut][order])
    return Data(train, Examples(stored[cut:], targets[cut:]), mean, (0.2,), problem)


def test_what_lies_above_or_below_may_be_mirrored_and_what_lies_left_or_right_not():
    stored, targets = images(240, (1, 6))
    upright = mirrored_alike(data_of(stored, targets, Classification(NAMES)), seconds=60, steps=100)
    assert upright.alike is True and upright.reason.startswith("images are mirrored")
    sideways = mirrored_alike(
        data_of(stored.transpose(2, 3).contiguous(), targets, Classification(NAMES)), seconds=60, steps=100
    )
    assert sideways.alike is False and "mirrored)" in sideways.reason


def test_one_class_that_is_mirrored_into_another_is_enough():
    stored, targets = images(420, (0, 2, 4, 5, 6, 7))
    for answer, column in ((0, 0), (1, 7)):  # two of six, each the mirror image of the other
        stored[targets == answer] = 0
        stored[targets == answer, :, :, column] = 150
    found = mirrored_alike(data_of(stored, targets, Classification(tuple("abcdef"))), seconds=60, steps=100)
    assert found.alike is False


def test_a_number_that_says_where_something_lies_changes_its_sign():
    stored, targets = images(240, (1, 6))
    numbers = (2.0 * targets - 1)[:, None]
    sideways = data_of(stored.transpose(2, 3).contiguous(), numbers, Regression(("angle",)))
    assert mirrored_alike(sideways, seconds=60, steps=100).alike is False


def test_nothing_is_said_where_nothing_was_learnt_or_asked():
    stored, targets = images(120, (1, 6))
    chance = torch.randint(2, (120,), generator=torch.Generator().manual_seed(1))
    found = mirrored_alike(data_of(stored, chance, Classification(NAMES)), seconds=60, steps=100)
    assert found.alike is None and "little was learnt" in found.reason
    masks = (stored[:, 0] > 100).long()
    assert mirrored_alike(data_of(stored, masks, DenseClassification(NAMES))).alike is None
    few = data_of(stored[:16], targets[:16], Classification(NAMES))
    assert mirrored_alike(few).alike is None

from __future__ import annotations

import pytest
import torch
from training_parts import image_data, vector_data

from netwright.core.errors import DataError
from netwright.core.task import Augmentation, Data, Examples
from netwright.problems.classification import Classification
from netwright.training.augmentation import Batches, Normalisation, crop, cutout, draw, flip
from netwright.training.batches import augmentation_generator, epoch_order

CPU = torch.device("cpu")


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def images(n: int = 12, channels: int = 3, height: int = 6, width: int = 9) -> torch.Tensor:
    return torch.randint(1, 256, (n, channels, height, width), generator=generator(), dtype=torch.uint8)


def test_crop_is_a_window_of_the_padded_image():
    batch, pad = images(), 2
    corners = draw(Augmentation(padding=pad), len(batch), 6, 9, generator()).crop
    cropped = crop(batch, pad, corners)
    for number, image in enumerate(batch):
        row, column = corners[:, number].tolist()
        expected = torch.zeros_like(image)
        for y in range(6):
            for x in range(9):
                source_y, source_x = y + row - pad, x + column - pad
                if 0 <= source_y < 6 and 0 <= source_x < 9:
                    expected[:, y, x] = image[:, source_y, source_x]
        assert torch.equal(cropped[number], expected)
    assert cropped.dtype == torch.uint8


def test_flip_mirrors_the_chosen_images_alone():
    batch = images()
    chosen = torch.arange(12) % 3 == 0
    for number, image in enumerate(flip(batch, chosen)):
        expected = batch[number].flip(-1) if chosen[number] else batch[number]
        assert torch.equal(image, expected)


@pytest.mark.parametrize("side", [1, 2, 3, 4, 16])
def test_cutout_clears_the_square_around_its_centre(side):
    batch = images().float()
    centres = draw(Augmentation(cutout=side), len(batch), 6, 9, generator()).cutout
    cleared = cutout(batch.clone(), side, centres)
    for number, image in enumerate(batch):
        row, column = centres[:, number].tolist()
        top, left = row - side // 2, column - side // 2
        expected = image.clone()
        expected[:, max(0, top) : max(0, top + side), max(0, left) : max(0, left + side)] = 0
        assert torch.equal(cleared[number], expected)


def test_cutout_inside_the_image_covers_exactly_its_area():
    batch = torch.ones(1, 2, 20, 20)
    cleared = cutout(batch, 6, torch.tensor([[10], [9]]))
    assert int((cleared == 0).sum()) == 2 * 36


def test_draws_are_uniform():
    n = 60_000
    draws = draw(Augmentation(flip=True, padding=1, cutout=4), n, 3, 4, generator(5))
    counts = [
        torch.bincount(draws.flip.long(), minlength=2),
        torch.bincount(draws.crop[0] * 3 + draws.crop[1], minlength=9),
        torch.bincount(draws.cutout[0] * 4 + draws.cutout[1], minlength=12),
    ]
    # The 0.9999 quantiles of chi-squared with 1, 8 and 11 degrees of freedom.
    for count, quantile in zip(counts, (15.1, 31.8, 37.4), strict=True):
        expected = n / len(count)
        assert ((count.double() - expected) ** 2 / expected).sum() < quantile


def test_no_augmentation_draws_nothing_and_costs_nothing():
    draws = draw(Augmentation(), 10, 8, 8, generator())
    assert (draws.flip, draws.crop, draws.cutout) == (None, None, None)


@pytest.mark.parametrize("channels_last", [False, True])
def test_normalisation_is_mean_and_standard_deviation_of_values_from_0_to_1(channels_last):
    data = image_data(channels=3)
    found = Normalisation.of(data, CPU, channels_last)(data.train.inputs)
    mean, std = (torch.tensor(each).view(1, 3, 1, 1) for each in (data.mean, data.std))
    assert torch.allclose(found, (data.train.inputs.float() / 255 - mean) / std, atol=1e-5)
    assert found.dtype == torch.float32
    assert found.is_contiguous(memory_format=torch.channels_last if channels_last else torch.contiguous_format)


def test_vectors_are_normalised_and_the_stored_ones_left_alone():
    data = vector_data()
    before = data.train.inputs.clone()
    found = Normalisation.of(data, CPU, channels_last=True)(data.train.inputs)
    expected = (before - torch.tensor(data.mean)) / torch.tensor(data.std)
    assert torch.allclose(found, expected, atol=1e-5)
    assert torch.equal(data.train.inputs, before)


def test_a_feature_that_never_changes_becomes_zero():
    examples = Examples(torch.full((4, 1), 7.0), torch.tensor([0, 1, 0, 1]))
    assert torch.equal(
        Normalisation.of(Data(examples, examples, (7.0,), (0.0,), Classification("ab")), CPU)(examples.inputs),
        torch.zeros(4, 1),
    )


def test_means_that_do_not_match_the_channels_are_refused():
    data = image_data(channels=3)
    with pytest.raises(DataError, match="need 3 means"):
        Normalisation.of(Data(data.train, data.held_out, (0.5,), (0.5,), Classification("ab")), CPU)


def test_augmentation_of_vectors_is_refused():
    data = vector_data()
    with pytest.raises(DataError, match="vectors"):
        Batches(data.train, torch.arange(40), Normalisation.of(data, CPU), Augmentation(flip=True), generator())


def test_an_epoch_of_batches_is_the_augmented_examples_in_their_order():
    data = image_data(25, channels=2)
    order = epoch_order(25, 3, 1, CPU)
    normalise = Normalisation.of(data, CPU)
    augmentation = Augmentation(flip=True, padding=1, cutout=3)
    batches = Batches(data.train, order, normalise, augmentation, augmentation_generator(3, 1, CPU))
    draws = draw(augmentation, 25, 8, 8, augmentation_generator(3, 1, CPU))
    whole = flip(crop(data.train.inputs[order], 1, draws.crop), draws.flip)
    whole = cutout(normalise(whole), 3, draws.cutout)
    for start in range(0, 25, 10):
        inputs, labels = batches(start, start + 10)
        assert torch.equal(inputs, whole[start : start + 10])
        assert torch.equal(labels, data.train.targets[order][start : start + 10])
    plain = Batches(data.train, order, normalise, Augmentation(), generator())(0, 25)[0]
    assert torch.equal(plain, normalise(data.train.inputs[order]))

"""How strongly examples are changed: images with their masks, series, words of texts, and pairs of any of them."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from training_parts import image_data, small, vector_data

from netwright.core.errors import ConfigurationError
from netwright.core.task import Augmentation, Data, Examples
from netwright.problems import Classification, DenseClassification, Regression, SeveralLabels
from netwright.training import TrainingSettings, seeded, train
from netwright.training.augmentation import Batches, Normalisation
from netwright.training.batches import augmentation_generator
from netwright.training.changing import Further, Mixed, cut_and_resized, mixed_loss, shaded
from netwright.training.laying import Layout
from netwright.training.strength import LONG, Changes, changes

CPU = torch.device("cpu")
TWO = Classification(("a", "b"))


def data_of(inputs, targets=None, problem=TWO, mean=(0.5,), augmentation=Augmentation()):  # noqa: B008
    targets = torch.arange(len(inputs)) % 2 if targets is None else targets
    examples = Examples(inputs, targets)
    return Data(examples, examples, mean, mean, problem, augmentation)


def drawn(seed=0):
    return torch.Generator().manual_seed(seed)


IMAGES = data_of(torch.randint(0, 256, (12, 1, 16, 24), generator=drawn(), dtype=torch.uint8))
SERIES = data_of(torch.randn(12, 1, 40, generator=drawn()))
TOKENS = data_of(torch.randint(0, 9, (12, 30), generator=drawn()), mean=None)
KINDS = {"images": IMAGES, "series": SERIES, "tokens": TOKENS}


def batch_of(data, settings, epoch=0, void=None):
    normalise = Normalisation.of(data, CPU)
    generator = augmentation_generator(5, epoch, CPU)
    order = torch.arange(len(data.train))
    return Batches(data.train, order, normalise, changes(data, settings), generator, void)(0, len(order))


def test_what_the_task_says_is_done_as_ever():
    data = image_data(augmentation=Augmentation(True, 2, 3))
    found = changes(data, TrainingSettings(cutout=5))
    assert (found.flip, found.padding, found.cutout) == (True, 2, 5) and not found.is_further
    one, other = (
        Batches(data.train, torch.arange(40), Normalisation.of(data, CPU), each, drawn())(0, 40)
        for each in (found, Augmentation(True, 2, 5))
    )
    assert torch.equal(one[0], other[0]) and torch.equal(one[1], other[1])
    for settings in (TrainingSettings(augment=False), TrainingSettings(augmentation="none")):
        assert changes(data, settings) == Changes()


def test_images_with_masks_are_changed_strongly_where_they_are_seen_often():
    dense = DenseClassification(("a", "b"))
    masked = data_of(IMAGES.train.stored, torch.zeros(12, 16, 24, dtype=torch.uint8), dense)
    strong = changes(masked, TrainingSettings(augmentation="strong"))
    assert strong.is_further
    auto = TrainingSettings(augmentation="auto", epochs=LONG)
    assert changes(masked, auto) == strong
    for settings in (auto.replace(epochs=LONG - 1), auto.replace(seconds=9.0)):
        assert changes(masked, settings) == changes(masked, TrainingSettings())
    assert changes(IMAGES, auto) == changes(IMAGES, TrainingSettings())
    assert changes(masked, auto.replace(augment=False)) == Changes()


def test_an_image_of_a_row_is_not_shifted_out_of_itself():
    rows = data_of(torch.randint(1, 256, (40, 1, 1, 64), generator=drawn(), dtype=torch.uint8))
    plain = batch_of(rows, TrainingSettings(augmentation="none"))[0]
    for strength in ("light", "strong"):
        changed = batch_of(rows, TrainingSettings(augmentation=strength))[0]
        assert (changed.flatten(1).std(1) > 0.5 * plain.flatten(1).std(1)).all()


def test_a_level_is_what_suits_the_examples():
    light, strong = TrainingSettings(augmentation="light"), TrainingSettings(augmentation="strong")
    assert changes(IMAGES, light) == Changes(padding=2)
    assert changes(IMAGES, strong) == Changes(padding=2, zoom=0.5, colour=0.3, cutout=4)
    assert changes(IMAGES, light.replace(flip=True, cutout=0)) == Changes(flip=True, padding=2)
    mirrored = data_of(IMAGES.train.stored, augmentation=Augmentation(flip=True))
    assert changes(mirrored, light).flip and not changes(mirrored, light.replace(flip=False)).flip
    assert changes(SERIES, strong).zoom and changes(TOKENS, light).words and not changes(TOKENS, light).noise
    assert changes(vector_data(), strong) == Changes() != changes(vector_data(), strong.replace(mixup=0.2))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("level", ["light", "strong"])
def test_changes_follow_from_the_seed_and_leave_what_is_stored(kind, level):
    data, settings = KINDS[kind], TrainingSettings(augmentation=level)
    stored = data.train.stored.clone()
    first, again, later = (batch_of(data, settings, epoch)[0] for epoch in (0, 0, 1))
    plain = batch_of(data, TrainingSettings())[0]
    assert torch.equal(first, again) and not torch.equal(first, later) and not torch.equal(first, plain)
    assert first.shape == plain.shape and first.dtype == plain.dtype and torch.equal(stored, data.train.stored)


def test_a_part_of_an_image_is_brought_to_its_whole_extent():
    image = torch.arange(32.0).expand(2, 1, 8, 32).clone()
    whole = torch.tensor([[[1.0, 0.5], [0.0, -0.5]], [[1.0, 1.0], [0.0, 0.0]]])
    found = cut_and_resized(image, whole)
    assert torch.allclose(found[0], image[0], atol=1e-4)
    assert found[1].max() < 16 and torch.allclose(found[1, 0, 0, 2:-2].diff(), torch.full((27,), 0.5), atol=1e-4)
    row = cut_and_resized(image[:, :, 0], whole[:1])
    assert torch.allclose(row[0], image[0, :, 0], atol=1e-4) and row.shape == (2, 1, 32) and row[1].max() < 16


def test_a_mask_moves_with_its_image():
    coarse = torch.randint(0, 2, (8, 1, 6, 6), generator=drawn())
    masks = coarse.repeat_interleave(8, 2).repeat_interleave(8, 3)
    data = data_of((masks * 255).to(torch.uint8), masks[:, 0], DenseClassification(("a", "b")))
    settings = TrainingSettings(augmentation="strong", flip=True, cutout=0)
    void = data.problem.void
    images, targets = batch_of(data, settings, void=void)
    middle = images.mean((1, 2, 3), keepdim=True)
    asked = targets != void
    assert asked.float().mean() > 0.7 and not torch.equal(targets, data.train.targets)
    agreement = ((images > middle)[:, 0] == (targets == 1))[asked].float().mean()
    assert agreement > 0.9


def test_colours_change_about_the_mean():
    images = torch.randn(2, 3, 5, 5, generator=drawn())
    none, half = torch.zeros(3, 2), torch.tensor([[0.5, 0.5], [0.0, 0.0], [0.0, 0.0]])
    assert torch.allclose(shaded(images.clone(), none), images, atol=1e-6)
    changed = shaded(images.clone(), half)
    assert torch.allclose(changed.mean((1, 2, 3)), images.mean((1, 2, 3)), atol=1e-6)
    assert torch.allclose(changed.std(), 1.5 * images.std(), rtol=0.05)
    grey = shaded(images.clone(), torch.tensor([[0.0, 0.0], [0.0, 0.0], [-1.0, -1.0]]))
    assert torch.allclose(grey[:, 0], grey[:, 2], atol=1e-6)
    assert torch.allclose(shaded(images[:, 0].clone(), half), 1.5 * images[:, 0])


def test_words_are_left_out_and_nothing_else():
    tokens = torch.randint(0, 9, (200, 30), generator=drawn())
    found = Further(Changes(words=0.25), tokens.shape, drawn()).inputs(tokens.clone(), 0, 200)
    changed = found != tokens
    assert torch.equal(found[changed], torch.ones_like(found[changed])) and not (tokens[changed] == 0).any()
    assert abs(changed[tokens > 1].float().mean() - 0.25) < 0.02


def test_pairs_are_mixed_and_so_is_their_loss():
    data = vector_data()
    inputs, targets = batch_of(data, TrainingSettings(mixup=0.4))
    plain, own = batch_of(data, TrainingSettings())
    assert isinstance(targets, Mixed) and 0.5 <= targets.share <= 1
    assert torch.allclose(inputs, targets.share * plain + (1 - targets.share) * plain.roll(1, 0), atol=1e-6)
    assert torch.equal(targets.targets, own) and torch.equal(targets.others, own.roll(1))
    answers = torch.randn(len(own), data.problem.outputs, generator=drawn())
    loss = mixed_loss(lambda each, _: data.problem.mean_loss(answers, each), targets)
    soft = targets.share * nn.functional.one_hot(own, data.problem.outputs)
    soft = soft + (1 - targets.share) * nn.functional.one_hot(own.roll(1), data.problem.outputs)
    assert torch.allclose(loss, nn.functional.cross_entropy(answers, soft), atol=1e-6)
    assert mixed_loss(lambda each, _: each.sum(), own) == own.sum()
    counted = mixed_loss(lambda each, weights: (each.float() * weights).sum(), targets, torch.arange(40.0))
    assert torch.isclose(counted, (own * torch.arange(40.0)).sum() + 0.0)


INPUTS = torch.randn(24, 6, generator=drawn())
ASKED = {
    "classes": ((INPUTS[:, 0] > 0).long(), TWO),
    "labels": ((INPUTS[:, :2] > 0).float(), SeveralLabels(("a", "b"))),
    "numbers": (INPUTS[:, :2].clone(), Regression(("u", "v"))),
}


@pytest.mark.parametrize("asked", ASKED)
def test_what_is_asked_for_is_learnt_of_mixed_examples(asked):
    targets, problem = ASKED[asked]
    data = data_of(INPUTS, targets, problem, mean=(0.5,) * 6)
    with seeded(0):
        network = nn.Linear(6, problem.outputs)
    settings = TrainingSettings(epochs=4, batch_size=7, mixup=0.3, optimiser="adamw", learning_rate=0.1)
    curve = train(network, data, settings, 0).curve
    assert curve[-1]["val_loss"] < curve[0]["val_loss"]


def test_tokens_are_not_mixed():
    with pytest.raises(ConfigurationError, match="mixup: examples that are tokens"):
        changes(TOKENS, TrainingSettings(mixup=0.2))


def test_examples_come_several_times_in_a_row():
    layout = Layout.of(TWO, 11, 4)
    plain, repeated = layout.order(11, 3, 1, CPU), layout.order(11, 3, 1, CPU, 3)
    assert repeated.tolist() == plain[:4].repeat_interleave(3).tolist()[:11]
    settings = TrainingSettings(epochs=2, batch_size=8, repeats=2, augmentation="strong", flip=True, mixup=0.2)
    first, again = (train(small(), image_data(), settings, 0).metrics for _ in range(2))
    assert first == again

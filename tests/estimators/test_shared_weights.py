"""Shared weights: what rounds and evaluations measure, what they leave alone, and that they go on as if never left."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import netwright as nw
from netwright.core.errors import ConfigurationError, Diverged, UserError
from netwright.estimators import SharedWeights
from netwright.estimators.sharing.minibatches import both_halves
from netwright.training.evaluation import measure

SPACE = nw.spaces.NasBench201(channels=2, cells=1)
STEPS = 4  # minibatches of 8 in an epoch: 80 examples, of which 8 are for the test and 36 for validation


@pytest.fixture(scope="module")
def task() -> nw.Task:
    rng = np.random.default_rng(0)
    labels = np.arange(80) % 4
    images = rng.integers(0, 60, (80, 8, 8, 1), dtype=np.uint8)
    images[np.arange(80), labels * 2, :, 0] = 255
    return nw.tasks.arrays(images, labels)


def shared(task: nw.Task, **options: Any) -> SharedWeights:
    estimator = SharedWeights(SPACE, task, **{"epochs": 2, "batch_size": 8, "device": "cpu", **options})
    if "trained" not in options:
        estimator.begin(5)
    return estimator


def mixture(grad: bool = True, seed: int = 0) -> nw.Mixture:
    generator = torch.Generator().manual_seed(seed)
    return nw.Mixture(
        {
            each.name: torch.softmax(torch.randn(len(each.options), generator=generator), 0).requires_grad_(grad)
            for each in SPACE.decisions
        }
    )


def state(estimator: SharedWeights) -> dict[str, Tensor]:
    return {name: each.clone() for name, each in estimator.weights.supernet.state_dict().items()}


def same(a: dict[str, Tensor], b: dict[str, Tensor]) -> bool:
    return all(torch.equal(a[name], b[name]) for name in a)


def test_a_probe_moves_nothing_and_gives_the_gradient_of_the_validation_loss(task: nw.Task) -> None:
    estimator = shared(task, fused=False)
    before, mixed = state(estimator), mixture()
    found = estimator.advance(nw.Proposal(mixed, "probe"))
    assert same(before, state(estimator)) and found.metrics["progress"] == 0.0
    loss, _ = estimator.weights.loss(mixed, estimator.weights.validation(0))
    expected = torch.autograd.grad(loss, list(mixed.weights.values()))
    assert found.gradient is not None
    for a, b in zip(found.gradient.values(), expected, strict=True):
        torch.testing.assert_close(a, b)
    again = estimator.advance(nw.Proposal(mixed, "probe", again=True))
    assert torch.equal(again.metrics["loss"], found.metrics["loss"])  # pyright: ignore
    other = estimator.advance(nw.Proposal(mixed, "probe"))
    assert not torch.equal(other.metrics["loss"], found.metrics["loss"])  # pyright: ignore
    assert estimator.advance(nw.Proposal(mixture(grad=False), "probe")).gradient is None


def test_examples_are_changed_as_the_settings_say(task: nw.Task) -> None:
    plain, strong = (shared(task, augmentation=each).weights for each in ("none", "strong"))
    order = plain.training.layout.order(36, both_halves(5)[0], 0, torch.device("cpu"))
    stored = plain.normalise(task.search_data(validation=0.5, seed=0).train.choose(order).batch(0, 8))
    assert torch.equal(plain.training(0).inputs, stored)
    assert torch.equal(plain.training(0).targets, strong.training(0).targets)
    moved = (plain.training(0).inputs - strong.training(0).inputs).abs().amax((1, 2, 3))
    assert (moved > 0.01).all()  # each in its own colours at least
    assert torch.equal(strong.training(0).inputs, shared(task, augmentation="strong").weights.training(0).inputs)


def test_examples_count_as_much_as_was_said_and_rare_classes_as_frequent_ones(task: nw.Task) -> None:
    rng = np.random.default_rng(0)
    images, labels = rng.integers(0, 255, (80, 8, 8, 1), dtype=np.uint8), np.minimum(np.arange(80) % 8, 3)
    counts = np.where(labels == 3, 3.0, 1.0)
    weighted = nw.tasks.arrays(images, labels, weights=counts)
    architecture = SPACE.parse("|nor_conv_3x3~0|+|none~0|nor_conv_1x1~1|+|skip_connect~0|none~1|nor_conv_3x3~2|")
    for own, options in ((weighted, {}), (nw.tasks.arrays(images, labels), {"balance": 1.0})):
        weights = shared(own, **options).weights
        batch = weights.upcoming()
        assert batch.weights is not None
        rare, frequent = (batch.weights[batch.targets == each].unique() for each in (0, 3))
        assert len(rare) == len(frequent) == 1  # of a class all count alike
        share = (batch.targets == 3).float().mean().item()
        assert 0 < share < 1
        loss, outputs = weights.loss(architecture, batch)
        by_hand = nn.functional.cross_entropy(outputs, batch.targets, reduction="none") * batch.weights
        torch.testing.assert_close(loss, by_hand.mean())
        ratio = (frequent / rare).item()
        assert ratio == pytest.approx(3.0) if own is weighted else 0.1 < ratio < 0.3  # there are about 5 times as many


def test_what_shared_weights_cannot_do_is_refused_by_its_name_and_value(task: nw.Task) -> None:
    for name, value in {"mixup": 0.2, "repeats": 2, "average": 0.9, "evaluate_every": 3, "keep_best": True}.items():
        with pytest.raises(ConfigurationError, match=f"SharedWeights: {name} = {value}: expected to be left out"):
            shared(task, **{name: value})


def test_a_training_step_is_one_step_of_sgd_on_the_rehearsed_minibatch(task: nw.Task) -> None:
    estimator = shared(task, gradient_clip=None, fused=False, weight_decay=0.5)
    architecture = SPACE.parse("|nor_conv_3x3~0|+|none~0|nor_conv_1x1~1|+|skip_connect~0|none~1|nor_conv_3x3~2|")
    rehearsed = estimator.advance(nw.Proposal(architecture, "rehearse"))
    weights = estimator.weights
    loss, _ = weights.loss(architecture, weights.upcoming())
    named = dict(weights.supernet.named_parameters())
    gradients = torch.autograd.grad(loss, list(named.values()), allow_unused=True)
    decay, rate = 0.5, weights.rate
    expected = {
        name: value - rate * (gradient + decay * value) if gradient is not None else value
        for (name, value), gradient in zip(named.items(), gradients, strict=True)
    }
    expected = {name: each.detach().clone() for name, each in expected.items()}
    found = estimator.advance(nw.Proposal(architecture, "train"))
    assert torch.equal(found.metrics["loss"], rehearsed.metrics["loss"])  # pyright: ignore
    for name, value in weights.supernet.named_parameters():
        torch.testing.assert_close(value.detach(), expected[name])
    assert any(gradient is None for gradient in gradients)  # what is not on the path was left alone


def test_the_virtual_step_is_the_optimisers(task: nw.Task) -> None:
    """Momentum and weight decay included (Liu et al. 2019, section 2.3, as the authors run it)."""
    estimator = shared(task, gradient_clip=None, fused=False, weight_decay=0.1, order=2)
    for _ in range(2):  # so that there is momentum
        estimator.advance(nw.Proposal(mixture(grad=False), "train"))
    weights = estimator.weights
    generator = torch.Generator().manual_seed(1)
    noise = [torch.randn(each.shape, generator=generator) for each in weights.parameters]
    gradients = [torch.empty_like(each).copy_(other) for each, other in zip(weights.parameters, noise, strict=True)]
    before = [each.detach().clone() for each in weights.parameters]
    with torch.no_grad():
        gradients = [each.detach() for each in gradients]  # in the weights' memory order, as autograd gives them
        weights._virtual_step(gradients)
        virtual = [each.detach().clone() for each in weights.parameters]
        for each, kept, gradient in zip(weights.parameters, before, gradients, strict=True):
            each.copy_(kept)
            each.grad = gradient
    for group in weights.optimiser.param_groups:
        group["lr"] = weights.rate
    weights.optimiser.step()
    for real, found in zip(weights.parameters, virtual, strict=True):
        torch.testing.assert_close(found, real.detach(), rtol=1e-5, atol=1e-7)


def test_accumulated_gradients_are_summed_into_the_next_step(task: nw.Task) -> None:
    rng = np.random.default_rng(0)
    first, second = SPACE.sample(rng), SPACE.sample(rng)
    estimator = shared(task, gradient_clip=None, weight_decay=0.0, fused=False)
    weights = estimator.weights
    named = dict(weights.supernet.named_parameters())
    before = state(estimator)
    total = {name: torch.zeros_like(each) for name, each in named.items()}
    for architecture in (first, second):
        loss, _ = weights.loss(architecture, weights.upcoming())
        for name, gradient in zip(
            named, torch.autograd.grad(loss, list(named.values()), allow_unused=True), strict=True
        ):
            total[name] += 0 if gradient is None else gradient
    rate = weights.rate
    assert estimator.advance(nw.Proposal(first, "accumulate")).metrics["progress"] == 0.0
    assert same(before, state(estimator))
    assert estimator.advance(nw.Proposal(second, "train")).metrics["progress"] == 1 / (2 * STEPS)
    for name, value in named.items():
        torch.testing.assert_close(value.detach(), before[name] - rate * total[name])


def run(estimator: SharedWeights, rounds: int, *, start: int = 0) -> list[float]:
    losses: list[float] = []
    for i in range(start, start + rounds):
        estimator.advance(nw.Proposal(mixture(seed=i), "probe"))
        found = estimator.advance(nw.Proposal(mixture(grad=False, seed=i), "train"))
        losses.append(float(found.metrics["loss"]))
    return losses


@pytest.mark.parametrize("order", [1, 2])
def test_saved_and_loaded_weights_go_on_bit_for_bit(task: nw.Task, order: int, tmp_path: Path) -> None:
    whole = shared(task, order=order, drop_path=0.0)
    run(whole, STEPS)
    assert whole.epoch_ended
    assert whole.epoch(mixture()).metrics["epoch"] == 1.0
    whole.save(tmp_path, 7, {"strategy": {"a": torch.ones(2)}})
    expected = run(whole, STEPS, start=STEPS)
    other = SharedWeights(SPACE, task, epochs=2, batch_size=8, device="cpu", order=order)
    assert other.load(tmp_path, 6) is None
    kept = other.load(tmp_path, 9)
    assert kept is not None and kept[0] == 7 and torch.equal(kept[1]["strategy"]["a"], torch.ones(2))
    assert run(other, STEPS, start=STEPS) == expected
    assert same(state(whole), state(other))


def test_training_ends_with_its_epochs_and_says_so(task: nw.Task) -> None:
    estimator = shared(task, epochs=1)
    run(estimator, STEPS)
    assert estimator.weights.step == estimator.weights.total
    with pytest.raises(UserError, match="all of their 1 epochs"):
        estimator.advance(nw.Proposal(mixture(grad=False), "train"))
    estimator.advance(nw.Proposal(mixture(), "probe"))


def test_an_architecture_scores_as_its_extracted_network(task: nw.Task) -> None:
    estimator = shared(task, recalibrate=3)
    run(estimator, 3)
    architecture = SPACE.sample(np.random.default_rng(2))
    found = estimator.estimate(nw.Proposal(architecture), seed=0).metrics
    network = estimator.extract(architecture).train()
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.momentum = None
    with torch.no_grad():
        for number in range(3):
            network(estimator.weights.training(number)[0])
    weights = estimator.weights
    expected = measure(network, weights.held_out, weights.problem, weights.normalise, weights.precision, 256)
    assert found["val_accuracy"] == expected["accuracy"]
    assert found["val_loss"] == pytest.approx(expected["loss"], rel=1e-5)
    part = estimator.estimate(nw.Proposal(architecture, fidelity=0.25), seed=0).metrics
    assert part != found


def test_trained_weights_of_another_run_are_evaluated_only(task: nw.Task, tmp_path: Path) -> None:
    first = shared(task, affine=True)
    run(first, 2)
    first.save(tmp_path, 0, {})
    again = shared(task, trained=str(tmp_path))
    architecture = SPACE.sample(np.random.default_rng(0))
    assert again.estimate(nw.Proposal(architecture), 0) == first.estimate(nw.Proposal(architecture), 0)
    with pytest.raises(UserError, match="are trained"):
        again.advance(nw.Proposal(architecture, "train"))
    with pytest.raises(UserError, match="no shared weights of 'nowhere'"):
        shared(task, trained="nowhere").estimate(nw.Proposal(architecture), 0)
    other = SharedWeights(SPACE.replace(channels=4), task, trained=str(tmp_path), device="cpu")
    with pytest.raises(UserError, match="channels=2"):
        other.estimate(nw.Proposal(architecture), 0)


def test_weights_that_were_never_trained_are_not_scored(task: nw.Task) -> None:
    estimator = SharedWeights(SPACE, task, device="cpu")
    with pytest.raises(UserError, match="never trained"):
        estimator.estimate(nw.Proposal(SPACE.sample(np.random.default_rng(0))), 0)


def test_each_stage_begins_with_new_weights_on_its_own_network(task: nw.Task) -> None:
    stages = ({"epochs": 1, "cells": 1}, {"epochs": 1, "cells": 2, "skip_dropout": 0.4})
    estimator = shared(task, stages=stages)
    sizes: list[int] = []
    for i in range(2 * STEPS):
        estimator.advance(nw.Proposal(mixture(grad=False, seed=i), "train"))
        sizes.append(len(list(estimator.weights.supernet.parameters())))
    assert estimator.settings.epochs == 2 and estimator.weights.rate < 0.025
    assert len(set(sizes[:STEPS])) == len(set(sizes[STEPS:])) == 1 and sizes[STEPS] > sizes[0]


def test_a_loss_that_is_not_finite_ends_the_epoch_with_its_name(task: nw.Task) -> None:
    estimator = shared(task, learning_rate=1e30, gradient_clip=None)
    run(estimator, STEPS)
    with pytest.raises(Diverged, match="epoch 1 of the shared weights"):
        estimator.epoch(None)


def test_an_epoch_reports_the_alarms(task: nw.Task) -> None:
    estimator = shared(task)
    run(estimator, STEPS)
    skipping = nw.Mixture({each.name: torch.tensor([0.1, 0.6, 0.1, 0.1, 0.1]) for each in SPACE.decisions})
    found = estimator.epoch(skipping).metrics
    assert found["parameter_free"] == 1.0 and found["parameter_free_by_chance"] == pytest.approx(0.6)
    assert found["discretisation_gap"] == pytest.approx(found["mixture_accuracy"] - found["rounded_accuracy"])
    assert found["entropy"] == pytest.approx((0.6 * np.log(1 / 0.6) + 0.4 * np.log(10)) / np.log(5), rel=1e-4)
    assert found["peak_memory"] > 1e6


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"order": 3}, "order = 3"),
        ({"split": 1.5}, r"split is 1\.5"),
        ({"partial_channels": 0}, "partial_channels is 0"),
        ({"recalibrate": -1}, "recalibrate is -1"),
        ({"stages": ({"cells": 2},)}, "needs epochs"),
        ({"epochz": 3}, "epochz"),
    ],
)
def test_options_outside_what_is_allowed_are_refused(task: nw.Task, options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        SharedWeights(SPACE, task, device="cpu", **options)


def test_a_mixture_of_zeros_alone_has_a_gradient_of_zero(task: nw.Task) -> None:
    estimator, mixed = shared(task), mixture()
    nothing = nw.Mixture(mixed.weights, {each.name: (0,) for each in SPACE.decisions})
    found = estimator.advance(nw.Proposal(nothing, "probe"))
    assert found.gradient is not None and all(not each.any() for each in found.gradient.values())


class Dropping(nw.DecisionSpace):
    def network(self, choose: nw.Choose, shape: nw.TaskShape) -> nn.Module:
        kinds = {
            "linear": lambda: nn.Sequential(nn.Dropout(0.3), nn.Linear(shape.features, shape.features), nn.Tanh()),
            "skip": nn.Identity,
        }
        return nn.Sequential(nn.Flatten(), choose.one("op", kinds), nn.Linear(shape.features, shape.classes))


def test_both_sides_of_a_difference_see_the_same_dropout(task: nw.Task) -> None:
    """Otherwise the finite difference of second order would be noise; the exact derivative has no such difference."""
    found: list[Tensor] = []
    for order in (2, "exact"):
        estimator = SharedWeights(Dropping(), task, order=order, epochs=2, batch_size=8, device="cpu")
        estimator.begin(1)
        mixed = nw.Mixture({"op": torch.tensor([0.5, 0.5], requires_grad=True)})
        gradient = estimator.advance(nw.Proposal(mixed, "probe")).gradient
        assert gradient is not None
        found.append(gradient["op"])
    torch.testing.assert_close(*found, rtol=0.02, atol=1e-3)


def test_trained_weights_are_scored_on_the_examples_they_were_not_trained_on(task: nw.Task, tmp_path: Path) -> None:
    first = shared(task, split=0.2, split_seed=3)
    run(first, 1)
    first.save(tmp_path, 0, {})
    again = shared(task, trained=str(tmp_path))
    architecture = SPACE.sample(np.random.default_rng(0))
    assert again.estimate(nw.Proposal(architecture), 0) == first.estimate(nw.Proposal(architecture), 0)
    assert torch.equal(again.weights.held_out.inputs, first.weights.held_out.inputs)

"""What the recipes do where the authors' programs differ from DARTS's: batches, rates, statistics, order, checks."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import netwright as nw
from netwright.catalogue import load
from netwright.core.errors import ConfigurationError
from netwright.core.task import Augmentation
from netwright.core.trial import Measurement, Proposal
from netwright.engine import Search
from netwright.estimators import SharedWeights
from netwright.methods.weight_sharing import Scale, batches_of, half_a_side, nearly_all, resolved
from netwright.spaces import NasBench201
from netwright.strategies import RandomSearch

SPACE = NasBench201(channels=2, cells=1)


@pytest.fixture(scope="module")
def task() -> nw.Task:
    """160 pictures of noise, 144 of which are not for the test, with an augmentation."""
    rng = np.random.default_rng(0)
    plain = nw.tasks.arrays(rng.integers(1, 255, (160, 8, 8, 1), dtype=np.uint8), np.arange(160) % 4)
    return nw.Task("noise", plain.train, plain.test, plain.class_names, augmentation=Augmentation(flip=True, padding=2))


def begun(recipe: str, task: nw.Task, **options: Any) -> SharedWeights:
    """The shared weights of a recipe before its first round."""
    estimator = load("search", recipe)(SPACE, task, **{"device": "cpu", "fused": False, **options}).estimator
    assert isinstance(estimator, SharedWeights)
    estimator.begin(0)
    return estimator


class Spied:
    """What was asked of shared weights, in order, and at which learning rate each step was taken."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.asked: list[str] = []
        self.rates: list[float] = []
        plain = SharedWeights.advance

        def advance(estimator: SharedWeights, proposal: Proposal) -> Measurement:
            found = plain(estimator, proposal)
            self.asked.append(proposal.purpose)
            if proposal.purpose == "train":
                self.rates.append(estimator.weights.optimiser.param_groups[0]["lr"])
            return found

        monkeypatch.setattr(SharedWeights, "advance", advance)


@pytest.fixture
def spied(monkeypatch: pytest.MonkeyPatch) -> Spied:
    return Spied(monkeypatch)


def run(recipe: str, task: nw.Task, **options: Any) -> Any:
    return load("search", recipe)(SPACE, task, **{"device": "cpu", "alarms": False, "batch_size": 28, **options}).run()


def half_cosine(start: float, end: float, shares: list[float]) -> list[float]:
    return [end + (start - end) * (1 + math.cos(math.pi * share)) / 2 for share in shares]


# ProxylessNAS.


def test_proxylessnas_warms_up_by_a_cosine_of_its_own_and_starts_again(task: nw.Task, spied: Spied) -> None:
    run("proxylessnas", task, epochs=8)  # 4 steps an epoch
    assert len(spied.rates) == 32
    assert spied.rates[:8] == pytest.approx(half_cosine(0.05, 0.0, [i / 8 for i in range(8)]))
    assert spied.rates[8:] == pytest.approx(half_cosine(0.025, 0.0, [i / 24 for i in range(24)]))


def test_proxylessnas_moves_the_logits_after_each_fifth_step_of_the_rest(task: nw.Task, spied: Spied) -> None:
    run("proxylessnas", task, epochs=8)
    steps = [spied.asked[: i + 1].count("train") for i, each in enumerate(spied.asked) if each == "probe"]
    assert steps == [10, 15, 20, 25, 30]


def test_proxylessnas_keeps_weights_and_momentum_when_the_rate_starts_again(task: nw.Task) -> None:
    estimator = begun("proxylessnas", task, epochs=4, batch_size=28)
    weights, path = estimator.weights, SPACE.sample(np.random.default_rng(0))
    for _ in range(weights.steps):
        estimator.advance(Proposal(path, "train"))
    network, optimiser = weights.supernet, weights.optimiser
    before = {name: each.detach().clone() for name, each in network.named_parameters()}
    estimator.advance(Proposal(path, "rehearse"))  # enters the next stage
    assert weights.stage == 1 and weights.supernet is network and weights.optimiser is optimiser
    assert all(torch.equal(each, before[name]) for name, each in network.named_parameters())
    assert any(each["momentum_buffer"].any() for each in optimiser.state.values())


def test_proxylessnas_asks_the_logits_with_plain_images_and_labels(task: nw.Task) -> None:
    weights = begun("proxylessnas", task, epochs=4, batch_size=16).weights
    stored = weights.normalise(weights.held_out.batch(0, len(weights.held_out)))
    inputs, *_ = weights.validation(0)
    assert all(any(torch.equal(one, other) for other in stored) for one in inputs)
    assert weights.settings.label_smoothing == 0.1


# Single paths.


def test_single_paths_train_along_a_line_with_smooth_labels_unclipped(task: nw.Task, spied: Spied) -> None:
    small = {"population": 2, "generations": 1, "top": 1}
    found = run("single-path-one-shot", task, epochs=10, **small)
    steps = len(spied.rates)
    assert spied.rates == pytest.approx([0.03125 * (1 - i / steps) for i in range(steps)])
    settings = found.search.estimator.settings
    assert (settings.label_smoothing, settings.gradient_clip) == (0.1, None)
    groups = found.search.estimator.weights.optimiser.param_groups
    assert [group["weight_decay"] for group in groups] == [4e-5, 0.0]
    assert all(each.dim() > 1 for each in groups[0]["params"]) and all(each.dim() == 1 for each in groups[1]["params"])


def test_statistics_are_taken_from_all_training_images_or_25600(task: nw.Task, monkeypatch: pytest.MonkeyPatch) -> None:
    estimator = begun("single-path-one-shot", task, batch_size=8, epochs=1000)
    assert len(estimator.weights.held_out) == 29  # a fifth of 144
    seen: list[int] = []
    plain = nn.BatchNorm2d.forward

    def forward(self: nn.BatchNorm2d, input: torch.Tensor) -> torch.Tensor:
        if self.training and self.track_running_stats:
            seen.append(len(input))
        return plain(self, input)

    monkeypatch.setattr(nn.BatchNorm2d, "forward", forward)
    estimator.estimate(Proposal(SPACE.sample(np.random.default_rng(0))), 0)
    layers = sum(
        isinstance(each, nn.BatchNorm2d)
        for each in SPACE.build(SPACE.sample(np.random.default_rng(0)), task.shape).modules()
    )
    assert sum(seen) == 8 * math.ceil(115 / 8) * layers
    assert batches_of(25_600)(Scale(1_281_167, 224, 120, {"batch_size": 128, "split": 0.04})) == 200


# The others.


@pytest.mark.parametrize("recipe", ["darts", "pc-darts", "milenas", "nasp", "sgas", "smooth-darts", "gdas", "mdenas"])
def test_validation_is_augmented_and_everything_decays_as_in_the_code_of_darts(recipe: str, task: nw.Task) -> None:
    space = nw.spaces.Darts(nodes=2, channels=4, cells=2)
    estimator: Any = load("search", recipe)(space, task, epochs=12, device="cpu", batch_size=16).estimator
    estimator.begin(0)
    weights = estimator.weights
    stored = weights.normalise(weights.held_out.batch(0, len(weights.held_out)))
    inputs, *_ = weights.validation(0)
    plain = sum(torch.equal(one, other) for one in inputs for other in stored)
    assert plain <= 3 < len(inputs) == 16  # one in 50 is neither mirrored nor shifted
    (group,) = weights.optimiser.param_groups
    assert group["weight_decay"] == weights.settings.weight_decay > 0
    assert {each.dim() for each in group["params"]} == {1, 2, 4}
    path = space.sample(np.random.default_rng(0))
    rates: list[float] = []
    for _ in range(weights.steps + 1):
        estimator.advance(Proposal(path, "train"))
        rates.append(weights.optimiser.param_groups[0]["lr"])
    assert len(set(rates[:-1])) == 1 and rates[-1] < rates[0]


def test_gdas_moves_the_weights_first(task: nw.Task, spied: Spied) -> None:
    run("gdas", task, epochs=2, batch_size=36)
    assert spied.asked == ["train", "probe"] * 4


class OneLayer(nw.DecisionSpace):
    """The smallest space with a choice, for a search of many epochs."""

    def network(self, choose: Any, shape: nw.TaskShape) -> nn.Module:
        options = {"conv": lambda: nn.Conv2d(4, 4, 3, padding=1), "skip": nn.Identity}
        stem, head = nn.Conv2d(shape.channels, 4, 1), nn.Linear(4, shape.classes)
        return nn.Sequential(stem, choose.one("layer", options), nn.AdaptiveAvgPool2d(1), nn.Flatten(), head)


def test_robust_darts_checks_every_second_epoch_and_is_of_second_order(task: nw.Task) -> None:
    options: dict[str, Any] = {"device": "cpu", "alarms": False, "batch_size": 72}
    found = load("search", "robust-darts")(OneLayer(), task, epochs=50, **options).run()
    assert found.search.estimator.order == 2
    epochs = [each.metrics for each in found.trials if each.proposal.purpose == "train"]
    checked = [i for i, each in enumerate(epochs) if "eigenvalue" in each]
    assert checked == [i for i in range(len(epochs)) if i % 2 == 0] and len(checked) > 2


@pytest.mark.parametrize(
    ("options", "cutout"), [({}, 0), ({"drop_path": 0.2}, 4), ({"drop_path": 0.2, "cutout": 2}, 2)]
)
def test_robust_darts_cuts_out_where_paths_are_dropped(task: nw.Task, options: dict[str, Any], cutout: int) -> None:
    assert side_cut_out(begun("robust-darts", task, batch_size=16, **options)) == cutout


def test_asng_cuts_out_half_a_side(task: nw.Task) -> None:
    assert side_cut_out(begun("asng", task, batch_size=16)) == 4


def side_cut_out(estimator: SharedWeights) -> int:
    """The side of the largest blank square in a minibatch that moves the architecture; pixels are never the mean."""
    images = estimator.weights.validation(0)[0]
    blank = (images == 0).float()
    sides = [side for side in range(1, 9) if nn.functional.avg_pool2d(blank, side, 1).eq(1).any()]
    return max(sides, default=0)


def test_snas_drops_three_tenths_of_the_edges_from_the_first_step_on(task: nw.Task) -> None:
    estimator = begun("snas", task, epochs=20, batch_size=16)
    mixed = nw.Mixture({each.name: torch.full((len(each.options),), 0.2) for each in SPACE.decisions})
    for _ in range(2 * estimator.weights.steps):
        estimator.advance(Proposal(mixed, "train"))
        assert {each.drop_path_probability for each in estimator.weights.drop_paths} == {0.3}


def test_dsnas_smooths_labels_and_clips_nothing(task: nw.Task) -> None:
    weights = begun("dsnas", task).weights
    assert (weights.settings.label_smoothing, weights.settings.gradient_clip) == (0.1, None)
    assert [group["weight_decay"] for group in weights.optimiser.param_groups] == [4e-5, 0.0]


# The place where settings meet the data and the epochs.


def test_a_fifth_of_small_data_and_a_25th_of_large_is_held_out() -> None:
    shares = [nearly_all(Scale(examples, 32, 1)) for examples in (100, 5_000, 10_000, 1_281_167)]
    assert shares == pytest.approx([0.2, 0.2, 0.1, 0.039], abs=1e-3)


def test_settings_may_depend_on_others_and_are_replaced_by_the_users(task: nw.Task) -> None:
    published = {"split": nearly_all, "batch_size": 10, "recalibrate": batches_of(50), "cutout": half_a_side}
    found = resolved(task, 3, published, {})
    assert found.settings == {"split": 0.2, "batch_size": 10, "recalibrate": 5, "cutout": 4, "epochs": 3}
    assert (found.scale.training_examples, found.scale.steps, found.scale.total_steps) == (115, 11, 33)
    given = resolved(task, 3, published, {"batch_size": 25, "cutout": 1, "split": 0.5})
    assert given.settings == {"split": 0.5, "batch_size": 25, "recalibrate": 2, "cutout": 1, "epochs": 3}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"batch_size": 0}, "batch_size = 0"),
        ({"split": 7.0}, r"split is 7\.0"),
        ({"learning_rate": -1.0}, "learning_rate"),
    ],
)
@pytest.mark.parametrize("recipe", ["single-path-one-shot", "proxylessnas"])
def test_settings_that_cannot_be_are_refused_by_their_names(
    recipe: str, task: nw.Task, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(ConfigurationError, match=message):
        load("search", recipe)(SPACE, task, device="cpu", **options)


def test_a_resolved_recipe_searches_with_any_strategy(task: nw.Task) -> None:
    search = resolved(task, 1, {"batch_size": 16}, {}).search(RandomSearch(SPACE), seed=3, device="cpu")
    assert isinstance(search, Search) and search.seed == 3
    assert search.estimator.settings.batch_size == 16  # pyright: ignore

"""How shared weights train and are probed where the papers' programs differ: which minibatches, which steps."""

from __future__ import annotations

import copy
import math
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import netwright as nw
from netwright.core.errors import ConfigurationError
from netwright.core.task import Augmentation
from netwright.estimators import SharedWeights
from netwright.estimators.sharing.minibatches import Minibatch
from netwright.methods.robust import smooth_darts_adversarial
from netwright.supernets.mixed import MixedEdges

SPACE = nw.spaces.NasBench201(channels=2, cells=1)
STEPS = 4  # minibatches of 8 in an epoch: 80 examples, of which 8 are for the test and 36 for validation


@pytest.fixture(scope="module")
def task() -> nw.Task:
    rng = np.random.default_rng(0)
    plain = nw.tasks.arrays(rng.integers(0, 255, (80, 8, 8, 1), dtype=np.uint8), np.arange(80) % 4)
    return nw.Task("noise", plain.train, plain.test, plain.class_names, augmentation=Augmentation(flip=True, padding=2))


def shared(task: nw.Task, **options: Any) -> SharedWeights:
    estimator = SharedWeights(SPACE, task, **{"epochs": 2, "batch_size": 8, "device": "cpu", "fused": False, **options})
    estimator.begin(5)
    return estimator


def mixture(grad: bool = True) -> nw.Mixture:
    return nw.Mixture(
        {each.name: torch.full((len(each.options),), 0.2).requires_grad_(grad) for each in SPACE.decisions}
    )


def unchanged(estimator: SharedWeights, inputs: Tensor) -> int:
    """How many of these inputs are validation examples as they are stored."""
    weights = estimator.weights
    stored = weights.normalise(weights.held_out.batch(0, len(weights.held_out)))
    return sum(any(torch.equal(one, other) for other in stored) for one in inputs)


def test_the_minibatches_that_move_an_architecture_are_augmented(task: nw.Task) -> None:
    for augmented in (True, False):
        estimator = shared(task, augment_probes=augmented)
        inputs, labels, _ = estimator.weights.validation(0)
        assert labels.shape == (8,)
        assert unchanged(estimator, inputs) == (0 if augmented else 8)


def test_a_probe_measures_on_that_minibatch(task: nw.Task) -> None:
    estimator = shared(task)
    loss, _ = estimator.weights.loss(mixture(), estimator.weights.validation(0))
    told = estimator.advance(nw.Proposal(mixture(), "probe")).metrics["loss"]
    torch.testing.assert_close(told, loss.detach())


def test_evaluations_are_never_augmented(task: nw.Task) -> None:
    estimator = shared(task)
    architecture = SPACE.sample(np.random.default_rng(1))
    weights = estimator.weights
    inputs = weights.normalise(weights.held_out.batch(0, len(weights.held_out)))
    with torch.no_grad():
        expected = nn.functional.cross_entropy(weights.supernet(inputs, architecture), weights.held_out.targets)
    found = estimator.estimate(nw.Proposal(architecture), 0).metrics["val_loss"]
    assert found == pytest.approx(float(expected), rel=1e-5)


def test_everything_decays_in_a_step_unless_only_matrices_shall(task: nw.Task) -> None:
    """Seen where the gradient is left out: what one step takes off every weight."""
    for everything in (True, False):
        estimator = shared(task, decay_all=everything, weight_decay=0.5, momentum=0.0, affine=True)
        weights = estimator.weights
        before = {name: each.detach().clone() for name, each in weights.supernet.named_parameters()}
        for each in weights.parameters:
            each.grad = torch.zeros_like(each)
        weights.optimiser.step()
        for name, value in weights.supernet.named_parameters():
            factor = 1 - 0.025 * 0.5 if everything or value.dim() > 1 else 1.0
            torch.testing.assert_close(value.detach(), before[name] * factor)
        assert any(each.dim() == 1 for each in before.values())


def rates(estimator: SharedWeights, steps: int) -> list[float]:
    """The learning rate that each step really took."""
    taken: list[float] = []
    for _ in range(steps):
        estimator.advance(nw.Proposal(mixture(grad=False), "train"))
        taken.append(estimator.weights.optimiser.param_groups[0]["lr"])
    return taken


def cosine(share: float) -> float:
    return 0.001 + (0.025 - 0.001) * (1 + math.cos(math.pi * share)) / 2


@pytest.mark.parametrize(
    ("options", "by_epoch"),
    [({"epochs": 10}, True), ({"epochs": 10, "pace": "step"}, False), ({"epochs": 9}, False)],
)
def test_the_rate_moves_by_epoch_or_by_step(task: nw.Task, options: dict[str, Any], by_epoch: bool) -> None:
    found = rates(shared(task, **options), 3 * STEPS)
    steps = [step - step % STEPS if by_epoch else step for step in range(3 * STEPS)]
    assert found == pytest.approx([cosine(step / (STEPS * options["epochs"])) for step in steps])


def test_each_stage_has_a_staircase_of_its_own(task: nw.Task) -> None:
    found = rates(shared(task, stages=({"epochs": 2}, {"epochs": 2}), pace="epoch"), 4 * STEPS)
    assert found[::STEPS] == pytest.approx([cosine(0), cosine(1 / 2), cosine(0), cosine(1 / 2)])
    assert len(set(found)) == 2


def test_labels_are_smoothed_for_the_weights_alone(task: nw.Task) -> None:
    estimator = shared(task, label_smoothing=0.4)
    weights = estimator.weights
    told = {
        purpose: estimator.advance(nw.Proposal(mixture(grad=False), purpose)).metrics["loss"]
        for purpose in ("probe", "rehearse", "train")
    }
    fresh = shared(task).weights
    for purpose, smoothing in (("probe", 0.0), ("rehearse", 0.4), ("train", 0.4)):
        inputs, labels, _ = fresh.validation(0) if purpose == "probe" else fresh.training(0)
        expected = nn.functional.cross_entropy(
            fresh.supernet(inputs, mixture(False)), labels, label_smoothing=smoothing
        )
        torch.testing.assert_close(torch.as_tensor(told[purpose]), expected.detach())
    assert weights.step == 1


def test_the_loss_of_a_float64_supernet_is_float64(task: nw.Task) -> None:
    weights = shared(task).weights
    weights.supernet.double()
    inputs, labels, _ = weights.training(0)
    double = nw.Mixture({name: each.double() for name, each in mixture(False).weights.items()})
    loss, logits = weights.loss(double, Minibatch(inputs.double(), labels))
    assert loss.dtype == logits.dtype == torch.float64
    with torch.no_grad():
        expected = nn.functional.cross_entropy(weights.supernet(inputs.double(), double), labels)
    torch.testing.assert_close(loss.detach(), expected, rtol=1e-14, atol=1e-14)


@pytest.mark.parametrize("fused", [True, False])
def test_whole_edges_are_dropped_at_one_rate(task: nw.Task, fused: bool) -> None:
    estimator = shared(task, drop_path=0.5, drop_path_shape="constant", fused=fused)
    dropped: list[tuple[Tensor, Tensor]] = []
    edges = 0
    for node in estimator.weights.supernet.modules():
        if isinstance(node, MixedEdges):
            assert node.drop is not None
            edges += len(node.sources)
            node.drop.register_forward_hook(lambda _, given, out: dropped.append((given[0].detach(), out.detach())))
    estimator.advance(nw.Proposal(mixture(grad=False), "train"))
    assert len(dropped) == edges > 0
    kept = [float((out[i] != 0).any()) for given, out in dropped for i in range(len(given)) if given[i].any()]
    assert 0.2 < sum(kept) / len(kept) < 0.8
    for given, out in dropped:
        for one, other in zip(given, out, strict=True):
            torch.testing.assert_close(other, 2 * one if other.any() else torch.zeros_like(one))


def test_drop_path_rises_from_nothing_otherwise(task: nw.Task) -> None:
    estimator = shared(task, drop_path=0.3, epochs=3)
    found: list[float] = []
    for _ in range(3 * STEPS):
        estimator.advance(nw.Proposal(mixture(grad=False), "train"))
        found.append(estimator.weights.drop_paths[0].drop_path_probability)  # pyright: ignore
    assert found == pytest.approx([0.0] * STEPS + [0.15] * STEPS + [0.3] * STEPS)


@pytest.mark.parametrize(
    ("options", "message"),
    [({"pace": "day"}, "pace = 'day'"), ({"drop_path_shape": "falling"}, "drop_path_shape = 'falling'")],
)
def test_other_habits_are_refused(task: nw.Task, options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        SharedWeights(SPACE, task, device="cpu", **options)


def test_the_attack_of_smooth_darts_is_in_evaluation_mode(task: nw.Task) -> None:
    """All rounds of a search, computed once more by torch's own normalisation, optimiser and modes."""
    search = smooth_darts_adversarial(SPACE, task, epochs=1, batch_size=8, device="cpu", augment=False)
    strategy, estimator = search.strategy, search.estimator
    assert isinstance(estimator, SharedWeights)
    estimator.begin(5)
    weights = estimator.weights
    stock: Any = copy.deepcopy(weights.supernet)
    for module in stock.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.track_running_stats = True
    optimiser = torch.optim.SGD(stock.parameters(), 0.025, momentum=0.9, weight_decay=3e-4)
    purposes: list[str] = []
    for number in range(2 * 11):  # steps of a probe, nine passes of the attack and a training
        proposal = strategy.ask(np.random.default_rng(number))
        assert proposal is not None and isinstance(proposal.candidate, nw.Mixture)
        purposes.append(proposal.purpose)
        batch = weights.validation(weights.probes) if proposal.purpose == "probe" else weights.upcoming()
        nn.Module.train(stock, proposal.purpose != "rehearse")
        leaves = {name: each.detach().clone().requires_grad_() for name, each in proposal.candidate.weights.items()}
        loss = nn.functional.cross_entropy(stock(batch[0], nw.Mixture(leaves)), batch[1])
        gradients = torch.autograd.grad(loss, [*leaves.values()], retain_graph=True)
        rate = weights.rate
        measured = estimator.advance(proposal)
        torch.testing.assert_close(measured.metrics["loss"], loss.detach(), rtol=1e-3, atol=1e-4)
        if measured.gradient is not None:
            torch.testing.assert_close(
                measured.gradient, dict(zip(leaves, gradients, strict=True)), rtol=1e-2, atol=1e-4
            )
        if proposal.purpose == "train":
            optimiser.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(stock.parameters(), 5.0)
            optimiser.param_groups[0]["lr"] = rate
            optimiser.step()
        strategy.tell(nw.Trial(number, proposal, "completed", measured))
    assert purposes[:11] == ["probe", *["rehearse"] * 9, "train"]

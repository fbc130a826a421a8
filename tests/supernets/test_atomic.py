"""The largest network while its channels fall out: what leaves, what that changes, and what is kept of it."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from netwright.core.choose import Choose
from netwright.core.closest import largest, smallest
from netwright.core.decision_space import DecisionSpace
from netwright.core.errors import ConfigurationError, UserError
from netwright.core.estimator import LEFT
from netwright.core.objective import Constraint
from netwright.core.task import TaskShape
from netwright.estimators import Cost
from netwright.methods import atomnas
from netwright.networks.blocks import ClassifierHead
from netwright.networks.mobile_blocks import AtomicBlock
from netwright.spaces import Mobile, NasBench201
from netwright.strategies.rounds.shrinking_network import ShrinkingNetwork
from netwright.supernets import Atoms
from netwright.supernets.atomic import AtomicNetwork
from netwright.tasks import open_task


class Three(DecisionSpace):
    """Three blocks, of which the first must be there."""

    def network(self, choose: Choose, shape: TaskShape) -> nn.Module:
        layers = OrderedDict[str, nn.Module](stem=nn.Conv2d(shape.channels, 6, 3, padding=1))
        for name, outputs in (("first", 8), ("second", 8), ("third", 8)):
            least = 1 if name == "first" else 0
            widths = {k: choose.value(f"{name}{k}", range(least if k == 3 else 0, 25)) for k in (3, 5)}
            inputs = 6 if name == "first" else 8
            block = AtomicBlock(inputs, outputs, widths, 2 if name == "third" else 1, residual=name == "second")
            layers[name] = block if name != "third" else nn.Sequential(block)
        return nn.Sequential(layers | OrderedDict(head=ClassifierHead(8, shape.classes)))

    def atoms(self) -> Mapping[str, tuple[str, str]]:
        places = {"first": "first", "second": "second", "third": "third.0"}
        return {f"{name}{k}": (place, str(k)) for name, place in places.items() for k in (3, 5)}


SPACE, SHAPE = Three(), TaskShape((1, 8, 8), 10)
WHOLE = "second3", "second5"


def network(rules: Atoms | None = None) -> AtomicNetwork:
    """With shifts and scales that are not those of the beginning."""
    torch.manual_seed(0)
    found = AtomicNetwork(SPACE, SHAPE, rules or Atoms(1e-3))
    for each in found.modules():
        if isinstance(each, nn.BatchNorm2d):
            nn.init.normal_(each.bias)
            nn.init.uniform_(each.weight, 0.5, 1.0)
    return found


def scales(found: AtomicNetwork) -> dict[str, Tensor]:
    """The scales behind the kernels, by decision, found without asking the network where they stand."""
    modules = dict(found.network.named_modules())
    return {
        name: modules[f"{place}.branches.{kernel}.1.1"].weight.data  # pyright: ignore
        for name, (place, kernel) in SPACE.atoms().items()
        if f"{place}.branches.{kernel}.1.1" in modules
    }


def with_dead(found: AtomicNetwork) -> AtomicNetwork:
    """Half of the channels at zero, and a whole layer."""
    chance = torch.Generator().manual_seed(1)
    for name, scale in scales(found).items():
        scale[torch.rand(len(scale), generator=chance) < (1.1 if name in WHOLE else 0.5)] = 0
    for name, each in found.named_buffers():
        if name.startswith("averages_"):
            each.zero_()
    return found


def by_batch(module: nn.Module) -> nn.Module:
    """Normalised by the batch, without dropout."""
    module.eval()
    for each in module.modules():
        if isinstance(each, nn.BatchNorm2d):
            each.train()
    return module


def test_what_has_died_leaves_without_a_trace() -> None:
    """A channel of scale 0 gives a constant, which the normalisation behind the sum takes off."""
    found, images = with_dead(network()), torch.randn(8, *SHAPE.input)
    by_batch(found)
    with torch.no_grad():
        before, alive = found(images, largest(SPACE)), {n: int((s != 0).sum()) for n, s in scales(found).items()}
        cuts = found.after_step(0.0, 0.5, ends_epoch=True, steps=10)
        torch.testing.assert_close(found(images, largest(SPACE)), before, rtol=1e-3, atol=1e-3)
    assert cuts and found.counts() == {**alive, **{name: max(1, alive[name]) for name in firsts()}}
    assert not any(found.counts()[name] for name in WHOLE)


def firsts() -> list[str]:
    """Decisions that keep a channel in any case: of the smallest kernel where the input is not added."""
    return [each.name for each in SPACE.decisions if 0 not in each.options]


def test_nothing_leaves_within_an_epoch_nor_while_the_average_lives() -> None:
    found = network()
    for scale in scales(found).values():
        scale.zero_()
    assert not found.after_step(0.0, 0.5, ends_epoch=False, steps=1000)
    assert not found.after_step(0.0, 0.5, ends_epoch=True, steps=1000)
    assert found.after_step(0.0, 1.0, ends_epoch=True, steps=1000)
    assert found.counts() == {name: int(name in firsts()) for name in found.counts()}


def test_the_step_of_the_penalty_is_the_least_of_its_objective() -> None:
    """Proximal: of (x - gamma)^2 / 2 + pull * strength * c * |x|, by brute force; c is a share of multiply-adds."""
    found = network(Atoms(0.5, warm_up=0.0))
    before = {name: each.clone() for name, each in scales(found).items()}
    cost = Cost(SPACE, SHAPE)
    figure = cost.figures(largest(SPACE))["macs"]
    amounts = {
        name: figure - cost.figures(SPACE.architecture({**largest(SPACE).decisions, name: count - 1}))["macs"]
        for name, count in found.counts().items()
    }
    mean = sum(amounts[n] * k for n, k in found.counts().items()) / sum(found.counts().values())
    found.after_step(0.3, 0.5, ends_epoch=False, steps=10)
    grid = torch.linspace(-1.2, 1.2, 24_001, dtype=torch.float64)
    for name, scale in scales(found).items():
        reach = 0.3 * 0.5 * amounts[name] / mean
        for old, new in list(zip(before[name], scale, strict=True))[:4]:
            best = grid[((grid - old) ** 2 / 2 + reach * grid.abs()).argmin()]
            assert float(new) == pytest.approx(float(best), abs=2e-4)


def test_the_pull_rises_as_it_warms_up() -> None:
    moved: list[float] = []
    for share in (0.05, 0.1, 0.5):
        found = network(Atoms(0.5, warm_up=0.2))
        before = scales(found)[WHOLE[0]].clone()
        found.after_step(0.1, share, ends_epoch=False, steps=10)
        moved.append(float((before - scales(found)[WHOLE[0]])[0]))
    assert moved[1] == pytest.approx(2 * moved[0], rel=1e-3) and moved[2] == pytest.approx(4 * moved[0], rel=1e-3)


def test_a_limit_is_reached_along_a_line_and_what_is_worth_most_stays() -> None:
    """Worth: by how much the loss would change to the first order without scale and shift, for the multiply-adds."""
    found, cost = network(), Cost(SPACE, SHAPE)
    full = cost.figures(largest(SPACE))["macs"]
    found.keep_within(cost.figures, [Constraint.parse(f"macs <= {full * 0.25}")])
    modules, worth = dict(found.network.named_modules()), {}
    for name, (place, kernel) in SPACE.atoms().items():
        norm: Any = modules[f"{place}.branches.{kernel}.1.1"]
        norm.weight.grad, norm.bias.grad = torch.randn(2, len(norm.weight))
        change = (norm.weight * norm.weight.grad + norm.bias * norm.bias.grad).square()
        one = SPACE.architecture({**largest(SPACE).decisions, name: len(norm.weight) - 1})
        worth[name] = change.detach() / (full - cost.figures(one)["macs"])
    for share, due in ((0.35, 0.5), (0.7, 0.25), (1.0, 0.25)):
        found.after_step(0.0, share, ends_epoch=True, steps=10)
        left = cost.figures(SPACE.architecture({**largest(SPACE).decisions, **found.counts()}))["macs"]
        assert due * 0.9 * full <= left <= due * full
        if share == 0.35:  # later, those that stayed have moved in their tensors
            kept = sum(found.counts().values())
            least = torch.cat([*worth.values()]).sort(descending=True).values[kept - 1]
            assert found.counts() == {name: int((each >= least).sum()) for name, each in worth.items()}


def test_a_part_that_is_taken_out_is_what_its_network_gives() -> None:
    found, images = with_dead(network()), torch.randn(8, *SHAPE.input)
    found.after_step(0.0, 0.5, ends_epoch=True, steps=10)
    remaining = SPACE.architecture({**largest(SPACE).decisions, **found.counts()})
    by_batch(found)
    with torch.no_grad():
        alone = by_batch(found.extract(remaining))
        torch.testing.assert_close(alone(images), found(images, remaining), rtol=1e-3, atol=1e-3)
        small = found.eval()(images, smallest(SPACE))
        torch.testing.assert_close(small, found.extract(smallest(SPACE)).eval()(images))
    assert [*alone.state_dict()] == [*SPACE.build(remaining, SHAPE).state_dict()]
    with pytest.raises(UserError, match="channels of these shared weights are left"):
        found.extract(largest(SPACE))


def test_it_is_kept_and_given_back_at_its_size() -> None:
    found, other, images = with_dead(network()), network(), torch.randn(4, *SHAPE.input)
    found.after_step(0.0, 0.5, ends_epoch=True, steps=10)
    other.load_state_dict(found.state_dict())
    assert other.counts() == found.counts()
    torch.testing.assert_close(other.eval()(images, largest(SPACE)), found.eval()(images, largest(SPACE)))


@pytest.mark.parametrize("space", [NasBench201(channels=2, cells=1), Mobile("fbnet", width=0.1)])
def test_other_spaces_are_refused(space: Any) -> None:
    with pytest.raises(ConfigurationError, match="no atomic blocks; expected"):
        atomnas(space, open_task("digits", limit=60), device="cpu")


@pytest.mark.parametrize("limit", ["", "macs <= 60k", "params <= 1.5k"])
def test_a_search_hands_over_what_is_left_within_the_limit(limit: str) -> None:
    task = open_task("digits", limit=100)
    search = atomnas(SPACE, task, epochs=4, batch_size=16, learning_rate=0.1, device="cpu", strength=1e-4)
    run = search.replace(constraints=[limit] if limit else []).run()
    found = Cost(SPACE, SHAPE).figures(run.best.architecture)
    full = Cost(SPACE, SHAPE).figures(largest(SPACE))
    if limit:
        asked = Constraint.parse(limit)
        assert asked.holds(found) and found[asked.metric] > 0.5 * asked.limit
        left: Any = run.search.estimator
        answers = run.best.architecture.decisions
        assert left.weights.supernet.counts() == {name: answers[name] for name in left.weights.supernet.counts()}
    else:
        assert found == full


def test_mobile_networks_of_atoms_keep_a_channel_where_one_must_be() -> None:
    space, rng = Mobile("atomnas", width=0.1, last=8), np.random.default_rng(0)
    must = [each.name for each in space.decisions if 0 not in each.options]
    assert must == [f"stage{stage}/layer1/channels3" for stage in range(1, 7)]
    for _ in range(5):
        assert all(space.sample(rng)[name] for name in must)


def test_what_it_records_of_an_epoch_is_what_a_stored_run_gives_back() -> None:
    strategy = ShrinkingNetwork(SPACE)
    strategy.know(Cost(SPACE, SHAPE).figures)
    assert all(type(each) is float for each in strategy.figures().values())
    strategy.note({f"{LEFT}second3": 7.0, "loss": 1.0})
    assert strategy.result() == SPACE.architecture({**largest(SPACE).decisions, "second3": 7})


@pytest.mark.parametrize("left", [0.05, 0.3, 0.999, 1.0, 3.0])
def test_the_mean_step_is_that_along_the_line_to_the_limit(left: float) -> None:
    shares = (np.arange(10_000) + 0.5) / 10_000
    line = min(left, 1.0) ** np.minimum(1.0, shares / 0.7)
    assert Atoms().mean_step(min(left, 1.0)) == pytest.approx(0.1 + 0.9 * line.mean(), rel=1e-4)
    estimator: Any = atomnas(SPACE, open_task("digits", limit=60), device="cpu").estimator
    full = Cost(SPACE, SHAPE).figures(largest(SPACE))["macs"]
    assert estimator.mean_step([Constraint("macs", full * left)]) == pytest.approx(Atoms().mean_step(min(left, 1.0)))
    assert estimator.mean_step([]) == 1.0

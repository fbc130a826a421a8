"""Blocks that learn from a teacher: what each one reads, what moves it, and what leaves."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from netwright.core.architecture import Architecture, Mixture
from netwright.core.choose import Choose
from netwright.core.closest import largest
from netwright.core.decision_space import DecisionSpace
from netwright.core.errors import ConfigurationError, UserError
from netwright.core.estimator import OF_BLOCK
from netwright.core.task import TaskShape
from netwright.core.trial import Proposal
from netwright.estimators.shared_weights import SharedWeights
from netwright.methods import dna
from netwright.networks.blocks import ClassifierHead
from netwright.spaces import Mobile, NasBench201
from netwright.strategies.paths.block_ratings import BlockRatings
from netwright.strategies.paths.blocks import path_of, places_of_blocks, some_paths, with_paths
from netwright.supernets import BlockByBlock
from netwright.supernets.blockwise import BlockwiseNetwork
from netwright.tasks import open_task


class Rows(DecisionSpace):
    """Two blocks of two layers, each a convolution of one size or nothing; without normalisation."""

    def network(self, choose: Choose, shape: TaskShape) -> nn.Module:
        layers = OrderedDict[str, nn.Module](stem=nn.Conv2d(shape.channels, 4, 3, padding=1))
        for name in ("first", "second"):
            with choose.scope(name):
                layers[name] = nn.Sequential(*(choose.one(f"layer{i}", self.options(i)) for i in range(2)))
        return nn.Sequential(layers | OrderedDict(head=ClassifierHead(4, shape.classes)))

    def options(self, place: int) -> Mapping[str, Any]:
        kernels = {f"conv{k}": lambda k=k: nn.Sequential(nn.Conv2d(4, 4, k, padding=k // 2), nn.ReLU()) for k in (3, 1)}
        return kernels | ({"skip": nn.Identity} if place else {})

    def blocks(self) -> Mapping[str, Sequence[str]]:
        return {name: [f"{name}/layer0", f"{name}/layer1"] for name in ("first", "second")}


SPACE, SHAPE = Rows(), TaskShape((1, 8, 8), 10)
LARGEST = SPACE.from_indices([0, 0, 0, 0])
EXAMPLES = torch.randn(6, 1, 8, 8, generator=torch.Generator().manual_seed(0))


def network(taught: bool = True) -> BlockwiseNetwork:
    torch.manual_seed(0)
    found = BlockwiseNetwork(SPACE, SHAPE, BlockByBlock(0.5))
    if taught:
        found.after_step(0.1, 0.5, ends_epoch=False, steps=10)
    return found.train()


def lesson(found: BlockwiseNetwork, *point: int) -> Any:
    given = found.lesson(EXAMPLES, SPACE.from_indices(point))
    assert given is not None
    return given


def test_until_it_is_trained_the_teacher_answers_for_every_candidate() -> None:
    found = network(taught=False)
    answers = [found(EXAMPLES, SPACE.from_indices(point)) for point in ([0, 0, 0, 0], [1, 2, 1, 2])]
    assert torch.equal(*answers) and torch.equal(answers[0], found.teacher(EXAMPLES))
    assert found.lesson(EXAMPLES, LARGEST) is None
    found.after_step(0.1, 0.49, ends_epoch=True, steps=100)
    assert not found.taught
    found.after_step(0.1, 0.5, ends_epoch=True, steps=100)
    assert found.taught and found.lesson(EXAMPLES, LARGEST) is not None


def test_the_distance_of_a_block_is_that_of_the_paper_and_follows_from_it_alone() -> None:
    found, point = network(), (1, 0, 0, 1)
    told = lesson(found, *point)
    with torch.no_grad(), found.student.selection.during((SPACE.from_indices(point).decisions, {}, {})):
        read = found.teacher.first(found.teacher.stem(EXAMPLES))
        wanted, given = found.teacher.second(read), found.student.network.second(read)
    assert torch.allclose(told.distances["second"], (given - wanted).abs().mean() / wanted.std(), rtol=1e-5)
    assert torch.allclose(told.losses["second"], (given - wanted).square().mean() / wanted.var(), rtol=1e-5)
    other = lesson(found, 0, 2, 0, 1)
    assert torch.equal(other.distances["second"], told.distances["second"]), "the first block has no part in it"
    assert not torch.equal(other.distances["first"], told.distances["first"])


def test_a_block_with_the_teachers_weights_is_at_no_distance() -> None:
    found = network()
    with found.student.selection.during((LARGEST.decisions, {}, {})):
        for name in found.blocks:
            layers = found.student.network.get_submodule(name), found.teacher.get_submodule(name)
            for ours, theirs in zip(*layers, strict=True):
                ours.chosen().load_state_dict(theirs.state_dict())
    assert [each.item() for each in lesson(found, 0, 0, 0, 0).losses.values()] == [0.0, 0.0]
    assert torch.equal(found(EXAMPLES, LARGEST), found.teacher(EXAMPLES))


def test_what_is_learnt_moves_the_path_through_each_block_and_nothing_else() -> None:
    found = network()
    torch.stack([*lesson(found, 1, 2, 0, 2).losses.values()]).sum().backward()
    moved = {name for name, each in found.named_parameters() if each.grad is not None and each.grad.abs().sum() > 0}
    assert moved and all(name.startswith("student.") for name in moved)
    expected = 2 * len(["weight", "bias"])  # conv1 of the first block, conv3 of the second
    assert len(moved) == expected, moved


def test_what_is_extracted_answers_as_it_did_and_holds_the_teachers_ends() -> None:
    found, rng = network().eval(), np.random.default_rng(0)
    for _ in range(4):
        architecture = SPACE.sample(rng)
        alone = found.extract(architecture)
        assert torch.allclose(alone(EXAMPLES), found(EXAMPLES, architecture), atol=1e-6)
        assert torch.equal(alone.stem.weight, found.teacher.stem.weight)
    with pytest.raises(UserError, match="path by path"):
        found(EXAMPLES, Mixture({}))


def test_a_state_says_whether_the_teacher_rests() -> None:
    found = network()
    again = network(taught=False)
    again.load_state_dict(found.state_dict())
    assert again.taught and torch.equal(again(EXAMPLES, LARGEST), found(EXAMPLES, LARGEST))


def test_probes_tell_of_each_block_and_the_teacher_no_longer_moves() -> None:
    task = open_task("digits", limit=200)
    shared = SharedWeights(
        SPACE, task, weights=BlockByBlock(0.5), epochs=2, batch_size=20, device="cpu", optimiser="adamw"
    )
    shared.begin(0)
    teachers: list[Tensor] = []
    while not shared.weights.is_over:
        shared.advance(Proposal(LARGEST, "train"))
        teachers.append(shared.weights.supernet.teacher.stem.weight.clone())
    half = len(teachers) // 2
    assert not torch.equal(teachers[0], teachers[half - 1]) and torch.equal(teachers[half - 1], teachers[-1])
    told = shared.advance(Proposal(LARGEST, "probe")).metrics
    parts = [float(told[f"{OF_BLOCK}{name}"]) for name in ("first", "second")]
    assert all(0 < each < 1 for each in parts), "nearer than a block that gives the mean"
    again = shared.advance(Proposal(LARGEST, "probe", again=True)).metrics
    assert [float(again[f"{OF_BLOCK}{name}"]) for name in ("first", "second")] == pytest.approx(parts)


def test_a_search_finds_the_best_combination_that_keeps_its_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    asked, result = list[BlockRatings](), BlockRatings.result
    monkeypatch.setattr(BlockRatings, "result", lambda self: asked.append(self) or result(self))
    search = dna(Rows(), open_task("digits", limit=120), epochs=2, batch_size=20, device="cpu")
    run = search.replace(constraints=["params <= 300"]).run()
    strategy = asked[-1]
    assert {len(each) for each in strategy.paths.values()} == {6}, "every path of a block is rated"

    def rating(each: Architecture) -> float:
        parts = {"first": each.point[:2], "second": each.point[2:]}
        return sum(strategy.ratings(name)[strategy.paths[name].index(part)] for name, part in parts.items())

    keeping = [each for each in strategy.space.enumerate() if strategy.keeps(each)]
    assert 0 < len(keeping) < strategy.space.size
    assert run.best.architecture == min(keeping, key=rating) and run.best.metrics["params"] <= 300


def test_of_many_paths_some_are_drawn_and_their_combinations_are_networks() -> None:
    space = Mobile("once-for-all", resolutions=(1.0,), kernels=(3, 5), expansions=(2, 3))
    places, rng = places_of_blocks(space), np.random.default_rng(0)
    paths = {block: some_paths(space, each, 30, rng) for block, each in places.items()}
    assert [len(set(each)) for each in paths.values()] == [30] * 5
    for turn in range(30):
        found = with_paths(space, largest(space), places, {block: each[turn] for block, each in paths.items()})
        space.validate(found)
        assert all(path_of(found, places[block]) == each[turn] for block, each in paths.items())
    every = 4**2 + 4**3 + 4**4  # by depth
    assert len(set(some_paths(space, places["stage2"], every, rng))) == every


def test_a_space_without_blocks_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="are no rows of blocks; expected a space such as mobile:form=dna"):
        dna(NasBench201(channels=4, cells=1), open_task("digits", limit=60), device="cpu")
    with pytest.raises(ConfigurationError, match="stages depend on each other"):
        Mobile("fbnetv2").blocks()
    assert list(Mobile("dna").blocks()) == [f"stage{i}" for i in range(1, 7)]
    assert sum(map(len, Mobile("dna").blocks().values())) == len(Mobile("dna").decisions)


def test_a_teacher_that_rested_when_it_was_kept_rests_where_it_is_loaded() -> None:
    loaded = network(taught=False)
    assert loaded.teacher.training
    loaded.load_state_dict(network().state_dict())
    assert loaded.training and not loaded.teacher.training

"""Blocks that take turns: what stays, what is tried, and what is found under limits."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pytest
from torch import nn

from netwright.core.architecture import Architecture
from netwright.core.choose import Choose
from netwright.core.decision_space import DecisionSpace
from netwright.core.objective import Constraint
from netwright.core.task import TaskShape
from netwright.core.trial import Measurement, Proposal, Trial
from netwright.methods import fpnas
from netwright.networks.blocks import ClassifierHead
from netwright.strategies.paths.block_turns import BlockTurns
from netwright.tasks import open_task


class Rows(DecisionSpace):
    """Three blocks of two numbers each."""

    def network(self, choose: Choose, shape: TaskShape) -> nn.Module:
        layers = OrderedDict[str, nn.Module](stem=nn.Conv2d(shape.channels, 4, 1))
        for name in "abc":
            with choose.scope(name):
                layers[name] = nn.Sequential(*(choose.one(f"layer{i}", self.options()) for i in range(2)))
        return nn.Sequential(layers | OrderedDict(head=ClassifierHead(4, shape.classes)))

    def options(self) -> Mapping[str, Any]:
        return {f"conv{k}": lambda k=k: nn.Conv2d(4, 4, k, padding=k // 2) for k in (1, 3, 5)}

    def blocks(self) -> Mapping[str, Sequence[str]]:
        return {name: [f"{name}/layer0", f"{name}/layer1"] for name in "abc"}


SPACE, WANTED = Rows(), (2, 0, 1, 1, 0, 2)
STEPS = 24


def loss(architecture: Architecture) -> float:
    """How far an architecture is from the wanted one."""
    return float(sum(abs(a - b) for a, b in zip(architecture.point, WANTED, strict=True)))


def cost(architecture: Architecture) -> dict[str, float]:
    return {"macs": float(sum(architecture.point))}


def held(strategy: BlockTurns) -> list[tuple[int, Proposal, Architecture]]:
    """What it asks in a training of 24 steps that tells `loss`: the turn, the proposal, what was found before it."""
    asked, trained, rng = list[tuple[int, Proposal, Architecture]](), 0, np.random.default_rng(0)
    while True:
        proposal = strategy.ask(rng)
        assert proposal is not None
        asked.append((strategy.turn, proposal, strategy.found))
        if proposal.purpose == "evaluate":
            return asked
        trained += proposal.purpose == "train"
        told = {
            "loss": loss(proposal.candidate),
            "progress": trained / STEPS,
            "epoch": float(trained // 6),
            "steps": 6.0,
        }
        strategy.tell(Trial(0, proposal, "completed", Measurement(told)))


def test_in_a_turn_one_block_changes_and_the_others_stay() -> None:
    asked = held(BlockTurns(SPACE, sweeps=2, population=4, generations=1, batches=1))
    assert {turn for turn, _, _ in asked} == set(range(7)), "two sweeps of three blocks, and the end"
    for turn, proposal, found in asked[:-1]:
        differs = {"aabbcc"[i] for i in range(6) if proposal.candidate.point[i] != found.point[i]}
        assert differs <= {"abc"[turn % 3]}


def test_it_foretells_how_many_rounds_a_time_is_planned_for() -> None:
    strategy = BlockTurns(SPACE, sweeps=2, population=4, generations=2, batches=2, epochs=4)
    probes = sum(each.purpose == "probe" for _, each, _ in held(strategy))
    assert 0.4 * strategy.probes_behind_epoch * 4 < probes <= strategy.probes_behind_epoch * 4


def test_the_paths_of_a_turn_are_scored_on_the_same_minibatches() -> None:
    asked = held(BlockTurns(SPACE, sweeps=1, population=4, generations=0, batches=2))
    for turn in range(3):
        again = [each.again for t, each, _ in asked if t == turn and each.purpose == "probe"]
        assert again.count(False) == 2 and len(again) % 2 == 0 and not again[0] and not again[len(again) // 2]


def test_the_best_of_separable_blocks_is_found() -> None:
    strategy = BlockTurns(SPACE, sweeps=1, population=9, generations=4)
    asked = held(strategy)
    assert asked[-1][1].candidate.point == WANTED == strategy.result().point


@pytest.mark.parametrize("most", [3.0, 1.0])
def test_what_breaks_a_limit_takes_no_part(most: float) -> None:
    strategy = BlockTurns(SPACE, sweeps=2, population=6, generations=2)
    strategy.know(cost, [Constraint("macs", most)])
    asked = held(strategy)
    began = strategy.keeps(asked[0][2])
    assert not began or all(strategy.keeps(each.candidate) for _, each, _ in asked)
    best = min(loss(each) for each in SPACE.enumerate() if strategy.keeps(each))
    assert not began or loss(asked[-1][1].candidate) <= best + 2


def test_a_search_on_shared_weights_keeps_its_limit() -> None:
    few = {"sweeps": 1, "population": 3, "generations": 1}
    search = fpnas(Rows(), open_task("digits", limit=100), epochs=2, batch_size=20, device="cpu", **few)
    run = search.replace(constraints=["params <= 500"]).run()
    assert run.best.metrics["params"] <= 500

"""Every shipped recipe's strategy keeps to the contract of rounds; and what breaks it is named."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
import torch

import netwright as nw
from kinds import OWN_SPACE, OWN_TASK
from netwright.catalogue import load, shipped
from netwright.core.errors import StopSearch
from netwright.core.strategy import RoundStrategy, Strategy
from netwright.testing import check_round_strategy
from netwright.testing.small_spaces import Layers

CELLS = nw.spaces.Darts(cells=3, channels=4, nodes=2)

OWN: dict[str, nw.Space] = {  # that search no other
    "gross": nw.spaces.GroupedChain(),
    "nasbench1shot1": nw.spaces.NasBench1Shot1(number=1, channels=4, stacks=1, modules=1),
    **{name: make() for name, make in OWN_SPACE.items()},
}

SHORT = {  # searches on the trained weights
    "single-path-one-shot": {"population": 4, "generations": 2, "top": 2},
    "random-weight-sharing": {"candidates": 20},
    "one-shot": {"evaluations": 20},
    "smash": {"evaluations": 20},
    "ghn": {"evaluations": 20},
    "hypernetworks": {"evaluations": 20},
    "dna": {"paths": 20, "batches": 2},
    "fpnas": {"sweeps": 1, "population": 3, "generations": 1},
    "enas": {"steps": 2, "samples": 2, "candidates": 3},
    "enas-macro": {"steps": 2, "samples": 2, "candidates": 3},
    "enas-rnn": {"steps": 2, "candidates": 3},
    "nsganetv2": {"initial": 4, "batch": 3, "rounds": 1},
    "pc-nas": {"pool": 5, "completions": 3},
    "angle-nas": {"population": 4, "generations": 2, "samples": 3},
}


@pytest.fixture(scope="module")
def task() -> nw.Task:
    return nw.tasks.open_task("digits", limit=60)


@pytest.mark.parametrize("space", [Layers(), CELLS], ids=["layers", "cells"])
@pytest.mark.parametrize("name", [name for name in shipped("search") if name not in ("darts-second-order", "fairnas")])
def test_the_strategy_of_every_recipe_keeps_the_contract(name: str, space: nw.Space, task: nw.Task) -> None:
    if name == "pc-darts" and space is not CELLS:
        pytest.skip("pc-darts needs edges")
    if name in OWN and space is not CELLS:
        pytest.skip(f"{name} needs a space of its own")
    space = OWN.get(name, space)
    short, task = SHORT.get(name, {}), OWN_TASK[name]() if name in OWN_TASK else task
    strategy = load("search", name)(OWN.get(name, CELLS), task, epochs=4, device="cpu", **short).strategy

    def make(wanted: nw.Space) -> Strategy:
        return _of(strategy, wanted)

    check_round_strategy(make, space)


def _of(strategy: Strategy, space: nw.Space) -> Strategy:
    """The strategy for another space, with those inside it."""
    inside = {name: _of(each, space) for name, each in strategy.arguments.items() if isinstance(each, Strategy)}
    return strategy.replace(space=space, **inside) if "space" in strategy.arguments else strategy.replace(**inside)


class Good(RoundStrategy):
    """Trains a random path a step; then asks for one more."""

    bounded = True

    def __init__(self, space: nw.Space) -> None:
        self.space = space
        self.over = self.asked = False

    def ask(self, rng: Any) -> nw.Proposal:
        if self.asked:
            raise StopSearch("done")
        self.asked = self.over
        return nw.Proposal(self.space.sample(rng), "evaluate" if self.over else "train")

    def tell(self, trial: nw.Trial) -> None:
        self.over = self.over or trial.metrics.get("progress") == 1

    def state_dict(self) -> Mapping[str, Any] | None:
        return {"over": self.over}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self.over = state["over"]


class Forgets(Good):
    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        pass


class Endless(Good):
    def tell(self, trial: nw.Trial) -> None:
        pass


class Stateless(Good):
    def state_dict(self) -> None:
        return None


class Global(Good):
    def ask(self, rng: Any) -> nw.Proposal:
        torch.rand(1)
        return super().ask(rng)


def test_a_strategy_that_keeps_the_rules_passes() -> None:
    check_round_strategy(Good)


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        (Forgets, "asked otherwise|after progress was 1"),
        (Endless, "'train' after progress was 1"),
        (Stateless, "state_dict gave None"),
        (Global, "global random generator of torch"),
    ],
)
def test_a_broken_rule_is_named(broken: type[Strategy], message: str) -> None:
    with pytest.raises(AssertionError, match=message):
        check_round_strategy(broken)

"""Going on from a state is going on: bit for bit, at the end of any epoch, with every option."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from bilevel import Bilevel, Cell, drive

from netwright.core.architecture import Mixture
from netwright.core.trial import Proposal
from netwright.spaces import Darts
from netwright.strategies.differentiable import (
    AdversarialPerturbation,
    BinaryGates,
    Differentiable,
    EigenvalueMonitor,
    Experts,
    GreedyDecisions,
    GroupedDropout,
    GumbelSoftmax,
    OneHot,
    ProgressiveShrinking,
    Proximal,
    RandomPerturbation,
    Rectified,
    StraightThrough,
)

CELL, EDGES = Cell(), Darts(nodes=2)
MAKERS: dict[str, Callable[[], Differentiable]] = {
    "darts": lambda: Differentiable(CELL),
    "mixed": lambda: Differentiable(CELL, level="mixed", warm_up=0.3),
    "snas": lambda: Differentiable(CELL, GumbelSoftmax(), level="one"),
    "gdas": lambda: Differentiable(CELL, StraightThrough(), weights_first=True),
    "data": lambda: Differentiable(CELL, StraightThrough(samples=2)),
    "rectified": lambda: Differentiable(CELL, Rectified(samples=2)),
    "dsnas": lambda: Differentiable(CELL, OneHot(), level="one"),
    "proxyless": lambda: Differentiable(CELL, BinaryGates(), every=2, weights_first=True),
    "nasp": lambda: Differentiable(EDGES, Proximal()),
    "xnas": lambda: Differentiable(CELL, Experts()),
    "edges": lambda: Differentiable(EDGES, edge_weights=True),
    "pdarts": lambda: Differentiable(EDGES, warm_up=0.4, shrinking=ProgressiveShrinking()),
    "sgas": lambda: Differentiable(EDGES, shrinking=GreedyDecisions(2)),
    "robust": lambda: Differentiable(CELL, monitor=EigenvalueMonitor(iterations=3)),
    "random": lambda: Differentiable(CELL, perturbation=RandomPerturbation()),
    "adversarial": lambda: Differentiable(CELL, perturbation=AdversarialPerturbation(steps=2)),
    "dropnas": lambda: Differentiable(CELL, level="one", dropout=GroupedDropout(0.1)),
}
EPOCHS, STEPS = 4, 3


def same(first: Proposal, second: Proposal) -> bool:
    if (first.purpose, first.again) != (second.purpose, second.again):
        return False
    one, other = first.candidate, second.candidate
    if not isinstance(one, Mixture) or not isinstance(other, Mixture):
        return one == other
    return one.active == other.active and all(torch.equal(w, other.weights[name]) for name, w in one.weights.items())


@pytest.mark.parametrize("name", MAKERS)
@pytest.mark.parametrize("epoch", [1, 3, 4])
def test_a_state_goes_on_as_its_strategy_would(name: str, epoch: int, tmp_path: Path) -> None:
    strategy = MAKERS[name]()
    problem = Bilevel(strategy.space, EPOCHS, STEPS)
    drive(strategy, problem, epochs=epoch)
    number = len(problem.asked)
    # As it comes back from a file that is loaded without running anything.
    torch.save(dict(strategy.state_dict()), tmp_path / "state")
    kept = problem.state()
    rest = drive(strategy, problem, start=number)

    again = MAKERS[name]()
    other = Bilevel(strategy.space, EPOCHS, STEPS)
    other.restore(kept)
    again.load_state_dict(torch.load(tmp_path / "state", weights_only=True))
    repeated = drive(again, other, start=number)
    expected = problem.asked[number:]
    assert len(other.asked) == len(expected)
    assert all(same(a, b) for a, b in zip(other.asked, expected, strict=True))
    assert [trial.architecture for trial in repeated] == [trial.architecture for trial in rest]
    assert again.figures() == strategy.figures()


def test_a_state_does_not_change_with_its_strategy() -> None:
    strategy = MAKERS["robust"]()
    problem = Bilevel(CELL, EPOCHS, STEPS)
    drive(strategy, problem, epochs=2)
    state = strategy.state_dict()
    logits, values = state["parameters"]["logits"].clone(), list(state["monitored"]["values"])
    points, first = len(state["monitored"]["points"]), state["memory"]["first"].clone()
    drive(strategy, problem, epochs=4, start=len(problem.asked))
    assert torch.equal(state["parameters"]["logits"], logits)
    assert torch.equal(state["memory"]["first"], first)
    assert state["monitored"]["values"] == values
    assert len(state["monitored"]["points"]) == points


def test_within_a_step_there_is_no_state() -> None:
    strategy = Differentiable(CELL)
    problem = Bilevel(CELL, EPOCHS, STEPS)
    drive(strategy, problem, epochs=1)
    strategy.ask(np.random.default_rng(0))
    with pytest.raises(AssertionError, match="only after a training step"):
        strategy.state_dict()

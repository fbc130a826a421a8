"""Every shipped recipe asks what it asked when this record was made: the same seeds, the same proposals.

`python tests/methods/test_same_proposals.py` writes the record anew, which only a decision to change what is asked may.
"""

from __future__ import annotations

import hashlib
import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch

from netwright.catalogue import load, shipped
from netwright.core.architecture import Architecture
from netwright.spaces import Darts
from netwright.tasks import Task, open_task
from netwright.testing.check_round_strategy import Training
from netwright.testing.small_spaces import Layers

RECORD = Path(__file__).with_name("assets") / "proposals.json"
SPACES = {"layers": Layers(), "darts": Darts(cells=3, channels=4, nodes=2)}
EPOCHS, STEPS = 4, 5
NEED_EDGES = {"pc-darts"}
TAKE_LONG = {"nsganetv2"}  # predictors learn anew in each of thirty rounds
NEED_A_SPACE_OF_THEIR_OWN = {
    "atomnas",
    "dna",
    "fpnas",
    "gross",
    "nasbench1shot1",
    "darts-rnn",
    "enas-rnn",
    "i-darts",
    "nas-unet",
}


@cache
def task_of() -> Task:
    return open_task("digits", limit=60)


def asked_by(recipe: str, space: str) -> dict[str, Any]:
    """What a recipe asks when it is told made-up losses: a digest of all that is exact, and sums of the weights."""
    strategy = load("search", recipe)(SPACES[space], task_of(), epochs=EPOCHS, device="cpu").strategy
    training = Training(strategy, EPOCHS, STEPS, seed=3).hold()
    exact, sums = hashlib.sha256(), []
    for proposal in training.asked:
        candidate = proposal.candidate
        exact.update(f"{proposal.purpose} {proposal.again} {proposal.fidelity} {proposal.parent} ".encode())
        if isinstance(candidate, Architecture):
            exact.update(repr(candidate.point).encode())
        else:
            exact.update(repr(sorted(candidate.active.items())).encode())
            sums.append(sum(_weighed(each) for each in candidate.weights.values()))
    every = max(1, len(sums) // 16)
    return {
        "asked": len(training.asked),
        "digest": exact.hexdigest()[:16],
        "weights": [round(each, 7) for each in [*sums[::every], *sums[-1:]]],
        "found": list(strategy.recommend(training.trials).point),
    }


def _weighed(weights: torch.Tensor) -> float:
    return float(weights.double() @ torch.arange(1.0, len(weights) + 1, dtype=torch.float64))


def everything() -> list[tuple[str, str]]:
    return [
        (recipe, space)
        for recipe in shipped("search")
        for space in SPACES
        if (space != "layers" or recipe not in NEED_EDGES) and recipe not in NEED_A_SPACE_OF_THEIR_OWN | TAKE_LONG
    ]


@pytest.mark.parametrize(("recipe", "space"), everything())
def test_it_asks_what_it_asked_before(recipe: str, space: str) -> None:
    before = json.loads(RECORD.read_text())[f"{recipe} {space}"]
    now = asked_by(recipe, space)
    assert now["weights"] == pytest.approx(before["weights"], rel=1e-4, abs=1e-5)
    assert {**now, "weights": []} == {**before, "weights": []}


if __name__ == "__main__":
    found = {f"{recipe} {space}": asked_by(recipe, space) for recipe, space in everything()}
    RECORD.write_text("{\n" + ",\n".join(f"{json.dumps(k)}: {json.dumps(v)}" for k, v in found.items()) + "\n}\n")

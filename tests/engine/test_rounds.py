"""Rounds of weight sharing in the one loop: recorded by epoch, resumed after a kill, refused without weights."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import netwright as nw
from netwright.core.errors import SearchFailed, StopSearch, UserError
from netwright.core.estimator import Estimator
from netwright.core.strategy import RoundStrategy
from netwright.core.trial import Measurement, Proposal, Trial
from netwright.estimators import SharedWeights
from netwright.store.rows import Asked
from netwright.store.writer import TrialWriter


class Tiny(nw.DecisionSpace):
    """Three layers, each of one of three kinds, for vectors."""

    traced_shape = nw.TaskShape((6,), 3)

    def network(self, choose: nw.Choose, shape: nw.TaskShape) -> nn.Module:
        kinds = {
            "linear": lambda: nn.Linear(shape.features, shape.features),
            "normal": lambda: nn.Sequential(nn.Linear(shape.features, shape.features), nn.BatchNorm1d(shape.features)),
            "skip": nn.Identity,
        }
        layers = [choose.one(f"layer{i}", kinds) for i in range(3)]
        return nn.Sequential(*layers, nn.Linear(shape.features, shape.classes))


SPACE = Tiny()
EPOCHS = 3


class Following(RoundStrategy):
    """Follows a mixture's gradient, with noise from the generator it is given; then asks for what it found."""

    bounded = True

    def __init__(self, space: nw.Space) -> None:
        self.space = space
        self.logits = {each.name: torch.zeros(len(each.options)) for each in space.decisions}
        self.trains, self.over, self.asked = False, False, False

    def ask(self, rng: np.random.Generator) -> Proposal:
        if self.asked:
            raise StopSearch("the weight training is over")
        if self.over:
            self.asked = True
            return Proposal(self.space.discretize(self.mixture()))
        noise = {
            name: torch.tensor(rng.normal(size=len(each)), dtype=torch.float32) for name, each in self.logits.items()
        }
        weights = {name: torch.softmax(each + 0.1 * noise[name], 0) for name, each in self.logits.items()}
        if self.trains:
            return Proposal(nw.Mixture(weights), "train")
        return Proposal(nw.Mixture({name: each.requires_grad_() for name, each in weights.items()}), "probe")

    def tell(self, trial: Trial) -> None:
        if trial.proposal.purpose == "probe":
            assert trial.measurement.gradient is not None
            for name, gradient in trial.measurement.gradient.items():
                self.logits[name] = self.logits[name] - gradient
        if trial.proposal.is_round:
            self.trains = not self.trains
            self.over = trial.metrics["progress"] == 1

    def mixture(self) -> nw.Mixture:
        return nw.Mixture({name: torch.softmax(each, 0) for name, each in self.logits.items()})

    def figures(self) -> Mapping[str, float]:
        return {"largest": max(float(each.max()) for each in self.logits.values())}

    def state_dict(self) -> dict[str, Any]:
        return {"logits": dict(self.logits), "trains": self.trains, "over": self.over}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self.logits, self.trains, self.over = dict(state["logits"]), state["trains"], state["over"]


def search(seed: int = 0) -> nw.Search:
    rng = np.random.default_rng(0)
    task = nw.tasks.arrays(rng.normal(size=(60, 6)).astype(np.float32), np.arange(60) % 3)
    estimator = SharedWeights(SPACE, task, epochs=EPOCHS, batch_size=8, device="cpu")
    return nw.Search(Following(SPACE), estimator, seed=seed)


def test_a_search_without_another_stop_records_epochs_and_the_architecture_it_found(tmp_path: Path) -> None:
    run = search().run(store=tmp_path / "p")
    assert [trial.proposal.purpose for trial in run.trials] == ["train"] * EPOCHS + ["evaluate"]
    assert run.stopped == "the weight training is over"
    epoch = run.trials[1]
    assert epoch.metrics["epoch"] == 2 and "largest" in epoch.metrics and "entropy" in epoch.metrics
    assert all(isinstance(value, float) for value in epoch.metrics.values())
    assert run.best.number == EPOCHS and run.best.architecture == SPACE.discretize(
        run.strategy.mixture() or nw.Mixture({})
    )
    assert run.table() == search().run().table()
    assert run.table() != search(seed=1).run().table()


KILLED = """
import os, sys
sys.path.insert(0, sys.argv[1])
from test_rounds import search
made, at = search(), int(sys.argv[3])
advance = type(made.estimator).advance
count = [0]
def counted(self, proposal):
    count[0] += 1
    if count[0] == at:
        os.kill(os.getpid(), 9)
    return advance(self, proposal)
type(made.estimator).advance = counted
made.run(store=sys.argv[2], name="r")
"""


@pytest.mark.skipif(os.name != "posix", reason="kill -9")
@pytest.mark.parametrize("at", [2, 11])
def test_a_search_killed_at_any_step_ends_as_the_uninterrupted_one(at: int, tmp_path: Path) -> None:
    code = [sys.executable, "-c", KILLED, str(Path(__file__).parent), str(tmp_path / "p"), str(at)]
    assert subprocess.run(code, timeout=120).returncode == -signal.SIGKILL
    before = search().run(store=tmp_path / "whole", name="r")
    resumed = (made := search()).run(store=tmp_path / "p", name="r", resume=True)
    assert resumed.table() == before.table()
    weights, expected = (each.search.estimator.weights.supernet.state_dict() for each in (resumed, before))  # pyright: ignore
    assert all(torch.equal(weights[name], expected[name]) for name in expected)
    assert made.run(store=tmp_path / "p", name="r", resume=True).table() == before.table()


def test_a_stored_search_is_loaded_with_its_weights_and_trains_nothing(tmp_path: Path) -> None:
    run = search().run(store=tmp_path / "p", name="r")
    loaded = search().load(tmp_path / "p", "r")
    assert loaded.table() == run.table() and loaded.best.architecture == run.best.architecture
    architecture = loaded.best.architecture
    estimators = [each.search.estimator for each in (run, loaded)]
    a, b = (each.estimate(Proposal(architecture), 0) for each in estimators)
    assert a == b
    again = SharedWeights(SPACE, estimators[0].task, trained=str(tmp_path / "p" / "shared" / "r"), device="cpu")  # pyright: ignore
    assert again.estimate(Proposal(architecture), 0) == a


def test_an_epoch_is_stored_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A question without an answer would be begun again as a trial, which an epoch is not."""
    asked: list[str] = []
    add = TrialWriter.add

    def noted(self: TrialWriter, record: Any) -> int:
        if isinstance(record, Asked):
            asked.append(record.proposal.purpose)
        return add(self, record)

    monkeypatch.setattr(TrialWriter, "add", noted)
    search().run(store=tmp_path / "p", name="r")
    assert asked == ["evaluate"]


def test_loading_trains_nothing_where_the_last_weights_are_damaged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = search().run(store=tmp_path / "p", name="r")
    newest = sorted((tmp_path / "p" / "shared" / "r").glob("*.safetensors"))[-1]
    newest.write_bytes(b"damaged")

    def trained(self: SharedWeights, proposal: Proposal) -> Measurement:
        raise AssertionError("a round was carried out")

    monkeypatch.setattr(SharedWeights, "advance", trained)
    loaded = search().load(tmp_path / "p", "r")
    assert loaded.table() == run.table() and loaded.best.architecture == run.best.architecture
    assert newest.read_bytes() == b"damaged"


class Plain(Estimator):
    def estimate(self, proposal: Proposal, seed: int) -> Measurement:
        return Measurement({"val_accuracy": 0.5})


def test_a_strategy_that_trains_needs_weights_to_train() -> None:
    with pytest.raises(UserError, match=r"SharedWeights"):
        nw.Search(Following(SPACE), Plain()).run()


def test_a_strategy_of_rounds_is_a_round_strategy() -> None:
    class Unsaid(nw.Strategy):
        bounded = True

        def __init__(self, space: nw.Space) -> None:
            self.space = space

        def ask(self, rng: np.random.Generator) -> Proposal:
            return Proposal(self.space.sample(rng), "train")

        def tell(self, trial: Trial) -> None:
            raise AssertionError("nothing was carried out")

    with pytest.raises(UserError, match=r"Unsaid asks for a round .* is no RoundStrategy"):
        nw.Search(Unsaid(SPACE), search().estimator).run()


class Broken(Following):
    def tell(self, trial: Trial) -> None:
        super().tell(trial)
        self.logits = {name: each * float("nan") for name, each in self.logits.items()}


def test_a_training_that_diverges_ends_the_search() -> None:
    made = search()
    with pytest.raises(SearchFailed, match=r"shared weights failed.*train_loss nan"):
        nw.Search(Broken(SPACE), made.estimator).run()

"""Methods written as scripts of rounds: what the base gives them, and what it refuses."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import netwright as nw
from netwright.core.errors import ConfigurationError, StopSearch
from netwright.core.trial import Measurement, Proposal
from netwright.estimators import SharedWeights
from netwright.strategies.rounds import Categoricals, Logits, Script, accumulate, evaluate, probe, rehearse, train
from netwright.testing import check_round_strategy


class Following(nw.Rounds):
    """Gradient steps of logits with Gumbel noise."""

    def __init__(self, space: nw.DecisionSpace, temperature: float = 1.0) -> None:
        self.space, self.temperature = space, temperature
        self.logits = Logits(space)

    def script(self, rng: np.random.Generator) -> Script:
        weights = self.logits.softmax(self.logits.values + self.temperature * self.logits.gumbel(rng))
        told = yield probe(self.logits.mixture(weights))
        self.logits.step(weights, told)
        yield train(self.logits.mixture())

    def mixture(self) -> nw.Mixture:
        return self.logits.mixture()


class Rewarded(nw.Rounds):
    """Probabilities that follow rewards; rounds after the step of the weights, a sum of gradients before it."""

    def __init__(self, space: nw.DecisionSpace, rate: float = 0.2) -> None:
        self.space, self.rate = space, rate
        self.policy = Categoricals(space)
        self.baseline: float | None = None
        self.seen: set[str] = set()
        self.best: nw.Architecture | None = None
        self.history: list[tuple[str, np.ndarray]] = []

    def script(self, rng: np.random.Generator) -> Script:
        yield accumulate(self.policy.draw(rng))
        yield train(self.policy.draw)
        for _ in range(2):
            told = yield probe(self.policy.draw(rng), memo={"step": self.progress.trained})
            assert told.proposal.memo == {"step": self.progress.trained}
            self.learn(told.proposal.candidate, float(told.metrics["accuracy"]))
        if self.progress.is_epoch_over:
            told = yield evaluate(self.policy.likeliest(), memo={"epoch": self.progress.epoch, "p": [0.5, None]})
            self.best = told.architecture if told.completed else self.best

    def learn(self, architecture: Any, reward: float) -> None:
        self.baseline = reward if self.baseline is None else 0.9 * self.baseline + 0.1 * reward
        for i, option in enumerate(architecture.point):
            if option >= 0:
                p = self.policy.probabilities[i]
                step = self.rate * (reward - self.baseline) * (self.policy.one_hot(i, architecture.point) - p)
                p = np.maximum(p + step, 1e-3)
                self.policy.probabilities[i] = p / p.sum()
        self.seen.add(str(architecture))
        self.history = [*self.history[-3:], (str(architecture), np.array([reward]))]

    def result(self) -> nw.Architecture:
        return self.best or self.policy.likeliest()


class WithOptimiser(nw.Rounds):
    """PyTorch's own optimiser and module; ends early, at the end of the second epoch."""

    def __init__(self, space: nw.DecisionSpace) -> None:
        self.space = space
        self.logits = {each.name: torch.zeros(len(each.options) + len(each.soft)) for each in space.decisions}
        for each in self.logits.values():
            each.requires_grad_()
        self.optimiser = torch.optim.Adam(self.logits.values(), lr=0.1)

    def script(self, rng: np.random.Generator) -> Script:
        told = yield rehearse(self.mixture())
        assert told.gradient is not None
        for name, gradient in told.gradient.items():
            self.logits[name].grad = gradient.clone()
        self.optimiser.step()
        yield train(self.mixture())
        if self.progress.epoch == 2:
            self.end("two epochs are enough")

    def mixture(self) -> nw.Mixture:
        return nw.Mixture({name: each.softmax(0).detach().requires_grad_() for name, each in self.logits.items()})


METHODS = [Following, Rewarded, WithOptimiser]


@pytest.mark.parametrize("method", METHODS)
def test_a_script_keeps_the_contract_of_rounds(method: type[nw.Rounds]) -> None:
    check_round_strategy(method)


class Vectors(nw.DecisionSpace):
    """Two layers, each of one of three kinds."""

    traced_shape = nw.TaskShape((6,), 3)

    def network(self, choose: nw.Choose, shape: nw.TaskShape) -> nn.Module:
        kinds = {"linear": lambda: nn.Linear(6, 6), "tanh": nn.Tanh, "skip": nn.Identity}
        return nn.Sequential(*(choose.one(f"layer{i}", kinds) for i in range(2)), nn.Linear(6, shape.classes))


SPACE = Vectors()
EPOCHS = 3


def search(method: type[nw.Rounds], **settings: Any) -> nw.Search:
    rng = np.random.default_rng(0)
    task = nw.tasks.arrays(rng.normal(size=(60, 6)).astype(np.float32), np.arange(60) % 3)
    estimator = SharedWeights(SPACE, task, epochs=EPOCHS, batch_size=8, device="cpu", **settings)
    return nw.Search(method(SPACE), estimator)


class Stopped(BaseException):
    """As if the process had been killed."""


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("rounds", [2, 8, 12])
def test_a_search_that_is_cut_off_ends_as_the_whole_one(
    method: type[nw.Rounds], rounds: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = search(method).run(store=tmp_path / "whole", name="r")
    advance, count = SharedWeights.advance, 0

    def cut_off(self: SharedWeights, proposal: Proposal) -> Measurement:
        nonlocal count
        count += 1
        if count == rounds:
            raise Stopped
        return advance(self, proposal)

    with monkeypatch.context() as patch:
        patch.setattr(SharedWeights, "advance", cut_off)
        with pytest.raises(Stopped):
            search(method).run(store=tmp_path / "p", name="r")
    resumed = search(method).run(store=tmp_path / "p", name="r", resume=True)
    assert resumed.table() == whole.table() and resumed.stopped == whole.stopped
    loaded = search(method).load(tmp_path / "p", "r")
    assert loaded.best.architecture == whole.best.architecture and loaded.table() == whole.table()


def test_what_the_asker_remembers_is_kept_with_the_trial(tmp_path: Path) -> None:
    search(Rewarded).run(store=tmp_path / "p", name="r")
    with nw.store.Store.open_readonly(tmp_path / "p") as store:
        stored = store.read_run("r").trials
    expected = [memo for epoch in (1, 2, 3) for memo in (None, {"epoch": epoch, "p": [0.5, None]})] + [None]
    assert [each.memo for each in stored] == expected
    loaded = search(Rewarded).load(tmp_path / "p", "r")  # from the last state, without asking again
    assert [each.proposal.memo for each in loaded.trials] == expected


def test_what_it_found_is_evaluated_and_epochs_have_their_alarms() -> None:
    run = search(Following).run()
    assert [each.proposal.purpose for each in run.trials] == ["train"] * EPOCHS + ["evaluate"]
    assert run.trials[-1].architecture == SPACE.discretize(run.strategy.mixture())  # pyright: ignore
    assert "entropy" in run.trials[0].metrics and run.stopped == "the weight training is over"
    early = search(WithOptimiser).run()
    assert early.stopped == "two epochs are enough"
    assert [each.proposal.purpose for each in early.trials] == ["train"] * 2 + ["evaluate"]


class Drawing(nw.Rounds):
    """One step of the weights of a random network in a turn."""

    def __init__(self, space: nw.DecisionSpace) -> None:
        self.space = space

    def script(self, rng: np.random.Generator) -> Script:
        yield train(self.space.sample(rng))

    def result(self) -> nw.Architecture:
        return self.space.at(1)


def test_nothing_is_asked_before_the_answer_nor_after_the_result() -> None:
    strategy, rng = Drawing(SPACE), np.random.default_rng(0)
    first = strategy.ask(rng)
    assert first is not None and first.purpose == "train" and strategy.ask(rng) is None
    over = {"loss": 1.0, "accuracy": 0.0, "progress": 1.0, "epoch": 1.0, "steps": 1.0}
    strategy.tell(nw.Trial(0, first, "completed", Measurement(over)))
    last = strategy.ask(rng)
    assert last is not None and last.candidate == SPACE.at(1)
    resumed = Drawing(SPACE)
    resumed.load_state_dict(strategy.state_dict())
    with pytest.raises(StopSearch, match="the weight training is over"):
        resumed.ask(rng)


def test_logits_follow_the_gradient_as_autograd_has_it() -> None:
    logits = Logits(SPACE)
    weights = logits.softmax()
    mixture = logits.mixture(weights)
    told = {name: torch.arange(3.0) for name in mixture.weights}
    before = logits.values
    expected = torch.autograd.grad(
        sum((before.softmax(1) @ torch.arange(3.0)).split(1)),
        before,
        retain_graph=True,  # pyright: ignore
    )[0]
    trial = nw.Trial(0, Proposal(mixture, "probe"), "completed", Measurement({}, told))
    logits.step(weights, trial)
    assert torch.equal((logits.values - before).sign(), -expected.sign())
    assert logits.values.detach().abs().max() == pytest.approx(3e-4, rel=1e-3)  # Adam's first step


class Endless(nw.Rounds):
    """One script for the whole training, which counts in a variable of its own."""

    def __init__(self, space: nw.DecisionSpace) -> None:
        self.space = space

    def script(self, rng: np.random.Generator) -> Script:
        while True:
            yield train(self.space.sample(rng))


class Nothing(Endless):
    def script(self, rng: np.random.Generator) -> Script:
        yield from ()


class Loose(Endless):
    def script(self, rng: np.random.Generator) -> Script:
        yield accumulate(self.space.sample(rng))


class Resultless(Endless):
    def script(self, rng: np.random.Generator) -> Script:
        yield train(self.space.sample(rng))


class Unkept(Resultless):
    def __init__(self, space: nw.DecisionSpace) -> None:
        self.space = space
        self.random = np.random.default_rng(0)


class Late(Resultless):
    def __init__(self, space: nw.DecisionSpace) -> None:
        self.space = space
        self.optimiser: Any = None

    def script(self, rng: np.random.Generator) -> Script:
        self.optimiser = self.optimiser or torch.optim.Adam([torch.zeros(1, requires_grad=True)])
        yield train(self.space.sample(rng))


class Unwritable(Resultless):
    def script(self, rng: np.random.Generator) -> Script:
        yield train(self.space.sample(rng))  # so that what is refused is the memo, whenever it is written
        yield evaluate(self.space.sample(rng), memo={"at": np.zeros(2)})


def test_a_memo_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    with pytest.raises(nw.core.errors.UserError, match=r"memo of a proposal holds .* expected numbers, text, None"):
        search(Unwritable).run(store=tmp_path / "p")


@pytest.mark.parametrize(
    ("method", "message"),
    [
        (Endless, r"Endless\.script went on through the ends of two epochs"),
        (Nothing, r"Nothing\.script asked nothing; expected a `yield train"),
        (Loose, r"Loose\.script ended after accumulate"),
        (Resultless, r"Resultless has no mixture; give it a method result"),
        (Unkept, r"Unkept\.random holds a Generator, which cannot be kept .* kept are numbers"),
        (Late, r"Late\.optimiser is kept by its state_dict, but a fresh object .* holds None there; make it in"),
    ],
)
def test_what_cannot_be_kept_or_done_is_refused_in_one_line(method: type[nw.Rounds], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message) as caught:
        search(method).run()
    assert "\n" not in str(caught.value)


def test_weights_that_diverge_end_the_search_with_a_line() -> None:
    with pytest.raises(nw.core.errors.SearchFailed, match="train_loss nan in epoch 1 of the shared weights"):
        search(Following, learning_rate=1e30, momentum=0.0, gradient_clip=None).run()

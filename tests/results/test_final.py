"""Final training and baselines on the built-in digits, with settings that take a second."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from torch import nn

from netwright import tasks
from netwright.core.choose import Choose
from netwright.core.errors import TrialFailed, UserError
from netwright.core.estimator import Estimator
from netwright.core.space import Space
from netwright.core.task import Examples, TaskShape
from netwright.core.trial import Measurement, Proposal
from netwright.estimators import Training
from netwright.networks.counting import count
from netwright.results import (
    Figures,
    Options,
    conclude,
    export_run,
    figures_of,
    logistic_regression,
    random_picks,
    report_lines,
    small_resnet,
    train_final,
)
from netwright.results.baselines import _drawn
from netwright.results.of_run import compare
from netwright.tasks.task import Task
from netwright.training import TrainingSettings, evaluate

SETTINGS = TrainingSettings(epochs=2, batch_size=128, learning_rate=0.05, precision="float32")


class Tiny(Space):
    def network(self, choose: Choose, shape: TaskShape) -> nn.Module:
        width = choose.value("width", [4, 8, 16, 32])
        act = choose.one("act", {"relu": nn.ReLU, "gelu": nn.GELU})
        return nn.Sequential(nn.Flatten(), nn.Linear(shape.features, width), act, nn.Linear(width, shape.classes))


@pytest.fixture(scope="module")
def digits() -> Task:
    return tasks.digits()


@pytest.fixture(scope="module")
def winner():
    return Tiny().architecture({"width": 32, "act": "relu"})


def test_every_seed_is_trained_and_tested(digits: Task, winner) -> None:
    seen: list[tuple[int, float]] = []

    def note(seed: int, entry: Mapping[str, float]) -> None:
        seen.append((seed, entry["epoch"]))

    found = train_final(Tiny(), winner, digits, SETTINGS, seeds=(3, 1), on_epoch=note)
    assert seen == [(3, 1), (3, 2), (1, 1), (1, 2)]
    assert [each.seed for each in found.trainings] == [3, 1] and found.exported_seed == 3
    data = digits.final_data("cpu")
    own = evaluate(found.network, digits.test, data)
    assert found.trainings[0].test_accuracy == pytest.approx(own["accuracy"])
    assert found.trainings[0].test_loss == pytest.approx(own["loss"], rel=1e-5)
    assert found.logits.shape == (len(digits.test), 10)
    assert found.params == 64 * 32 + 32 + 32 * 10 + 10
    assert found.trainings[0].test_loss != found.trainings[1].test_loss


def test_the_test_split_has_no_part_in_training(digits: Task, winner) -> None:
    blind = Task("blind", digits.train, Examples(255 - digits.test.inputs, digits.test.labels), digits.class_names)
    first, second = (train_final(Tiny(), winner, each, SETTINGS, seeds=(0,)) for each in (digits, blind))
    weights = zip(first.network.parameters(), second.network.parameters(), strict=True)
    assert all(torch.equal(a, b) for a, b in weights)
    assert not torch.equal(first.logits, second.logits)


def test_an_interrupted_final_training_goes_on(digits: Task, winner, tmp_path: Path) -> None:
    whole = train_final(Tiny(), winner, digits, SETTINGS, seeds=(0, 1))

    class Stop(Exception):
        pass

    def stop(seed: int, entry: Mapping[str, float]) -> None:
        if seed == 1:
            raise Stop

    with pytest.raises(Stop):
        train_final(Tiny(), winner, digits, SETTINGS, seeds=(0, 1), directory=tmp_path, on_epoch=stop)
    seen: list[int] = []
    again = train_final(
        Tiny(), winner, digits, SETTINGS, seeds=(0, 1), directory=tmp_path, on_epoch=lambda seed, _: seen.append(seed)
    )
    assert seen == [1]
    assert [each.test_accuracy for each in again.trainings] == [each.test_accuracy for each in whole.trainings]
    assert torch.equal(again.logits, whole.logits)


def test_a_seed_that_fails_is_named_and_all_failing_is_an_error(digits: Task, winner) -> None:
    wild = SETTINGS.replace(learning_rate=1e30, gradient_clip=None)
    with pytest.raises(TrialFailed, match="diverged"):
        train_final(Tiny(), winner, digits, wild, seeds=(0, 1))
    # What was found is trained for an epoch even where the time is over, so that it is not lost; but once only.
    late = train_final(Tiny(), winner, digits, SETTINGS.replace(epochs=500), seeds=(0, 1), deadline=0.0)
    assert [(each.epochs, each.stopped) for each in late.trainings] == [(1, "deadline")]
    assert list(late.failed) == [1] and "timeout" in late.failed[1]
    for seeds in ((), (1, 1)):
        with pytest.raises(UserError, match="seed"):
            train_final(Tiny(), winner, digits, SETTINGS, seeds=seeds)


def test_random_picks_are_others_and_keep_the_limits(digits: Task, winner) -> None:
    space = Tiny()

    def small(architecture) -> bool:
        return architecture["width"] <= 8

    picks = _drawn(space, winner, (0, 1, 2, 3), small)
    assert len(set(picks)) == 4 and all(small(each) for each in picks)
    assert picks == _drawn(space, winner, (0, 1, 2, 3), small)
    found = random_picks(space, winner, digits, SETTINGS, seeds=(0, 1), accept=small)
    counts = [count(space.build(each, digits.shape), digits.shape.input) for each in picks[:2]]
    assert found.params == sum(each.params for each in counts) / 2
    assert len(found.accuracies) == 2 and all(0.1 < each <= 1 for each in found.accuracies)
    with pytest.raises(UserError, match="no random architecture"):
        random_picks(space, winner, digits, SETTINGS, seeds=(0,), accept=lambda _: False)
    with pytest.raises(UserError, match="no further"):
        _drawn(space, winner, range(8), lambda _: True)


def test_logistic_regression_is_that_of_scikit_learn(digits: Task, monkeypatch: pytest.MonkeyPatch) -> None:
    found = logistic_regression(digits)
    x, y = (digits.train.inputs.flatten(1).double().numpy(), digits.train.labels.numpy())
    mean, std = x.mean(0), np.where(x.std(0) == 0, 1, x.std(0))
    model = LogisticRegression(max_iter=2000).fit((x - mean) / std, y)
    own = model.score((digits.test.inputs.flatten(1).double().numpy() - mean) / std, digits.test.labels.numpy())
    assert found.accuracies[0] == pytest.approx(own, abs=0.012)
    assert found.params == 650 and found.fixed and found.note == ""
    monkeypatch.setattr("netwright.results.baselines.MOST_NUMBERS", 64 * 400)
    assert logistic_regression(digits).note == "fitted to 25% of the examples"


def test_the_residual_network_is_for_images(digits: Task) -> None:
    found = small_resnet(digits, SETTINGS.replace(epochs=1), seeds=(0,), options=Options())
    assert found.name == "ResNet-8" and found.params and found.params > 70_000
    vectors = tasks.arrays(np.random.default_rng(0).normal(size=(40, 3)), np.arange(40) % 2)
    with pytest.raises(UserError, match="images"):
        small_resnet(vectors, SETTINGS)


class Untrained(Estimator):
    def estimate(self, proposal: Proposal, seed: int) -> Measurement:
        return Measurement({"val_accuracy": float(hash(proposal.candidate) % 7)})


def search_with(estimator: Estimator, *limits: str):
    from netwright import Search
    from netwright.strategies import RandomSearch

    return Search(RandomSearch(Tiny()), estimator, constraints=limits, seed=0)


def test_a_run_is_exported_in_one_call(digits: Task, tmp_path: Path) -> None:
    run = search_with(Training(Tiny(), digits, settings=SETTINGS, device="cpu"), "params <= 2k").run(
        trials=2, store=tmp_path / "store"
    )
    said: list[str] = []
    done = run.export(tmp_path / "best", final_epochs=3, final_seeds=2, on_progress=said.append)
    assert [each.name for each in done.figures.baselines] == ["random pick", "logistic regression", "ResNet-8"]
    assert done.figures.training["epochs"] == [3, 3]
    assert max(done.figures.winner.params or 0, done.figures.baselines[0].params or 0) <= 2000
    assert Figures.from_json(run.kept("final")["figures"]) == Figures.from_json(done.figures.as_json())
    assert "found network, seed 1: epoch 3 of 3" in said
    page = done.readme.read_text()
    assert "RandomSearch" in page and "best trial" in page
    said.clear()
    again = conclude(run, final_epochs=3, final_seeds=2, on_progress=said.append)
    assert again.figures == Figures.from_json(done.figures.as_json()) and said == []
    alone = conclude(run, final_epochs=3, final_seeds=1, baselines=False, on_progress=said.append)
    assert alone.figures.winner.accuracies == done.figures.winner.accuracies[:1] and said == []
    assert any("was not run: it was not asked for" in line for line in report_lines(alone.figures))


def test_an_estimator_that_does_not_train_is_named(tmp_path: Path) -> None:
    run = search_with(Untrained()).run(trials=2)
    with pytest.raises(UserError, match="Untrained has no space and no task and no settings"):
        export_run(run, tmp_path / "best")


def test_figures_are_json_and_name_what_failed(digits: Task, winner) -> None:
    import json

    found = train_final(Tiny(), winner, digits, SETTINGS, seeds=(0,))
    figures = figures_of(found, digits)
    assert json.loads(json.dumps(figures.as_json()))["test_examples"] == len(digits.test)
    assert figures.hardware["threads"] == torch.get_num_threads()


class Picky(Space):
    """Most of its networks cannot run: one layer's output is not as wide as the next one's input."""

    def network(self, choose: Choose, shape: TaskShape) -> nn.Module:
        width, given = (choose.value(name, [4, 5, 6, 7, 8, 9]) for name in ("width", "given"))
        return nn.Sequential(nn.Flatten(), nn.Linear(shape.features, width), nn.Linear(given, shape.classes))


class Late(Space):
    """All of its networks but one run, but cannot be trained."""

    def network(self, choose: Choose, shape: TaskShape) -> nn.Module:
        width = choose.value("width", [4, 5, 6])
        guard = FailsInTraining() if width != 4 else nn.Identity()
        return nn.Sequential(nn.Flatten(), nn.Linear(shape.features, width), guard, nn.Linear(width, shape.classes))


class FailsInTraining(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if self.training:
            raise RuntimeError("this layer\ncannot be trained")
        return x


def test_random_picks_that_cannot_run_are_drawn_again(digits: Task) -> None:
    space = Picky()
    winner = space.architecture({"width": 4, "given": 4})
    found = random_picks(space, winner, digits, SETTINGS.replace(epochs=1), seeds=range(4))
    assert len(found.accuracies) == 4


def test_a_baseline_that_breaks_is_skipped_with_its_reason(digits: Task, monkeypatch: pytest.MonkeyPatch) -> None:
    space = Late()
    final = train_final(space, space.architecture({"width": 4}), digits, SETTINGS, seeds=(0,))

    def broken(task: Task) -> None:
        raise ZeroDivisionError("something\nelse")

    monkeypatch.setattr("netwright.results.of_run.logistic_regression", broken)
    monkeypatch.setattr("netwright.results.of_run.small_resnet", lambda *_, **__: final.contender("ResNet"))
    found, skipped = compare(final, space, digits, (0, 1), "cpu")
    assert [each.name for each in found] == ["ResNet"]
    assert "RuntimeError: this layer" in skipped["random pick"]
    assert skipped["logistic regression"] == "ZeroDivisionError: something"

    def interrupted(task: Task) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("netwright.results.of_run.logistic_regression", interrupted)
    with pytest.raises(KeyboardInterrupt):
        compare(final, space, digits, (0, 1), "cpu")

"""Final training and baselines on the built-in digits, with settings that take a second."""

from __future__ import annotations

import contextlib
import shutil
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from torch import nn

import netwright as nw
from netwright import tasks
from netwright.core.choose import Choose
from netwright.core.decision_space import DecisionSpace
from netwright.core.errors import TrialFailed, UserError
from netwright.core.estimator import Estimator
from netwright.core.executor import Job
from netwright.core.space import Space
from netwright.core.task import Examples, TaskShape
from netwright.core.trial import Measurement, Proposal
from netwright.estimators import Training
from netwright.executors import Inline, Processes
from netwright.networks.committee import Committee
from netwright.networks.counting import count_predicting
from netwright.results import (
    Figures,
    NothingTrained,
    conclude,
    export_run,
    figures_of,
    logistic_regression,
    report_lines,
    train_final,
)
from netwright.results.baselines import _drawn, draw_picks
from netwright.results.entries import FOUND, FinalTraining
from netwright.results.final import train_and_test
from netwright.results.finals import Finals, Wanted, Winner
from netwright.results.time_left import Cost, Fit, fit
from netwright.tasks.task import Task
from netwright.training import TrainingSettings, evaluate
from netwright.training.checkpoint import newest, save
from netwright.training.progress import load_trained

SETTINGS = TrainingSettings(epochs=2, batch_size=128, learning_rate=0.05, precision="float32")


class Tiny(DecisionSpace):
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
    assert found.trainings[0].test["accuracy"] == pytest.approx(own["accuracy"])
    assert found.trainings[0].test["loss"] == pytest.approx(own["loss"], rel=1e-5)
    assert found.outputs.shape == (len(digits.test), 10)
    assert found.params == 64 * 32 + 32 + 32 * 10 + 10
    assert found.trainings[0].test["loss"] != found.trainings[1].test["loss"]


def test_the_test_split_has_no_part_in_training(digits: Task, winner) -> None:
    blind = Task("blind", digits.train, Examples(255 - digits.test.inputs, digits.test.targets), digits.class_names)
    first, second = (train_final(Tiny(), winner, each, SETTINGS, seeds=(0,)) for each in (digits, blind))
    weights = zip(first.network.parameters(), second.network.parameters(), strict=True)
    assert all(torch.equal(a, b) for a, b in weights)
    assert not torch.equal(first.outputs, second.outputs)


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
    assert [each.test["accuracy"] for each in again.trainings] == [each.test["accuracy"] for each in whole.trainings]
    assert torch.equal(again.outputs, whole.outputs)


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
    assert draw_picks(space, winner, digits, (0, 1), small) == picks[:2]
    with pytest.raises(UserError, match="no random architecture"):
        draw_picks(space, winner, digits, (0,), accept=lambda _: False)
    with pytest.raises(UserError, match="no further"):
        _drawn(space, winner, range(8), lambda _: True)


def test_logistic_regression_is_that_of_scikit_learn(digits: Task, monkeypatch: pytest.MonkeyPatch) -> None:
    found = logistic_regression(digits)
    x, y = (digits.train.inputs.flatten(1).double().numpy(), digits.train.targets.numpy())
    mean, std = x.mean(0), np.where(x.std(0) == 0, 1, x.std(0))
    model = LogisticRegression(max_iter=2000).fit((x - mean) / std, y)
    own = model.score((digits.test.inputs.flatten(1).double().numpy() - mean) / std, digits.test.targets.numpy())
    assert found.values[0] == pytest.approx(own, abs=0.012)
    assert found.params == 650 and found.fixed and found.note == ""
    monkeypatch.setattr("netwright.results.plain_references.MOST_NUMBERS", 64 * 400)
    assert logistic_regression(digits).note == "fitted to 25% of the examples"


def test_the_residual_network_is_for_images(digits: Task, winner, tmp_path: Path) -> None:
    vectors = tasks.arrays(np.random.default_rng(0).normal(size=(40, 3)), np.arange(40) % 2)
    for task, references in ((digits, {"ResNet-8"}), (vectors, {"boosted trees", "MLP of width 128"})):
        finals = finals_of(Tiny(), task, [Winner(winner)], tmp_path / task.name)
        finals.carry_out(Wanted(1, seeds=(0,)), Inline())
        assert set(finals.results) == {FOUND, "random pick", "logistic regression", *references}
        assert all(found[0].params > 70_000 for name, found in finals.results.items() if name == "ResNet-8")


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
    assert [each.name for each in done.figures.baselines] == [
        *("random pick", "logistic regression", "ResNet-8", "always the most frequent class"),
    ]
    assert done.figures.training["epochs"] == [5, 5]  # the first of them: two in the search, and three more
    assert max(done.figures.winner.params or 0, done.figures.baselines[0].params or 0) <= 2000
    assert Figures.from_json(run.kept("final")["figures"]) == Figures.from_json(done.figures.as_json())
    assert "found network, seed 0: epoch 3 of 5" in said and "found network, seed 1: epoch 5 of 5" in said
    page = done.readme.read_text()
    assert "RandomSearch" in page and "best trial" in page
    said.clear()
    again = conclude(run, final_epochs=3, final_seeds=2, on_progress=said.append)
    assert again.figures == Figures.from_json(done.figures.as_json()) and said == []
    alone = conclude(run, final_epochs=3, final_seeds=1, baselines=False, on_progress=said.append)
    assert alone.figures.winner.values == done.figures.winner.values[:1] and said == []
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


class Picky(DecisionSpace):
    """Most of its networks cannot run: one layer's output is not as wide as the next one's input."""

    def network(self, choose: Choose, shape: TaskShape) -> nn.Module:
        width, given = (choose.value(name, [4, 5, 6, 7, 8, 9]) for name in ("width", "given"))
        return nn.Sequential(nn.Flatten(), nn.Linear(shape.features, width), nn.Linear(given, shape.classes))


class Late(DecisionSpace):
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
    picks = draw_picks(space, winner, digits, range(4))
    assert len(set(picks)) == 4
    for pick in picks:
        space.build(pick, digits.shape)(digits.test.inputs[:2].float())


def finals_of(space: Space, task: Task, winners: list[Winner], folder: Path) -> Finals:
    return Finals(FinalTraining(space, task, SETTINGS), winners, {}, None, folder, lambda _: None)


def test_a_baseline_that_breaks_is_skipped_with_its_reason(
    digits: Task, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(task: Task, seconds: float | None = None) -> None:
        raise ZeroDivisionError("something\nelse")

    monkeypatch.setattr("netwright.results.reference_models.logistic_regression", broken)
    space = Late()
    finals = finals_of(space, digits, [Winner(space.architecture({"width": 4}))], tmp_path)
    finals.carry_out(Wanted(1, (0, 1)), Inline())
    assert set(finals.results) == {FOUND, "ResNet-8"} and set(finals.results[FOUND]) == {0, 1}
    assert "RuntimeError: this layer" in finals.skipped["random pick"]
    assert finals.skipped["logistic regression"] == "error: ZeroDivisionError: something"

    def interrupted(task: Task, seconds: float | None = None) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("netwright.results.reference_models.logistic_regression", interrupted)
    with pytest.raises(KeyboardInterrupt):
        finals_of(space, digits, finals.winners, tmp_path).carry_out(Wanted(1, (0, 1)), Inline())


def test_without_time_the_winner_is_trained_for_an_epoch_and_what_does_not_fit_is_named(
    digits: Task, winner, tmp_path: Path
) -> None:
    finals = finals_of(Tiny(), digits, [Winner(winner)], tmp_path)
    late = time.monotonic() - 1
    fitted = finals.carry_out(Wanted(5, (0, 1), deadline=late), Inline())
    assert fitted.epochs == 1 and finals.results.keys() == {FOUND}
    (done,) = finals.results[FOUND].values()
    assert done.record is not None and done.record.epochs == 1
    assert finals.left_out == ("logistic regression", "ResNet-8", "seed 1 of found network", "random pick")
    again = finals_of(Tiny(), digits, [Winner(winner)], tmp_path)
    again.carry_out(Wanted(1, (0, 1)), Inline())
    assert set(again.results) == {FOUND, "random pick", "logistic regression", "ResNet-8"} and not again.left_out
    assert again.results[FOUND][0].record == done.record, "what was trained is not trained again"


def test_how_long_the_winner_is_trained_follows_from_the_time_left() -> None:
    cost, others = Cost(1.0, 0.0), [Cost(1.0, 0.0)] * 8
    options = {"wanted": 20, "begun": 5}
    assert fit(cost, others, seconds=None, **options) == Fit(20, 8)
    assert fit(cost, others, seconds=1e6, **options) == Fit(20, 8)
    assert fit(cost, others, seconds=10, **options) == Fit(9, 0)
    assert fit(cost, others, seconds=0.5, **options) == Fit(0, 0)
    # 45 seconds: no second training of 25 epochs fits beside the first of 20, so that the first gets the time.
    assert fit(cost, others, seconds=45, **options) == Fit(42, 0)
    assert fit(cost, others, seconds=45, exact=True, **options) == Fit(20, 0)
    assert fit(cost, others, seconds=60, **options) == Fit(26, 1)
    assert fit(cost, others, seconds=1e3, slots=4, **options) == Fit(20, 8)


def a_run(digits: Task, store: Path | None, **settings) -> nw.Run:
    training = Training(Tiny(), digits, settings=SETTINGS, device="cpu", **settings)
    return search_with(training).run(trials=3, store=store)


@pytest.mark.parametrize("stored", [True, False])
def test_the_candidates_own_weights_go_on(digits: Task, stored: bool, tmp_path: Path) -> None:
    run = a_run(digits, tmp_path if stored else None)
    kept = run.weights(run.best)
    assert kept is not None
    network = Tiny().build(run.best.architecture, digits.shape)
    load_trained(network, kept)
    own = train_and_test(network, digits.final_data(), SETTINGS.replace(epochs=4), 0, device="cpu", begun=2)
    found = conclude(run, final_epochs=4, final_seeds=1, baselines=False)
    assert found.final.trainings[0].epochs == 6 and found.figures.winner.values == (own.record.test["accuracy"],)
    assert torch.equal(found.final.outputs, own.outputs)
    assert "trained on from 2 to 6 epochs" in found.figures.winner.note


def test_what_was_trained_goes_on_at_any_time(digits: Task, tmp_path: Path) -> None:
    run = a_run(digits, tmp_path)
    first = conclude(run, final_epochs=2, final_seeds=1, baselines=False)
    again = conclude(run, train=False, final_seeds=1, baselines=False)
    assert torch.equal(first.final.outputs, again.final.outputs)
    longer = conclude(run, final_epochs=3, final_seeds=2, baselines=False, further=True)
    assert [each.epochs for each in longer.final.trainings] == [7, 7]
    other = min(trial.number for trial in run.trials if trial.number != run.best.number)
    chosen = conclude(run, trial=other, final_epochs=1, final_seeds=1, baselines=False)
    assert chosen.final.architecture == run.trials[other].architecture
    assert chosen.figures.search["best trial"] == other
    with pytest.raises(UserError, match="no trial 9; it has 0 to 2"):
        conclude(run, trial=9)


def test_a_winner_that_was_not_trained_finally_is_read_as_the_search_left_it(digits: Task, tmp_path: Path) -> None:
    run = a_run(digits, tmp_path)
    found = conclude(run, train=False, final_seeds=1, baselines=False)
    assert found.final.trainings[0].epochs == 2 and "as the search has trained them" in found.figures.winner.note
    assert run.kept("final") is None
    shutil.rmtree(tmp_path / "trials")
    with pytest.raises(NothingTrained, match="neither kept nor trained"):
        conclude(run, train=False)


def test_going_on_never_makes_the_network_worse_on_the_validation_examples(digits: Task, tmp_path: Path) -> None:
    run = a_run(digits, tmp_path)
    ruined = run.search.estimator.settings.replace(learning_rate=30.0, gradient_clip=None, epochs=1)
    work = FinalTraining(Tiny(), digits, ruined)
    kept = run.weights(run.best)
    finals = Finals(work, [Winner(run.best.architecture, kept, 2)], {}, None, tmp_path / "f", lambda _: None)
    finals.carry_out(Wanted(1, (0,), baselines=False), Inline())
    record = finals.results[FOUND][0].record
    assert record is not None and record.epochs == 2
    assert any("worse on the validation examples" in each or "did not come to its end" in each for each in record.notes)
    before = conclude(run, train=False, final_seeds=1, baselines=False).figures.winner.values
    assert (record.test["accuracy"],) == before


@pytest.mark.parametrize("rate", [30.0, 1e30, 0.05])
def test_a_training_anew_that_comes_to_nothing_better_gives_way_to_the_weights_of_the_search(
    digits: Task, tmp_path: Path, rate: float
) -> None:
    run = a_run(digits, tmp_path)
    settings = run.search.estimator.settings.replace(learning_rate=rate, gradient_clip=None, epochs=12)
    winner = Winner(run.best.architecture, run.weights(run.best), 2, anew=True, passes=12.0)
    finals = Finals(FinalTraining(Tiny(), digits, settings), [winner], {}, None, tmp_path / "f", lambda _: None)
    finals.carry_out(Wanted(1, (0,), baselines=False), Inline())
    record = finals.results[FOUND][0].record
    before = conclude(run, train=False, final_seeds=1, baselines=False).figures.winner.values
    assert record is not None
    assert ((record.test["accuracy"],) == before) is (rate > 1)
    assert any("its weights are those of the search" in each for each in record.notes) is (rate > 1)


def test_a_winner_that_is_trained_anew_is_as_many_networks_as_time_allows(
    digits: Task, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They predict by the mean of their answers, leave as plain PyTorch, and are read again as they were."""
    monkeypatch.setattr(FinalTraining, "_is_better", lambda *_: False)  # whichever is, it is they that are handed over
    run = a_run(digits, tmp_path / "p", fidelity="seconds", seconds=0.2, keep_best=True)
    options = {"final_epochs": 1, "final_seeds": 1, "baselines": False}
    found = conclude(run, anew=True, copies=3, deadline=time.monotonic() + 60, **options)
    network = found.final.network
    assert isinstance(network, Committee) and len(network.networks) == 3
    images = digits.final_data().held_out.batch(0, 5).float()
    each = torch.stack([part(images) for part in network.networks])
    assert torch.allclose(network(images), each.mean(0)) and each.std(0).max() > 0
    single = count_predicting(Tiny().build(run.best.architecture, digits.shape), digits.shape.input)
    assert found.figures.winner.params == 3 * single.params
    assert any(note.startswith("3 networks of this architecture") for note in found.figures.notes)
    exported = found.export(tmp_path / "best")
    assert exported.verified_examples and exported.largest_difference < 1e-5
    again = conclude(run, train=False, **{**options, "final_epochs": None})
    assert torch.equal(again.final.outputs, found.final.outputs)


@pytest.mark.parametrize(("each", "networks"), [(0.2, 3), (9.0, 3), (14.0, 2), (20.0, 1)])
def test_how_many_networks_follows_from_what_one_takes(
    digits: Task, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, each: float, networks: int
) -> None:
    """Of 40 seconds, three quarters of which are for them."""
    run = a_run(digits, tmp_path / "p", fidelity="seconds", seconds=0.2, keep_best=True)
    monkeypatch.setattr(FinalTraining, "_is_better", lambda *_: False)
    monkeypatch.setattr("netwright.results.finals.measured", lambda *_: Cost(each, 0.0))
    options = {"final_epochs": 1, "final_seeds": 1, "baselines": False, "anew": True, "copies": 3}
    found = conclude(run, deadline=time.monotonic() + 40, **options)
    assert len(getattr(found.final.network, "networks", [None])) == networks


@pytest.mark.parametrize(("copies", "left_out"), [(1, 0), (3, 1)])
def test_a_further_seed_of_several_networks_takes_as_long_as_all_of_them(
    digits: Task, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, copies: int, left_out: int
) -> None:
    """Also where how many there are was decided before: 9 s each fit into 20 s, 27 s do not."""
    run = a_run(digits, tmp_path / "p", fidelity="seconds", seconds=0.2, keep_best=True)
    monkeypatch.setattr("netwright.results.finals.measured", lambda *_: Cost(9.0, 0.0))
    estimator: Any = run.search.estimator
    work = FinalTraining(Tiny(), digits, estimator.settings)
    winner = Winner(run.best.architecture, anew=True, copies=copies)
    finals = Finals(work, [winner], {}, None, tmp_path / "f", lambda _: None)
    wanted = Wanted(1, (0, 1), baselines=False, deadline=time.monotonic() + 20, decided=(1, copies), copies=copies)
    finals.carry_out(wanted, Inline())
    assert len(finals.left_out) == left_out and 0 in finals.results[FOUND]


def test_what_the_time_had_cut_short_is_trained_again_where_there_is_time(digits: Task, tmp_path: Path) -> None:
    """A contender that stopped too early says nothing of the winner, so that its place is not taken by it for ever."""
    run = a_run(digits, tmp_path / "p", fidelity="seconds", seconds=0.2, keep_best=True)
    options = {"final_epochs": 1, "final_seeds": 1}
    conclude(run, **options)
    (result,) = (tmp_path / "p" / "final").glob("*/ResNet-8-0-*/result")
    snapshot, _ = newest(result, torch.device("cpu"))
    assert snapshot is not None
    cut = {**snapshot.facts["trained"], "stopped": "deadline", "seconds": 0.01}
    save(result, replace(snapshot, facts={**snapshot.facts, "trained": cut}))
    read = conclude(run, train=False, **options).figures
    assert read.left_out == ("ResNet-8",)
    again = conclude(run, **options).figures
    assert not again.left_out and "ResNet-8" in [each.name for each in again.baselines]


class LastFirst(Inline):
    """Takes every job at once, and is done with the last one first."""

    slots = 100

    def submit(self, job: Job) -> None:
        self._waiting.appendleft(job)


def test_neither_the_order_in_which_trainings_end_nor_who_trains_is_told(digits: Task, tmp_path: Path) -> None:
    training = Training(nw.spaces.Mlp(widths=(4, 8)), digits, settings=SETTINGS, device="cpu")
    run = nw.Search(nw.strategies.RandomSearch(training.space), training).run(trials=1, store=tmp_path)
    alone = conclude(run, final_epochs=1, final_seeds=2).figures
    with contextlib.closing(Processes(2)) as workers:
        for executor in (LastFirst(), workers):
            shutil.rmtree(tmp_path / "final")
            found = conclude(run, final_epochs=1, final_seeds=2, executor=executor).figures
            assert [each.name for each in found.baselines] == [each.name for each in alone.baselines]
            for one, other in zip((found.winner, *found.baselines), (alone.winner, *alone.baselines), strict=True):
                assert (one.seeds, one.values) == (other.seeds, other.values)

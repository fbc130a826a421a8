"""Settings follow the steps at hand: the paper's at the paper's length, others in a short search, which says so."""

from __future__ import annotations

from typing import Any

import pytest

from netwright.catalogue import load
from netwright.cli.explaining import expectations, strategy_lines
from netwright.cli.plan import Plan
from netwright.core.errors import ConfigurationError
from netwright.core.trial import Measurement, Proposal
from netwright.estimators import SharedWeights
from netwright.methods import expectations as known
from netwright.methods.expectations import MEASURED, Measured, expected, steps_needed
from netwright.methods.timing import Pace, pace
from netwright.methods.weight_sharing import (
    FASTEST,
    FEWEST_EVALUATIONS,
    PUBLISHED_STEPS,
    Scale,
    affordable,
    logit_rate,
    statistics_from,
    training_steps,
)
from netwright.spaces import NasBench201
from netwright.tasks import Task, open_task

SPACE = NasBench201(channels=2, cells=1)
STEPS = (1, 60, 500, 2_000, 8_000, PUBLISHED_STEPS, 10 * PUBLISHED_STEPS)


@pytest.fixture(scope="module")
def task() -> Task:
    return open_task("digits", limit=120)


@pytest.mark.parametrize("published", [3e-4, 6e-4, 1e-3, 0.02])
def test_logits_are_faster_the_fewer_steps_there_are_and_never_slower_than_the_papers(published: float) -> None:
    rates = [logit_rate(published, steps) for steps in STEPS]
    assert rates == sorted(rates, reverse=True)
    assert rates[-2:] == [published, published]
    assert max(rates) == max(published, FASTEST)
    # As far as in the paper, where the fastest rate allows it.
    assert 8_000 * logit_rate(3e-4, 8_000) == pytest.approx(3e-4 * PUBLISHED_STEPS)


def test_statistics_are_of_more_images_the_longer_the_training_up_to_the_papers() -> None:
    minibatches = statistics_from(25_600, 1_000)
    published = Scale(1_281_167, 224, 120, {"batch_size": 1024, "split": 0.04})
    assert minibatches(published) == 25
    found = [
        minibatches(Scale(1_281_167, 32, epochs, {"batch_size": 64, "split": 0.9})) for epochs in range(1, 200, 10)
    ]
    assert found == sorted(found) and found[-1] == 400 > found[0]
    assert minibatches(Scale(5_000, 32, 1, {"batch_size": 64, "split": 0.2})) == 4
    assert minibatches(Scale(100, 32, 1, {"batch_size": 64, "split": 0.2})) == 2  # all there are
    assert minibatches(Scale(5_000, 32, 1, {"batch_size": 16, "split": 0.2})) == 16


def test_more_is_scored_the_longer_the_training_up_to_the_papers_number() -> None:
    published = Scale(1_281_167, 224, 120, {"batch_size": 1024, "split": 0.04})
    assert affordable(1_000, published, 25) == 1_000
    short = [affordable(1_000, Scale(5_000, 32, epochs, {"split": 0.2}), 4) for epochs in (1, 5, 13, 50, 500)]
    assert short == sorted(short) and short[0] == FEWEST_EVALUATIONS and short[-1] == 1_000
    # 13 epochs of 62 steps are three passes each; a look is at 1,000 images and 4 minibatches.
    assert short[2] == round(3 * 13 * 62 / (1_000 / 64 + 4))
    assert affordable(30, Scale(5_000, 32, 1, {"split": 0.2})) == 30


@pytest.mark.parametrize("recipe", ["darts", "gdas", "pc-darts", "proxylessnas", "snas", "milenas", "dropnas", "sgas"])
def test_gradient_recipes_move_their_logits_faster_in_a_short_search(recipe: str, task: Task) -> None:
    strategy: Any = load("search", recipe)(SPACE, task, epochs=2, device="cpu").strategy
    assert strategy.optimiser.learning_rate == FASTEST
    strategy = load("search", recipe)(SPACE, task, epochs=2, device="cpu", architecture_rate=5e-4).strategy
    assert strategy.optimiser.learning_rate == 5e-4


def test_recipes_without_adam_refuse_a_rate_of_the_architecture(task: Task) -> None:
    for recipe in ("fairnas", "xnas"):
        with pytest.raises(ConfigurationError, match=r"architecture_rate = 0\.1: expected a recipe whose logits"):
            load("search", recipe)(SPACE, task, epochs=2, device="cpu", architecture_rate=0.1)


def test_short_searches_score_few_architectures_and_given_numbers_hold(task: Task) -> None:
    def search(recipe: str, **options: Any) -> Any:
        return load("search", recipe)(SPACE, task, epochs=2, device="cpu", **options)

    assert search("single-path-one-shot").strategy.evaluations == 50
    assert search("single-path-one-shot", generations=7).strategy.evaluations == 350
    assert search("fairnas").strategy.evaluations == 70
    assert search("one-shot").strategy.evaluations == FEWEST_EVALUATIONS
    assert search("one-shot", evaluations=9).strategy.evaluations == 9
    assert search("random-weight-sharing").strategy.search.candidates == FEWEST_EVALUATIONS
    assert search("random-weight-sharing", candidates=60).strategy.search.candidates == 60


def test_a_long_search_scores_as_many_as_the_paper(task: Task) -> None:
    search: Any = load("search", "single-path-one-shot")(SPACE, task, epochs=20_000, device="cpu")
    assert search.strategy.evaluations == 1_000
    assert training_steps(search.estimator) == 20_000


@pytest.mark.parametrize(
    ("recipe", "said"),
    [
        ("darts", ["logits learn at 0.01"]),
        ("darts:architecture_rate=0.001", []),
        ("single-path-one-shot", ["50 architectures are scored, not 1,000"]),
        ("single-path-one-shot:recalibrate=1,generations=2", []),
        ("fairnas", ["70 architectures are scored, not 1,400"]),
    ],
)
def test_other_settings_than_the_papers_are_said_before_the_search(recipe: str, said: list[str], task: Task) -> None:
    plan = Plan(data="digits", recipe=recipe, device="cpu", shared_epochs=2)
    lines = [line for line in strategy_lines(plan, plan.make_search(task, SPACE)) if "fewer than the paper's" in line]
    assert len(lines) == bool(said)
    assert all(words in lines[0] for words in said)


def test_statistics_of_fewer_images_than_the_papers_are_said() -> None:
    larger = open_task("digits", limit=1_000)
    plan = Plan(data="digits", recipe="single-path-one-shot", device="cpu", shared_epochs=2)
    assert (
        "statistics for each are of 256 images, not 25,600" in strategy_lines(plan, plan.make_search(larger, SPACE))[-1]
    )


def test_of_a_long_search_nothing_is_said(task: Task) -> None:
    plan = Plan(data="digits", recipe="darts", device="cpu", shared_epochs=PUBLISHED_STEPS)
    assert len(strategy_lines(plan, plan.make_search(task, SPACE))) == 1


# What to expect.

FEW = (Measured(500, -0.1, 0.1, 2), Measured(2_000, 0.3, 0.05, 3, above=True))


def test_what_is_expected_is_what_was_measured_around_the_steps_at_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(known, "MEASURED", {"darts": FEW})
    assert "between -0.10 ± 0.10 (500 steps, n = 2) and 0.30 ± 0.05 (2,000 steps, n = 3)" in expected("darts", 900)
    assert "about -0.10" in expected("darts:order=2", 500) and known.WHERE in expected("darts", 500)
    assert "not measured below" in expected("darts", 20) and "not measured above" in expected("darts", 9_000)
    assert expected("mdenas", 20) == ""
    monkeypatch.setattr(known, "MEASURED", {"darts": FEW, "gdas": (Measured(500, 0.5, None, 1),)})
    assert steps_needed("gdas") is None  # its interval includes chance
    assert steps_needed("darts") == 2_000 and steps_needed("mdenas") is None


def test_too_few_steps_are_said_with_how_long_enough_would_take(monkeypatch: pytest.MonkeyPatch, task: Task) -> None:
    monkeypatch.setattr(known, "MEASURED", {"darts": FEW})
    plan = Plan("digits", recipe="darts", device="cpu", shared_epochs=2, shared_seconds=1.0, time="10s")
    line, warning = expectations(plan, plan.make_search(task, SPACE))
    assert line.startswith("expected: 2 steps")
    assert "after 2 steps shared weights are not known to rank networks better than chance; at least 2,000" in warning
    assert "16 min 40 s here" in warning and "leave --method out" in warning
    enough = Plan("digits", recipe="darts", device="cpu", shared_epochs=2_000)
    (line,) = expectations(enough, enough.make_search(task, SPACE))
    assert line.startswith("expected: 2,000 steps")
    assert expectations(Plan("digits"), plan.make_search(task, SPACE)) == []


def test_what_was_measured_is_in_order_and_of_recipes_that_there_are() -> None:
    assert {"single-path-one-shot", "gdas", "darts"} <= set(MEASURED)
    for recipe, found in MEASURED.items():
        assert load("search", recipe) and [each.steps for each in found] == sorted(each.steps for each in found)
        assert all(-1 <= each.tau <= 1 and (each.spread is None) == (each.n == 1) for each in found)


# How long it takes.


def test_an_epoch_is_timed_with_what_its_alarms_evaluate(task: Task, monkeypatch: pytest.MonkeyPatch) -> None:
    from netwright.estimators import SharedWeights

    now, plain = [0.0], SharedWeights.epoch
    monkeypatch.setattr("netwright.methods.timing.time.monotonic", lambda: now[0])

    def epoch(estimator: SharedWeights, mixture: Any) -> Any:
        now[0] += 7.0
        return plain(estimator, mixture)

    def advance(estimator: SharedWeights, proposal: Any) -> Any:
        now[0] += 1.0 if proposal.purpose == "train" else 5.0
        return rounds(estimator, proposal)

    rounds = SharedWeights.advance
    monkeypatch.setattr(SharedWeights, "epoch", epoch)
    monkeypatch.setattr(SharedWeights, "advance", advance)
    found = pace(load("search", "proxylessnas")(SPACE, task, epochs=8, device="cpu", batch_size=32))
    assert found.epoch == pytest.approx(1.1 * (2 * (1.0 + 5.0 / 5) + 7.0))  # 2 steps, and a probe for every fifth


@pytest.mark.parametrize("recipe", ["darts", "single-path-one-shot", "gdas", "proxylessnas"])
def test_a_training_of_a_single_step_is_timed_too(recipe: str, task: Task) -> None:
    found = pace(load("search", recipe)(SPACE, task, epochs=1, device="cpu", batch_size=64))
    assert found.epoch > 0 and found.evaluation > 0


def test_one_evaluation_of_what_is_found_is_left_room_for() -> None:
    assert Pace(epoch=2.0, evaluation=3.0).epochs(10.0) == 3
    assert Pace(epoch=2.0, evaluation=3.0).epochs(1.0) == 0


@pytest.mark.parametrize(("most", "steps"), [(0.0, 1), (1e9, 6)])
def test_no_further_step_is_timed_where_time_is_short(
    most: float, steps: int, task: Task, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    plain = SharedWeights.advance

    def advance(self: SharedWeights, proposal: Proposal) -> Measurement:
        asked.append(proposal.purpose)
        return plain(self, proposal)

    monkeypatch.setattr(SharedWeights, "advance", advance)
    pace(load("search", "darts")(SPACE, task, epochs=10, batch_size=4, device="cpu"), most)
    assert asked.count("train") == steps

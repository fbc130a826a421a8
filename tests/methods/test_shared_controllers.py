"""ENAS: two phases that take turns, with the settings of the authors' program (Pham et al. 2018)."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest

import netwright as nw
from kinds import text
from netwright.core.errors import UserError
from netwright.methods import enas, enas_macro, enas_rnn
from netwright.methods.shared_controllers import decaying, restarts
from netwright.methods.timing import pace
from netwright.strategies.reinforcement import Factorised, Learning, SharedController
from netwright.testing.check_round_strategy import Training
from netwright.training.optimisers import learning_rate

MACRO = nw.spaces.EnasMacro(layers=3, channels=2, operations=("conv_3x3", "max_pool_3x3"))


@pytest.fixture(scope="module")
def task() -> nw.Task:
    return nw.tasks.open_task("digits", limit=100)


def test_the_rate_begins_anew_as_in_the_authors_program() -> None:
    """src/utils.py: cosines of 10, 20, 40, ... epochs, which 150 and 310 epochs come to the end of."""
    assert [each["epochs"] for each in restarts(150)] == [10, 20, 40, 80]
    assert [each["epochs"] for each in restarts(310)] == [10, 20, 40, 80, 160]
    assert [each.get("goes_on", False) for each in restarts(150)] == [False, True, True, True]


@pytest.mark.parametrize("epochs", [1, 2, 9, 10, 29, 30, 31, 100, 309])
def test_shorter_trainings_have_fewer_cosines_and_end_with_the_last(epochs: int) -> None:
    lengths = [each["epochs"] for each in restarts(epochs)]
    assert sum(lengths) == epochs and min(lengths) >= min(10, epochs)
    assert all(abs(after - 2 * before) <= 2 for before, after in pairwise(lengths))


def test_the_stages_of_shared_weights_follow_these_cosines(task: nw.Task) -> None:
    estimator = enas_macro(MACRO, task, epochs=30, device="cpu").estimator
    estimator.begin(0)
    weights, found = estimator.weights, []
    for epoch in range(30):
        weights.stage, weights.step = int(epoch >= 10), epoch * weights.steps
        found.append(weights.rate)
    expected = [0.0005 + 0.5 * 0.0495 * (1 + math.cos(math.pi * t / 10)) for t in range(10)]
    expected += [0.0005 + 0.5 * 0.0495 * (1 + math.cos(math.pi * t / 20)) for t in range(20)]
    assert found == pytest.approx(expected)


def test_the_rate_for_recurrent_cells_stays_and_then_decays() -> None:
    stages = decaying(150, 20.0)
    rates = [each.get("learning_rate", 20.0) for each in stages for _ in range(each["epochs"])]
    assert rates == pytest.approx([20.0] * 15 + [20 * 0.96**number for number in range(1, 136)])
    short = decaying(10, 20.0)
    assert sum(each["epochs"] for each in short) == 10
    assert short[-1]["learning_rate"] == pytest.approx(20 * 0.96**135)


def test_an_epoch_of_the_weights_is_followed_by_the_controller_s_steps() -> None:
    strategy = SharedController(MACRO, steps=2, samples=3, candidates=4)
    asked = "".join(each.purpose[0] for each in Training(strategy, epochs=2, steps=5, seed=0).hold().asked)
    phases = "t" * 5 + "p" * 6 + "t" * 5 + "p" * 6
    assert asked.startswith(phases) and set(asked[len(phases) :]) == {"e"} and 2 <= len(asked) - len(phases) <= 5


def test_the_best_of_those_drawn_in_the_end_is_what_was_found() -> None:
    training = Training(SharedController(MACRO, steps=1, samples=1, candidates=8), epochs=1, steps=2, seed=0).hold()
    evaluated = [each for each in training.trials if each.completed][:-1]
    assert training.strategy.recommend(training.trials) == max(evaluated, key=lambda each: each.scores).architecture


def one_epoch(strategy: SharedController, metrics: Callable[[nw.Proposal], dict[str, float]]) -> list[nw.Proposal]:
    """The validation rounds behind an epoch of one step, told these metrics."""
    rng, asked = np.random.default_rng(0), list[nw.Proposal]()
    for _ in range(1 + strategy.probes_behind_epoch):
        proposal = strategy.ask(rng)
        assert proposal is not None
        asked.append(proposal)
        told = {**metrics(proposal), "progress": 0.5, "epoch": 1.0, "steps": 1.0}
        strategy.tell(nw.Trial(0, proposal, "completed", nw.Measurement(told)))
    assert [each.purpose for each in asked] == ["train"] + ["probe"] * strategy.probes_behind_epoch
    return asked[1:]


def test_it_learns_what_is_rewarded() -> None:
    """Told that only the operation of the first layer counts, it draws the better one more and more."""

    def good(proposal: nw.Proposal) -> float:
        return float(proposal.candidate.decisions["layer0/operation"] == "conv_3x3")

    strategy = SharedController(MACRO, Factorised(), Learning(learning_rate=0.3), steps=20, samples=4)
    asked = one_epoch(strategy, lambda proposal: {"loss": 1.0, "score": good(proposal)})
    assert np.mean([good(each) for each in asked[:8]]) <= 0.75 < 0.95 < np.mean([good(each) for each in asked[-20:]])


def test_what_is_not_a_number_teaches_nothing() -> None:
    strategy = SharedController(MACRO, Factorised(), steps=2, samples=2)
    one_epoch(strategy, lambda _: {"loss": math.nan, "score": math.nan})
    assert strategy.controller.baseline.value is None
    assert strategy.figures() == {"reward": 0.0}


@pytest.mark.parametrize(
    ("method", "space", "published"),
    [
        (enas, nw.spaces.NasNet(cells=3, channels=2, nodes=1, operations="enas"), (30 * 10, 281, 2e-4)),
        (enas_macro, MACRO, (50 * 20, 351, 5e-4)),
    ],
)
def test_settings_are_those_of_the_authors_program(method, space, published, task: nw.Task) -> None:
    search = method(space, task, epochs=4, device="cpu", batch_size=10)
    settings, (probes, steps, decay) = search.estimator.settings, published
    assert (settings.learning_rate, settings.minimum_learning_rate, settings.nesterov) == (0.05, 0.0005, True)
    assert (settings.epochs, settings.weight_decay) == (4, decay)
    of_an_epoch = len(task.train) * 0.8 // 10
    assert search.strategy.probes_behind_epoch == pytest.approx(
        probes * of_an_epoch / steps, abs=search.strategy.samples
    )
    assert learning_rate(settings, 0, 10) == 0.05


def test_the_skip_penalty_weighs_as_the_authors_sum_over_a_layer(task: nw.Task) -> None:
    """Theirs is the mean over layers of sums over connections, the controller's the mean over all connections."""
    space = nw.spaces.EnasMacro()
    learning = enas_macro(space, task, epochs=1, device="cpu").strategy.controller.learning
    assert (learning.skip_weight, learning.skip_target) == (pytest.approx(0.8 * 66 / 11), 0.4)


def test_a_planned_time_counts_the_controller_s_phase(task: nw.Task) -> None:
    short, long = (
        pace(enas_macro(MACRO, task, epochs=9, steps=steps, device="cpu", batch_size=10)).epoch for steps in (1, 400)
    )
    assert long > 10 * short


def test_recurrent_cells_are_rewarded_with_the_inverse_of_their_perplexity() -> None:
    space = nw.spaces.Recurrent(nodes=2, channels=4, output="loose")
    strategy = enas_rnn(space, text(), epochs=2, device="cpu", steps=1).strategy
    one_epoch(strategy, lambda _: {"loss": math.log(160.0), "score": 0.9})
    assert strategy.figures()["reward"] == pytest.approx(0.5)


def test_what_is_for_other_data_is_refused(task: nw.Task) -> None:
    with pytest.raises(
        UserError, match=r"enas-rnn finds recurrent cells .* the task is one answer for images; use enas"
    ):
        enas_rnn(nw.spaces.Recurrent(), task)
    with pytest.raises(
        UserError, match=r"enas finds networks for images, .* an answer at each place of tokens; use enas"
    ):
        enas(nw.spaces.Recurrent(), text())

"""A controller for which one operation after the other is opened."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from free_search import Cell, search

from netwright.strategies.reinforcement import (
    Controller,
    CurriculumController,
    Factorised,
    Learning,
    Lstm,
    PolicyGradient,
)
from netwright.strategies.reinforcement.curriculum import in_random_order, opened
from netwright.strategies.reinforcement.policy import answers_of, log_probabilities, taken
from netwright.testing import check_round_strategy, check_strategy
from netwright.testing.small_spaces import Layers


def taken_in(trials):
    return {option for trial in trials for option in trial.architecture.point}


def test_operations_open_one_after_the_other():
    strategy = PolicyGradient(Cell(4), Factorised(), Learning(learning_rate=1e-6), curriculum=15)
    trials = search(strategy, 75)
    order = ["abcde".index(label) for label in strategy._order]
    assert order[0] == 0 and sorted(order) == [0, 1, 2, 3, 4] != order
    for stage in range(5):
        assert taken_in(trials[15 * stage : 15 * stage + 15]) == set(order[: stage + 1])


def test_the_policy_is_a_distribution_over_what_is_open():
    made = Controller(Cell(2), Lstm(hidden=5, deviation=1.0))
    made.network.double()
    allowed = opened(made.sequence, ["a", "c", "e"])
    rng = np.random.default_rng(0)
    assert taken_in_points(made.draw(rng, allowed).architecture for _ in range(200)) == {0, 2, 4}
    assert taken_in_points(made.uniform(rng, allowed) for _ in range(200)) == {0, 2, 4}
    open_ones = [each for each in made.space.enumerate() if set(each.point) <= {0, 2, 4}]
    answers = answers_of(made.sequence, open_ones, allowed)
    with torch.no_grad():
        chances = taken(log_probabilities(made.network, answers), answers).sum(1).exp()
    assert len(open_ones) == 9 and chances.sum().item() == pytest.approx(1.0)


def taken_in_points(architectures):
    return {option for each in architectures for option in each.point}


def test_questions_about_something_else_and_those_without_an_open_operation_stay_open():
    sequence = Layers().sequence()
    allowed = opened(sequence, ["no such operation"])
    assert allowed.all()
    assert in_random_order(sequence, np.random.default_rng(0))[0] == "skip"
    only = opened(sequence, ["skip"])
    made = Controller(Layers(), Factorised())
    rng = np.random.default_rng(0)
    depths = {made.draw(rng, only).architecture for _ in range(60)}
    assert {each.to_json().count("skip") for each in depths} == {1, 2, 3, 4, 5}


def test_trials_with_a_curriculum_keep_to_the_protocol():
    check_strategy(
        lambda space: PolicyGradient(space, Factorised(), batch=2, repeats=False, curriculum=4), trials=9, exhausts=True
    )


def test_rounds_with_a_curriculum_keep_to_the_contract():
    check_round_strategy(lambda space: CurriculumController(space, Lstm(4), Learning(learning_rate=0.01)), Layers())

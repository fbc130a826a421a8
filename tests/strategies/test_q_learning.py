"""Q-learning as its papers have it: the table's fixed point, the schedule, the replay."""

from __future__ import annotations

import numpy as np
import pytest
from free_search import Cell, search

from netwright.core.errors import UserError
from netwright.strategies.reinforcement import QLearning
from netwright.strategies.reinforcement.q_table import QTable, Schedule
from netwright.testing import check_strategy
from netwright.testing.small_spaces import Layers

SPACE = Layers(2)


def rewards():
    return {each: float(np.sin(1 + 5 * k) / 2 + 0.5) for k, each in enumerate(SPACE.enumerate())}


@pytest.mark.parametrize("discount", [1.0, 0.5])
def test_the_table_reaches_its_fixed_point(discount):
    """Q(s, a) = r + discount max Q(s', .) at every state, where states are whole prefixes: by brute force."""
    known = rewards()
    table = QTable(SPACE.sequence(), window=None, rate=0.3, discount=discount)
    ways = {each: table.trajectory(each) for each in known}
    for _ in range(200):
        for each, way in ways.items():
            table.learn(way, known[each])
    best = {}  # what can still be reached
    for each, way in ways.items():
        for place, step in enumerate(way):
            best[step] = max(best.get(step, -1.0), known[each] * discount ** (len(way) - 1 - place))
    assert {step: table.values[step[0]][step[1]] for step in best} == pytest.approx(best, abs=1e-6)
    assert sum(np.isfinite(value) for row in table.values for value in row) == len(best)


def test_a_shaped_reward_is_shared_among_the_answers():
    """The value of an answer is the part of the reward that is left from there on."""
    table = QTable(SPACE.sequence(), window=None, rate=0.3, initial=0.0, shaped=True)
    way = max((table.trajectory(each) for each in SPACE.enumerate()), key=len)
    for _ in range(300):
        table.learn(way, 0.9)
    left = [0.9 * (len(way) - place) / len(way) for place in range(len(way))]
    assert len(way) > 2 and [table.values[row][option] for row, option in way] == pytest.approx(left)


def test_an_update_by_hand():
    """From the last answer to the first, each by a tenth of the way."""
    table = QTable(SPACE.sequence(), window=None, rate=0.1)
    way = table.trajectory(
        next(each for each in SPACE.enumerate() if len(SPACE.sequence().encode([each]).tokens[0]) > 1)
    )
    table.learn(way, 1.0)
    (row, option), (before, answer) = way[-1], way[-2]
    assert table.values[row][option] == pytest.approx(0.55)
    assert table.values[before][answer] == pytest.approx(0.5 + 0.1 * (0.55 - 0.5))


def test_epsilon_falls_as_the_authors_have_it():
    published = QLearning(Layers()).schedule
    schedule = Schedule(published)
    counts = {}
    for number in range(2700):
        counts[schedule.epsilon(number)] = counts.get(schedule.epsilon(number), 0) + 1
    assert counts == {
        **dict.fromkeys((0.9, 0.8, 0.7), 100),
        **dict.fromkeys((0.6, 0.5, 0.4, 0.3, 0.2, 0.1), 150),
        1.0: 1500,
    }
    assert schedule.epsilon(10_000) == 0.1
    shorter = Schedule(published, 270)
    assert [shorter.epsilon(number) for number in (0, 149, 150, 160, 269)] == [1.0, 1.0, 0.9, 0.8, 0.1]


def test_greedy_walks_take_the_best_and_random_ones_anything():
    table = QTable(SPACE.sequence(), window=None, rate=0.5)
    known = rewards()
    for each, value in known.items():
        way = table.trajectory(each)
        for _ in range(20):
            table.learn(way, value)
    rng = np.random.default_rng(0)
    assert known[table.walk(rng, 0.0)] == max(known.values())
    assert len({table.walk(rng, 1.0) for _ in range(300)}) == len(known)


@pytest.mark.parametrize("window", [0, 1, None])
def test_states_tell_apart_as_many_answers_as_they_are_meant_to(window):
    """In six independent choices of five options a row for each question, or for each answer before it, or all."""
    import netwright as nw

    space = nw.spaces.NasBench201(channels=4, cells=1)
    table, rng = QTable(space.sequence(), window), np.random.default_rng(0)
    for _ in range(200):
        table.trajectory(space.sample(rng))
    assert {0: len(table.values) == 6, 1: len(table.values) == 26, None: len(table.values) > 200}[window]


def test_it_keeps_to_the_protocol():
    check_strategy(lambda space: QLearning(space, models=20, replay=4), trials=12, exhausts=True)
    check_strategy(lambda space: QLearning(space, models=20, replay=2, shaped=True, window=None), trials=9)


def test_it_learns_and_asks_nothing_twice():
    strategy = QLearning(Cell(4), models=120)
    trials = search(strategy, 120)
    assert len({trial.architecture for trial in trials}) == 120
    found = [trial.scores[0] for trial in trials]
    assert np.mean(found[-40:]) > np.mean(found[:60]) + 0.5


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"models": 0}, "models is 0; expected a whole number of at least 1"),
        ({"rate": 2.0}, "rate is 2.0; expected a share"),
        ({"schedule": ((1.0, 0),)}, "schedule is .*; expected pairs of a number from 0 to 1"),
        ({"window": -1}, "window is -1"),
    ],
)
def test_bad_settings_are_named(settings, message):
    with pytest.raises(UserError, match=message):
        QLearning(Layers(), **settings)

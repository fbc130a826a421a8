"""MO-ASHA: rungs of several objectives in the order of an epsilon-net, against a naive one."""

from __future__ import annotations

import numpy as np
import pytest
from fidelity_parts import CELL, Known

import netwright as nw
from netwright.core.errors import ConfigurationError
from netwright.methods import mo_asha
from netwright.strategies import Asha
from netwright.strategies.evolution.ranking import epsilon_net
from netwright.testing import check_strategy


def naive(scores: np.ndarray) -> list[int]:
    """Front by front; within one always the point whose nearest of those before it is farthest."""
    left, found = list(range(len(scores))), []
    while left:
        front = [
            i for i in left if not any((scores[j] >= scores[i]).all() and (scores[j] > scores[i]).any() for j in left)
        ]
        points = scores[front]
        width = np.ptp(points, axis=0)
        unit = (points - points.min(axis=0)) / np.where(width > 0, width, 1)
        order = [int(points[:, 0].argmax())]
        while len(order) < len(front):
            rest = [k for k in range(len(front)) if k not in order]
            order.append(max(rest, key=lambda k: min(np.linalg.norm(unit[k] - unit[other]) for other in order)))
        found += [front[k] for k in order]
        left = [i for i in left if i not in front]
    return found


@pytest.mark.parametrize("objectives", [2, 3])
@pytest.mark.parametrize("seed", range(5))
def test_the_order_is_that_of_the_definition(objectives: int, seed: int) -> None:
    scores = np.random.default_rng(seed).random((40, objectives))
    assert epsilon_net(scores) == naive(scores)


def test_equal_points_and_none_are_ordered() -> None:
    assert epsilon_net(np.empty((0, 2))) == []
    assert epsilon_net(np.array([[1.0, 1.0], [1.0, 1.0], [0.0, 0.0]])) == [0, 1, 2]
    assert sorted(epsilon_net(np.array([[1.0, -np.inf], [0.5, 2.0], [0.0, 3.0]]))) == [0, 1, 2]


def test_the_ends_of_a_front_go_on_before_their_neighbours() -> None:
    line = np.array([[0.0, 1.0], [0.05, 0.95], [0.5, 0.5], [0.95, 0.05], [1.0, 0.0]])
    assert epsilon_net(line)[:3] == [4, 0, 2]


def test_what_is_promoted_comes_from_the_front_of_its_rung() -> None:
    search = nw.Search(mo_asha(CELL, least=1 / 3), Known(), objective=["val_accuracy", "cost_seconds:minimize"])
    run = search.run(trials=60)
    promoted = [trial for trial in run.trials if trial.proposal.parent is not None]
    assert len(promoted) > 10
    for trial in promoted[:5]:
        before = [each for each in run.trials[: trial.number] if each.share < 1 and each.completed]
        own = run.trials[trial.proposal.parent or 0].scores
        better = [each for each in before if all(a > b for a, b in zip(each.scores, own, strict=True))]
        assert len(better) < len(before) / 3


def test_it_is_a_strategy_whose_name_in_old_runs_stays() -> None:
    check_strategy(mo_asha, trials=24)
    assert "order" not in Asha(CELL).configuration()["arguments"]
    assert mo_asha(CELL).configuration()["arguments"]["order"] == "epsilon-net"
    with pytest.raises(ConfigurationError, match="order"):
        Asha(CELL, order="random")  # type: ignore[arg-type]

"""A controller beside the shared weights keeps the contract of round strategies."""

from __future__ import annotations

from netwright.strategies.reinforcement import PathController
from netwright.testing.check_round_strategy import check_round_strategy


def test_it_goes_on_alike_after_an_interruption():
    check_round_strategy(PathController)
    check_round_strategy(lambda space: PathController(space, warm_up=0.0))

"""A controller beside the shared weights keeps the contract of round strategies."""

from __future__ import annotations

from netwright.strategies.reinforcement import PathController
from netwright.testing.check_round_strategy import check_round_strategy


def test_it_goes_on_alike_after_an_interruption():
    for warm_up in (0.25, 0.0):
        check_round_strategy(lambda space, rest=warm_up: PathController(space, warm_up=rest))  # pyright: ignore

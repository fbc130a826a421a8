"""Progressive shrinking: which sizes are drawn when, and what a step trains."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from netwright.core.closest import largest, smallest
from netwright.core.errors import ConfigurationError, StopSearch
from netwright.core.trial import Measurement, Trial
from netwright.spaces import Mobile, NasBench201
from netwright.strategies.paths import ProgressiveShrinking, TrainThenSearch
from netwright.strategies.random_search import RandomSearch
from netwright.testing.check_round_strategy import check_round_strategy

SPACE = Mobile("mcu", kernels=(3, 5), expansions=(2, 3, 4), resolutions=(0.5, 1.0))


def options_drawn(strategy: ProgressiveShrinking, progress: float, draws: int = 60) -> dict[str, set]:
    """By kind of size what is drawn at this share of the training."""
    strategy.progress = progress
    rng, found = np.random.default_rng(0), {}
    for _ in range(draws):
        for architecture in strategy.step(rng):
            for name, label in architecture.decisions.items():
                found.setdefault(name.rpartition("/")[2], set()).add(label)
    return found


def test_the_largest_and_the_smallest_take_the_ends_of_all_sizes():
    top, bottom = largest(SPACE).decisions, smallest(SPACE).decisions
    assert {top[name] for name in top if name.endswith("expansion")} == {4}
    assert {bottom[name] for name in bottom if name.endswith(("kernel", "expansion"))} == {3, 2}
    assert (top["resolution"], bottom["resolution"]) == (1.0, 0.5)
    assert (top["stage1/depth"], bottom["stage1/depth"]) == (3, 1)
    assert len(bottom) < len(top)  # layers that are not there have no sizes
    assert set(largest(NasBench201()).content) == {0}  # of modules the first


def test_kinds_of_sizes_open_one_after_the_other():
    strategy = ProgressiveShrinking(SPACE, full=0.25)
    alone = options_drawn(strategy, 0.2)
    assert all(len(labels) == 1 for name, labels in alone.items() if name not in ("width",))
    second = options_drawn(strategy, 0.3)
    assert second["kernel"] == {3, 5} and second["resolution"] == {0.5, 1.0}
    assert second["depth"] == {3, 1} - {1} and second["expansion"] == {4}
    begun, later = options_drawn(strategy, 0.51), options_drawn(strategy, 0.7)
    assert begun["depth"] == {2, 3} and later["depth"] == {1, 2, 3} and later["expansion"] == {4}
    begun, later = options_drawn(strategy, 0.76), options_drawn(strategy, 0.99)
    assert begun["expansion"] == {3, 4} and later["expansion"] == {2, 3, 4} and later["depth"] == {1, 2, 3}


def test_a_step_trains_one_two_then_four_networks_whose_gradients_add_up():
    strategy = ProgressiveShrinking(SPACE, full=0.1)
    rng = np.random.default_rng(1)
    for progress, count in ((0.0, 1), (0.2, 1), (0.5, 2), (0.9, 4)):
        strategy.progress = progress
        asked = [strategy.ask(rng) for _ in range(count)]
        assert [each.purpose for each in asked] == ["accumulate"] * (count - 1) + ["train"]
    strategy.tell(Trial(0, asked[-1], "completed", Measurement({"progress": 1.0}), (), 0.0, ""))
    with pytest.raises(StopSearch):
        strategy.ask(rng)


def test_the_sandwich_has_the_ends_of_what_is_open():
    strategy = ProgressiveShrinking(SPACE, full=0.1, sandwich=True)
    strategy.progress = 0.95
    step = strategy.step(np.random.default_rng(0))
    assert step[0] == largest(SPACE) and step[1] == smallest(SPACE) and len(step) == 6


def test_phases_and_paths_go_together():
    with pytest.raises(ConfigurationError, match="expected a number for each"):
        ProgressiveShrinking(SPACE, phases=("depth",))


@pytest.mark.parametrize("space", [None, Mobile("mcu", expansions=(2,), kernels=(3, 5))], ids=["layers", "mobile"])
def test_it_goes_on_alike_after_an_interruption(space):
    def make(space: Any) -> TrainThenSearch:
        return TrainThenSearch(ProgressiveShrinking(space, full=0.3), RandomSearch(space), 4)

    check_round_strategy(make, space)

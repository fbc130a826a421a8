"""Size and peak memory as limits and objectives of a search: known before anything is trained."""

import numpy as np
import pytest
import safetensors.torch

from netwright.core.errors import UserError
from netwright.core.task import TaskShape
from netwright.engine import Search
from netwright.engine.preflight import preflight
from netwright.estimators import Footprint, Stack, Training
from netwright.spaces import Chain
from netwright.strategies import RandomSearch
from netwright.tasks import open_task
from netwright.testing import check_estimator

SHAPE = TaskShape((1, 8, 8), 10)


@pytest.fixture(scope="module")
def training():
    return Training(Chain(width=4), open_task("digits"), epochs=1, steps_per_epoch=1)


def test_the_contract_and_a_file():
    space = Chain(width=4)
    footprint = Footprint(space, SHAPE)
    check_estimator(footprint, space)
    architecture = space.sample(np.random.default_rng(3))
    weights = space.build(architecture, SHAPE).state_dict().items()
    kept = {name: each for name, each in weights if not name.endswith("num_batches_tracked")}
    assert footprint.figures(architecture)["size"] == len(safetensors.torch.save(kept, {"format": "pt"}))


def test_a_search_that_asks_for_them_measures_them_once(training):
    limits = ["size <= 60 kB", "peak_memory <= 12 kB"]
    search = Search(RandomSearch(training.space), training, constraints=limits)
    again = search.replace(seed=1)
    for each in (search, again):
        assert [type(stage).__name__ for stage in each.estimator.stages()] == ["Footprint", "Cost", "Training"]
    run = search.run(trials=2, preflight=False)
    kept = [each for each in run.trials if each.completed]
    assert kept and all(each.metrics["size"] <= 60_000 and each.metrics["peak_memory"] <= 12_000 for each in kept)
    broken = [each for each in run.trials if each.state == "infeasible"]
    assert all("val_accuracy" not in each.metrics and "breaks the limit" in each.reason for each in broken)


def test_a_search_that_does_not_ask_has_no_further_stage(training):
    assert Search(RandomSearch(training.space), training, constraints="params <= 1M").estimator is training


def test_it_may_stand_there_already(training):
    stack = Stack(Footprint(training.space, training.task.shape), training)
    assert Search(RandomSearch(training.space), stack, constraints="size <= 1 MB").estimator is stack


def test_a_limit_that_no_network_keeps_is_refused_before_the_search_with_the_nearest(training):
    space = Chain(width=4, least=2, most=2)
    search = Search(RandomSearch(space), training.replace(space=space), constraints="size <= 10")
    with pytest.raises(UserError, match=r"no network keeps the limit size <= 10: the smallest of .* size"):
        preflight(search, exports=False)

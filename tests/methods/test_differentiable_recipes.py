"""The recipes of differentiable search: the papers' settings, and whole searches on shared weights."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from netwright.core.errors import ConfigurationError
from netwright.core.trial import Trial
from netwright.engine import Search
from netwright.estimators import SharedWeights
from netwright.methods.gates import proxylessnas
from netwright.methods.robust import dropnas, robust_darts
from netwright.methods.sampling import data_nas, gdas, snas
from netwright.methods.shrinking import da_nas, pdarts, stage_lengths
from netwright.methods.two_level import darts, darts_second_order, milenas, pc_darts, xnas
from netwright.spaces import Darts, NasBench201
from netwright.strategies.differentiable import Differentiable, ProgressiveShrinking
from netwright.tasks import Task, open_task
from netwright.testing.small_spaces import Layers

SPACE = NasBench201(channels=4, cells=1)


@pytest.fixture(scope="module")
def task() -> Task:
    return open_task("digits", limit=120)


def settings_of(search: Search) -> dict[str, Any]:
    estimator = search.estimator
    assert isinstance(estimator, SharedWeights)
    return {**estimator.settings.arguments, **estimator.arguments}


@pytest.mark.parametrize(
    ("recipe", "expected"),
    [
        (darts, {"epochs": 50, "batch_size": 64, "learning_rate": 0.025, "minimum_learning_rate": 0.001, "order": 1}),
        (darts, {"momentum": 0.9, "weight_decay": 3e-4, "gradient_clip": 5.0, "split": 0.5, "nesterov": False}),
        (darts_second_order, {"order": 2}),
        (milenas, {"epochs": 50, "batch_size": 64}),
        (snas, {"epochs": 150, "drop_path": 0.3, "split": 0.1, "drop_path_shape": "constant"}),
        (gdas, {"epochs": 250, "weight_decay": 5e-4, "nesterov": True}),
        (data_nas, {"epochs": 100}),
        (proxylessnas, {"epochs": 160, "batch_size": 256, "label_smoothing": 0.1, "weight_decay": 4e-5}),
        (xnas, {"epochs": 50}),
        (pc_darts, {"batch_size": 256, "learning_rate": 0.1, "partial_channels": 4}),
        (pdarts, {"epochs": 75, "batch_size": 96, "minimum_learning_rate": 0.0}),
        (dropnas, {"epochs": 76, "batch_size": 96, "learning_rate": 0.0375, "gradient_clip": 3.0}),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_weights_train_as_in_the_paper(recipe: Any, expected: dict[str, Any], task: Task) -> None:
    found = settings_of(recipe(SPACE, task, device="cpu"))
    assert {name: found[name] for name in expected} == expected


def test_logits_learn_as_in_the_paper(task: Task, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("netwright.methods.weight_sharing.PUBLISHED_STEPS", 1)  # so that this search is no short one

    def strategy_of(recipe: Any, space: Any = SPACE) -> Differentiable:
        strategy = recipe(space, task, device="cpu").strategy
        assert isinstance(strategy, Differentiable)
        return strategy

    assert repr(strategy_of(darts).optimiser) == "Adam()"
    assert repr(strategy_of(gdas).relaxation) == "StraightThrough()"
    assert (
        repr(strategy_of(proxylessnas).optimiser) == "Adam(learning_rate=0.001, betas=(0.0, 0.999), weight_decay=0.0)"
    )
    assert (strategy_of(proxylessnas).every, strategy_of(proxylessnas).warm_up) == (5, 41 / 160)
    assert repr(strategy_of(pdarts).optimiser) == "Adam(learning_rate=0.0006, clip=5.0)"
    assert [strategy_of(each).level for each in (snas, dropnas, milenas, darts)] == ["one", "one", "mixed", "two"]
    small = Darts(nodes=2, channels=4, cells=3)
    assert strategy_of(pc_darts, small).arguments["edge_weights"]
    assert not strategy_of(pc_darts).arguments["edge_weights"]  # all sources are read there


def test_stages_of_p_darts(task: Task) -> None:
    estimator = pdarts(Darts(channels=4), task, device="cpu").estimator
    stages = estimator.arguments["stages"]
    assert [stage["cells"] for stage in stages] == [5, 11, 17]
    assert [stage["epochs"] for stage in stages] == [25, 25, 25]
    assert [stage["warm_up"] for stage in stages] == [10, 10, 10]
    assert [stage_lengths(n, 3) for n in (1, 2, 3, 5, 75)] == [[1], [1, 1], [1, 1, 1], [2, 2, 1], [25, 25, 25]]


def test_stages_of_da_nas(task: Task) -> None:
    search = da_nas(SPACE, task, epochs=70, device="cpu")
    stages = settings_of(search)["stages"]
    assert [(each["epochs"], each["classes"], each.get("goes_on", False)) for each in stages] == [
        *((10, 0.25, False), (20, 0.5, True), (40, 1.0, True)),
    ], "each as often over its part of the data"
    assert isinstance(search.strategy, Differentiable)
    shrinking = search.strategy.shrinking
    assert isinstance(shrinking, ProgressiveShrinking)
    assert shrinking.ends == (10 / 70, 30 / 70) and not shrinking.anew and shrinking.most_skips is None
    assert [each["epochs"] for each in settings_of(da_nas(SPACE, task, epochs=3, device="cpu"))["stages"]] == [1, 1, 1]
    assert not settings_of(da_nas(SPACE, task, epochs=2, device="cpu"))["stages"]
    with pytest.raises(ConfigurationError, match="expected growing shares up to 1"):
        da_nas(SPACE, task, classes=(0.5, 0.25, 1.0), device="cpu")


def test_options_of_low_weight_leave_da_nas(task: Task) -> None:
    run = da_nas(SPACE, task, epochs=4, device="cpu", batch_size=30, alarms=False).run()
    epochs = [each for each in run.trials if each.proposal.purpose == "train"]
    assert [each.metrics["options"] for each in epochs] == [30.0, 18.0, 12.0, 12.0], "of 5 options 3, then 2"


def test_settings_replace_the_papers(task: Task) -> None:
    found = settings_of(gdas(SPACE, task, epochs=2, device="cpu", batch_size=10, weight_decay=0.0))
    assert (found["epochs"], found["batch_size"], found["weight_decay"]) == (2, 10, 0.0)


def test_partial_channels_need_edges(task: Task) -> None:
    with pytest.raises(ConfigurationError, match="partial_channels=4 needs nodes"):
        pc_darts(Layers(2), task, device="cpu").run()


@pytest.mark.parametrize("recipe", [darts, gdas, pdarts, dropnas], ids=lambda recipe: recipe.__name__)
def test_a_whole_search(recipe: Any, task: Task) -> None:
    run = recipe(SPACE, task, epochs=2, device="cpu", batch_size=30, alarms=False).run()
    assert [trial.proposal.purpose for trial in run.trials] == ["train", "train", "evaluate"]
    assert run.best is run.trials[-1]
    SPACE.validate(run.best.architecture)


WHOLE: dict[Any, Any] = {}  # of each recipe, the run that nobody interrupted


@pytest.mark.parametrize("after", [1, 2])
@pytest.mark.parametrize("recipe", [robust_darts, gdas, data_nas, da_nas], ids=lambda recipe: recipe.__name__)
def test_a_whole_search_goes_on_after_an_interruption(recipe: Any, after: int, task: Task, tmp_path: Path) -> None:
    ended: list[Trial] = []

    def search() -> Search:
        return recipe(SPACE, task, epochs=3 if recipe is da_nas else 2, device="cpu", batch_size=30, alarms=False)

    def stop(trial: Trial) -> None:
        ended.append(trial)
        if len(ended) == after:
            raise KeyboardInterrupt

    if recipe not in WHOLE:
        WHOLE[recipe] = search().run()
    whole = WHOLE[recipe]
    with pytest.raises(KeyboardInterrupt):
        search().run(store=tmp_path, name="r", on_trial=stop)
    resumed = search().run(store=tmp_path, name="r", resume=True)
    assert resumed.best.architecture == whole.best.architecture
    for first, second in zip(whole.trials, resumed.trials, strict=True):
        compared = [{k: v for k, v in each.metrics.items() if k != "peak_memory"} for each in (first, second)]
        assert compared[0] == compared[1]
    if recipe is robust_darts:
        assert "eigenvalue" in whole.trials[0].metrics  # also where an epoch is a single step

"""Whatever is given in place of an object that a public entry takes is told in one line, with how to make one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader, TensorDataset

import netwright as nw
from netwright.benchmarks import Problem, compare
from netwright.benchmarks.auditing import audit
from netwright.core.errors import ConfigurationError, DataError, NetwrightError
from netwright.core.kinds import expect, kinds_checked

X, Y = np.zeros((20, 4), dtype=np.float32), np.arange(20) % 2
TASK = nw.tasks.arrays(np.random.default_rng(0).normal(size=(80, 4)), np.arange(80) % 2)
SPACE = nw.spaces.Mlp()
COST = nw.estimators.Cost(SPACE, TASK.shape)
RANDOM = nw.strategies.RandomSearch(SPACE)
SEARCH = nw.Search(RANDOM, COST, objective="params")
RUN = SEARCH.run(trials=1)
ARCHITECTURE = RUN.best.architecture
SETTINGS = nw.TrainingSettings(epochs=1)
LOADER = DataLoader(TensorDataset(torch.zeros(4, 2), torch.zeros(4)))

ENTRIES: dict[str, tuple[str, Callable[[Any], object]]] = {
    "Search: strategy": ("Strategy", lambda w: nw.Search(w, COST)),
    "Search: estimator": ("Estimator", lambda w: nw.Search(RANDOM, w)),
    "one of Search: objective": ("Objective", lambda w: nw.Search(RANDOM, COST, objective=[w])),
    "one of Search: constraints": ("Constraint", lambda w: nw.Search(RANDOM, COST, constraints=[w])),
    "Search.run: executor": ("Executor", lambda w: SEARCH.run(trials=1, executor=w)),
    "Search.run: store": ("Store", lambda w: SEARCH.run(trials=1, store=w)),
    "Search.run: retries": ("RetryPolicy", lambda w: SEARCH.run(trials=1, retries=w)),
    "Search.load: store": ("Store", lambda w: SEARCH.load(w)),
    "Training: space": ("Space", lambda w: nw.estimators.Training(w, TASK)),
    "Training: task": ("Task", lambda w: nw.estimators.Training(SPACE, w)),
    "Training: settings": ("TrainingSettings", lambda w: nw.estimators.Training(SPACE, TASK, settings=w)),
    "SharedWeights: space": ("Space", lambda w: nw.estimators.SharedWeights(w, TASK)),
    "SharedWeights: task": ("Task", lambda w: nw.estimators.SharedWeights(SPACE, w)),
    "ZeroCost: space": ("Space", lambda w: nw.estimators.ZeroCost(w, TASK)),
    "ZeroCost: task": ("Task", lambda w: nw.estimators.ZeroCost(SPACE, w)),
    "Filter: estimator": ("Estimator", lambda w: nw.estimators.Filter(w, COST)),
    "Filter: proxy": ("Estimator", lambda w: nw.estimators.Filter(COST, w)),
    "Stack: estimators": ("Estimator", lambda w: nw.estimators.Stack(COST, w)),
    "Predicted: predictor": ("Predictor", lambda w: nw.estimators.Predicted(w)),
    "Table: space": ("Space", lambda w: nw.estimators.Table(w, "results.csv")),
    "Cost: space": ("Space", lambda w: nw.estimators.Cost(w, TASK.shape)),
    "Cost: shape": ("TaskShape", lambda w: nw.estimators.Cost(SPACE, w)),
    "RandomSearch: space": ("Space", lambda w: nw.strategies.RandomSearch(w)),
    "RegularizedEvolution: space": ("Space", lambda w: nw.strategies.RegularizedEvolution(w)),
    "LatentGradient: space": ("Space", lambda w: nw.methods.nao(w)),
    "Hyperband: sampler": ("Strategy", lambda w: nw.strategies.Hyperband(SPACE, sampler=w)),
    "BayesianOptimization: predictor": (
        "Predictor",
        lambda w: nw.strategies.BayesianOptimization(SPACE, predictor=w),
    ),
    "WarmStart: strategy": ("Strategy", lambda w: nw.strategies.WarmStart(w, [ARCHITECTURE])),
    "one of Listed: architectures": ("Architecture", lambda w: nw.strategies.Listed(SPACE, [w])),
    "Ranked: predictor": ("Predictor", lambda w: nw.predictors.Ranked(w)),
    "best: space": ("Space", lambda w: nw.predictors.best(w)),
    "Supernet: space": ("Space", lambda w: nw.supernets.Supernet(w, TASK.shape)),
    "Supernet: shape": ("TaskShape", lambda w: nw.supernets.Supernet(SPACE, w)),
    "Mlp.build: shape": ("TaskShape", lambda w: SPACE.build(ARCHITECTURE, w)),
    "a problem's estimator": ("Estimator", lambda w: Problem(w, "params")),
    "one of compare: problems": ("BenchmarkProblem", lambda w: compare("random", [w], evaluations=1)),
    "audit: run": ("Run", lambda w: audit(w)),
    "export_run: run": ("Run", lambda w: nw.results.export_run(w, "nowhere")),
    "conclude: run": ("Run", lambda w: nw.results.conclude(w)),
    "train_final: space": ("Space", lambda w: nw.results.train_final(w, ARCHITECTURE, TASK, SETTINGS)),
    "train_final: architecture": ("Architecture", lambda w: nw.results.train_final(SPACE, w, TASK, SETTINGS)),
    "train_final: task": ("Task", lambda w: nw.results.train_final(SPACE, ARCHITECTURE, w, SETTINGS)),
    "train_final: settings": ("TrainingSettings", lambda w: nw.results.train_final(SPACE, ARCHITECTURE, TASK, w)),
    "logistic_regression: task": ("Task", lambda w: nw.results.logistic_regression(w)),
    "check_space: space": ("Space", lambda w: nw.testing.check_space(w)),
    "check_estimator: estimator": ("Estimator", lambda w: nw.testing.check_estimator(w, SPACE)),
    "train: network": ("Module", lambda w: nw.training.train(w, TASK.final_data(), SETTINGS, 0)),
    "train: data": ("Data", lambda w: nw.training.train(torch.nn.Linear(4, 2), w, SETTINGS, 0)),
}
OPTIONAL = {"Search.run: executor", "Search.run: store", "Search.run: retries", "Training: settings"}
OPTIONAL |= {"Hyperband: sampler", "BayesianOptimization: predictor"}
TEXT = {"one of Search: objective", "one of Search: constraints", "Search.run: store", "Search.load: store"}
TEXT |= {"one of Listed: architectures"}
WRONG: dict[str, Any] = {
    "a tuple of 2": (X, Y),
    "a DataLoader": LOADER,
    "the class RegularizedEvolution": nw.strategies.RegularizedEvolution,
    "the class Processes": nw.executors.Processes,
    "the text 'darts'": "darts",
    "the function digits": nw.tasks.digits,
    "the module netwright.tasks": nw.tasks,
    "3": 3,
    "a dict": {},
    "None": None,
}


@pytest.mark.parametrize("entry", ENTRIES)
@pytest.mark.parametrize("found", WRONG)
def test_what_was_found_what_was_expected_and_how_to_make_it(entry: str, found: str) -> None:
    kind, call = ENTRIES[entry]
    if (found == "None" and entry in OPTIONAL) or (entry in TEXT and "text" in found):
        return
    if found == "a dict" and entry == "Cost: shape":
        return  # a shape is kept as one
    with pytest.raises(ConfigurationError) as told:
        call(WRONG[found])
    said = str(told.value)
    article = "an" if kind[0] in "AEIO" else "a"
    assert "\n" not in said and f"{entry.replace('Mlp.', 'Space.')} is {found}" in said
    assert f"; expected {article} {kind}: " in said


@pytest.mark.parametrize(
    ("given", "kind", "how"),
    [
        ((X, Y), "Task", "tasks.arrays(x, y)"),
        (LOADER, "Task", "tasks.dataset(loader.dataset)"),
        (LOADER.dataset, "Task", "tasks.dataset(data)"),
        (Path("images"), "Task", "tasks.open_task('images')"),
        (nw.tasks.digits, "Task", "call the function, digits(...)"),
        (nw.tasks.digits, "Space", "spaces.Chain()"),
        (nw.spaces.Darts, "Space", "with parentheses, Darts()"),
        ("nasbench201", "Space", "NasBench201()"),
        (nw.strategies.RegularizedEvolution, "Strategy", "with parentheses, RegularizedEvolution(space)"),
        ("evolution:population=20", "Strategy", "RegularizedEvolution(space)"),
        (nw.executors.Processes, "Executor", "with parentheses, Processes("),
        (RANDOM, "Estimator", "estimators.Training(space, task)"),
    ],
)
def test_how_follows_from_what_was_given(given: Any, kind: str, how: str) -> None:
    with pytest.raises(ConfigurationError) as told:
        expect(given, kind, "it")
    assert f": {how}" in str(told.value)


PLAIN: list[tuple[Callable[[Any], object], str]] = [
    (lambda w: nw.tasks.image_folder(w), "a path"),
    (lambda w: nw.tasks.csv(w, target="kind"), "a path"),
    (lambda w: nw.tasks.npz(w), "a path"),
    (lambda w: nw.tasks.mnist(w), "a path"),
    (lambda w: nw.tasks.cifar10(w), "a path"),
    (lambda w: nw.store.Store(w), "a path"),
    (lambda w: nw.executors.Simulated(w), "a whole number"),
    (lambda w: nw.estimators.ZeroCost(SPACE, TASK, w), "a list"),
    (lambda w: SEARCH.run(trials=1, on_trial=w), "a function"),
    (lambda w: SEARCH.run(trials=1, on_progress=w), "a function"),
]


@pytest.mark.parametrize(("call", "expected"), PLAIN)
@pytest.mark.parametrize("wrong", [(X, Y), X, LOADER, TASK, nw.tasks])
def test_plain_values_are_told_in_one_line(call: Callable[[Any], object], expected: str, wrong: Any) -> None:
    with pytest.raises(NetwrightError) as told:
        call(wrong)
    assert "\n" not in str(told.value)
    assert expected in str(told.value) or expected == "a list"


@pytest.mark.parametrize("wrong", [None, 3, "labels", LOADER, TASK])
def test_labels_that_are_none_are_told(wrong: Any) -> None:
    with pytest.raises(DataError, match=r"^y is .*; expected an array, a tensor or a list$"):
        nw.tasks.arrays(X, wrong)


class Store:
    """A user's own class of that name."""


@kinds_checked
def kept(store: Store, space: nw.Space | None = None) -> Store:
    return store


def test_names_of_a_users_own_classes_mean_those() -> None:
    own = Store()
    assert kept(own) is own
    with pytest.raises(TypeError, match="positional"):
        kept(own, SPACE, SPACE)  # type: ignore[call-arg]

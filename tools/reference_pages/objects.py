"""Pages of what is made from Python or named on the command line: spaces, strategies, methods, estimators, ..."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from importlib import import_module
from types import ModuleType
from typing import Any

import netwright
from netwright import catalogue, estimators, executors, predictors, spaces, strategies
from netwright.catalogue.reading import Kind
from netwright.core.configuration import constructor
from netwright.training import settings
from netwright.training.settings import TrainingSettings
from reference_pages.docstrings import lines
from reference_pages.markdown import code, entry, page, table, value

TRAINING = tuple(constructor(TrainingSettings).parameters)  # what estimators take besides their own options


def training_page() -> str:
    allowed = {name: form for name, (_, form) in settings._CHECKS.items()}
    said = lines(TrainingSettings)
    rows = [
        [code(name), allowed[name], code(value(parameter.default)), said[name]]
        for name, parameter in constructor(TrainingSettings).parameters.items()
    ]
    return page(
        "Training settings",
        "Any of these after `--training`, as in `netwright search digits --training "
        "optimiser=adamw,learning_rate=0.003`, and by name in `Training(space, task, epochs=20)`, `SharedWeights` "
        "and every method on shared weights. On the command line `epochs` has an option of its own, `--epochs`, and is "
        "fitted to data and time where it is left out. Methods have their papers' defaults in place of these "
        "([methods](methods.md)).",
        table(["setting", "what it may be", "default", "meaning"], rows),
        "Settings that exclude each other: `minimum_learning_rate` is at most `learning_rate`; `compile` goes without "
        "`drop_path`.",
    )


def spaces_page() -> str:
    return page(
        "Spaces",
        "On the command line `--space NAME:option=value,option=value`, as in `--space darts:cells=4,channels=8`; a "
        "list stands in brackets, `--space mlp:widths=[32,64]`. From Python `nw.spaces.Darts(cells=4, channels=8)`. "
        "Yours are `--space file.py:Class` ([add a space](../adding/space.md)).",
        *_named("space", catalogue.shipped("space"), spaces),
        *_others(spaces, catalogue.shipped("space"), "space", "nw.spaces"),
    )


def strategies_page() -> str:
    return page(
        "Strategies",
        "On the command line `--strategy NAME:option=value`, as in `--strategy "
        "evolution:population=20,tournament=5`; parts are written as in Python, `--strategy "
        "genetic:selection=Tournament(5)`. The command line has defaults of its own for `evolution`, `genetic` and "
        "`local` ([search](../command-line.md#search)). From Python the first argument is the space: "
        "`nw.strategies.RegularizedEvolution(space, population=20)`. Yours are `--strategy file.py:Class` ([add a "
        "strategy](../adding/strategy.md)).",
        "## By name on the command line",
        *_named("strategy", _mechanisms(), strategies, skip=("space",)),
        "## From Python, and as parts of others",
        *_others(strategies, _mechanisms(), "strategy", "nw.strategies"),
    )


def _mechanisms() -> dict[str, str]:
    """The strategies that are no method of a paper's."""
    return {
        name: place for name, place in catalogue.shipped("strategy").items() if name not in catalogue.shipped("method")
    }


PARTS = {
    "netwright.strategies.bayesian": "Acquisitions and candidates of `BayesianOptimization`, `gp` and the rest",
    "netwright.strategies.differentiable": "Relaxations, optimisers and the rest of `Differentiable`",
    "netwright.predictors.kernels": "Kernels of `GaussianProcess`",
    "netwright.predictors.encodings": "Encodings, which many predictors read",
    "netwright.predictors.curves": "Predictors of learning curves, for `Extrapolated`",
}


def parts() -> dict[str, Callable[..., Any]]:
    """What strategies and predictors are made of, and has no other page."""
    found = {f"{place}.{name}": getattr(import_module(place), name) for place in PARTS for name in _public(place)}
    elsewhere = {getattr(strategies, name) for name in strategies.__all__}
    return {name: each for name, each in found.items() if callable(each) and each not in elsewhere}


def parts_page() -> str:
    taken = parts()
    return page(
        "Parts of strategies and predictors",
        "From Python they are imported from where they stand here. On the command line an option takes one beside "
        "its strategy: `--strategy gp:acquisition=UpperConfidenceBound(3)`.",
        *(
            "\n\n".join([f"## {title}", *(entry(f"`{name}`", taken[name]) for name in taken if _in(name, place))])
            for place, title in PARTS.items()
        ),
    )


def _public(place: str) -> list[str]:
    return [name for name in import_module(place).__all__ if name not in ("Hyperparameter", "Curve")]


def _in(name: str, place: str) -> bool:
    return name.rpartition(".")[0] == place


def methods_page() -> str:
    return page(
        "Methods",
        "On the command line `--method NAME:option=value`, as in `--method gdas:epochs=20`; from Python the function "
        "of the same name in `nw.methods`. The published results are quoted mostly from memory: look them up before "
        "you cite them. `netwright papers` shows the command of each paper, and lists what is not there yet. Yours: "
        "`--method file.py:function` ([add a method](../adding/method.md)).",
        "## Methods that give a strategy",
        "`nw.methods.bananas(space, networks=3)`, for any estimator.",
        *_methods("strategy"),
        "## Methods that give a whole search on shared weights",
        "`nw.methods.gdas(space, task, epochs=20).run()`. Every one takes the space and the task, `seed`, `device`, "
        "any [training setting](training.md) and any option of [SharedWeights](estimators.md).",
        *_methods("search"),
    )


def _methods(sort: Kind) -> list[str]:
    """Those of one sort, without what all of them take."""
    taken = ("space", "task", "seed", "device", "settings") if sort == "search" else ("space",)
    names = [name for name in catalogue.shipped(sort) if name in catalogue.shipped("method")]
    return [entry(f"`{name}`", catalogue.load("method", name), taken) for name in names]


def estimators_page() -> str:
    return page(
        "Estimators",
        "What measures a candidate. The command line makes them from its options; from Python they are the second "
        "argument of `nw.Search`. What each measures is in [metrics and objectives](metrics.md). `Training` and "
        "`SharedWeights` take every [training setting](training.md) by name besides. Yours: [add an "
        "estimator](../adding/estimator.md).",
        *(
            entry(f"`nw.estimators.{name}`", getattr(estimators, name), TRAINING if name == "Training" else ())
            for name in estimators.__all__
        ),
    )


def predictors_page() -> str:
    return page(
        "Predictors",
        "They learn the score of architectures from those that were evaluated ([how good they are](../predictors.md)).",
        *(entry(f"`nw.predictors.{name}`", getattr(predictors, name)) for name in predictors.__all__),
    )


def python_page() -> str:
    run = netwright.Run
    told = [each for each in vars(run) if not each.startswith("_")]
    members = [[code(_called(run, name)), _first(getattr(run, name))] for name in told if _first(getattr(run, name))]
    return page(
        "Search, Run and executors",
        "The README shows them [at work](../../README.md#from-python).",
        entry("`nw.Search`", netwright.Search, level=2),
        entry("`nw.Search.run`", netwright.Search.run, ("self",), level=2),
        "## `nw.Run`",
        (run.__doc__ or "").strip().split("\n\n")[0],
        table(["what a run has", "meaning"], members),
        "## Executors",
        "Where trials run: `search.run(executor=...)` ([workers](../parallel.md)).",
        *(entry(f"`nw.executors.{name}`", getattr(executors, name)) for name in executors.__all__ if name[0].isupper()),
    )


def _named(kind_of: Kind, names: Mapping[str, str], module: ModuleType, skip: tuple[str, ...] = ()) -> list[str]:
    public = {getattr(module, name): name for name in module.__all__}
    found = {name: catalogue.load(kind_of, name) for name in names}
    found = {name: getattr(each, "__wrapped__", each) for name, each in found.items()}
    short = module.__name__.replace("netwright", "nw")
    titles = {name: f" (`{short}.{public[each]}`)" if each in public else "" for name, each in found.items()}
    return [entry(f"`{name}`{titles[name]}", each, skip) for name, each in found.items()]


def _others(module: ModuleType, names: Mapping[str, str], kind_of: Kind, short: str) -> list[str]:
    """Public names that the command line has no name for."""
    listed = {getattr(made, "__wrapped__", made) for made in (catalogue.load(kind_of, each) for each in names)}
    others = [name for name in module.__all__ if getattr(module, name) not in listed]
    return [entry(f"`{short}.{name}`", getattr(module, name)) for name in others]


def _first(member: Any) -> str:
    documented = member.fget if isinstance(member, property) else member
    return (inspect.getdoc(documented) or "").partition("\n\n")[0].replace("\n", " ")


def _called(cls: type, name: str) -> str:
    """A method with its arguments; an attribute as it is."""
    member: Callable[..., Any] = getattr(cls, name)
    if not inspect.isfunction(member):
        return name
    taken = [each for each in inspect.signature(member).parameters.values() if each.name != "self"]
    return f"{name}({', '.join(str(each.replace(annotation=each.empty)) for each in taken)})"

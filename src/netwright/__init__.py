"""netwright finds neural network architectures: from data and a limit to a trained network in plain PyTorch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from netwright.version import __version__

__all__ = [
    "Architecture",
    "Choose",
    "Constraint",
    "DecisionSpace",
    "Estimator",
    "Measurement",
    "Metric",
    "Mixture",
    "NetwrightError",
    "Objective",
    "Problem",
    "Proposal",
    "RoundStrategy",
    "Rounds",
    "Run",
    "Search",
    "Space",
    "Strategy",
    "Task",
    "TaskShape",
    "TrainingSettings",
    "Trial",
    "__version__",
    "benchmarks",
    "catalogue",
    "core",
    "engine",
    "estimators",
    "executors",
    "methods",
    "networks",
    "predictors",
    "problems",
    "results",
    "spaces",
    "store",
    "strategies",
    "supernets",
    "tasks",
    "testing",
    "training",
]

if TYPE_CHECKING:
    from netwright import (
        benchmarks,
        catalogue,
        core,
        engine,
        estimators,
        executors,
        methods,
        networks,
        predictors,
        problems,
        results,
        spaces,
        store,
        strategies,
        supernets,
        tasks,
        testing,
        training,
    )
    from netwright.core.architecture import Architecture, Mixture
    from netwright.core.choose import Choose
    from netwright.core.decision_space import DecisionSpace
    from netwright.core.errors import NetwrightError
    from netwright.core.estimator import Estimator
    from netwright.core.objective import Constraint, Objective
    from netwright.core.problem import Metric, Problem
    from netwright.core.space import Space
    from netwright.core.strategy import RoundStrategy, Strategy
    from netwright.core.task import TaskShape
    from netwright.core.trial import Measurement, Proposal, Trial
    from netwright.engine.run import Run
    from netwright.engine.search import Search
    from netwright.strategies.rounds.script import Rounds
    from netwright.tasks.task import Task
    from netwright.training.settings import TrainingSettings
else:
    from netwright.core.on_demand import on_demand

    _WHERE = {
        "Architecture": "netwright.core.architecture:Architecture",
        "Choose": "netwright.core.choose:Choose",
        "Constraint": "netwright.core.objective:Constraint",
        "DecisionSpace": "netwright.core.decision_space:DecisionSpace",
        "Estimator": "netwright.core.estimator:Estimator",
        "Measurement": "netwright.core.trial:Measurement",
        "Metric": "netwright.core.problem:Metric",
        "Mixture": "netwright.core.architecture:Mixture",
        "NetwrightError": "netwright.core.errors:NetwrightError",
        "Objective": "netwright.core.objective:Objective",
        "Problem": "netwright.core.problem:Problem",
        "Proposal": "netwright.core.trial:Proposal",
        "RoundStrategy": "netwright.core.strategy:RoundStrategy",
        "Rounds": "netwright.strategies.rounds:Rounds",
        "Run": "netwright.engine.run:Run",
        "Search": "netwright.engine.search:Search",
        "Space": "netwright.core.space:Space",
        "Strategy": "netwright.core.strategy:Strategy",
        "Task": "netwright.tasks.task:Task",
        "TaskShape": "netwright.core.task:TaskShape",
        "TrainingSettings": "netwright.training.settings:TrainingSettings",
        "Trial": "netwright.core.trial:Trial",
    }
    _PARTS = {name: f"netwright.{name}" for name in __all__ if name.islower() and not name.startswith("_")}
    _FORMER = {"recipes": "netwright.recipes"}
    __getattr__, __dir__ = on_demand(__name__, {**_WHERE, **_PARTS, **_FORMER})

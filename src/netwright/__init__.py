"""netwright finds neural network architectures: from data and a limit to a trained network in plain PyTorch."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

_PARTS = (
    *("core", "engine", "estimators", "executors", "networks", "recipes", "results", "spaces", "store", "strategies"),
    *("benchmarks", "predictors", "supernets", "tasks"),
)
_NAMES = {
    "Architecture": "netwright.core.architecture",
    "Choose": "netwright.core.choose",
    "Constraint": "netwright.core.objective",
    "Estimator": "netwright.core.estimator",
    "Measurement": "netwright.core.trial",
    "Mixture": "netwright.core.architecture",
    "NetwrightError": "netwright.core.errors",
    "Objective": "netwright.core.objective",
    "Proposal": "netwright.core.trial",
    "Run": "netwright.engine.run",
    "Search": "netwright.engine.search",
    "Space": "netwright.core.space",
    "Strategy": "netwright.core.strategy",
    "Task": "netwright.tasks.task",
    "TaskShape": "netwright.core.task",
    "Trial": "netwright.core.trial",
    "TrainingSettings": "netwright.training.settings",
}

__all__ = ["__version__", *_PARTS, "testing", "training", *_NAMES]

if TYPE_CHECKING:
    from netwright import (
        benchmarks,
        core,
        engine,
        estimators,
        executors,
        networks,
        predictors,
        recipes,
        results,
        spaces,
        store,
        strategies,
        supernets,
        tasks,
    )
    from netwright.core.architecture import Architecture, Mixture
    from netwright.core.choose import Choose
    from netwright.core.errors import NetwrightError
    from netwright.core.estimator import Estimator
    from netwright.core.objective import Constraint, Objective
    from netwright.core.space import Space
    from netwright.core.strategy import Strategy
    from netwright.core.task import TaskShape
    from netwright.core.trial import Measurement, Proposal, Trial
    from netwright.engine.run import Run
    from netwright.engine.search import Search
    from netwright.tasks.task import Task
    from netwright.training.settings import TrainingSettings


def __getattr__(name: str) -> Any:
    """Import a part when it is first asked for, so that `import netwright` needs neither torch nor much time."""
    if name in _NAMES:
        found = getattr(importlib.import_module(_NAMES[name]), name)
    elif name in (*_PARTS, "testing", "training"):
        found = importlib.import_module(f"netwright.{name}")
    else:
        raise AttributeError(f"module 'netwright' has no attribute {name!r}")
    globals()[name] = found  # so that it is looked up once
    return found


def __dir__() -> list[str]:
    return sorted(__all__)

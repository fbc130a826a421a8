"""The names that the command line knows; a plug-in is `module:Class`, `file.py:Class` or an entry point.

In place of a strategy's class a function may be named that makes one: `function(space, **options) -> Strategy`.
"""

from __future__ import annotations

import functools
import importlib
import importlib.util
import inspect
import sys
from collections.abc import Callable, Mapping
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from netwright.core.errors import ConfigurationError, marked, nearest
from netwright.core.space import Space
from netwright.core.strategy import Strategy

SPACES = {
    "chain": "netwright.spaces.chain:Chain",
    "nasbench101": "netwright.spaces.nasbench101:NasBench101",
    "nasbench201": "netwright.spaces.nasbench201:NasBench201",
    "nasbenchmacro": "netwright.spaces.nasbench_macro:NasBenchMacro",
    "darts": "netwright.spaces.darts:Darts",
    "nasnet": "netwright.spaces.nasnet:NasNet",
    "mlp": "netwright.spaces.mlp:Mlp",
}
STRATEGIES = {
    "random": "netwright.strategies:RandomSearch",
    "exhaustive": "netwright.strategies:Exhaustive",
    "evolution": "netwright.strategies:RegularizedEvolution",
    "genetic": "netwright.strategies:GeneticAlgorithm",
    "local": "netwright.strategies:LocalSearch",
    "pnas": "netwright.strategies.progressive:ProgressiveBeam",
    "nao": "netwright.strategies.latent:nao",
    "mcts": "netwright.strategies.tree_search:MonteCarloTreeSearch",
    "alphax": "netwright.strategies.tree_search:alphax",
    "deep-architect": "netwright.strategies.tree_search:deep_architect",
    "harmonica": "netwright.strategies.harmonica:Harmonica",
    "tpe": "netwright.strategies.tpe:TreeParzen",
    "successive-halving": "netwright.strategies.fidelity:SuccessiveHalving",
    "hyperband": "netwright.strategies.fidelity:Hyperband",
    "asha": "netwright.strategies.fidelity:Asha",
    "bohb": "netwright.strategies.fidelity:bohb",
    "gp": "netwright.strategies.bayesian.named:gp",
    "bananas": "netwright.strategies.bayesian.named:bananas",
    "nasbot": "netwright.strategies.bayesian.named:nasbot",
    "gp-nas": "netwright.strategies.bayesian.named:gp_nas",
    "auto-keras": "netwright.strategies.bayesian.named:auto_keras",
    "npenas": "netwright.strategies.bayesian.named:npenas",
    "predictor": "netwright.strategies.bayesian.named:predictor",
}


def load(kind: str, name: str, shipped: Mapping[str, str]) -> Callable[..., Any]:
    """The class that a name stands for, or the function that makes a strategy.

    kind is "space" or "strategy", as in the entry point group `netwright.spaces`.

    Raises ConfigurationError for an unknown name (with the nearest known) and for a plug-in that does not import.
    """
    if name in shipped:
        return _imported(kind, shipped[name])
    plugins = _plugins(kind)
    if name in plugins:
        return _imported(kind, plugins[name])
    if code_named(kind, name, shipped) is not None:
        return _imported(kind, name)
    hint = nearest(name, [*shipped, *plugins])
    raise ConfigurationError(f"there is no {kind} {name!r}{hint} Your own: module:Class or file.py:Class.")


def code_named(kind: str, name: str, shipped: Mapping[str, str]) -> str | None:
    """The module or file that `load` imports for this name; None where it is shipped, installed, or unknown."""
    if name in shipped or ":" not in name or name in _plugins(kind):
        return None
    return name.rpartition(":")[0]


def _plugins(kind: str) -> dict[str, str]:
    """What installed packages offer under a name of their own, as module:Class."""
    group = f"netwright.{kind[:-1]}ies" if kind[-1] == "y" else f"netwright.{kind}s"
    return {point.name: point.value for point in entry_points(group=group)}


def _imported(kind: str, reference: str) -> Callable[..., Any]:
    place, _, attribute = reference.rpartition(":")
    try:
        module = _from_file(Path(place)) if place.endswith(".py") else importlib.import_module(place)
    except FileNotFoundError:
        raise ConfigurationError(f"{kind} {reference!r}: there is no file {place}") from None
    except Exception as problem:  # a plug-in may fail in any way while it is imported; its own error is what helps
        raise ConfigurationError(
            f"{kind} {reference!r} does not import: {type(problem).__name__}: {marked(problem)}"
        ) from problem
    found = getattr(module, attribute, None)
    base = {"space": Space, "strategy": Strategy}[kind]
    if kind == "strategy" and inspect.isfunction(found):
        return _checked(found)
    if not (isinstance(found, type) and issubclass(found, base)):
        classes = [each for each, value in vars(module).items() if isinstance(value, type) and issubclass(value, base)]
        classes = [each for each in classes if each != base.__name__]
        raise ConfigurationError(
            f"{kind} {reference!r}: {place} has no {kind} class {attribute!r}{nearest(attribute, classes)}"
        )
    return found


def _checked(factory: Callable[..., Any]) -> Callable[..., Any]:
    """The function, which raises ConfigurationError unless what it makes is a strategy."""

    @functools.wraps(factory)
    def made(*args: Any, **kwargs: Any) -> Strategy:
        strategy = factory(*args, **kwargs)
        if not isinstance(strategy, Strategy):
            raise ConfigurationError(
                f"the function {factory.__name__!r} made a {type(strategy).__name__}; expected a strategy"
            )
        return strategy

    return made


def _from_file(path: Path) -> Any:
    """Import a Python file that the user named on the command line; one that has not changed since only once."""
    if not path.is_file():
        raise FileNotFoundError(path)
    module = _executed(path.resolve(), path.stat().st_mtime_ns)
    sys.modules[path.stem] = module
    return module


@functools.lru_cache(maxsize=16)
def _executed(path: Path, changed: int) -> Any:
    """The module of a file. changed: when the file was."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    return module

"""A task remembers the call that made it, as JSON."""

from __future__ import annotations

import functools
import inspect
import os
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any, ParamSpec

from netwright.core.errors import ConfigurationError, nearest
from netwright.core.task import Augmentation
from netwright.tasks.task import Task

P = ParamSpec("P")


def remakeable(name: str) -> Callable[[Callable[P, Task]], Callable[P, Task]]:
    """Let the tasks that a function makes carry its name and arguments; paths are kept in full."""

    def decorate(maker: Callable[P, Task]) -> Callable[P, Task]:
        @functools.wraps(maker)
        def make(*args: P.args, **kwargs: P.kwargs) -> Task:
            arguments = bound_arguments(name, maker, args, kwargs)
            task = maker(*args, **kwargs)
            task._configuration = {"task": name, "arguments": {k: _as_json(k, v) for k, v in arguments.items()}}
            return task

        return make

    return decorate


def bound_arguments(
    name: str, maker: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]
) -> dict[str, Any]:
    """The arguments that were given, by name; ConfigurationError names an unknown or missing one."""
    signature = inspect.signature(maker)
    unknown = [each for each in kwargs if each not in signature.parameters]
    if unknown:
        raise ConfigurationError(f"{name} has no option {unknown[0]!r}" + nearest(unknown[0], signature.parameters))
    try:
        return dict(signature.bind(*args, **kwargs).arguments)
    except TypeError as problem:
        raise ConfigurationError(f"{name}: {problem}. Its options: {', '.join(signature.parameters)}.") from None


def from_json(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Arguments as they were before `remakeable` wrote them down."""
    restored = dict(arguments)
    if isinstance(restored.get("augmentation"), Mapping):
        restored["augmentation"] = Augmentation(**restored["augmentation"])
    if isinstance(restored.get("size"), list):
        restored["size"] = tuple(restored["size"])
    return restored


def _as_json(name: str, value: Any) -> Any:
    if isinstance(value, Augmentation):
        return asdict(value)
    if isinstance(value, os.PathLike) or (isinstance(value, str) and name in ("path", "test", "validation")):
        return os.path.abspath(value)
    return list(value) if isinstance(value, tuple) else value

"""The constructor is the configuration: repr, JSON and equality of an object follow from the arguments it was given."""

from __future__ import annotations

import inspect
import json
from collections.abc import Mapping
from functools import cache
from typing import Any, Self, cast

from netwright.core.errors import ConfigurationError, closest
from netwright.core.kinds import Expected, check, kinds_of


@cache
def constructor(cls: type) -> inspect.Signature:
    """The signature of `cls(...)`, without self."""
    signature = inspect.signature(cls.__init__)
    return signature.replace(parameters=list(signature.parameters.values())[1:])


@cache
def _expected(cls: type) -> tuple[Expected, ...]:
    """Which arguments of `cls(...)` must be of which kind."""
    module = next((each.__module__ for each in cls.__mro__ if "__init__" in vars(each)), cls.__module__)
    return kinds_of(constructor(cls), module)


class Configured:
    """Remembers the arguments it was constructed with, and gives repr and `configuration` from them.

    Copies and pickles are made anew by the constructor: without caches, and without what a strategy was told.
    """

    _arguments: dict[str, Any]

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
        self = super().__new__(cls)
        arguments = bind(cls, args, kwargs)
        check(cls.__name__, _expected(cls), arguments)
        object.__setattr__(self, "_arguments", arguments)
        return self

    @property
    def arguments(self) -> Mapping[str, Any]:
        """Every constructor argument by name, defaults included."""
        return self._arguments

    def replace(self, **changes: Any) -> Self:
        """The same object but for these constructor arguments; of `*names` and `**names`, all by that one name."""
        known = constructor(type(self)).parameters
        own = {name: value for name, value in changes.items() if name in known}
        args, kwargs = self.call(own)
        return type(self)(*args, **{**kwargs, **{name: changes[name] for name in changes if name not in own}})

    def call(self, changes: Mapping[str, Any] | None = None) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """The positional arguments and those by name that the constructor makes an equal object of."""
        arguments = {**self._arguments, **(changes or {})}
        bound = inspect.BoundArguments(constructor(type(self)), cast("Any", arguments))
        return bound.args, bound.kwargs

    def __reduce__(self) -> tuple[Any, ...]:
        return constructed, (type(self), *self.call())

    def configuration(self) -> dict[str, Any]:
        """The object as JSON: `{"class": "module:Class", "arguments": {...}}`."""
        cls = type(self)
        return {
            "class": f"{cls.__module__}:{cls.__qualname__}",
            "arguments": {name: as_json(value) for name, value in self._arguments.items()},
        }

    def __repr__(self) -> str:
        parameters = constructor(type(self)).parameters
        args, kwargs = self.call()
        if not any(each.kind is each.VAR_POSITIONAL and self._arguments.get(name) for name, each in parameters.items()):
            args, kwargs = (), {**dict(zip(parameters, args, strict=False)), **kwargs}
        named = [
            f"{name}={value!r}"
            for name, value in kwargs.items()
            if name not in parameters or not _same(value, parameters[name].default)
        ]
        return f"{type(self).__name__}({', '.join([*map(repr, args), *named])})"


def constructed(cls: type, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
    """`cls(*args, **kwargs)`; what reads a pickle of it."""
    return cls(*args, **kwargs)


def bind(cls: type, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of `cls(*args, **kwargs)` by name; ConfigurationError names an unknown one and its nearest."""
    signature = constructor(cls)
    try:
        bound = signature.bind(*args, **kwargs)
    except TypeError as problem:
        known = list(signature.parameters)
        unknown = [name for name in kwargs if name not in signature.parameters]
        if unknown:
            close = closest(unknown[0], known)
            hint = "." if close is None else f"; did you mean {close!r}?"
            message = f"{cls.__name__} has no option {unknown[0]!r}{hint} Its options: {', '.join(known)}."
        else:
            message = f"{cls.__name__}: {problem}. Its options: {', '.join(known)}."
        raise ConfigurationError(message) from None
    bound.apply_defaults()
    return dict(bound.arguments)


def as_json(value: Any) -> Any:
    """A constructor argument as JSON; what has no JSON form is named by its type."""
    if isinstance(value, Configured):
        return value.configuration()
    if isinstance(value, Mapping):
        return {str(key): as_json(each) for key, each in cast("Mapping[Any, Any]", value).items()}
    if isinstance(value, (list, tuple)):
        return [as_json(each) for each in cast("list[Any]", value)]
    if isinstance(value, (set, frozenset)):  # in an order that does not depend on the process
        return sorted((as_json(each) for each in cast("set[Any]", value)), key=lambda each: json.dumps(each))
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    to_json = getattr(value, "configuration", None)
    return to_json() if callable(to_json) else f"<{type(value).__module__}.{type(value).__qualname__}>"


def _same(value: Any, default: Any) -> bool:
    if default is inspect.Parameter.empty:
        return False
    try:
        return bool(value == default)
    except (TypeError, ValueError, RuntimeError):
        return False

"""The strategies of a comparison: by the names of the command line, as classes, or as objects."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from netwright.catalogue import making
from netwright.catalogue.arguments import pieces_of
from netwright.core.configuration import Configured, as_json
from netwright.core.errors import ConfigurationError, UserError, shown
from netwright.core.randomness import derived_seed
from netwright.core.space import Space
from netwright.core.strategy import Strategy

if TYPE_CHECKING:
    from netwright.benchmarks.budget import Budget

Make = str | Strategy | Callable[..., Strategy]


@dataclass(frozen=True, eq=False)
class Entrant:
    """One strategy of a comparison.

    make: a name with options as the command line takes it ("evolution:population=20", "file.py:Class"), a function or
        class that makes the strategy for a space, or a strategy, which is made anew for each search.
    copy: how many entrants before it are the same; copies search with seeds of their own.
    """

    name: str
    make: Make
    copy: int = 0

    def strategy(self, space: Space, budget: Budget) -> Strategy:
        """The strategy for this space. Raises UserError where it cannot be made."""
        if isinstance(self.make, str):
            return making.strategy(resolved(self.make, budget), space, budget.trials)
        if isinstance(self.make, Strategy):
            return self.make.replace(space=space) if "space" in self.make.arguments else self.make
        made = self.make(space)
        if not isinstance(made, Strategy):
            raise UserError(f"{self.name} makes {shown(made)} of a space; expected a Strategy")
        return made

    def seed(self, repeat: int) -> int:
        """The search seed of a repeat: its number, the same for all strategies, but for copies of an earlier one."""
        return derived_seed(repeat, self.copy) if self.copy else repeat

    def described(self, budget: Budget) -> dict[str, Any]:
        """What it is, as JSON: equal for entrants that search alike."""
        found: dict[str, Any] = {"copy": self.copy} if self.copy else {}
        if isinstance(self.make, str):
            return {"strategy": resolved(self.make, budget), **_source(self.make), **found}
        return {"strategy": as_json(self.make) if isinstance(self.make, Strategy) else reference(self.make), **found}


def resolved(text: str, budget: Budget) -> str:
    """The strategy's text with the defaults written out that the command line gives it for this budget."""
    return making.fitted(text, budget.trials)


def _source(text: str) -> dict[str, str]:
    """The SHA-256 of the file that a strategy comes from, where it comes from one."""
    path = Path(text.partition(".py:")[0] + ".py")
    if ".py:" not in text or not path.is_file():
        return {}
    return {"sha256": hashlib.sha256(path.read_bytes()).hexdigest()}


def in_full(value: Any) -> str:
    """A strategy, or a part of one, with every option, defaults too; without its space."""
    if not isinstance(value, Configured):
        return repr(value)
    left_out = ("space", "args", "kwargs")
    options = [
        f"{name}={in_full(each)}"
        for name, each in value.arguments.items()
        if name not in left_out and not isinstance(each, Space)
    ]
    return f"{type(value).__name__}({', '.join(options)})"


def reference(function: Any) -> str:
    """A function or class by its module and name; a partial one with its arguments."""
    if isinstance(function, functools.partial):
        arguments = [*map(repr, function.args), *(f"{name}={value!r}" for name, value in function.keywords.items())]
        return f"{reference(function.func)}({', '.join(arguments)})"
    if not hasattr(function, "__qualname__"):
        function = type(function)
    return f"{function.__module__}:{function.__qualname__}"


def entrants_of(given: Any, budget: Budget) -> tuple[Entrant, ...]:
    """The entrants that a user named: a text with commas, a sequence, or a mapping from names.

    Raises ConfigurationError where there are none, or where two have one name.
    """
    if isinstance(given, str):
        named = [(text, text) for text in split_list(given)]
    elif isinstance(given, Mapping):
        named = [(str(name), make) for name, make in given.items()]
    else:
        makes: list[Any] = list(given) if isinstance(given, Sequence) else [given]
        named = [(_name_of(make), make) for make in makes]
    if not named:
        raise ConfigurationError("a comparison needs at least one strategy")
    found: list[Entrant] = []
    make: Any
    for name, make in named:
        if not (isinstance(make, (str, Strategy)) or callable(make)) or (
            isinstance(make, type) and not issubclass(make, Strategy)
        ):
            raise ConfigurationError(f"strategy {name!r} is {shown(make)}; expected a name, a Strategy or a class")
        make = cast("Make", make)
        first = Entrant(name, make)
        copy = sum(_same(each, first, budget) for each in found)
        found.append(Entrant(_distinct(name, found), make, copy))
    return tuple(found)


def split_list(text: str) -> list[str]:
    """Strategies between commas; a piece `key=value` is an option of the strategy before it."""
    found: list[str] = []
    for piece in map(str.strip, pieces_of(text)):
        before = found[-1] if found else ""
        if "=" in piece.partition(":")[0] and "=" in before:
            found[-1] = f"{before},{piece}"
        else:
            found.append(piece)
    return found


def _name_of(make: Make) -> str:
    if isinstance(make, str):
        return make
    if isinstance(make, Strategy):
        options = {name: value for name, value in make.arguments.items() if name != "space"}
        return repr(make) if "space" not in make.arguments else _called(type(make), make, options)
    if isinstance(make, functools.partial):
        arguments = ", ".join(f"{name}={value!r}" for name, value in make.keywords.items())
        return f"{_name_of(make.func)}({arguments})"
    return getattr(make, "__name__", type(make).__name__)


def _called(cls: type[Strategy], strategy: Strategy, options: Mapping[str, Any]) -> str:
    """The class with the options that are not its defaults."""
    from netwright.core.configuration import constructor

    defaults = constructor(cls).parameters
    shown_options = [
        f"{name}={value!r}" for name, value in options.items() if name in defaults and value != defaults[name].default
    ]
    return f"{cls.__name__}({', '.join(shown_options)})" if shown_options else cls.__name__


def _same(one: Entrant, other: Entrant, budget: Budget) -> bool:
    first, second = one.described(budget), other.described(budget)
    return {**first, "copy": 0} == {**second, "copy": 0}


def _distinct(name: str, found: Sequence[Entrant]) -> str:
    names = {each.name for each in found}
    number = 2
    chosen = name
    while chosen in names:
        chosen, number = f"{name} ({number})", number + 1
    return chosen

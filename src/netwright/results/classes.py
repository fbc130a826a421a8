"""Classes of a network: modules that differ in numbers only share one class, which takes those numbers as arguments."""

from __future__ import annotations

import builtins
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from netwright.results.expressions import (
    Argument,
    Call,
    Expression,
    Literal,
    identifier,
    is_attribute,
    layout,
    literals,
    quoted,
    same,
    skeleton,
    written,
)

_RESERVED = {"F", "OrderedDict", "Tensor", "build", "math", "network", "nn", "torch", *dir(builtins)}
_FROM_LAYERS = {"num_features": "channels", "num_channels": "channels", "normalized_shape": "features"}


@dataclass(frozen=True)
class Declaration:
    """What `__init__` makes: a child, a parameter, a buffer, or (name empty) the call of the base class."""

    kind: str
    name: str
    value: Expression

    def code(self, value: Expression) -> str:
        if self.kind == "base":
            return layout(value, 8)
        if self.kind == "buffer":
            return f"self.register_buffer({quoted(self.name)}, {layout(value, 8, 26 + len(self.name))})"
        if is_attribute(self.name):
            return f"self.{self.name} = {layout(value, 8, 8 + len(self.name))}"
        method = "add_module" if self.kind == "module" else "register_parameter"
        return f"self.{method}({quoted(self.name)}, {layout(value, 8, 24 + len(self.name))})"


@dataclass(frozen=True)
class Body:
    """One module as a class, before it is known what its other instances have in common with it."""

    name: str
    base: str
    declarations: tuple[Declaration, ...]
    forward: tuple[str, ...]

    def key(self) -> Any:
        return self.name, self.base, self.forward, tuple((d.kind, d.name, skeleton(d.value)) for d in self.declarations)

    def literals(self) -> list[Literal]:
        return [each for declaration in self.declarations for each in literals(declaration.value)]


class Classes:
    """The classes written so far, each needing only earlier ones.

    reserved: names that none of them may have.
    """

    def __init__(self, reserved: Collection[str] = ()) -> None:
        self.code: list[str] = []
        self._names: set[str] = {*_RESERVED, *reserved}

    def add(self, bodies: Sequence[Body]) -> list[Call]:
        """Write classes for these modules; the calls that make them, one a module."""
        groups: dict[Any, list[int]] = {}
        for place, body in enumerate(bodies):
            groups.setdefault(body.key(), []).append(place)
        calls: dict[int, Call] = {}
        for places in groups.values():
            calls.update(zip(places, self._write([bodies[place] for place in places]), strict=True))
        return [calls[place] for place in range(len(bodies))]

    def _write(self, bodies: Sequence[Body]) -> Iterator[Call]:
        name = self._new_name(bodies[0].name)
        table = [body.literals() for body in bodies]
        columns = list(zip(*table, strict=True))
        arguments = _Arguments()
        names = [arguments.name(column) for column in columns]
        self.code.append(_class_code(name, bodies[0], names, arguments))
        for row in table:
            yield Call(name, arguments.given(row, names))

    def _new_name(self, wish: str) -> str:
        base = identifier(wish.lstrip("_") or "Module", "Module")
        name, number = base, 2
        while name in self._names:
            name, number = f"{base}{number}", number + 1
        self._names.add(name)
        return name


class _Arguments:
    """The arguments of one class: one for each series of values that its instances differ in."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[str, list[str], tuple[Literal, ...]]] = {}

    def name(self, column: tuple[Literal, ...]) -> str | None:
        """A placeholder for the argument that a literal becomes; None where all instances agree on it."""
        if all(same(each.value, column[0].value) for each in column):
            return None
        key = repr([(type(each.value).__name__, each.value) for each in column])
        if key not in self._known:
            self._known[key] = (f"<{len(self._known)}>", [], column)
        self._known[key][1].append(column[0].hint)
        return self._known[key][0]

    def final(self) -> dict[str, tuple[str, tuple[Literal, ...]]]:
        """Placeholder -> the argument's name and its values."""
        found: dict[str, tuple[str, tuple[Literal, ...]]] = {}
        taken = set(_RESERVED) | {"self", "super"}
        for placeholder, hints, column in self._known.values():
            name = base = identifier(_speaking(hints), "value")
            number = 2
            while name in taken:
                name, number = f"{base}_{number}", number + 1
            taken.add(name)
            found[placeholder] = name, column
        return found

    def given(self, row: Sequence[Literal], names: Sequence[str | None]) -> tuple[Argument, ...]:
        """The arguments of the call that makes the instance with these literals."""
        final = self.final()
        values = {name: literal.value for literal, name in zip(row, names, strict=True) if name is not None}
        by_name = len(final) > 1
        return tuple(
            Argument(Literal(values[placeholder], name), name if by_name else "")
            for placeholder, (name, _) in final.items()
        )


def _speaking(hints: Sequence[str]) -> str:
    """One name for a number that stands in several places."""
    kinds = list(dict.fromkeys(hints))
    if len(kinds) == 1:
        return _FROM_LAYERS.get(kinds[0], kinds[0])
    words = {each.rpartition("_")[2] for each in kinds if each.startswith(("in_", "out_"))}
    inner, outer = (any(each.startswith(start) for each in kinds) for start in ("in_", "out_"))
    if inner and outer:
        return "channels" if "channels" in words else "features"
    if inner or outer:
        return next(each for each in kinds if each.startswith(("in_", "out_")))
    return "channels" if "channels" in kinds or "num_features" in kinds else kinds[0]


def _class_code(name: str, body: Body, placeholders: Sequence[str | None], arguments: _Arguments) -> str:
    final = arguments.final()
    names = iter([None if each is None else final[each][0] for each in placeholders])
    made = [each.code(written(each.value, names)) for each in body.declarations]
    if not made and not body.forward:
        return f"class {name}({body.base}):\n    pass\n"
    lines = [f"class {name}({body.base}):"]
    if made:
        parameters = ["self", *(f"{each}{_annotation(column)}" for each, column in final.values())]
        lines.append(f"    def __init__({', '.join(parameters)}) -> None:")
        start = [] if body.declarations[0].kind == "base" else ["super().__init__()"]
        lines += [f"        {line}" for line in [*start, *made]]
    if body.forward:
        lines += [""] * bool(made) + [f"    {body.forward[0]}"] + [f"        {line}" for line in body.forward[1:]]
    return "\n".join(lines) + "\n"


def _annotation(column: Sequence[Literal]) -> str:
    kinds = {type(each.value).__name__ for each in column}
    return f": {kinds.pop()}" if len(kinds) == 1 and kinds <= {"int", "float", "bool", "str", "tuple"} else ""

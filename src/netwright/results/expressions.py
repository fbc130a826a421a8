"""Python expressions as values, so that what differs between two of them can become an argument."""

from __future__ import annotations

import inspect
import keyword
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import torch
import torch.nn.functional

WIDTH = 112
NO_DEFAULT = inspect.Parameter.empty
_BUILTINS = (len, abs, min, max, sum, int, float, bool, round, slice, tuple, list, range)


@cache
def function_names() -> Mapping[int, str]:
    """How every function of torch is written, by its id."""
    places = {
        "torch.linalg": torch.linalg,
        "torch.fft": torch.fft,
        "torch.special": torch.special,
        "math": math,
        "torch": torch,
        "F": torch.nn.functional,
    }
    found: dict[int, str] = {}
    for place, module in places.items():  # what comes later wins
        for name, value in vars(module).items():
            if callable(value) and not name.startswith("_") and not isinstance(value, type):
                found[id(value)] = f"{place}.{name}"
    return found | {id(each): each.__name__ for each in _BUILTINS}


@dataclass(frozen=True)
class Literal:
    """A constant.

    hint: what it is called where it is used, from which an argument gets its name.
    """

    value: Any
    hint: str = ""


@dataclass(frozen=True)
class Text:
    """Code that stands as it is."""

    code: str


@dataclass(frozen=True)
class Argument:
    """An argument of a call; by position where `name` is empty. Left out where it equals `default`."""

    value: Expression
    name: str = ""
    default: Any = NO_DEFAULT


@dataclass(frozen=True)
class Call:
    function: str
    arguments: tuple[Argument, ...]


@dataclass(frozen=True)
class Listing:
    """Several expressions between brackets."""

    items: tuple[Expression, ...]
    brackets: str = "[]"


@dataclass(frozen=True)
class Entry:
    """One entry of a dictionary display."""

    key: str
    value: Expression


Expression = Literal | Text | Call | Listing | Entry


def literals(expression: Expression) -> Iterator[Literal]:
    """Every literal, in the order in which it is written."""
    if isinstance(expression, Literal):
        yield expression
    elif isinstance(expression, Call):
        for argument in expression.arguments:
            yield from literals(argument.value)
    elif isinstance(expression, Listing):
        for item in expression.items:
            yield from literals(item)
    elif isinstance(expression, Entry):
        yield from literals(expression.value)


def skeleton(expression: Expression) -> Any:
    """What is left of the expression without its literals: equal for expressions that one text can stand for."""
    if isinstance(expression, Literal):
        return "?"
    if isinstance(expression, Text):
        return ("text", expression.code)
    if isinstance(expression, Entry):
        return ("entry", expression.key, skeleton(expression.value))
    if isinstance(expression, Listing):
        return (expression.brackets, *(skeleton(item) for item in expression.items))
    return (expression.function, *((each.name, skeleton(each.value)) for each in expression.arguments))


def written(expression: Expression, arguments: Iterator[str | None]) -> Expression:
    """The expression ready to be laid out: each literal as text, arguments that equal their default left out.

    arguments: one item a literal, the name of the argument that takes its place, or None.
    """
    if isinstance(expression, Literal):
        name = next(arguments)
        return Text(name if name is not None else constant(expression.value))
    if isinstance(expression, Call):
        kept = [_argument(each, arguments) for each in expression.arguments]
        return Call(expression.function, tuple(each for each in kept if each is not None))
    if isinstance(expression, Listing):
        return Listing(tuple(written(item, arguments) for item in expression.items), expression.brackets)
    if isinstance(expression, Entry):
        return Entry(expression.key, written(expression.value, arguments))
    return expression


def plain(expression: Expression) -> Expression:
    """`written` without arguments: every literal as it is."""
    return written(expression, iter([None] * sum(1 for _ in literals(expression))))


def _argument(argument: Argument, names: Iterator[str | None]) -> Argument | None:
    if not isinstance(argument.value, Literal):
        return Argument(written(argument.value, names), argument.name)
    name = next(names)
    if name is not None:
        return Argument(Text(name), argument.name)
    if same(argument.value.value, argument.default):
        return None
    return Argument(Text(constant(argument.value.value)), argument.name)


def same(first: Any, second: Any) -> bool:
    """Equal and of the same type, so that one may be written for the other."""
    return type(first) is type(second) and (first is second or repr(first) == repr(second))


def plain_value(value: Any) -> Any:
    """A number or text without its own class (an IntEnum, a StrEnum, numpy's numbers), also inside tuples and lists."""
    if isinstance(value, str):
        return str.__str__(value)
    for kind in (bool, int, float):
        if isinstance(value, kind):
            return kind(value)
    return type(value)(map(plain_value, value)) if type(value) in (tuple, list) else value


def constant(value: Any) -> str:
    """Python code of a plain value; TypeError for anything else, so that nothing else can get into the code."""
    value = plain_value(value)
    if isinstance(value, float) and not math.isfinite(value):
        return f"float({str(float(value))!r})"
    if isinstance(value, str):
        return quoted(value)
    if value is None or isinstance(value, bool | int) or type(value) is float:
        return repr(value)
    if isinstance(value, float):
        return repr(float(value))
    if isinstance(value, tuple):
        return "(" + ", ".join(map(constant, value)) + ("," if len(value) == 1 else "") + ")"
    if isinstance(value, list):
        return "[" + ", ".join(map(constant, value)) + "]"
    if str(type(value)) == "<class 'torch.dtype'>":
        return str(value)
    raise TypeError(f"a {type(value).__name__} cannot be written as a constant")


def quoted(text: str) -> str:
    """A string literal, whatever the text holds; between double quotes where that needs nothing escaped."""
    code = repr(str.__str__(text))
    return code if "\\" in code or '"' in code or code[0] == '"' else f'"{code[1:-1]}"'


def layout(expression: Expression, indent: int = 0, used: int = 0) -> str:
    """The expression as code, over several lines where one has no room.

    used: columns before it and after it.
    """
    one = _one_line(expression)
    if len(one) + indent + used <= WIDTH:
        return one
    if isinstance(expression, Entry):
        return f"{quoted(expression.key)}: {layout(expression.value, indent, used + len(expression.key) + 4)}"
    if isinstance(expression, Listing) and expression.items:
        opening, closing = expression.brackets[0], expression.brackets[-1]
        return opening + _lines(_grouped(expression.items), indent) + closing
    if isinstance(expression, Call) and expression.arguments:
        if len(expression.arguments) == 1 and not expression.arguments[0].name:
            inner = layout(expression.arguments[0].value, indent, used + len(expression.function) + 2)
            if isinstance(expression.arguments[0].value, Listing):
                return f"{expression.function}({inner})"
        return f"{expression.function}(" + _lines(_named(expression.arguments), indent) + ")"
    return one


def _lines(items: Sequence[tuple[str, Expression]], indent: int) -> str:
    inner = indent + 4
    lines = [" " * inner + prefix + layout(item, inner, len(prefix) + 1) + ",\n" for prefix, item in items]
    return "\n" + "".join(lines) + " " * indent


def _named(arguments: Sequence[Argument]) -> list[tuple[str, Expression]]:
    if all(not each.name for each in arguments):
        return _grouped([each.value for each in arguments])
    return [(f"{each.name}=" if each.name else "", each.value) for each in arguments]


def _grouped(items: Sequence[Expression]) -> list[tuple[str, Expression]]:
    """The items, three and more equal calls in a row written as one comprehension."""
    found: list[tuple[str, Expression]] = []
    start = 0
    while start < len(items):
        stop = start + 1
        while stop < len(items) and items[stop] == items[start]:
            stop += 1
        if stop - start >= 3 and isinstance(items[start], Call):
            text = _one_line(items[start])
            found.append(("", Text(f"*({text} for _ in range({stop - start}))")))
        else:
            found.extend(("", item) for item in items[start:stop])
        start = stop
    return found


def _one_line(expression: Expression) -> str:
    if isinstance(expression, Text):
        return expression.code
    if isinstance(expression, Literal):
        return constant(expression.value)
    if isinstance(expression, Entry):
        return f"{quoted(expression.key)}: {_one_line(expression.value)}"
    if isinstance(expression, Listing):
        inner = ", ".join(map(_one_line, expression.items))
        comma = "," if expression.brackets == "()" and len(expression.items) == 1 else ""
        return expression.brackets[0] + inner + comma + expression.brackets[-1]
    inner = ", ".join((f"{each.name}=" if each.name else "") + _one_line(each.value) for each in expression.arguments)
    return f"{expression.function}({inner})"


def identifier(name: str, fallback: str = "value") -> str:
    """The name as an ASCII identifier that is no keyword."""
    kept = "".join(c if c.isascii() and (c.isalnum() or c == "_") else "_" for c in name)
    kept = kept if kept.strip("_") else fallback
    kept = f"_{kept}" if kept[0].isdigit() else kept
    return f"{kept}_" if keyword.iskeyword(kept) or kept in ("match", "case", "type") else kept


def is_attribute(name: str) -> bool:
    """Whether `self.name` can be written."""
    return name.isascii() and name.isidentifier() and not keyword.iskeyword(name)

"""Dictionaries of arrays and text from a pickle, without unpickling: nothing in the file is ever called.

A pickle is a program. This reads its instructions one at a time (with pickletools, which only parses) on a stack of
plain values. Names of classes and functions stay names; the few that numpy arrays and bytes are made of are replayed
here by hand, and every other one is refused.
"""

from __future__ import annotations

import pickletools
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from netwright.core.errors import DataError, marked

_MARK = object()


class Name(NamedTuple):
    """A class or function that the pickle names; never looked up."""

    module: str
    name: str


_PUSH_ARGUMENT = {
    *("BINSTRING", "SHORT_BINSTRING", "STRING", "BINBYTES", "SHORT_BINBYTES", "BINBYTES8", "BYTEARRAY8"),
    *("BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8", "UNICODE"),
    *("BININT", "BININT1", "BININT2", "INT", "LONG", "LONG1", "LONG4", "FLOAT", "BINFLOAT"),
}
_OLD_TEXT = {"BINSTRING", "SHORT_BINSTRING", "STRING"}
_PUSH_NEW: dict[str, Callable[[], Any]] = {
    "NONE": lambda: None,
    "NEWTRUE": lambda: True,
    "NEWFALSE": lambda: False,
    "EMPTY_DICT": dict,
    "EMPTY_LIST": list,
    "EMPTY_TUPLE": tuple,
    "MARK": lambda: _MARK,
}
_TUPLES = {"TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}
_NOTHING = {"PROTO", "FRAME", "STOP"}


class _Array:
    """An array between being named and being filled."""

    def __init__(self) -> None:
        self.value: NDArray[Any] | None = None


def read(data: bytes, where: str) -> Any:
    """The value of a pickle made of dicts, lists, tuples, numbers, text, bytes and numpy arrays of plain numbers.

    Text of Python 2 comes back as bytes; arrays are found as the value itself and one level deep.
    Raises DataError for anything else, naming it, and for damaged data.
    """
    try:
        return _finished(_run(data, where))
    except DataError:
        raise
    except Exception as problem:
        raise DataError(f"{where} is no pickle that can be read, or is damaged: {marked(problem)}") from None


def _run(data: bytes, where: str) -> Any:
    stack: list[Any] = []
    memo: dict[int, Any] = {}
    argument: Any
    for opcode, argument, _ in pickletools.genops(data):
        name = opcode.name
        if name in _PUSH_ARGUMENT:
            stack.append(argument.encode("latin-1") if name in _OLD_TEXT else argument)
        elif name in _PUSH_NEW:
            stack.append(_PUSH_NEW[name]())
        elif name in ("BINPUT", "LONG_BINPUT", "PUT"):
            memo[int(argument)] = stack[-1]
        elif name == "MEMOIZE":
            memo[len(memo)] = stack[-1]
        elif name in ("BINGET", "LONG_BINGET", "GET"):
            stack.append(memo[int(argument)])
        elif name in _TUPLES:
            stack[-_TUPLES[name] :] = [tuple(stack[-_TUPLES[name] :])]
        elif name in _STEPS:
            _STEPS[name](stack)
        elif name == "GLOBAL":
            stack.append(Name(*argument.split(" ", 1)))
        elif name == "STACK_GLOBAL":
            stack[-2:] = [Name(*stack[-2:])]
        elif name == "REDUCE":
            stack[-2:] = [_made(stack[-2], stack[-1], where)]
        elif name == "BUILD":
            _filled(stack[-2], stack.pop(), where)
        elif name not in _NOTHING:
            raise DataError(f"{where}: unsafe pickle refused: instruction {name}")
    (value,) = stack
    if value is _MARK or isinstance(value, Name):
        raise DataError(f"{where}: a pickle without a value")
    return value


def _since_mark(stack: list[Any]) -> list[Any]:
    place = len(stack) - 1 - next(i for i, each in enumerate(reversed(stack)) if each is _MARK)
    items = stack[place + 1 :]
    del stack[place:]
    return items


def _set_items(stack: list[Any]) -> None:
    items = _since_mark(stack)
    stack[-1].update(zip(items[::2], items[1::2], strict=True))


def _set_item(stack: list[Any]) -> None:
    key, value = stack[-2:]
    del stack[-2:]
    stack[-1][key] = value


def _appends(stack: list[Any]) -> None:
    items = _since_mark(stack)
    stack[-1].extend(items)


def _append(stack: list[Any]) -> None:
    item = stack.pop()
    stack[-1].append(item)


def _dict(stack: list[Any]) -> None:
    items = _since_mark(stack)
    stack.append(dict(zip(items[::2], items[1::2], strict=True)))


_STEPS: dict[str, Callable[[list[Any]], None]] = {
    "SETITEMS": _set_items,
    "SETITEM": _set_item,
    "APPENDS": _appends,
    "APPEND": _append,
    "TUPLE": lambda stack: stack.append(tuple(_since_mark(stack))),
    "LIST": lambda stack: stack.append(_since_mark(stack)),
    "DICT": _dict,
    "POP": lambda stack: stack.__delitem__(-1),
    "POP_MARK": lambda stack: _since_mark(stack).clear(),
}


def _made(function: Any, arguments: Any, where: str) -> Any:
    """What calling a named function would give, for the few that are replayed here."""
    match function:
        case Name("numpy.core.multiarray" | "numpy._core.multiarray", "_reconstruct"):
            return _Array()
        case Name("numpy.core.numeric" | "numpy._core.numeric", "_frombuffer"):
            body, kind, shape, order = arguments
            return _array(body, kind, tuple(shape), order == "F", where)
        case Name("numpy", "dtype"):
            return _plain_dtype(arguments[0], where)
        case Name("_codecs", "encode") if arguments[1] == "latin1":
            return arguments[0].encode("latin-1")
        case Name("builtins" | "__builtin__", "bytes") if not arguments:
            return b""
        case Name(module, name):
            raise DataError(f"{where}: unsafe pickle refused: global {module}.{name}")
    raise DataError(f"{where}: unsafe pickle refused: a call of {type(function).__name__}")


def _filled(target: Any, state: Any, where: str) -> None:
    """What `__setstate__` would do to an array; a dtype's state only repeats its byte order, which is checked."""
    if isinstance(target, np.dtype):
        if state[1] not in ("|", "<", b"|", b"<"):
            raise DataError(f"{where}: big-endian arrays are not read; expected little-endian")
    elif isinstance(target, _Array):
        _, shape, kind, fortran, body = state
        target.value = _array(body, kind, tuple(shape), bool(fortran), where)
    else:
        raise DataError(f"{where}: unsafe pickle refused: state of {type(target).__name__}")


def _plain_dtype(text: Any, where: str) -> np.dtype[Any]:
    text = text.decode("latin-1") if isinstance(text, bytes) else str(text)
    kind = np.dtype(text)
    if kind.kind not in "biuf":
        raise DataError(f"{where}: arrays of {kind} are not read; expected plain numbers")
    return kind


def _array(body: Any, kind: Any, shape: tuple[int, ...], fortran: bool, where: str) -> NDArray[Any]:
    if not isinstance(body, bytes | bytearray) or not isinstance(kind, np.dtype):
        raise DataError(f"{where}: an array without plain bytes in it")
    return np.frombuffer(body, kind).reshape(shape, order="F" if fortran else "C")


def _finished(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: each.value if isinstance(each, _Array) else each for key, each in value.items()}
    return value.value if isinstance(value, _Array) else value

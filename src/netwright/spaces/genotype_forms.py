"""The forms in which cells are passed around, each brought to one: the readings of every node, and the output's states.

What public code and its logs hold, beside the flat list of DARTS (Liu et al. 2019):

| form | as in |
| --- | --- |
| a list or tuple of readings a node: `[(('sep_conv_3x3', 0), ('skip_connect', 1)), ...]` | AutoDL-Projects, pt.darts |
| a weight behind each reading: `('sep_conv_3x3', 0, 0.24)` | search logs of AutoDL-Projects and Fair DARTS |
| edges with the node they lead to: `('sep_conv_3x3', 2, 0)`, some nodes without any | Fair DARTS (Chu et al. 2020) |
| `connectN=None, connects=None`, `layout='cell'` | AutoDL-Projects, sharpDARTS |
| a dictionary as Python prints it | AutoDL-Projects |
"""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping, Sequence
from numbers import Integral
from typing import Any, cast

from netwright.core.errors import InvalidArchitecture, nearest, shown

KINDS = ("normal", "reduce")
MOST_NODES = 24
LONGEST = 100_000
NOTHING = ("none", 0)
"""The reading of a node that has a single one: it adds zero."""
_PARTS = tuple(each for kind in KINDS for each in (kind, f"{kind}_concat"))
_EMPTY_PARTS: Mapping[str, Any] = {"connectN": None, "connects": None, "layout": "cell"}
_NAMED = r"\s*(?:\w+\s*=\s*)?"
_CALL = re.compile(_NAMED + r"(?:\w+\.)*Genotype")
_DICTIONARY = re.compile(_NAMED + r"\{\s*(?:'(?:cells|normal|reduce)|\"(?:normal|reduce)\"\s*:\s*[\[(]\s*\()")
_NUMBERS = ("array", "float16", "float32", "float64", "int32", "int64", "tensor")


# Text.


def is_written(text: str) -> bool:
    """Whether the text is meant as a genotype in Python's notation, valid or not."""
    return bool(_CALL.match(text) or _DICTIONARY.match(text))


def parts_of_text(text: str) -> dict[str, Any]:
    """The parts of `Genotype(normal=..., ...)` or of a dictionary, maybe with a name before it; nothing is executed."""
    if len(text) > LONGEST:
        raise InvalidArchitecture(f"the genotype is {len(text):,} characters long; at most {LONGEST:,} are read")
    try:
        statements = ast.parse(text.strip()).body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise InvalidArchitecture(f"the genotype cannot be read ({error}); {_expected()}") from None
    statement = statements[0] if len(statements) == 1 else None
    value = statement.value if isinstance(statement, ast.Expr | ast.Assign) else None
    if isinstance(value, ast.Dict):
        return cast("dict[str, Any]", _literal("the dictionary", value))
    if not isinstance(value, ast.Call) or ast.unparse(value.func).rpartition(".")[2] != "Genotype":
        raise InvalidArchitecture(_expected())
    if value.args or any(keyword.arg is None for keyword in value.keywords):
        raise InvalidArchitecture(f"a genotype names each of its parts; {_expected()}")
    return {cast("str", each.arg): _literal(repr(each.arg), each.value) for each in value.keywords}


def _expected() -> str:
    return "expected Genotype(normal=[('operation', state), ...], normal_concat=..., reduce=[...], reduce_concat=...)"


def _literal(name: str, node: ast.expr) -> Any:
    """The value of literals and of what `_Literals` makes one."""
    try:
        return ast.literal_eval(_Literals().visit(node))
    except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError):
        raise InvalidArchitecture(
            f"{name} of the genotype is not a list of literals or a range: {ast.unparse(node)[:100]}"
        ) from None


class _Literals(ast.NodeTransformer):
    """Puts values in the place of `range(...)`, `list(...)`, and of numbers as numpy and torch print them."""

    def visit_Call(self, node: ast.Call) -> ast.expr:
        called = ast.unparse(node.func).rpartition(".")[2]
        arguments = [ast.literal_eval(self.visit(each)) for each in node.args]
        if called == "range" and not node.keywords and len(arguments) in (1, 2, 3):
            states = list(range(*arguments)[: MOST_NODES + 3])
        elif called in ("list", "tuple", "sorted") and not node.keywords and len(arguments) == 1:
            states = list(arguments[0])
        elif called in _NUMBERS and len(arguments) == 1 and isinstance(arguments[0], int | float):
            return ast.Constant(arguments[0])
        else:
            raise ValueError(called)
        return ast.List([ast.Constant(each) for each in states], ast.Load())


# Parts.


def checked_parts(record: Mapping[str, Any]) -> dict[str, Any]:
    """The four parts of a genotype; further ones must say that there is nothing further."""
    for name, value in record.items():
        if name in _EMPTY_PARTS and value != _EMPTY_PARTS[name] and value is not None:
            raise InvalidArchitecture(
                f"{name!r} of the genotype is {shown(value)}; only cells where it is {_EMPTY_PARTS[name]!r} can be read"
            )
        if name not in _PARTS and name not in _EMPTY_PARTS:
            raise InvalidArchitecture(f"a genotype has no part {str(name)[:100]!r}{nearest(name, _PARTS)}")
    for name in _PARTS:
        if name not in record:
            raise InvalidArchitecture(f"the genotype has no {name!r}; it needs {', '.join(_PARTS)}")
    return {name: record[name] for name in _PARTS}


def readings_by_node(kind: str, part: object, output: object) -> tuple[list[list[object]], object]:
    """What each node reads, two (operation, state) pairs a node, and the output's states; both still to be checked."""
    if not is_list(part) or not part:
        raise InvalidArchitecture(f"{kind!r} should list two (operation, state) pairs a node, found {shown(part)}")
    listed = cast("Sequence[object]", part)
    if all(_is_edge(each) for each in listed):
        return _of_edges(kind, [cast("Sequence[Any]", each) for each in listed], output)
    if any(is_list(each) and _is_node(cast("Sequence[object]", each)) for each in listed):
        return [_pair(kind, i, each) for i, each in enumerate(listed)], output
    if len(listed) % 2:
        raise InvalidArchitecture(f"{kind!r} should list two (operation, state) pairs a node, found {shown(part)}")
    return [list(listed[i : i + 2]) for i in range(0, len(listed), 2)], output


def is_list(value: object) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str)


def _is_node(each: Sequence[object]) -> bool:
    """Whether these are the readings of a node, rather than one of them."""
    return bool(each) and all(is_list(reading) and reading for reading in each)


def _pair(kind: str, node: int, readings: object) -> list[object]:
    """Both readings of a node that is listed by itself."""
    found = list(cast("Sequence[object]", readings)) if is_list(readings) else []
    if len(found) not in (1, 2):
        what = f"{len(found)} readings" if len(found) > 2 else shown(readings)
        raise InvalidArchitecture(f"node {node} of {kind!r} has {what}; the nodes of these cells have one or two")
    return [*found, NOTHING][:2]


def _is_edge(each: object) -> bool:
    """Whether this is (operation, node, state), a node being 2 or more."""
    if not is_list(each):
        return False
    values = list(cast("Sequence[Any]", each))
    return len(values) == 3 and all(_is_whole(number) for number in values[1:]) and values[1] >= 2


def _is_whole(value: object) -> bool:
    return isinstance(value, Integral) and not isinstance(value, bool)


def _of_edges(kind: str, edges: Sequence[Sequence[Any]], output: object) -> tuple[list[list[object]], object]:
    """Nodes without an edge are left out, and so is what reads them, as the authors' networks do."""
    states = {0: 0, 1: 1}
    nodes: list[list[object]] = []
    for number in sorted({node for _, node, _ in edges}):
        late = [state for _, node, state in edges if node == number and not 0 <= state < node]
        if late:
            raise InvalidArchitecture(
                f"state {number} of {kind!r} reads state {late[0]}, which does not come before it"
            )
        readings = [(name, states[state]) for name, node, state in edges if node == number and state in states]
        if readings:
            states[number] = len(nodes) + 2
            nodes.append(_pair(kind, len(nodes), readings))
    if is_list(output):
        output = [_renamed(each, states) for each in cast("Sequence[object]", output) if not _left_out(each, states)]
    return nodes, output


def _left_out(state: object, states: Mapping[int, int]) -> bool:
    return _is_whole(state) and state not in states


def _renamed(state: object, states: Mapping[int, int]) -> object:
    return states[cast("int", state)] if _is_whole(state) else state

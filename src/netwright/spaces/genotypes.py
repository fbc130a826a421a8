"""Reads and writes cells as papers publish them: the DARTS genotype form (Liu et al. 2019), as data or as text.

A genotype names, for each node of the normal and of the reduction cell, two operations with the states they read, and
which states make up the cell's output. States 0 and 1 are the outputs of the cells before the last and of the last;
node i is state i + 2.
"""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from netwright.core.errors import InvalidArchitecture, nearest
from netwright.core.serial import parse_json
from netwright.networks.operations import OPERATIONS

KINDS = ("normal", "reduce")
MOST_NODES = 24
LONGEST = 100_000
_WRITTEN = re.compile(r"\s*(?:\w+\s*=\s*)?(?:\w+\.)*Genotype")

Reading = tuple[str, int]  # an operation, and the state that it reads
Block = tuple[Reading, Reading]


@dataclass(frozen=True, slots=True)
class PublishedCell:
    """One cell: two readings a node, and the states that make up its output, in ascending order."""

    nodes: tuple[Block, ...]
    output: tuple[int, ...]

    @property
    def every_node(self) -> tuple[int, ...]:
        return tuple(range(2, len(self.nodes) + 2))

    @property
    def loose_ends(self) -> tuple[int, ...]:
        """The nodes that no other node reads."""
        read = {source for block in self.nodes for _, source in block}
        return tuple(state for state in self.every_node if state not in read)


@dataclass(frozen=True, slots=True)
class Genotype:
    normal: PublishedCell
    reduce: PublishedCell

    @property
    def cells(self) -> tuple[PublishedCell, PublishedCell]:
        return self.normal, self.reduce

    @property
    def operations(self) -> set[str]:
        return {label for cell in self.cells for block in cell.nodes for label, _ in block}

    def to_dict(self) -> dict[str, Any]:
        """The genotype as JSON: `{"normal": [[operation, state], ...], "normal_concat": [...], "reduce": ...}`."""
        record: dict[str, Any] = {}
        for kind, cell in zip(KINDS, self.cells, strict=True):
            record[kind] = [list(reading) for block in cell.nodes for reading in block]
            record[f"{kind}_concat"] = list(cell.output)
        return record

    def __str__(self) -> str:
        parts: list[str] = []
        for kind, cell in zip(KINDS, self.cells, strict=True):
            parts.append(f"{kind}={[reading for block in cell.nodes for reading in block]}")
            parts.append(f"{kind}_concat={list(cell.output)}")
        return f"Genotype({', '.join(parts)})"


def is_genotype(value: object) -> bool:
    """Whether this is meant as a genotype, valid or not: the text of one, or data with its keys."""
    if isinstance(value, str):
        return _WRITTEN.match(value) is not None
    return isinstance(value, Mapping) and bool({"cells", "recurrent", *KINDS} & set(value))


def read_genotype(value: str | Mapping[str, Any]) -> Genotype:
    """The genotype that a mapping, its JSON, or the text `Genotype(normal=..., ...)` describes.

    A mapping may also hold it under "cells", and a named tuple is read like one. Text may give it a name, as in
    `NAME = module.Genotype(...)`; it is parsed as literals and never executed.
    Raises InvalidArchitecture, which says which part is wrong, or UserError for broken JSON.
    """
    record: Any = _from_text(value) if isinstance(value, str) else value
    record = record._asdict() if hasattr(record, "_asdict") else record
    if isinstance(record, Mapping) and isinstance(record.get("cells"), Mapping):
        record = record["cells"]
    if not isinstance(record, Mapping):
        raise InvalidArchitecture(f"a genotype is an object with 'normal' and 'reduce', found {type(record).__name__}")
    if "recurrent" in record:
        raise InvalidArchitecture(
            "this genotype is a recurrent cell; the spaces of cells hold convolutional ones ('normal' and 'reduce')"
        )
    wanted = [each for kind in KINDS for each in (kind, f"{kind}_concat")]
    for name in record:
        if name not in wanted:
            raise InvalidArchitecture(f"a genotype has no part {str(name)[:100]!r}{nearest(name, wanted)}")
    for name in wanted:
        if name not in record:
            raise InvalidArchitecture(f"the genotype has no {name!r}; it needs {', '.join(wanted)}")
    return Genotype(*(_read_cell(kind, record[kind], record[f"{kind}_concat"]) for kind in KINDS))


def _read_cell(kind: str, readings: object, output: object) -> PublishedCell:
    if not isinstance(readings, Sequence) or isinstance(readings, str) or not readings or len(readings) % 2:
        raise InvalidArchitecture(f"{kind!r} should list two (operation, state) pairs a node, found {_short(readings)}")
    if len(readings) > 2 * MOST_NODES:
        raise InvalidArchitecture(f"{kind!r} has {len(readings) // 2} nodes; at most {MOST_NODES} can be read")
    pairs = [_read_pair(kind, i // 2, each) for i, each in enumerate(cast("Sequence[object]", readings))]
    nodes = tuple(zip(pairs[::2], pairs[1::2], strict=True))
    return PublishedCell(nodes, _read_output(kind, output, len(nodes)))


def _read_pair(kind: str, node: int, pair: object) -> Reading:
    if not isinstance(pair, Sequence) or isinstance(pair, str) or len(pair) != 2:
        raise InvalidArchitecture(f"node {node} of {kind!r}: expected a pair (operation, state), found {_short(pair)}")
    label, state = cast("Sequence[object]", pair)
    if not isinstance(label, str) or label not in OPERATIONS:
        raise InvalidArchitecture(
            f"node {node} of {kind!r}: there is no operation {_short(label)}{nearest(label, OPERATIONS)}"
        )
    source = _whole(state)
    if source is None or not 0 <= source < node + 2:
        raise InvalidArchitecture(
            f"node {node} of {kind!r} reads state {_short(state)}; it may read 0 to {node + 1}, the states before it"
        )
    return label, source


def _read_output(kind: str, output: object, nodes: int) -> tuple[int, ...]:
    if not isinstance(output, Sequence | set | frozenset) or isinstance(output, str) or not output:
        raise InvalidArchitecture(f"'{kind}_concat' should list states, found {_short(output)}")
    states: list[int] = []
    for each in cast("Sequence[object]", output):
        state = _whole(each)
        if state is None or not 2 <= state < nodes + 2:
            raise InvalidArchitecture(
                f"'{kind}_concat' lists {_short(each)}; the nodes of this cell are states 2 to {nodes + 1}"
            )
        if state in states:
            raise InvalidArchitecture(f"'{kind}_concat' lists state {state} twice")
        states.append(state)
    return tuple(sorted(states))


def _whole(value: Any) -> int | None:
    """The whole number, of Python's or of numpy's type; None for what is none."""
    try:
        return None if isinstance(value, bool) else operator.index(value)
    except TypeError:
        return None


def _from_text(text: str) -> Any:
    if not is_genotype(text):
        return parse_json(text)
    problem = (
        "expected Genotype(normal=[('operation', state), ...], normal_concat=..., reduce=[...], reduce_concat=...)"
    )
    if len(text) > LONGEST:
        raise InvalidArchitecture(f"the genotype is {len(text):,} characters long; at most {LONGEST:,} are read")
    try:
        statements = ast.parse(text.strip()).body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise InvalidArchitecture(f"the genotype cannot be read ({error}); {problem}") from None
    statement = statements[0] if len(statements) == 1 else None
    call = statement.value if isinstance(statement, ast.Expr | ast.Assign) else None
    if not isinstance(call, ast.Call) or ast.unparse(call.func).rpartition(".")[2] != "Genotype":
        raise InvalidArchitecture(problem)
    if call.args or any(keyword.arg is None for keyword in call.keywords):
        raise InvalidArchitecture(f"a genotype names each of its parts; {problem}")
    return {cast("str", keyword.arg): _literal(cast("str", keyword.arg), keyword.value) for keyword in call.keywords}


def _literal(name: str, node: ast.expr) -> Any:
    """The value of a literal, or of `range(...)`, also inside `list(...)`, `tuple(...)` and `sorted(...)`."""
    try:
        if not isinstance(node, ast.Call):
            return ast.literal_eval(node)
        arguments = [_literal(name, each) for each in node.args]
        called = node.func.id if isinstance(node.func, ast.Name) else ""
        if called == "range" and not node.keywords and len(arguments) in (1, 2, 3):
            return list(range(*arguments)[: MOST_NODES + 3])
        if called in ("list", "tuple", "sorted") and not node.keywords and len(arguments) == 1:
            return list(arguments[0])
    except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError):
        pass
    raise InvalidArchitecture(
        f"{name!r} of the genotype is not a list of literals or a range: {ast.unparse(node)[:100]}"
    )


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 100 else text[:97] + "..."

"""Reads and writes cells as papers publish them: the DARTS genotype form (Liu et al. 2019), as data or as text.

Other forms that are in circulation are read, too: see `genotype_forms`.

A genotype names, for each node of the normal and of the reduction cell, two operations with the states they read, and
which states make up the cell's output. States 0 and 1 are the outputs of the cells before the last and of the last;
node i is state i + 2.
"""

from __future__ import annotations

import operator
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from netwright.core.errors import InvalidArchitecture, nearest, shown
from netwright.core.serial import parse_json
from netwright.networks.operations import OPERATIONS
from netwright.spaces.genotype_forms import (
    KINDS,
    MOST_NODES,
    checked_parts,
    is_list,
    is_written,
    parts_of_text,
    readings_by_node,
)
from netwright.spaces.genotype_lists import LISTS, has_lists, in_parts, is_written_in_lists, parts_of_lists

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
        return is_written(value) or is_written_in_lists(value)
    return isinstance(value, Mapping) and bool({"cells", "recurrent", *KINDS, *LISTS} & set(value))


def read_genotype(value: str | Mapping[str, Any], *, inputs: bool = False) -> Genotype:
    """The genotype that a mapping, its JSON, or the text `Genotype(normal=..., ...)` describes.

    A mapping may also hold it under "cells", and a named tuple is read like one. Text may give it a name, as in
    `NAME = module.Genotype(...)`; it is parsed as literals and never executed. Readings may stand in one list, or in
    one a node, each with a weight or with the node it leads to. Lists of NASNet, PNASNet and ENAS are read, too: see
    `genotype_lists`.

    value: in any of these forms.
    inputs: whether the output may have inputs of the cell among its states, as those of NASNet's lists may.

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
    inputs = inputs or has_lists(record) or (isinstance(value, str) and is_written_in_lists(value))
    parts = checked_parts(in_parts(record))
    return Genotype(*(_read_cell(kind, parts[kind], parts[f"{kind}_concat"], inputs=inputs) for kind in KINDS))


def _from_text(text: str) -> Any:
    if is_written_in_lists(text):
        return parts_of_lists(text)
    return parts_of_text(text) if is_written(text) else parse_json(text)


def _read_cell(kind: str, part: object, output: object, *, inputs: bool) -> PublishedCell:
    readings, output = readings_by_node(kind, part, output)
    if len(readings) > MOST_NODES:
        raise InvalidArchitecture(f"{kind!r} has {len(readings)} nodes; at most {MOST_NODES} can be read")
    nodes = tuple(
        (_read_pair(kind, i, first), _read_pair(kind, i, second)) for i, (first, second) in enumerate(readings)
    )
    return PublishedCell(nodes, _read_output(kind, output, len(nodes), 0 if inputs else 2))


def _read_pair(kind: str, node: int, pair: object) -> Reading:
    if not is_list(pair) or not _is_pair(cast("Sequence[object]", pair)):
        raise InvalidArchitecture(f"node {node} of {kind!r}: expected a pair (operation, state), found {shown(pair)}")
    label, state = cast("Sequence[object]", pair)[:2]
    if not isinstance(label, str) or label not in OPERATIONS:
        raise InvalidArchitecture(
            f"node {node} of {kind!r}: there is no operation {shown(label)}{nearest(label, OPERATIONS)}"
        )
    source = _whole(state)
    if source is None or not 0 <= source < node + 2:
        raise InvalidArchitecture(
            f"node {node} of {kind!r} reads state {shown(state)}; it may read 0 to {node + 1}, the states before it"
        )
    return label, source


def _is_pair(values: Sequence[object]) -> bool:
    """Whether there are two, or a third one that is a weight."""
    return len(values) == 2 or (len(values) == 3 and hasattr(values[2], "__float__"))


def _read_output(kind: str, output: object, nodes: int, least: int) -> tuple[int, ...]:
    """The states of the output, in ascending order. least: the first that may be among them."""
    if not isinstance(output, Sequence | set | frozenset) or isinstance(output, str) or not output:
        raise InvalidArchitecture(f"'{kind}_concat' should list states, found {shown(output)}")
    states: list[int] = []
    for each in cast("Sequence[object]", output):
        state = _whole(each)
        if state is None or not least <= state < nodes + 2:
            raise InvalidArchitecture(
                f"'{kind}_concat' lists {shown(each)}; the nodes of this cell are states 2 to {nodes + 1}"
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

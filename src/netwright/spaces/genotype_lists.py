"""The lists in which NASNet, PNASNet and ENAS are published, each brought to the parts of a genotype.

| form | as in |
| --- | --- |
| `operations`, `hiddenstate_indices` and `used_hiddenstates` of each cell | NASNet and PNASNet of tensorflow/models |
| a state and the number of an operation, twice a node: `0 2 0 0 0 4 0 1 ...` | the program of ENAS (Pham et al. 2018) |

NASNet's hidden state 0 is the output of the last cell and 1 that of the one before, so they change places here. What
`used_hiddenstates` has no 1 for is joined to the output, maybe with an input of the cell.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping, Sequence
from typing import Any, cast

from netwright.core.errors import InvalidArchitecture, shown

LISTS = ("operations", "hiddenstate_indices", "used_hiddenstates")
ENAS_OPERATIONS = ("sep_conv_3x3", "sep_conv_5x5", "avg_pool_3x3", "max_pool_3x3", "skip_connect")
_RENAMED = {
    "none": "skip_connect",
    "1x1": "nor_conv_1x1",
    "3x3": "nor_conv_3x3",
    "1x3_3x1": "conv_3x1_1x3",
    "1x7_7x1": "conv_7x1_1x7",
    "dil_3x3_2": "dil_conv_3x3",
}
_SEPARABLE = re.compile(r"separable_(\d)x\1_2")
_WRITTEN = re.compile(r"\bhiddenstate_indices\s*=")
_NUMBERS = re.compile(r"[\s\"'\[]*\d+(?:[\s,]+\d+){7,}[\s\"'\],]*")
_KINDS = ("normal", "reduce")


def is_written_in_lists(text: str) -> bool:
    """Whether the text is meant as one of these forms, as it stands in a program or as numbers alone."""
    return bool(_WRITTEN.search(text) or _NUMBERS.fullmatch(text))


def parts_of_lists(text: str) -> dict[str, Any]:
    """The parts that a text in one of these forms has; nothing is executed.

    text: assignments to the three lists, of one cell or of the normal and the reduction cell, within classes or not; or
        the numbers of ENAS, those of the normal cell first.
    """
    if _NUMBERS.fullmatch(text):
        numbers = [int(each) for each in re.findall(r"\d+", text)]
        return in_parts({"normal": numbers[: len(numbers) // 2], "reduce": numbers[len(numbers) // 2 :]})
    try:
        tree = ast.parse(text.strip())
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise InvalidArchitecture(f"the lists of cells cannot be read ({error})") from None
    found: dict[str, list[Any]] = {name: [] for name in LISTS}
    assigned = [each for each in ast.walk(tree) if isinstance(each, ast.Assign)]
    for each in sorted(assigned, key=lambda node: node.lineno):
        name = ast.unparse(each.targets[0]).rpartition(".")[2]
        if name in found:
            found[name].append(_literal(name, each.value))
    counts = {len(each) for each in found.values()}
    if counts not in ({1}, {2}):
        told = ", ".join(f"{len(lists)} of {name}" for name, lists in found.items())
        raise InvalidArchitecture(f"expected one or two lists of each of {', '.join(LISTS)}; found {told}")
    cells = [dict(zip(LISTS, lists, strict=True)) for lists in zip(*found.values(), strict=True)]
    return in_parts(dict(zip(_KINDS, (cells * 2)[:2] if len(cells) == 1 else cells, strict=True)))


def in_parts(record: Mapping[str, Any]) -> dict[str, Any]:
    """The record with each cell that is given in lists as the parts of a genotype, others as they are.

    record: from "normal" and "reduce" (or "reduction") to the lists of a cell; or the lists of the only cell there is.
    """
    if set(LISTS[:2]) <= set(record):
        record = {kind: dict(record) for kind in _KINDS}
    found: dict[str, Any] = {}
    for name, value in record.items():
        kind = "reduce" if name == "reduction" else name
        if kind in _KINDS and isinstance(value, Mapping):
            found[kind], found[f"{kind}_concat"] = _of_hidden_states(kind, cast("Mapping[str, Any]", value))
        elif kind in _KINDS and f"{name}_concat" not in record and _is_numbers(value):
            found[kind], found[f"{kind}_concat"] = _of_numbers(kind, cast("Sequence[int]", value))
        else:
            found[name] = value
    return found


def has_lists(record: Mapping[str, Any]) -> bool:
    """Whether a record gives a cell in lists, where the output may have inputs of the cell."""
    return set(LISTS[:2]) <= set(record) or any(isinstance(record.get(kind), Mapping) for kind in _KINDS)


def _of_hidden_states(kind: str, cell: Mapping[str, Any]) -> tuple[list[Any], list[int]]:
    """Readings and output of a cell in NASNet's three lists."""
    for name in cell:
        if name not in LISTS:
            raise InvalidArchitecture(f"{kind!r} has no list {str(name)[:100]!r}; expected {', '.join(LISTS)}")
    for name in LISTS:
        if not isinstance(cell.get(name), Sequence) or isinstance(cell[name], str):
            raise InvalidArchitecture(f"{name!r} of {kind!r} should be a list, found {shown(cell.get(name))}")
    operations, indices, used = (list(cell[name]) for name in LISTS)
    if len(operations) != len(indices) or len(used) != len(operations) // 2 + 2 or len(operations) % 2:
        raise InvalidArchitecture(
            f"{kind!r} has {len(operations)} operations, {len(indices)} indices and {len(used)} used states; expected "
            "two operations and two indices a node, and a used state for each node and for both inputs"
        )
    readings = [(_renamed(name), _turned(kind, state)) for name, state in zip(operations, indices, strict=True)]
    return readings, sorted(_turned(kind, state) for state, each in enumerate(used) if not each)


def _renamed(name: object) -> object:
    """The operation by our name; what is unknown stays as it is, to be refused by whoever checks it."""
    if not isinstance(name, str):
        return name
    separable = _SEPARABLE.fullmatch(name)
    return f"sep_conv_{separable[1]}x{separable[1]}" if separable else _RENAMED.get(name, name)


def _turned(kind: str, state: object) -> int:
    if not isinstance(state, int) or isinstance(state, bool):
        raise InvalidArchitecture(f"{kind!r} reads state {shown(state)}; expected a whole number")
    return {0: 1, 1: 0}.get(state, state)


def _of_numbers(kind: str, numbers: Sequence[int]) -> tuple[list[Any], list[int]]:
    """Readings and output of a cell as ENAS numbers it; the states that no node reads are joined."""
    if len(numbers) % 4:
        raise InvalidArchitecture(
            f"{kind!r} has {len(numbers)} numbers; expected four a node: a state and an operation, twice"
        )
    states, labels = numbers[::2], numbers[1::2]
    for label in labels:
        if not 0 <= label < len(ENAS_OPERATIONS):
            raise InvalidArchitecture(
                f"{kind!r} has operation {label}; expected 0 to {len(ENAS_OPERATIONS) - 1}, which are "
                f"{', '.join(ENAS_OPERATIONS)}"
            )
    readings = [(ENAS_OPERATIONS[label], state) for label, state in zip(labels, states, strict=True)]
    return readings, [state for state in range(2, len(numbers) // 4 + 2) if state not in states]


def _is_numbers(value: object) -> bool:
    return (
        isinstance(value, Sequence)
        and not isinstance(value, str)
        and bool(value)
        and all(isinstance(each, int) and not isinstance(each, bool) for each in value)
    )


def _literal(name: str, node: ast.expr) -> Any:
    try:
        return ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError):
        raise InvalidArchitecture(f"{name} is not a list of literals: {ast.unparse(node)[:100]}") from None

"""How the architectures of a space grow: its decisions in blocks, and what stands in for those not decided yet."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from netwright.core.errors import UserError

if TYPE_CHECKING:
    from netwright.core.decision_space import DecisionSpace
    from netwright.core.decisions import Decision, DecisionTable, Point

IDLE = ("skip_connect", "skip", "identity", "none", "zero")  # labels of options that compute nothing, best first
Wishes = tuple[int, ...]  # an option for each decision, -1 where it is not decided


@dataclass(frozen=True, slots=True)
class Block:
    """Decisions that are taken together; `repeat`, `item`: of which repetition they are the how-manyeth part."""

    name: str
    decisions: tuple[int, ...]
    repeat: int = -1
    item: int = 0


class Growth:
    """Blocks in the order in which they are decided, and partial architectures as whole ones.

    A block is what is decided inside one part of a repetition; otherwise the decisions whose names agree up to the
    first part with a number ("normal/node2/..."); a decision that depends on another is in the block of that one.
    Blocks of lower numbers come first, so cells of several kinds grow in turn.

    Of the blocks that are not decided yet, a repetition has as few as it may, and every choice between modules takes an
    `idle` option, which computes nothing. Raises UserError for a space where such a choice has none.
    """

    def __init__(self, space: DecisionSpace, idle: Sequence[str]) -> None:
        self._table = table = space.decisions
        self._repeats = {each.name: i for i, each in enumerate(table) if each.kind == "repeat"}
        self._keys: dict[str, str] = {}
        for each in table:
            self._keys[each.name] = self._key(each)
        self.blocks = self._ordered_blocks(table)
        places = {i: block for block in self.blocks for i in block.decisions}
        self._rest = [self._filler(space, table[i], places.get(i), idle) for i in range(len(table))]
        self._assignments: dict[str, list[tuple[int, ...]]] = {}

    # Blocks.

    def _key(self, decision: Decision) -> str:
        item = self._item(decision.name)
        if item is not None:
            return item
        parents = [each.parent for each in decision.conditions if each.parent not in self._repeats]
        if parents:
            return self._keys[parents[0]]
        numbered = re.match(r"(?:[^/]*/)*?[^/]*\d(?=/|$)", decision.name)
        return numbered[0] if numbered else decision.name

    def _item(self, name: str) -> str | None:
        """The part of the innermost repetition that a decision is in: "stage1/depth/0"."""
        found = [
            f"{each}/{name[len(each) + 1 :].split('/')[0]}" for each in self._repeats if name.startswith(f"{each}/")
        ]
        return max(found, key=len, default=None)

    def _ordered_blocks(self, table: DecisionTable) -> list[Block]:
        members: dict[str, list[int]] = {}
        for i, each in enumerate(table):
            if i not in self._repeats.values():
                members.setdefault(self._keys[each.name], []).append(i)
        for name, i in self._repeats.items():  # a part without decisions of its own is a block, too
            for item in range(max(int(option) for option in table[i].options)):  # type: ignore[arg-type]
                members.setdefault(f"{name}/{item}", [])
        blocks = [self._block(name, tuple(own)) for name, own in members.items()]
        return sorted(blocks, key=lambda block: _number(block.name))  # stable: equal numbers as in the table

    def _block(self, name: str, own: tuple[int, ...]) -> Block:
        repeat, _, item = name.rpartition("/")
        return Block(name, own, self._repeats[repeat], int(item)) if repeat in self._repeats else Block(name, own)

    def _filler(self, space: DecisionSpace, decision: Decision, block: Block | None, idle: Sequence[str]) -> int:
        """The option of a decision that is not taken yet."""
        if decision.kind != "one":
            return 0
        for label in idle:
            if label in decision.options:
                return decision.options.index(label)
        if block is not None and block.repeat >= 0:
            return 0  # the first parts of a repetition are always there; the others are not before they are decided
        raise UserError(
            f"the architectures of {space.name} cannot grow block by block: {decision.name!r} has no option that "
            f"computes nothing. Expected one of {', '.join(idle)}; found {', '.join(map(str, decision.options))}. "
            "Name the one that does as ProgressiveBeam(space, idle=...)"
        )

    # Partial architectures.

    @property
    def nothing(self) -> Wishes:
        return (-1,) * len(self._table)

    def point(self, wishes: Wishes) -> Point:
        """The whole architecture that stands for a partial one."""
        point: list[int] = []
        for i, (wish, rest) in enumerate(zip(wishes, self._rest, strict=True)):
            point.append(-1 if not self._table.active(i, point) else wish if wish >= 0 else rest)
        return tuple(point)

    def grown(self, wishes: Wishes, block: Block, assignment: Sequence[int]) -> Wishes:
        """The partial architecture with a further block, decided so."""
        new = list(wishes)
        if block.repeat >= 0:
            least = int(self._table[block.repeat].options[0])  # type: ignore[arg-type]
            new[block.repeat] = max(block.item + 1 - least, 0)
        for i, option in zip(block.decisions, assignment, strict=True):
            new[i] = option
        return tuple(new)

    def assignments(self, block: Block) -> list[tuple[int, ...]]:
        """Every way to decide a block: an option for each of its decisions, -1 for those not active then."""
        if block.name not in self._assignments:
            found: list[tuple[int, ...]] = []
            stack: list[tuple[int, ...]] = [()]
            while stack:
                start = stack.pop()
                if len(start) == len(block.decisions):
                    found.append(start)
                    continue
                asked = block.decisions[len(start)]
                undecided = (*start, *(-1 for _ in block.decisions[len(start) :]))
                is_asked = self.point(self.grown(self._with_parts(block), block, undecided))[asked] >= 0
                options = reversed(range(self._table.sizes[asked])) if is_asked else (-1,)
                stack.extend((*start, option) for option in options)
            self._assignments[block.name] = found
        return self._assignments[block.name]

    def _with_parts(self, block: Block) -> Wishes:
        """Nothing decided but that the repetitions around a block have all their parts."""
        around = [i for name, i in self._repeats.items() if block.name.startswith(f"{name}/") and i != block.repeat]
        return tuple(self._table.sizes[i] - 1 if i in around else -1 for i in range(len(self._table)))


def _number(name: str) -> int:
    found = re.search(r"(\d+)$", name)
    return int(found[1]) if found else 0

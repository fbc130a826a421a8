"""Does a space's network ask for what was found when it was traced, whatever is answered?

When a space is traced, all options are taken at once. A network whose Python looks at what an option made, or counts
along, asks for other things when one architecture is built. So a few architectures are written down when the space is
first used, and what they are asked is compared.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import torch

from netwright.core.building import Builder, EdgeSum
from netwright.core.choose import Offered
from netwright.core.errors import UserError

if TYPE_CHECKING:
    from torch import nn

    from netwright.core.decision_space import DecisionSpace
    from netwright.core.decisions import DecisionTable, Label, Point
    from netwright.core.task import TaskShape

REPEATED = 3  # of the probes that are written down twice
PROBES = 16  # architectures of a space that has more
DIAGONALS = 6  # of them in which every decision takes its k-th option
ADVICE = (
    "what is offered and asked may not hang on what an option made, nor on anything kept beside: say what may follow "
    "with choose.allow(name, lambda answers: ...), ask it inside the option that it depends on, or in a plain if on "
    "one value"
)


def probe(space: DecisionSpace, shape: TaskShape, table: DecisionTable) -> None:
    """UserError where the network of an architecture asks for other decisions, or offers others, than the table has.

    An architecture that cannot be built proves nothing; it costs a trial.
    """
    sound: list[_Probe] = []
    for number, point in enumerate(_points(table)):
        found = _Probe(table, table.labels(point))
        try:
            with torch.device("meta"):
                network = space.network(found, shape)
                again = space.network(_Probe(table, found.labels), shape) if number < REPEATED else network
            found.require_all()
            _require_same(network, again)
        except _Other as other:
            raise UserError(f"{other.said}{_where(found, sound)}; {ADVICE}") from None
        except Exception:  # noqa: S112 - what PyTorch refuses is told when it is built
            continue
        sound.append(found)


def _points(table: DecisionTable) -> Iterator[Point]:
    """All of a small space; of others some in which all decisions take their k-th option, the rest drawn."""
    if table.size <= PROBES:
        yield from islice(table.completions(), PROBES)
        return
    rng = np.random.default_rng(0)
    for k in range(min(DIAGONALS, max(table.sizes))):
        yield table.complete([k % size for size in table.sizes], rng)
    for _ in range(PROBES - DIAGONALS):
        yield table.draw(rng)


def _require_same(network: nn.Module, again: nn.Module) -> None:
    """Raise _Other where an architecture was written down as two different networks."""
    first, second = _parts(network), _parts(again)
    for name in dict.fromkeys((*first, *second)) if first != second else ():
        if first.get(name) != second.get(name):
            raise _Other(f"the network of one architecture has another {name!r} each time that it is written down,")


def _parts(network: nn.Module) -> dict[str, tuple[str, list[tuple[int, ...]]]]:
    """The class of each module, and the shapes of its own parameters, by name."""
    named = cast("Iterator[tuple[str, nn.Module]]", network.named_modules())
    return {
        name: (type(each).__name__, [tuple(own.shape) for own in each.parameters(recurse=False)])
        for name, each in named
    }


class _Other(Exception):
    """The network asks for something else. said: what, as the beginning of a sentence."""

    def __init__(self, said: str) -> None:
        super().__init__(said)
        self.said = said


class _Probe(Builder):
    """Answers as one architecture does, and compares what is asked with the table. answers: given so far, in order."""

    def __init__(self, table: DecisionTable, labels: Mapping[str, Label]) -> None:
        super().__init__(labels, table.places)
        self._table, self.labels = table, labels
        self.answers: dict[str, Label] = {}

    def _decided(self, name: str, options: Collection[Any]) -> Any:
        full = self.full_name(name)
        known = self._table.places.get(full)
        if known is not None:
            self._compare(full, self._table[known].options, options)
        elif len(options) > 1:
            raise _Other(f"decision {full!r} is asked, though it was not when all options were taken at once,")
        label = super()._decided(name, options)
        if known is not None:
            self.answers[full] = label
        return label

    def _compare(self, full: str, known: Sequence[Label], options: Collection[Any]) -> None:
        if full not in self._labels and len(options) == 1:
            return  # a list that shrank to one option is no decision there
        if full not in self._labels:
            raise _Other(f"decision {full!r} is asked, though its condition does not hold,")
        if options and {*map(repr, _plain(options))} != {*map(repr, known)}:
            raise _Other(f"decision {full!r} offers {_plain(options)}, and not {list(known)} as when it was traced,")

    def edges(
        self,
        name: str,
        sources: Sequence[int],
        keep: int | None,
        options: Offered,
        *,
        soft: Collection[str] = (),
    ) -> EdgeSum:
        full = self.full_name(f"{name}/sources")
        place = self._table.places.get(full)
        if place is not None and {each for each, _ in self._table[place].edges} != {*sources}:
            raise _Other(f"decision {full!r} offers the sources {sorted(sources)}, and others when it was traced,")
        return super().edges(name, sources, keep, options, soft=soft)

    def require_all(self) -> None:
        for name in self._labels:
            if name not in self.answers:
                raise _Other(f"decision {name!r} is not asked, though it was when all options were taken at once,")


def _plain(options: Collection[Any]) -> list[Any]:
    return [cast("Any", each).item() if isinstance(each, np.generic) else each for each in options]


def _where(found: _Probe, sound: Sequence[_Probe]) -> str:
    """The answers given before, as far as the nearest architecture that asks for what it should has others."""
    answers = found.answers
    near = [[name for name, label in answers.items() if each.answers.get(name) != label] for each in sound]
    names = (min(near, key=len) if near else []) or [*answers]
    said = " and ".join(f"{name} is {answers[name]!r}" for name in names[:4])
    return f" where {said}" if said else ""

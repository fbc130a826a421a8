"""Finds a space's decisions by calling its `network` on PyTorch's meta device with everything chosen.

It is called once, and where it asks for values a few times more under other answers (see `netwright.core.answers`).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from itertools import combinations
from math import comb
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from torch import nn

from netwright.core.answers import Answers, Draft, explored
from netwright.core.building import EdgeSum
from netwright.core.choose import LINK, Choose, Offered, check_options, offered
from netwright.core.decisions import Condition, Decision, DecisionTable, Kind, Label, in_order
from netwright.core.errors import NetwrightError, UserError, shown
from netwright.core.probing import probe
from netwright.core.restricted import RestrictedTable
from netwright.core.routes import NEXT, Routes, block_name, led_on, preceding, require_sound
from netwright.core.ruled import RuledTable
from netwright.core.rules import Rule, Said
from netwright.core.shapes_only import ShapesOnly
from netwright.core.states import States

if TYPE_CHECKING:
    from netwright.core.decision_space import DecisionSpace
    from netwright.core.task import TaskShape

MOST_COMBINATIONS = 100_000


def trace(space: DecisionSpace, shape: TaskShape) -> DecisionTable:
    """The decisions that `space.network` asks for, each after those its activity depends on."""

    def write(answers: Answers) -> Draft:
        recorder = Recorder(answers)
        try:
            with ShapesOnly():
                space.network(recorder, shape)
        except NetwrightError:
            raise
        except Exception as problem:  # a combination of answers that cannot be built; others may be
            recorder.note_failure("", problem)
        return recorder.draft

    own = not type(space).__module__.startswith("netwright.")  # what is shipped is tested for this
    if own:
        _require_repeatable(write)
    found, said = explored(write)
    table = DecisionTable(in_order(found))
    table = RuledTable(table, said) if said else table
    if own:
        restriction = space.restriction()
        probe(space, shape, table if restriction is None else RestrictedTable(table, restriction))
    return table


def _require_repeatable(write: Callable[[Answers], Draft]) -> None:
    """UserError where the network asks for other decisions each time it is written down."""
    first, second = (write(_first).decisions for _ in range(2))
    other = next((name for name in (*first, *second) if first.get(name) != second.get(name)), None)
    if other is not None:
        raise UserError(
            f"the network asks for decision {other!r} otherwise each time that it is written down; `network` must not "
            "keep anything from one call to the next, such as a counter or a list outside of it"
        )


def _first(_name: str, _count: int) -> int:
    return 0


class Recorder(Choose):
    """Takes every option of every decision in turn and writes down what is asked, and where.

    answers: what each value takes. An option that raises an error is left out and noted in the draft.
    """

    def __init__(self, answers: Answers = _first) -> None:
        super().__init__()
        self.draft = Draft()
        self.decisions = self.draft.decisions
        self._answers = answers
        self._where: list[Condition] = []  # innermost last
        self._single: dict[str, Label] = {}  # what was asked with one option only

    def note_failure(self, scope: str, problem: Exception) -> None:
        """Note that what is asked inside this scope is not known under these answers; everywhere for ""."""
        self.draft.failed.append(scope)
        self.draft.problem = self.draft.problem or problem

    def _made(self, make: Callable[[], nn.Module]) -> nn.Module | None:
        """What an option makes in the present scope; None where it raises an error, which is noted."""
        try:
            return make()
        except NetwrightError:
            raise
        except Exception as problem:  # under these answers this option cannot be built; the others may be
            self.note_failure("/".join((*self._path, "")), problem)
            return None

    def allow(self, name: str, rule: Rule) -> None:
        self.draft.said.append(Said(self.full_name(name), tuple(self._path), rule))

    def one(
        self, name: str, options: Mapping[str, Callable[[], nn.Module]], *, soft: Collection[str] = ()
    ) -> nn.Module:
        check_options(self.full_name(name), plain_labels(self.full_name(name), options), soft)
        hard = [label for label in options if label not in soft]
        full = self._record(name, "one", hard, soft)
        made: list[nn.Module | None] = []
        for label in hard:
            with self.scope(name), self.scope(label), self._given(full, {label}):
                made.append(self._made(options[label]))
        return next((each for each in made if each is not None), nn.Identity())

    def value(self, name: str, options: Sequence[Any]) -> Any:
        labels = plain_labels(self.full_name(name), options) if len(options) > 1 else options
        check_options(self.full_name(name), labels)
        full = self._record(name, "value", labels)
        if full is None:
            return labels[0]
        if full not in self.draft.answers:
            self.draft.answers[full] = labels[self._answers(full, len(labels))]
        return self.draft.answers[full]

    def where(self, name: str, labels: Collection[Any], then: Callable[[], None]) -> None:
        full = self.full_name(name)
        if full in self._single:
            if self._single[full] in labels:
                then()
            return
        if full not in self.decisions:
            raise UserError(f"choose.where speaks of decision {full!r}, which was not asked before it")
        options = self.decisions[full].options
        unknown = [each for each in labels if each not in options]
        if unknown:
            raise UserError(f"choose.where: {full!r} has no option {shown(unknown[0])}; it has {list(options)}")
        with self._given(full, {*labels}):
            then()

    def route(self, routes: Routes) -> nn.Module:
        require_sound(routes)
        row: list[nn.Module] = []

        def ask(number: int) -> None:
            with self.scope(block_name(number)):
                row.append(routes.block(number))
            row.append(led_on(self, routes, number))

        ask(0)
        for number in range(1, len(routes.following)):
            for before in preceding(routes, number):
                self.where(f"{block_name(before)}/{NEXT}", [block_name(number)], partial(ask, number))
        return nn.Sequential(*row)

    def subset(self, name: str, sources: Iterable[int], *, always: Iterable[int] = ()) -> States:
        sources = sorted(sources)
        with self.scope(name):
            for source in sources:
                self._record(str(source), "link", LINK)
        return States(sorted({*sources, *always}))

    def repeat(self, name: str, least: int, most: int, make: Callable[[int], nn.Module]) -> nn.Module:
        if not 0 <= least <= most:
            raise UserError(f"decision {self.full_name(name)!r}: {least} to {most} repetitions cannot be")
        full = self._record(name, "repeat", range(least, most + 1))
        made: list[nn.Module | None] = []
        for i in range(most):
            with self.scope(name), self.scope(str(i)), self._given(full, set(range(max(i + 1, least), most + 1))):
                made.append(self._made(partial(make, i)))
        return nn.Sequential(*(each for each in made if each is not None))

    def edges(
        self,
        name: str,
        sources: Sequence[int],
        keep: int | None,
        options: Offered,
        *,
        soft: Collection[str] = (),
    ) -> EdgeSum:
        full_name = self.full_name(name)
        kept = kept_sources(full_name, sources, keep)
        makers = {source: offered(options, source) for source in sources}
        for each in makers.values():
            named = [label for label in soft if label in each] if callable(options) else soft
            check_options(full_name, plain_labels(full_name, each), named)
        hard = {source: [label for label in each if label not in soft] for source, each in makers.items()}
        links = tuple((s, f"{full_name}/{s}" if len(hard[s]) > 1 else None) for s in sources)
        with self.scope(name):
            full = self._record("sources", "sources", kept, edges=links)
        made: dict[int, nn.Module] = {}
        module: nn.Module = nn.Identity()
        for source in sources:
            there: set[Label] = {each for each in kept if source in each}
            with self.scope(name), self._given(full, there):
                gentle = [label for label in soft if label in makers[source]]
                operation = self._record(str(source), "one", hard[source], gentle)
                for label in hard[source]:
                    with self.scope(str(source)), self.scope(label), self._given(operation, {label}):
                        module = self._made(partial(makers[source][label], source)) or module
                made[source] = module
        return EdgeSum(kept[0], [made[source] for source in kept[0]])

    @contextmanager
    def _given(self, decision: str | None, labels: set[Label]) -> Generator[None]:
        """Inside, what is asked is asked only where `decision` takes one of these labels (None: wherever we are)."""
        if decision is None:
            yield
            return
        self._where.append(Condition(decision, frozenset(labels)))
        try:
            yield
        finally:
            self._where.pop()

    def _record(
        self,
        name: str,
        kind: Kind,
        options: Collection[Any],
        soft: Collection[str] = (),
        edges: tuple[tuple[int, str | None], ...] = (),
    ) -> str | None:
        """Note a decision; its full name, or None where there is only one option and so nothing to decide."""
        full = self.full_name(name)
        if len(options) == 1:
            self._single[full] = next(iter(options))
            return None
        here = (self._where[-1],) if self._where else ()
        new = Decision(full, tuple(options), kind, tuple(soft), here, edges)
        known = self.decisions.get(full)
        if known is None:
            self.decisions[full] = new
        elif (known.options, known.soft) != (new.options, new.soft):
            raise UserError(
                f"decision {full!r} is asked twice with different options: {list(known.options)} and "
                f"{list(new.options)}; give one of them another name or a scope"
            )
        elif known.conditions:  # asked in several places: active where any of them is
            conditions = tuple(dict.fromkeys((*known.conditions, *here))) if here else ()
            self.decisions[full] = replace(known, conditions=conditions)
        return full


def plain_labels(name: str, options: Collection[Any]) -> list[Label]:
    """The options as JSON can hold them, numpy's scalars as Python's; UserError for what no label can be."""
    return [_plain_label(name, each) for each in options]


def _plain_label(name: str, option: Any) -> Label:
    label: Any = cast("Any", option).item() if isinstance(option, np.generic) else option
    if type(label) not in (str, int, float, bool):
        raise UserError(
            f"decision {name!r} cannot offer {shown(label)}: options are text, whole numbers, finite decimal numbers "
            "or True and False; choose between names, and look up what they stand for"
        )
    if type(label) is float and not math.isfinite(label):
        raise UserError(f"decision {name!r} cannot offer {label!r}: numbers must be finite; choose between names")
    return label


def kept_sources(name: str, sources: Sequence[int], keep: int | None) -> list[tuple[int, ...]]:
    """Every set of `keep` sources, each as an ascending tuple."""
    sources = sorted(sources)
    if len(set(sources)) != len(sources):
        raise UserError(f"decision {name!r} names a source twice: {sources}")
    keep = len(sources) if keep is None else keep
    if not 1 <= keep <= len(sources):
        raise UserError(f"decision {name!r} keeps {keep} of {len(sources)} sources; expected 1 to {len(sources)}")
    count = comb(len(sources), keep)
    if count > MOST_COMBINATIONS:
        raise UserError(f"decision {name!r} has {count:,} sets of sources, more than {MOST_COMBINATIONS:,}")
    return list(combinations(sources, keep))

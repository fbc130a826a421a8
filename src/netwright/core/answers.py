"""Finds which decisions hang on what a `value` answered: a space's network is written down under several answers.

One writing, a `Draft`, takes one answer for each value and every option of everything else. What all drafts ask alike
is asked always. What some ask and others do not hangs on a value, which is found from the drafts: then it is a decision
with a condition. What cannot be said so is refused (decision record 0020).
"""

from __future__ import annotations

import random
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import product, takewhile
from math import prod
from pathlib import Path

from netwright.core.decisions import Condition, Decision, Label
from netwright.core.errors import UntrainableSpace, UserError
from netwright.core.rules import Said

MOST_EXHAUSTIVE = 24  # combinations of answers up to which all are tried
DIAGONALS = 8  # drafts in which all values take their next option together, beyond that
RANDOM_DRAFTS = 4
MORE_RANDOM_DRAFTS = 60  # where something hangs on a value
MOST_DRAFTS = 400
COMPARED = 6  # drafts whose rules must say the same

Answers = Callable[[str, int], int]  # which of how many options the value of this name takes


@dataclass
class Draft:
    """What one writing of the network asked.

    answers: of the values.
    said: the rules.
    failed: the scopes in which it broke off.
    problem: the first reason.
    """

    decisions: dict[str, Decision] = field(default_factory=dict[str, Decision])
    answers: dict[str, Label] = field(default_factory=dict[str, Label])
    said: list[Said] = field(default_factory=list[Said])
    failed: list[str] = field(default_factory=list[str])
    problem: Exception | None = None

    def lacks(self, name: str) -> bool:
        """Whether it is certain that the decision is not asked under these answers."""
        return name not in self.decisions and not any(name.startswith(scope) for scope in self.failed)


def explored(write: Callable[[Answers], Draft]) -> tuple[dict[str, Decision], dict[str, list[Said]]]:
    """The decisions by name, with conditions, and the rules for some of them.

    write: writes the network down under the given answers.

    Raises UserError for what hangs on values in a way that conditions cannot say, UntrainableSpace where the network
    raises an error under all answers.
    """
    drafts = _Drafts(write)
    drafts.try_answers(RANDOM_DRAFTS)
    if all("" in each.failed for each in drafts.all):
        raise _unwritable(drafts.all)
    for name in list(drafts.decisions):
        _require_one_list(name, drafts.all)
    if any(drafts.hangs(each) for each in drafts.decisions.values()):
        drafts.try_answers(MORE_RANDOM_DRAFTS)
    found: dict[str, Decision] = {}
    for name, decision in list(drafts.decisions.items()):
        found[name] = _conditioned(decision, drafts) if drafts.hangs(decision) else decision
    return found, _said(drafts.all)


def _said(drafts: Sequence[Draft]) -> dict[str, list[Said]]:
    """By decision the rules that the first drafts gave for it; those of later ones are taken to be the same."""
    found: dict[str, list[Said]] = {}
    for each in drafts[:COMPARED]:
        for said in each.said:
            found.setdefault(said.name, []).append(said)
    return found


class _Drafts:
    """The drafts so far, and the decisions that any of them asked, in the order in which they were met."""

    def __init__(self, write: Callable[[Answers], Draft]) -> None:
        self._write = write
        self.all: list[Draft] = []
        self.decisions: dict[str, Decision] = {}
        self._tried: set[tuple[tuple[str, int], ...]] = set()
        self.add(lambda _, __: 0)

    def add(self, answers: Answers) -> None:
        if len(self.all) >= MOST_DRAFTS:
            return
        draft = self._write(answers)
        self.all.append(draft)
        for name, decision in draft.decisions.items():
            known = self.decisions.setdefault(name, decision)
            if known.conditions and known.conditions != decision.conditions:
                both = dict.fromkeys((*known.conditions, *decision.conditions)) if decision.conditions else ()
                self.decisions[name] = replace(known, conditions=tuple(both))

    def try_answers(self, randomly: int) -> None:
        """Write under other answers until no further value is met."""
        known = -1
        while known != (known := len(self._values())) and len(self.all) < MOST_DRAFTS:
            for answers in _plans(self._values(), randomly):
                self.add(answers)

    def _values(self) -> dict[str, int]:
        return {name: len(each.options) for name, each in self.decisions.items() if each.kind == "value"}

    def hangs(self, decision: Decision) -> bool:
        """Whether it is asked in some drafts only, for another reason than that its parents are."""
        parents = [each.parent for each in decision.conditions]
        return any(
            each.lacks(decision.name) and (not parents or any(parent in each.decisions for parent in parents))
            for each in self.all
        )

    def vary(self, name: str, with_decision: str) -> None:
        """Write a draft that asks the decision down once more for each answer of the value."""
        draft = next(each for each in self.all if with_decision in each.decisions)
        for label in self.decisions[name].options:
            if not any(name in each.answers and each.answers[name] == label for each in self.all):
                self.add(_like(draft.answers, {name: label}, self.decisions))


def _plans(sizes: Mapping[str, int], randomly: int) -> Iterator[Answers]:
    """All combinations of few values; of many, all values moved on together, and combinations drawn at random."""
    if prod(sizes.values()) <= MOST_EXHAUSTIVE:
        for options in list(product(*map(range, sizes.values())))[1:]:
            chosen = dict(zip(sizes, options, strict=True))
            yield lambda name, count, chosen=chosen: min(chosen.get(name, 0), count - 1)
        return
    steps = min(DIAGONALS, max(sizes.values()))
    for step in range(1, steps):
        yield lambda _, count, step=step: step % count if count <= steps else step * count // steps
    for number in range(randomly):
        yield lambda name, count, number=number: random.Random(f"{number} {name}").randrange(count)  # noqa: S311


def _like(answers: Mapping[str, Label], changed: Mapping[str, Label], decisions: Mapping[str, Decision]) -> Answers:
    """The same answers but for those that are changed; others take their first option."""
    wanted = {**answers, **changed}

    def answer(name: str, count: int) -> int:
        if name not in wanted or name not in decisions:
            return 0
        return min(decisions[name].options.index(wanted[name]), count - 1)

    return answer


# What hangs on what.


def _conditioned(decision: Decision, drafts: _Drafts) -> Decision:
    """The decision with the answers under which it is asked as its conditions."""
    before = takewhile(lambda each: each.name != decision.name, drafts.decisions.values())
    rivals = [each for each in before if each.kind == "value"]
    rivals = [each for each in rivals if not decision.conditions or each.conditions == decision.conditions]
    for value in rivals if _one_deciding(decision.name, rivals, drafts.all) is not None else ():
        if _deciding_labels(decision.name, value.name, drafts.all):
            drafts.vary(value.name, decision.name)
    chosen = _one_deciding(decision.name, rivals, drafts.all)
    conditions = (chosen,) if chosen is not None else _several_deciding(decision.name, rivals, drafts.all)
    if not conditions:
        raise UserError(_not_traced(decision, drafts))
    return replace(decision, conditions=conditions)


def _deciding_labels(name: str, value: str, drafts: Sequence[Draft]) -> frozenset[Label]:
    """The answers of a value under which a decision is asked, where they alone decide it; empty where they do not."""
    asking = {each.answers.get(value) for each in drafts if name in each.decisions}
    without = {each.answers.get(value) for each in drafts if each.lacks(name)}
    if None in asking or asking & (without - {None}):
        return frozenset()
    return frozenset(label for label in asking if label is not None)


def _one_deciding(name: str, values: Sequence[Decision], drafts: Sequence[Draft]) -> Condition | None:
    """The condition on one value, of several the value that was asked last."""
    found = [(each.name, _deciding_labels(name, each.name, drafts)) for each in values]
    conditions = [Condition(value, labels) for value, labels in found if labels]
    return conditions[-1] if conditions else None


def _several_deciding(name: str, values: Sequence[Decision], drafts: Sequence[Draft]) -> tuple[Condition, ...]:
    """Conditions on several values, any of which is enough; empty where these do not account for all drafts."""
    left = [each for each in drafts if name in each.decisions]
    conditions: list[Condition] = []
    while left:
        found = [_sufficient(name, each.name, drafts, left) for each in values]
        best, most = max(found, key=lambda pair: pair[1], default=(None, 0))
        if best is None or not most:
            return ()
        conditions.append(best)
        left = [each for each in left if each.answers.get(best.parent) not in best.labels]
    return tuple(conditions)


def _sufficient(name: str, value: str, drafts: Sequence[Draft], left: Sequence[Draft]) -> tuple[Condition, int]:
    """The condition on the answers of a value under which a decision is always asked; how many of `left` it covers."""
    without = {each.answers.get(value) for each in drafts if each.lacks(name)}
    asking = {each.answers[value] for each in drafts if name in each.decisions and value in each.answers}
    labels = frozenset(asking - without)
    return Condition(value, labels), sum(each.answers.get(value) in labels for each in left)


# What is refused.


def _require_one_list(name: str, drafts: Sequence[Draft]) -> None:
    """UserError where a decision offers other options under other answers."""
    asking = [each for each in drafts if name in each.decisions]
    first = asking[0]
    wanted = first.decisions[name]
    for other in asking[1:]:
        found = other.decisions[name]
        if (found.kind, found.options, found.soft) != (wanted.kind, wanted.options, wanted.soft):
            raise UserError(
                f"decision {name!r} offers {list(wanted.options)}{_where(first, other, name)} but {list(found.options)}"
                f"{_where(other, first, name)}; a decision offers the same options whatever else was answered: "
                f"give each list a name of its own, as choose.value(f'{name.rpartition('/')[2]}_{{answer}}', ...)"
            )


def _where(draft: Draft, other: Draft, asked: str) -> str:
    """The answers of a draft, but for that of the decision `asked`, that differ from another's, in words."""
    different = {name: label for name, label in draft.answers.items() if other.answers.get(name) != label}
    different.pop(asked, None)
    return " where " + " and ".join(f"{name} is {label!r}" for name, label in list(different.items())[:3])


def _not_traced(decision: Decision, drafts: _Drafts) -> str:
    name = decision.name
    asking = next(each for each in drafts.all if name in each.decisions)
    silent = next(each for each in drafts.all if each.lacks(name))
    return (
        f"decision {name!r} is asked{_where(asking, silent, name)}, but not{_where(silent, asking, name)}: "
        "what is asked may hang on the answer of one value beside it in a plain if, not on several together or on one "
        "outside of its option; ask it inside an option of choose.one, or ask it always"
    )


def _unwritable(drafts: Sequence[Draft]) -> UntrainableSpace:
    problem = drafts[0].problem
    assert problem is not None
    last = traceback.extract_tb(problem.__traceback__)[-1]
    tried = f" under each of {len(drafts)} combinations of answers" if len(drafts) > 1 else ""
    error = UntrainableSpace(
        f"the space's network cannot be written down{tried}: {type(problem).__name__}: "
        f"{' '.join(str(problem).split())[:300]} ({Path(last.filename).name}, line {last.lineno})"
    )
    error.__cause__ = problem
    return error

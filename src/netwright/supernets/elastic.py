"""Sizes that a supernet leaves open: numbers that remember the decisions they follow from."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Any, TypeGuard, cast

from netwright.core.checks import is_number
from netwright.core.errors import UserError

if TYPE_CHECKING:
    from torch import Tensor

    from netwright.supernets.selection import Selection

_OPERATIONS: Mapping[str, Callable[..., Any]] = {
    "add": operator.add,
    "sub": operator.sub,
    "mul": operator.mul,
    "truediv": operator.truediv,
    "floordiv": operator.floordiv,
    "mod": operator.mod,
    "pow": operator.pow,
    "neg": operator.neg,
    "round": round,
}


@dataclass(frozen=True, slots=True)
class Formula:
    """How a number follows from decisions: one decision's value, or an operation on formulas and plain numbers.

    name: of the decision or the operation, or a function of plain numbers.
    parts: what an operation takes; none for a decision.
    """

    name: str | Callable[..., Any]
    parts: tuple[Any, ...] = ()

    def value(self, chosen: Mapping[str, Any]) -> Any:
        if not self.parts:
            return chosen[cast("str", self.name)]
        operation = _OPERATIONS[self.name] if isinstance(self.name, str) else self.name
        return operation(*(part.value(chosen) if isinstance(part, Formula) else part for part in self.parts))

    def decisions(self) -> tuple[str, ...]:
        """Names of the decisions that it follows from, each once."""
        if not self.parts:
            return (cast("str", self.name),)
        inner = [name for part in self.parts if isinstance(part, Formula) for name in part.decisions()]
        return tuple(dict.fromkeys(inner))


class Elastic:
    """A number as large as any of its values, with the formula of the others; arithmetic keeps the formula.

    options: for each decision what it may take.
    """

    formula: Formula
    options: Mapping[str, tuple[Any, ...]]

    def value(self, chosen: Mapping[str, Any]) -> Any:
        """The number for these labels."""
        return self.formula.value(chosen)

    def values(self) -> list[tuple[tuple[int, ...], Any]]:
        """Every combination of option indices of its decisions, with the number that follows."""
        names = self.formula.decisions()
        found: list[tuple[tuple[int, ...], Any]] = []
        for indices in product(*(range(len(self.options[name])) for name in names)):
            labels = {name: self.options[name][i] for name, i in zip(names, indices, strict=True)}
            found.append((indices, self.formula.value(labels)))
        return found

    def mapped(self, function: Callable[[Any], Any]) -> Any:
        """The number that a function makes of this one, open as it is.

        function: of plain numbers, to be found by its name in its module.
        """
        return elastic(Formula(function, (self.formula,)), self.options)

    def _with(self, name: str, *parts: Any) -> Any:
        options: dict[str, tuple[Any, ...]] = {}
        formulas: list[Any] = []
        for part in parts:
            if isinstance(part, Elastic):
                options.update(part.options)
            elif not isinstance(part, (int, float)):
                return NotImplemented
            formulas.append(part.formula if isinstance(part, Elastic) else part)
        return elastic(Formula(name, tuple(formulas)), options)

    def __add__(self, other: Any) -> Any:
        return self._with("add", self, other)

    def __radd__(self, other: Any) -> Any:
        return self._with("add", other, self)

    def __sub__(self, other: Any) -> Any:
        return self._with("sub", self, other)

    def __rsub__(self, other: Any) -> Any:
        return self._with("sub", other, self)

    def __mul__(self, other: Any) -> Any:
        return self._with("mul", self, other)

    def __rmul__(self, other: Any) -> Any:
        return self._with("mul", other, self)

    def __truediv__(self, other: Any) -> Any:
        return self._with("truediv", self, other)

    def __rtruediv__(self, other: Any) -> Any:
        return self._with("truediv", other, self)

    def __floordiv__(self, other: Any) -> Any:
        return self._with("floordiv", self, other)

    def __rfloordiv__(self, other: Any) -> Any:
        return self._with("floordiv", other, self)

    def __pow__(self, other: Any) -> Any:
        return self._with("pow", self, other)

    def __rpow__(self, other: Any) -> Any:
        return self._with("pow", other, self)

    def __neg__(self) -> Any:
        return self._with("neg", self)

    def __round__(self, digits: int | None = None) -> Any:
        return self._with("round", self) if digits is None else self._with("round", self, digits)

    def __deepcopy__(self, memo: object) -> Any:
        return self

    def __reduce__(self) -> Any:
        return elastic, (self.formula, dict(self.options))


class ElasticInt(Elastic, int):
    """A whole number that follows from decisions; as a plain number, the largest it may be."""


class ElasticFloat(Elastic, float):
    """A decimal number that follows from decisions; as a plain number, the largest it may be."""


def elastic(formula: Formula, options: Mapping[str, tuple[Any, ...]]) -> Any:
    """The number of this formula: elastic where it depends on the decisions, plain where all give the same."""
    names = formula.decisions()
    values = [
        formula.value(dict(zip(names, labels, strict=True))) for labels in product(*(options[name] for name in names))
    ]
    if all(each == values[0] for each in values):
        return values[0]
    kind = ElasticInt if all(isinstance(each, int) for each in values) else ElasticFloat
    number = kind(max(values))
    number.formula, number.options = formula, dict(options)
    return number


def elastic_value(name: str, options: Sequence[Any]) -> Any:
    """A decision's value in a supernet. UserError for text and flags: no weights can be shared between those."""
    wrong = [each for each in options if not is_number(each)]
    if wrong:
        raise UserError(
            f"decision {name!r} takes the value {wrong[0]!r}: a supernet shares weights between sizes, which are "
            "numbers; choose between modules with `one`, or give the space one option for it"
        )
    return elastic(Formula(name), {name: tuple(options)})


def is_elastic(value: Any) -> TypeGuard[ElasticInt | ElasticFloat]:
    return isinstance(value, Elastic)


def resolved(value: Any, chosen: Mapping[str, Any] | None) -> Any:
    """The plain number, or tuple of them, of an architecture; the largest for a mixture."""
    if isinstance(value, tuple):
        return tuple(resolved(each, chosen) for each in value)
    if not is_elastic(value):
        return value
    return value.value(chosen) if chosen is not None else type(value).__mro__[2](value)


def shares_of(value: Any, selection: Selection) -> list[tuple[Any, Tensor]]:
    """Each number that an elastic one may be, with the weight that the selected mixture gives it."""
    found: list[tuple[Any, Tensor]] = []
    names = value.formula.decisions()
    for indices, number in value.values():
        if any(i not in selection.active.get(name, (i,)) for name, i in zip(names, indices, strict=True)):
            continue
        share = selection.weights[names[0]][indices[0]]
        for name, i in zip(names[1:], indices[1:], strict=True):
            share = share * selection.weights[name][i]
        found.append((number, share))
    return found

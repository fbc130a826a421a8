"""Metrics combined to one number: a small language of sums, products and powers, read by a parser of its own.

    val_accuracy * (macs / 30M) ^ -0.07

Numbers take the units of limits (500k, 30M, 4 MB). `+ - * / ^`, brackets, and the functions `abs`, `exp`, `log`, `max`,
`min` and `sqrt`; a metric whose name is no word stands in backticks.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache

from netwright.core.amounts import parse_amount
from netwright.core.errors import UserError, nearest

Metrics = Mapping[str, float]
Value = Callable[[Metrics], float]

LONGEST = 1_000  # characters of a combination
DEEPEST = 50  # brackets and powers inside each other
FUNCTIONS: Mapping[str, tuple[Callable[..., float], int, int]] = {
    "abs": (math.fabs, 1, 1),
    "exp": (math.exp, 1, 1),
    "log": (math.log, 1, 1),
    "max": (lambda *values: max(values), 2, 9),
    "min": (lambda *values: min(values), 2, 9),
    "sqrt": (math.sqrt, 1, 1),
}
"""Name -> function, and how many numbers it takes at least and at most."""
_TOKEN = re.compile(
    r"\s*(?:(?P<number>\d[\d_]*(?:\.\d+)?(?:e[+-]?\d+)?(?:\s?(?:[kmgt]i?b?|b))?(?![\w.]))|(?P<name>[A-Za-z_][\w.]*)"
    r"|`(?P<quoted>[^`]+)`|(?P<sign>\*\*|[-+*/^(),]))",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Combination:
    """A number that follows from metrics.

    needs: their names, in the order in which they stand.
    """

    text: str
    needs: tuple[str, ...]
    _value: Value

    def value(self, metrics: Metrics) -> float:
        """What it comes to; NaN where it is no number (a root of a negative one, a division by 0)."""
        try:
            found = self._value(metrics)
        except (ArithmeticError, ValueError):
            return math.nan
        return math.nan if isinstance(found, complex) else float(found)


def is_name(text: str) -> bool:
    """Whether it can be nothing but the name of a metric, such as val_accuracy, top-1 or latency/ms."""
    return re.fullmatch(r"[\w.\-/%]*", text.strip()) is not None


def is_combination(text: str) -> bool:
    """Whether it says more than a metric's name, and can be read."""
    if is_name(text):
        return False
    try:
        combination(text)
    except UserError:
        return False
    return True


@lru_cache(maxsize=256)
def combination(text: str) -> Combination:
    """Read a combination. UserError says what was found where, and what was expected."""
    if len(text) > LONGEST:
        raise UserError(f"an objective may have {LONGEST:,} characters, found {len(text):,}")
    reader = _Reader(text)
    value = reader.sum()
    reader.expect_end()
    if not reader.names:
        raise UserError(
            f"objective {text!r} names no metric; expected for example 'val_accuracy * (macs / 30M) ^ -0.07'"
        )
    return Combination(text, tuple(dict.fromkeys(reader.names)), value)


class _Reader:
    """Goes through the tokens once, a method a level of binding: sums, products, signs, powers, single values."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = _tokens(text)
        self._place = self._depth = 0
        self.names: list[str] = []

    def sum(self) -> Value:
        value = self._product()
        while (sign := self._take("+", "-")) is not None:
            value = _joined(sign, value, self._product())
        return value

    def _product(self) -> Value:
        value = self._signed()
        while (sign := self._take("*", "/")) is not None:
            value = _joined(sign, value, self._signed())
        return value

    def _signed(self) -> Value:
        """A minus binds less than a power: -2 ^ 2 is -4."""
        if self._take("-") is not None:
            value = self._deeper(self._signed)
            return lambda metrics: -value(metrics)
        self._take("+")
        return self._power()

    def _power(self) -> Value:
        base = self._single()
        if self._take("^", "**") is None:
            return base
        return _joined("^", base, self._deeper(self._signed))

    def _deeper(self, read: Callable[[], Value]) -> Value:
        self._depth += 1
        if self._depth > DEEPEST:
            raise UserError(f"objective {self._text[:40]!r}... is nested more than {DEEPEST} deep")
        value = read()
        self._depth -= 1
        return value

    def _single(self) -> Value:
        if self._take("(") is not None:
            value = self._deeper(self.sum)
            self._expect(")")
            return value
        kind, text = self._tokens[self._place]
        if kind not in ("number", "name", "quoted"):
            raise self._problem("a metric, a number or '('")
        self._place += 1
        if kind == "number":
            number = parse_amount(text)
            return lambda _: number
        if kind == "name" and self._tokens[self._place] == ("sign", "("):
            return self._function(text)
        self.names.append(text)
        return lambda metrics: float(metrics[text])

    def _function(self, name: str) -> Value:
        if name not in FUNCTIONS:
            raise UserError(f"objective {self._text!r} has no function {name!r}{nearest(name, FUNCTIONS)}")
        function, least, most = FUNCTIONS[name]
        self._expect("(")
        arguments = [self._deeper(self.sum)]
        while self._take(",") is not None:
            arguments.append(self._deeper(self.sum))
        self._expect(")")
        if not least <= len(arguments) <= most:
            raise UserError(f"objective {self._text!r}: {name} takes {_numbers(least, most)}, found {len(arguments)}")
        return lambda metrics: function(*(each(metrics) for each in arguments))

    def _take(self, *signs: str) -> str | None:
        kind, text = self._tokens[self._place]
        if kind != "sign" or text not in signs:
            return None
        self._place += 1
        return text

    def _expect(self, sign: str) -> None:
        if self._take(sign) is None:
            raise self._problem(repr(sign))

    def expect_end(self) -> None:
        if self._tokens[self._place][0] != "end":
            raise self._problem("an operator (+ - * / ^) or the end")

    def _problem(self, expected: str) -> UserError:
        kind, text = self._tokens[self._place]
        found = "nothing more" if kind == "end" else repr(text)
        before = " ".join(each for _, each in self._tokens[max(0, self._place - 3) : self._place])
        after = f" after {before!r}" if before else ""
        return UserError(f"objective {self._text!r} was not understood: expected {expected}{after}, found {found}")


def _tokens(text: str) -> list[tuple[str, str]]:
    """Kind and text of each, ("end", "") last."""
    found: list[tuple[str, str]] = []
    place, end = 0, len(text.rstrip())
    while place < end:
        match = _TOKEN.match(text, place)
        if match is None:
            raise UserError(
                f"objective {text!r} was not understood: {text[place:].split()[0]!r} is no metric or number"
            )
        kind = match.lastgroup or ""
        found.append((kind, match[kind]))
        place = match.end()
    return [*found, ("end", "")]


def _numbers(least: int, most: int) -> str:
    if least == most:
        return "one number" if least == 1 else f"{least} numbers"
    return f"{least} to {most} numbers"


def _joined(sign: str, first: Value, second: Value) -> Value:
    if sign == "+":
        return lambda metrics: first(metrics) + second(metrics)
    if sign == "-":
        return lambda metrics: first(metrics) - second(metrics)
    if sign == "*":
        return lambda metrics: first(metrics) * second(metrics)
    if sign == "/":
        return lambda metrics: first(metrics) / second(metrics)
    return lambda metrics: first(metrics) ** second(metrics)

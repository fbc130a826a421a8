"""Architectures as variables of plus and minus one, and sparse sums of their products (Hazan et al. 2018)."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations, product
from math import comb
from typing import TYPE_CHECKING, Literal

import numpy as np
from sklearn.linear_model import Lasso

if TYPE_CHECKING:
    from netwright.core.decisions import DecisionTable, Point

Monomial = tuple[int, ...]  # the variables that are multiplied, ascending
Polynomial = list[tuple[float, Monomial]]
Restriction = dict[int, int]  # variable -> sign

CHUNK = 4096  # monomials of one degree less that are multiplied at once
MOST_ADDED = 200  # monomials that enter the working set in one round


class SignVariables:
    """Which variables stand for which decision: binary digits of the option's index, or one variable an option.

    digits: a decision with K options has ceil(log2 K) variables, the most significant digit first, -1 for the digit 1;
    of the 2^m patterns only the first K stand for options. one-hot: K variables, +1 for the option taken (one variable
    for two options). All of a decision's variables are 0 where it is not active.
    """

    def __init__(self, table: DecisionTable, form: Literal["digits", "one-hot"]) -> None:
        self.signs = [_digits(size) if form == "digits" or size == 2 else _one_hot(size) for size in table.sizes]
        ends = np.cumsum([each.shape[1] for each in self.signs]).tolist()
        self.columns = [range(end - each.shape[1], end) for each, end in zip(self.signs, ends, strict=True)]
        self.count = ends[-1] if ends else 0

    def encode(self, points: Sequence[Point]) -> np.ndarray:
        """float64 (n, variables): -1, 1, and 0 for decisions that are not active."""
        encoded = np.zeros((len(points), self.count))
        options = np.array(points, dtype=np.int64).reshape(len(points), len(self.signs))
        for i, (signs, columns) in enumerate(zip(self.signs, self.columns, strict=True)):
            active = np.flatnonzero(options[:, i] >= 0)
            encoded[active, columns.start : columns.stop] = signs[options[active, i]]
        return encoded

    def allowed(self, decision: int, restrictions: Sequence[Restriction]) -> list[int]:
        """The options that hold the restrictions; one that would leave none is passed over, the first count most."""
        left = list(range(len(self.signs[decision])))
        for restriction in restrictions:
            fixed = [(k, restriction[c]) for k, c in enumerate(self.columns[decision]) if c in restriction]
            signs = self.signs[decision]
            left = [each for each in left if all(signs[each, k] == sign for k, sign in fixed)] or left
        return left

    def best(self, polynomial: Polynomial, count: int) -> list[Restriction]:
        """The `count` assignments of the variables in the polynomial that make it largest, among those of options."""
        touched = sorted({variable for _, monomial in polynomial for variable in monomial})
        parts = [part for part in (self._patterns(i, touched) for i in range(len(self.signs))) if part]
        found = [{k: v for part in parts_taken for k, v in part.items()} for parts_taken in product(*parts)]
        signs = np.array([[each[variable] for variable in touched] for each in found], dtype=np.float64)
        places = {variable: k for k, variable in enumerate(touched)}
        total = sum(c * signs[:, [places[each] for each in monomial]].prod(axis=1) for c, monomial in polynomial)
        return [found[k] for k in np.argsort(-np.asarray(total), kind="stable")[:count].tolist()]

    def _patterns(self, decision: int, touched: Sequence[int]) -> list[Restriction]:
        """What the options of a decision can make of its touched variables; empty where it has none."""
        columns = self.columns[decision]
        own = [variable for variable in touched if variable in columns]
        if not own:
            return []
        rows = dict.fromkeys(tuple(int(row[each - columns.start]) for each in own) for row in self.signs[decision])
        return [dict(zip(own, row, strict=True)) for row in rows]


def _digits(size: int) -> np.ndarray:
    digits = max(1, (size - 1).bit_length())
    options = np.arange(size)[:, None] >> np.arange(digits - 1, -1, -1)
    return 1.0 - 2.0 * (options & 1)


def _one_hot(size: int) -> np.ndarray:
    return 2.0 * np.eye(size) - 1.0


def values(variables: np.ndarray, monomials: Sequence[Monomial]) -> np.ndarray:
    """float64 (n, monomials): the products of the variables (n, v) in each monomial."""
    columns = [variables[:, list(each)].prod(axis=1) for each in monomials]
    return np.stack(columns, axis=1) if columns else np.zeros((len(variables), 0))


def sparse_polynomial(variables: np.ndarray, targets: np.ndarray, degree: int, penalty: float, keep: int) -> Polynomial:
    """The `keep` largest terms of the Lasso over all products of at most `degree` variables (Hazan et al., section 3).

    penalty: the weight of the L1 norm beside half the mean squared error. The solution is that over all products, but
    only those are ever held that may be in it: a round adds the ones that break its optimality condition,
    |x'(y - Xw)|/n <= penalty, until none does.
    """
    working: list[Monomial] = []
    solver = Lasso(alpha=penalty, max_iter=20_000, tol=1e-6, random_state=0)  # without, it asks numpy's global
    residual = targets - targets.mean()
    while True:
        broken = _most_correlated(variables, residual, degree, penalty, frozenset(working))
        if not broken:
            break
        working.extend(broken)
        features = values(variables, working)
        solver.fit(features, targets)
        residual = targets - solver.predict(features)
    if not working:
        return []
    coefficients: list[float] = np.asarray(solver.coef_, dtype=np.float64).ravel().tolist()
    terms = sorted(zip(coefficients, working, strict=True), key=lambda term: (-abs(term[0]), term[1]))
    return [(coefficient, monomial) for coefficient, monomial in terms[:keep] if coefficient]


def _most_correlated(
    variables: np.ndarray, residual: np.ndarray, degree: int, penalty: float, known: frozenset[Monomial]
) -> list[Monomial]:
    """The other monomials with |x'r|/n above the penalty, the largest first, at most so many as enter in one round."""
    count = variables.shape[1]
    found: list[tuple[float, Monomial]] = []
    for smaller in range(min(degree, count)):
        heads = np.array(list(combinations(range(count), smaller)), dtype=np.int64).reshape(
            comb(count, smaller), smaller
        )
        for start in range(0, len(heads), CHUNK):
            chunk = heads[start : start + CHUNK]
            weighted = variables[:, chunk].prod(axis=2) * residual[:, None]  # (n, heads)
            sizes = np.abs(weighted.T @ variables) / len(residual)
            if smaller:  # each product once: the last variable comes after the others
                sizes[np.arange(count)[None, :] <= chunk[:, -1:]] = 0
            for k, j in np.argwhere(sizes > penalty * (1 + 1e-4) + 1e-9).tolist():
                monomial = (*chunk[k].tolist(), j)
                if monomial not in known:
                    found.append((float(sizes[k, j]), monomial))
    found.sort(key=lambda each: (-each[0], each[1]))
    return [monomial for _, monomial in found[:MOST_ADDED]]

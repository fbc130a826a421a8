"""Which budget of a table, or which epoch of the curves beside its rows, a proposal's fidelity takes."""

from __future__ import annotations

import numpy as np

from netwright.core.errors import DataError, UserError
from netwright.core.spelling import option
from netwright.core.trial import share_of
from netwright.estimators.tables.contents import Contents

_ROUNDING = 1e-9


class Fidelities:
    """Shares of the full budget, above 0 and at most 1, and what of a table each of them takes.

    contents: of the table, with a fidelity column, with curves beside its rows, or with neither.

    Raises DataError where no budget lies above 0.
    """

    def __init__(self, contents: Contents) -> None:
        self.budgets, self.epochs = contents.arrangement.budgets, contents.epochs
        self._where, self._column = contents.where, contents.fidelity
        if self.budgets and self.budgets[-1] <= 0:
            raise DataError(
                f"{self._where}: the largest {self._column} is {self.budgets[-1]:g}; expected budgets above 0"
            )

    def share(self, fidelity: float | None) -> float:
        """The fidelity as a share; UserError for what is none, or where only the full budget is known."""
        share = share_of(fidelity)
        if not 0 < share <= 1:
            raise UserError(f"fidelity is a share of the full budget, above 0 and at most 1, found {share!r}")
        if share < 1 and not self.budgets and not self.epochs:
            raise UserError(
                f"{self._where} was read without a fidelity column or curves, so that nothing is known at "
                f"fidelity {share:g}; name them with {option('fidelity')} or {option('curve')}"
            )
        return share

    def budget(self, share: float) -> int:
        """The number of the largest budget that the share allows, never one of 0: that would be no training."""
        if not self.budgets:
            return 0
        limit = share * self.budgets[-1] * (1 + _ROUNDING)
        number = int(np.searchsorted(self.budgets, limit, side="right")) - 1
        if number < 0 or self.budgets[number] <= 0:
            raise self._too_small(share)
        return number

    def _too_small(self, share: float) -> UserError:
        least = min((each for each in self.budgets if each > 0), default=self.budgets[-1])
        return UserError(
            f"fidelity {share:g} of {self._column} = {self.budgets[-1]:g} lies below the smallest "
            f"budget of {self._where} above 0, {least:g}; the smallest share is {least / self.budgets[-1]:.4g}"
        )

    def epochs_at(self, share: float) -> int:
        """How many epochs of the curves beside the rows the share allows, at least one; 0 without any."""
        return self.epochs and max(1, int(share * self.epochs * (1 + _ROUNDING)))

    def taken(self, fidelity: float | None) -> float:
        """The share of the full budget of the row or the epoch that a proposal's fidelity takes."""
        share = self.share(fidelity)
        if self.budgets:
            return self.budgets[self.budget(share)] / self.budgets[-1]
        return self.epochs_at(share) / self.epochs if self.epochs else share

    def different(self) -> tuple[float, ...]:
        """The shares that differ, ascending; (1.0,) where there is only the full one."""
        if self.budgets:
            return tuple(each / self.budgets[-1] for each in self.budgets if each > 0)
        return tuple((i + 1) / self.epochs for i in range(self.epochs)) or (1.0,)

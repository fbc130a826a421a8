"""What a table holds, in numbers and in words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class TableReport:
    """What was read.

    rows: that are used.
    skipped: left out for a missing number.
    duplicates: rows that say again what another one says.
    architectures: distinct ones.
    size: of the space.
    covered: architectures of the space that the table knows, itself or by one that gives the same network; None where
        the space is too large to say.
    budgets: of the fidelity column.
    repeats: least and most rows of an architecture at one budget.
    ranges: lowest and highest value of each metric.
    outside: rows left out because they are about architectures outside of the space, which is a part of another.
    """

    where: str
    space: str
    rows: int
    skipped: int
    duplicates: int
    architectures: int
    size: int
    covered: int | None
    budgets: tuple[float, ...]
    repeats: tuple[int, int]
    epochs: int
    ranges: Mapping[str, tuple[float, float]]
    outside: int = 0

    @property
    def missing(self) -> int | None:
        """Architectures of the space that the table does not know; None where that was not counted."""
        return None if self.covered is None else self.size - self.covered

    def lines(self) -> list[str]:
        """The report, a line each."""
        first = f"{self.where}: {self.rows:,} rows about {self.architectures:,} architectures of {self.space}"
        lines = [first, self._coverage()]
        if self.skipped or self.duplicates:
            lines.append(f"{self.skipped:,} rows left out for missing numbers, {self.duplicates:,} duplicate rows")
        if self.outside:
            lines.append(f"{self.outside:,} rows left out for architectures outside of {self.space}")
        if self.budgets:
            lines.append(f"budgets: {', '.join(f'{each:g}' for each in self.budgets)}")
        if self.epochs:
            lines.append(f"learning curves of {self.epochs} epochs")
        least, most = self.repeats
        if most > 1:
            lines.append(f"repeats: {most}" if least == most else f"repeats: {least} to {most}")
        lines += [f"{name}: {low:.6g} to {high:.6g}" for name, (low, high) in self.ranges.items()]
        return lines

    def _coverage(self) -> str:
        if self.covered is None:
            return f"{self.architectures / self.size:.3g} of the space's {self.size:,} architectures, each by itself"
        if not self.missing:
            return f"it covers all {self.size:,} architectures of the space"
        return f"it covers {self.covered / self.size:.2%} of the space; {self.missing:,} of {self.size:,} are missing"

    def __str__(self) -> str:
        return "\n".join(self.lines())

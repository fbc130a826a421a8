"""The latency of networks on a device that is somewhere else, by times that were brought from there."""

from __future__ import annotations

import csv
from collections import OrderedDict
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

from torch import nn

from netwright.core.architecture import Architecture, Content
from netwright.core.errors import DataError, UserError
from netwright.core.objective import Constraint
from netwright.core.space import Space
from netwright.core.task import TaskShape
from netwright.core.trial import Measurement, Proposal
from netwright.estimators.machine.followed import Followed
from netwright.estimators.machine.foretold import FORETOLD, MEASURED, ForetoldLatency
from netwright.estimators.machine.latency import HIGHEST
from netwright.estimators.machine.on_machine import OnMachine, TooSlow, limits_on
from netwright.estimators.machine.operation_times import Fit, Known, OperationTimes, fitted
from netwright.networks.executed import Execution, executed

PROVIDES = ("obj.latency",)

NEEDED = ("kind", "operation", "key", "sizes", "architecture", "space", "input", "ms", "machine", "runtime", "threads")


class BoardLatency(OnMachine):
    """Foretells how long a network takes on a device that is somewhere else, by a table that was measured there.

    Here nothing is measured: "latency_ms" is what "latency_predicted_ms" is, and a limit on it must be kept with the
    error that the table has on the whole networks in it.

    space: of the architectures.
    shape: what one example looks like.
    board: the file `board.csv` that the program of a profile wrote on the device (`netwright profile`).

    Raises DataError for a file that is none, or is of another space or another shape.
    """

    metrics: ClassVar[tuple[str, ...]] = (MEASURED, FORETOLD)
    analytic = True

    def __init__(self, space: Space, shape: TaskShape | Mapping[str, Any], board: str) -> None:
        super().__init__(space, shape)
        self.board = str(Path(board).resolve())
        self._arguments["board"] = self.board
        self._rows = read_board(Path(board))
        self._check()
        self._known: OrderedDict[Content, float] = OrderedDict()

    def _check(self) -> None:
        first, own = self._rows[0], " ".join(map(str, self.shape.input))
        if first["space"].partition("-v")[0] != self.networks.id.partition("-v")[0]:
            raise DataError(
                f"{self.board} was measured for {first['space']}, but {self.networks.id} is searched; profile that "
                f"one, or search with --space {first['space'].partition('-v')[0]}"
            )
        if first["input"] != own:
            raise DataError(
                f"{self.board} was measured for examples of {first['input'].replace(' ', 'x')}, found examples of "
                f"{own.replace(' ', 'x')}; profile with --shape {own.replace(' ', ',')}"
            )

    def estimate(self, proposal: Proposal, seed: int) -> Measurement:
        """Foretell the candidate; `seed` changes nothing. Raises TooSlow where it cannot be sure to keep the limit."""
        ms = self.of(self.untrained(proposal.candidate))
        found = {MEASURED: ms, FORETOLD: ms}
        for limit in limits_on(MEASURED):
            if limit.holds(found) and not self.surely(limit, {**found, HIGHEST: (1 + self.fit.error) * ms}):
                raise TooSlow(
                    f"{MEASURED} {ms:.4g} is nearer to the limit {limit} than the table errs, {self.fit.error:.0%}",
                    found,
                )
        return Measurement(found)

    def of(self, architecture: Architecture) -> float:
        """Milliseconds of an architecture of the networks alone."""
        found = self._known.get(architecture.content)
        if found is None:
            found = self._known[architecture.content] = self._of(self.followed(architecture))
        return found

    def again(self, candidate: Architecture | nn.Module) -> dict[str, float]:
        """The same, with the error of the table: nothing can be measured here."""
        if isinstance(candidate, Architecture):
            ms = self.of(self.untrained(candidate))
        else:
            ms = self._of(executed(candidate, self.shape.input))
        return {MEASURED: ms, HIGHEST: (1 + self.fit.error) * ms}

    def surely(self, limit: Constraint, metrics: Mapping[str, float]) -> bool:
        """Whether the limit is kept, though the table errs as it does in the middle."""
        upper = limit.metric == MEASURED and limit.relation == "<="
        return limit.holds({limit.metric: metrics[HIGHEST if upper else limit.metric]})

    def described(self) -> dict[str, Any]:
        """Of which device the times are, as JSON."""
        first = self._rows[0]
        runtime, _, version = first["runtime"].partition(" ")
        return {
            "machine": first["machine"],
            "foretold": f"{Path(self.board).name}, which errs by {self.fit.error:.0%} on networks it was not fitted to",
            "runtime": runtime,
            "version": version,
            "threads": int(first["threads"]),
            "batch": 1,
            "device": "board",
        }

    def meet(self, execution: Execution, seconds: float) -> None:
        """Nothing: what was not timed on the device is told from operations of its kind."""

    @property
    def costs(self) -> ForetoldLatency:
        """What it foretells, also of mixtures on average."""
        return ForetoldLatency(self)

    @property
    def share(self) -> float:
        """Of a limit, what may be foretold of a network that is to keep it: the table errs as it does in the middle."""
        return 1 / (1 + self.fit.error)

    def _of(self, execution: Execution) -> float:
        return self.times.predict(execution, self.fit)

    @cached_property
    def followed(self) -> Followed:
        """What the network of an architecture does."""
        return Followed(self.networks, self.shape)

    def room(self, limit: Constraint) -> tuple[float, float]:
        surely = 1 / (1 + self.fit.error)
        return surely, surely

    @cached_property
    def times(self) -> OperationTimes:
        """Of the operations on the device."""
        found = OperationTimes(self.place)
        for row in self._rows:
            if row["kind"] == "operation":
                sizes = tuple(map(float, row["sizes"].split()))
                found.known[row["key"]] = Known(row["operation"], float(row["ms"]), sizes)
        return found

    @cached_property
    def fit(self) -> Fit:
        """What makes sums of operations the time of a network, by the whole networks of the table."""
        whole = [row for row in self._rows if row["kind"] == "network"]
        followed = [self.followed(self.networks.parse(row["architecture"])) for row in whole]
        return fitted([self.times.by_kind(each) for each in followed], [float(row["ms"]) for row in whole])


def read_board(path: Path) -> list[dict[str, str]]:
    """The rows of a board.csv. Raises UserError where it is not there, DataError where it is something else."""
    try:
        with path.open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as problem:
        raise UserError(f"{path} cannot be read: {getattr(problem, 'strerror', None) or problem}") from problem
    lacks = [each for each in NEEDED if not rows or each not in rows[0]]
    kinds = {row.get("kind") for row in rows}
    if lacks or not {"operation", "network"} <= kinds:
        what = f"lacks {', '.join(lacks)}" if rows and lacks else "holds no times of operations and networks"
        raise DataError(f"{path} {what}; expected the board.csv that run.py of a profile wrote on the device")
    for number, row in enumerate(rows, 2):
        try:
            if not float(row["ms"]) > 0:
                raise ValueError
        except ValueError:
            raise DataError(f"{path}, line {number}: ms is {row['ms']!r}; expected a number above 0") from None
    return rows

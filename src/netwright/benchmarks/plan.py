"""What a comparison is: plain data, kept with what was found, and what may be added to it later."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from netwright.benchmarks.budget import Budget
from netwright.benchmarks.cells import Place
from netwright.core.errors import CorruptStore, UserError
from netwright.version import __version__

_SHOWN = 90  # characters of a setting in an error


@dataclass(frozen=True)
class Plan:
    """What a comparison compares.

    strategies, problems: what each is, as JSON, by name.
    workers: of each simulated search.
    repeats: searches of each strategy on each problem.
    base: the seed of the first.
    notes: what a reader must know.
    reference: the point from which hypervolume is measured, a value an objective in its own units; empty for the worst
        that is measured.
    """

    budget: Budget
    strategies: Mapping[str, Any]
    problems: Mapping[str, Any]
    repeats: int
    base: int = 0
    workers: int = 1
    notes: tuple[str, ...] = ()
    reference: tuple[float, ...] = ()

    def places(self) -> Iterator[Place]:
        """Every search, those of one repeat together, so that an interrupted comparison is a balanced one."""
        for repeat in range(self.repeats):
            for problem in self.problems:
                for strategy in self.strategies:
                    yield Place(strategy, problem, repeat)

    @property
    def size(self) -> int:
        return self.repeats * len(self.problems) * len(self.strategies)

    @property
    def objectives(self) -> tuple[str, ...]:
        """Those of all problems, as "latency_ms:minimize"; empty where each has a single metric."""
        return tuple(next((each["objectives"] for each in self.problems.values() if "objectives" in each), ()))

    @property
    def seeds(self) -> str:
        """The seeds in words."""
        return f"{self.base} to {self.base + self.repeats - 1}" if self.repeats > 1 else str(self.base)

    def to_json(self) -> dict[str, Any]:
        return {
            "netwright": __version__,
            "budget": self.budget.to_json(),
            "strategies": dict(self.strategies),
            "problems": dict(self.problems),
            "order": [list(self.strategies), list(self.problems)],
            "repeats": self.repeats,
            "base": self.base,
            "workers": self.workers,
            "notes": list(self.notes),
            **({"reference": list(self.reference)} if self.reference else {}),
        }

    @classmethod
    def from_json(cls, data: Any) -> Plan:
        """The plan that was kept. Raises CorruptStore where it was written by something else."""
        try:
            return cls(
                Budget(**data["budget"]),
                *(data["strategies"], data["problems"], data["repeats"], data["base"], data["workers"]),
                notes=tuple(data["notes"]),
                reference=tuple(data.get("reference", ())),
            )
        except (KeyError, TypeError, ValueError) as problem:
            raise CorruptStore(f"the comparison's plan is damaged: {problem!r}") from problem

    def joined(self, wanted: Plan) -> Plan:
        """This plan with what another one adds: strategies, problems and repeats.

        Raises UserError with the differences where the other one is about something else.
        """
        different = [
            f"{name} {_short(mine)} there, {_short(theirs)} here"
            for name, mine, theirs in self._compared(wanted)
            if mine != theirs
        ]
        if different:
            raise UserError(
                f"the folder holds another comparison: {'; '.join(different)}. Choose another folder, or ask as it was"
            )
        return replace(
            self,
            strategies={**self.strategies, **wanted.strategies},
            problems={**self.problems, **wanted.problems},
            repeats=max(self.repeats, wanted.repeats),
            notes=tuple(dict.fromkeys((*self.notes, *wanted.notes))),
            reference=wanted.reference or self.reference,  # which changes what is said, not what was searched
        )

    def _compared(self, wanted: Plan) -> Iterator[tuple[str, Any, Any]]:
        yield "budget", str(self.budget), str(wanted.budget)
        yield "first seed", self.base, wanted.base
        yield "workers", self.workers, wanted.workers
        yield "objectives", ", ".join(self.objectives) or "one", ", ".join(wanted.objectives) or "one"
        for kind, mine, theirs in (
            ("strategy", self.strategies, wanted.strategies),
            ("problem", self.problems, wanted.problems),
        ):
            for name in mine:
                if name in theirs:
                    yield from _parts(f"{kind} {name!r}", _plain(mine[name]), _plain(theirs[name]))


def _parts(name: str, mine: Any, theirs: Any) -> Iterator[tuple[str, Any, Any]]:
    """The innermost parts in which two descriptions may differ, by the way that leads to them."""
    if isinstance(mine, dict) and isinstance(theirs, dict):
        for key in dict.fromkeys((*mine, *theirs)):
            yield from _parts(f"{name}, {key}", mine.get(key), theirs.get(key))
    else:
        yield name, mine, theirs


def _plain(value: Any) -> Any:
    """As it comes back from the file."""
    return json.loads(json.dumps(value))


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."

"""What goes from the driver to the workers of a cluster: once a search its kit, and for each trial an order.

Both travel as Ray writes them, with cloudpickle, between nodes that trust each other; nothing of it becomes a file of
a run. Classes that are defined in a user's own file go with what they are used in, so that a node needs netwright and
the installed packages that they use, but not that file.
"""

from __future__ import annotations

import copyreg
import sys
import sysconfig
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from netwright.core.architecture import Architecture, Content, Mixture
from netwright.core.configuration import Configured
from netwright.core.estimator import Estimator
from netwright.core.executor import Job
from netwright.core.objective import Constraint
from netwright.core.space import Space


@dataclass(frozen=True)
class Kit:
    """What the trials of one search share.

    space: of their architectures; None where mixtures are proposed.
    """

    stages: tuple[Estimator, ...]
    constraints: tuple[Constraint, ...]
    space: Space | None

    @classmethod
    def of(cls, job: Job) -> Kit:
        candidate = job.proposal.candidate
        space = candidate.space if isinstance(candidate, Architecture) else None
        return cls(tuple(job.stages), tuple(job.constraints), space)

    def serves(self, job: Job) -> bool:
        """Whether this job needs nothing else: the very same objects."""
        candidate = job.proposal.candidate
        same_space = not isinstance(candidate, Architecture) or candidate.space is self.space
        return same_space and _same(self.stages, job.stages) and _same(self.constraints, job.constraints)


@dataclass(frozen=True)
class Order:
    """One job without what the kit has. point: what the architecture holds; None where the job's proposal is whole."""

    job: Job
    point: Content | None


def order(job: Job) -> Order:
    """The few bytes of a job that change from trial to trial."""
    candidate, point = job.proposal.candidate, None
    bare = replace(job, stages=(), constraints=())
    if isinstance(candidate, Architecture):
        point = candidate.content
        bare = replace(bare, proposal=replace(job.proposal, candidate=Mixture({})))
    return Order(bare, point)


def job(order: Order, kit: Kit) -> Job:
    """The job again, as the driver had it."""
    whole = replace(order.job, stages=kit.stages, constraints=kit.constraints)
    if order.point is None:
        return whole
    assert kit.space is not None, "an architecture came without its space"
    candidate = kit.space.from_content(order.point, check=False)
    return replace(whole, proposal=replace(whole.proposal, candidate=candidate))


def _property(function: Any, name: str | None) -> Any:
    made: Any = cached_property(function)
    made.attrname = name
    return made


def _reduced(value: Any) -> tuple[Any, ...]:
    return _property, (value.func, value.attrname)


copyreg.pickle(cached_property, _reduced)  # Python 3.11 keeps a lock in it, so that a class with one cannot be sent


def own_modules(kit: Kit) -> list[Any]:
    """The modules of the user's own files whose classes and functions a kit mentions."""
    names = {getattr(each, "__module__", None) for part in (*kit.stages, kit.space) for each in _mentioned(part)}
    modules = (sys.modules.get(name) for name in sorted(name for name in names if name and name != "__main__"))
    return [each for each in modules if each is not None and _is_own(each)]


def _mentioned(value: Any) -> Iterator[Any]:
    """The classes of a value and of all that it is configured with, with their ancestors; functions as they are."""
    if isinstance(value, type):
        yield from value.__mro__
    elif callable(value) and hasattr(value, "__code__"):
        yield value
    else:
        yield from type(value).__mro__
        if isinstance(value, Configured):
            for each in value.arguments.values():
                yield from _mentioned(each)
        elif isinstance(value, (list, tuple)):
            for each in value[:1000]:
                yield from _mentioned(each)


def _is_own(module: Any) -> bool:
    """Whether a module is neither installed, nor Python's, nor ours."""
    path = getattr(module, "__file__", None)
    if not path or module.__name__.partition(".")[0] == "netwright":
        return False
    folders = {sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")}
    return not any(Path(path).is_relative_to(folder) for folder in folders if folder)


def _same(first: Sequence[Any], second: Sequence[Any]) -> bool:
    return len(first) == len(second) and all(one is other for one, other in zip(first, second, strict=True))

"""Whose code a stored plan may bring into this process: that of nobody whom the user did not name.

A run directory is data, and may come from anybody. What a plan names by `module:Class` or `file.py:name` is imported
only where the user named it on a command line of this machine, or agreed to it after it was listed. Both are noted in
the user's own state folder, for this directory and for the files as they are then: other files are asked about anew.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from netwright.catalogue import code_named, split
from netwright.catalogue.sources import files_of
from netwright.cli.output import say
from netwright.cli.workers import chosen
from netwright.core.errors import CorruptStore, UserError
from netwright.core.workplace import PROJECT

if TYPE_CHECKING:
    from netwright.catalogue.reading import Kind
    from netwright.cli.plan import Plan

NOWHERE = "not found here"


@dataclass(frozen=True)
class Foreign:
    """What a stored text would let into this process. part: of a search. text: with its options, as it was written.

    files: that would run, each with its SHA-256; none for what Python brings and for a cluster.
    """

    part: str
    text: str
    files: tuple[tuple[str, str], ...] = ()

    def __str__(self) -> str:
        where = ", ".join(path for path, _ in self.files)
        return f"{self.part} {self.text}" + (f" ({where})" if where else "")


def stored_plan(
    notes: Any, directory: Path, *, trust: bool = False, given: Mapping[str, Any] | None = None, runs: bool = True
) -> Plan:
    """The plan of a stored run, once the user has agreed to the code that it names.

    notes: as they were stored, with the run in `directory`. trust: agree to all of it. given: options about where
    trials run that the user gave this time. runs: whether anything is to run where the plan says.
    Raises CorruptStore for what is no plan, UserError where the user has not agreed.
    """
    PROJECT.set(directory)
    plan = read_plan(notes)
    require(code_of(plan), directory, trust=trust)
    if runs:
        require_cluster(plan, directory, given or {}, trust=trust)
    return plan


def read_plan(notes: Any) -> Plan:
    """The plan that was stored; CorruptStore for what is none. Nothing that it names is imported."""
    from netwright.cli.given_network import GivenNetwork
    from netwright.cli.plan import Plan

    try:
        plan = Plan.from_json(dict(notes))
        for name in ("data", "space", "strategy", "recipe", "training", "device", "address", "executor"):
            value: Any = getattr(plan, name)
            if not isinstance(value, str) and not (value is None and name not in ("data", "strategy", "training")):
                raise TypeError(f"its {name} is {str(value)[:80]!r}")
        if not all(isinstance(each, str) for each in plan.reference):
            raise TypeError(f"its reference is {str(plan.reference)[:80]!r}")
        if plan.network:
            GivenNetwork.from_json(plan.network)
        if not isinstance(plan.data_options, dict):
            raise TypeError(f"its data_options are {str(plan.data_options)[:80]!r}")
    except (TypeError, ValueError, AttributeError) as problem:
        if isinstance(problem, UserError):
            raise
        raise CorruptStore(f"the stored plan cannot be read: {problem}") from problem
    return plan


def require_cluster(plan: Plan, directory: Path, given: Mapping[str, Any], *, trust: bool) -> None:
    """UserError unless the user agreed to a Ray cluster elsewhere that the plan names: who has it can run code here."""
    if given.get("address") is not None or given.get("executor") not in (None, "ray"):
        return
    if plan.address not in (None, "auto", "local") and chosen(plan) == "ray":
        require([Foreign("cluster", f"Ray at {plan.address}")], directory, trust=trust)


def note_begun(plan: Plan, directory: Path) -> None:
    """Note what the user named on this command line; `resume` and workers then need not ask."""
    named = code_of(plan)
    if plan.address is not None:
        named.append(Foreign("cluster", f"Ray at {plan.address}"))
    note(named, directory)


# What would run.


def code_of(plan: Plan) -> list[Foreign]:
    """The parts of a plan that are code of somebody's own."""
    from netwright.tasks.opening import code_named

    place = code_named(plan.data, plan.data_dir)
    data = [] if place is None else [_code("data", plan.data, plan.data_options, place, beside=True)]
    methods = [*parts_of("strategy", [plan.strategy]), *parts_of("search", [plan.recipe or ""])]
    networks = [_code("reference", each, {}, each.rpartition(":")[0], beside=False) for each in plan.reference]
    return [*data, *parts_of("space", [plan.space or ""]), *methods, *networks]


def parts_of(kind: Kind, texts: Iterable[str]) -> list[Foreign]:
    """Those of the texts that name a space, a strategy or a search of somebody's own."""
    found: list[Foreign] = []
    for name, options in map(split, texts):
        place = code_named(kind, name)
        if place is not None:
            found.append(_code("method" if kind == "search" else kind, name, options, place, beside=False))
    return found


def _code(part: str, name: str, options: Mapping[str, Any], place: str, *, beside: bool) -> Foreign:
    """What a name stands for; one that leads nowhere now may lead somewhere later, and is asked about, too."""
    files = files_of(place, beside=beside)
    digests = ((NOWHERE, ""),) if files is None else tuple((path, _digest(path)) for path in files)
    told = ",".join(f"{key}={value}" for key, value in sorted(options.items()))
    return Foreign(part, f"{name}:{told}" if told else name, digests)


def _digest(path: str) -> str:
    try:
        return hashlib.sha256(Path(path).read_bytes()).hexdigest()
    except OSError as problem:
        return f"unreadable: {problem.strerror}"


# What was agreed to.


def require(foreign: Sequence[Foreign], directory: Path, *, trust: bool) -> None:
    """UserError unless the user has named all of this for this directory, or agrees to it now."""
    notes = _notes(directory)
    new = [each for each in foreign if notes is None or not (notes / _name(each, directory)).is_file()]
    if not new:
        return
    listed = "; ".join(map(str, new))
    if not trust and not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise UserError(
            f"{directory} names what could run any code here: {listed}. Nothing of it was run; after a look at it, if "
            "you trust it, say --trust"
        )
    say(f"{directory} names what could run any code here:", *[f"  {each}" for each in new], stream=sys.stderr)
    if not trust and not _agreed():
        raise UserError("nothing of it was run")
    note(new, directory)


def _agreed() -> bool:
    import typer

    return typer.confirm("Do you trust it?", err=True)


def note(foreign: Iterable[Foreign], directory: Path) -> None:
    """Note that the user has named this for this directory, or agreed to it; nothing where that cannot be written."""
    notes = _notes(directory)
    for each in foreign:
        if notes is None or (notes / _name(each, directory)).exists():
            continue
        told = {"directory": os.path.realpath(directory), "part": each.part, "text": each.text, "files": each.files}
        try:
            _write(notes / _name(each, directory), json.dumps(told, indent=1))
        except OSError:
            return  # a home that cannot be written to; the next command asks


def _notes(directory: Path) -> Path | None:
    """The folder of notes; None where there is none, or where it lies in the directory that they are about."""
    base = os.environ.get("XDG_STATE_HOME", "")
    home = os.path.expanduser("~")
    if not os.path.isabs(base) and not os.path.isabs(home):
        return None
    folder = Path(base if os.path.isabs(base) else Path(home, ".local", "state"), "netwright", "trusted")
    return None if Path(os.path.realpath(folder)).is_relative_to(os.path.realpath(directory)) else folder


def _name(foreign: Foreign, directory: Path) -> str:
    """The name of a note: everything that it is about, so that two processes never write one differently."""
    told = [os.path.realpath(directory), foreign.part, foreign.text, foreign.files]
    return f"{hashlib.sha256(json.dumps(told).encode()).hexdigest()}.json"


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    unfinished = path.with_name(f".{secrets.token_hex(8)}")
    with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "w") as file:
        file.write(text)
    os.replace(unfinished, path)

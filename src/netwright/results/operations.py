"""Which ONNX operations the networks of a space compute, and whether a device has them: found out before a search."""

from __future__ import annotations

import json
import re
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from netwright.core.errors import UserError, nearest
from netwright.core.trees import mapped
from netwright.core.wording import listed
from netwright.runtimes.onnx_file import require_onnx, write_onnx

if TYPE_CHECKING:
    from netwright.core.architecture import Architecture
    from netwright.core.space import Space
    from netwright.core.task import TaskShape

FREE = frozenset({"Constant", "Identity"})  # which a runtime folds away
SECONDS = 20.0  # after which no further network is written
MOST_SAID = 2  # options that may have brought an operation; where there are more it is not known which did
DRAWN = 400  # architectures among which those with options not seen before are looked for


@dataclass(frozen=True)
class Needed:
    """One operation that networks of a space compute.

    name: as ONNX has it.
    networks: of those that were written, how many compute it.
    of: how many were written.
    where: options that all of these networks have and the others lack: ("activation: hardswish",).
    """

    name: str
    networks: int
    of: int
    where: tuple[str, ...]


def read_operations(path: str | Path) -> frozenset[str]:
    """The names of ONNX operations in a file: a JSON list, or names apart by line breaks, commas or spaces, # comments.

    path: such as "board-ops.txt".

    Raises UserError where it cannot be read, is empty, or holds a name that ONNX has not.
    """
    require_onnx()
    from onnx.defs import get_all_schemas

    try:
        text = Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeError) as problem:
        raise UserError(f"{path} cannot be read: {getattr(problem, 'strerror', None) or problem}") from problem
    names = _names(text)
    known = {each.name for each in get_all_schemas() if not each.domain}
    for name in names:
        if name not in known:
            raise UserError(f"{path}: ONNX has no operation {name!r}{nearest(name, sorted(known))}")
    if not names:
        raise UserError(f"{path} names no operation; expected one a line, as Conv, Gemm, Relu")
    return frozenset(names)


def _names(text: str) -> list[str]:
    if text.lstrip().startswith("["):
        try:
            return list(map(str, json.loads(text)))
        except json.JSONDecodeError:
            pass
    lines = (line.partition("#")[0] for line in text.splitlines())
    return [name for line in lines for name in re.split(r"[\s,;]+", line) if name]


def operations_needed(space: Space, shape: TaskShape, example: Any = None, *, seed: int = 0) -> tuple[Needed, ...]:
    """The ONNX operations of a few networks of a space that together have each of its named options, most used first.

    space: whose networks these are.
    shape: of the task.
    example: a batch of at least two inputs; drawn from the shape where None.
    seed: of the draw.

    After 20 seconds no further network is written, so that of a large space some options may not be looked at. Networks
    that cannot be built or written are passed over, which is the search's and the export's to find; raises UserError
    where none can.
    """
    require_onnx()
    generator = torch.Generator().manual_seed(seed)
    batch = shape.example(2, generator=generator) if example is None else mapped(lambda each: each[:2], example)
    written: list[tuple[frozenset[str], frozenset[str]]] = []
    problems: list[Exception] = []
    end = time.monotonic() + SECONDS
    with tempfile.TemporaryDirectory(prefix="netwright-operations-") as place, torch.random.fork_rng(devices=[]):
        for architecture, options in _different(space, np.random.default_rng(seed)):
            try:
                network = space.build(architecture, shape)
                found = write_onnx(network, batch, Path(place, "model.onnx"), check=False).operations
                written.append((options, frozenset(found) - FREE))
            except Exception as problem:
                problems.append(problem)
            if time.monotonic() > end:
                break
    if not written:
        raise UserError(f"the ONNX operations of this space are not known: {problems[0]}") from problems[0]
    return _needed(written)


def _different(space: Space, rng: np.random.Generator) -> Iterator[tuple[Architecture, frozenset[str]]]:
    """Architectures each of which has an option that none before it had, or is the first to lack one; at least four."""
    seen: set[str] = set()
    drawn = [(each, frozenset(_options(each))) for each in (space.sample(rng) for _ in range(DRAWN))]
    lacked = frozenset[str]().union(*(options for _, options in drawn))
    for place, (architecture, options) in enumerate(drawn):
        if place < 4 or options - seen or lacked - options:
            seen |= options
            lacked &= options
            yield architecture, options


def _options(architecture: Architecture) -> Iterator[str]:
    """What was chosen by name, as "role: label"; numbers change sizes, not kinds of operations."""
    try:
        decisions: Mapping[str, Any] = architecture.decisions
    except (UserError, TypeError, AttributeError):  # of a space without decisions
        return
    for name, label in decisions.items():
        if isinstance(label, str | bool):
            parts = [part for part in name.split("/") if not part.isdecimal()]
            yield f"{parts[-1] if parts else name}: {label}"


def _needed(written: Sequence[tuple[frozenset[str], frozenset[str]]]) -> tuple[Needed, ...]:
    found: list[Needed] = []
    for name in sorted({each for _, own in written for each in own}):
        having = [options for options, own in written if name in own]
        lacking = [options for options, own in written if name not in own]
        common = frozenset.intersection(*having) - frozenset().union(*lacking) if lacking else frozenset[str]()
        where = tuple(sorted(common)) if len(common) <= MOST_SAID else ()
        found.append(Needed(name, len(having), len(written), where))
    return tuple(sorted(found, key=lambda each: (-each.networks, each.name)))


def check_operations(needed: Sequence[Needed], allowed: frozenset[str], source: str) -> None:
    """UserError, in one line, where networks compute operations that the device lacks.

    needed: see `operations_needed`.
    allowed: names of ONNX operations.
    source: where these come from, as "board-ops.txt".
    """
    lacking = [each for each in needed if each.name not in allowed]
    if not lacking:
        return
    said = "; ".join(_said(each) for each in lacking)
    raise UserError(
        f"{source} lacks {listed([each.name for each in lacking], 12)}, which networks of this space compute: {said}. "
        "Take a space or options without, or add what the device has to the file"
    )


def _said(each: Needed) -> str:
    if each.networks == each.of:
        return f"{each.name} all {each.of} that were looked at"
    where = f", those with {' or '.join(each.where)}" if each.where else ""
    return f"{each.name} {each.networks} of {each.of}{where}"

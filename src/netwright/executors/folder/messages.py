"""Jobs and outcomes as JSON, both ways; what is read is checked, since anybody may have written it.

No object is sent: a job says which architecture, which seed, where its checkpoints lie. What measures it, each worker
makes for itself.
"""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from netwright.core.architecture import Architecture
from netwright.core.checks import is_number, is_whole
from netwright.core.errors import InvalidArchitecture, UserError
from netwright.core.estimator import Estimator
from netwright.core.executor import Job, Outcome
from netwright.core.objective import Constraint
from netwright.core.roles import fingerprint_of
from netwright.core.space import Space
from netwright.core.trial import STATES, Measurement, Proposal
from netwright.core.workplace import Parent
from netwright.executors.folder.folder_files import Unreadable

LONGEST_TEXT = 30_000  # characters of a traceback or a log
MOST = 1 << 64
LARGEST = sys.float_info.max
_NAME = re.compile(r"(\d{1,12})-(\d{1,6})-[0-9a-f]{16}")


@dataclass(frozen=True)
class Kit:
    """What the jobs of a search share, as a worker made it for itself.

    space: of their architectures.
    noun: what one of them is called.
    """

    space: Space | None
    stages: tuple[Estimator, ...]
    noun: str = "trial"

    def described(self) -> dict[str, Any]:
        """What must be the same for the driver and its workers: the stages' settings, and their data."""
        return described(self.stages)


def described(stages: Sequence[Estimator]) -> dict[str, Any]:
    """Settings and data of stages, but for the device, which each place has of its own."""
    return {"stages": [_settings(each.configuration()) for each in stages], "data": _data(stages)}


def _settings(configuration: dict[str, Any]) -> dict[str, Any]:
    arguments = {name: each for name, each in configuration["arguments"].items() if name != "device"}
    return {**configuration, "arguments": plain(arguments)}


def _data(stages: Sequence[Estimator]) -> list[str]:
    return list(dict.fromkeys(each for each in map(fingerprint_of, stages) if each is not None))


def is_name(name: str) -> bool:
    """Whether a job can have this name: its number, its attempt, and something random."""
    return _NAME.fullmatch(name) is not None


def numbers_of(name: str) -> tuple[int, int]:
    """The number and the attempt that a job's name says."""
    found = _NAME.fullmatch(name)
    assert found is not None, name
    return int(found[1]), int(found[2])


# Jobs.


def job_to_json(job: Job, root: Path) -> dict[str, Any]:
    """The job without its stages.

    root: what its folder is told from; a folder that lies elsewhere is not sent.

    Raises UserError for what is no architecture, which a file cannot hold.
    """
    candidate, proposal = job.proposal.candidate, job.proposal
    if candidate is not None and (not isinstance(candidate, Architecture) or proposal.is_round):
        raise UserError(
            f"a {type(candidate).__name__.lower()} cannot be sent through a folder, only architectures can; search "
            "with one worker"
        )
    return {
        "number": int(job.number),
        "attempt": int(job.attempt),
        "seed": int(job.seed),
        "architecture": None if candidate is None else plain(candidate.data),
        "fidelity": proposal.fidelity,
        "parent": proposal.parent,
        "limits": [[each.metric, float(each.limit), each.relation] for each in job.constraints],
        "folder": _below(job.folder, root),
        "batch_share": job.batch_share,
        "continued": job.continued,
        "seconds": job.seconds,
        "settles": job.settles,
        "inherits": None if job.parent is None else _parent_to_json(job.parent, root),
    }


def _parent_to_json(parent: Parent, root: Path) -> dict[str, Any]:
    return {
        "architecture": plain(parent.architecture.data),
        "seed": int(parent.seed),
        "folder": _below(parent.folder, root),
        "share": parent.share,
    }


def _below(folder: Path | None, root: Path) -> str | None:
    if folder is None:
        return None
    path = folder.absolute()
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else None


def job_from_json(data: Mapping[str, Any], kit: Kit, root: Path, limits: Sequence[Constraint]) -> Job:
    """The job again.

    root: as this machine calls it.
    limits: the job's, made from `limits_of`.

    Raises Unreadable for what is not as `job_to_json` writes it.
    """
    fidelity = _real(data, "fidelity", none=True)
    if fidelity is not None and not 0 < fidelity <= 1:
        raise Unreadable(f"its fidelity is {fidelity!r}; expected a share")
    parent = None if data.get("parent") is None else _whole(data, "parent")
    return Job(
        _whole(data, "number"),
        Proposal(_candidate(data, kit), fidelity=fidelity, parent=parent),
        _whole(data, "seed"),
        kit.stages,
        limits,
        _whole(data, "attempt", 1),
        _folder(data, root),
        _real(data, "batch_share") or 1.0,
        _real(data, "continued") or 0.0,
        _real(data, "seconds", none=True),
        data.get("settles") is True,
        _parent(data.get("inherits"), kit, root),
    )


def _parent(data: Any, kit: Kit, root: Path) -> Parent | None:
    """The trial whose weights are taken over, which jobs of earlier drivers do not say."""
    if data is None:
        return None
    if not isinstance(data, dict):
        raise Unreadable(f"what it inherits is {data!r}"[:200])
    architecture, share = _candidate(data, kit), _real(data, "share")
    if architecture is None or share is None or not 0 < share <= 1:
        raise Unreadable(f"it inherits {share!r} of the training from {architecture!r}"[:200])
    return Parent(architecture, _whole(data, "seed"), _folder(data, root), share)


def limits_of(data: Mapping[str, Any]) -> tuple[Constraint, ...]:
    """The limits that a job's networks must keep."""
    found = data.get("limits")
    if not isinstance(found, list):
        raise Unreadable(f"its limits are {found!r}"[:200])
    try:
        made = [Constraint(str(metric), float(limit), relation) for metric, limit, relation in found]
    except (TypeError, ValueError):
        raise Unreadable(f"its limits are {found!r}"[:200]) from None
    if any(each.relation not in ("<=", ">=") for each in made):
        raise Unreadable(f"its limits are {found!r}"[:200])
    return tuple(made)


def _candidate(data: Mapping[str, Any], kit: Kit) -> Any:
    described = data.get("architecture")
    if described is None:
        return None
    if kit.space is None or not isinstance(described, (dict, list)):
        raise Unreadable(f"its architecture is {described!r}, and the space is {kit.space!r}"[:300])
    try:
        return kit.space.architecture(described)
    except (InvalidArchitecture, TypeError, AttributeError) as problem:
        raise Unreadable(f"its architecture is none of the space's: {problem}") from None


def _folder(data: Mapping[str, Any], root: Path) -> Path | None:
    """The job's folder, which lies below the root also where some of it is a link."""
    told = data.get("folder")
    if told is None:
        return None
    if not isinstance(told, str) or not told or len(told) > 1000 or "\0" in told:
        raise Unreadable(f"its folder is {told!r}"[:200])
    relative = PurePosixPath(told)
    path = root / relative
    if relative.is_absolute() or ".." in relative.parts or not path.resolve().is_relative_to(root.resolve()):
        raise Unreadable(f"its folder {told!r} leads out of {root}")
    return path


# Outcomes.


def outcome_to_json(outcome: Outcome) -> dict[str, Any]:
    """The outcome without its number and attempt, which its name says; numbers that JSON lacks by their names."""
    found = outcome.measurement
    return {
        "state": outcome.state,
        "metrics": plain(found.metrics),
        "curve": plain(found.curve),
        "seconds": float(outcome.seconds),
        "device": outcome.device,
        "reason": outcome.reason,
        "traceback": outcome.traceback[-LONGEST_TEXT:],
        "place": outcome.place,
        "peak_memory": outcome.peak_memory,
        "log": outcome.log[-LONGEST_TEXT:],
        "threads": outcome.threads,
    }


def outcome_from_json(data: Mapping[str, Any], number: int, attempt: int) -> Outcome:
    """The outcome of this attempt. Raises Unreadable for what is not as `outcome_to_json` writes it."""
    state = data.get("state")
    if state not in STATES:
        raise Unreadable(f"its state is {state!r}; expected one of {', '.join(STATES)}"[:300])
    curve = data.get("curve")
    if not isinstance(curve, list):
        raise Unreadable("its curve is no list")
    return Outcome(
        *(number, state, Measurement(_floats(data.get("metrics")), None, tuple(map(_floats, curve)))),
        *(max(0.0, _real(data, "seconds") or 0.0), _text(data, "device"), _text(data, "reason")),
        *(_text(data, "traceback"), attempt, _text(data, "place")),
        *(None if data.get("peak_memory") is None else _whole(data, "peak_memory"), _text(data, "log")),
        None if data.get("threads") is None else _whole(data, "threads"),
    )


def plain(value: Any) -> Any:
    """Plain data as JSON has it; numbers that are none become "nan", "inf" and "-inf"."""
    if isinstance(value, Mapping):
        return {str(name): plain(each) for name, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(each) for each in value]
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


def _floats(value: Any) -> dict[str, float]:
    """Numbers by name, as they were before `plain`."""
    if not isinstance(value, dict):
        raise Unreadable(f"it has {type(value).__name__} where numbers by name are expected")
    return {_storable(name): _float(name, each) for name, each in value.items()}


def _float(name: str, value: Any) -> float:
    if isinstance(value, str) and value in ("nan", "inf", "-inf"):
        return float(value)
    if not is_number(value) or abs(value) > LARGEST:
        raise Unreadable(f"its {name} is {value!r}; expected a number"[:200])
    return float(value)


def _whole(data: Mapping[str, Any], name: str, least: int = 0) -> int:
    value = data.get(name)
    if not is_whole(value, least) or value >= MOST:
        raise Unreadable(f"its {name} is {value!r}; expected a whole number"[:200])
    return value


def _real(data: Mapping[str, Any], name: str, *, none: bool = False) -> float | None:
    value = data.get(name)
    if none and value is None:
        return None
    if not is_number(value) or not 0 <= value <= LARGEST:
        raise Unreadable(f"its {name} is {value!r}; expected a number"[:200])
    return float(value)


def _text(data: Mapping[str, Any], name: str) -> str:
    value = data.get(name)
    if not isinstance(value, str) or len(value) > LONGEST_TEXT:
        raise Unreadable(f"its {name} is no text of at most {LONGEST_TEXT:,} characters")
    return _storable(value)


def _storable(text: str) -> str:
    """Text that can be written as UTF-8."""
    return text.encode("utf-8", "replace").decode("utf-8")

"""Jobs as bytes for a worker process. What many jobs share is sent to a worker once: stages and limits as one kit,
and spaces, so that an architecture in the worker belongs to the same space object as the stages that measure it.

Large arrays are not among the bytes: workers map the memory in which the driver has them.

The bytes are pickles. They pass only through the socket between a driver and the children that it started itself,
which nobody else can reach; they are never written to a file, and nothing here reads one.
"""

from __future__ import annotations

import hashlib
import io
import json
import pickle
import sys
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import FunctionType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from netwright.core.blocks import LEAST, Block, Place, place_of, shared
from netwright.core.configuration import Configured
from netwright.core.errors import UserError, shown
from netwright.core.executor import Job
from netwright.core.space import Space
from netwright.core.spelling import spelled

KEPT_KITS = 2
_KEPT_SPACES = 256
_ADVICE = (
    "define it at the top level of a module (a .py file of its own) and import it from there, or use one worker, "
    f"{spelled('executors.Inline()')}, which needs none of this"
)


@dataclass(frozen=True, slots=True)
class Parcel:
    """One job, ready to be sent: its kit, the spaces it mentions by digest, and its own few bytes."""

    number: int
    attempt: int
    kit: Kit
    spaces: frozenset[str]
    body: bytes


@dataclass(eq=False, slots=True)
class Kit:
    """What the jobs of one search share.

    modules: those that a worker must load from a file of the user's.

    arrays, places: the large arrays in it, which are not in its bytes, and where the worker finds them in memory.
    """

    parts: tuple[Any, ...]
    digest: str = ""
    body: bytes = b""
    arrays: list[NDArray[Any]] = field(default_factory=list)
    places: list[Place] = field(default_factory=list)
    used: frozenset[str] = frozenset()
    modules: dict[str, str] = field(default_factory=dict)
    spaces: dict[str, bytes] = field(default_factory=dict)
    known: dict[int, tuple[Space, str]] = field(default_factory=dict)
    inner: dict[str, frozenset[str]] = field(default_factory=dict)

    @property
    def paths(self) -> bytes:
        return json.dumps(self.modules).encode()

    def digest_of(self, space: Space) -> str:
        """The name under which a space is sent."""
        found = self.known.get(id(space))
        if found is not None:
            return found[1]
        body, inner = self.pickled(space, root=space)
        digest = hashlib.sha256(body).hexdigest()
        self.inner[digest] = inner
        if len(self.known) >= _KEPT_SPACES:
            self.known.clear()
        self.known[id(space)] = space, digest
        self.spaces[digest] = body
        return digest

    @property
    def placed(self) -> bytes:
        """Block, offset and size of each large array."""
        return json.dumps([[each.block.number, each.offset, each.size] for each in self.places]).encode()

    @property
    def blocks(self) -> dict[int, Block]:
        """The blocks of memory that a worker must map, by number."""
        return {each.block.number: each.block for each in self.places}

    def pickled(
        self, value: Any, root: Space | None = None, aside: Callable[[pickle.PickleBuffer], bool] | None = None
    ) -> tuple[bytes, frozenset[str]]:
        """The value as bytes, and the digests of the spaces that it mentions, and of those that lie in them.

        Raises what pickle raises.

        aside: takes what is not to be in the bytes, and says whether it is to be in them all the same.
        """
        buffer = io.BytesIO()
        pickler = _Pickler(buffer, self, root, aside)
        pickler.dump(value)
        return buffer.getvalue(), frozenset(pickler.mentioned).union(*map(self.inner.__getitem__, pickler.mentioned))

    def put_aside(self, buffer: pickle.PickleBuffer) -> bool:
        """Keep a large array in a block of memory; small ones stay in the bytes."""
        array = np.frombuffer(buffer.raw(), np.uint8)
        if array.nbytes < LEAST:
            return True
        array = shared(array)
        place = place_of(array)
        assert place is not None
        self.arrays.append(array)
        self.places.append(place)
        return False


class Packer:
    """Packs jobs. Kits are remembered by identity, so that packing the jobs of one search costs little."""

    def __init__(self) -> None:
        self._kits: OrderedDict[tuple[int, ...], Kit] = OrderedDict()

    def pack(self, job: Job) -> Parcel:
        """The job as a parcel. Raises UserError, naming the part, where something cannot be sent to a worker."""
        kit = self._kit(job)
        own = job.proposal, job.seed, job.folder, job.batch_share, job.continued, job.seconds, job.settles, job.parent
        try:
            body, mentioned = kit.pickled(own)
        except Exception as problem:  # any class may refuse in its own way
            raise _refusal("the proposal", job.proposal.candidate, problem) from None
        header = json.dumps({"number": job.number, "attempt": job.attempt}).encode()
        return Parcel(job.number, job.attempt, kit, mentioned | kit.used, header + b"\n" + body)

    def _kit(self, job: Job) -> Kit:
        parts = (*job.stages, *job.constraints)
        key = tuple(map(id, parts))
        found = self._kits.get(key)
        if found is None:
            found = self._kits[key] = _made(job, parts)
            while len(self._kits) > KEPT_KITS:
                self._kits.popitem(last=False)
        return found


def _made(job: Job, parts: tuple[Any, ...]) -> Kit:
    kit = Kit(parts)
    try:
        kit.body, kit.used = kit.pickled((tuple(job.stages), tuple(job.constraints)), aside=kit.put_aside)
    except Exception:  # any class may refuse in its own way
        for stage in job.stages:
            _require_sendable(type(stage).__name__, stage)
        raise
    kit.digest = hashlib.sha256(kit.placed + kit.body).hexdigest()
    return kit


def _require_sendable(name: str, value: Any) -> None:
    """Raises UserError for the innermost part of a value that cannot be sent, with the way that leads to it."""
    try:
        Kit(()).pickled(value)
    except Exception as problem:  # any class may refuse in its own way
        if isinstance(value, Configured) and not isinstance(problem, _DefinedInScript):
            for option, part in value.arguments.items():
                _require_sendable(f"{name}'s {option}", part)
        raise _refusal(name, value, problem) from None


def _refusal(name: str, value: Any, problem: Exception) -> UserError:
    reason = str(problem).strip().partition("\n")[0] or type(problem).__name__
    return UserError(f"{name}, {shown(value)}, cannot be sent to a worker process: {reason}; {_ADVICE}")


class _DefinedInScript(Exception):
    pass


class _Pickler(pickle.Pickler):
    """Writes spaces by their digest, and notes from which files a worker must load modules."""

    def __init__(self, buffer: io.BytesIO, kit: Kit, root: Space | None, aside: Any) -> None:
        super().__init__(buffer, pickle.HIGHEST_PROTOCOL, buffer_callback=aside)
        self._kit, self._root = kit, root
        self.mentioned: set[str] = set()

    def persistent_id(self, obj: Any) -> str | None:
        if not isinstance(obj, Space) or obj is self._root:
            return None
        digest = self._kit.digest_of(obj)
        self.mentioned.add(digest)
        return digest

    def reducer_override(self, obj: Any) -> Any:
        if isinstance(obj, (type, FunctionType)):
            module = obj.__module__
            if module == "__main__":
                raise _DefinedInScript(
                    f"{obj.__qualname__} is defined in the script that was started, which workers do not run again"
                )
            if module not in self._kit.modules and (path := own_file(module)):
                self._kit.modules[module] = path
        return NotImplemented


_files: dict[str, str] = {}


def own_file(name: str) -> str:
    """The file of a module that an import by name would not find; empty where it would."""
    if name not in _files:
        _files[name] = _found(name)
    return _files[name]


def _found(name: str) -> str:
    module = sys.modules.get(name)
    path = getattr(module, "__file__", None)
    if "." in name or not path or not path.endswith(".py"):
        return ""
    for finder in sys.meta_path:
        try:
            spec = finder.find_spec(name, None)
        except Exception:  # noqa: S112  # a finder of somebody else's; the next one may know
            continue
        if spec is not None:
            found = spec.origin and Path(spec.origin).exists() and Path(spec.origin).samefile(path)
            return "" if found else str(Path(path).absolute())
    return str(Path(path).absolute())


def unpacked(body: bytes) -> Any:
    """What a worker has sent, in the driver that started it."""
    return Reader(body, _no_space).load()


def _no_space(digest: str) -> Space:
    raise pickle.UnpicklingError(f"a worker mentioned the space {digest[:16]}, which only drivers do")


class Reader(pickle.Unpickler):
    """Reads, in the worker, what the driver has packed; spaces are looked up by their digest."""

    def __init__(self, body: bytes, space: Callable[[str], Space], buffers: Sequence[memoryview] = ()) -> None:
        super().__init__(io.BytesIO(body), buffers=buffers)
        self._space = space

    def persistent_load(self, pid: str) -> Space:
        return self._space(pid)

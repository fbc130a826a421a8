"""What single operations take on a machine, measured one by one, and what networks then take that are made of them.

A network is followed on PyTorch's meta device (`netwright.networks.executed`); each operation of its own kind and
shapes is timed once by itself and kept in a file. A few whole networks tell what an operation of each kind counts for
within a network: caches are shared, a runtime fuses some of them, and each network has a cost of its own.
"""

from __future__ import annotations

import json
import math
import os
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils._pytree import tree_map_only

from netwright.networks.executed import Execution, Operation
from netwright.runtimes.machine import Place
from netwright.runtimes.timing import undisturbed

SAMPLE = 5e-5  # seconds of a run, at least; shorter operations are called several times
SAMPLES, SECONDS = 7, 0.003  # runs of one operation, at least, and how long they take
FIT_KEPT = 0.3  # how strongly kinds are held to the common factor, as a share of one network's relative error
CALLS, CALL = "calls", 1e-3  # what a network takes to call its operations one after the other: milliseconds of one
VERSION = 3


@dataclass(frozen=True)
class Known:
    """One operation that was timed. kind: of function. ms: that it takes. sizes: see `sizes_of`."""

    kind: str
    ms: float
    sizes: tuple[float, ...]


@dataclass(frozen=True)
class Fit:
    """What makes a sum of operations a network's time, and by how much that errs.

    own: milliseconds of a network beside its operations.
    kinds: by kind, what its milliseconds count.
    common: what those of other kinds count.
    error: the median of the relative errors of networks that it was not fitted to.
    reach: a relative error that hardly a network exceeds.
    networks: to which it was fitted.
    disturbed: share of the runs of these that others on the machine interrupted, as far as that can be told.
    """

    own: float = 0.0
    kinds: Mapping[str, float] = field(default_factory=dict)
    common: float = 1.0
    error: float = math.inf
    reach: float = math.inf
    networks: int = 0
    disturbed: float = 0.0


class OperationTimes:
    """Times of operations at one place. file: in which they are kept; None for nowhere."""

    def __init__(self, place: Place, file: Path | None = None) -> None:
        self.place, self.file = place, file
        self.known: dict[str, Known] = {}
        self.fits: dict[str, Fit] = {}
        self._slopes: dict[str, NDArray[np.float64]] = {}
        self._load()

    # Measuring.

    def missing(self, execution: Execution) -> list[Operation]:
        """Operations of a network that were not timed yet, each once."""
        found = {key_of(each): each for each in execution.operations}
        return [each for key, each in found.items() if key not in self.known]

    def measure(self, operations: Sequence[Operation], until: float = math.inf) -> None:
        """Time operations, as many as there is time for. until: in `time.monotonic()` seconds."""
        threads = torch.get_num_threads()
        torch.set_num_threads(self.place.threads)
        try:
            with torch.inference_mode():
                for each in operations:
                    if time.monotonic() > until:
                        break
                    with suppress(Exception):  # what cannot run by itself is told from those of its kind
                        self.known[key_of(each)] = Known(each.name, _ms(each, self.place), sizes_of(each))
        finally:
            torch.set_num_threads(threads)
        self._slopes.clear()

    def drift(self, operations: Sequence[Operation]) -> float:
        """How many times as long as it is kept these operations take now, in the median; 1 where none is known."""
        now = OperationTimes(self.place)
        now.measure(operations)
        ratios = [each.ms / max(self.known[key].ms, 1e-9) for key, each in now.known.items() if key in self.known]
        return float(np.median(ratios)) if ratios else 1.0

    def forget(self) -> None:
        """Keep nothing of what was timed, in the file neither."""
        self.known.clear()
        self.fits.clear()
        self._slopes.clear()
        if self.file is not None:
            with suppress(OSError):
                self.file.unlink()

    # Telling.

    def by_kind(self, execution: Execution) -> dict[str, float]:
        """Milliseconds of a network's operations, by kind, each as if it were alone; and of calling them."""
        found: dict[str, float] = defaultdict(float)
        found[CALLS] = CALL * len(execution.operations)
        for each in execution.operations:
            found[each.name] += self._ms(each)
        return dict(found)

    def _ms(self, operation: Operation) -> float:
        """Milliseconds of an operation by itself."""
        known = self.known.get(key_of(operation))
        return self._guess(operation) if known is None else known.ms

    def price(self, operation: Operation, fit: Fit) -> float:
        """Milliseconds that an operation adds to a network: what `predict` gives is the sum of these, and `fit.own`."""
        calling = CALL * fit.kinds.get(CALLS, fit.common)
        return calling + fit.kinds.get(operation.name, fit.common) * self._ms(operation)

    def _guess(self, operation: Operation) -> float:
        """By the sizes of the operation, from those of its kind; from all where there is none."""
        kind = operation.name
        if kind not in self._slopes:
            alike = [each for each in self.known.values() if each.kind == kind] or list(self.known.values())
            self._slopes[kind] = _slopes(alike)
        return float(np.dot(self._slopes[kind], (1.0, *sizes_of(operation))))

    def predict(self, execution: Execution, fit: Fit) -> float:
        """Milliseconds of a network."""
        return fit.own + sum(fit.kinds.get(kind, fit.common) * ms for kind, ms in self.by_kind(execution).items())

    # Keeping.

    def _load(self) -> None:
        with suppress(OSError, ValueError, KeyError, TypeError):
            if self.file is None:
                return
            kept = json.loads(self.file.read_text(encoding="utf-8"))
            if kept["version"] != VERSION or kept["place"] != self.place.described():
                return
            self.known = {
                key: Known(str(kind), float(ms), tuple(map(float, sizes)))
                for key, (kind, ms, sizes) in kept["operations"].items()
            }
            self.fits = {key: Fit(**each) for key, each in kept["fits"].items()}

    def save(self) -> None:
        """Keep what is known, beside what another process has kept meanwhile; nothing where it cannot be written."""
        if self.file is None:
            return
        other = OperationTimes(self.place, self.file)
        known, fits = {**other.known, **self.known}, {**other.fits, **self.fits}
        kept = {
            "version": VERSION,
            "place": self.place.described(),
            "fits": {key: vars(each) for key, each in fits.items()},
            "operations": {key: [each.kind, each.ms, each.sizes] for key, each in known.items()},
        }
        with suppress(OSError):
            self.file.parent.mkdir(parents=True, exist_ok=True)
            fresh = self.file.with_suffix(f".{os.getpid()}")
            fresh.write_text(json.dumps(kept), encoding="utf-8")
            fresh.replace(self.file)


def key_of(operation: Operation) -> str:
    """The operation's function, and the shapes and options with which it is called."""
    return f"{operation.name}({_text(operation.arguments)};{_text(operation.named)})"


def _text(value: Any) -> str:
    if isinstance(value, Tensor):
        return f"{str(value.dtype).removeprefix('torch.')}{list(value.shape)}"
    if isinstance(value, Mapping):
        return ",".join(f"{name}={_text(each)}" for name, each in value.items())
    if isinstance(value, (tuple, list)):
        return f"({','.join(map(_text, value))})"
    return repr(value) if isinstance(value, (int, float, str, bool, type(None), slice)) else type(value).__name__


def sizes_of(operation: Operation) -> tuple[float, ...]:
    """Thousands of numbers that are read and that are written, and millions of products between them, as a bound."""
    read = sum(each.numel() for each in operation.inputs)
    written = sum(each.numel() for each in operation.outputs)
    weights = [each for each in operation.inputs[1:] if each.dim() > 1]
    each_output = weights[0].numel() / max(1, weights[0].shape[0]) if weights else 0.0
    return read / 1e3, written / 1e3, written * each_output / 1e6


def work_of(execution: Execution) -> float:
    """About how much a network computes, for an order."""
    return sum(sum(sizes_of(each)) for each in execution.operations)


def _ms(operation: Operation, place: Place) -> float:
    """Of a few runs, below their median, since interruptions only lengthen."""
    call = _alone(operation, place)
    clock, busy = time.perf_counter, time.thread_time if place.one_thread else time.perf_counter
    call()
    began = busy()
    call()
    inner = max(1, math.ceil(SAMPLE / max(busy() - began, 1e-7)))
    found: list[float] = []
    end = clock() + SECONDS
    while len(found) < SAMPLES or clock() < end:
        began, own = clock(), busy()
        for _ in range(inner):
            call()
        found.append(undisturbed(clock() - began, busy() - own) / inner)
    return 1e3 * float(np.quantile(found, 0.3))


def _alone(operation: Operation, place: Place) -> Callable[[], object]:
    """The operation by itself on numbers of its shapes."""

    def filled(tensor: Tensor) -> Tensor:
        if tensor.is_floating_point():
            return torch.rand(tensor.shape, dtype=tensor.dtype, device=place.device)
        return torch.zeros(tensor.shape, dtype=tensor.dtype, device=place.device)

    arguments, named = tree_map_only(Tensor, filled, (operation.arguments, operation.named))
    function = operation.function
    if place.device == "cpu":
        return lambda: function(*arguments, **named)
    synchronise = getattr(torch, torch.device(place.device).type).synchronize

    def finished() -> None:
        function(*arguments, **named)
        synchronise()

    return finished


def _slopes(known: Sequence[Known]) -> NDArray[np.float64]:
    """Non-negative coefficients of 1 and the sizes, by which the relative errors are least."""
    from scipy.optimize import nnls  # pyright: ignore[reportMissingTypeStubs]

    if not known:
        return np.zeros(4)
    sizes = np.array([(1.0, *each.sizes) for each in known])
    times = np.array([each.ms for each in known])
    weights = 1 / np.maximum(times, 1e-6)
    found, _ = nnls(sizes * weights[:, None], np.ones(len(known)))
    return np.asarray(found)


def fitted(sums: Sequence[Mapping[str, float]], measured: Sequence[float]) -> Fit:
    """What operations of each kind count for, from whole networks that were measured.

    sums: by kind, milliseconds of a network's operations. measured: milliseconds of each network.

    Non-negative least squares of relative errors; each kind is held to a common factor, as far as a few networks do not
    tell otherwise. The errors are those of networks that were left out.
    """
    y = np.array(measured)
    kinds = sorted({kind for each in sums for kind in each})
    x = np.array([[each.get(kind, 0.0) for kind in kinds] for each in sums])
    errors = []
    for left in range(len(y)):
        rest = np.arange(len(y)) != left
        own, weights, common = _weights(x[rest], y[rest]) if len(y) > 2 else _weights(x, y)
        errors.append(abs(own + x[left] @ weights - y[left]) / y[left])
    own, weights, common = _weights(x, y)
    reach = min(0.6, max(0.1, 1.5 * float(np.quantile(errors, 0.9))))
    kept = {kind: float(weight) for kind, weight in zip(kinds, weights, strict=True)}
    return Fit(own, kept, common, float(np.median(errors)), reach, len(y))


def _weights(x: NDArray[np.float64], y: NDArray[np.float64]) -> tuple[float, NDArray[np.float64], float]:
    """A network's own milliseconds, what each kind counts for, and the common factor."""
    from scipy.optimize import nnls  # pyright: ignore[reportMissingTypeStubs]

    total = x.sum(1)
    common = max(float(np.median(y / total)), 1e-3)
    # A kind that deviates from the common factor costs as much as an error of the share that it has of a network;
    # likewise what a network has of its own costs its share of the quickest one.
    shares = FIT_KEPT * (x / total[:, None]).max(0) / common
    held = np.diag([FIT_KEPT / y.min(), *shares])
    rows = np.vstack([np.column_stack([np.ones(len(y)), x]) / y[:, None], held])
    found, _ = nnls(rows, np.concatenate([np.ones(len(y)), [0.0], shares * common]))
    return float(found[0]), np.asarray(found[1:]), common

"""What is timed on a device that is somewhere else: the operations of a space's networks, and some whole networks."""

from __future__ import annotations

import csv
import io
import logging
import tempfile
import warnings
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_flatten, tree_unflatten

from netwright.core.errors import UserError
from netwright.core.roles import ChoosesTraining
from netwright.core.space import Space
from netwright.core.task import TaskShape
from netwright.estimators.machine.on_machine import fresh
from netwright.estimators.machine.operation_times import key_of, sizes_of
from netwright.networks.executed import Execution, Operation, executed
from netwright.runtimes.onnx_file import OPSET, require_onnx, write_onnx
from netwright.runtimes.running import example_of

PROVIDES = ("obj.latency",)

COLUMNS = ("kind", "file", "operation", "key", "sizes", "architecture", "space", "input")
MOST_OPERATIONS = 400
README = """Times what networks of {space} are made of, on this device.

    python run.py --threads 1

needs numpy and onnxruntime. It writes board.csv, to be brought back:

    netwright search DATA --latency board.csv --limit "latency_ms <= 20"
"""


@dataclass(frozen=True)
class Profile:
    """A file to be taken to a device. path: of it. operations, networks: how many are in it. left_out: operations that
    ONNX has nothing like, by name."""

    path: Path
    operations: int
    networks: int
    left_out: tuple[str, ...]


def write_profile(
    space: Space,
    shape: TaskShape,
    path: str | Path,
    networks: int = 16,
    seed: int = 0,
) -> Profile:
    """Write a zip file with operations and whole networks as ONNX files, and a program that times them.

    space: whose networks are meant.
    shape: of one example.
    path: of the zip file, which is replaced.
    networks: how many whole ones; their operations and those of as many others are in it.
    seed: of which are drawn.

    Raises MissingExtra without the extra `onnx`, UserError where no network can be written as ONNX, or the file not.
    """
    require_onnx()
    space = space.space if isinstance(space, ChoosesTraining) else space
    rng = np.random.default_rng(seed)
    drawn = [*list(space.known(shape).values())[: networks // 2], *(space.sample(rng) for _ in range(2 * networks))]
    drawn = list(dict.fromkeys(drawn))
    rows, left_out = list[dict[str, str]](), dict[str, None]()
    common = {"space": space.id, "input": " ".join(map(str, shape.input))}
    try:
        with tempfile.TemporaryDirectory() as folder, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for number, architecture in enumerate(drawn[:networks]):
                file = Path(folder, f"network-{number}.onnx")
                write_onnx(fresh(space, architecture, shape, 0), example_of(shape, 2), file, check=False)
                archive.write(file, f"networks/{file.name}")
                row = {"kind": "network", "file": f"networks/{file.name}", "architecture": str(architecture)}
                rows.append({**row, **common})
            operations = _operations(space, shape, drawn)
            for number, (operation, weights) in enumerate(operations):
                file = Path(folder, f"operation-{number}.onnx")
                if _written(operation, weights, file):
                    archive.write(file, f"operations/{file.name}")
                    sizes = " ".join(f"{each:g}" for each in sizes_of(operation))
                    row = {"kind": "operation", "file": f"operations/{file.name}", "operation": operation.name}
                    rows.append({**row, "key": key_of(operation), "sizes": sizes, **common})
                else:
                    left_out[operation.name] = None
            archive.writestr("pieces.csv", _table(rows))
            archive.writestr("run.py", (files("netwright.runtimes") / "on_board.py").read_text(encoding="utf-8"))
            archive.writestr("README.txt", README.format(space=space.name))
    except OSError as problem:
        raise UserError(f"{path} cannot be written: {problem.strerror or problem}") from problem
    whole = sum(each["kind"] == "network" for each in rows)
    return Profile(Path(path), len(rows) - whole, whole, tuple(left_out))


def _table(rows: list[dict[str, str]]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, list[str](COLUMNS), restval="")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def _operations(space: Space, shape: TaskShape, drawn: list[Any]) -> list[tuple[Operation, frozenset[int]]]:
    """The operations of these networks, each once, with the memory of the network's weights."""
    found: dict[str, tuple[Operation, frozenset[int]]] = {}
    for architecture in drawn:
        with torch.device("meta"):
            network = space.build(architecture, shape)
        execution = executed(network, shape.input)
        weights = frozenset(_memory(each) for each in execution.weights)
        for operation in _on_numbers(execution):
            found.setdefault(key_of(operation), (operation, weights))
        if len(found) > MOST_OPERATIONS:
            break
    return list(found.values())[:MOST_OPERATIONS]


def _on_numbers(execution: Execution) -> Iterator[Operation]:
    yield from (each for each in execution.operations if any(one.is_floating_point() for one in each.inputs))


def _memory(tensor: Tensor) -> int:
    return tensor.untyped_storage()._cdata


class _Alone(nn.Module):
    """One operation as a network: what are no weights are its inputs."""

    def __init__(self, operation: Operation, weights: frozenset[int]) -> None:
        super().__init__()
        leaves, self._form = tree_flatten((operation.arguments, operation.named))
        self._function = operation.function
        self._leaves: list[Any] = []
        self.examples: list[Tensor] = []
        for place, leaf in enumerate(leaves):
            if not isinstance(leaf, Tensor):
                self._leaves.append(leaf)
            elif _memory(leaf) in weights:
                self.register_buffer(f"weight_{place}", _filled(leaf))
                self._leaves.append((f"weight_{place}",))
            else:
                self._leaves.append((len(self.examples),))
                self.examples.append(_filled(leaf))

    def forward(self, *inputs: Tensor) -> Any:
        arguments, named = tree_unflatten([self._leaf(each, inputs) for each in self._leaves], self._form)
        return self._function(*arguments, **named)

    def _leaf(self, leaf: Any, inputs: tuple[Tensor, ...]) -> Any:
        if not isinstance(leaf, tuple):
            return leaf
        return inputs[leaf[0]] if isinstance(leaf[0], int) else getattr(self, leaf[0])


def _filled(tensor: Tensor) -> Tensor:
    if tensor.is_floating_point():
        return torch.rand(tensor.shape, dtype=tensor.dtype)
    return torch.zeros(tensor.shape, dtype=tensor.dtype)


def _written(operation: Operation, weights: frozenset[int], file: Path) -> bool:
    """Whether the operation could be written as an ONNX file with something in it."""
    alone = _Alone(operation, weights).eval()
    if not alone.examples:
        return False
    logger, before = logging.getLogger("torch.onnx"), logging.getLogger("torch.onnx").level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings(), torch.no_grad():
            warnings.simplefilter("ignore")
            torch.onnx.export(alone, tuple(alone.examples), str(file), dynamo=False, opset_version=OPSET)
        return True
    except Exception:  # ONNX has nothing like it
        return False
    finally:
        logger.setLevel(before)

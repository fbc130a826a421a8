"""A network as an ONNX file for batches of any size, checked with ONNX Runtime before it is handed out."""

from __future__ import annotations

import builtins
import importlib.util
import logging
import warnings
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from netwright.core.errors import MissingExtra, UserError
from netwright.core.kinds import kinds_checked
from netwright.core.trees import first, mapped

OPSET = 17  # the oldest with LayerNormalization as one operation, so that old runtimes read the file, too
INPUT, OUTPUT = "input", "output"
TOLERANCE = 1e-4  # of the largest output, by which runtimes may differ in float32
PACKAGES = ("onnx", "onnxruntime", "onnxscript")


class NotTheSame(UserError):
    """A file gives other outputs than the network that it was made from."""


@dataclass(frozen=True)
class OnnxFile:
    """An ONNX file that was written and checked.

    path: of the file.
    inputs: names of its inputs, in the order in which they are declared; "input" where there is one.
    output: name of its output.
    operations: kinds of ONNX operations in it, sorted: ("Conv", "Gemm", "Relu").
    size: bytes.
    largest_difference: of any output to the network's own, over batches of one, of the example's size, and of one more.
    """

    path: Path
    inputs: tuple[str, ...]
    output: str
    operations: tuple[str, ...]
    size: int
    largest_difference: float


@kinds_checked
def write_onnx(network: nn.Module, example: Any, path: str | Path, *, check: bool = True) -> OnnxFile:
    """Write a network, as it predicts, to an ONNX file whose batches may have any size.

    network: gives one tensor; it is left in the mode it was in.
    example: a batch of at least two inputs, (n, ...), or several under names, each an input of the file by its name.
    path: of the file, which is replaced.
    check: run the file with ONNX Runtime and compare its outputs for batches of three sizes with the network's.

    Raises MissingExtra without the extra `onnx`; UserError, in one line, where PyTorch cannot write the network;
    NotTheSame where the file gives other outputs than the network.
    """
    require_onnx()
    path = Path(path)
    with predicting(network):
        example = mapped(lambda each: each.detach().cpu(), example)
        if len(first(example)) < 2:
            raise UserError(
                "an ONNX file is written from a batch of at least two inputs, so that one isn't taken for all"
            )
        return _written(network, example, path, check=check)


def require_onnx() -> None:
    """MissingExtra where a package of the extra `onnx` is not installed."""
    for name in PACKAGES:
        if importlib.util.find_spec(name) is None:
            raise MissingExtra(name, "onnx")


def _written(network: nn.Module, example: Any, path: Path, *, check: bool) -> OnnxFile:
    """By the quick exporter, which follows one run; where that is not enough, by the one that follows the program."""
    problems: list[str] = []
    for exporter in (_follow_run, _follow_program):
        try:
            with quiet():
                exporter(network, example, path)
            return _described(network, example, path, check=check)
        except Exception as problem:  # of an operation without a counterpart, or of a size that was taken for all
            path.unlink(missing_ok=True)
            problems.append(in_words(problem))
            last = problem
    kind = NotTheSame if isinstance(last, NotTheSame) else UserError
    raise kind(f"{type(network).__name__} cannot be written as ONNX: {_reason(problems)}") from last


def _reason(problems: list[str]) -> str:
    """The shorter of two reasons that say something."""
    return min(filter(None, dict.fromkeys(problems)), key=len, default="no reason was given")


def _follow_run(network: nn.Module, example: Any, path: Path) -> None:
    names = _names(example)
    axes = {name: {0: "batch"} for name in (*names, OUTPUT)}
    with _lengths_followed():
        torch.onnx.export(
            _Positional(network, names if isinstance(example, Mapping) else ()),
            _arguments(example),
            str(path),
            dynamo=False,
            opset_version=OPSET,
            input_names=list(names),
            output_names=[OUTPUT],
            dynamic_axes=axes,
        )


@contextmanager
def _lengths_followed() -> Generator[None]:
    """Within the block `len(x)` of a tensor is the size that the exporter follows, not the example's own."""

    def length(of: Any) -> Any:
        return of.shape[0] if isinstance(of, Tensor) and of.dim() and torch.onnx.is_in_onnx_export() else own(of)

    own = builtins.len
    builtins.len = length  # Python's own makes a fixed number of what it is told
    try:
        yield
    finally:
        builtins.len = own


def _follow_program(network: nn.Module, example: Any, path: Path) -> None:
    names = _names(example)
    batch = torch.export.Dim("batch", min=1)
    torch.onnx.export(
        _Positional(network, names if isinstance(example, Mapping) else ()),
        _arguments(example),
        str(path),
        dynamo=True,
        verbose=False,
        external_data=False,
        input_names=list(names),
        output_names=[OUTPUT],
        dynamic_shapes=(tuple({0: batch} for _ in names),),
    )


class _Positional(nn.Module):
    """A network that takes its inputs one after the other, in place of under names."""

    def __init__(self, network: nn.Module, names: tuple[str, ...]) -> None:
        super().__init__()
        self.network = network
        self.names = names
        self.eval()  # PyTorch puts what it exported back into the mode of the outermost module

    def forward(self, *inputs: Tensor) -> Tensor:
        return self.network(dict(zip(self.names, inputs, strict=True)) if self.names else inputs[0])


def _names(example: Any) -> tuple[str, ...]:
    return tuple(map(str, example)) if isinstance(example, Mapping) else (INPUT,)


def _arguments(example: Any) -> tuple[Tensor, ...]:
    return tuple(example.values()) if isinstance(example, Mapping) else (example,)


def _described(network: nn.Module, example: Any, path: Path, *, check: bool) -> OnnxFile:
    import onnx

    model = onnx.load(str(path))
    onnx.checker.check_model(model)
    largest = max(_differences(network, example, path)) if check else 0.0
    names = tuple(each.name for each in model.graph.input)
    return OnnxFile(path, names, OUTPUT, operations_of(model), path.stat().st_size, largest)


def operations_of(model: Any) -> tuple[str, ...]:
    """The kinds of operations in a model, those inside branches and loops included, sorted.

    model: an `onnx.ModelProto`.
    """
    found, waiting = set[str](), [model.graph, *(model.functions or ())]
    while waiting:
        for node in waiting.pop().node:
            found.add(node.op_type if node.domain in ("", "ai.onnx") else f"{node.domain}.{node.op_type}")
            waiting += [each.g for each in node.attribute if each.HasField("g")]
    return tuple(sorted(found - {each.name for each in model.functions}))


def _differences(network: nn.Module, example: Any, path: Path) -> Generator[float]:
    """Of a batch of the example's size, one with an example more, and one of a single example."""
    run = runner(path)
    count = len(first(example))
    for rows in (list(range(count)), [*range(count), 0], [0]):
        batch = mapped(lambda each, rows=rows: each[rows], example)
        expected = network(batch).float()
        yield difference(torch.from_numpy(run(batch)), expected)


def runner(path: str | Path, threads: int = 1) -> Any:
    """A function that runs an ONNX file on the CPU: from a batch of tensors, or several under names, to an array.

    path: of the file.
    threads: that compute one operation.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    names = [each.name for each in session.get_inputs()]

    def run(batch: Any) -> Any:
        arrays = [each.numpy() for each in _arguments(batch)]
        return session.run(None, dict(zip(names, arrays, strict=True)))[0]

    return run


def difference(found: Tensor, expected: Tensor) -> float:
    """The largest difference of any number; NotTheSame where it is more than runtimes may differ."""
    if found.shape != expected.shape:
        raise NotTheSame(
            f"the file gives outputs of the shape {tuple(found.shape)}, the network {tuple(expected.shape)}"
        )
    largest = float((found - expected).abs().max())
    allowed = TOLERANCE * max(1.0, float(expected.abs().max()))
    if not largest <= allowed:
        raise NotTheSame(
            f"the file's outputs differ from the network's by up to {largest:.3g}, more than {allowed:.1g}"
        )
    return largest


@contextmanager
def predicting(network: nn.Module) -> Generator[None]:
    """In evaluation mode, without gradients, and each layer by its parts; afterwards all is as it was."""
    fused = torch.backends.mha.get_fastpath_enabled()  # one operation for a transformer layer, which ONNX lacks
    modes = {module: module.training for module in network.modules()}
    try:
        network.eval()
        torch.backends.mha.set_fastpath_enabled(False)
        with torch.no_grad():
            yield
    finally:
        torch.backends.mha.set_fastpath_enabled(fused)
        for module, mode in modes.items():
            module.training = mode


@contextmanager
def quiet() -> Generator[None]:
    """Without what the exporters say beside their errors: the check is what tells whether a file is right."""
    loggers = [logging.getLogger(name) for name in ("torch.onnx", "torch.export", "onnxscript", "onnx_ir")]
    levels = [each.level for each in loggers]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            for each in loggers:
                each.setLevel(logging.CRITICAL)
            yield
        finally:
            for each, level in zip(loggers, levels, strict=True):
                each.setLevel(level)


def in_words(problem: Exception) -> str:
    """One line of what went wrong."""
    lines = [each.strip() for each in str(problem).splitlines() if each.strip()]
    return " ".join((lines or [type(problem).__name__])[0].split())[:300]

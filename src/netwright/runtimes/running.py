"""One network made ready to answer again and again, in PyTorch, compiled, or in ONNX Runtime."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal, get_args

import torch
from torch import Tensor, nn

from netwright.core.errors import ConfigurationError, UserError, nearest
from netwright.core.task import TaskShape

Runtime = Literal["torch", "compile", "onnxruntime"]
RUNTIMES: tuple[str, ...] = get_args(Runtime)


def checked_runtime(name: str) -> Runtime:
    """The runtime of this name; ConfigurationError where there is none, MissingExtra where it is not installed."""
    if name not in RUNTIMES:
        raise ConfigurationError(f"there is no runtime {name!r}{nearest(name, RUNTIMES)}")
    if name == "onnxruntime":
        from netwright.runtimes.onnx_file import require_onnx

        require_onnx()
    return name  # pyright: ignore[reportReturnType]


def example_of(shape: TaskShape, batch: int, device: torch.device | str = "cpu") -> Tensor:
    """Random examples, always the same: numbers of a normal distribution, or tokens.

    shape: of one example. batch: how many. device: on which they are.
    """
    generator = torch.Generator().manual_seed(0)
    size = (batch, *shape.input)
    if shape.is_tokens:
        return torch.randint(0, shape.vocabulary, size, generator=generator).to(device)
    return torch.randn(size, generator=generator).to(device)


@contextmanager
def running(
    network: nn.Module, example: Tensor, runtime: str = "torch", *, threads: int = 1
) -> Generator[Callable[[], Any]]:
    """A call that answers the example, and returns once the answer is there.

    network: on the example's device; it is left in the mode it was in.
    example: a batch.
    runtime: "torch" calls the network, "compile" what torch.compile makes of it, "onnxruntime" an ONNX file of it on
        the CPU.
    threads: that compute on the CPU.

    Raises MissingExtra where the runtime is not installed, UserError where it cannot run the network.
    """
    make = {"torch": _plain, "compile": _compiled, "onnxruntime": _onnx}[checked_runtime(runtime)]
    trains, before = network.training, torch.get_num_threads()
    network.eval()
    torch.set_num_threads(threads)
    try:
        with torch.inference_mode(), make(network, example, threads) as call:
            yield _synchronised(call, example.device)
    finally:
        torch.set_num_threads(before)
        network.train(trains)


def _synchronised(call: Callable[[], Any], device: torch.device) -> Callable[[], Any]:
    if device.type == "cpu":
        return call
    synchronise = getattr(torch, device.type).synchronize

    def finished() -> None:
        call()
        synchronise(device)

    return finished


@contextmanager
def _plain(network: nn.Module, example: Tensor, threads: int) -> Generator[Callable[[], Any]]:
    yield lambda: network(example)


@contextmanager
def _compiled(network: nn.Module, example: Tensor, threads: int) -> Generator[Callable[[], Any]]:
    compiled: Any = torch.compile(network)
    try:
        compiled(example)
    except Exception as problem:
        lines = str(problem).strip().splitlines() or [type(problem).__name__]
        raise UserError(f"torch.compile cannot run the network here: {lines[0][:200]}") from problem
    yield lambda: compiled(example)


@contextmanager
def _onnx(network: nn.Module, example: Tensor, threads: int) -> Generator[Callable[[], Any]]:
    from netwright.runtimes.onnx_file import write_onnx

    with tempfile.TemporaryDirectory() as folder:
        pair = example if len(example) > 1 else torch.cat([example, example])
        with torch.inference_mode(False), torch.no_grad():
            written = write_onnx(network, pair.clone(), Path(folder, "network.onnx"), check=False)
        with onnx_session(written.path, threads) as session:
            given = {written.inputs[0]: example.cpu().numpy()}
            yield lambda: session.run(None, given)


@contextmanager
def onnx_session(path: Path, threads: int) -> Generator[Any]:
    """A session of ONNX Runtime on the CPU with so many threads."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    options.log_severity_level = 3
    yield onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])

"""How an exported `predict.py` loads its network, an ONNX file, and runs it with ONNX Runtime.

The text of the functions below goes into that file as it stands, in front of `command_frame`.
"""

from __future__ import annotations

import argparse
import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import onnxruntime

from netwright.results.numpy_tensors import Tensor, torch

INPUT_SHAPE: Any
MODELS: dict[str, str]  # the files with their SHA-256, the one that is meant first
normalised: Callable[[Any], Any]


class Network:
    """An ONNX file that is ready to answer.

    path: of the file.
    device: "cpu" or "cuda", where this ONNX Runtime has it.
    threads: that compute one operation; as many as ONNX Runtime takes by itself for None.
    """

    def __init__(self, path: Path, device: str = "cpu", threads: int | None = None) -> None:
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        if threads is not None:
            options.intra_op_num_threads = threads
        wanted = {"cpu": "CPUExecutionProvider", "cuda": "CUDAExecutionProvider"}.get(device, device)
        if wanted not in onnxruntime.get_available_providers():
            raise ValueError(
                f"this ONNX Runtime has no {device}; it has {', '.join(onnxruntime.get_available_providers())}"
            )
        self.session = onnxruntime.InferenceSession(str(path), options, providers=[wanted])
        self.names = [each.name for each in self.session.get_inputs()]

    def __call__(self, inputs: Any) -> Tensor:
        """The outputs for a batch of what `normalised` gives."""
        arrays = inputs if isinstance(inputs, dict) else {self.names[0]: inputs}
        given = {name: each.numpy() for name, each in arrays.items() if name in self.names}
        return torch.from_numpy(self.session.run(None, given)[0])

    def parameters(self) -> Iterator[Tensor]:
        yield torch.zeros(0)

    def modules(self) -> tuple[()]:
        return ()


def load(
    model: str | Path | None = None, device: str = "cpu", check: bool = True, threads: int | None = None
) -> Network:
    """The trained network, ready to predict.

    model: an ONNX file; by default the first of MODELS, beside this file.
    check: raise ValueError unless this is a file that came with this one.
    threads: that compute one operation; as many as ONNX Runtime takes by itself for None.
    """
    path = Path(model) if model is not None else Path(__file__).resolve().with_name(next(iter(MODELS)))
    if model is not None and not path.exists() and str(model) in MODELS:
        path = Path(__file__).resolve().with_name(str(model))
    if check and hashlib.sha256(path.read_bytes()).hexdigest() not in MODELS.values():
        raise ValueError(f"{path} is damaged, or not a file that came with predict.py")
    return Network(path, device, threads)


def respond(network: Any, inputs: Any) -> Tensor:
    """What the network gives for one batch of what `prepared` gives, float32."""
    return network(normalised(inputs)).float()


def loading_options(parser: argparse.ArgumentParser) -> None:
    """What the command line offers about where the network is computed."""
    parser.add_argument("--model", metavar="ONNX", help=f"{' or '.join(MODELS)}; the first by default")
    parser.add_argument("--device", default="cpu", help="cpu by default; cuda for a GPU")
    parser.add_argument("--threads", type=int, metavar="N", help="that compute one operation")


def loaded(asked: argparse.Namespace) -> Network:
    """The network that the command line asks for."""
    return load(asked.model, asked.device, threads=asked.threads)

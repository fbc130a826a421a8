"""How an exported `model.py` loads its network, plain PyTorch with a file of weights, and runs it.

The text of the functions below goes into that file as it stands, in front of `command_frame`.
"""

from __future__ import annotations

import argparse
import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from torch import Tensor, nn

WEIGHTS_SHA256: str
build: Callable[[], nn.Module]
normalised: Callable[[Any], Any]


def load(weights: str | Path | None = None, device: str = "cpu", check: bool = True) -> nn.Module:
    """The trained network, ready to predict.

    weights: by default weights.safetensors beside this file.
    check: raise ValueError unless these are the weights that came with this file; pass False for weights that you
        trained on.
    """
    path = Path(weights) if weights is not None else Path(__file__).resolve().with_name("weights.safetensors")
    content = path.read_bytes()
    if check and hashlib.sha256(content).hexdigest() != WEIGHTS_SHA256:
        raise ValueError(f"{path} is damaged, or not the file that came with this model")
    network = build()
    network.load_state_dict(safetensors.torch.load(content))
    return network.to(device).eval()


@torch.inference_mode()
def respond(network: nn.Module, inputs: Any) -> Tensor:
    """What the network gives for one batch of what `prepared` gives, float32 on the CPU."""
    device = next((each.device for each in network.parameters()), torch.device("cpu"))
    given = normalised(inputs)
    there = {name: each.to(device) for name, each in given.items()} if isinstance(given, dict) else given.to(device)
    return network(there).float().cpu()


def loading_options(parser: argparse.ArgumentParser) -> None:
    """What the command line offers about where the network is computed."""
    parser.add_argument("--device", default="cpu", help="cpu by default; cuda for a GPU")


def loaded(asked: argparse.Namespace) -> nn.Module:
    """The network that the command line asks for."""
    return load(device=asked.device)

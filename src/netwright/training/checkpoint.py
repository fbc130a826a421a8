"""A training or a supernet after an epoch, as files from which it continues bit for bit.

Weights are safetensors; the state (optimiser and average) is a `torch.save` archive that is only ever loaded with
`weights_only=True`; facts are JSON. How the files are kept whole is in `core/checkpoints.py`.
"""

from __future__ import annotations

import pickle
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from torch import Tensor

from netwright.core.checkpoints import Checkpoints, Damaged, Generation


@dataclass(frozen=True, eq=False)
class Snapshot:
    """A training after an epoch.

    weights: the network's state.
    state: tensors and plain values.
    facts: JSON.
    """

    epoch: int
    weights: Mapping[str, Tensor]
    state: Mapping[str, Any]
    facts: Mapping[str, Any]


def save(folder: Path, snapshot: Snapshot) -> None:
    """Keep a snapshot and the one before it. Raises OSError."""

    def write(path: Path) -> None:
        # Clones, because safetensors refuses tensors that share memory or are not in the standard order.
        weights = {
            name: tensor.detach().cpu().clone(memory_format=torch.contiguous_format)
            for name, tensor in snapshot.weights.items()
        }
        safetensors.torch.save_file(weights, path.with_suffix(".safetensors"))
        torch.save(dict(snapshot.state), path.with_suffix(".state"))

    Checkpoints(folder).save(snapshot.epoch, write, snapshot.facts)


def newest(
    folder: Path,
    device: torch.device,
    highest: int | None = None,
    fits: Callable[[Mapping[str, Any]], bool] = lambda facts: True,
) -> tuple[Snapshot | None, list[str]]:
    """The newest undamaged snapshot, tensors of its state on `device`, and a note for each one passed over.

    highest: snapshots of later epochs are passed over without a word.
    fits: so are those whose facts it does not take.
    """
    checkpoints = Checkpoints(folder)
    for generation in checkpoints.generations(highest):
        if not fits(generation.facts):
            continue
        try:
            return _load(generation, device), checkpoints.notes
        except Damaged as problem:
            checkpoints.pass_over(generation.step, problem)
    return None, checkpoints.notes


def _load(generation: Generation, device: torch.device) -> Snapshot:
    path = generation.path
    try:
        weights = safetensors.torch.load_file(path.with_suffix(".safetensors"))
        state = torch.load(path.with_suffix(".state"), map_location=device, weights_only=True)
    except pickle.UnpicklingError as problem:
        found = re.search(r"GLOBAL (\S+)", str(problem))
        raise Damaged(f"unsafe pickle refused{f': global {found[1]}' if found else ''}") from None
    except (safetensors.SafetensorError, OSError, RuntimeError, KeyError, EOFError) as problem:
        reason = str(problem).partition("\n")[0]
        raise Damaged(f"its content is not a checkpoint's ({reason})") from None
    return Snapshot(generation.step, weights, state, generation.facts)

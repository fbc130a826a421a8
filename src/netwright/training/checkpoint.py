"""Checkpoints from which a training continues bit for bit; a damaged one is found before use and passed over.

A folder holds the two newest generations. Each is three files: weights (safetensors), state (optimiser and average, a
`torch.save` archive that is only ever loaded with `weights_only=True`) and a manifest (JSON) with the curve and the
SHA-256 of all three. The manifest is written last, so a generation without one does not count.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
import pickle
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from torch import Tensor

GENERATIONS = 2
_MANIFEST = re.compile(r"epoch-(\d{6,})\.json")
_FORMAT = 1


@dataclass(frozen=True, eq=False)
class Snapshot:
    """A training after an epoch. weights: the network's state. state: tensors and plain values. facts: JSON."""

    epoch: int
    weights: Mapping[str, Tensor]
    state: Mapping[str, Any]
    facts: Mapping[str, Any]


class DamagedCheckpoint(Exception):
    pass


def save(folder: Path, snapshot: Snapshot) -> None:
    """Writes a generation, each file atomically, and removes all but the newest two. Raises OSError."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    stem = f"epoch-{snapshot.epoch:06d}"
    contents = {f"{stem}.safetensors": _weights_bytes(snapshot.weights), f"{stem}.state": _state_bytes(snapshot.state)}
    manifest = {
        "format": _FORMAT,
        "epoch": snapshot.epoch,
        "sha256": {name: hashlib.sha256(content).hexdigest() for name, content in contents.items()},
        "facts": snapshot.facts,
    }
    contents[f"{stem}.json"] = json.dumps({**manifest, "manifest_sha256": _digest(manifest)}, indent=1).encode()
    for name, content in contents.items():
        write_atomically(folder / name, content)
    _sync_folder(folder)
    _remove_old(folder)


def newest(folder: Path, device: torch.device, highest: int | None = None) -> tuple[Snapshot | None, list[str]]:
    """The newest undamaged generation, tensors of its state on `device`, and a note for each one passed over.

    highest: generations above it are passed over without a word.
    """
    notes: list[str] = []
    for epoch in sorted(_epochs(folder), reverse=True):
        if highest is not None and epoch > highest:
            continue
        try:
            return _load(folder, epoch, device), notes
        except DamagedCheckpoint as problem:
            notes.append(f"checkpoint of epoch {epoch} in {folder} was passed over: {problem}")
    return None, notes


def write_atomically(path: Path, content: bytes) -> None:
    """After this the file holds `content`, also after a loss of power; before, what it held. Raises OSError."""
    temporary = path.with_name(path.name + ".tmp")
    try:
        with open(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise


def _load(folder: Path, epoch: int, device: torch.device) -> Snapshot:
    stem = f"epoch-{epoch:06d}"
    manifest = _read_manifest(folder / f"{stem}.json")
    weights = _read_verified(folder / f"{stem}.safetensors", manifest)
    state = _read_verified(folder / f"{stem}.state", manifest)
    try:
        loaded = torch.load(io.BytesIO(state), map_location=device, weights_only=True)
        return Snapshot(epoch, safetensors.torch.load(weights), loaded, manifest["facts"])
    except (pickle.UnpicklingError, safetensors.SafetensorError, RuntimeError, KeyError) as problem:
        reason = str(problem).partition("\n")[0]
        raise DamagedCheckpoint(f"its content is not a checkpoint's ({reason})") from None


def _read_manifest(path: Path) -> dict[str, Any]:
    try:
        manifest = json.loads(path.read_bytes())
        expected = manifest.pop("manifest_sha256")
    except (OSError, ValueError, KeyError, AttributeError, RecursionError) as problem:
        raise DamagedCheckpoint(f"{path.name} cannot be read ({problem})") from None
    if _digest(manifest) != expected:
        raise DamagedCheckpoint(f"the SHA-256 of {path.name} is not the one that was recorded")
    return manifest


def _read_verified(path: Path, manifest: Mapping[str, Any]) -> bytes:
    try:
        content = path.read_bytes()
    except OSError as problem:
        raise DamagedCheckpoint(f"{path.name} cannot be read ({problem.strerror})") from None
    if hashlib.sha256(content).hexdigest() != manifest["sha256"].get(path.name):
        raise DamagedCheckpoint(f"the SHA-256 of {path.name} is not the one that was recorded")
    return content


def _digest(manifest: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(manifest, sort_keys=True).encode()).hexdigest()


def _weights_bytes(weights: Mapping[str, Tensor]) -> bytes:
    # Clones, because safetensors refuses tensors that share memory or are not in the standard order.
    plain = {
        name: tensor.detach().cpu().clone(memory_format=torch.contiguous_format) for name, tensor in weights.items()
    }
    return safetensors.torch.save(plain)


def _state_bytes(state: Mapping[str, Any]) -> bytes:
    buffer = io.BytesIO()
    torch.save(dict(state), buffer)
    return buffer.getvalue()


def _epochs(folder: Path) -> list[int]:
    names = [path.name for path in folder.iterdir()] if folder.is_dir() else []
    return [int(match[1]) for match in map(_MANIFEST.fullmatch, names) if match]


def _remove_old(folder: Path) -> None:
    for epoch in sorted(_epochs(folder))[:-GENERATIONS]:
        # The manifest first, so that what is left never counts as a generation.
        for suffix in (".json", ".safetensors", ".state"):
            (folder / f"epoch-{epoch:06d}{suffix}").unlink(missing_ok=True)


def _sync_folder(folder: Path) -> None:
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

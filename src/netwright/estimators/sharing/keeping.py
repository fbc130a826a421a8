"""Shared weights on disk: what is kept with them, where those of a run lie, and going on from there."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import torch
from torch import Tensor, nn

from netwright.core.errors import UserError
from netwright.core.space import Space
from netwright.core.warning import warn
from netwright.core.workplace import PROJECT
from netwright.estimators.sharing.weights import Weights
from netwright.training import checkpoint

if TYPE_CHECKING:
    from netwright.tasks import Task

FOLDER = "shared"


def state_of(weights: Weights) -> dict[str, Any]:
    """What `fill` needs beside the weights themselves."""
    state = {
        "optimiser": weights.optimiser.state_dict(),
        "place": {"step": weights.step, "probes": weights.probes, "stage": weights.stage, "total": weights.total},
        "sums": weights.sums,
    }
    if weights.streams:
        state["streams"] = {name: each.state_dict() for name, each in weights.streams.items()}
    return state


def fill(weights: Weights, snapshot: checkpoint.Snapshot, *, evaluated_only: bool = False) -> None:
    """Bring new weights to where a snapshot was taken."""
    place = snapshot.state["place"]
    weights.go_to(0 if evaluated_only else place["stage"])
    weights.supernet.load_state_dict({name: cast("Tensor", each) for name, each in snapshot.weights.items()})
    weights.step = place["step"]
    if not evaluated_only:
        weights.optimiser.load_state_dict(snapshot.state["optimiser"])
        weights.probes = place["probes"]
        weights.total = place.get("total", weights.total)
        weights.sums.copy_(snapshot.state.get("sums", weights.sums))
        for name, states in snapshot.state.get("streams", {}).items():
            weights.streams[name].load_state_dict(states)


def keep_network(folder: Path, network: nn.Module, epochs: int) -> None:
    """Keep a network that leaves with its share of the weights, so that a final training finds it trained.

    folder: for its checkpoint.
    network: stand-alone.
    epochs: that the weights were trained for.

    A folder that cannot be written is said in a warning; the network is then not kept.
    """
    try:
        checkpoint.save(folder, checkpoint.Snapshot(max(1, epochs), network.state_dict(), {"average": None}, {}))
    except OSError as problem:
        warn(f"the network is not kept in {folder}: {problem.strerror or problem}")


def snapshot_of(trained: str, device: torch.device, spaces: Iterable[Space], task: Task) -> checkpoint.Snapshot:
    """The newest weights of another run; UserError where they are of none of these spaces, or of other data."""
    folder = folder_of(trained)
    snapshot, notes = checkpoint.newest(folder, device)
    if snapshot is None:
        raise UserError(f"{folder} holds no undamaged shared weights{': ' + notes[0] if notes else ''}")
    known = list(map(repr, spaces))
    if snapshot.facts["space"] not in known:
        raise UserError(
            f"the shared weights in {folder} are of {snapshot.facts['space']}, but this estimator's space is "
            f"{known[-1]}"
        )
    if snapshot.facts["data"] != task.fingerprint:
        raise UserError(f"the shared weights in {folder} were trained on other data than {task.name}")
    return snapshot


def folder_of(trained: str) -> Path:
    """The folder of a run's shared weights, given by itself or by the run's name in the present project."""
    project = PROJECT.get()
    for folder in (Path(trained), Path(trained) / FOLDER, project / FOLDER / trained):
        if folder.is_dir() and any(folder.glob("epoch-*.json")):
            return folder
    there = sorted(each.name for each in (project / FOLDER).glob("*")) if (project / FOLDER).is_dir() else []
    known = f"; there are those of {', '.join(there)}" if there else ""
    raise UserError(f"there are no shared weights of {trained!r} in {project} or at that path{known}")

"""Shared weights on disk: what is kept with them, where those of a run lie, and going on from there."""

from __future__ import annotations

from pathlib import Path
from typing import cast

from torch import Tensor, nn

from netwright.core.errors import UserError
from netwright.core.warning import warn
from netwright.core.workplace import PROJECT
from netwright.estimators.sharing.weights import Weights
from netwright.training import checkpoint

FOLDER = "shared"


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


def folder_of(trained: str) -> Path:
    """The folder of a run's shared weights, given by itself or by the run's name in the present project."""
    project = PROJECT.get()
    for folder in (Path(trained), Path(trained) / FOLDER, project / FOLDER / trained):
        if folder.is_dir() and any(folder.glob("epoch-*.json")):
            return folder
    there = sorted(each.name for each in (project / FOLDER).glob("*")) if (project / FOLDER).is_dir() else []
    known = f"; there are those of {', '.join(there)}" if there else ""
    raise UserError(f"there are no shared weights of {trained!r} in {project} or at that path{known}")

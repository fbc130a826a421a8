"""What a training stores in its checkpoints, and how it takes it up again."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from netwright.core.errors import ConfigurationError
from netwright.core.warning import warn
from netwright.training import checkpoint
from netwright.training.average import averaged_tensors
from netwright.training.settings import TrainingSettings

if TYPE_CHECKING:
    from netwright.training.loop import Loop
    from netwright.training.pacing import Clock

SELDOM = 50
"""Times as long as a checkpoint takes to write passes between two of a training by the clock."""


class Saved:
    """The checkpoint folder of one training; with no folder nothing is stored and nothing found.

    notes: what went otherwise than it should, for the result.
    """

    def __init__(self, folder: Path | None, every: int) -> None:
        self.folder = None if folder is None else Path(folder)
        self.every = every
        self.notes: list[str] = []
        self._unwritten = False
        self._written, self._took = -math.inf, 0.0  # when the last one was, and how long it took

    def store(self, loop: Loop, last: bool, seconds: float) -> None:
        """Saves the training where it is due. When that cannot be written, the training goes on with a note."""
        epoch = len(loop.curve)
        if self.folder is None or not (last or self._is_due(loop, epoch)):
            return
        began = time.monotonic()
        facts = {
            "identity": _identity(loop),
            "environment": _environment(loop),
            "curve": loop.curve,
            "metrics": loop.metrics,
            "seconds": seconds,
            "schedule": [loop.position, loop.pace, loop.until] if loop.hurried and loop.clock is None else None,
            "steps": loop.steps_done,
        }
        if loop.settings.varies:
            facts |= {"best": loop.best.facts(), "plateau": loop.plateau, "decays": loop.decays}
        if loop.clock is not None:
            facts |= {"clock": loop.clock.facts(), "pass": [loop.walk.number, loop.walk.step]}
        average = loop.average
        state = {
            "optimiser": loop.optimiser.state_dict(),
            "average": None if average is None else {"updates": average.updates, "tensors": average.tensors},
        }
        if loop.best.weights is not None:
            state["best"] = dict(loop.best.weights)
        try:
            checkpoint.save(self.folder, checkpoint.Snapshot(epoch, loop.network.state_dict(), state, facts))
        except OSError as problem:
            if not self._unwritten:
                self._note(
                    f"no checkpoint of epoch {epoch} in {self.folder}: {problem.strerror or problem}; "
                    "the training goes on without"
                )
            self._unwritten = True
        self._written = time.monotonic()
        self._took = self._written - began

    def _is_due(self, loop: Loop, epoch: int) -> bool:
        """By the clock, so seldom that writing takes little of the time."""
        seldom = loop.clock is None or time.monotonic() - self._written >= SELDOM * self._took
        return seldom and epoch % self.every == 0

    def _note(self, note: str) -> None:
        self.notes.append(note)
        warn(note)

    def restore(self, loop: Loop) -> None:
        """Continues from the newest undamaged checkpoint that is not beyond the training's end, if there is one.

        Raises ConfigurationError when it is of another training.
        """
        if self.folder is None:
            return
        clock = loop.clock
        highest = loop.until if clock is None else None
        snapshot, passed_over = checkpoint.newest(self.folder, loop.device, highest, lambda facts: _fits(clock, facts))
        for note in passed_over:
            self._note(note)
        if snapshot is None:
            return
        _require_same(self.folder, snapshot.facts["identity"], _identity(loop))
        self.notes += _changes(snapshot.facts["environment"], _environment(loop))
        loop.network.load_state_dict(dict(snapshot.weights))
        loop.optimiser.load_state_dict(snapshot.state["optimiser"])
        if loop.average is not None:
            loop.average.updates = snapshot.state["average"]["updates"]
            loop.average.tensors = snapshot.state["average"]["tensors"]
        loop.curve = list(snapshot.facts["curve"])
        loop.metrics = dict(snapshot.facts["metrics"])
        loop.earlier_seconds = snapshot.facts["seconds"]
        if clock is not None:
            clock.restore(snapshot.facts["clock"])
            loop.walk.begin(*snapshot.facts["pass"])
        loop.steps_done = snapshot.facts.get("steps", len(loop.curve) * loop.steps)
        if loop.settings.varies:
            loop.best.restore(snapshot.facts["best"], snapshot.state.get("best"))
            loop.plateau, loop.decays = snapshot.facts["plateau"], snapshot.facts["decays"]
        schedule = snapshot.facts.get("schedule")
        if schedule:
            loop.position, loop.pace, loop.until = schedule
        else:
            loop.position = len(loop.curve) / loop.settings.epochs


def _fits(clock: Clock | None, facts: Mapping[str, Any]) -> bool:
    """Whether a training by the clock that was to end when this one is, or before, wrote these."""
    return clock is None or "clock" not in facts or facts["clock"]["until"] <= clock.asked


def load_trained(network: nn.Module, folder: Path) -> int | None:
    """Give a network the weights of the newest undamaged checkpoint: the best ones where they were kept, the averaged
    ones where there is an average.

    How many epochs they were trained for; None where there is no checkpoint, and the network is as it was.
    Raises RuntimeError for the checkpoint of another network.
    """
    snapshot, _ = checkpoint.newest(folder, torch.device("cpu"))
    if snapshot is None:
        return None
    best = snapshot.state.get("best")
    network.load_state_dict(dict(snapshot.weights if best is None else best))
    average = snapshot.state["average"] if best is None else None
    if average is not None:
        with torch.no_grad():
            for weight, averaged in zip(averaged_tensors(network), average["tensors"], strict=True):
                weight.copy_(averaged)
    return snapshot.epoch


_LATER = {f"settings.{name}": value for name, value in TrainingSettings().arguments.items()}
"""What a checkpoint of an earlier version says nothing of is as it was by default."""
_COMPUTING = ("threads", "deterministic")  # settings that a continuation may have other ones of


def _identity(loop: Loop) -> dict[str, Any]:
    """What must be the same for a continuation to make sense."""
    identity = {
        **{f"settings.{name}": value for name, value in loop.settings.arguments.items() if name not in _COMPUTING},
        "seed": loop.seed,
        "training examples": [*loop.examples.shape],
        "held-out examples": len(loop.held_out),
        "network": {name: [*tensor.shape] for name, tensor in loop.network.state_dict().items()},
    }
    return json.loads(json.dumps(identity))


def _environment(loop: Loop) -> dict[str, Any]:
    """What may change, but with it the last bits of the numbers."""
    device = loop.device
    return {
        "threads": torch.get_num_threads(),
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else device.type,
        "torch": str(torch.__version__),
        "precision": loop.precision.dtype,
        "channels_last": loop.precision.channels_last,
        **({"deterministic": loop.settings.deterministic} if device.type == "cuda" else {}),
    }


def _require_same(folder: Path, there: dict[str, Any], here: dict[str, Any]) -> None:
    there = {**_LATER, **there}
    different = [name for name in here if there.get(name) != here[name]]
    if not different:
        return
    name = different[0]
    values = "" if name == "network" else f" ({there.get(name)!r} there, {here[name]!r} here)"
    raise ConfigurationError(
        f"the checkpoint in {folder} is of another training: {name} differs{values}; "
        "give another folder, or the same settings, seed, data and network"
    )


def _changes(there: dict[str, Any], here: dict[str, Any]) -> list[str]:
    changed = [f"{name} {there.get(name)!r} -> {here[name]!r}" for name in here if there.get(name) != here[name]]
    return [f"continued with {', '.join(changed)}: the numbers may differ in the last bits"] if changed else []

"""Writes the folder that a user takes home, and hands it out only once it has been seen to work by itself."""

from __future__ import annotations

import copy
import hashlib
import json
import os
import platform
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import safetensors.torch
import torch
from torch import Tensor, nn

import netwright
from netwright.core.errors import UserError
from netwright.results.figures import Figures
from netwright.results.final import accuracy
from netwright.results.model_file import Inputs, model_file
from netwright.results.report import readme
from netwright.results.source import Source, write_source
from netwright.results.verify import NotReproduced, Verification, verify
from netwright.training import predict

if TYPE_CHECKING:
    from netwright.core.architecture import Architecture
    from netwright.core.space import Space
    from netwright.core.task import Data
    from netwright.tasks.task import Task

MOST_VERIFIED = 2_000
FILES = {
    "model.py": "the network in plain PyTorch, with its preprocessing; it imports torch and safetensors",
    "weights.safetensors": "the trained weights",
    "architecture.json": "the architecture in its space, the task, versions and SHA-256 of the files",
    "README.md": "this page",
}


@dataclass(frozen=True)
class Exported:
    """A folder that was written and verified. left_out: state-dict keys that only training needs."""

    directory: Path
    figures: Figures
    largest_difference: float
    verified_examples: int
    left_out: tuple[str, ...]

    @property
    def model(self) -> Path:
        return self.directory / "model.py"

    @property
    def weights(self) -> Path:
        return self.directory / "weights.safetensors"

    @property
    def architecture(self) -> Path:
        return self.directory / "architecture.json"

    @property
    def readme(self) -> Path:
        return self.directory / "README.md"


def export(
    directory: str | Path,
    network: nn.Module,
    architecture: Architecture,
    space: Space,
    task: Task,
    figures: Figures,
    *,
    reported: Tensor | None = None,
    overwrite: bool = False,
) -> Exported:
    """Write a trained network as `model.py`, `weights.safetensors`, `architecture.json` and `README.md`.

    The folder is made beside `directory`, loaded in a process that cannot import netwright, compared with the network
    on up to 2,000 test examples, and only then moved into place. reported: the test logits, (n, classes) on the CPU,
    that the reported accuracy of `figures` comes from. overwrite: replace an earlier export.
    Raises UserError where the directory holds anything else or cannot be written, and where the network cannot be
    written as code; NotReproduced where the files do not give the reported predictions.
    """
    target = check_target(directory, overwrite)
    data = task.final_data("cpu")
    network = copy.deepcopy(network).cpu().eval()
    source = write_source(network, _example(data))
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{target.name}-", dir=target.parent) as temporary:
            folder = Path(temporary, "export")
            folder.mkdir()
            _write(folder, source, Inputs(task.shape, task.class_names, data.mean, data.std))
            checked, sentences = _checked(folder, network, data, reported)
            _write_architecture(folder, architecture, space, task)
            _write_text(folder / "README.md", readme(figures, FILES, [*sentences, *_left_out(source)]))
            _move(folder, target, Path(temporary, "replaced"))
    except OSError as problem:
        raise UserError(f"{target} cannot be written: {problem.strerror or problem}") from problem
    return Exported(target, figures, checked.largest_difference, checked.examples, source.left_out)


def check_target(directory: str | Path, overwrite: bool = False) -> Path:
    """The directory as an absolute path; UserError where `export` could not write there."""
    target = Path(directory).expanduser().resolve()
    if target.exists() and not target.is_dir():
        raise UserError(f"{target} is a file; name a new or empty directory to export to")
    there = next(each for each in (target, *target.parents) if each.exists())
    if not os.access(there, os.R_OK | os.W_OK | os.X_OK) or not there.is_dir():
        raise UserError(f"{target} cannot be written, because {there} is not a directory that you may write to")
    found = sorted(each.name for each in target.iterdir()) if target.exists() else []
    if found and not overwrite:
        raise UserError(f"{target} is not empty; name a new directory, or overwrite an earlier export with overwrite")
    foreign = [name for name in found if name not in FILES and name != "__pycache__"]
    if foreign:
        raise UserError(f"{target} holds {foreign[0]!r}, which is not part of an export; name another directory")
    return target


def _example(data: Data) -> Tensor:
    """Two training examples as the network takes them."""
    from netwright.training.augmentation import Normalisation

    inputs = data.train.batch(0, 2)
    return Normalisation.of(data, inputs.device)(inputs)


def _write(folder: Path, source: Source, inputs: Inputs) -> None:
    tensors = {key: each.detach().cpu().clone().contiguous() for key, each in source.tensors.items()}
    content = safetensors.torch.save(tensors, {"format": "pt"})
    (folder / "weights.safetensors").write_bytes(content)
    _write_text(folder / "model.py", model_file(source, inputs, hashlib.sha256(content).hexdigest()))


def _write_architecture(folder: Path, architecture: Architecture, space: Space, task: Task) -> None:
    described: dict[str, Any] = {
        "format": 1,
        "architecture": json.loads(architecture.to_json()),
        "text": str(architecture),
        "space": space.configuration(),
        "task": {
            "name": task.name,
            "configuration": task.configuration(),
            "fingerprint": task.fingerprint,
            "input_shape": list(task.shape.input),
            "class_names": list(task.class_names),
        },
        "versions": {
            "netwright": netwright.__version__,
            "torch": str(torch.__version__),
            "python": platform.python_version(),
        },
        "sha256": {name: _sha256(folder / name) for name in ("model.py", "weights.safetensors")},
    }
    _write_text(folder / "architecture.json", json.dumps(described, indent=2) + "\n")


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _write_text(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8", newline="\n")


def _checked(
    folder: Path, network: nn.Module, data: Data, reported: Tensor | None
) -> tuple[Verification, Sequence[str]]:
    """Verify the folder, and put into words what was found."""
    test, count = data.held_out, min(MOST_VERIFIED, len(data.held_out))
    share = test.part(0, count)
    checked = verify(folder, share.inputs, predict(network, share, data, device="cpu"))
    found = accuracy(checked.logits, share.labels)
    which = "the whole test split" if count == len(test) else f"the first {count:,} test examples"
    sentences = [
        f"Loaded in a process without netwright, on {which}: the same classes, and logits that differ by at most "
        f"{checked.largest_difference:.2g} (float32 on the CPU).",
        f"Test accuracy computed from these files on {which}: {100 * found:.2f} %.",
    ]
    if reported is not None:
        sentences.append(_against_reported(checked, reported[:count]))
    return checked, sentences


def _against_reported(checked: Verification, reported: Tensor) -> str:
    """The reported predictions may come from another device, whose last bits differ."""
    differ = int((checked.logits.argmax(1) != reported.argmax(1)).sum())
    if differ > max(1, len(reported) // 200):
        raise NotReproduced(
            f"the exported model predicts another class than was reported for {differ} of {len(reported):,} examples"
        )
    return f"Of the {len(reported):,} reported predictions, {len(reported) - differ:,} are reproduced."


def _left_out(source: Source) -> list[str]:
    if not source.left_out:
        return []
    count = len(source.left_out)
    return [f"{count} tensors that only training needs (an auxiliary head) are not in the files."]


def _move(folder: Path, target: Path, replaced: Path) -> None:
    """Put the finished folder in place; an earlier export is there until the new one is complete."""
    if target.exists():
        target.replace(replaced)
    try:
        folder.replace(target)
    except OSError:
        if replaced.exists() and not target.exists():
            replaced.replace(target)
        raise
    shutil.rmtree(replaced, ignore_errors=True)


def read_architecture(directory: str | Path) -> Mapping[str, Any]:
    """The `architecture.json` of an exported folder."""
    from netwright.core.serial import parse_json

    return parse_json(Path(directory, "architecture.json").read_text(encoding="utf-8"))

"""A trained network as its exported files, which answer by themselves: the same text predicts here and anywhere."""

from __future__ import annotations

import importlib.util
import tempfile
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import torch
from torch import Tensor

from netwright.results.exporting import Files

BATCH = 256  # examples at a time


class Answers:
    """What an exported model gives for examples as their user has them.

    files: of the model; they are all that is kept when this is copied or sent elsewhere.
    """

    def __init__(self, files: Files) -> None:
        self.files = files
        self._made: tuple[ModuleType, torch.nn.Module] | None = None

    @classmethod
    def of_folder(cls, folder: Path) -> Answers:
        """Those of an exported folder, whose `model.py` is run: a folder of somebody else's is somebody else's code."""
        text = (folder / "model.py").read_text(encoding="utf-8")
        found = cls(Files(text, (folder / "weights.safetensors").read_bytes()))
        found._made = _imported(folder)
        return found

    def __getstate__(self) -> dict[str, Any]:
        return {"files": self.files, "_made": None}

    @property
    def module(self) -> ModuleType:
        """`model.py`, imported."""
        return self._ready()[0]

    def outputs(self, raw: Any) -> Tensor:
        """What the network gives for raw examples, float32 (n, outputs) on the CPU.

        raw: rows of a table as dicts, or an array. Vectors are answered in batches of one size, since the last bits of
        an answer depend on that of its batch, and nothing else must.
        """
        module, network = self._ready()
        return torch.cat(module.responses(network, _filled_up(raw), BATCH))[: len(raw)]

    def _ready(self) -> tuple[ModuleType, torch.nn.Module]:
        if self._made is None:
            with tempfile.TemporaryDirectory(prefix="netwright-model-") as place:
                Path(place, "model.py").write_text(self.files.model, encoding="utf-8", newline="\n")
                Path(place, "weights.safetensors").write_bytes(self.files.weights)
                self._made = _imported(Path(place))
        return self._made


def _filled_up(raw: Any) -> Any:
    """The examples, with as many more behind them as fill the last batch where they are vectors."""
    lacking = -len(raw) % BATCH
    if isinstance(raw, list):
        return raw + raw[-1:] * lacking
    return raw if raw.ndim > 2 else np.concatenate([raw, np.repeat(raw[-1:], lacking, axis=0)])


def _imported(folder: Path) -> tuple[ModuleType, torch.nn.Module]:
    """The module in a folder and its network; ValueError where the weights are not those that it came with."""
    spec = importlib.util.spec_from_file_location("netwright_exported_model", folder / "model.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module, module.load()

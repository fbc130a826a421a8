"""Checks an exported folder as its user will meet it: in another process, where netwright cannot be imported."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import safetensors.torch
import torch
from torch import Tensor

from netwright.core.errors import NetwrightError

TOLERANCE = 1e-4
TIME_LIMIT = 1800.0
_BLOCKED = ("netwright", "sklearn", "scipy", "pandas", "PIL")

# Run with `python -I -c`: no environment variables, no current directory, no user packages.
_SCRIPT = """
import importlib.abc, importlib.util, pathlib, sys
sys.dont_write_bytecode = True
folder, inputs, outputs, threads, *blocked = sys.argv[1:]
class Block(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in blocked:
            raise ImportError(f"{name} is not available here")
sys.meta_path.insert(0, Block())
import safetensors.torch, torch
torch.set_num_threads(int(threads))
spec = importlib.util.spec_from_file_location("model", pathlib.Path(folder, "model.py"))
model = importlib.util.module_from_spec(spec)
spec.loader.exec_module(model)
network = model.load()
batch = safetensors.torch.load_file(inputs)["inputs"]
with torch.inference_mode():
    logits = torch.cat([network(model.preprocess(part)).float() for part in batch.split(256)])
    single = network(model.preprocess(batch[:1])).float()
    named = model.predict(network, batch[:2])
assert [name for name, _ in named] == [model.CLASS_NAMES[i] for i in logits[:2].argmax(1).tolist()]
assert not any(name.partition(".")[0] in blocked for name in sys.modules)
safetensors.torch.save_file({"logits": logits.contiguous(), "single": single.contiguous()}, outputs)
"""


class NotReproduced(NetwrightError):
    """The exported files do not give what the network gave; nothing was written."""


@dataclass(frozen=True, eq=False)
class Verification:
    """logits: what the exported files gave. largest_difference: of any logit to the network's own."""

    logits: Tensor
    largest_difference: float

    @property
    def examples(self) -> int:
        return len(self.logits)


def verify(folder: Path, inputs: Tensor, expected: Tensor) -> Verification:
    """Load the folder in a clean process and compare its logits, (n, classes), with the expected ones.

    inputs: raw examples on the CPU, uint8 images or float32 vectors. Logits may differ by 1e-4 of the largest logit (at
    least 1e-4), the predicted classes not at all but where two logits lie that close. Raises NotReproduced.
    """
    with tempfile.TemporaryDirectory(prefix="netwright-verify-") as place:
        given, got = Path(place, "inputs.safetensors"), Path(place, "outputs.safetensors")
        safetensors.torch.save_file({"inputs": inputs.contiguous()}, given)
        _run([str(folder), str(given), str(got), str(torch.get_num_threads()), *_BLOCKED])
        outputs = safetensors.torch.load_file(got)
    found = outputs["logits"]
    return Verification(found, max(_compare(found, expected), _compare(outputs["single"], expected[:1])))


def _run(arguments: Sequence[str]) -> None:
    command = [sys.executable, "-I", "-c", _SCRIPT, *arguments]
    try:
        done = subprocess.run(  # noqa: S603 - our own script; the arguments are data to it
            command, capture_output=True, text=True, timeout=TIME_LIMIT, check=False
        )
    except subprocess.TimeoutExpired:
        raise NotReproduced(f"the exported model gave no answer in {TIME_LIMIT:.0f} seconds") from None
    if done.returncode:
        last = [line for line in done.stderr.splitlines() if line.strip()][-1:] or [f"exit code {done.returncode}"]
        raise NotReproduced(f"the exported model does not run by itself: {last[0]}")


def _compare(found: Tensor, expected: Tensor) -> float:
    """The largest difference, after checking that it and the classes are within what is allowed."""
    if found.shape != expected.shape:
        raise NotReproduced(
            f"the exported model gives {tuple(found.shape)} logits, the network {tuple(expected.shape)}"
        )
    allowed = TOLERANCE * max(1.0, float(expected.abs().max()))
    largest = float((found - expected).abs().max())
    if not largest <= allowed:
        raise NotReproduced(f"the exported model's logits differ by up to {largest:.3g}, more than {allowed:.1g}")
    top = expected.topk(2).values
    clear = top[:, 0] - top[:, 1] > 2 * allowed
    if bool((clear & (found.argmax(1) != expected.argmax(1))).any()):
        raise NotReproduced("the exported model predicts other classes than the network")
    return largest

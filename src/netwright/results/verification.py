"""Checks an exported folder as its user will meet it: in another process, where netwright cannot be imported."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import safetensors.torch
import torch
from torch import Tensor

from netwright.results.own_files import NotReproduced, compared_answers

TOLERANCE = 1e-4
TIME_LIMIT = 900.0
_BLOCKED = ("netwright", "sklearn", "scipy", "pandas", "pyarrow", "PIL")

# Run with `python -P -c`, so that neither the current directory nor this script's is searched for modules.
_SCRIPT = """
import contextlib, importlib.abc, importlib.util, io, json, pathlib, runpy, sys
sys.dont_write_bytecode = True
folder, place, threads, *blocked = sys.argv[1:]
folder, place = pathlib.Path(folder), pathlib.Path(place)
class Block(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in blocked:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Block())
import safetensors.torch, torch
torch.set_num_threads(int(threads))
spec = importlib.util.spec_from_file_location("model", folder / "model.py")
model = importlib.util.module_from_spec(spec)
spec.loader.exec_module(model)
network = model.load()
stored = safetensors.torch.load_file(place / "inputs.safetensors")
batch = stored.get("inputs", {name.removeprefix("inputs."): each for name, each in stored.items()})
count = model.how_many(batch)
whole = place / "examples.safetensors"
given = [each for _, each in sorted(safetensors.torch.load_file(whole).items())] if whole.exists() else batch
step = 16 if whole.exists() else 256
outputs = torch.cat([model.respond(network, model.some(batch, at, at + step)) for at in range(0, count, step)])
single = model.respond(network, model.some(batch, 0, 1))
printed, complaints, code = io.StringIO(), io.StringIO(), 0
files = json.loads((place / "files.json").read_text(encoding="utf-8"))
expected, lines = [], []
if files:
    sys.argv = [str(folder / "model.py"), "--json", "--", *files]
    with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(complaints):
        try:
            runpy.run_path(sys.argv[0], run_name="__main__")
        except SystemExit as end:
            code = end.code
    shown = [json.loads(each) for each in printed.getvalue().splitlines() if each.startswith("{")]
    names = [(each["file"], each["example"]) for each in shown[:model.how_many(given)]]
    for arguments, into in ((["--json"], expected), ([], lines)):
        asked = model._command_line().parse_args([*arguments, "--", *files])
        for start in range(0, len(names), 256):
            stop = min(start + 256, len(names))
            into += model.answers(network, model.some(given, start, stop), names[start:stop], asked)
    lines = [model.line(each) for each in lines]
assert not any(name.partition(".")[0] in blocked for name in sys.modules)
found = {"printed": printed.getvalue(), "complaints": complaints.getvalue(), "code": code}
found |= {"expected": expected, "lines": lines}
(place / "answers.json").write_text(json.dumps(found), encoding="utf-8")
outputs = {"outputs": outputs.contiguous(), "single": single.contiguous()}
safetensors.torch.save_file(outputs, place / "outputs.safetensors")
"""


@dataclass(frozen=True, eq=False)
class Verification:
    """outputs: what the exported files gave, (n, outputs) or (n, outputs, *places).
    largest_difference: of any of these numbers to the network's own.

    answers: what `model.py --json` printed for the user's own files, an object an example.
    lines: the same examples' answers as people read them.
    """

    outputs: Tensor
    largest_difference: float
    answers: tuple[Mapping[str, Any], ...] = ()
    lines: tuple[str, ...] = ()

    @property
    def examples(self) -> int:
        return len(self.outputs)


def verify(
    folder: Path,
    inputs: Any,
    expected: Tensor,
    files: Sequence[Path] = (),
    allowed_packages: Collection[str] = (),
    stood_for: Any = None,
) -> Verification:
    """Load the folder in a clean process, and compare its outputs with the expected ones.

    folder: an exported one.
    inputs: stored examples on the CPU, uint8 images, float32 vectors or whatever the task holds. Outputs may differ by
        1e-4 of the largest one (at least 1e-4).
    expected: float32, what the network itself gives for `inputs`.
    files: the user's own, with the first of these examples in order, for which `model.py` must answer as for `inputs`:
        with the same texts, and numbers that differ by no more than 1e-3 of the largest of their kind.
    allowed_packages: such as "PIL", where the files cannot be read without.
    stood_for: what the files hold, see `Preparation.stood_for`; the inputs where None.

    Raises NotReproduced.
    """
    with tempfile.TemporaryDirectory(prefix="netwright-verify-") as temporary:
        place = Path(temporary)
        safetensors.torch.save_file(_named(inputs), place / "inputs.safetensors")
        if isinstance(stood_for, list):
            whole = {f"{i:06}": each.contiguous() for i, each in enumerate(cast("list[Tensor]", stood_for))}
            safetensors.torch.save_file(whole, place / "examples.safetensors")
        (place / "files.json").write_text(json.dumps(list(map(str, files))), encoding="utf-8")
        blocked = [each for each in _BLOCKED if each not in allowed_packages]
        _run([str(folder), str(place), str(torch.get_num_threads()), *blocked])
        outputs = safetensors.torch.load_file(place / "outputs.safetensors")
        answered = json.loads((place / "answers.json").read_text(encoding="utf-8"))
    found = outputs["outputs"]
    largest = max(_compare(found, expected), _compare(outputs["single"], expected[:1]))
    if not files:
        return Verification(found, largest)
    return Verification(found, largest, compared_answers(answered, len(expected)), tuple(answered["lines"]))


def _named(inputs: Any) -> dict[str, Tensor]:
    """The tensors of the inputs by a name each."""
    if not isinstance(inputs, Mapping):
        return {"inputs": inputs.contiguous()}
    named: Mapping[str, Tensor] = inputs  # pyright: ignore[reportUnknownVariableType]
    return {f"inputs.{name}": each.contiguous() for name, each in named.items()}


def _run(arguments: Sequence[str]) -> None:
    command = [sys.executable, "-P", "-c", _SCRIPT, *arguments]
    try:
        done = subprocess.run(  # noqa: S603 - our own script; the arguments are data to it
            command, capture_output=True, encoding="utf-8", errors="replace", timeout=TIME_LIMIT, check=False
        )
    except subprocess.TimeoutExpired:
        raise NotReproduced(f"the exported model gave no answer in {TIME_LIMIT:.0f} seconds") from None
    if done.returncode:
        last = [line for line in done.stderr.splitlines() if line.strip()][-1:] or [f"exit code {done.returncode}"]
        raise NotReproduced(f"the exported model does not run by itself: {last[0]}")


def _compare(found: Tensor, expected: Tensor) -> float:
    """The largest difference, after checking that it is within what is allowed."""
    if found.shape != expected.shape:
        raise NotReproduced(
            f"the exported model gives outputs of the shape {tuple(found.shape)}, the network {tuple(expected.shape)}"
        )
    allowed = TOLERANCE * max(1.0, float(expected.abs().max()))
    largest = float((found - expected).abs().max())
    if not largest <= allowed:
        raise NotReproduced(f"the exported model's outputs differ by up to {largest:.3g}, more than {allowed:.1g}")
    return largest

"""Checks an exported folder as its user will meet it: in another process, where netwright cannot be imported."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from torch import Tensor

from netwright.core.errors import NetwrightError

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
batch = safetensors.torch.load_file(place / "inputs.safetensors")["inputs"]
with torch.inference_mode():
    logits = torch.cat([network(model.normalised(part)).float() for part in batch.split(256)])
    single = network(model.normalised(batch[:1])).float()
answers, complaints, code = io.StringIO(), io.StringIO(), 0
files = json.loads((place / "files.json").read_text(encoding="utf-8"))
if files:
    sys.argv = [str(folder / "model.py"), "--json", "--top", "1", "--", *files]
    with contextlib.redirect_stdout(answers), contextlib.redirect_stderr(complaints):
        try:
            runpy.run_path(sys.argv[0], run_name="__main__")
        except SystemExit as end:
            code = end.code
assert not any(name.partition(".")[0] in blocked for name in sys.modules)
found = {"answers": answers.getvalue(), "complaints": complaints.getvalue(), "code": code}
(place / "answers.json").write_text(json.dumps(found), encoding="utf-8")
outputs = {"logits": logits.contiguous(), "single": single.contiguous()}
safetensors.torch.save_file(outputs, place / "outputs.safetensors")
"""


class NotReproduced(NetwrightError):
    """The exported files do not give what the network gave; nothing was written."""


@dataclass(frozen=True, eq=False)
class Verification:
    """logits: what the exported files gave.
    largest_difference: of any logit to the network's own.

    answers: what `model.py --json` printed for the user's own files, an object an example.
    """

    logits: Tensor
    largest_difference: float
    answers: tuple[Mapping[str, Any], ...] = ()

    @property
    def examples(self) -> int:
        return len(self.logits)


def verify(
    folder: Path,
    inputs: Tensor,
    expected: Tensor,
    files: Sequence[Path] = (),
    class_names: Sequence[str] = (),
    allowed_packages: Collection[str] = (),
) -> Verification:
    """Load the folder in a clean process, and compare its logits, (n, classes), with the expected ones.

    folder: an exported one.
    inputs: stored examples on the CPU, uint8 images or float32 vectors. Logits may differ by 1e-4 of the largest logit
        (at least 1e-4), the predicted classes not at all but where two logits lie that close.
    expected: float32 (n, classes), what the network itself gives for `inputs`.
    files: the user's own, with the first of these examples in order, for which `model.py` must name the same classes.
    class_names: in the order of the logits.
    allowed_packages: such as "PIL", where the files cannot be read without.

    Raises NotReproduced.
    """
    with tempfile.TemporaryDirectory(prefix="netwright-verify-") as temporary:
        place = Path(temporary)
        safetensors.torch.save_file({"inputs": inputs.contiguous()}, place / "inputs.safetensors")
        (place / "files.json").write_text(json.dumps(list(map(str, files))), encoding="utf-8")
        blocked = [each for each in _BLOCKED if each not in allowed_packages]
        _run([str(folder), str(place), str(torch.get_num_threads()), *blocked])
        outputs = safetensors.torch.load_file(place / "outputs.safetensors")
        answered = json.loads((place / "answers.json").read_text(encoding="utf-8"))
    found = outputs["logits"]
    largest = max(_compare(found, expected), _compare(outputs["single"], expected[:1]))
    answers = _compare_answers(answered, expected, class_names) if files else ()
    return Verification(found, largest, answers)


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


def _compare_answers(
    answered: Mapping[str, Any], expected: Tensor, class_names: Sequence[str]
) -> tuple[Mapping[str, Any], ...]:
    """What was printed for each of the user's own files, after checking that it is what the network says."""
    answers = tuple(json.loads(line) for line in answered["answers"].splitlines())
    complaint = answered["complaints"].strip().removeprefix("model.py: ").splitlines()[:1]
    if answered["code"] or not answers:
        what = complaint[0] if complaint else "it printed nothing"
        raise NotReproduced(f"the exported model does not predict the test examples' own files: {what}")
    if len(answers) > len(expected):
        raise NotReproduced(
            f"the test examples' own files hold more than the {len(expected):,} examples they stand for"
        )
    clear = _clear(expected)
    for place, answer in enumerate(answers):
        right = class_names[int(expected[place].argmax())]
        if clear[place] and answer["class"] != right:
            where = answer["file"] + (
                f" ({answer['example']})" if answer["example"] not in ("", answer["file"]) else ""
            )
            raise NotReproduced(
                f"the exported model says {answer['class']!r} for {where}, where the network says {right!r}: the file "
                "is prepared in another way than the test example was"
            )
    return answers


def _allowed(expected: Tensor) -> float:
    """By how much logits may differ."""
    return TOLERANCE * max(1.0, float(expected.abs().max()))


def _clear(expected: Tensor) -> Tensor:
    """Which examples' classes do not hang on the last digits, (n,)."""
    top = expected.topk(2).values
    return top[:, 0] - top[:, 1] > 2 * _allowed(expected)


def _compare(found: Tensor, expected: Tensor) -> float:
    """The largest difference, after checking that it and the classes are within what is allowed."""
    if found.shape != expected.shape:
        raise NotReproduced(
            f"the exported model gives {tuple(found.shape)} logits, the network {tuple(expected.shape)}"
        )
    allowed = _allowed(expected)
    largest = float((found - expected).abs().max())
    if not largest <= allowed:
        raise NotReproduced(f"the exported model's logits differ by up to {largest:.3g}, more than {allowed:.1g}")
    if bool((_clear(expected) & (found.argmax(1) != expected.argmax(1))).any()):
        raise NotReproduced("the exported model predicts other classes than the network")
    return largest

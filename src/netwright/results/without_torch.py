"""Runs an exported `predict.py` as its user will who has onnxruntime and numpy only: in a process without PyTorch."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from netwright.core.trees import Tree
from netwright.results.own_files import NotReproduced, compared_answers

TIME_LIMIT = 900.0
BLOCKED = ("torch", "netwright", "safetensors", "onnx", "sklearn", "scipy", "pandas", "pyarrow", "PIL")

_SCRIPT = """
import contextlib, importlib.abc, importlib.util, io, json, pathlib, runpy, sys
sys.dont_write_bytecode = True
task, folder, place, *blocked = sys.argv[1:]
folder, place = pathlib.Path(folder), pathlib.Path(place)
class Block(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in blocked:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Block())
asked = json.loads((place / "asked.json").read_text(encoding="utf-8"))
if task == "outputs":
    import numpy
    spec = importlib.util.spec_from_file_location("predict", folder / "predict.py")
    predict = importlib.util.module_from_spec(spec)
    sys.modules["predict"] = predict
    spec.loader.exec_module(predict)
    stored = numpy.load(place / "inputs.npz", allow_pickle=False)
    batch = {name: predict.tensor_of(stored[name]) for name in stored.files}
    batch = batch[""] if "" in batch else batch
    count, found = predict.how_many(batch), {}
    for model in asked["models"]:
        network = predict.load(folder / model, threads=asked["threads"])
        parts = [predict.respond(network, predict.some(batch, at, at + 256)).numpy() for at in range(0, count, 256)]
        found[model] = numpy.concatenate(parts)
    numpy.savez(place / "outputs.npz", **found)
else:
    printed, complaints, code = io.StringIO(), io.StringIO(), 0
    sys.argv = [str(folder / "predict.py"), "--json", "--", *asked["files"]]
    with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(complaints):
        try:
            runpy.run_path(sys.argv[0], run_name="__main__")
        except SystemExit as end:
            code = end.code
    found = {"printed": printed.getvalue(), "complaints": complaints.getvalue(), "code": code}
    (place / "answers.json").write_text(json.dumps(found), encoding="utf-8")
assert not any(name.partition(".")[0] in blocked for name in sys.modules)
"""


def outputs_of(
    folder: Path, models: Sequence[str], inputs: Tree, allowed: Collection[str] = ()
) -> dict[str, np.ndarray[Any, Any]]:
    """What each ONNX file gives for stored examples, computed where PyTorch cannot be imported.

    folder: with `predict.py`.
    models: names of ONNX files in it.
    inputs: stored examples on the CPU, before they are normalised.
    allowed: packages that may be imported besides, such as "PIL".

    Raises NotReproduced where it does not run.
    """
    import torch

    with tempfile.TemporaryDirectory(prefix="netwright-onnx-") as temporary:
        place = Path(temporary)
        named: Mapping[str, Any] = inputs if isinstance(inputs, Mapping) else {"": inputs}
        np.savez(place / "inputs.npz", **{name: each.numpy() for name, each in named.items()})
        _run("outputs", folder, place, {"models": list(models), "threads": torch.get_num_threads()}, allowed)
        with np.load(place / "outputs.npz", allow_pickle=False) as found:
            return {name: found[name] for name in models}


def answers_without_torch(
    folder: Path, files: Sequence[Path], allowed: Collection[str], expected: Sequence[Mapping[str, Any]]
) -> None:
    """Run `python predict.py --json` over a user's own files, and compare with what `model.py` printed for them.

    folder: with `predict.py`.
    files: of the user's own.
    allowed: packages that reading them needs, such as "PIL".
    expected: the answers of `model.py`, in order.

    Raises NotReproduced where a text differs, or a number by more than a thousandth of the largest.
    """
    with tempfile.TemporaryDirectory(prefix="netwright-onnx-") as temporary:
        place = Path(temporary)
        _run("answers", folder, place, {"files": list(map(str, files))}, allowed)
        answered = json.loads((place / "answers.json").read_text(encoding="utf-8"))
    answered["complaints"] = answered["complaints"].removeprefix("predict.py: ")
    answered["expected"] = [
        {name: each for name, each in answer.items() if name not in ("file", "example")} for answer in expected
    ]
    answered["lines"] = [json.dumps(each) for each in answered["expected"]]
    compared_answers(answered, len(expected))


def _run(what: str, folder: Path, place: Path, asked: Mapping[str, Any], allowed: Collection[str]) -> None:
    (place / "asked.json").write_text(json.dumps(asked), encoding="utf-8")
    blocked = [each for each in BLOCKED if each not in allowed]
    command = [sys.executable, "-P", "-c", _SCRIPT, what, str(folder), str(place), *blocked]
    try:
        done = subprocess.run(  # noqa: S603 - our own script; the arguments are data to it
            command, capture_output=True, encoding="utf-8", errors="replace", timeout=TIME_LIMIT, check=False
        )
    except subprocess.TimeoutExpired:
        raise NotReproduced(f"predict.py gave no answer in {TIME_LIMIT:.0f} seconds") from None
    if done.returncode:
        last = [line for line in done.stderr.splitlines() if line.strip()][-1:] or [f"exit code {done.returncode}"]
        raise NotReproduced(f"predict.py does not run by itself: {last[0]}")

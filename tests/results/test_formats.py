"""Further forms of an export: they answer as was said of them, where PyTorch is not."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
import torch
from torch import nn

from netwright import tasks
from netwright.core.choose import Choose
from netwright.core.decision_space import DecisionSpace
from netwright.core.errors import UserError
from netwright.core.task import TaskShape
from netwright.results import Contender, Figures, export, formats_of, numpy_tensors
from netwright.results.formats import check_formats, sentences_of
from netwright.runtimes.int8 import in_eight_bits

WITHOUT = """
import importlib.abc, runpy, sys
class Block(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("torch", "netwright", "safetensors", "onnx", "sklearn"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Block())
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


RATE = 0.3


class Small(DecisionSpace):
    def network(self, choose: Choose, shape: TaskShape) -> nn.Module:
        width = choose.value("width", [8, 16])
        return nn.Sequential(
            nn.Conv2d(shape.channels, width, 3, padding=1),
            nn.BatchNorm2d(width),
            nn.ReLU(),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
            nn.Linear(width, shape.classes),
        )


def stripes() -> tuple[Any, np.ndarray, np.ndarray]:
    """Pictures of stripes that lie or stand, which a trained network tells apart nearly always."""
    rng = np.random.default_rng(0)
    y = np.arange(400) % 2
    lines = np.indices((8, 8))[:, None] % 2
    x = np.stack([lines[each] * 150 for each in y]) + rng.integers(0, 105, (400, 1, 8, 8))
    return tasks.arrays(x.astype(np.uint8), y, classes=["lying", "standing"], name="stripes"), x.astype(np.uint8), y


def trained(task: Any, space: Small) -> nn.Module:
    torch.manual_seed(0)
    network = space.build(space.sample(np.random.default_rng(0)), task.shape)
    data = task.final_data("cpu")
    inputs, targets = data.train.inputs.float() / 255, data.train.targets
    inputs = (inputs - torch.tensor(data.mean).view(1, -1, 1, 1)) / torch.tensor(data.std).view(1, -1, 1, 1)
    for _ in range(40):  # by hand, since an optimiser imports for seconds
        network.zero_grad()
        nn.functional.cross_entropy(network(inputs.float()), targets).backward()
        with torch.no_grad():
            for each in network.parameters():
                assert each.grad is not None
                each -= RATE * each.grad
    return network.eval()


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, Any]:
    task, _, _ = stripes()
    space = Small()
    architecture = space.sample(np.random.default_rng(0))
    figures = Figures(task.name, str(architecture), Contender("found network", (0.5,), (0,)), (), len(task.test), 0)
    folder = tmp_path_factory.mktemp("formats") / "best"
    return task, export(folder, trained(task, space), architecture, space, task, figures, formats="int8")


def test_each_file_answers_as_was_said_of_it(exported: tuple[Any, Any], tmp_path: Path) -> None:
    task, made = exported
    assert [each.file for each in made.formats] == ["model.onnx", "model-int8.onnx"]
    assert made.formats[1].way == "static" and "QuantizeLinear" in made.formats[1].operations
    raw, targets = task.test.inputs.numpy(), task.test.targets.numpy()
    np.save(tmp_path / "raw.npy", raw)
    for each in made.formats:
        command = [sys.executable, "-P", "-c", WITHOUT, made.directory / "predict.py", "--json", "--model", each.file]
        done = subprocess.run([*command, tmp_path / "raw.npy"], capture_output=True, text=True, check=True, timeout=60)
        answers = [json.loads(line)["class"] for line in done.stdout.splitlines()]
        accuracy = np.mean([answer == task.class_names[y] for answer, y in zip(answers, targets, strict=True)])
        assert accuracy == pytest.approx(each.metrics["accuracy"]) and accuracy > 0.9
    record = json.loads((made.directory / "formats.json").read_text())
    assert [each["metrics"]["accuracy"] for each in record["files"]] == [
        each.metrics["accuracy"] for each in made.formats
    ]
    assert "model-int8.onnx" in made.readme.read_text()
    whole, small = (replace(each, size=size) for each, size in zip(made.formats, (500, 400), strict=True))
    assert not any("no smaller" in each for each in sentences_of([whole, small], task.problem.main))
    large = sentences_of([whole, replace(small, size=600)], task.problem.main)
    assert ["no smaller" in each for each in large] == [False, True]


def test_the_eight_bit_file_holds_eight_bit_weights(exported: tuple[Any, Any]) -> None:
    import onnx

    _, made = exported
    stored = onnx.load(str(made.directory / "model-int8.onnx")).graph.initializer
    kinds = [each.data_type for each in stored if len(each.dims) > 1]
    assert kinds and all(each == onnx.TensorProto.INT8 for each in kinds)
    onnxruntime.InferenceSession(str(made.directory / "model-int8.onnx"), providers=["CPUExecutionProvider"])


def test_no_way_is_taken_that_leaves_most_weights_as_they_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Dynamic quantisation leaves convolutions, so that it loses least, and keeps no limit of a device."""
    task, _, _ = stripes()
    space = Small()
    architecture, network = space.sample(np.random.default_rng(0)), trained(task, space)
    figures = Figures(task.name, str(architecture), Contender("found network", (0.5,), (0,)), (), len(task.test), 0)
    shares: list[float] = []

    def lost(subject: Any, path: Path, *_: Any) -> float:
        shares.append(in_eight_bits(path))
        return 0.0 if shares[-1] < 0.25 else 100.0

    monkeypatch.setattr("netwright.results.formats._loss", lost)
    made = export(tmp_path / "best", network, architecture, space, task, figures, formats="int8")
    whole, static, other, dynamic = shares
    assert whole == 0 and 0 < dynamic < 0.25 and static == other == 1
    assert made.formats[1].way == "static" and in_eight_bits(made.directory / "model-int8.onnx") == 1


def test_a_damaged_file_is_named(exported: tuple[Any, Any], tmp_path: Path) -> None:
    _, made = exported
    for name in ("predict.py", "model.onnx"):
        (tmp_path / name).write_bytes((made.directory / name).read_bytes())
    (tmp_path / "model.onnx").write_bytes((tmp_path / "model.onnx").read_bytes() + b"x")
    np.save(tmp_path / "raw.npy", np.zeros((1, 1, 8, 8), np.uint8))
    command = [sys.executable, "-P", "-c", WITHOUT, tmp_path / "predict.py", tmp_path / "raw.npy"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 2 and "damaged" in done.stderr and len(done.stderr.splitlines()) == 1


def test_formats_are_named() -> None:
    assert formats_of("int8") == ("onnx", "int8") and formats_of(["torch"]) == ("torch",)
    with pytest.raises(UserError, match="did you mean 'onnx'"):
        formats_of("onx")


class Going(nn.Module):
    carries = False
    state = None


def test_a_state_that_goes_on_is_refused() -> None:
    with pytest.raises(UserError, match="Going goes on where it ended"):
        check_formats(("onnx",), nn.Sequential(Going()))
    check_formats(("torch",), nn.Sequential(Going()))


def test_arrays_do_what_tensors_do() -> None:
    """Of what `predict.py` has in place of PyTorch."""
    ours, rng = numpy_tensors.torch, np.random.default_rng(0)
    values = rng.normal(size=(4, 6)).astype(np.float32)
    x, t = ours.from_numpy(values), torch.from_numpy(values)
    for name, arguments in (
        ("softmax", (1,)), ("sigmoid", ()), ("exp", ()), ("arcsinh", ()), ("clamp", (-0.5, 0.5)), ("square", ()),
        ("unflatten", (1, (2, 3))), ("movedim", (1, 0)), ("view", (8, 3)), ("view", (-1,)), ("isnan", ()),
    ):  # fmt: skip
        np.testing.assert_allclose(getattr(x, name)(*arguments), getattr(t, name)(*arguments), rtol=1e-5)
    for found, true in ((x.max(1), t.max(1)), (x.topk(3), t.topk(3))):
        np.testing.assert_allclose(found.values, true.values)
        np.testing.assert_array_equal(found.indices, true.indices)
    assert [len(each) for each in x.split(3)] == [len(each) for each in t.split(3)]
    assert ours.tensor([1.5, 2]).dtype == np.float32 and ours.tensor([1, 2]).dtype == np.int64
    logits, wanted = rng.normal(size=(2, 5, 3)), rng.integers(0, 5, (2, 3))
    true = nn.functional.cross_entropy(torch.from_numpy(logits), torch.from_numpy(wanted), reduction="none")
    np.testing.assert_allclose(numpy_tensors.F.cross_entropy(ours.from_numpy(logits), wanted), true, rtol=1e-6)


def test_a_search_that_is_to_export_in_a_format_is_refused_at_once_where_it_could_not(tmp_path, capsys) -> None:
    from netwright.cli.main import run

    words = ["search", "no-such-data.npz", "--dir", str(tmp_path / "runs"), "--time", "5s", "--format"]
    assert run([*words, "onnx"]) == 2
    assert "--format onnx says how a result is exported; say where by --export FOLDER" in capsys.readouterr().err
    assert run([*words, "onx", "--export", str(tmp_path / "best")]) == 2
    assert "unknown format 'onx'; did you mean 'onnx'?" in capsys.readouterr().err

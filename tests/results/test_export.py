"""The folder a user takes home: complete, verified, safe against strange names, and never half-written."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import torch
from generated import import_file
from torch import Tensor, nn

from netwright import __version__, spaces, tasks
from netwright.core.choose import Choose
from netwright.core.decision_space import DecisionSpace
from netwright.core.errors import UserError
from netwright.core.task import TaskShape
from netwright.results import Contender, Figures, NotReproduced, Verification, export, read_architecture, write_source
from netwright.results.exporting import FILES, _against_reported, _left_out
from netwright.results.verification import _compare
from netwright.training import predict

EVIL = [
    'a"; import os; os.abort() #',
    'b\'\'\'"""\nimport os; os.abort()\n"""',
    "c\\",
    "{d} %s \udc80 \u202e",
    "```\n# e | <script>alert(1)</script>",
]


class Tiny(DecisionSpace):
    def network(self, choose: Choose, shape: TaskShape) -> nn.Module:
        width = choose.value("width", [4, 8, 16])
        return nn.Sequential(nn.Flatten(), nn.Linear(shape.features, width), nn.ReLU(), nn.Linear(width, shape.classes))


def task_of(names: list[str] | None = None, name: str = "toy", vectors: bool = False):
    rng = np.random.default_rng(0)
    classes = 3 if names is None else len(names)
    y = np.arange(120) % classes
    if vectors:
        x = rng.normal(size=(120, 5)) * [1, 10, 100, 1e-3, 1] + y[:, None]
    else:
        x = rng.integers(0, 255, size=(120, 2, 4, 4)).astype(np.uint8)
    return tasks.arrays(x, y, classes=names, name=name)


def figures_for(task, architecture) -> Figures:
    return Figures(task.name, str(architecture), Contender("found network", (0.5,), (0,)), (), len(task.test), 0)


def made(task, seed: int = 0):
    space = Tiny()
    architecture = space.sample(np.random.default_rng(seed))
    torch.manual_seed(seed)
    return space, architecture, space.build(architecture, task.shape)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One export with hostile names."""
    task = task_of(EVIL, name=EVIL[1])
    space, architecture, network = made(task)
    target = tmp_path_factory.mktemp("out") / "best"
    logits = predict(network, task.test, task.final_data("cpu"))
    done = export(target, network, architecture, space, task, figures_for(task, architecture), reported=logits)
    assert done.largest_difference <= 1e-4 and done.verified_examples == len(task.test)
    assert str(done).startswith(f"exported to {done.directory}: README.md, architecture.json") and len(repr(done)) < 300
    return target


def test_files_and_what_they_hold(folder: Path) -> None:
    assert sorted(each.name for each in folder.iterdir()) == sorted(FILES)
    found = read_architecture(folder)
    assert (
        found["sha256"]["weights.safetensors"]
        == hashlib.sha256((folder / "weights.safetensors").read_bytes()).hexdigest()
    )
    assert found["versions"]["netwright"] == __version__
    assert Tiny().parse(json.dumps(found["architecture"]))["width"] in (4, 8, 16)
    assert not [each for each in folder.parent.iterdir() if each.name.startswith(".")]


def test_hostile_names_stay_text(folder: Path) -> None:
    model = import_file(folder / "model.py")
    assert list(model.CLASS_NAMES) == EVIL
    page = (folder / "README.md").read_text()
    assert "<script>" not in page and "\n# e" not in page


def test_predictions_are_those_of_the_network(folder: Path) -> None:
    task = task_of(EVIL)
    _, _, network = made(task)
    model = import_file(folder / "model.py")
    loaded = model.load()
    expected = predict(network, task.test, task.final_data("cpu"))
    with torch.inference_mode():
        torch.testing.assert_close(loaded(model.preprocess(task.test.inputs)), expected, rtol=0, atol=1e-6)
    named = model.predict(loaded, task.test.inputs, batch_size=5)
    assert [name for name, _ in named] == [EVIL[i] for i in expected.argmax(1)]
    assert [p for _, p in named] == pytest.approx(expected.softmax(1).amax(1).tolist(), abs=1e-6)


def test_a_changed_byte_in_the_weights_is_noticed(folder: Path, tmp_path: Path) -> None:
    model = import_file(folder / "model.py")
    content = bytearray((folder / "weights.safetensors").read_bytes())
    content[-3] ^= 1
    damaged = tmp_path / "weights.safetensors"
    damaged.write_bytes(content)
    with pytest.raises(ValueError, match="damaged"):
        model.load(damaged)
    assert isinstance(model.load(damaged, check=False), nn.Module)


def test_runs_from_the_command_line_with_torch_and_safetensors_only(folder: Path, tmp_path: Path) -> None:
    np.save(tmp_path / "images.npy", task_of().test.inputs[:3].numpy())
    script = (
        "import runpy, sys; sys.modules.update(dict.fromkeys(['netwright', 'sklearn', 'scipy', 'PIL', 'pandas']));"
        f"sys.argv = ['model.py', {str(tmp_path / 'images.npy')!r}];"
        f"runpy.run_path({str(folder / 'model.py')!r}, run_name='__main__')"
    )
    environment = {"PYTHONIOENCODING": "utf-8:replace", "PATH": "/usr/bin:/bin"}
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("images.npy[") == 3


def test_a_directory_with_something_in_it_is_left_alone(tmp_path: Path) -> None:
    task = task_of()
    space, architecture, network = made(task)
    arguments = (network, architecture, space, task, figures_for(task, architecture))
    (tmp_path / "notes.txt").write_text("mine")
    for overwrite in (False, True):
        with pytest.raises(UserError, match=r"notes\.txt|not empty"):
            export(tmp_path, *arguments, overwrite=overwrite)
    with pytest.raises(UserError, match="is a file"):
        export(tmp_path / "notes.txt", *arguments)
    with pytest.raises(UserError, match="not a directory"):
        export(tmp_path / "notes.txt" / "below", *arguments)
    assert [each.name for each in tmp_path.iterdir()] == ["notes.txt"]


def test_an_earlier_export_is_replaced_only_when_asked(folder: Path, tmp_path: Path) -> None:
    task = task_of(vectors=True)
    space, architecture, network = made(task)
    arguments = (network, architecture, space, task, figures_for(task, architecture))
    target = tmp_path / "new" / "best"
    target.mkdir(parents=True)
    for name in FILES:
        (target / name).write_bytes((folder / name).read_bytes())
    with pytest.raises(UserError, match="not empty"):
        export(target, *arguments)
    done = export(target, *arguments, overwrite=True)
    assert [each.name for each in target.parent.iterdir()] == ["best"]
    model = import_file(done.model)
    assert model.CLASS_NAMES == ("0", "1", "2")
    expected = predict(network, task.test, task.final_data("cpu"))
    with torch.inference_mode():
        torch.testing.assert_close(model.load()(model.preprocess(task.test.inputs)), expected, rtol=0, atol=1e-5)


class OtherWhenAlone(nn.Module):
    """Tells a single example from a batch, which the traces of two and three examples do not show."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(32, 3)

    def forward(self, x: Tensor) -> Tensor:
        x = self.linear(x.flatten(1))
        return x + 1 if x.shape[0] > 3 or x.shape[0] == 1 else x


def test_a_network_that_cannot_be_reproduced_is_not_handed_out(tmp_path: Path) -> None:
    task = task_of()
    space, architecture, _ = made(task)
    with pytest.raises(NotReproduced):
        export(tmp_path / "best", OtherWhenAlone(), architecture, space, task, figures_for(task, architecture))
    assert list(tmp_path.iterdir()) == []


def test_other_outputs_are_noticed() -> None:
    expected = torch.randn(50, 4, generator=torch.Generator().manual_seed(0))
    assert _compare(expected + 1e-5, expected) == pytest.approx(1e-5, rel=0.1)
    wrong = expected.clone()
    wrong[3, 0] += 0.01
    with pytest.raises(NotReproduced, match="differ"):
        _compare(wrong, expected)
    with pytest.raises(NotReproduced, match="differ"):
        _compare(torch.full_like(expected, float("nan")), expected)
    with pytest.raises(NotReproduced, match="outputs of the shape"):
        _compare(expected[:, :3], expected)


def test_reported_predictions_may_differ_by_the_last_bits_of_another_device_only() -> None:
    logits = torch.randn(400, 4, generator=torch.Generator().manual_seed(0))
    reported = logits.clone()
    reported[:2] = -reported[:2]
    assert "398 are reproduced" in _against_reported(Verification(logits, 0.0), reported)
    with pytest.raises(NotReproduced, match="answers otherwise than was reported"):
        _against_reported(Verification(logits, 0.0), -logits)


def test_weights_file_holds_each_key_of_the_network(folder: Path) -> None:
    network = made(task_of(EVIL))[2]
    stored = safetensors.torch.load_file(folder / "weights.safetensors")
    assert set(stored) == set(network.state_dict())
    assert all(torch.equal(stored[key], value) for key, value in network.state_dict().items())


def test_what_training_alone_needs_is_left_out_and_said() -> None:
    space = spaces.Darts(cells=3, channels=4, auxiliary=True)
    network = space.build(space.sample(np.random.default_rng(0)), TaskShape((3, 32, 32), 3))
    source = write_source(network, torch.zeros(2, 3, 32, 32))
    assert source.left_out and all(key.startswith("auxiliary") for key in source.left_out)
    assert set(source.tensors) | set(source.left_out) == set(network.state_dict())
    assert "only training needs" in _left_out(source)[0]

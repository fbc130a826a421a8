"""`python model.py FILE...` on the files of a preparation: texts with numbers, one example a line."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from netwright.core.choose import Choose
from netwright.core.decision_space import DecisionSpace
from netwright.core.preparation import Preparation
from netwright.core.task import Examples, TaskShape
from netwright.results import Contender, Figures, NotReproduced, export
from netwright.tasks.task import Task
from prepared import Done, Prepared

CODE = """
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

ENDINGS = (".txt", ".dat")


def read(path: Path) -> tuple[list[str], Any]:
    lines = [line.split() for line in path.read_text(encoding="utf-8").splitlines()]
    if len({len(line) for line in lines}) != 1:
        raise ValueError("holds lines\\nof different lengths")
    return [f"line {i + 1}" for i in range(len(lines))], [[float(each) for each in line] for line in lines]


def prepared(raw: Any) -> Tensor:
    return torch.as_tensor(raw).float() - OFFSET
"""
NAMES = ("größe", "b %s", "line\nbreak")


class Texts(Preparation):
    """offset: what the stored examples are smaller by than what stands in the files."""

    def __init__(self, raw: np.ndarray, offset: float = 100.0) -> None:
        self._raw, self._offset = raw, offset

    def describe(self) -> str:
        return 'lines of 4 numbers, 100 % "plain"'

    def needs(self) -> str:
        return "A line needs 4 numbers."

    def constants(self) -> dict:
        return {"OFFSET": self._offset, "UNUSED": {"ä": (1, None, float("inf"))}}

    def code(self) -> str:
        return CODE

    def own_files(self, count: int, folder: Path) -> Sequence[Path]:
        paths = [folder / f"test-{start:03}.txt" for start in range(0, count, 5)]
        for place, path in enumerate(paths):
            _write(path, self._raw[5 * place : min(count, 5 * place + 5)])
        return paths


def _write(path: Path, raw: np.ndarray) -> Path:
    path.write_text("\n".join(" ".join(map(str, line)) for line in raw))
    return path


class read(nn.Module):
    """Has a name that model.py has already."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(4, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return 4 * self.linear(x)


class One(DecisionSpace):
    def network(self, choose: Choose, shape: TaskShape) -> nn.Module:
        choose.value("width", [1, 2])
        return nn.Sequential(read(), nn.Identity())


def _raw() -> np.ndarray:
    return np.random.default_rng(0).normal(size=(60, 4)).astype("f4").round(3) + np.float32(100)


def _export(target: Path, offset: float = 100.0):
    raw, labels = _raw(), torch.arange(60) % 3
    stored = torch.from_numpy(raw) - 100.0
    examples = (Examples(stored[:30], labels[:30]), Examples(stored[30:], labels[30:]))
    task = Task("texts", *examples, NAMES, preparation=Texts(raw[30:], offset))
    space = One()
    torch.manual_seed(0)
    architecture = next(iter(space.enumerate()))
    network = space.build(architecture, task.shape)
    figures = Figures(task.name, str(architecture), Contender("found network", (0.5,), (0,)), (), 30, 0)
    return export(target, network, architecture, space, task, figures), network, task


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _export(tmp_path_factory.mktemp("out") / "best")[0].directory


Run = Callable[..., Done]


@pytest.fixture
def run(scripts: Prepared) -> Run:
    return lambda folder, *arguments: scripts.run(folder / "model.py", *arguments, folder=folder)


def test_a_python_without_its_packages_is_told_what_to_install(folder: Path) -> None:
    command = [sys.executable, "-I", "-S", str(folder / "model.py"), "some.txt"]  # -S: without what was installed
    done = subprocess.run(command, capture_output=True, encoding="utf-8")
    assert done.returncode == 2 and done.stdout == ""
    assert done.stderr == "model.py: missing packages; get them with: pip install safetensors torch\n"


def test_a_python_that_is_too_old_is_told_so(folder: Path) -> None:
    run_it = f"runpy.run_path({str(folder / 'model.py')!r}, run_name='__main__')"
    code = f"import runpy, sys; sys.version_info = (3, 9); {run_it}"
    done = subprocess.run([sys.executable, "-I", "-S", "-c", code], capture_output=True, encoding="utf-8")
    assert done.returncode == 2 and done.stderr.startswith("model.py: needs Python 3.11; this is ")


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("files")
    (place / "deep" / ".hidden").mkdir(parents=True)
    _write(place / "b.txt", _raw()[30:32])
    _write(place / "deep" / "a.DAT", _raw()[32:33])
    for skipped in (place / "deep" / ".hidden" / "c.txt", place / "notes.md"):
        skipped.write_text("1 2")
    (place / "ragged").write_text("1 2\n3")
    (place / "short").write_text("1 2")
    return place


def test_the_readme_shows_a_command_that_was_run(folder: Path) -> None:
    page = (folder / "README.md").read_text(encoding="utf-8")
    assert "python model.py test-000.txt\ntest-000.txt, line 1: " in page
    assert "over the original files of the first 30 test examples gave the same classes" in page
    assert "A line needs 4 numbers." in page


def test_files_folders_and_patterns(folder: Path, files: Path, run: Run) -> None:
    found = run(folder, files, files / "d*" / "*.DAT", "--json")
    assert found.returncode == 0 and found.stderr == ""
    answers = [json.loads(line) for line in found.stdout.splitlines()]
    assert [(Path(each["file"]).name, each["example"]) for each in answers] == [
        *(("b.txt", "line 1"), ("b.txt", "line 2"), ("a.DAT", "line 1"), ("a.DAT", "line 1")),
    ]
    assert all(set(each["probabilities"]) == set(NAMES) for each in answers)
    assert all(sum(each["probabilities"].values()) == pytest.approx(1, abs=1e-5) for each in answers)
    assert all(each["class"] == max(each["probabilities"], key=each["probabilities"].get) for each in answers)


def test_text_goes_on_one_line_of_any_terminal(folder: Path, files: Path, run: Run) -> None:
    environment = {"PATH": "/usr/bin:/bin", "PYTHONIOENCODING": "ascii:strict", "LC_ALL": "C"}
    command = [sys.executable, str(folder / "model.py"), str(files / "b.txt")]
    found = subprocess.run(command, capture_output=True, encoding="utf-8", env=environment, cwd=folder)
    assert found.returncode == 0, found.stderr
    lines = found.stdout.splitlines()
    assert len(lines) == 2 and all("b.txt, line " in line and "gr\\xf6\\xdfe (" in line for line in lines)
    assert len(run(folder, files / "b.txt", "--top", 1).stdout.split("%)")) == 3


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        ((), 2, "required: FILE"),
        (("nothing.txt",), 2, "there is no such file"),
        (("README.m",), 2, "did you mean README.md?"),
        (("*.nothing",), 2, "no file matches"),
        (("--top", "none", "x"), 2, "expected a whole number"),
        (("--device", "toaster", "x"), 2, "toaster"),
        (("{files}/ragged",), 2, "ragged: holds lines of different lengths"),
        (("{files}/short",), 2, "short: expected examples of the shape (4,), found (2,)"),
        (("{files}/notes.md", "{files}/b.txt"), 1, "notes.md: "),
        (("{files}/deep", "{files}/ragged", "{files}/b.txt"), 1, "ragged: "),
    ],
)
def test_what_cannot_be_used_is_one_line(folder: Path, files: Path, run: Run, arguments, code: int, words: str) -> None:
    found = run(folder, *(each.format(files=files) for each in arguments))
    assert found.returncode == code and len(found.stderr.splitlines()) == 1, found.stderr
    assert words in found.stderr and found.stderr.startswith("model.py: ")
    assert bool(found.stdout) == (code == 1)


def test_help_says_what_is_read(folder: Path, run: Run) -> None:
    found = run(folder, "--help")
    assert found.returncode == 0
    assert all(each in found.stdout for each in ("lines of 4 numbers, 100 %", "A line needs 4", ".dat", "exit codes"))


def test_a_reader_that_has_enough(folder: Path, files: Path) -> None:
    command = f"'{sys.executable}' model.py {'b.txt ' * 400} | head -n 1"
    arguments = command.replace("b.txt", str(files / "b.txt"))
    found = subprocess.run(["bash", "-c", arguments], capture_output=True, encoding="utf-8", cwd=folder)
    assert len(found.stdout.splitlines()) == 1 and found.stderr == ""


def test_damaged_weights_are_one_line(folder: Path, files: Path, run: Run, tmp_path: Path) -> None:
    (tmp_path / "model.py").write_bytes((folder / "model.py").read_bytes())
    assert "No such file" in run(tmp_path, files / "b.txt").stderr
    (tmp_path / "weights.safetensors").write_bytes(b"x")
    found = run(tmp_path, files / "b.txt")
    assert found.returncode == 2 and "damaged" in found.stderr and len(found.stderr.splitlines()) == 1


def test_files_prepared_otherwise_are_not_handed_out(tmp_path: Path) -> None:
    with pytest.raises(NotReproduced, match=r"test-0\d\d\.txt \(line \d\).*prepared in another way"):
        _export(tmp_path / "best", offset=90.0)
    assert list(tmp_path.iterdir()) == []

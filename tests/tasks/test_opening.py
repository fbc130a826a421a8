"""Tasks by name, by path and by code; and made again from their configuration."""

import bz2
import gzip
import io
import json
import lzma
import sqlite3

import numpy as np
import pytest
from PIL import Image

from netwright import tasks
from netwright.core.errors import ConfigurationError, DataError, UserError
from netwright.core.task import Augmentation

X = np.random.default_rng(0).integers(0, 256, (30, 1, 6, 6), dtype=np.uint8)
Y = np.arange(30) % 3


def again(task):
    return tasks.from_configuration(json.loads(json.dumps(task.configuration())))


def test_digits_by_name():
    task = tasks.open_task("digits", split_seed=3)
    assert task.configuration() == {"task": "digits", "arguments": {"split_seed": 3}}
    assert again(task).fingerprint == task.fingerprint != tasks.digits().fingerprint


def test_an_augmentation_is_kept_in_the_configuration():
    task = tasks.digits(augmentation=Augmentation(padding=1, cutout=2))
    assert again(task).augmentation == Augmentation(padding=1, cutout=2)


def test_files_by_their_ending(tmp_path, monkeypatch):
    np.savez(tmp_path / "a.npz", x=X, y=Y)
    (tmp_path / "b.csv").write_text("size,kind\n" + "".join(f"{i},{'ab'[i % 2]}\n" for i in range(20)))
    monkeypatch.chdir(tmp_path)
    for text, options in (("a.npz", {}), (str(tmp_path / "a.npz"), {"limit": 15}), ("b.csv", {"target": "kind"})):
        task = tasks.open_task(text, **options)
        monkeypatch.chdir(tmp_path.parent)  # the configuration holds the whole path
        assert again(task).fingerprint == task.fingerprint
        monkeypatch.chdir(tmp_path)
    assert len(tasks.open_task("a.npz", data_dir=tmp_path).train) == 27


def test_a_path_is_looked_for_in_data_dir(tmp_path):
    np.savez(tmp_path / "flowers.npz", x=X, y=Y)
    assert tasks.open_task("flowers.npz", data_dir=tmp_path).name == "flowers"


def test_folders_by_what_they_hold(packed_folder):
    folder, _ = packed_folder
    by_name = tasks.open_task("cifar10", data_dir=folder)
    assert by_name.configuration()["task"] == "cifar10" and again(by_name).fingerprint == by_name.fingerprint
    by_path = tasks.open_task(str(folder))
    assert by_path.configuration()["task"] == "npz" and len(by_path.test) == 20


@pytest.fixture
def module(tmp_path, monkeypatch):
    (tmp_path / "my_own_data.py").write_text(
        "import numpy as np\n"
        "from netwright.tasks import arrays\n"
        "X = np.arange(120.0).reshape(30, 4)\n"
        "def task(copies=1):\n    return arrays(np.repeat(X, copies, 0), np.arange(30 * copies) % 3)\n"
        "def pair():\n    return X, np.arange(30) % 3\n"
        "items = [(row, i % 3) for i, row in enumerate(X)]\n"
        "number = 5\n"
    )
    monkeypatch.chdir(tmp_path)
    return "my_own_data"


@pytest.mark.parametrize("attribute", ["task", "pair", "items"])
def test_code_of_the_user(module, attribute):
    task = tasks.open_task(f"{module}:{attribute}")
    assert task.shape.input == (4,) and task.shape.classes == 3


def test_code_runs_again_only_when_it_is_allowed(module):
    task = tasks.open_task(f"{module}:task", copies=2)
    assert len(task.train) + len(task.test) == 60
    with pytest.raises(UserError, match="runs code of that module; allow it with allow_code=True"):
        again(task)
    assert tasks.from_configuration(task.configuration(), allow_code=True).fingerprint == task.fingerprint


@pytest.mark.parametrize(
    ("text", "options", "error", "message"),
    [
        ("digit", {}, UserError, "unknown task 'digit'; did you mean 'digits'"),
        ("cifar100", {}, UserError, "did you mean 'cifar10'"),
        ("", {}, UserError, "unknown task ''"),
        ("no/such/folder", {}, UserError, "there is no"),
        ("nothing.npz", {}, UserError, "there is no"),
        ("cifar10", {}, UserError, "where is cifar10.*data_dir="),
        ("digits", {"splitseed": 1}, ConfigurationError, "digits has no option 'splitseed'; did you mean 'split_seed'"),
        ("no_such_module:task", {}, UserError, "cannot import 'no_such_module'"),
        ("my_own_data:tsk", {}, UserError, "has no 'tsk'; did you mean 'task'"),
        ("my_own_data:task", {"copy": 2}, ConfigurationError, "no option 'copy'; did you mean 'copies'"),
        ("my_own_data:number", {}, DataError, "gave a int; expected a Task"),
        ("my_own_data.py", {}, UserError, "a file of an unknown kind"),
    ],
)
def test_what_cannot_be_opened(module, text, options, error, message):
    with pytest.raises(error, match=message):
        tasks.open_task(text, **options)


@pytest.mark.parametrize(
    ("configuration", "message"),
    [
        ({"task": "cifar", "arguments": {}}, "unknown task 'cifar'; did you mean 'cifar10'"),
        ({"task": "digits"}, "a task's configuration is"),
        ({}, "a task's configuration is"),
        ({"task": "digits", "arguments": {"seed": 3}}, "no option 'seed'"),
        ({"task": "mnist", "arguments": {}}, "missing a required argument: 'path'"),
        (tasks.arrays(X, Y).configuration(), "data in memory"),
    ],
)
def test_configurations_that_cannot_be(configuration, message):
    with pytest.raises(UserError, match=message):
        tasks.from_configuration(configuration)


@pytest.mark.parametrize("name", ["task", "pair", "items", "loader", "Numbers", "listed"])
def test_code_in_a_file_that_is_named_by_its_path(tmp_path, name):
    folder = tmp_path / "my data"
    folder.mkdir()
    (folder / "numbers.py").write_text(
        "import numpy as np, torch, netwright as nw\n"
        "from torch.utils.data import DataLoader, Dataset, TensorDataset\n"
        "X, Y = np.random.default_rng(0).normal(size=(60, 4)).astype('f4'), np.arange(60) % 3\n"
        "def task(): return nw.tasks.arrays(X, Y)\n"
        "pair, listed = (X, Y), [X, Y]\n"
        "items = TensorDataset(torch.from_numpy(X), torch.from_numpy(Y))\n"
        "loader = DataLoader(items, batch_size=7, shuffle=True)\n"
        "class Numbers(Dataset):\n"
        "    def __len__(self): return 60\n"
        "    def __getitem__(self, i): return items[i]\n"
    )
    opened = tasks.open_task(f"{folder / 'numbers.py'}:{name}")
    assert opened.shape.input == (4,) and len(opened.train) + len(opened.test) == 60
    again = tasks.from_configuration(opened.configuration(), allow_code=True)
    assert again.fingerprint == opened.fingerprint


@pytest.mark.parametrize(
    ("body", "name", "message"),
    [
        ("task = (", "task", "cannot import .* SyntaxError"),
        ("1 / 0", "task", "cannot import .* ZeroDivisionError: division by zero"),
        ("task = 5", "tsk", "has no 'tsk'; did you mean 'task'"),
        ("import torch\ntask = torch.utils.data.Dataset", "task", "gave a Dataset|is empty|item 0 raises"),
        ("class Own:\n    def __init__(self, path): pass", "Own", "missing a required argument: 'path'"),
        ("from netwright.tasks import Task as Own", "Own", "missing a required argument"),
    ],
)
def test_code_that_gives_no_task(tmp_path, body, name, message):
    (tmp_path / "own_code.py").write_text(body)
    with pytest.raises((DataError, UserError), match=message):
        tasks.open_task(f"{tmp_path / 'own_code.py'}:{name}")
    with pytest.raises(UserError, match=r"did you mean .*own_code\.py"):
        tasks.open_task(f"{tmp_path / 'own_cod.py'}:{name}")


@pytest.mark.parametrize(
    ("name", "begins", "message"),
    [
        ("a.csv", b"PK\x03\x04", "is a zip archive, such as an Excel workbook; save the sheet as CSV"),
        ("a.xlsx", b"PK\x03\x04", "is a zip archive, such as an Excel workbook; save"),
        ("a.ts", b"PK\x03\x04", "is a zip archive"),
        ("a.npy", b"\x93NUMPY", r"is a single array \(.npy\); save it with what is asked for as .npz"),
        ("a.tsv", b"\xef\xbb\xbf <!DOCTYPE html>", "is a web page or XML"),
        ("a.csv", b'[{"a": 1}]', "is JSON"),
        ("a.txt", b"\x89PNG", "is a PNG image"),
        ("a.bin", b"12", "is a file of an unknown kind; expected"),
    ],
)
def test_a_file_that_is_something_else_than_its_name_says(tmp_path, name, begins, message):
    (tmp_path / name).write_bytes(begins + bytes(20))
    with pytest.raises((DataError, UserError), match=message):
        tasks.open_task(str(tmp_path / name))


def _database() -> bytes:
    connection = sqlite3.connect(":memory:")
    connection.execute("create table a (b)")
    return connection.serialize()


def _array() -> bytes:
    np.save(file := io.BytesIO(), np.zeros(3))
    return file.getvalue()


def _picture(kind: str) -> bytes:
    Image.new("L", (4, 4)).save(file := io.BytesIO(), kind)
    return file.getvalue()


@pytest.mark.parametrize(
    ("written", "message"),
    [
        (lambda: gzip.compress(b"a,b"), "packed by gzip; unpack it first"),
        (lambda: bz2.compress(b"a,b"), "packed by bzip2"),
        (lambda: lzma.compress(b"a,b"), "packed by xz"),
        (_database, "an SQLite database; save what it holds as CSV"),
        (_array, r"a single array \(.npy\)"),
        (lambda: _picture("PNG"), "a PNG image"),
        (lambda: _picture("JPEG"), "a JPEG image"),
        (lambda: _picture("PDF"), "a PDF document"),
        (lambda: b"PAR1" + bytes(9) + b"PAR1", "a Parquet file"),  # begins and ends so: parquet.apache.org
        (lambda: b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n", "git lfs pull"),
        (lambda: b"@RELATION iris\n@ATTRIBUTE a NUMERIC\n@DATA\n1\n", "an ARFF file"),
    ],
)
def test_a_table_that_was_written_by_something_else(tmp_path, written, message):
    (tmp_path / "a.csv").write_bytes(written())
    with pytest.raises(DataError, match=message):
        tasks.open_task(str(tmp_path / "a.csv"))


def test_a_test_table_that_is_something_else(tmp_path):
    (tmp_path / "b.csv").write_text("size,kind\n" + "".join(f"{i},{'ab'[i % 2]}\n" for i in range(20)))
    (tmp_path / "c.csv").write_bytes(b"PK\x03\x04")
    with pytest.raises(DataError, match=r"c.csv is a zip archive"):
        tasks.open_task(str(tmp_path / "b.csv"), target="kind", test=str(tmp_path / "c.csv"))


def test_a_web_page_is_a_text_and_any_file_has_bytes(tmp_path):
    (tmp_path / "page.txt").write_text("<html>" + "to be or not to be " * 100)
    assert tasks.open_task(str(tmp_path / "page.txt")).problem.continues
    (tmp_path / "picture.txt").write_bytes(b"\x89PNG" + bytes(range(256)) * 20)
    assert tasks.open_task(str(tmp_path / "picture.txt"), tokens="bytes").problem.continues

"""CIFAR-10 in each of its forms gives the same task."""

import io
import pickle
import tarfile

import numpy as np
import pytest
from small_files import Runs, old_pickle

from netwright import tasks
from netwright.core.errors import DataError, UserError

NAMES = [*(f"data_batch_{i}" for i in range(1, 6)), "test_batch"]


@pytest.fixture
def batches(rng):
    return {name: (rng.integers(0, 256, (20, 3072), dtype=np.uint8), np.arange(20) % 10) for name in NAMES}


def as_binary(data, labels):
    return np.concatenate([labels[:, None].astype(np.uint8), data], axis=1).tobytes()


def as_old_python(data, labels):
    return old_pickle(data, labels.tolist(), [b"image.png"] * len(labels))


def as_new_python(data, labels):
    return pickle.dumps({b"data": data, b"labels": labels.tolist()})


FORMS = {"binary": (as_binary, ".bin"), "python 2": (as_old_python, ""), "python 3": (as_new_python, "")}


def files_of(batches, form):
    write, ending = FORMS[form]
    return {f"{name}{ending}": write(*batch) for name, batch in batches.items()}


def write_folder(folder, files):
    folder.mkdir(parents=True, exist_ok=True)
    for name, body in files.items():
        (folder / name).write_bytes(body)
    return folder


def write_archive(path, files):
    with tarfile.open(path, "w:gz") as archive:
        for name, body in files.items():
            member = tarfile.TarInfo(f"cifar-10/{name}")
            member.size = len(body)
            archive.addfile(member, io.BytesIO(body))
    return path


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("where", ["folder", "parent", "archive", "archive in folder"])
def test_every_form_gives_the_same_task(tmp_path, batches, form, where):
    files = files_of(batches, form)
    version = "binary" if form == "binary" else "python"
    if where == "folder":
        path = write_folder(tmp_path, files)
    elif where == "parent":
        write_folder(tmp_path / ("cifar-10-batches-bin" if version == "binary" else "cifar-10-batches-py"), files)
        path = tmp_path
    else:
        path = write_archive(tmp_path / f"cifar-10-{version}.tar.gz", {**files, "readme.html": b"text"})
        path = path.parent if where.endswith("folder") else path
    task = tasks.cifar10(path)
    data = np.concatenate([batches[name][0] for name in NAMES[:5]]).reshape(-1, 3, 32, 32)
    assert np.array_equal(task.train.inputs.numpy(), data)
    assert np.array_equal(task.test.inputs.numpy().reshape(20, -1), batches["test_batch"][0])
    assert task.test.targets.tolist() == batches["test_batch"][1].tolist()
    assert task.class_names[:2] == ("airplane", "automobile")
    assert task.augmentation.flip and task.augmentation.padding == 4


def test_packed_images(packed_folder):
    folder, decoded = packed_folder
    task = tasks.cifar10(folder)
    assert np.array_equal(task.train.inputs.numpy(), decoded["train"]) and task.class_names[9] == "truck"
    assert tasks.cifar10(folder / "train.npz").fingerprint == task.fingerprint


def test_a_limit_decodes_only_what_is_kept(packed_folder):
    folder, _ = packed_folder
    task = tasks.cifar10(folder, limit=0.5)
    assert len(task.train) == 20 and np.bincount(task.train.targets).tolist() == [2] * 10 and len(task.test) == 20


def test_a_limit_on_the_official_files(tmp_path, batches):
    task = tasks.cifar10(write_folder(tmp_path, files_of(batches, "binary")), limit=30)
    assert np.bincount(task.train.targets).tolist() == [3] * 10
    assert "limit: 30 of 100 training examples kept, 20 of 20 test examples" in task.notes


def test_a_dangerous_batch_is_refused_and_nothing_runs(tmp_path, batches):
    import os

    files = files_of(batches, "python 3")
    files["data_batch_3"] = pickle.dumps(Runs(os.system, f"touch {tmp_path / 'ran'}"))
    with pytest.raises(DataError, match=r"data_batch_3: unsafe pickle refused: global \w+\.system"):
        tasks.cifar10(write_folder(tmp_path, files))
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    ("form", "name", "body", "message"),
    [
        ("binary", "data_batch_2.bin", b"", "data_batch_2.bin is damaged: 0 bytes"),
        ("binary", "data_batch_2.bin", bytes(3074), "no multiple of 3,073"),
        ("binary", "test_batch.bin", b"\x0a" + bytes(3072), "the label 10"),
        ("binary", "data_batch_5.bin", None, "lacks data_batch_5"),
        ("python 3", "test_batch", pickle.dumps([1]), "holds list; expected a dictionary"),
        ("python 3", "test_batch", pickle.dumps({"fine_labels": [1]}), "holds fine_labels; expected data and labels"),
        ("python 3", "test_batch", pickle.dumps({"data": np.zeros((2, 9), np.uint8), "labels": [0, 1]}), r"\(2, 9\)"),
        ("python 3", "test_batch", pickle.dumps({"data": [1], "labels": [0, "a"]}), "must be an array"),
        ("python 3", "test_batch", b"garbage", "no pickle that can be read"),
    ],
)
def test_damaged_and_missing_batches(tmp_path, batches, form, name, body, message):
    folder = write_folder(tmp_path, files_of(batches, form))
    (folder / name).unlink()
    if body is not None:
        (folder / name).write_bytes(body)
    with pytest.raises(DataError, match=message):
        tasks.cifar10(folder)


def test_damaged_archives(tmp_path, batches):
    path = write_archive(tmp_path / "cifar-10-binary.tar.gz", files_of(batches, "binary"))
    path.write_bytes(path.read_bytes()[:-5000])
    with pytest.raises(DataError, match="archive, or is damaged"):
        tasks.cifar10(path)
    path.write_bytes(b"text")
    with pytest.raises(DataError, match="archive, or is damaged"):
        tasks.cifar10(path)
    write_archive(path, {"readme": b"text"})
    with pytest.raises(DataError, match="holds no CIFAR-10 batches"):
        tasks.cifar10(path)


def test_links_in_an_archive_lead_nowhere(tmp_path):
    with tarfile.open(tmp_path / "a.tar.gz", "w:gz") as archive:
        member = tarfile.TarInfo("data_batch_1.bin")
        member.type, member.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(member)
    with pytest.raises(DataError, match="holds no CIFAR-10 batches"):
        tasks.cifar10(tmp_path / "a.tar.gz")


def test_folders_without_cifar(tmp_path):
    with pytest.raises(DataError, match=r"holds no CIFAR-10; expected .*found nothing"):
        tasks.cifar10(tmp_path)
    (tmp_path / "photo.jpg").write_bytes(b"")
    with pytest.raises(DataError, match=r"found photo\.jpg"):
        tasks.cifar10(tmp_path)
    with pytest.raises(UserError, match="there is no"):
        tasks.cifar10(tmp_path / "missing")
    np.savez(tmp_path / "train.npz", x=np.zeros(3))
    np.savez(tmp_path / "test.npz", x=np.zeros(3))
    with pytest.raises(DataError, match="expected data, offsets and labels"):
        tasks.cifar10(tmp_path)

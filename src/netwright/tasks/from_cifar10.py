"""CIFAR-10 (Krizhevsky 2009): the official files in both versions, or as packed JPEG."""

from __future__ import annotations

import os
import tarfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from netwright.core import blocks
from netwright.core.errors import DataError
from netwright.core.kinds import kinds_checked
from netwright.core.task import Augmentation
from netwright.core.wording import listed
from netwright.tasks import pickled_arrays
from netwright.tasks.archives import Arrays
from netwright.tasks.building import Prepared, build
from netwright.tasks.from_npz import packed_task
from netwright.tasks.given_paths import existing
from netwright.tasks.packed import is_packed
from netwright.tasks.raw_inputs import Pictures, own_array
from netwright.tasks.remaking import remakeable
from netwright.tasks.splits import limited
from netwright.tasks.task import Task

CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
_RECORD = 3073  # a label and 3 x 32 x 32 pixels
_LARGEST = 64 << 20
_TRAIN = [f"data_batch_{i}" for i in range(1, 6)]
_FOLDERS = ("", "cifar-10-batches-bin", "cifar-10-batches-py")
_ARCHIVES = ("cifar-10-binary.tar.gz", "cifar-10-python.tar.gz")

Files = dict[str, bytes]
Split = tuple[NDArray[np.uint8], NDArray[np.int64]]


@remakeable("cifar10")
@kinds_checked
def cifar10(
    path: str | os.PathLike[str],
    *,
    limit: int | float | None = None,
    augmentation: Augmentation | None = None,
    skip_bad: bool | float | str = False,
    split_seed: int = 0,
) -> Task:
    """CIFAR-10 from a folder or .tar.gz of the official binary or Python version, or of packed train.npz and test.npz.

    limit: keep a stratified part, as a number of training images or a share; of the test split the same share is kept,
        but at least 1,000; JPEG images that are not kept are not decoded.
    skip_bad: leave out images that cannot be decoded, up to 1 %. The default augmentation mirrors, and shifts by up to
        four pixels (He et al. 2016). The Python version is read without unpickling. Raises UserError for a missing path
        and DataError for files that are missing, damaged or foreign.
    path: of the folder or archive.
    augmentation: in place of the default one.
    split_seed: chooses what `limit` keeps.
    """
    place = existing(path, "any", "CIFAR-10: a folder, or a .tar.gz file")
    augmentation = augmentation or Augmentation(flip=True, padding=4)
    packed = _packed(place)
    if packed is not None:
        train, test = packed
        classes = None if "classes" in train.keys else CLASSES
        return packed_task(
            "cifar10",
            train,
            test,
            classes=classes,
            augmentation=augmentation,
            skip_bad=skip_bad,
            limit=limit,
            split_seed=split_seed,
        )
    x, y, x_test, y_test = (*_joined(_official(place), place),)
    notes: tuple[str, ...] = ()
    if limit is not None:
        chosen, chosen_test, notes = limited(y, y_test, limit, split_seed)
        x, y, x_test, y_test = x[chosen], y[chosen], x_test[chosen_test], y_test[chosen_test]
    return build(
        "cifar10",
        Prepared(x, y),
        Prepared(x_test, y_test),
        CLASSES,
        augmentation=augmentation,
        notes=notes,
        preparation=Pictures((3, 32, 32), own_array(x_test)),
    )


def _packed(place: Path) -> tuple[Arrays, Arrays] | None:
    folder = place.parent if place.name == "train.npz" else place
    if not (folder / "train.npz").is_file():
        return None
    train, test = Arrays(folder / "train.npz"), Arrays(folder / "test.npz")
    for each in (train, test):
        if not is_packed(each):
            raise DataError(f"{each.path} holds the arrays {', '.join(each.keys)}; expected data, offsets and labels")
    return train, test


def _official(place: Path) -> Files:
    """The contents of the official files by name without ending, from a folder or an archive."""
    if place.is_file():
        return _from_archive(place)
    for folder in (place / each for each in _FOLDERS):
        files = {name: folder / name for name in _wanted() if (folder / name).is_file()}
        if files:
            return _read(files.items(), lambda path: path.read_bytes(), lambda path: path.stat().st_size)
    for archive in (place / each for each in _ARCHIVES):
        if archive.is_file():
            return _from_archive(archive)
    found = sorted(each.name for each in place.iterdir())
    raise DataError(
        f"{place} holds no CIFAR-10; expected data_batch_1.bin to data_batch_5.bin and test_batch.bin, the same "
        "without .bin (Python version), one of "
        + ", ".join(_ARCHIVES)
        + ", or train.npz and test.npz; found "
        + (listed(found, 6) or "nothing")
    )


def _wanted() -> Iterator[str]:
    for name in (*_TRAIN, "test_batch"):
        yield name
        yield f"{name}.bin"


def _from_archive(path: Path) -> Files:
    """The batches of an archive, read in memory: no member is ever written to disk."""
    wanted = set(_wanted())
    try:
        with tarfile.open(path, "r:*") as archive:
            files: Files = {}
            for member in archive:
                name = PurePosixPath(member.name).name
                body = archive.extractfile(member) if member.isfile() and name in wanted else None
                if body is not None:
                    files |= _read([(name, body)], lambda file: file.read(), lambda _, size=member.size: size)
    except (tarfile.TarError, OSError, EOFError, zlib.error) as problem:
        raise DataError(f"{path} cannot be read as an archive, or is damaged: {problem}") from None
    if not files:
        raise DataError(f"{path} holds no CIFAR-10 batches; expected data_batch_1 to data_batch_5 and test_batch")
    return files


def _read(files: Any, contents: Callable[[Any], bytes], size: Callable[[Any], int]) -> Files:
    read: Files = {}
    for name, source in files:
        if size(source) > _LARGEST:
            raise DataError(f"{name} has {size(source):,} bytes; a CIFAR-10 batch has about 31,000,000")
        read[name] = contents(source)
    return read


def _joined(files: Files, place: Path) -> Iterator[NDArray[Any]]:
    batches: dict[str, Split] = {}
    for name, body in files.items():
        batch = name.removesuffix(".bin")
        batches[batch] = _binary(body, name) if name.endswith(".bin") else _python(body, name)
    missing = [name for name in (*_TRAIN, "test_batch") if name not in batches]
    if missing:
        raise DataError(f"{place} lacks {', '.join(missing)} of CIFAR-10")
    for part in (_TRAIN, ["test_batch"]):
        yield _in_one_block([batches[name][0] for name in part])
        yield np.concatenate([batches[name][1] for name in part])


def _in_one_block(parts: Sequence[NDArray[np.uint8]]) -> NDArray[np.uint8]:
    """One array in memory that worker processes can map."""
    shape = (sum(map(len, parts)), *parts[0].shape[1:])
    return np.concatenate(parts, out=blocks.empty(shape, np.uint8))


def _binary(body: bytes, name: str) -> Split:
    if not body or len(body) % _RECORD:
        raise DataError(f"{name} is damaged: {len(body):,} bytes are no multiple of {_RECORD:,} (a label and an image)")
    records = np.frombuffer(body, np.uint8).reshape(-1, _RECORD)
    return records[:, 1:].reshape(-1, 3, 32, 32), _checked(records[:, 0].astype(np.int64), name)


def _python(body: bytes, name: str) -> Split:
    content = pickled_arrays.read(body, name)
    if not isinstance(content, dict):
        raise DataError(f"{name} holds {type(content).__name__}; expected a dictionary with data and labels")
    entries = {key.decode("latin-1") if isinstance(key, bytes) else str(key): each for key, each in content.items()}
    if not {"data", "labels"} <= set(entries):
        raise DataError(f"{name} holds {', '.join(entries) or 'nothing'}; expected data and labels")
    data, given = entries["data"], entries["labels"]
    if not isinstance(data, np.ndarray) or not isinstance(given, list) or any(type(each) is not int for each in given):
        raise DataError(f"{name}: data must be an array and labels a list of whole numbers")
    labels = np.array(given)
    if data.dtype != np.uint8 or data.ndim != 2 or data.shape[1] != _RECORD - 1 or labels.shape != data.shape[:1]:
        raise DataError(
            f"{name}: data {data.shape} of {data.dtype}, labels {labels.shape}; expected (n, 3072) of uint8 and (n,)"
        )
    return data.reshape(-1, 3, 32, 32), _checked(labels.astype(np.int64), name)


def _checked(labels: NDArray[np.int64], name: str) -> NDArray[np.int64]:
    if len(labels) and (labels.min() < 0 or labels.max() > 9):
        raise DataError(f"{name} holds the label {labels.max()}; those of CIFAR-10 are 0 to 9")
    return labels

"""The handwritten digits that come with scikit-learn: 1,797 images of 8x8 pixels (Alpaydin and Kaynak 1998)."""

from __future__ import annotations

import gzip
import importlib.util
from pathlib import Path

import numpy as np

from netwright.core.kinds import kinds_checked
from netwright.core.preparation import Preparation
from netwright.core.task import Augmentation
from netwright.tasks.building import Prepared, build
from netwright.tasks.portable import images
from netwright.tasks.portable.arrays import as_tensor
from netwright.tasks.raw_inputs import Pictures, own_array
from netwright.tasks.remaking import remakeable
from netwright.tasks.splits import Indices, limited
from netwright.tasks.task import Task

FILE = "datasets/data/digits.csv.gz"  # in scikit-learn's folder
_SCALE = (0.0, 255 / 16)


def _table() -> tuple[np.ndarray, np.ndarray]:
    """float64 (1797, 64) pixels and (1797,) digits: scikit-learn's own file, read without what scikit-learn imports."""
    package = importlib.util.find_spec("sklearn")
    path = Path(package.origin or "").parent / FILE if package is not None else Path(FILE)
    if not path.is_file():  # a release that keeps it elsewhere
        from sklearn.datasets import load_digits

        values, labels = load_digits(return_X_y=True)
        return np.asarray(values), np.asarray(labels)
    with gzip.open(path, "rt") as file:
        table = np.loadtxt(file, delimiter=",")
    return np.ascontiguousarray(table[:, :-1]), table[:, -1]


@remakeable("digits")
@kinds_checked
def digits(
    *,
    limit: int | float | None = None,
    test_share: float = 0.1,
    split_seed: int = 0,
    augmentation: Augmentation | None = None,
) -> Task:
    """scikit-learn's built-in digits as uint8 images (1, 8, 8): needs no file and no network connection.

    Values 0..16 are stored as 0..255. Nothing is mirrored by default, since digits have no mirror image.

    limit: keep a stratified part, as a number of examples or a share, before the test split is set aside.
    test_share: of each class that is set aside for the test.
    split_seed: chooses which.
    augmentation: none unless given.
    """
    values, labels = _table()
    raw = values.reshape(-1, 8, 8)
    codes = labels.astype(np.int64)
    notes: tuple[str, ...] = ()
    if limit is not None:
        chosen, _, notes = limited(codes, None, limit, split_seed)
        raw, codes = raw[chosen], codes[chosen]

    def preparation(places: Indices | None) -> Preparation:
        return Pictures((1, 8, 8), own_array(raw, places), scale=_SCALE)

    return build(
        "digits",
        Prepared(images.scaled(images.moved(as_tensor(raw), "channels-first"), _SCALE).numpy(), codes),
        None,
        [str(digit) for digit in range(10)],
        augmentation=augmentation or Augmentation(),
        notes=notes,
        test_share=test_share,
        split_seed=split_seed,
        preparation=preparation,
    )

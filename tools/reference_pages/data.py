"""The page of data: what is read, how it is named, and with which options."""

from __future__ import annotations

from netwright import tasks
from netwright.cli.flags import FLAGS
from reference_pages.docstrings import lines, parameters
from reference_pages.markdown import code, entry, page, table

SHAPES = (
    ("`digits`", "tasks.digits", "scikit-learn's 1,797 digits of 8x8, built in"),
    ("a folder with `labels.csv`", "tasks.image_table", "a table of image files with a class, labels or numbers each"),
    ("a folder", "tasks.image_folder", "class folders of images, also in `train/`, `val/` and `test/`"),
    ("a folder with `images/` and `masks/`", "tasks.mask_folder", "images with a mask each: a class for every pixel"),
    ("`.npz`", "tasks.npz", "arrays `x` and `y`, `y` masks, too, or packed JPEG images"),
    (
        "`.csv`, `.tsv`, `.txt`, `.data`",
        "tasks.csv",
        "a text table with a column of classes, labels or numbers, or several",
    ),
    ("`.txt` that is no table", "tasks.text", "a text, whose next character, word or byte is asked for"),
    (
        "`.csv` with `--text-column`",
        "tasks.text_table",
        "a table with a text and a class, labels or a number in each row",
    ),
    ("a folder of `.txt` files", "tasks.text_folders", "class folders of texts, also in `train/` and `test/`"),
    (
        "`.ts`; `.npz` with series; `.csv` with `--data-option series=COLUMN`",
        "tasks.series",
        "series with a class or numbers each",
    ),
    ("`.csv` with `--data-option horizon=N`", "tasks.forecast", "a series whose next values are asked for"),
    ("`cifar10` with `--data-dir`", "tasks.cifar10", "the official binary or Python version, or packed `.npz` files"),
    ("`mnist` with `--data-dir`", "tasks.mnist", "four IDX files, plain or `.gz`, or `mnist.npz`; Fashion-MNIST alike"),
    ("`module:name`, `file.py:name`", "tasks.dataset", "a data set of PyTorch's, `(x, y)`, or what makes one"),
    ("only from Python", "tasks.arrays", "NumPy arrays, tensors, lists"),
)


def data_page() -> str:
    readers = [name.partition(".")[2] for _, name, _ in SHAPES]
    return page(
        "Data",
        "What becomes of each kind of value is in [images, arrays and data sets](../images-and-arrays.md), "
        "[tables](../tables-of-data.md), [masks](../masks.md), [texts](../text.md) and [series](../series.md). "
        "Data that cannot be used ends a command with exit code 5 and a line that "
        "says where.",
        table(["on the command line", "from Python", "what it is"], [[a, code(f"nw.{b}"), c] for a, b, c in SHAPES]),
        "## Options on the command line",
        table(["option", "in Python", "applies to", "meaning"], _flags(readers)),
        *(entry(f"`nw.tasks.{name}`", getattr(tasks, name), level=2) for name in readers),
        entry("`nw.tasks.open_task`", tasks.open_task, level=2),
        entry("`nw.tasks.Augmentation`", tasks.Augmentation, level=2),
        entry("`nw.Task`", tasks.Task, level=2),
    )


def _flags(readers: list[str]) -> list[list[str]]:
    """Each option of the command line that a reader takes, with the readers that know it."""
    rows = []
    for name, flag in sorted(FLAGS.items(), key=lambda pair: pair[1]):
        knowing = [
            each for each in readers if name in parameters(getattr(tasks, each)) and each not in ("arrays", "dataset")
        ]
        if name == "test":
            knowing = [each for each in knowing if each in ("csv", "npz", "text", "text_table", "series")]
        if knowing:
            rows.append([code(flag), code(name), ", ".join(knowing), _said(name, knowing)])
    return rows


def _said(option: str, readers: list[str]) -> str:
    """What an option means: as the table's reader says it, else the first one that does not point to another."""
    first = sorted(readers, key=lambda each: each != "csv")
    told = [lines(getattr(tasks, each)).get(option, "") for each in first]
    return next((each for each in told if each and not each.startswith("as ")), told[0])

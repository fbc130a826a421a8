"""Images that a table names: classes, labels and numbers, and what is refused."""

import unicodedata

import numpy as np
import pytest
from PIL import Image

from netwright import tasks
from netwright.core.errors import DataError, UserError
from netwright.core.task import Augmentation
from netwright.problems import Classification, Regression, SeveralLabels

BRIGHT = np.random.default_rng(2).permutation(60) * 4


@pytest.fixture
def photos(tmp_path):
    """60 grey pictures, each of one brightness, and a function that writes the table that names them."""
    folder = tmp_path / "photos"
    (folder / "images").mkdir(parents=True)
    for i, value in enumerate(BRIGHT.tolist()):
        Image.new("L", (6, 6), value).save(folder / "images" / f"p{i}.png")

    def write(columns, ending=".png", names=None):
        names = [f"p{i}{ending}" for i in range(60)] if names is None else names
        lines = [",".join(("file", *columns))]
        lines += [
            ",".join((name, *map(str, row)))
            for name, row in zip(names, zip(*columns.values(), strict=True), strict=True)
        ]
        (folder / "labels.csv").write_text("\n".join(lines) + "\n")
        return folder

    return write


@pytest.mark.parametrize("ending", [".png", ""])
def test_numbers_of_images(photos, ending):
    folder = photos({"brightness": BRIGHT + 0.5}, ending)
    task = tasks.open_task(str(folder))
    assert isinstance(task.problem, Regression) and task.problem.names == ("brightness",)
    assert task.shape.input == (1, 6, 6) and task.augmentation == Augmentation()
    for examples in (task.train, task.test):
        found = task.problem.in_units(examples.targets)[:, 0]
        assert np.allclose(found, examples.inputs[:, 0, 0, 0].double() + 0.5)
    if ending:
        assert tasks.open_task(str(folder / "labels.csv")).fingerprint == task.fingerprint
    assert tasks.from_configuration(task.configuration()).fingerprint == task.fingerprint
    (first,) = task.preparation.own_files(1, folder)
    with Image.open(first) as image:
        assert image.getpixel((0, 0)) == int(task.test.inputs[0, 0, 0, 0])


@pytest.mark.parametrize("encoding", ["utf-8-sig", "cp1252", "utf-16"])
@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_names_with_umlauts_in_any_encoding(photos, encoding, form):
    folder = photos({"brightness": BRIGHT + 0.5}, names=[f"übung {i}.png" for i in range(60)])
    for i in range(60):
        (folder / "images" / f"p{i}.png").rename(folder / "images" / unicodedata.normalize(form, f"übung {i}.png"))
    table = folder / "labels.csv"
    table.write_bytes(table.read_text(encoding="utf-8").encode(encoding))
    assert len(tasks.open_task(str(folder)).train) == 54


def test_classes_and_labels_of_images(photos):
    folder = photos(
        {"kind": np.where(BRIGHT > 100, "light", "dark"), "tags": ["a|b" if b > 60 else "a" for b in BRIGHT]}
    )
    with pytest.raises(UserError, match=r"which column of labels.csv is the target\?.*kind, tags"):
        tasks.open_task(str(folder))
    task = tasks.open_task(str(folder), target="kind", class_weights="balanced")
    assert isinstance(task.problem, Classification) and task.class_names == ("dark", "light")
    assert task.augmentation.flip and task.problem.class_weights is not None
    labels = tasks.image_table(folder, target="tags", separator="|").problem
    assert isinstance(labels, SeveralLabels) and labels.label_names == ("a", "b")


def test_groups_time_and_a_limit(photos):
    columns = {"value": BRIGHT / 7, "camera": [f"c{i % 6}" for i in range(60)], "day": np.arange(60)[::-1]}
    folder = photos(columns)
    task = tasks.image_table(folder, target="value", group_column="camera", limit=48)
    assert len(task.train) + len(task.test) == 48 and len(np.unique(task.groups)) == 5
    later = tasks.image_table(folder, target="value", time_column="day")
    assert np.allclose(later.problem.in_units(later.test.targets)[:, 0], (BRIGHT / 7)[5::-1])


def test_an_image_that_is_not_there_is_named_with_its_line(photos):
    names = [f"p{i}.png" for i in range(60)]
    folder = photos({"value": BRIGHT / 7}, names=[*names[:3], "q3.png", *names[4:]])
    with pytest.raises(DataError, match=r"labels.csv names 1 images that are not in .*\(line 5: 'q3.png'\)"):
        tasks.image_table(folder)
    with pytest.raises(UserError, match=r"holds no table that names images; expected labels.csv"):
        tasks.image_table(folder / "images")


def test_class_folders_with_a_table_beside_them_stay_class_folders(tmp_path):
    for kind in ("cats", "dogs"):
        (tmp_path / kind).mkdir()
        for i in range(5):
            Image.new("L", (4, 4), 20 * i + (kind == "cats")).save(tmp_path / kind / f"{i}.png")
    (tmp_path / "labels.csv").write_text("file,kind\n0.png,x\n")
    assert tasks.open_task(str(tmp_path)).class_names == ("cats", "dogs")
    weighted = tasks.image_folder(tmp_path, class_weights="1,3")
    assert weighted.problem.class_weights == (1, 3)


def test_tables_of_the_users_own_to_test_and_validate_on(photos, tmp_path):
    folder = photos({"brightness": BRIGHT + 0.5, "patient": np.arange(60) // 2})
    lines = (folder / "labels.csv").read_text().splitlines()
    tables = {"labels": lines[1:41], "other": lines[41:53], "tested": lines[53:]}
    for name, own in tables.items():
        (folder / f"{name}.csv").write_text("\n".join([lines[0], *own]) + "\n")
    options = {"target": "brightness", "test": str(folder / "tested.csv"), "validation": str(folder / "other.csv")}
    task = tasks.open_task(str(folder), group_column="patient", **options)
    found = [task.problem.in_units(each.targets)[:, 0].numpy() for each in (task.train, task.test)]
    assert np.allclose(found[0], BRIGHT[:52] + 0.5) and np.allclose(found[1], BRIGHT[52:] + 0.5)
    assert task.validation.tolist() == list(range(40, 52)) and len(set(task.groups.tolist())) == 20 + 12
    assert task.test.inputs[:, 0, 0, 0].tolist() == BRIGHT[52:].tolist()
    files = task.preparation.own_files(8, tmp_path)
    assert [each.name for each in files] == [f"p{i}.png" for i in range(52, 60)]
    assert tasks.from_configuration(task.configuration()).fingerprint == task.fingerprint
    (folder / "tested.csv").write_text("file,bright\np1.png,3\n")
    with pytest.raises(DataError, match=r"tested\.csv has no column 'brightness'; did you mean 'bright'"):
        tasks.open_task(str(folder), **options)

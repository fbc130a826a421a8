"""What `model.py` answers to raw test files, judged by scikit-learn, gives the score that netwright reports."""

import json

import numpy as np
import pytest
import torch
from PIL import Image
from sklearn import metrics
from written_model import exported

from netwright.spaces import EncoderDecoder, Mlp, Series, Texts
from netwright.tasks import mask_folder, open_task, text_table
from netwright.training import evaluate

COUNT = 60
FURTHER = {
    "classes": ("f1_macro", "f1_weighted", "precision_macro", "auroc", "log_loss", "cohen_kappa", "mcc"),
    "labels": ("auroc", "auroc_micro"),
}


def reported(task, network, kind=""):
    """Each metric on the test split, as a report states it."""
    data = task.measuring(*FURTHER.get(kind, ())).final_data()
    return evaluate(network, data.held_out, data)


def answered(module, capsys, *arguments):
    assert module.main([*map(str, arguments), "--json"]) == 0
    return [json.loads(each) for each in capsys.readouterr().out.splitlines()]


def table(folder, columns, seed):
    """A table of two features and what is asked for; the classes are of unlike size."""
    draws = np.random.default_rng(seed)
    a, b = draws.normal(size=(2, COUNT)).round(4)
    own = {
        "kind": [("low", "middle", "high")[each] for each in np.digitize(a + draws.normal(size=COUNT), [-0.5, 1])],
        "price": (100 + 20 * a - 5 * b).round(3),
        "rent": (3 + b * b).round(3),
        "tags": [
            ";".join(name for name, there in (("x", p > 0), ("y", q > 0.5)) if there) for p, q in zip(a, b, strict=True)
        ],
    }
    rows = zip(a, b, *(own[name] for name in columns), strict=True)
    path = folder / f"rows{seed}.csv"
    path.write_text("\n".join([f"a,b,{','.join(columns)}", *(",".join(map(str, row)) for row in rows)]) + "\n")
    return path, own


def tabled(folder, *columns):
    """The task of a table with a test table of its own, that file, and what stands in it."""
    test, truth = table(folder, columns, seed=2)
    task = open_task(str(table(folder, columns, seed=1)[0]), target=",".join(columns), test=str(test))
    return task, test, truth


def of_classes(task, answers, truth):
    """What scikit-learn says of classes and their probabilities."""
    told = [each["class"] for each in answers]
    names = list(task.class_names)
    shares = np.array([[each["probabilities"][name] for name in names] for each in answers])
    ordered = np.argsort(names)  # scikit-learn has classes in the order of their names
    shares, names = (shares / shares.sum(1, keepdims=True))[:, ordered], sorted(names)
    found = {
        "accuracy": metrics.accuracy_score(truth, told),
        "balanced_accuracy": metrics.balanced_accuracy_score(truth, told),
        "f1_macro": metrics.f1_score(truth, told, average="macro"),
        "f1_weighted": metrics.f1_score(truth, told, average="weighted"),
        "precision_macro": metrics.precision_score(truth, told, average="macro", zero_division=0),
        "log_loss": metrics.log_loss(truth, shares, labels=names),
        "cohen_kappa": metrics.cohen_kappa_score(truth, told),
        "mcc": metrics.matthews_corrcoef(truth, told),
    }
    two = len(names) == 2
    known = shares[:, 1] if two else shares
    return {**found, "auroc": metrics.roc_auc_score(truth, known, multi_class="raise" if two else "ovr", labels=names)}


def assert_same(found, expected):
    for name, value in expected.items():
        assert found[name] == pytest.approx(value, abs=2e-6), name


def test_a_table_of_classes(tmp_path, capsys):
    task, test, truth = tabled(tmp_path, "kind")
    module, network = exported(task, Mlp(), tmp_path)
    expected = of_classes(task, answered(module, capsys, test), truth["kind"])
    assert_same(reported(task, network, "classes"), expected)
    assert 0.1 < expected["accuracy"] < 0.95


def test_a_table_of_numbers(tmp_path, capsys):
    task, test, truth = tabled(tmp_path, "price", "rent")
    module, network = exported(task, Mlp(), tmp_path)
    told = np.array([list(each["numbers"].values()) for each in answered(module, capsys, test)])
    true = np.stack([truth["price"], truth["rent"]], 1)
    names = {"r2": "r2_score", "mae": "mean_absolute_error", "mape": "mean_absolute_percentage_error"}
    expected = {name: getattr(metrics, each)(true, told) for name, each in names.items()}
    expected["rmse"] = metrics.root_mean_squared_error(true, told)
    assert_same(reported(task, network), {name: pytest.approx(value, rel=1e-5) for name, value in expected.items()})


def test_a_table_of_labels(tmp_path, capsys):
    task, test, truth = tabled(tmp_path, "tags")
    module, network = exported(task, Mlp(), tmp_path)
    answers, names = answered(module, capsys, test), task.problem.label_names
    told = np.array([[name in each["labels"] for name in names] for each in answers])
    shares = np.array([[each["probabilities"][name] for name in names] for each in answers])
    true = np.array([[name in each.split(";") for name in names] for each in truth["tags"]])
    expected = {
        "mean_average_precision": metrics.average_precision_score(true, shares, average="macro"),
        "f1_macro": metrics.f1_score(true, told, average="macro"),
        "f1_micro": metrics.f1_score(true, told, average="micro"),
        "subset_accuracy": metrics.accuracy_score(true, told),
        "hamming_loss": metrics.hamming_loss(true, told),
        "auroc": metrics.roc_auc_score(true, shares, average="macro"),
        "auroc_micro": metrics.roc_auc_score(true, shares, average="micro"),
    }
    assert_same(reported(task, network, "labels"), expected)


def test_a_table_of_texts(tmp_path, capsys):
    draws, words = np.random.default_rng(0), np.array(["red", "green", "blue", "one", "two", "three"])
    rows = [f"{'up' if draws.random() < 0.4 else 'down'},{' '.join(draws.choice(words, 6))}" for _ in range(100)]
    for name, part in (("train", rows[:60]), ("test", rows[60:])):
        (tmp_path / f"{name}.csv").write_text("\n".join(["kind,text", *part]) + "\n")
    task = text_table(tmp_path / "train.csv", text="text", target="kind", test=tmp_path / "test.csv")
    module, network = exported(task, Texts(), tmp_path)
    answers = answered(module, capsys, tmp_path / "test.csv")
    expected = of_classes(task, answers, [each.partition(",")[0] for each in rows[60:]])
    assert_same(reported(task, network, "classes"), expected)


@pytest.mark.parametrize("asked", ["kind", "amount"])
def test_series_with_classes_and_numbers(tmp_path, capsys, asked):
    draws = np.random.default_rng(0)
    kinds = draws.choice(["slow", "fast", "still"], 90)
    values = draws.normal(size=(90, 8)).round(3) + (kinds == "fast")[:, None]
    amounts = values.mean(1).round(3)
    for name, part in (("train", range(60)), ("test", range(60, 90))):
        rows = [f"s{i},{t},{values[i, t]},{(kinds if asked == 'kind' else amounts)[i]}" for i in part for t in range(8)]
        (tmp_path / f"{name}.csv").write_text("\n".join([f"id,time,a,{asked}", *rows]) + "\n")
    options = {"series": "id", "time_column": "time", "target": asked, "test": str(tmp_path / "test.csv")}
    task = open_task(str(tmp_path / "train.csv"), **options)
    module, network = exported(task, Series(), tmp_path)
    answers = answered(module, capsys, tmp_path / "test.csv")
    if asked == "kind":
        assert_same(reported(task, network, "classes"), of_classes(task, answers, kinds[60:]))
        return
    told = [next(iter(each["numbers"].values())) for each in answers]
    expected = {"r2": metrics.r2_score(amounts[60:], told), "mae": metrics.mean_absolute_error(amounts[60:], told)}
    assert_same(reported(task, network), expected)


def test_masks_of_whole_images(tmp_path, capsys):
    draws = np.random.default_rng(0)
    for part, count in (("train", 6), ("test", 3)):
        for i in range(count):
            mask = (draws.random((40, 52)) < 0.3).astype("u1") + (draws.random((40, 52)) < 0.1)
            for kind, values in (("images", mask * 60 + draws.integers(0, 70, mask.shape)), ("masks", mask)):
                (tmp_path / part / kind).mkdir(parents=True, exist_ok=True)
                Image.fromarray(values.astype("u1")).save(tmp_path / part / kind / f"{i}.png")
    task = mask_folder(tmp_path, tile=32)
    space = EncoderDecoder(channels=4)
    module, network = exported(task, space, tmp_path, space.sample(np.random.default_rng(0)))
    answered(module, capsys, tmp_path / "test" / "images", "--into", tmp_path / "told")
    told, true = (
        np.concatenate([np.array(Image.open(each)).ravel() for each in sorted(folder.glob("*.png"))])
        for folder in (tmp_path / "told", tmp_path / "test" / "masks")
    )
    expected = {
        "mean_iou": metrics.jaccard_score(true, told, average="macro"),
        "dice": metrics.f1_score(true, told, average="macro"),
        "pixel_accuracy": metrics.accuracy_score(true, told),
    }
    assert_same(reported(task, network), expected)
    assert len(true) == 3 * 40 * 52 and torch.isfinite(torch.tensor(list(expected.values()))).all()

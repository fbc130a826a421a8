"""Classes, labels and numbers, told apart by what arrays hold, or as the user says."""

import numpy as np
import pytest
import torch

from netwright import tasks
from netwright.core.errors import DataError, UserError
from netwright.problems import Classification, Regression, SeveralLabels

DRAWS = np.random.default_rng(3)
X = DRAWS.standard_normal((120, 4))
NUMBERS = X[:, 0] * 1e3 + 1e6
PAIRS = np.stack([NUMBERS, X[:, 1] * X[:, 2]], axis=1)
LABELS = (X[:, :3] > [0.0, 0.5, -0.5]).astype(np.int64)
CLASSES = np.arange(120) % 3
TEXTS = np.array(["|".join(name for name, there in zip("abc", row, strict=True) if there) for row in LABELS])
STARS = (np.arange(120) % 4 + 1) / 2


def in_units(task, examples):
    return task.problem.in_units(examples.targets).numpy()


@pytest.mark.parametrize(
    ("y", "kind"),
    [
        (NUMBERS, Regression),
        (NUMBERS[:, None], Regression),
        (NUMBERS.astype(np.float32), Regression),
        (np.round(NUMBERS), Regression),
        (np.round(NUMBERS).astype(int), Regression),
        (PAIRS, Regression),
        (LABELS, SeveralLabels),
        (LABELS.astype(float), SeveralLabels),
        (LABELS.astype(bool), SeveralLabels),
        (TEXTS, SeveralLabels),
        (CLASSES, Classification),
        (CLASSES.astype(float), Classification),
        (np.eye(3)[CLASSES], Classification),
        (np.array(["Rome, IT", "Oslo, NO", "Lima, PE"])[CLASSES], Classification),
        (np.array(["a|b", "c"])[CLASSES % 2], Classification),
        (CLASSES * 1000, Classification),
        (X[:, 0] > 0, Classification),
    ],
)
def test_what_is_asked_for_is_told_by_the_values(y, kind):
    task = tasks.arrays(X, y)
    assert isinstance(task.problem, kind)
    assert len(task.train) + len(task.test) == 120


def test_numbers_are_stored_on_the_scale_of_the_training_examples():
    task = tasks.arrays(X, PAIRS)
    stored = task.train.targets
    assert stored.dtype == torch.float64 and stored.shape == (108, 2)
    assert stored.mean(0).abs().max() < 1e-9 and (stored.std(0, correction=0) - 1).abs().max() < 1e-9
    together = np.concatenate([in_units(task, task.train), in_units(task, task.test)])
    assert np.allclose(np.sort(together[:, 0]), np.sort(NUMBERS), rtol=1e-12)
    assert any("2 numbers an example: a regression" in note for note in task.notes)


def test_the_user_says_what_is_asked_for():
    assert tasks.arrays(X, STARS, problem="classification").class_names == ("0.5", "1.0", "1.5", "2.0")
    assert isinstance(tasks.arrays(X, CLASSES, problem="regression").problem, Regression)
    assert isinstance(tasks.arrays(X, np.eye(3)[CLASSES], problem="labels").problem, SeveralLabels)
    assert isinstance(tasks.arrays(X, TEXTS, problem="classification").problem, Classification)
    found = tasks.arrays(X, NUMBERS, loss="quantile:0.05,0.5,0.95").problem
    assert found.levels == (0.05, 0.5, 0.95) and found.outputs == 3
    assert tasks.arrays(X, PAIRS, loss="huber", classes=["price", "rooms"]).problem.names == ("price", "rooms")
    spaced = np.array([text.replace("|", " ") for text in TEXTS])
    task = tasks.arrays(X, spaced, separator=" ")
    assert task.problem.label_names == ("a", "b", "c") and int(task.train.targets.sum()) > 100


def test_weights_of_classes_and_labels_follow_the_training_examples():
    y = (np.arange(120) < 24).astype(int)
    task = tasks.arrays(X, y, class_weights="balanced")
    counts = torch.bincount(task.train.targets).double()
    assert task.problem.class_weights == pytest.approx((len(task.train) / (2 * counts)).tolist())
    assert tasks.arrays(X, LABELS, class_weights="balanced").problem.positive_weights is not None
    assert tasks.arrays(X, y).problem.class_weights is None
    assert tasks.arrays(X, y, class_weights="1,5").problem.class_weights == (1, 5)


def test_test_and_validation_examples_are_read_as_the_training_examples():
    test, validation = (X[:20], PAIRS[:20] + 5), (X[20:30], PAIRS[20:30])
    task = tasks.arrays(X[30:], PAIRS[30:], test=test, validation=validation)
    assert np.allclose(in_units(task, task.test), PAIRS[:20] + 5)
    assert np.allclose(in_units(task, task.train)[task.validation], PAIRS[20:30])
    labelled = tasks.arrays(X[30:], TEXTS[30:], test=(X[:30], TEXTS[:30]))
    assert np.array_equal(labelled.test.targets.numpy(), LABELS[:30])


def test_a_limit_keeps_the_spread_of_numbers():
    task = tasks.arrays(X, NUMBERS, limit=40)
    found = np.concatenate([in_units(task, task.train), in_units(task, task.test)])[:, 0]
    assert len(found) == 40 and abs(np.median(found) - np.median(NUMBERS)) < 150


def test_groups_and_time_decide_the_splits():
    groups = np.repeat([f"patient {i}" for i in range(12)], 10)
    task = tasks.arrays(X, CLASSES, groups=groups)
    data = task.search_data(0)
    where = {tuple(row): group for row, group in zip(X.astype(np.float32).tolist(), groups, strict=True)}
    sides = [{where[tuple(row)] for row in part.inputs.tolist()} for part in (data.train, data.held_out, task.test)]
    assert not (sides[0] & sides[1] or sides[0] & sides[2] or sides[1] & sides[2]) and all(sides)
    later = tasks.arrays(X, NUMBERS, by_time=True)
    assert np.allclose(in_units(later, later.test)[:, 0], NUMBERS[-12:])
    assert np.allclose(np.sort(in_units(later, later.search_data(0).held_out)[:, 0]), np.sort(NUMBERS[-23:-12]))


def test_rows_on_both_sides_are_said():
    task = tasks.arrays(np.concatenate([X, X]), np.concatenate([NUMBERS, NUMBERS]), test=(X[:7], NUMBERS[:7]))
    assert any(note.startswith("7 of 7 test rows equal a training row") for note in task.notes)


@pytest.mark.parametrize(
    ("y", "options", "message"),
    [
        (np.where(np.arange(120) == 7, np.nan, NUMBERS), {}, "1 of the labels are NaN or infinite, the first at row 7"),
        (np.where(np.arange(120) == 7, np.inf, NUMBERS), {}, "1 of the labels are NaN or infinite, the first at row 7"),
        (np.full(120, 0.5), {}, "always 0.5: there is nothing to learn"),
        (PAIRS, {"problem": "labels"}, r"several labels are 0 or 1, found .* in row 0"),
        (TEXTS, {"problem": "regression"}, "numbers, found text such as"),
        (PAIRS, {"problem": "classification"}, "more than one number an example and are not one-hot"),
        (np.zeros((120, 2, 2)), {"problem": "regression"}, r"shape \(120, 2, 2\); expected \(n,\), or \(n, numbers\)"),
        (PAIRS, {"classes": ["one"]}, "1 names were given, but the labels are 2 numbers"),
        (PAIRS, {"test": (X, NUMBERS)}, "have 1 numbers an example, the training examples 2"),
        (TEXTS, {"test": (X[:2], np.array(["a|x", "b"]))}, "the label 'x', which the training examples do not"),
        (CLASSES, {"groups": np.arange(3)}, r"groups has the shape \(3,\); expected one value for each of 120"),
        (CLASSES, {"groups": np.zeros(120)}, "all examples are of one group"),
    ],
)
def test_what_cannot_be_asked_for_is_refused_in_words(y, options, message):
    with pytest.raises(DataError, match=message):
        tasks.arrays(X, y, **options)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"problem": "regresion"}, "found 'regresion'; did you mean 'regression'"),
        ({"loss": "hubert"}, "did you mean 'huber'"),
        ({"loss": "quantile:a"}, "levels that are no numbers"),
        ({"loss": "quantile:0.9,0.1"}, "levels must ascend"),
        ({"class_weights": "even"}, "is balanced or a number a class"),
        ({"problem": "classification", "loss": "huber"}, "loss= is of regression, and the problem is classification"),
        ({"loss": "huber", "class_weights": "balanced"}, "neither classes nor labels"),
        ({"separator": ""}, "found an empty text"),
    ],
)
def test_options_that_do_not_fit_are_refused(options, message):
    with pytest.raises(UserError, match=message):
        tasks.arrays(X, NUMBERS, **options)


def test_data_sets_and_archives(tmp_path):
    class Pictures:
        def __init__(self, targets):
            self.targets = targets

        def __len__(self):
            return 30

        def __getitem__(self, i):
            return torch.from_numpy(PICTURES[i]), self.targets[i]

    numbers, labels = torch.rand(30, 3), torch.from_numpy(LABELS[:30])
    assert isinstance(tasks.dataset(Pictures(numbers)).problem, Regression)
    assert isinstance(tasks.dataset(Pictures(labels)).problem, SeveralLabels)
    path = tmp_path / "some.npz"
    np.savez(path, x=X, y=NUMBERS, patient=np.arange(120) // 4)
    task = tasks.npz(path, group_column="patient", loss="absolute")
    assert isinstance(task.problem, Regression) and len(np.unique(task.groups)) in (26, 27, 28)
    assert tasks.from_configuration(task.configuration()).fingerprint == task.fingerprint
    with pytest.raises(DataError, match="no array 'patent'; did you mean 'patient'"):
        tasks.npz(path, group_column="patent")


PICTURES = DRAWS.integers(0, 256, (30, 3, 6, 6), dtype=np.uint8)

"""What is measured of classes where it is asked for: as scikit-learn's, and how an objective asks for it."""

import warnings
from itertools import pairwise

import numpy as np
import pytest
import torch
from sklearn import metrics

import netwright as nw
from netwright import tasks
from netwright.core.errors import ConfigurationError, UserError
from netwright.core.objective import names_in
from netwright.problems import METRIC_NAMES, Classification


def drawn(count, classes, seed=0, levels=None, absent=()):
    """Labels, and logits that tell something of them; with `levels` many logits are equal."""
    draws = np.random.default_rng(seed)
    labels = draws.choice([each for each in range(classes) if each not in absent], count)
    logits = draws.standard_normal((count, classes)) + 1.5 * np.eye(classes)[labels]
    if levels is not None:
        logits = np.round(logits * levels) / levels
    return torch.from_numpy(labels), torch.from_numpy(logits).float()


def judged(outputs, labels, *names, batch=13):
    problem = Classification([f"c{i}" for i in range(outputs.shape[1])]).measuring(*names)
    tally = problem.tally()
    for start in range(0, len(labels), batch):
        tally.add(outputs[start : start + batch], labels[start : start + batch])
    return tally.figures()


def calibration_error(shares, labels):
    """The expected calibration error, bin by bin."""
    confidence, right = shares.max(1), shares.argmax(1) == labels
    edges = np.linspace(0, 1, 16)
    bins = [(confidence > low) & (confidence <= high) for low, high in pairwise(edges)]
    return sum(each.mean() * abs(right[each].mean() - confidence[each].mean()) for each in bins if each.any())


def expected(outputs, labels):
    labels, found, classes = labels.numpy(), outputs.argmax(1).numpy(), outputs.shape[1]
    shares = outputs.double().softmax(1).numpy()
    there = np.eye(classes)[labels]
    scores, truth = (shares[:, 1], labels) if classes == 2 else (shares, there)
    both = [i for i in range(classes) if 0 < there[:, i].sum() < len(labels)]
    with warnings.catch_warnings():  # of classes that nothing was taken for
        warnings.simplefilter("ignore")
        return {
            "accuracy": metrics.accuracy_score(labels, found),
            "balanced_accuracy": metrics.balanced_accuracy_score(labels, found),
            "f1_macro": metrics.f1_score(labels, found, average="macro"),
            "f1_weighted": metrics.f1_score(labels, found, average="weighted"),
            "precision_macro": metrics.precision_score(labels, found, average="macro"),
            "auroc": metrics.roc_auc_score(labels, scores)
            if classes == 2
            else np.mean([metrics.roc_auc_score(there[:, i], shares[:, i]) for i in both]),
            "mean_average_precision": metrics.average_precision_score(truth, scores, average="macro"),
            "log_loss": metrics.log_loss(labels, shares, labels=range(classes)),
            "cohen_kappa": metrics.cohen_kappa_score(labels, found),
            "mcc": metrics.matthews_corrcoef(labels, found),
            "ece": calibration_error(shares, labels),
            "brier": ((shares - there) ** 2).sum(1).mean() / (2 if classes == 2 else 1),
        }


@pytest.mark.parametrize("levels", [None, 1])
@pytest.mark.parametrize(("classes", "absent"), [(2, ()), (3, ()), (7, ()), (5, (1,)), (2, (1,))])
def test_metrics_are_those_of_scikit_learn(classes, absent, levels):
    labels, outputs = drawn(97, classes, classes, levels, absent)
    one_class = len(np.unique(labels)) == 1
    wanted = {name: value for name, value in expected(outputs, labels).items() if not (one_class and name == "auroc")}
    found = judged(outputs, labels, *wanted)
    for name, value in wanted.items():
        assert found[name] == pytest.approx(value, abs=1e-6), name


def test_the_area_under_the_curve_of_more_classes_is_that_of_one_against_the_rest():
    labels, outputs = drawn(80, 4)
    shares = outputs.double().softmax(1).numpy()
    assert judged(outputs, labels, "auroc")["auroc"] == pytest.approx(
        metrics.roc_auc_score(labels, shares / shares.sum(1, keepdims=True), multi_class="ovr", average="macro")
    )
    assert np.isnan(judged(outputs[:, :2], torch.zeros(80, dtype=torch.int64), "auroc")["auroc"])


@pytest.mark.parametrize("levels", [None, 1])
def test_the_five_best_of_more_classes(levels):
    labels, outputs = drawn(90, 9, 2, levels)
    found = judged(outputs, labels, "top5_accuracy")["top5_accuracy"]
    assert found == pytest.approx(metrics.top_k_accuracy_score(labels, outputs.numpy(), k=5, labels=range(9)))
    with pytest.raises(UserError, match="no metric 'top5_accuracy'"):
        Classification("abc").measuring("top5_accuracy")


def test_nothing_more_is_measured_unless_it_is_asked_for():
    labels, outputs = drawn(20, 3)
    assert set(judged(outputs, labels)) == {"loss", "accuracy", "balanced_accuracy"}
    plain = Classification("abc")
    assert plain.measuring("accuracy") is plain
    assert set(plain.further) <= set(METRIC_NAMES)


@pytest.fixture(scope="module")
def task():
    draws = np.random.default_rng(0)
    x = draws.standard_normal((90, 4))
    return tasks.arrays(x, (x[:, 0] > 0.8).astype(int))


def searched(task, **wanted):
    space = nw.spaces.Mlp()
    estimator = nw.estimators.Training(space, task, epochs=1, batch_size=32)
    return nw.Search(nw.strategies.RandomSearch(space), estimator, **wanted)


def test_an_objective_has_its_metric_measured(task):
    search = searched(task, objective="auroc", constraints="val_ece <= 1")
    assert str(search.objectives[0]) == "val_auroc:maximize"
    best = search.run(trials=1, preflight=False).best
    assert 0 <= best.metrics["val_auroc"] <= 1 and 0 <= best.metrics["val_ece"] <= 1
    assert str(searched(task, objective="log_loss").objectives[0]) == "val_log_loss:minimize"
    assert str(searched(task, objective="brier").objectives[0]) == "val_brier:minimize"
    combined = searched(task, objective="val_cohen_kappa * (params / 100) ^ -0.07")
    assert "val_cohen_kappa" in combined.estimator.metrics
    with pytest.raises(ConfigurationError, match="val_aurocc"):
        searched(task, objective="val_aurocc")


def test_a_task_that_measures_more_is_the_same_data(task):
    more = task.measuring("val_auroc", "params", "accuracy")
    assert [each.name for each in more.problem.metrics] == ["accuracy", "balanced_accuracy", "auroc"]
    assert more.fingerprint == task.fingerprint and more.train is task.train and task.measuring("params") is task
    weighted = tasks.arrays(np.eye(2).repeat(9, 0), np.arange(18) // 9, class_weights="balanced")
    assert weighted.measuring("mcc").fingerprint == weighted.fingerprint


def test_names_in_what_is_asked_for():
    assert names_in(["val_auroc:maximize", "a * (macs / 30M) ^ -0.07", "val_ece <= 0.1"]) == [
        *("val_auroc", "a", "macs", "M", "val_ece")
    ]

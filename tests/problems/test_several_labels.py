"""Several labels for each example: metrics as scikit-learn's, weights, splits and what is said."""

import warnings

import numpy as np
import pytest
import torch
from sklearn import metrics

from netwright.core.errors import ConfigurationError, DataError
from netwright.problems.ranking import area_under_roc, average_precision
from netwright.problems.several_labels import SeveralLabels


def drawn(count, labels, seed=0, levels=None):
    """Labels of falling frequency, uint8 (count, labels), and logits that tell something of them."""
    draws = np.random.default_rng(seed)
    there = (draws.random((count, labels)) < np.linspace(0.7, 0.05, labels)).astype(np.uint8)
    logits = draws.standard_normal((count, labels)) + 1.5 * there - 0.5
    if levels is not None:  # so that many are equal
        logits = np.round(logits * levels) / levels
    return torch.from_numpy(there), torch.from_numpy(logits).float()


def judged(problem, outputs, targets, batch=9):
    tally = problem.tally()
    for start in range(0, len(targets), batch):
        tally.add(outputs[start : start + batch], targets[start : start + batch])
    return tally.figures()


def expected(there, logits):
    found = (logits > 0).numpy()
    with warnings.catch_warnings():  # of labels that nobody has
        warnings.simplefilter("ignore")
        return {
            "mean_average_precision": metrics.average_precision_score(there, logits.numpy(), average="macro"),
            "f1_macro": metrics.f1_score(there, found, average="macro"),
            "f1_micro": metrics.f1_score(there, found, average="micro"),
            "subset_accuracy": metrics.accuracy_score(there, found),
            "hamming_loss": metrics.hamming_loss(there, found),
        }


@pytest.mark.parametrize("levels", [None, 2])
@pytest.mark.parametrize("seed", range(3))
def test_metrics_are_those_of_scikit_learn(seed, levels):
    there, logits = drawn(83, 6, seed, levels)
    problem = SeveralLabels("abcdef")
    found = judged(problem, logits, there)
    for name, value in expected(there, logits).items():
        assert found[name] == pytest.approx(value, abs=1e-9), name
    assert set(found) == {"loss", *(each.name for each in problem.metrics)}


@pytest.mark.parametrize("levels", [None, 2])
def test_areas_under_roc_curves_are_those_of_scikit_learn(levels):
    there, logits = drawn(83, 6, 1, levels)
    problem = SeveralLabels("abcdef").measuring("auroc", "auroc_micro")
    found = judged(problem, logits, there)
    assert found["auroc"] == pytest.approx(metrics.roc_auc_score(there, logits.numpy(), average="macro"), abs=1e-9)
    assert found["auroc_micro"] == pytest.approx(
        metrics.roc_auc_score(there, logits.numpy(), average="micro"), abs=1e-9
    )
    there[:, 5] = 0  # a label that nobody has tells nothing of the order
    known = metrics.roc_auc_score(there[:, :5], logits.numpy()[:, :5], average="macro")
    assert judged(problem, logits, there)["auroc"] == pytest.approx(known, abs=1e-9)


def test_labels_that_nobody_has_and_that_all_have():
    there, logits = drawn(40, 4)
    there[:, 1], there[:, 2] = 0, 1
    found = judged(SeveralLabels("abcd"), logits, there)
    for name, value in expected(there, logits).items():
        assert found[name] == pytest.approx(value, abs=1e-9), name
    nothing = judged(SeveralLabels("abcd"), -torch.ones(3, 4), torch.zeros(3, 4, dtype=torch.uint8))
    assert nothing["f1_micro"] == nothing["f1_macro"] == 0 and nothing["subset_accuracy"] == 1


@pytest.mark.parametrize("levels", [None, 1, 3])
def test_ranking_with_equal_scores_is_that_of_scikit_learn(levels):
    there, scores = drawn(61, 5, 4, levels)
    area, precision = area_under_roc(scores, there), average_precision(scores, there)
    for i in range(5):
        assert float(area[i]) == pytest.approx(metrics.roc_auc_score(there[:, i], scores[:, i]), abs=1e-12)
        assert float(precision[i]) == pytest.approx(metrics.average_precision_score(there[:, i], scores[:, i]))
    assert area_under_roc(scores[:, :1], torch.ones(61, 1)).isnan().all()


def test_balanced_weights_make_labels_that_are_there_count_as_much_as_the_others():
    there, logits = drawn(50, 3)
    there[:, 2] = 0
    problem = SeveralLabels("abc", positive_weights="balanced").fitted(there.numpy())
    share = there[:, 0].double().mean().item()
    assert problem.positive_weights[0] == pytest.approx((1 - share) / share) and problem.positive_weights[2] == 1
    assert problem.loss(logits, there).mean() != SeveralLabels("abc").loss(logits, there).mean()
    assert SeveralLabels("abc").fitted(there.numpy()).positive_weights is None


def test_splits_keep_the_share_of_each_usual_combination():
    there = np.repeat(np.array([[0, 0], [1, 0], [1, 1], [0, 1]], np.uint8), [50, 30, 8, 2], axis=0)
    strata = SeveralLabels("ab").strata(there)
    assert len(set(strata[:50])) == len(set(strata[50:80])) == 1 and strata[0] != strata[50]
    assert np.bincount(strata).min() >= 5


def test_the_best_constant_says_each_label_as_often_as_it_is_there():
    there, _ = drawn(60, 3)
    _, constant = SeveralLabels("abc").constant(there)
    assert constant.sigmoid().tolist() == pytest.approx(there.double().mean(0).tolist(), abs=1e-5)


def test_what_is_said_and_what_is_refused():
    problem = SeveralLabels(["red", "blue"])
    there = torch.tensor([[1, 0], [1, 0], [0, 0]], dtype=torch.uint8)
    assert problem.describe(there) == (
        "labels: 2, from 0 training examples ('blue') to 2 ('red'); 0.667 an example",
        "no training example has the label 'blue'",
    )
    for wrong in (there.long(), there[:, 0], there[:, :1]):
        with pytest.raises(DataError, match="of the shape"):
            problem.check(wrong, "test")
    with pytest.raises(DataError, match="0 or 1, found 2"):
        problem.check(there * 2, "test")
    for weights in ([1.0], [1.0, 0.0], "even"):
        with pytest.raises(ConfigurationError, match="positive_weights"):
            SeveralLabels(["red", "blue"], positive_weights=weights)

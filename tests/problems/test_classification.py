"""A class for each example: loss and metrics are those of PyTorch and scikit-learn, however they are batched."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from sklearn.metrics import accuracy_score, balanced_accuracy_score

from netwright.core.errors import ConfigurationError, DataError, UserError
from netwright.core.task import TaskShape
from netwright.problems.classification import Classification
from netwright.testing import check_problem

TARGETS = torch.tensor([0, 1, 2, 2, 1, 2, 2, 0, 2, 2])
PROBLEM = Classification(("ant", "bee", "cow"))


@pytest.mark.parametrize("problem", [PROBLEM, PROBLEM.replace(class_weights=(1.0, 0.5, 3.0))])
def test_it_is_a_problem(problem: Classification) -> None:
    check_problem(problem, TARGETS)


def test_the_metrics_are_scikit_learns() -> None:
    outputs = torch.randn(10, 3, generator=torch.Generator().manual_seed(1))
    tally = PROBLEM.tally()
    tally.add(outputs[:4], TARGETS[:4])
    tally.add(outputs[4:], TARGETS[4:])
    found, predicted = tally.figures(), outputs.argmax(1)
    assert found["accuracy"] == accuracy_score(TARGETS, predicted)
    assert found["balanced_accuracy"] == pytest.approx(balanced_accuracy_score(TARGETS, predicted), abs=1e-12)
    assert found["loss"] == pytest.approx(float(F.cross_entropy(outputs, TARGETS)), rel=1e-6)


def test_the_mean_loss_has_pytorchs_bits() -> None:
    outputs = torch.randn(10, 3)
    for smoothing in (0.0, 0.1):
        assert torch.equal(
            PROBLEM.mean_loss(outputs, TARGETS, smoothing),
            F.cross_entropy(outputs, TARGETS, label_smoothing=smoothing),
        )


def test_class_weights_count_in_the_loss() -> None:
    weighted, outputs = PROBLEM.replace(class_weights=(2.0, 1.0, 1.0)), torch.randn(10, 3)
    plain, heavy = PROBLEM.loss(outputs, TARGETS), weighted.loss(outputs, TARGETS)
    assert torch.allclose(heavy, plain * torch.where(TARGETS == 0, 2.0, 1.0))
    assert weighted.mean_loss(outputs, TARGETS) == pytest.approx(float(heavy.mean()), rel=1e-6)


def test_an_epoch_is_followed_up_to_where_it_was_left() -> None:
    watch, outputs = PROBLEM.watch(TARGETS), torch.eye(3)[TARGETS]
    watch.add(0, 4, outputs[:4])
    watch.add(4, 8, -outputs[4:8])
    assert float(watch.totals(8)["accuracy"]) == 4


@pytest.mark.parametrize(
    ("names", "options", "error", "message"),
    [
        (["one"], {}, ConfigurationError, "at least 2 classes, found 1"),
        (["a", "a"], {}, DataError, "must differ"),
        (["a", "b"], {"class_weights": (1.0,)}, ConfigurationError, "2 numbers above 0"),
        (["a", "b"], {"class_weights": (1.0, 0.0)}, ConfigurationError, "2 numbers above 0"),
    ],
)
def test_what_makes_no_sense_is_refused(names: list[str], options: dict, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        Classification(names, **options)


def test_a_metric_that_is_not_known_has_a_nearest_one() -> None:
    assert PROBLEM.metric("test_balanced_accuracy").percent
    with pytest.raises(UserError, match="did you mean 'accuracy'"):
        PROBLEM.metric("acuracy")


def test_the_answer_without_looking_is_the_most_frequent_class() -> None:
    name, answer = PROBLEM.constant(TARGETS)
    assert name == "always the most frequent class" and int(answer.argmax()) == 2
    assert answer.softmax(0).tolist() == pytest.approx([0.2, 0.2, 0.6])
    best = [float(PROBLEM.mean_loss(each.expand(10, 3), TARGETS)) for each in (answer, 1.1 * answer, 0.9 * answer)]
    assert best[0] == min(best)


def test_the_signature_of_plain_classes_is_that_of_earlier_versions() -> None:
    shape = TaskShape((1, 8, 8), 3)
    assert PROBLEM.signature(shape) == "(TaskShape(input=(1, 8, 8), classes=3), ('ant', 'bee', 'cow'))"
    assert PROBLEM.replace(class_weights=(1, 2, 3)).signature(shape) != PROBLEM.signature(shape)


def test_strata_are_the_classes() -> None:
    assert np.array_equal(PROBLEM.strata(TARGETS), TARGETS.numpy())

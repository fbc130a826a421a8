"""One or several numbers for each example: metrics as scikit-learn's, losses, splits and what is said."""

import numpy as np
import pytest
import torch
from sklearn import metrics

from netwright.core.errors import ConfigurationError, DataError, UserError
from netwright.problems.regression import Regression


def judged(problem, outputs, targets, batch=7):
    tally = problem.tally()
    for start in range(0, len(targets), batch):
        tally.add(outputs[start : start + batch], targets[start : start + batch])
    return tally.figures()


def drawn(count, targets, offset=0.0, spread=3.0, seed=0):
    """Raw targets and answers in their units, float64 (count, targets)."""
    draws = np.random.default_rng(seed)
    truth = offset + spread * draws.standard_normal((count, targets))
    return truth, truth + 0.3 * spread * draws.standard_normal((count, targets))


def expected(truth, answers):
    return {
        "r2": metrics.r2_score(truth, answers),
        "mae": metrics.mean_absolute_error(truth, answers),
        "rmse": metrics.root_mean_squared_error(truth, answers),
        "mape": metrics.mean_absolute_percentage_error(truth, answers),
    }


@pytest.mark.parametrize("targets", [1, 3])
@pytest.mark.parametrize(("offset", "spread"), [(0.0, 3.0), (1e9, 2.0), (-40.0, 1e-6)])
def test_metrics_are_those_of_scikit_learn(targets, offset, spread):
    truth, answers = drawn(101, targets, offset, spread)
    problem = Regression([f"t{i}" for i in range(targets)]).fitted(truth[:80])
    outputs = torch.from_numpy(problem.stored(answers)).float()
    found = judged(problem, outputs, torch.from_numpy(problem.stored(truth)))
    given = problem.in_units(outputs).numpy()  # as float32 rounds what networks answer
    for name, value in expected(truth, given).items():
        assert found[name] == pytest.approx(value, rel=1e-6), name
    squared = ((outputs.double().numpy() - problem.stored(truth)) ** 2).mean()
    assert found["loss"] == pytest.approx(squared, rel=1e-5)


def test_a_target_that_never_varies_and_a_single_example():
    problem = Regression(["a", "b"]).fitted(np.array([[5.0, 1.0], [5.0, 2.0], [5.0, 6.0]]))
    assert problem.centre[0] == 5 and problem.scale[0] == 1
    truth = np.array([[5.0, 1.0], [5.0, 2.0], [5.0, 6.0]])
    for first in (0.0, 1.0):  # without error, and with one
        answers = truth + np.array([first, 0.5])
        found = judged(problem, torch.from_numpy(problem.stored(answers)), torch.from_numpy(problem.stored(truth)))
        assert found["r2"] == pytest.approx(metrics.r2_score(truth, answers))
    one = torch.from_numpy(problem.stored(truth[:1]))
    found = judged(problem, one + 1, one)
    assert np.isnan(found["r2"]) and found["mae"] == pytest.approx((1 + problem.scale[1]) / 2)


def test_each_target_has_metrics_of_its_own_where_they_are_asked_for():
    truth, answers = drawn(30, 2)
    problem = Regression(["price", "rooms (m2)"], unit="USD").fitted(truth).measuring("r2_of_price", "mae_of_rooms_m2")
    assert [each.name for each in problem.metrics] == ["r2", "mae", "rmse", "mape", "r2_of_price", "mae_of_rooms_m2"]
    stored = [torch.from_numpy(problem.stored(each)) for each in (answers, truth)]
    found = judged(problem, *stored)
    assert set(found) == {"loss", *(each.name for each in problem.metrics)}
    assert found["r2_of_price"] == pytest.approx(metrics.r2_score(truth[:, 0], answers[:, 0]))
    assert found["mae_of_rooms_m2"] == pytest.approx(metrics.mean_absolute_error(truth[:, 1], answers[:, 1]))
    assert problem.metric("val_mae_of_rooms_m2").text(1234.5) == "1,234 USD"
    assert problem.signature("shape") == Regression(["price", "rooms (m2)"], unit="USD").fitted(truth).signature(
        "shape"
    )
    with pytest.raises(UserError, match="r2_of_price"):
        problem.measuring("r2_of_prise")


def test_quantiles_are_judged_by_their_middle_and_by_the_mean_quantile_loss():
    truth, answers = drawn(50, 2)
    levels = (0.05, 0.5, 0.9)
    problem = Regression(["a", "b"], loss="quantile", levels=levels).fitted(truth)
    each = np.stack([answers - 1, answers, answers + 1], axis=2)
    outputs = torch.from_numpy((each - np.array(problem.centre)[:, None]) / np.array(problem.scale)[:, None])
    stored = torch.from_numpy(problem.stored(truth))
    found = judged(problem, outputs.flatten(1), stored)
    assert problem.outputs == 6
    assert found["mae"] == pytest.approx(metrics.mean_absolute_error(truth, answers))
    losses = [metrics.mean_pinball_loss(truth, each[..., i], alpha=level) for i, level in enumerate(levels)]
    assert found["quantile_loss"] == pytest.approx(np.mean(losses))
    name, constant = problem.constant(stored)
    assert name == "always the same quantiles"
    shares = (stored[:, 0] <= constant.unflatten(0, (2, 3))[0, :, None]).double().mean(1)
    assert shares.tolist() == pytest.approx(levels, abs=0.03)


@pytest.mark.parametrize(
    ("loss", "expected"), [("squared", [0.25, 4.0]), ("absolute", [0.5, 2.0]), ("huber", [0.125, 1.5])]
)
def test_losses(loss, expected):
    problem = Regression(["a"], loss=loss)
    assert problem.loss(torch.tensor([[0.5], [2.0]]), torch.zeros(2, 1).double()).tolist() == expected


def test_the_best_constant_is_the_mean():
    truth, _ = drawn(40, 2, offset=100)
    problem = Regression(["a", "b"]).fitted(truth)
    stored = torch.from_numpy(problem.stored(truth))
    _, constant = problem.constant(stored)
    assert judged(problem, constant.expand(40, 2), stored)["r2"] == pytest.approx(0, abs=1e-6)


def test_strata_are_bins_of_equal_size_along_the_numbers():
    truth, _ = drawn(200, 1)
    strata = Regression(["a"]).strata(truth)
    assert np.bincount(strata).tolist() == [20] * 10
    assert (np.diff(strata[np.argsort(truth[:, 0])]) >= 0).all()
    assert np.bincount(Regression(["a", "b"]).strata(drawn(23, 2)[0])).tolist() == [12, 11]
    assert Regression(["a"]).strata(np.zeros((3, 1))).tolist() == [0, 0, 0]


def test_what_is_said_of_the_numbers():
    truth = np.array([[14999.0], [500001.0], [100000.0]])
    problem = Regression(["price"], unit="USD").fitted(truth)
    said = problem.describe(torch.from_numpy(problem.stored(truth)))
    assert said == ("regression: a number 'price' from 14,999 to 500,001 USD, on average 205,000",)


def test_what_cannot_be_targets_is_refused():
    problem = Regression(["a"])
    for wrong in (torch.zeros(3), torch.zeros(3, 2), torch.zeros(3, 1).long()):
        with pytest.raises(DataError, match="of the shape"):
            problem.check(wrong, "test")
    with pytest.raises(DataError, match="the first in row 1"):
        problem.check(torch.tensor([[0.0], [float("nan")]]), "test")
    for wrong in ({"loss": "square"}, {"scale": [0.0]}, {"levels": [0.5, 0.1]}, {"centre": [1.0, 2.0]}):
        with pytest.raises(ConfigurationError):
            Regression(["a"], **wrong)

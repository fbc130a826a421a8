"""`check_predictor` finds what is wrong with a predictor."""

import random

import numpy as np
import pytest

from netwright.predictors import Linear, Prediction
from netwright.testing import check_predictor


class Good(Linear):
    pass


class Global(Linear):
    def fit(self, architectures, values, seed=0):
        random.random()
        super().fit(architectures, values, seed)


class Wandering(Linear):
    """Each one made predicts a little more than the one before."""

    made = 0

    def __init__(self, space):
        super().__init__(space)
        Wandering.made += 1
        self.more = 0.01 * Wandering.made

    def predict(self, architectures):
        found = super().predict(architectures)
        return Prediction(found.mean + self.more, found.deviation)


class Relative(Linear):
    """What it says of one depends on the others."""

    def predict(self, architectures):
        found = super().predict(architectures)
        return Prediction(found.mean - found.mean.mean() if len(found.mean) else found.mean, found.deviation)


class Short(Linear):
    def predict(self, architectures):
        found = super().predict(architectures)
        return Prediction(found.mean[:, None], found.deviation)


class Negative(Linear):
    def predict(self, architectures):
        found = super().predict(architectures)
        return Prediction(found.mean, -1 - found.deviation)


class Credulous(Linear):
    def fit(self, architectures, values, seed=0):
        super().fit(architectures, np.nan_to_num(values).tolist(), seed)


class Latest(Linear):
    def update(self, architectures, values, seed=0):
        self.fit(architectures, values, seed)


def test_a_good_one_passes():
    check_predictor(Good)


@pytest.mark.parametrize(
    ("broken", "rule"),
    [
        (Global, "Python's random"),
        (Wandering, "determinism"),
        (Relative, "alone, architectures are given"),
        (Short, "mean is float64 of shape"),
        (Negative, "below 0"),
        (Credulous, "NaN as a value"),
        (Latest, "knows 12"),
    ],
)
def test_a_broken_one_is_told_its_rule(broken, rule):
    with pytest.raises(AssertionError, match=rule):
        check_predictor(broken)

from __future__ import annotations

import numpy as np
import pytest
from free_search import Cell

from netwright.core.errors import ConfigurationError
from netwright.predictors.gaussian_process import GaussianProcess
from netwright.predictors.predictor import Prediction, Predictor
from netwright.strategies.bayesian import (
    ExpectedImprovement,
    IndependentThompsonSampling,
    PosteriorMean,
    ProbabilityOfImprovement,
    ThompsonSampling,
    UpperConfidenceBound,
)
from netwright.strategies.bayesian.acquisition import _known_at
from netwright.strategies.bayesian.scalarization import scalarized

SPACE = Cell(6)
PREDICTION = Prediction(np.array([0.0, 1.0, -0.5, 2.0]), np.array([1.0, 0.3, 2.0, 1e-9]))
BEST = 0.7


class Known(Predictor):
    """Means by how often the first option is taken; equal deviations."""

    def __init__(self, space, deviation=1.0):
        self.space, self.deviation = space, deviation

    def fit(self, architectures, values, seed=0):
        pass

    def predict(self, architectures):
        means = np.array([float(sum(option == 0 for option in each.point)) for each in architectures])
        return Prediction(means, np.full(len(means), self.deviation))


def integral(gain):
    """The mean of gain(f) over each prediction's normal distribution."""
    z = np.linspace(-9, 9, 180_001)
    density = np.exp(-0.5 * z**2) / np.sqrt(2 * np.pi)
    at = PREDICTION.mean[:, None] + PREDICTION.deviation[:, None] * z
    return np.trapezoid(gain(at) * density, z, axis=1)


def test_expected_improvement_is_the_integral():
    expected = integral(lambda f: np.maximum(f - BEST - 0.1, 0))
    assert ExpectedImprovement(0.1).of(PREDICTION, BEST) == pytest.approx(expected, abs=1e-6)


def test_probability_of_improvement_is_the_integral():
    expected = integral(lambda f: (f > BEST).astype(float))
    assert ProbabilityOfImprovement().of(PREDICTION, BEST) == pytest.approx(expected, abs=1e-4)


def test_bounds_and_means():
    assert UpperConfidenceBound(2.0).of(PREDICTION, BEST) == pytest.approx([2, 1.6, 3.5, 2])
    assert PosteriorMean().of(PREDICTION, BEST) == pytest.approx(PREDICTION.mean)
    with pytest.raises(ConfigurationError, match="weight"):
        UpperConfidenceBound(-1)


def test_improvement_without_doubt():
    certain = Prediction(np.array([1.0, 0.0]), np.zeros(2))
    assert ExpectedImprovement().of(certain, 0.5) == pytest.approx([0.5, 0])
    assert ProbabilityOfImprovement().of(certain, 0.5) == pytest.approx([1, 0])


def test_those_worth_most_are_chosen_in_order():
    candidates = [SPACE.at(k) for k in (15_624, 0, 3_000, 1)]
    for acquisition in (ExpectedImprovement(), UpperConfidenceBound(), PosteriorMean()):
        found = acquisition.choose(Known(SPACE), candidates, 3, 3.0, (), np.random.default_rng(0))
        assert found == [1, 3, 2]


def test_independent_thompson_sampling_draws_from_the_prediction():
    candidates, rng = [SPACE.at(0)] * 4_000, np.random.default_rng(0)
    drawn = IndependentThompsonSampling().scores(Known(SPACE, 0.5), candidates, 0.0, (), rng)
    assert drawn.mean() == pytest.approx(6, abs=0.04) and drawn.std() == pytest.approx(0.5, abs=0.03)


def fitted():
    rng = np.random.default_rng(1)
    architectures = [SPACE.sample(rng) for _ in range(40)]
    model = GaussianProcess(SPACE)
    model.fit(architectures[:20], [float(a.point[0] == 0) + 0.3 * (a.point[1] == 0) for a in architectures[:20]])
    return model, architectures[20:]


def test_thompson_sampling_chooses_each_as_often_as_it_is_the_best():
    model, candidates = fitted()
    best = model.samples(candidates, 4_000, np.random.default_rng(5)).argmax(axis=1)
    shares = np.bincount(best, minlength=20) / 4_000
    rng = np.random.default_rng(6)
    chosen = [ThompsonSampling().choose(model, candidates, 1, 0.0, (), rng)[0] for _ in range(400)]
    assert np.bincount(chosen, minlength=20) / 400 == pytest.approx(shares, abs=0.1)


@pytest.mark.parametrize("acquisition", [ExpectedImprovement(), UpperConfidenceBound(), ThompsonSampling()])
def test_a_round_is_of_different_architectures(acquisition):
    model, candidates = fitted()
    found = acquisition.choose(model, candidates, 30, 1.0, (), np.random.default_rng(0))
    assert len(set(found)) == len(found) == 20


def test_a_round_believes_in_its_earlier_choices():
    model, candidates = fitted()
    rng = np.random.default_rng(0)
    bound = UpperConfidenceBound(3.0)
    first = bound.choose(model, candidates, 1, 1.0, (), rng)[0]
    rest = [k for k in range(20) if k != first]
    believing = bound.scores(model, [candidates[k] for k in rest], 1.0, [candidates[first]], rng)
    second = rest[int(believing.argmax())]
    assert bound.choose(model, candidates, 2, 1.0, (), rng) == [first, second]
    alone = bound.scores(model, [candidates[k] for k in rest], 1.0, (), rng)
    assert (believing < alone).all()


def test_scalarization_keeps_one_objective_and_the_order_of_dominance():
    scores = np.random.default_rng(0).normal(size=(30, 3))
    rng = np.random.default_rng(1)
    assert scalarized(scores[:, :1], rng) == pytest.approx(scores[:, 0])
    firsts = set()
    for _ in range(30):
        values = scalarized(scores, rng)
        firsts.add(int(values.argmax()))
        better = (scores[:, None] > scores[None]).all(axis=2)
        assert (values[:, None] > values[None])[better].all()
    assert len(firsts) > 2  # other weights, another best


def test_what_is_no_covariance_does_not_blow_up() -> None:
    """Distances between graphs give kernels that are not positive definite."""
    proper = np.array([[2.0, 1.0], [1.0, 3.0]])
    np.testing.assert_allclose(_known_at(proper, 0, 1e-9), [[0.0, 0.0], [0.0, 2.5]])
    improper = np.array([[1e-8, 5.0], [5.0, 1.0]])
    found = _known_at(improper, 0, 1e-9)
    assert np.isfinite(found).all() and np.abs(found).max() < 6
    np.testing.assert_array_equal(_known_at(improper, 0, 1e-3), improper)

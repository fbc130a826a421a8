from __future__ import annotations

import json
import os
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from scipy.optimize import approx_fprime
from scipy.stats import kendalltau, multivariate_normal
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF

from netwright.core.errors import ConfigurationError
from netwright.predictors.encodings import OneHot
from netwright.predictors.gaussian_process import GaussianProcess
from netwright.predictors.gaussian_process.likelihood import hyperparameters, log_marginal_likelihood
from netwright.predictors.gaussian_process.posterior import Factor
from netwright.predictors.kernels import EditDistance, Exponential, Otmann, Rbf, WeisfeilerLehman
from netwright.spaces import NasBench201

SPACE = NasBench201(channels=4, cells=1)
TABLE = Path(os.environ.get("NETWRIGHT_DATA", "data that is not there")) / "nasbench201" / "nasbench201.csv"


def examples(count, seed=0, noise=0.05):
    """Random architectures and a smooth score: how good each decision's option is, and some noise."""
    rng = np.random.default_rng(seed)
    worth = np.random.default_rng(9).normal(size=(6, 5))
    architectures = [SPACE.sample(rng) for _ in range(count)]
    scores = [
        sum(worth[k, option] for k, option in enumerate(SPACE.canonical(a).point)) + rng.normal(0, noise)
        for a in architectures
    ]
    return architectures, np.array(scores)


class TestFactor:
    def test_extending_is_factoring_the_whole(self):
        rng = np.random.default_rng(0)
        root = rng.normal(size=(9, 9))
        matrix = root @ root.T + np.eye(9)
        factor = Factor(matrix[:4, :4])
        assert factor.extend(matrix[:4, 4:7], matrix[4:7, 4:7]) and factor.extend(matrix[:7, 7:], matrix[7:, 7:])
        assert factor.lower == pytest.approx(np.linalg.cholesky(matrix))
        assert factor.inverse() == pytest.approx(np.linalg.inv(matrix))
        assert factor.log_determinant() == pytest.approx(np.linalg.slogdet(matrix)[1])
        right = rng.normal(size=(9, 2))
        assert factor.solve_both(right) == pytest.approx(np.linalg.solve(matrix, right))

    def test_a_repeated_row_is_refused_and_changes_nothing(self):
        factor = Factor(np.ones((1, 1)))
        assert not factor.extend(np.ones((1, 1)), np.ones((1, 1))) and len(factor) == 1

    def test_singular_and_indefinite_matrices_are_lifted(self):
        assert Factor(np.ones((3, 3))).jitter < 1e-5
        indefinite = np.array([[1.0, 2.0], [2.0, 1.0]])
        factor = Factor(indefinite)
        assert factor.lower @ factor.lower.T == pytest.approx(indefinite + factor.jitter * np.eye(2))


@pytest.mark.parametrize("make", [Exponential, lambda space: Exponential(space, relevance=True), WeisfeilerLehman])
def test_the_likelihood_is_that_of_a_normal_distribution_and_its_gradient_exact(make):
    kernel = make(SPACE)
    architectures, scores = examples(12)
    rows = kernel.features(architectures)
    measures, own = kernel.measures(rows, rows), kernel.own_measures(rows)
    logs = np.log([each.start for each in hyperparameters(kernel, None)]) + 0.1
    value, slope = log_marginal_likelihood(kernel, measures, own, scores, logs)
    covariance = np.exp(logs[-2]) * kernel.covariance(measures, logs[:-2]) + np.exp(logs[-1]) * np.eye(12)
    assert value == pytest.approx(multivariate_normal(np.zeros(12), covariance).logpdf(scores))
    numeric = approx_fprime(logs, lambda at: log_marginal_likelihood(kernel, measures, own, scores, at)[0], 1e-6)
    assert slope == pytest.approx(numeric, rel=1e-3, abs=1e-3)


class TestGaussianProcess:
    def test_predicts_as_scikit_learn_does(self):
        architectures, values = examples(40)
        ours = GaussianProcess(SPACE, Rbf(SPACE, OneHot(SPACE)), clip=None)
        ours.fit(architectures[:30], values[:30])
        found, known = ours.predict(architectures[30:]), ours.hyperparameters
        mean, scale = values[:30].mean(), values[:30].std()
        theirs = GaussianProcessRegressor(
            known["signal_variance"] * RBF(known["squared_length_0"] ** 0.5),
            alpha=known["noise_variance"],
            optimizer=None,
        )
        encoded = OneHot(SPACE).encode([SPACE.canonical(each) for each in architectures])
        theirs.fit(encoded[:30], (values[:30] - mean) / scale)
        expected, deviation = theirs.predict(encoded[30:], return_std=True)
        assert found.mean == pytest.approx(expected * scale + mean, rel=1e-6)
        noisy = np.sqrt(deviation**2 + known["noise_variance"]) * scale
        assert found.deviation == pytest.approx(noisy, rel=1e-5)

    def test_learns_what_there_is_to_learn_and_how_sure_it_is(self):
        architectures, values = examples(400, noise=0.3)
        model = GaussianProcess(SPACE)
        model.fit(architectures[:100], values[:100])
        found = model.predict(architectures[100:])
        assert kendalltau(found.mean, values[100:])[0] > 0.6
        inside = np.abs(values[100:] - found.mean) < 1.645 * found.deviation
        assert 0.8 < inside.mean() < 0.98

    def test_updating_is_fitting_with_the_same_hyperparameters(self):
        architectures, values = examples(33)
        model = GaussianProcess(SPACE, refit=10.0)
        model.fit(architectures[:20], values[:20])
        for k in range(20, 30, 2):
            model.update(architectures[k : k + 2], values[k : k + 2])
        whole = GaussianProcess(SPACE)
        whole.fit(architectures[:30], values[:30])
        whole._logs = model._logs
        whole._factorise()
        for ours, theirs in zip(vars_of(model, architectures), vars_of(whole, architectures), strict=True):
            assert ours == pytest.approx(theirs, abs=1e-9)

    def test_hyperparameters_are_learnt_anew_when_there_are_half_as_many_more(self):
        architectures, values = examples(31)
        model = GaussianProcess(SPACE)
        model.fit(architectures[:20], values[:20])
        before = model.hyperparameters
        model.update(architectures[20:29], values[20:29])
        assert model.hyperparameters == before
        model.update(architectures[29:], values[29:])
        assert model.hyperparameters != before

    def test_repeated_and_equal_measurements(self):
        architectures, values = examples(6)
        model = GaussianProcess(SPACE)
        model.fit(architectures * 3, [*values, *(values + 0.1), *(values - 0.1)])
        model.update(architectures[:1], values[:1])
        assert np.isfinite(model.predict(architectures).deviation).all()
        model.fit(architectures, [0.5] * 6)
        assert model.predict(architectures).mean == pytest.approx([0.5] * 6)

    def test_outliers_do_not_set_the_scale(self):
        architectures, values = examples(60)
        broken = values.copy()
        broken[::10] = -1e4
        model = GaussianProcess(SPACE)
        model.fit(architectures[:50], broken[:50])
        left = np.setdiff1d(np.arange(50, 60), [50])
        assert np.abs(model.predict([architectures[k] for k in left]).mean - values[left]).max() < 8
        model = GaussianProcess(SPACE, clip=None)
        model.fit(architectures[:50], broken[:50])
        assert model.predict(architectures[50:]).deviation.min() > 100

    def test_believing_is_measuring_at_the_mean(self):
        architectures, values = examples(30)
        model = GaussianProcess(SPACE, refit=10.0)
        model.fit(architectures[:20], values[:20])
        pending, rest = architectures[20:23], architectures[23:]
        found = model.believing(rest, pending)
        told = GaussianProcess(SPACE, refit=10.0)
        told.fit(architectures[:20], values[:20])
        scale = told._scale
        told.update(pending, model.predict(pending).mean)
        told_found = told.believing(rest, ())
        assert found.deviation / scale == pytest.approx(told_found.deviation / told._scale, rel=1e-6)
        assert found.mean == pytest.approx(model.believing(rest, ()).mean)
        _, covariance = model.joint(rest, pending)
        assert np.sqrt(np.diag(covariance)) == pytest.approx(found.deviation)

    def test_samples_have_the_posterior_covariance(self):
        architectures, values = examples(24)
        model = GaussianProcess(SPACE)
        model.fit(architectures[:20], values[:20])
        drawn = model.samples(architectures[20:], 20_000, np.random.default_rng(0))
        prediction, covariance = model.joint(architectures[20:])
        unit = float(np.diag(covariance).max())
        assert drawn.mean(axis=0) == pytest.approx(prediction.mean, abs=4 * np.sqrt(unit / 20_000))
        assert np.cov(drawn.T) == pytest.approx(covariance, abs=0.05 * unit)

    @pytest.mark.parametrize("make", [Otmann, EditDistance])
    def test_kernels_of_distances_that_may_be_indefinite(self, make):
        architectures, values = examples(30)
        model = GaussianProcess(SPACE, make(SPACE))
        model.fit(architectures[:20], values[:20])
        model.update(architectures[20:25], values[20:25])
        assert np.isfinite(model.predict(architectures).mean).all()
        assert (model.predict(architectures).deviation > 0).all()

    def test_is_its_configuration(self):
        model = GaussianProcess(SPACE, Exponential(SPACE, relevance=True), noise=0.1)
        assert json.loads(json.dumps(model.configuration()))["arguments"]["noise"] == 0.1
        assert repr(model.replace()) == repr(model)
        architectures, values = examples(10)
        model.fit(architectures, values)
        assert model.hyperparameters["noise_variance"] == pytest.approx(0.1)

    @pytest.mark.parametrize("wrong", [{"noise": 0.0}, {"refit": 1.0}, {"restarts": 0}, {"clip": -1.0}])
    def test_wrong_arguments_are_refused(self, wrong):
        with pytest.raises(ConfigurationError, match=next(iter(wrong))):
            GaussianProcess(SPACE, **wrong)

    def test_nothing_is_predicted_before_fit(self):
        with pytest.raises(ConfigurationError, match="before `fit`"):
            GaussianProcess(SPACE).predict([SPACE.at(0)])


def vars_of(model, architectures):
    found = model.predict(architectures)
    return found.mean, found.deviation


@pytest.mark.skipif(not TABLE.exists(), reason="NETWRIGHT_DATA holds no nasbench201")
def test_ranks_the_networks_of_nasbench201():
    lines = TABLE.read_text().splitlines()
    column = lines[0].split(",").index("cifar10_valid_12")
    chosen = np.random.default_rng(0).choice(len(lines) - 1, 500, replace=False) + 1
    rows = [lines[k].split(",") for k in chosen]
    architectures, values = [SPACE.parse(row[1]) for row in rows], np.array([float(row[column]) for row in rows])
    model = GaussianProcess(SPACE)
    model.fit(architectures[:200], values[:200])
    assert kendalltau(model.predict(architectures[200:]).mean, values[200:])[0] > 0.55


class TestSubset:
    """More examples than `most`: half of those at hand are the best, and the process is exact on them."""

    def learnt(self, *, steps):
        architectures, scores = examples(120, seed=4)
        process = GaussianProcess(SPACE, most=40)
        process.fit(architectures[: steps[0]], scores[: steps[0]])
        for start, end in pairwise(steps):
            process.update(architectures[start:end], scores[start:end], seed=end)
        return process, architectures, scores

    @pytest.mark.parametrize("steps", [(120,), (10, 30, 45, 47, 90, 91, 120)])
    def test_the_posterior_is_that_of_the_examples_at_hand(self, steps):
        process, architectures, scores = self.learnt(steps=steps)
        places = process._places
        assert len(places) == len(set(places.tolist())) == 40 and len(process.examples) == 120
        assert set(np.argsort(-scores, kind="stable")[:20].tolist()) <= set(places.tolist())
        known, asked = [architectures[place] for place in places], examples(7, seed=11)[0]
        rows, others = process.kernel.features(known), process.kernel.features(asked)
        values, clipped = process.examples.values, np.quantile(scores, (0.5, 0.9))
        values = np.maximum(values, clipped[0] - 3 * (clipped[1] - clipped[0]))
        found = {name: np.log(value) for name, value in process.hyperparameters.items()}
        logs = np.array([found[each.name] for each in process.kernel.hyperparameters()])
        signal, noise = np.exp(found["signal_variance"]), np.exp(found["noise_variance"])

        def covariance(first, second):
            return signal * process.kernel.covariance(process.kernel.measures(first, second), logs)

        inverse = np.linalg.inv(covariance(rows, rows) + noise * np.eye(40))
        side = covariance(others, rows)
        scaled = (values[places] - values.mean()) / values.std()
        prediction = process.predict(asked)
        assert prediction.mean == pytest.approx(
            side @ inverse @ scaled * values.std() + values.mean(), rel=1e-6, abs=1e-7
        )
        variance = signal + noise - np.einsum("ij,jk,ik->i", side, inverse, side)
        assert prediction.deviation == pytest.approx(np.sqrt(variance) * values.std(), rel=1e-5)

    def test_the_same_seeds_choose_the_same_examples(self):
        first, second = (self.learnt(steps=(10, 60, 120))[0] for _ in range(2))
        assert np.array_equal(first._places, second._places)

    @pytest.mark.parametrize("most", [1, 0, True, 2.5])
    def test_too_few_are_refused(self, most):
        with pytest.raises(ConfigurationError, match="most"):
            GaussianProcess(SPACE, most=most)

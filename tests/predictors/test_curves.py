"""Learning curves: the mathematics against independent references, and that forecasts are honest."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import multivariate_normal, spearmanr

from netwright.core.errors import ConfigurationError
from netwright.predictors.curves import Curve, LastValue, Pairwise, Parametric, SupportVectors
from netwright.predictors.curves.curve import features
from netwright.predictors.curves.parametric import NOISES, _Conditioned
from netwright.predictors.curves.shapes import shapes

LENGTH = 12


def synthetic(count: int, seed: int = 0, noise: float = 0.01) -> list[Curve]:
    """Power laws and exponentials with noise: they end between 0.5 and 0.95, some quickly, some late."""
    rng = np.random.default_rng(seed)
    t = np.arange(1, LENGTH + 1)
    found = []
    for _ in range(count):
        end, start = rng.uniform(0.5, 0.95), rng.uniform(0.1, 0.4)
        speed = rng.uniform(0.2, 1.5)
        shape = t**-speed if rng.random() < 0.5 else np.exp(-speed * (t - 1) / 2)
        values = end - (end - start) * shape + noise * rng.normal(size=LENGTH)
        found.append(Curve(tuple(values.tolist())))
    return found


def ends(curves) -> np.ndarray:
    return np.array([curve.values[-1] for curve in curves])


@pytest.mark.parametrize("length", [2, 3, 12, 200])
def test_shapes_run_from_one_to_zero_and_families_weigh_the_same(length: int) -> None:
    found, weights = shapes(length)
    assert np.isfinite(found).all() and len(found) == len(weights)
    assert found[:, 0] == pytest.approx(1) and found[:, -1] == pytest.approx(0)
    assert weights.sum() == pytest.approx(1)


def test_the_eleven_functions_are_among_the_shapes_up_to_offset_and_scale() -> None:
    """The paper's functions with parameters of the grid, against the nearest shape."""
    t = np.arange(1, LENGTH + 1, dtype=float)
    found, _ = shapes(LENGTH)
    kappa = float(np.geomspace(0.5, 2 * LENGTH, 8)[4])
    functions = {
        "vapor pressure": np.exp(-0.5 - 1.0 / t + 0.1 * np.log(t)),
        "pow3": 0.9 - 0.5 * t**-0.5,
        "log log linear": np.log(0.3 * np.log(t) + 1.0),
        "Hill3": 0.9 * t**2 / (kappa**2 + t**2),
        "log power": 0.9 / (1 + (t / np.exp(np.log(kappa))) ** -1.5),
        "pow4": 0.9 - (t + 1.0) ** -0.5,
        "MMF": 0.9 - (0.9 - 0.2) / (1 + (t / kappa) ** 1.5),
        "exp4": 0.9 - np.exp(-np.log(2) * (t / kappa) ** 0.75 + 0.1),
        "Janoschek": 0.9 - (0.9 - 0.2) * np.exp(-np.log(2) * kappa**-0.75 * t**0.75),
        "Weibull": 0.9 - (0.9 - 0.2) * np.exp(-((np.log(2) ** (1 / 0.75) / kappa * t) ** 0.75)),
        "ilog2": 0.9 - 0.3 / np.log(t + 1),
    }
    for name, values in functions.items():
        shape = (values - values[-1]) / (values[0] - values[-1])
        assert np.abs(found - shape).max(axis=1).min() < 1e-6, name


def test_evidence_and_forecast_are_those_of_the_joint_normal_distribution() -> None:
    mean, covariance = np.array([0.7, -0.4]), np.array([[0.04, 0.01], [0.01, 0.09]])
    seen = 4
    cells = _Conditioned(seen, LENGTH, mean, covariance, 1.0)
    forms, _ = shapes(LENGTH)
    values = np.array([[0.3, 0.45, 0.5, 0.52]])
    evidence, means = cells.evidence(values)[0], cells.means(values)[0]
    for shape in range(0, len(forms), 17):
        for place, noise in enumerate(NOISES):
            cell = shape * len(NOISES) + place
            rows = np.stack([np.ones(LENGTH), forms[shape]], axis=1)[[*range(seen), LENGTH - 1]]
            joint = rows @ covariance @ rows.T + noise**2 * np.eye(seen + 1)
            centre = rows @ mean
            first = joint[:seen, :seen]
            assert evidence[cell] == pytest.approx(multivariate_normal(centre[:seen], first).logpdf(values[0]))
            gain = np.linalg.solve(first, joint[:seen, seen])
            assert means[cell] == pytest.approx(centre[seen] + gain @ (values[0] - centre[:seen]))
            assert cells.variances[cell] == pytest.approx(joint[seen, seen] - gain @ joint[:seen, seen])


@pytest.mark.parametrize("predictor", [Parametric(), SupportVectors(), LastValue()])
def test_intervals_cover_what_they_say(predictor) -> None:
    train, test = synthetic(60, 1), synthetic(300, 2)
    predictor.fit(train)
    seen = [curve.first(4) for curve in test]
    found = predictor.predict(seen, LENGTH)
    covered = np.mean(np.abs(ends(test) - found.mean) < 1.645 * found.deviation)
    assert 0.8 < covered <= 0.99, covered
    assert spearmanr(found.mean, ends(test)).statistic > 0.8
    chances = [predictor.chance(curve, Curve((0.0,) * (LENGTH - 1) + (0.8,))) for curve in seen[:80]]
    above = ends(test[:80]) > 0.8
    assert np.mean((np.array(chances) - above) ** 2) < 0.15  # Brier's score; 0.25 is a coin's
    assert all(0 <= chance <= 1 for chance in chances)


def test_parametric_needs_no_other_curves_and_learns_from_them() -> None:
    test = synthetic(200, 2)
    alone, taught = Parametric(), Parametric()
    taught.fit(synthetic(60, 1))
    errors = [
        np.abs(each.predict([c.first(4) for c in test], LENGTH).mean - ends(test)).mean() for each in (alone, taught)
    ]
    assert errors[1] < errors[0] < np.abs(ends(test) - ends(test).mean()).mean()
    taught.fit([])
    seen = [test[0].first(4)]
    assert taught.predict(seen, LENGTH).mean == alone.predict(seen, LENGTH).mean


def test_the_scale_is_that_of_the_values() -> None:
    test = synthetic(20, 2)
    shares = Parametric().predict([curve.first(5) for curve in test], LENGTH)
    percent = Parametric(100).predict([Curve(tuple(100 * v for v in curve.values[:5])) for curve in test], LENGTH)
    assert percent.mean == pytest.approx(100 * shares.mean) and percent.deviation == pytest.approx(
        100 * shares.deviation
    )


def test_the_longer_it_looks_the_surer_it_is() -> None:
    test = synthetic(50, 3)
    deviations = [Parametric().predict([c.first(k) for c in test], LENGTH).deviation.mean() for k in (2, 5, 11)]
    assert deviations[0] > deviations[1] > deviations[2]


def test_pairs_are_ranked_and_chances_are_those_of_pairs() -> None:
    train, test = synthetic(60, 1), synthetic(150, 2)
    ranker = Pairwise()
    ranker.fit(train)
    seen = [curve.first(4) for curve in test]
    assert spearmanr(ranker.utilities(seen), ends(test)).statistic > 0.8
    first, second = test[:75], test[75:]
    chances = np.array([ranker.chance(a.first(4), b) for a, b in zip(first, second, strict=True)])
    assert np.mean((chances - (ends(first) > ends(second))) ** 2) < 0.15
    opposite = np.array([ranker.chance(b.first(4), a) for a, b in zip(first, second, strict=True)])
    assert chances + opposite == pytest.approx(1)


def test_features_are_values_differences_and_the_architecture() -> None:
    from netwright.spaces import Mlp

    space = Mlp()
    found = features([Curve((1.0, 3.0, 4.0), space.at(2))])[0]
    assert found[:6].tolist() == [1, 3, 4, 2, 1, -1]
    assert found[6:].tolist() == space.encode(space.at(2)).tolist()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Parametric(0), "scale is 0"),
        (lambda: SupportVectors(nu=0), "nu is 0"),
        (lambda: SupportVectors(least=2), "least is 2"),
        (lambda: Pairwise(regularisation=-1), "regularisation is -1"),
        (lambda: SupportVectors().predict([Curve((0.1,))], 3), "learnt from 0 curves"),
        (lambda: LastValue().predict([Curve((0.1,))], 3), "learnt from 0 curves"),
        (lambda: Parametric().predict([Curve((0.1,)), Curve((0.1, 0.2))], 3), "of one length"),
        (lambda: Parametric().predict([Curve((0.1,) * 4)], 3), "4 steps of a curve of 3"),
    ],
)
def test_what_is_wrong_is_said(make, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        make()


REAL = Path(os.environ.get("NETWRIGHT_DATA", "data that is not there")) / "nasbench201/cifar10_curves_12ep.npz"


@pytest.mark.skipif(not REAL.exists(), reason="NETWRIGHT_DATA holds no curves of NAS-Bench-201")
def test_the_real_curves_of_nasbench201() -> None:
    known = np.load(REAL)["test_accuracy"].astype(float) / 100
    rng = np.random.default_rng(0)
    chosen = [Curve(tuple(known[k].tolist())) for k in rng.permutation(len(known))[:400]]
    predictor = SupportVectors()
    predictor.fit(chosen[:100])
    found = predictor.predict([curve.first(4) for curve in chosen[100:]], 12)
    assert spearmanr(found.mean, ends(chosen[100:])).statistic > 0.8
    assert 0.8 < np.mean(np.abs(ends(chosen[100:]) - found.mean) < 1.645 * found.deviation) < 0.98

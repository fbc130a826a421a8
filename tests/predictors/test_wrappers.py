"""Predictors that are made of others: ranked, calibrated, averaged; and the measures of quality."""

import numpy as np
import pytest
from scipy.stats import norm, rankdata

from netwright.core.errors import ConfigurationError
from netwright.predictors import Averaged, Calibrated, Linear, Prediction, Predictor, Ranked
from netwright.predictors.examples import Examples
from netwright.predictors.quality import Quality, correlations, judge, table
from netwright.predictors.ranked import normal_scores
from netwright.spaces import Mlp, NasBench201

SPACE = Mlp()


class Oracle(Predictor):
    """Knows the sum of a point; is off by normal noise, and states `share` of that noise's deviation."""

    def __init__(self, space, share=1.0, noise=1.0):
        self.space, self.share, self.noise = space, share, noise

    def fit(self, architectures, values, seed=0):
        self.examples = Examples(self.space, architectures, values)

    def predict(self, architectures):
        self.fitted()
        mean = np.array([float(sum(each.point)) for each in architectures])
        return Prediction(mean, np.full(len(mean), self.share * self.noise))


def examples(n=400, noise=1.0, seed=0):
    rng = np.random.default_rng(seed)
    known = [SPACE.sample(rng) for _ in range(n)]
    return known, [sum(each.point) + noise * rng.normal() for each in known]


def test_normal_scores_are_those_of_the_ranks():
    values = np.array([3.0, 1.0, 2.0, 2.0, 50.0, -1e6])
    distinct, scores, each = normal_scores(values)
    assert np.allclose(each, norm.ppf((rankdata(values) - 0.5) / 6))
    assert distinct.tolist() == [-1e6, 1, 2, 3, 50] and np.allclose(each[[5, 1, 2, 0, 4]], scores)


def test_ranked_gives_values_back_and_goes_on_beyond_them():
    known, _ = examples(50)
    predictor = Ranked(Linear(SPACE))
    values = np.exp(np.linspace(0, 5, 50))
    predictor.fit(known, values.tolist())
    _, scores, each = normal_scores(values)
    assert np.allclose(predictor._ranks.value(each), values)
    beyond = predictor._ranks.value(np.array([scores[-1] + 1, scores[-1] + 2, scores[0] - 1]))
    assert values[-1] < beyond[0] < beyond[1] and beyond[2] < values[0]
    dense = predictor._ranks.value(np.linspace(-6, 6, 500))
    assert (np.diff(dense) > 0).all()


def test_ranked_moments_are_those_of_many_draws():
    known, _ = examples(60)
    predictor = Ranked(Linear(SPACE))
    predictor.fit(known, np.exp(np.linspace(0, 3, 60)).tolist())
    found = predictor.predict(known[:3])
    drawn = predictor.samples(known[:3], 200_000, np.random.default_rng(0))
    assert np.allclose(drawn.mean(axis=0), found.mean, rtol=0.02)
    assert np.allclose(drawn.std(axis=0), found.deviation, rtol=0.03)


def test_ranked_is_not_moved_by_how_bad_the_worst_is():
    known, values = examples(60)
    worse = [value - 1e4 * (value == min(values)) for value in values]
    ranked, plain = Ranked(Linear(SPACE)), Linear(SPACE)
    best = int(np.argmax(values))
    found = []
    for predictor in (ranked, plain):
        for given in (values, worse):
            predictor.fit(known, given)
            found.append(predictor.predict([known[best]]).mean[0])
    assert abs(found[0] - found[1]) < 1 < 20 < abs(found[2] - found[3])


@pytest.mark.parametrize("share", [0.1, 1.0, 7.0])
def test_calibrated_deviations_cover_what_they_promise(share):
    known, values = examples(400)
    predictor = Calibrated(Oracle(SPACE, share))
    predictor.fit(known, values)
    others, truth = examples(2000, seed=1)
    found = predictor.predict(others)
    assert np.mean(np.abs(truth - found.mean) <= 1.645 * found.deviation) == pytest.approx(0.9, abs=0.03)
    assert predictor.scale == pytest.approx(1 / share, rel=0.15)


def test_calibrated_draws_are_as_wide_as_its_deviations():
    known, values = examples(100)
    predictor = Calibrated(Oracle(SPACE, 0.5))
    predictor.fit(known, values)
    drawn = predictor.samples(known[:2], 20_000, np.random.default_rng(0))
    assert np.allclose(drawn.std(axis=0), predictor.predict(known[:2]).deviation, rtol=0.05)


def test_calibrated_keeps_its_scale_for_small_updates():
    known, values = examples(60)
    predictor = Calibrated(Oracle(SPACE, 0.5))
    predictor.fit(known[:40], values[:40])
    scale = predictor.scale
    predictor.update(known[40:50], values[40:50])
    assert predictor.scale == scale and len(predictor.fitted()) == 50
    predictor.update(known[50:], values[50:])
    assert predictor.scale != scale and len(predictor.fitted()) == 60


def test_averaged_is_the_mixture_of_its_predictors():
    known, values = examples(30)
    one, other = Oracle(SPACE, 1.0, 2.0), Linear(SPACE)
    predictor = Averaged(one, other)
    predictor.fit(known, values)
    found = predictor.predict(known[:4])
    apart = [each.predict(known[:4]) for each in predictor.predictors]
    assert np.allclose(found.mean, (apart[0].mean + apart[1].mean) / 2)
    second_moment = np.mean([each.deviation**2 + each.mean**2 for each in apart], axis=0)
    assert np.allclose(found.deviation, np.sqrt(second_moment - found.mean**2))


def test_quality_of_one_that_knows_everything():
    known, values = examples(200, noise=0.0)
    found = judge(lambda: Oracle(SPACE), known, values, size=20, tested=100)
    assert (found.kendall, found.spearman, found.regret, found.coverage) == (pytest.approx(1), pytest.approx(1), 0, 1)
    assert found.size == 20 and found.fit_seconds >= 0


def test_quality_of_one_that_is_wrong():
    class Wrong(Oracle):
        def predict(self, architectures):
            right = super().predict(architectures)
            return Prediction(-right.mean, right.deviation)

    known, values = examples(200, noise=0.0)
    found = judge(lambda: Wrong(SPACE, 1e-9), known, values, size=20)
    assert found.kendall == pytest.approx(-1) and found.regret == pytest.approx(np.ptp(values[:]), abs=4)
    assert found.coverage < 0.1
    assert correlations(np.ones(5), np.arange(5.0)) == (0.0, 0.0)


def test_the_table_gives_mean_and_spread_over_seeds():
    rows = [("a", Quality(50, seed, 0.7 + 0.1 * seed, 0.8, 1.0, 0.9, 0.5, 0.1)) for seed in range(2)]
    text = table(rows).splitlines()[1]
    assert text.split()[:6] == ["a", "50", "2", "0.750", "±0.071", "0.800"]


def test_too_few_to_test_on_are_refused():
    known, values = examples(10)
    with pytest.raises(ConfigurationError, match="too few"):
        judge(lambda: Oracle(SPACE), known, values, size=9)


def made_up(architecture):
    """A score of a NAS-Bench-201 cell that depends on its paths, with failures far below all others."""
    weights = {0: 0.0, 1: 1.0, 2: 2.0, 3: 3.0, 4: 0.5}
    a, b, c, d, e, f = (weights[option] for option in architecture.point)
    paths = [each for each in ((d,), (a, e), (b, f), (a, c, f)) if min(each) > 0]
    return 90 + sum(sum(each) for each in paths) ** 0.5 if paths else 10.0


def test_the_best_predictor_orders_cells_it_has_not_seen():
    from netwright.predictors import best

    space = NasBench201()
    rng = np.random.default_rng(0)
    known = [space.sample(rng) for _ in range(400)]
    found = judge(lambda: best(space, folds=2), known, [made_up(each) for each in known], size=100)
    assert found.kendall > 0.8 and 0.75 <= found.coverage <= 0.99 and found.regret < 0.5

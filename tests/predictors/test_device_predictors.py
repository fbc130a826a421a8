"""Latency predictors: a new device from ten measurements, and pairs of layers from whole networks."""

import csv
import itertools
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import spearmanr

from netwright.core.errors import ConfigurationError, UserError
from netwright.predictors import AcrossDevices, LayerPairs

HELP = Path(__file__).parents[3] / "shared" / "data" / "nasbench201" / "latency_help_devices_ms.csv"
FAMILIES = ("1080ti", "2080ti", "titanxp", "titanx_", "titan_rtx", "gold", "silver", "samsung", "pixel")


def made_up(networks=300, devices=9, seed=0):
    """Devices that weigh three properties of networks."""
    rng = np.random.default_rng(seed)
    properties, weights = rng.normal(size=(networks, 3)), rng.uniform(0.2, 1.0, (3, devices + 1))
    return np.exp(properties @ weights + rng.normal(0, 0.02, (networks, devices + 1)))


def rank_correlation(first, second) -> float:
    return float(np.asarray(spearmanr(first, second))[0])


def test_a_new_device_is_known_after_ten_measurements():
    times = made_up()
    across = AcrossDevices(times[:, :-1])
    chosen = across.choose(10)
    assert len(set(chosen)) == 10
    found = across.fit({each: times[each, -1] for each in chosen}).predict()
    others = np.setdiff1d(np.arange(len(times)), chosen)
    assert rank_correlation(found[others], times[others, -1]) > 0.97
    assert np.median(np.abs(found[others] / times[others, -1] - 1)) < 0.25


def test_the_posterior_is_that_of_a_gaussian_process_over_networks():
    times = made_up(40)
    across = AcrossDevices(times[:, :-1], noise=0.2)
    measured = {each: times[each, -1] for each in (0, 3, 7, 11)}
    rows = list(measured)
    y = np.log([measured[each] for each in rows])
    kernel = across.features @ across.features.T
    inverse = np.linalg.inv(kernel[np.ix_(rows, rows)] + 0.2 * np.eye(4))
    mean = y.mean() + y.std() * kernel[:, rows] @ inverse @ ((y - y.mean()) / y.std())
    assert np.allclose(np.log(across.fit(measured).predict()), mean)


def test_the_first_network_that_is_chosen_reduces_the_variance_most():
    across = AcrossDevices(made_up(30)[:, :-1])
    kernel = across.features @ across.features.T
    left = [np.trace(kernel - np.outer(k, k) / (kernel[j, j] + 0.1)) for j, k in enumerate(kernel)]
    assert across.choose(1) == [int(np.argmin(left))]


@pytest.mark.parametrize("times", [[[1.0, 2.0]], [[1.0], [0.0]], [1.0, 2.0], [[1.0], [np.nan]]])
def test_times_that_cannot_be(times):
    with pytest.raises(ConfigurationError, match="a row a network"):
        AcrossDevices(times)


def test_what_is_asked_too_early_or_with_too_little():
    with pytest.raises(UserError, match="call fit"):
        AcrossDevices(made_up(5)).predict()
    with pytest.raises(UserError, match="two measurements"):
        AcrossDevices(made_up(5)).fit({0: 1.0})


@pytest.mark.skipif(not HELP.exists(), reason="the published latencies are not here")
def test_published_devices_are_ranked_by_ten_measurements():
    with HELP.open(encoding="utf-8") as file:
        names, *rows = csv.reader(file)
    times = np.array([row[1:] for row in rows], float)[np.random.default_rng(0).choice(len(rows), 1100, replace=False)]
    names = names[1:]
    found = {}
    for name in ("fpga", "raspi4", "eyeriss", "gold_6226", "1080ti_1", "titan_rtx_256", "samsung_a50"):
        family = next((each for each in FAMILIES if name.startswith(each)), name)
        others = [place for place, each in enumerate(names) if not each.startswith(family)]
        across, own = AcrossDevices(times[:900, others]), times[:, names.index(name)]
        chosen = across.choose(10)
        every = AcrossDevices(times[:, others]).fit({each: own[each] for each in chosen}).predict(range(900, 1100))
        found[name] = rank_correlation(every, own[900:])
    assert min(found.values()) >= 0.9, found


def test_pairs_of_layers_are_found_from_whole_networks():
    rng = np.random.default_rng(0)
    options = (3, 4, 2, 3)
    tables = [rng.uniform(1, 5, shape) for shape in itertools.pairwise(options)]
    every = np.array(list(itertools.product(*map(range, options))))
    steps = [list(zip(tables, itertools.pairwise(each), strict=True)) for each in every]
    times = np.array([sum(table[a, b] for table, (a, b) in each) for each in steps])
    known = rng.permutation(len(every))[:50]
    pairs = LayerPairs(options, ridge=1e-6).fit(every[known], times[known])
    assert np.allclose(pairs.predict(every), times, rtol=1e-3)
    assert [table.shape for table in pairs.tables] == [(3, 4), (4, 2), (2, 3)]


def test_with_few_networks_pairs_fall_back_to_the_mean():
    pairs = LayerPairs((4, 4, 4), ridge=1.0).fit([[0, 0, 0], [1, 1, 1]], [2.0, 4.0])
    assert pairs.predict([[3, 3, 3]])[0] == pytest.approx(3.0)
    assert pairs.predict([[0, 0, 0]])[0] < 3.0 < pairs.predict([[1, 1, 1]])[0]


def test_networks_that_do_not_fit_the_layers():
    with pytest.raises(UserError, match="do not fit 2 layers"):
        LayerPairs((2, 2)).fit([[0, 2]], [1.0])
    with pytest.raises(ConfigurationError, match="two layers or more"):
        LayerPairs((2,))

from __future__ import annotations

import json
from itertools import combinations

import numpy as np
import pytest
from scipy import stats

from netwright.core.correlation import bootstrap, kendall, spearman
from netwright.results.audit import (
    Audit,
    Scored,
    audit_lines,
    sentences,
    top_overlap,
)

RNG = np.random.default_rng(0)
PAIRS = [
    *[(RNG.random(n), RNG.random(n)) for n in (3, 8, 20)],
    *[(RNG.integers(4, size=n).astype(float), RNG.integers(5, size=n).astype(float)) for n in (6, 15, 40, 300)],
]


@pytest.mark.parametrize(("first", "second"), PAIRS)
def test_rank_correlations_equal_those_of_scipy(first, second):
    assert kendall(first, second) == pytest.approx(stats.kendalltau(first, second).statistic, abs=1e-12)
    assert spearman(first, second) == pytest.approx(stats.spearmanr(first, second).statistic, abs=1e-12)


def test_kendall_counts_pairs():
    first, second = RNG.random(9), RNG.random(9)
    agree = sum((first[i] - first[j]) * (second[i] - second[j]) > 0 for i, j in combinations(range(9), 2))
    assert kendall(first, second) == pytest.approx((2 * agree - 36) / 36)


def test_constant_scores_have_no_correlation():
    assert np.isnan(kendall(np.ones(5), RNG.random(5)))
    assert np.isnan(spearman(np.ones(5), RNG.random(5)))
    assert all(np.isnan(bootstrap(kendall, np.ones(5), RNG.random(5))))


@pytest.mark.parametrize("k", [1, 3, 7, 12])
def test_top_overlap_is_that_of_two_sets(k):
    first, second = RNG.random(12), RNG.random(12)
    tops = [set(np.argsort(-each)[:k]) for each in (first, second)]
    assert top_overlap(first, second, k) == pytest.approx(len(tops[0] & tops[1]) / k)


def test_equal_scores_at_the_border_belong_to_the_top_in_part():
    assert top_overlap(np.ones(8), RNG.random(8), 2) == pytest.approx(0.25)
    assert top_overlap(np.array([3.0, 2, 2, 1]), np.array([9.0, 8, 1, 0]), 2) == pytest.approx(0.75)


def test_the_bootstrap_covers_the_true_correlation_about_as_often_as_it_says():
    """Tau of two normal variables of correlation r is 2 / pi * arcsin(r)."""
    covered = 0
    for seed in range(12):
        first, noise = np.random.default_rng(seed).standard_normal((2, 25))
        low, high = bootstrap(kendall, first, 0.6 * first + 0.8 * noise, seed)
        covered += low <= 2 / np.pi * np.arcsin(0.6) <= high
    assert 9 <= covered <= 12


def audited(shared, true, recommended=None):
    rows = [Scored(f"net{k}", a, b) for k, (a, b) in enumerate(zip(shared, true, strict=True))]
    return Audit("run", tuple(rows), recommended, "val_accuracy", "accuracy alone", (1.0, 60.0))


def test_good_weights_are_called_so():
    true = np.linspace(0.5, 0.9, 20)
    found = audited(true + 0.01 * RNG.standard_normal(20), true, Scored("best", 0.95, 0.91, True))
    tau, rho, top = found.agreements
    assert [each.verdict for each in found.agreements] == ["better"] * 3
    assert tau.name == "Kendall tau-b" and rho.name == "Spearman rho" and top.name == "top-5 overlap"
    assert tau.interval[0] <= tau.value <= tau.interval[1]
    said = " ".join(sentences(found))
    assert (
        "put the better one first" in said
        and "more than that" in said
        and "at least as good as 20 of the 20 random ones by true score" in said
    )
    assert "60.0 s" in said


def test_useless_weights_are_called_no_better_than_chance():
    rng = np.random.default_rng(4)
    found = audited(rng.random(20), rng.random(20))
    assert found.agreements[0].verdict == "chance"
    assert "no better than chance: the interval includes 0" in sentences(found)[0]
    assert "not clearly more than" in sentences(found)[1]


def test_reversed_and_constant_weights():
    true = np.linspace(0, 1, 12)
    assert "the wrong way round" in sentences(audited(-true, true))[0]
    assert "do not tell these networks apart" in sentences(audited(np.zeros(12), true))[0]
    assert json.loads(json.dumps(audited(np.zeros(12), true).as_json()))["agreements"][0]["verdict"] == "chance"


def test_networks_without_a_true_score_are_left_out_and_said():
    rows = (*audited([0.1, 0.2, 0.3, 0.4], [1.0, 2.0, 3.0, 4.0]).random, Scored("lost", 0.5, None, note="diverged"))
    found = Audit("run", rows, None, "val_accuracy", "accuracy alone")
    assert found.agreements[0].n == 4
    assert "1 network has no true score: diverged." in sentences(found)
    assert any(line.split()[:2] == ["random", "0.5000"] and "-" in line for line in audit_lines(found))


def test_two_networks_say_nothing():
    found = audited([0.1, 0.2], [1.0, 2.0])
    assert found.agreements == ()
    assert "Nothing can be said of 2 networks" in sentences(found)[0]
    assert audit_lines(found)


def test_few_networks_are_called_few():
    true = np.linspace(0, 1, 6)
    found = audited(true, true)
    assert found.agreements[0].verdict == "few"
    assert "6 networks are too few to tell" in sentences(found)[0]
    assert "not clearly more than" in sentences(found)[1]


def test_an_audit_survives_json():
    found = audited(RNG.random(6), RNG.random(6), Scored("best", 0.9, None, True, "timeout"))
    again = Audit.from_json(json.loads(json.dumps(found.as_json())))
    assert again == found
    assert again.agreements == found.agreements

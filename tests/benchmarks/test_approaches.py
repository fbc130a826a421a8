"""Tables of methods: means, differences from random search in the same space with their tests, and four formats."""

from __future__ import annotations

import csv
import io

import numpy as np
import pytest
from scipy import stats

from netwright.benchmarks import approach_report as report
from netwright.benchmarks.approaches import Approach, MethodComparison, Outcome, welch_p
from netwright.core.problem import Metric

ACCURACY = Metric("accuracy", percent=True, of_examples=True)
ERROR = Metric("rmse", "minimize")
DARTS = Approach("darts", "darts", "darts", "gradient", "random in darts")
ENAS = Approach("enas", "enas", "nasnet", "reinforcement learning", "random in nasnet")
RANDOM_DARTS = Approach("random in darts", "random", "darts", "random search", "random in darts")
RANDOM_NASNET = Approach("random in nasnet", "random", "nasnet", "random search", "random in nasnet")
VALUES = {
    "darts": (0.95, 0.96, 0.955),
    "enas": (0.90, 0.91, 0.89),
    "random in darts": (0.90, 0.905, 0.91),
    "random in nasnet": (0.89, 0.92, 0.90),
}


def comparison(values=VALUES, metric=ACCURACY, repeats=3, failed=()):
    outcomes = [
        Outcome(label, repeat, f"{label}-{repeat}", value=value, params=1000.0 * (1 + repeat), search_seconds=10.0,
                training_seconds=5.0, memory=(repeat + 1) << 20)
        for label, each in values.items()
        for repeat, value in enumerate(each)
    ]  # fmt: skip
    approaches = [DARTS, ENAS, RANDOM_DARTS, RANDOM_NASNET]
    return MethodComparison("digits", "10m in all", repeats, approaches, [*outcomes, *failed], metric, 180)


def test_each_method_is_set_beside_random_search_in_its_own_space():
    lines = {each.approach.label: each for each in comparison().lines()}
    assert list(lines) == ["darts", "random in darts", "random in nasnet", "enas"]  # the best mean first
    assert lines["darts"].gain == pytest.approx(np.mean(VALUES["darts"]) - np.mean(VALUES["random in darts"]))
    assert lines["enas"].gain == pytest.approx(np.mean(VALUES["enas"]) - np.mean(VALUES["random in nasnet"]))
    assert lines["random in darts"].gain is None and lines["random in darts"].p is None
    darts = lines["darts"]
    assert (darts.params, darts.search_seconds, darts.seconds, darts.memory) == (2000.0, 10.0, 15.0, 3 << 20)


def test_the_test_is_welchs_and_corrected_for_the_methods_alone():
    lines = {each.approach.label: each for each in comparison().lines()}
    tested = stats.ttest_ind(VALUES["darts"], VALUES["random in darts"], equal_var=False)
    assert lines["darts"].p == pytest.approx(tested.pvalue)
    assert lines["darts"].corrected == pytest.approx(2 * tested.pvalue)  # Holm: the smaller of two
    assert lines["darts"].interval == pytest.approx(tuple(tested.confidence_interval()))
    assert lines["darts"].told_apart and not lines["enas"].told_apart


def test_copies_of_random_search_are_told_apart_as_rarely_as_the_level_says():
    draws = np.random.default_rng(0)
    told = 0
    for _ in range(100):
        values = {label: tuple(draws.normal(0.9, 0.01, 3)) for label in VALUES}
        told += any(each.told_apart for each in comparison(values).lines())
    assert told <= 100 * 0.05 + 2 * (100 * 0.05 * 0.95) ** 0.5


def test_of_errors_the_smallest_comes_first_and_is_better():
    found = comparison({name: tuple(1 - each for each in values) for name, values in VALUES.items()}, ERROR)
    assert found.lines()[0].approach.label == "darts"
    assert "darts is better than random search in the same space: -0.05" in " ".join(report.sentences(found))


def test_values_without_spread_say_nothing_of_chance():
    assert welch_p((0.5,), (0.5, 0.6)) is None and welch_p((0.5, 0.5), (0.5, 0.5)) == 1.0
    assert welch_p((0.5, 0.5), (0.6, 0.6)) is None
    single = comparison({name: values[:1] for name, values in VALUES.items()}, repeats=1)
    assert all(each.p is None and each.interval is None for each in single.lines())
    assert "one repeat says nothing of chance" in " ".join(report.sentences(single))


def test_a_method_that_found_nothing_has_its_reason_and_the_others_stay():
    failed = [Outcome("enas", n, f"enas-{n}", "failed", "one epoch takes 99 s") for n in range(3)]
    values = {name: each for name, each in VALUES.items() if name != "enas"}
    found = comparison(values, failed=failed)
    assert found.lines()[-1].approach.label == "enas" and found.lines()[-1].failed == (3, "one epoch takes 99 s")
    assert "enas found nothing in 3 of 3 repeats: one epoch takes 99 s" in report.text_lines(found)
    assert found.missing == 0 and comparison(values).missing == 3


def test_every_format_has_the_same_rows():
    found = comparison()
    head, *rows = report.cells(found)
    assert head[:4] == ["approach", "method", "test accuracy", "n"]
    assert rows[0][:5] == ["gradient", "darts", "95.50 % ± 0.50", "3", "2,000"] and rows[0][-1].endswith("*")
    text, marked, latex = "\n".join(report.text_lines(found)), report.markdown(found), report.latex(found)
    for line in (text, marked, latex):
        assert all(each.approach.label in line for each in found.lines())
    assert marked.count("\n| ") == 6 and r"\textbf{95.50 \% $\pm$ 0.50}" in latex
    table = list(csv.DictReader(io.StringIO(report.rows_csv(found))))
    assert [float(each["mean"]) for each in table] == [each.mean for each in found.lines()]
    runs = list(csv.DictReader(io.StringIO(report.runs_csv(found))))
    assert [float(each["value"]) for each in runs] == [each.value for each in found.outcomes]

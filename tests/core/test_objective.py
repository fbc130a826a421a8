from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netwright.core.amounts import parse_amount
from netwright.core.architecture import Mixture
from netwright.core.errors import UserError
from netwright.core.objective import Constraint, Objective, dominates, fittest, front
from netwright.core.trial import Proposal, State, Trial


@pytest.mark.parametrize(
    ("text", "metric", "direction"),
    [
        ("val_accuracy", "val_accuracy", "maximize"),
        ("params", "params", "minimize"),
        ("val_loss", "val_loss", "minimize"),
        ("latency_ms", "latency_ms", "minimize"),
        ("peak_memory", "peak_memory", "minimize"),
        ("params:maximize", "params", "maximize"),
        ("accuracy:min", "accuracy", "minimize"),
        ("lossless", "lossless", "maximize"),
        *(
            (name, name, "minimize")
            for name in ["flops", "mse", "mae", "val_rmse", "inference_time", "time", "size_mb", "bytes"]
        ),
        *((name, name, "minimize") for name in ["valid-loss", "Top-1 err", "test error (%)", "latency.ms"]),
        ("sometimes", "sometimes", "maximize"),
    ],
)
def test_objectives_are_read(text, metric, direction):
    found = Objective.parse(text)
    assert (found.metric, found.direction) == (metric, direction)
    assert Objective.parse(str(found)) == Objective.parse(found) == found


def test_objectives_that_cannot_be_read():
    with pytest.raises(UserError, match="'maximise'; did you mean 'maximize'"):
        Objective.parse("accuracy:maximise")
    with pytest.raises(UserError, match="'val_acuracy' was not measured; did you mean 'val_accuracy'"):
        Objective("val_acuracy").score({"val_accuracy": 0.5})


def test_scores_are_larger_for_better():
    assert Objective("loss", "minimize").score({"loss": 2.0}) == -2.0
    assert Objective("accuracy").score({"accuracy": 2}) == 2.0
    for direction in ("maximize", "minimize"):
        assert Objective("x", direction).score({"x": math.nan}) == -math.inf


@pytest.mark.parametrize(
    ("text", "limit"),
    [
        ("500k", 500e3),
        ("1.5M", 1.5e6),
        ("2g", 2e9),
        ("2B", 2e9),
        ("1,000,000", 1e6),
        ("1_000", 1e3),
        ("1e3", 1e3),
        ("1.23457e+08", 123457000.0),
        ("0.9", 0.9),
    ],
)
def test_amounts_are_read(text, limit):
    assert parse_amount(text) == limit


@pytest.mark.parametrize("text", ["", "many", "-5", "nan", "inf", "1e999", "5 apples", "k", "0x10", "1..2"])
def test_amounts_that_cannot_be_read(text):
    with pytest.raises(UserError):
        parse_amount(text)


def test_limits_are_read_and_kept():
    small = Constraint.parse("params <= 500k")
    assert small == Constraint("params", 500_000, "<=") == Constraint.parse(small)
    assert small.holds({"params": 500_000}) and not small.holds({"params": 500_001})
    assert small.violation({"params": 1_234_567}) == "params 1,234,567 breaks the limit params <= 500,000"
    good = Constraint.parse(" val_accuracy>=0.9 ")
    assert good.holds({"val_accuracy": 0.9}) and not good.holds({"val_accuracy": 0.89})
    assert not small.holds({"params": math.nan}) and not good.holds({"val_accuracy": math.nan})


@pytest.mark.parametrize("text", ["params", "params < 5", "params = 5", "<= 5", "params <= ", "a b <= 5"])
def test_limits_that_cannot_be_read(text):
    with pytest.raises(UserError, match="expected"):
        Constraint.parse(text)


def test_limits_may_be_negative_and_have_spaces():
    assert Constraint.parse("score >= -0.5") == Constraint("score", -0.5, ">=")
    assert Constraint.parse("score <= -2k").limit == -2000
    assert Constraint.parse("params <= 500 k ") == Constraint("params", 500_000, "<=")
    for text, meant in (("params < 500k", "<="), ("score > 0.5", ">="), ("params == 5", "<= or >=")):
        with pytest.raises(UserError, match=f"expected {meant}, as"):
            Constraint.parse(text)
    with pytest.raises(UserError, match="not an amount"):
        Constraint.parse("score >= --5")


@given(st.floats(-1e12, 1e12), st.sampled_from(["<=", ">="]))
@settings(max_examples=100, deadline=None)
def test_a_limit_reads_back_to_six_digits(limit, relation):
    assert Constraint.parse(str(Constraint("x", limit, relation))).limit == pytest.approx(limit, rel=1e-5)


def trial(number: int, *scores: float, state: State = "completed") -> Trial:
    return Trial(number, Proposal(Mixture({})), state, scores=scores)


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), max_size=12))
@settings(max_examples=100, deadline=None)
def test_the_front_is_what_nothing_dominates(points):
    trials = [trial(number, *map(float, point)) for number, point in enumerate(points)]
    expected = {p for p in points if not any(dominates(q, p) for q in points)}
    found = front([*trials, trial(99, state="diverged")])
    assert sorted(t.scores for t in found) == sorted(expected)
    assert all(t.number == points.index(t.scores) for t in found)  # of equal ones the earliest
    assert found == sorted(found, key=lambda t: t.scores, reverse=True)


def test_domination_is_strict():
    assert dominates((1.0, 2.0), (1.0, 1.0))
    assert not dominates((1.0, 1.0), (1.0, 1.0))
    assert not dominates((2.0, 0.0), (0.0, 2.0))


def test_the_fittest():
    failed = trial(0, state="error")
    assert fittest([failed, trial(1, 0.5), trial(2, 0.7), trial(3, 0.7)]).number == 2
    assert fittest([failed, trial(1, -math.inf)]).number == 1
    assert fittest([trial(0, 1.0, 5.0), trial(1, 2.0, 0.0)]).number == 1


@pytest.mark.parametrize(
    ("text", "limit"),
    [
        *(("4MB", 4e6), ("4 mb", 4e6), ("512 KiB", 512 * 1024), ("512kib", 512 * 1024), ("1.5 GiB", 1.5 * 2**30)),
        *(("4M", 4e6), ("4m", 4e6), ("500k", 5e5), ("500 kB", 5e5), ("2G", 2e9), ("2gb", 2e9), ("1MiB", 2**20)),
    ],
)
def test_limits_are_read_in_the_units_that_people_write(text, limit):
    assert Constraint.parse(f"activation_memory <= {text}").limit == limit

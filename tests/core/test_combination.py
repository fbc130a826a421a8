"""Objectives that combine metrics: what they come to, what they need, and what cannot be read."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import netwright as nw
from netwright.core.combination import combination
from netwright.core.errors import ConfigurationError, UserError
from netwright.estimators import Function
from netwright.testing.small_spaces import Layers

METRICS = {"val_accuracy": 0.8, "macs": 45e6, "latency": 2.0, "top-1 (%)": 3.0, "loss.mean": -1.0}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("val_accuracy * (macs / 30M) ^ -0.07", 0.8 * 1.5**-0.07),
        ("val_accuracy * (macs/30_000_000)**-0.07", 0.8 * 1.5**-0.07),
        ("val_accuracy - 0.1 * abs(macs / 30M - 1)", 0.75),
        ("2 - 3 - latency", -3.0),
        ("12 / 3 / latency", 2.0),
        ("2 ^ 3 ^ latency", 512.0),
        ("-latency ^ 2", -4.0),
        ("(-latency) ^ 2", 4.0),
        ("2 * -latency + +1", -3.0),
        ("max(1, latency, 3) + min(0, latency) + sqrt(latency ^ 4)", 7.0),
        ("log(exp(latency))", 2.0),
        ("`top-1 (%)` + 1 kB", 1003.0),
        ("1.5e-3 * latency", 0.003),
        ("abs(loss.mean)", 1.0),
    ],
)
def test_it_comes_to_what_arithmetic_says(text: str, expected: float) -> None:
    assert combination(text).value(METRICS) == pytest.approx(expected)


EXPRESSIONS = st.recursive(
    st.sampled_from(["a", "b", "2", "0.5"]),
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from("+-*/"), inner).map(lambda t: f"({t[0]} {t[1]} {t[2]})"),
        st.tuples(inner, st.sampled_from("+-*/"), inner).map(lambda t: f"{t[0]} {t[1]} {t[2]}"),
        inner.map(lambda each: f"-{each}"),
        inner.map(lambda each: f"abs({each})"),
    ),
    max_leaves=8,
)


@given(EXPRESSIONS)
def test_it_binds_as_python_does(text: str) -> None:
    import ast
    import operator

    calls = {ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv}

    def walked(node: ast.AST) -> float:
        if isinstance(node, ast.BinOp):
            return calls[type(node.op)](walked(node.left), walked(node.right))
        if isinstance(node, ast.UnaryOp):
            return -walked(node.operand)
        if isinstance(node, ast.Call):
            return abs(walked(node.args[0]))
        return float(node.value) if isinstance(node, ast.Constant) else {"a": 3.0, "b": -0.25}[node.id]  # type: ignore

    if "a" not in text.replace("abs", "") and "b" not in text.replace("abs", ""):
        return
    try:
        expected = walked(ast.parse(text, mode="eval").body)
    except ZeroDivisionError:
        expected = math.nan
    assert combination(text).value({"a": 3.0, "b": -0.25}) == pytest.approx(expected, nan_ok=True)


@pytest.mark.parametrize(
    "text", ["latency / (latency - 2)", "log(-latency)", "(0 - latency) ^ 0.5", "exp(latency * 1000)"]
)
def test_what_is_no_number_is_nan_and_the_worst(text: str) -> None:
    assert math.isnan(combination(text).value(METRICS)) and nw.Objective.parse(text).score(METRICS) == -math.inf


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "val_accuracy * (macs / 30M",
            r"expected '\)' after 'macs / 30M', found nothing more",
        ),
        ("val_accuracy *", r"expected a metric, a number or '\(' after 'val_accuracy \*', found nothing more"),
        ("val_accuracy macs", r"expected an operator .* after 'val_accuracy', found 'macs'"),
        ("log2(macs) * 2", r"has no function 'log2'; did you mean 'log'"),
        ("max(macs) * 1", r"max takes 2 to 9 numbers, found 1"),
        ("__import__('os') + 1", r"is no metric or number"),
        ("macs.__class__ ; 1", r"is no metric or number"),
        ("3 * 2", r"names no metric"),
        ("(" * 60 + "macs" + ")" * 60, r"nested more than 50 deep"),
        ("macs + " * 200 + "macs", r"may have 1,000 characters"),
    ],
)
def test_what_cannot_be_read_is_refused_in_one_line(text: str, message: str) -> None:
    with pytest.raises(UserError, match=message) as caught:
        nw.Objective(text).needs()
    assert "\n" not in str(caught.value)


def test_objectives_typed_in_python_are_those_texts() -> None:
    soft = nw.Objective.with_target("val_accuracy", "macs", "30M")
    assert soft.score(METRICS) == pytest.approx(0.8 * 1.5**-0.07)
    hard = nw.Objective.with_target("val_accuracy", "macs", 60e6, exponent=-1, shape="hard")
    assert hard.score(METRICS) == pytest.approx(0.8)
    assert hard.score({**METRICS, "macs": 120e6}) == pytest.approx(0.4)
    absolute = nw.Objective.with_target("val_accuracy", "macs", "30M", exponent=-0.1, shape="absolute")
    assert absolute.score(METRICS) == pytest.approx(0.75) == absolute.score({**METRICS, "macs": 15e6})
    assert nw.Objective.weighted(val_accuracy=1.0, macs=-1e-9).score(METRICS) == pytest.approx(0.755)
    assert nw.Objective.product(val_accuracy=2, latency=-1).score(METRICS) == pytest.approx(0.32)
    assert nw.Objective.parse(str(soft)) == soft and soft.needs() == ("val_accuracy", "macs")
    with pytest.raises(UserError, match="expected an exponent below 0"):
        nw.Objective.with_target("val_accuracy", "macs", "30M", exponent=0.07)


def test_names_of_metrics_stay_names() -> None:
    for name, direction in (("val_accuracy", "maximize"), ("top-1", "maximize"), ("latency/ms", "minimize")):
        assert nw.Objective.parse(name) == nw.Objective(name, direction)  # pyright: ignore
    assert nw.Objective.parse("accuracy (%)") == nw.Objective("accuracy (%)", "maximize")
    assert nw.Objective.parse("a * b:minimize").direction == "minimize"


def measured(architecture: nw.Architecture) -> dict[str, float]:
    return {"accuracy": sum(architecture.point) / 20, "macs": 1e6 * (1 + architecture.point[0])}


def test_a_search_by_a_combination_keeps_its_value_with_each_trial(tmp_path: Path) -> None:
    space, text = Layers(3), "accuracy * (macs / 2M) ^ -0.5"
    make = lambda: nw.Search(nw.strategies.RandomSearch(space), Function(measured), objective=text)  # noqa: E731
    run = make().run(trials=12, store=tmp_path, name="r")
    values = [each.metrics["accuracy"] * (each.metrics["macs"] / 2e6) ** -0.5 for each in run.trials]
    assert [each.metrics[text] for each in run.trials] == pytest.approx(values)
    assert run.best.scores == (max(each.scores[0] for each in run.trials),) and text in repr(run)
    more = make().run(trials=15, store=tmp_path, name="r", resume=True)
    assert more.table()[:12] == run.table() and len(more.trials) == 15


def test_a_metric_that_is_not_measured_is_named() -> None:
    space = Layers(3)
    with pytest.raises(ConfigurationError, match=r"does not measure 'macz'; did you mean 'macs'"):
        nw.Search(nw.strategies.RandomSearch(space), _known(), objective="accuracy * macz ^ -1")
    with pytest.raises(UserError, match=r"expected '\)'"):
        nw.Search(nw.strategies.RandomSearch(space), _known(), objective="accuracy * (macs")
    with pytest.raises(ConfigurationError, match=r"needs 'macz', which was not measured; did you mean 'macs'"):
        nw.Search(nw.strategies.RandomSearch(space), Function(measured), objective="accuracy * macz ^ -1").run(trials=1)


def _known() -> Function:
    found = Function(measured)
    found.metrics = ("accuracy", "macs")
    return found


def test_a_table_knows_the_best_by_a_combination() -> None:
    space = Layers(2)
    everything = list(space.enumerate())
    acc, macs = np.linspace(0.5, 0.9, len(everything)), 1e6 * (1 + np.arange(len(everything)) % 5)
    source = {"arch": [str(each) for each in everything], "acc": acc, "macs": macs}
    table = nw.estimators.Table(space, source, architecture="arch", metrics=["acc", "macs"])
    text = "acc - macs / 10M"
    expected = acc - macs / 10e6
    assert table.column(text) == pytest.approx(expected) and table.best(text) == pytest.approx(expected.max())

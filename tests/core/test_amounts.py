"""Amounts with the units that people write, each in the unit of its own metric."""

import pytest

from netwright.core.amounts import parse_amount_of
from netwright.core.errors import UserError
from netwright.core.objective import Constraint, Objective


@pytest.mark.parametrize(
    ("metric", "text", "value"),
    [
        ("latency_ms", "5", 5.0),
        ("latency_ms", "5 ms", 5.0),
        ("latency_ms", "5ms", 5.0),
        ("latency_ms", "800 us", 0.8),
        ("latency_ms", "800 µs", 0.8),
        ("latency_ms", "800\u03bcs", 0.8),
        ("latency_ms", "0.01 s", 10.0),
        ("cost_seconds", "250 ms", 0.25),
        ("energy_j", "20 mJ", 0.02),
        ("energy_j", "0.5", 0.5),
        ("size", "300 kB", 300_000),
        ("size", "300 KiB", 307_200),
        ("peak_memory", "1 MB", 1_000_000),
        ("peak_memory", "1MiB", 1_048_576),
        ("size", "1125899906842624", 2**50),
        ("params", "500k", 500_000),
    ],
)
def test_amounts_are_in_the_unit_of_the_metric(metric, text, value):
    assert parse_amount_of(metric, text) == value


@pytest.mark.parametrize(
    ("metric", "text", "told"),
    [
        (
            "latency_ms",
            "5 kB",
            "'5 kB' is not an amount of latency_ms, which is in milliseconds; expected for example 5",
        ),
        ("latency_ms", "5k", "milliseconds"),
        ("latency_ms", "soon", "milliseconds"),
        ("energy_j", "5 ms", "joules"),
        ("params", "5 ms", "params is no time and no energy, found '5 ms'; expected a number such as 500000"),
        ("size", "5 mJ", "size is no time and no energy"),
    ],
)
def test_a_unit_that_does_not_fit_names_those_that_do(metric, text, told):
    with pytest.raises(UserError) as problem:
        parse_amount_of(metric, text)
    assert told in str(problem.value)


def test_limits_and_objectives_know_times_bytes_and_energies():
    assert Constraint.parse("latency_ms <= 1.5 s") == Constraint("latency_ms", 1500.0)
    assert Constraint.parse("size <= 256 KiB").limit == 262_144
    names = ("latency_ms", "size", "peak_memory", "energy_j", "latency_predicted_ms", "size_int8")
    assert {Objective.parse(each).direction for each in names} == {"minimize"}

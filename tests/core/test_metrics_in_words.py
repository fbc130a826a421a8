"""Metrics as people read them: shares in per cent, amounts with about four digits and their unit."""

from __future__ import annotations

import pytest

from netwright.core.problem import Metric, amount


@pytest.mark.parametrize(
    ("value", "text"), [(48123.4, "48,123"), (12.345, "12.35"), (0.41239, "0.4124"), (-3.2, "-3.2"), (0, "0")]
)
def test_amounts_have_about_four_digits(value: float, text: str) -> None:
    assert amount(value) == text


def test_a_score_next_to_nothing_is_nothing() -> None:
    r2 = Metric("r2")
    assert (r2.text(-1.35e-5), r2.text(0.98765, 1.2e-5), r2.text(-13.21)) == ("0", "0.9877 ± 0", "-13.21")
    assert Metric("mae", "minimize").text(1.35e-5) == "1.35e-05"


def test_shares_are_shown_in_per_cent() -> None:
    share = Metric("accuracy", percent=True)
    assert (share.text(0.97591), share.text(0.97591, 0.0116)) == ("97.59 %", "97.59 % ± 1.16")
    assert share.difference(-0.005) == "-0.50 points"


def test_units_stand_behind_the_number() -> None:
    error = Metric("mae", "minimize", unit="USD", label="mean absolute error")
    assert error.text(48123.4, 210) == "48,123 ± 210.00 USD" and error.words == "mean absolute error"
    assert (error.difference(12.5), error.difference(-12.5)) == ("+12.50 USD", "-12.50 USD")
    assert not error.larger_is_better and Metric("f1_macro").words == "f1 macro"

"""scikit-learn's own checks of an estimator, in full."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sklearn.utils.estimator_checks import parametrize_with_checks

from netwright.sklearn import NetworkClassifier, NetworkRegressor

LITTLE: dict[str, Any] = {"trials": 1, "epochs": 5, "final_epochs": 0, "space": "mlp"}
IMPOSSIBLE = {
    "check_sample_weight_equivalence_on_dense_data": "a row twice is two rows: splits and batches are drawn of rows",
}


@parametrize_with_checks(
    [NetworkClassifier(**LITTLE), NetworkRegressor(**LITTLE)], expected_failed_checks=lambda _: IMPOSSIBLE
)
def test_it_is_an_estimator(estimator: Any, check: Callable[[Any], None]) -> None:
    check(estimator)

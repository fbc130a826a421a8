import numpy as np
import pytest

from netwright import tasks
from netwright.core.errors import UserError


@pytest.mark.parametrize(("limit", "expected"), [(0.25, 449), (400, 400)])
def test_a_stratified_part_of_the_digits(limit, expected):
    task = tasks.digits(limit=limit)
    assert len(task.train) + len(task.test) == pytest.approx(expected, abs=5)
    counts = np.bincount(task.train.targets.numpy(), minlength=10)
    assert counts.max() - counts.min() <= 3
    assert task.fingerprint == tasks.digits(limit=limit).fingerprint != tasks.digits().fingerprint
    assert task.configuration()["arguments"]["limit"] == limit


def test_limits_that_cannot_be():
    with pytest.raises(UserError, match="limit"):
        tasks.digits(limit=-1)

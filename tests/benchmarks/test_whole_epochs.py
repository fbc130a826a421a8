"""A fidelity that rounds up to an epoch counts as that epoch: no part of a training is free."""

from __future__ import annotations

import pytest

import netwright as nw
from netwright.core.errors import UserError


def test_a_training_counts_the_epochs_that_it_takes():
    space = nw.spaces.NasBench201(channels=2, cells=1)
    training = nw.estimators.Training(space, nw.tasks.digits(), epochs=5)
    problem = nw.benchmarks.BenchmarkProblem(training, "val_accuracy")
    assert [problem.part(each) for each in (None, 1.0, 0.6, 0.5, 0.01)] == pytest.approx([1, 1, 0.6, 0.6, 0.2])
    with pytest.raises(UserError, match="above 0"):
        training.estimate(nw.Proposal(space.at(0), fidelity=0.0), 0)
    data = nw.estimators.Training(space, nw.tasks.digits(), epochs=5, fidelity="data")
    assert nw.benchmarks.BenchmarkProblem(data, "val_accuracy").part(0.01) == 0.01

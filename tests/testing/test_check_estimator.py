"""check_estimator accepts what is right, and finds each way of being wrong."""

from __future__ import annotations

import math
import random
import time

import numpy as np
import pytest
import torch

from netwright.core.errors import Diverged, TrialFailed
from netwright.core.estimator import Estimator
from netwright.core.trial import Measurement, Proposal
from netwright.testing import check_estimator
from netwright.testing.small_spaces import Layers

SPACE = Layers(3)


class Active(Estimator):
    """Counts active decisions, with noise from the seed."""

    metrics = ("active",)

    def estimate(self, proposal, seed):
        noise = float(np.random.default_rng(seed).random())
        return Measurement({"active": len(proposal.candidate.decisions) + noise, "params": 3}, curve=[{"loss": 1.0}])


class FailsWhereDeep(Active):
    def estimate(self, proposal, seed):
        if proposal.candidate["depth"] == 3:
            raise Diverged("the loss is no longer finite")
        return super().estimate(proposal, seed)


class Clocked(Active):
    def estimate(self, proposal, seed):
        return Measurement({"active": 1.0, "seconds": time.perf_counter()})


def test_right_estimators_pass():
    check_estimator(Active(), SPACE)
    check_estimator(FailsWhereDeep(), SPACE, samples=10)
    check_estimator(Clocked(), SPACE, measured=("seconds",))
    check_estimator(Active(), SPACE, samples=1, proposals=[Proposal(SPACE.at(0), fidelity=0.5)])


class Giving(Active):
    """Gives the loss that it is made with."""

    def __init__(self, found):
        self.found = found

    def estimate(self, proposal, seed):
        return Measurement({"active": 1.0, "val_loss": self.found()})


class IgnoresTheSeed(Active):
    def estimate(self, proposal, seed):
        return super().estimate(proposal, int(np.random.default_rng().integers(1 << 60)))


class MovesTorch(Active):
    def estimate(self, proposal, seed):
        torch.manual_seed(seed)
        return super().estimate(proposal, seed)


class MovesNumpy(Active):
    def estimate(self, proposal, seed):
        np.random.seed(seed % 1000)  # noqa: NPY002
        return super().estimate(proposal, seed)


class MovesPython(Active):
    def estimate(self, proposal, seed):
        random.seed(seed)
        return super().estimate(proposal, seed)


class Raises(Active):
    def estimate(self, proposal, seed):
        raise ZeroDivisionError("division by zero")


class AlwaysFails(Active):
    def estimate(self, proposal, seed):
        raise TrialFailed("no luck")


class FailsByChance(Active):
    calls = 0

    def estimate(self, proposal, seed):
        self.calls += 1
        if self.calls % 2:
            raise Diverged("by chance")
        return super().estimate(proposal, seed)


class UnknownState(Active):
    def estimate(self, proposal, seed):
        failure = TrialFailed("somehow")
        failure.state = "tired"
        raise failure


class GivesADict(Active):
    def estimate(self, proposal, seed):
        return {"active": 1.0}


class BadCurve(Active):
    def estimate(self, proposal, seed):
        return Measurement({"active": 1.0}, curve=[{"loss": 1.0}, {"loss": math.inf}])


class Undeclared(Active):
    metrics = ("active", "val_accuracy")


class NotJson(Active):
    def __init__(self, rate=math.inf):
        self.rate = rate


class NoStages(Active):
    def stages(self):
        return ()


class OddStages(Active):
    def stages(self):
        return (self, "training")


@pytest.mark.parametrize(
    ("estimator", "message"),
    [
        (Giving(lambda: math.nan), "'val_loss' is nan"),
        (Giving(lambda: torch.tensor(1.0)), "'val_loss' is a Tensor"),
        (Giving(lambda: None), "'val_loss' is a NoneType"),
        (Clocked(), "metric 'seconds' was .* name it in `measured`"),
        (IgnoresTheSeed(), "metric 'active' was"),
        (MovesTorch(), "global random generator of torch"),
        (MovesNumpy(), "global random generator of numpy"),
        (MovesPython(), "global random generator of Python's random"),
        (Raises(), "raised ZeroDivisionError"),
        (AlwaysFails(), "every one of 3 estimates failed, the first with: .*no luck"),
        (FailsByChance(), "ended once with Diverged, once with Measurement"),
        (UnknownState(), "unknown state 'tired'"),
        (GivesADict(), "expected a Measurement"),
        (BadCurve(), "curve, row 1: 'loss' is inf"),
        (Undeclared(), r"declares \['val_accuracy'\]"),
        (NotJson(), "configuration raised ValueError"),
        (NoStages(), r"stages\(\) is empty"),
        (OddStages(), "not an Estimator"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Estimator) else "",
)
def test_wrong_estimators_are_found(estimator, message):
    with pytest.raises(AssertionError, match=message):
        check_estimator(estimator, SPACE)

import pytest

import netwright as nw
from netwright.core.errors import ConfigurationError
from netwright.core.estimator import Estimator
from netwright.core.trial import Measurement, Proposal
from netwright.estimators import Cost, Function, Stack, Training
from netwright.testing import check_estimator

SPACE = nw.spaces.Mlp(widths=(8,), most=1, dropouts=(0.0,))
SHAPE = nw.TaskShape((64,), 10)


class Curve(Estimator):
    def __init__(self, name):
        self.name = name

    def estimate(self, proposal, seed):
        return Measurement({"last": float(seed)}, curve=({self.name: 1.0},))


def test_measures_everything_and_the_later_wins():
    stack = Stack(Cost(SPACE, SHAPE), Function(lambda _: 1, "params"), Function(lambda _: {"other": 2}))
    found = stack.estimate(Proposal(SPACE.at(0)), 0)
    assert found.metrics["params"] == 1 and found.metrics["other"] == 2 and found.metrics["macs"] == 64 * 8 + 80
    assert stack.metrics == ("params", "macs", "activation_memory")
    check_estimator(stack, SPACE)


def test_stages_are_flat_and_in_order():
    training = Training(SPACE, nw.tasks.digits(), epochs=1)
    own = Function(lambda _: 0.0, "own")
    stages = Stack(own, Stack(training)).stages()
    assert stages == (own, training.cost, training)


def test_curves_follow_each_other():
    found = Stack(Curve("a"), Curve("b")).estimate(Proposal(SPACE.at(0)), 7)
    assert found.curve == ({"a": 1.0}, {"b": 1.0}) and found.metrics == {"last": 7.0}


def test_takes_estimators_only():
    with pytest.raises(ConfigurationError, match="at least one"):
        Stack()
    with pytest.raises(ConfigurationError, match="expected an Estimator"):
        Stack("cost")

import pytest
import torch

import netwright as nw
from netwright.core.errors import UserError
from netwright.core.trial import Proposal
from netwright.estimators import Function
from netwright.testing import check_estimator

SPACE = nw.spaces.Mlp()


def depth(architecture):
    return architecture["depth"]


def both(architecture):
    return {"depth": depth(architecture), "loss": torch.tensor(0.5)}


def measured(function, metric=None):
    return Function(function, metric).estimate(Proposal(SPACE.at(0)), 0).metrics


def test_a_number_is_named_after_its_function():
    assert measured(depth) == {"depth": 1.0}
    assert measured(depth, "layers") == {"layers": 1.0}
    assert measured(lambda _: 2) == {"value": 2.0}


def test_several_numbers_keep_their_names():
    assert measured(both) == {"depth": 1.0, "loss": 0.5}
    check_estimator(Function(both), SPACE)


@pytest.mark.parametrize("result", [None, "good", [1.0], torch.ones(2)])
def test_what_is_no_number_is_refused_by_name(result):
    with pytest.raises(UserError, match="expected a number"):
        measured(lambda _: result)
    with pytest.raises(UserError, match="'loss'"):
        measured(lambda _: {"loss": result})


def test_the_configuration_names_the_function():
    configuration = Function(depth).configuration()
    assert configuration["arguments"]["function"].endswith("test_function:depth")
    with pytest.raises(UserError, match="expected a function"):
        Function(3)

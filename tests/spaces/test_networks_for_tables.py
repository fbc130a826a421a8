"""The space for tables: its contract, what it makes of columns, and the networks that are known."""

import numpy as np
import pytest
import torch
from torch import nn

from netwright.core.errors import ConfigurationError, UserError
from netwright.core.task import TaskShape
from netwright.networks.members import Answers
from netwright.networks.numbers import PeriodicNumbers, PiecewiseNumbers
from netwright.spaces.tables import Tables
from netwright.supernets.supernet import Supernet
from netwright.testing import check_space

SPACE = Tables()
SHAPE = TaskShape((30,), 3, columns=(1, 2, 20, 1, 6))


def test_keeps_the_contract_of_spaces():
    check_space(SPACE)


@pytest.mark.parametrize("shape", [SHAPE, TaskShape((5,), 2), TaskShape((7,), 1, columns=(3, 4))])
def test_every_kind_of_network_runs_forward_and_backward(shape):
    rng = np.random.default_rng(1)
    for _ in range(8):
        network = SPACE.build(SPACE.sample(rng), shape)
        answers = network(shape.example(4))
        answers = answers if isinstance(answers, list) else [answers]
        torch.stack(answers).sum().backward()
        assert all(each.shape == (4, shape.outputs) for each in answers)
        assert network.eval()(shape.example(4)).shape == (4, shape.outputs)


def test_the_network_is_what_was_decided():
    labels = {"width": 64, "dropout": 0.3, "block": "residual", "members": 8, "numbers": "piecewise", "depth": 2}
    network = SPACE.build(SPACE.architecture({**labels, "numbers/piecewise/size": 8}), SHAPE)
    assert isinstance(network.first.rows.numbers, PiecewiseNumbers)
    assert network.first.linear.in_features == 2 * 8 + 2 + 6 + 16 and len(network.hidden) == 2
    assert network.first.rows.many.table.weight.shape == (21, 16)
    assert isinstance(network.head, Answers) and network.head.weight.shape == (8, 64, 3)
    assert {each.p for each in network.modules() if isinstance(each, nn.Dropout)} == {0.3}


def test_many_numbers_have_fewer_features_each():
    architecture = SPACE.architecture(
        {"width": 64, "dropout": 0.0, "block": "plain", "members": 1, "numbers": "periodic", "depth": 1}
        | {"numbers/periodic/size": 16}
    )
    network = SPACE.build(architecture, TaskShape((784,), 10))
    assert isinstance(network.first.rows.numbers, PeriodicNumbers)
    assert network.first.linear.in_features == 784 * 2


def test_known_networks_are_of_the_space_and_only_those_that_it_holds():
    known = SPACE.known(SHAPE)
    assert next(iter(known)) == "residual MLP with piecewise linear embeddings" and "MLP" in known
    for architecture in known.values():
        SPACE.validate(architecture)
    assert len({*known.values()}) == len(known)
    alone = Tables(members=(1,), blocks=("plain",), sizes=(16,), numbers=("piecewise",))
    assert list(alone.known(SHAPE)) == ["MLP with piecewise linear embeddings"]
    assert Tables(widths=(99,)).known(SHAPE) == {}


@pytest.mark.parametrize(
    "options",
    [
        *({name: ()} for name in ("widths", "blocks", "numbers", "sizes", "members", "dropouts")),
        *({"widths": (0,)}, {"members": (0,)}, {"dropouts": (1.0,)}, {"least": 0}, {"most": 0}, {"bins": 0}),
        {"category_size": 0},
    ],
)
def test_settings_that_cannot_be(options):
    with pytest.raises(ConfigurationError, match="Tables"):
        Tables(**options)


def test_an_unknown_way_to_read_numbers_names_the_nearest():
    with pytest.raises(ConfigurationError, match="did you mean 'piecewise'"):
        Tables(numbers=("piecwise",))


def test_sizes_share_their_weights_where_nothing_else_is_open():
    space = Tables(members=(1,), blocks=("residual",), sizes=(8,), dropouts=(0.1,), widths=(16, 32))
    supernet = Supernet(space, SHAPE)
    assert supernet(SHAPE.example(4), space.sample(np.random.default_rng(0))).shape == (4, 3)


def test_what_cannot_share_weights_says_so():
    with pytest.raises(UserError, match=r"cannot share|a supernet shares weights between sizes"):
        Supernet(SPACE, SHAPE)


def test_images_are_refused():
    with pytest.raises(UserError, match="Tables builds networks for vectors"):
        SPACE.build(SPACE.sample(np.random.default_rng(0)), TaskShape((3, 8, 8), 2))

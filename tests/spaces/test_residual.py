from collections import OrderedDict

import numpy as np
import pytest
import torch
from torch import nn

from netwright.core.errors import ConfigurationError, UserError
from netwright.core.task import TaskShape
from netwright.networks.counting import count
from netwright.networks.u_shape import ChannelWeights
from netwright.results.network_source import write_source
from netwright.spaces.residual import Residual
from netwright.testing import check_space

SMALL = Residual(widths=(4, 8), most_stages=3, most=2)
DIGITS, ODD = TaskShape((1, 8, 8), 10), TaskShape((3, 75, 60), 3)


def test_keeps_the_contract_of_spaces():
    check_space(SMALL, DIGITS, samples=4, networks=2)


def test_size_by_hand():
    stage = 3 * 4 * 2 * 2  # multipliers, blocks, squeezes, depths
    assert SMALL.size == 2 * 2 * (stage**2 + stage**3)


@pytest.mark.parametrize("shape", [DIGITS, ODD], ids=str)
def test_costs_are_those_of_the_networks(shape):
    architecture = SMALL.sample(np.random.default_rng(0))
    with torch.device("meta"):
        found = count(SMALL.build(architecture, shape), shape.input)
        parts = [SMALL.cost_part(each, shape) for each in SMALL.cost_terms(architecture.content)]
        counts = [count(part, sides) for part, sides in parts]
    assert sum(each.params for each in counts) == found.params
    assert sum(each.macs for each in counts) == found.macs
    assert sum(each.activation_memory for each in counts) == found.activation_memory


def test_known_networks_are_what_they_are_called():
    known = Residual().known(DIGITS)
    assert next(iter(known)) == "ResNet-6 of width 16", "small images begin at their full resolution"
    assert next(iter(Residual().known(TaskShape((3, 32, 32), 10)))) == "ResNet-8 of width 32 at half the resolution"
    for name, architecture in known.items():
        with torch.device("meta"):
            network = Residual().build(architecture, DIGITS)
        convolutions = [each for each in network.modules() if isinstance(each, nn.Conv2d)]
        beside = [each for name, each in network.named_modules() if ".by." in name and isinstance(each, nn.Conv2d)]
        assert f"-{len(convolutions) - len(beside) + 1} of width {convolutions[0].out_channels}" in name
        assert (convolutions[0].stride == (2, 2)) == ("half the resolution" in name)


@pytest.mark.parametrize("side", [8, 28, 224])
def test_each_resolution_is_halved_as_far_as_makes_sense(side):
    shape = TaskShape((3, side, side), 10)
    with torch.device("meta"):
        networks = [Residual().build(each, shape) for each in Residual().known(shape).values()]
        for network in networks:
            last = network[:-1](torch.empty(1, *shape.input)).shape[-1]
            assert 2 <= last <= 14


@pytest.mark.parametrize("name", Residual().known(DIGITS))
def test_known_networks_are_exported_as_plain_code(name):
    torch.manual_seed(0)
    network = Residual().build(Residual().known(DIGITS)[name], DIGITS).eval()
    inputs = DIGITS.example(2)
    source = write_source(network, inputs)
    names = {"torch": torch, "nn": nn, "F": nn.functional, "Tensor": torch.Tensor, "OrderedDict": OrderedDict}
    exec(source.code, names)
    exported = names["build"]().eval()
    exported.load_state_dict(source.tensors)
    assert "netwright" not in source.code
    assert exported(inputs).equal(network(inputs))


def test_channels_are_weighed_where_that_was_decided():
    answers = {"stride": 1, "width": 4, "stages": 2}
    for stage, block in enumerate(("basic", "inverted_5")):
        answers |= {f"stages/{stage}/{name}": label for name, label in (("multiplier", 1.0), ("block", block))}
        answers |= {f"stages/{stage}/squeeze": bool(stage), f"stages/{stage}/depth": 2}
    network = SMALL.build(SMALL.architecture(answers), DIGITS)
    weighed = [name for name, each in network.named_modules() if isinstance(each, ChannelWeights)]
    assert len(weighed) == 2
    assert all(name.startswith("stages.1.") for name in weighed)


def test_a_child_takes_over_what_its_parent_learnt():
    parent = SMALL.sample(np.random.default_rng(3))
    child = SMALL.architecture({**parent.decisions, "width": 12 - parent["width"]})
    networks = [SMALL.build(each, DIGITS) for each in (parent, child)]
    assert SMALL.inherit(*networks, parent, child) > 100


@pytest.mark.parametrize(
    "options",
    [{"widths": ()}, {"widths": (0,)}, {"strides": (3,)}, {"blocks": ("basics",)}, {"least": 3, "most": 2}],
    ids=str,
)
def test_settings_that_cannot_be(options):
    with pytest.raises(ConfigurationError, match="Residual"):
        Residual(**options)


def test_vectors_are_refused():
    with pytest.raises(UserError, match="builds networks for images"):
        SMALL.build(SMALL.at(0), TaskShape((8,), 3))

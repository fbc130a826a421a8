"""The spaces whose points are the well-known networks for series, texts and masks; and which space is the usual one."""

import numpy as np
import pytest
import torch
from torch import nn

from netwright.core.errors import ConfigurationError, UserError
from netwright.core.task import TaskShape
from netwright.networks.text_readers import Bag
from netwright.results.network_source import write_source
from netwright.spaces import TextClasses, TimeSeries, UNet, usual_space
from netwright.testing import check_space

CLASS, EACH_TIME = TaskShape((2, 30), 3), TaskShape((2, 9), 3, dense=True)
TEXT, MASKS = TaskShape((6,), 3, vocabulary=7), TaskShape((1, 12, 20), 2, dense=True)
SERIES = TimeSeries(widths=(4, 8), most=2)
TEXTS = TextClasses(channels=(4, 8), pairs=(0, 16), filters=(2, 4))
UNETS = UNet(widths=(2, 4), most=2)
NUMBERS = TimeSeries(widths=(4,), most=2, lines=(False, True))
SMALL = [(SERIES, CLASS), (SERIES, EACH_TIME), (NUMBERS, CLASS), (TEXTS, TEXT), (UNETS, MASKS)]


@pytest.mark.parametrize(("space", "shape"), SMALL, ids=str)
def test_keeps_the_contract_of_spaces(space, shape):
    check_space(space, shape, samples=3, networks=1)


def test_sizes_by_hand():
    assert SERIES.size == 2 * 3 * 2 * 3 * (5 + 5**2)
    assert TEXTS.size == 2 * 2 * 3 + 2 * 2 * 2 * 3 + 2 * 3 * 2
    assert UNETS.size == 2 * 2 * 2 * 4


def exported(network, inputs):
    source = write_source(network, inputs)
    names = {"torch": torch, "nn": nn, "F": nn.functional, "Tensor": torch.Tensor}
    exec(source.code, names)
    found = names["build"]().eval()
    found.load_state_dict(source.tensors)
    assert "netwright" not in source.code
    return found


@pytest.mark.parametrize(("space", "shape"), SMALL, ids=str)
def test_known_networks_are_exported_as_plain_code(space, shape):
    inputs = shape.example(2)
    known = space.known(shape)
    assert known
    for architecture in known.values():
        network = space.build(architecture, shape).eval()
        assert exported(network, inputs)(inputs).allclose(network(inputs), atol=1e-6)


def test_blocks_that_are_not_among_the_known_are_exported_too():
    for block in ("single", "separable", "residual"):
        for stride in (1, 2):
            network = UNETS.build(UNETS.architecture({"width": 2, "stride": stride, "depth": 1, "block": block}), MASKS)
            inputs = MASKS.example(1)
            assert exported(network.eval(), inputs)(inputs).allclose(network(inputs), atol=1e-6)


def test_names_say_what_the_networks_are():
    assert next(iter(TimeSeries().known(CLASS))) == "quick 1-D ResNet of 3 blocks, width 64, halving"
    assert list(TextClasses().known(TEXT)) == [
        "bag of words with 64 features",
        "bag of words and pairs with 32 features",
        "text-CNN of 64 filters",
        "attention with 64 features",
    ]
    assert list(UNet(widths=(16,), most=3, blocks=("plain",)).known(MASKS)) == [
        "U-Net of width 16, 3 levels down",
        "U-Net of width 16, 3 levels down, at half the resolution",
    ]


def test_a_bag_is_the_mean_of_what_it_holds_whatever_fills_the_text():
    torch.manual_seed(0)
    bag = Bag(vocabulary=7, channels=4, pairs=16, outputs=2, dropout=0.5).eval()
    short, long = torch.tensor([[2, 5]]), torch.tensor([[0, 0, 0, 2, 5]])
    assert bag(short).allclose(bag(long), atol=1e-6)
    rows = bag.features.weight[[2, 5, 7 + (2 * 7919 + 5) % 16]]
    assert bag(short).allclose(bag.linear(rows.mean(0, keepdim=True)), atol=1e-6)
    assert not bag(short).allclose(bag(torch.tensor([[5, 2]])))
    assert bag(torch.zeros(1, 3, dtype=torch.int64)).allclose(bag.linear.bias)


def test_a_unet_takes_images_of_any_size():
    for stride in (1, 2):
        network = UNETS.build(UNETS.architecture({"width": 2, "stride": stride, "depth": 2, "block": "plain"}), MASKS)
        assert network[0](torch.zeros(1, 1, 7, 11)).shape == (1, 2, 7, 11)


@pytest.mark.parametrize("length", [1, 3, 40])
def test_series_of_any_length(length):
    shape = TaskShape((1, length), 2)
    for architecture in SERIES.known(shape).values():
        assert SERIES.build(architecture, shape).eval()(shape.example(2)).shape == (2, 2)


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        (TimeSeries, {"blocks": ("inception",)}),
        (TimeSeries, {"widths": ()}),
        (TimeSeries, {"dropouts": (1.0,)}),
        (TextClasses, {"readers": ("bags",)}),
        (TextClasses, {"beside": (2,)}),
        (TextClasses, {"pairs": (-1,)}),
        (UNet, {"blocks": ("plane",)}),
        (UNet, {"strides": (3,)}),
        (UNet, {"least": 3, "most": 2}),
    ],
)
def test_settings_that_cannot_be(kind, options):
    with pytest.raises(ConfigurationError, match=kind.__name__):
        kind(**options)


@pytest.mark.parametrize(
    ("shape", "called"),
    [
        (TaskShape((3, 16, 16), 3), "residual"),
        (TaskShape((3, 16, 16), 3, dense=True), "unet"),
        (TaskShape((8,), 3), "tables"),
        (TaskShape((2, 40), 3), "time-series"),
        (TaskShape((2, 40), 3, dense=True), "time-series"),
        (TaskShape((12,), 3, vocabulary=9), "text-classes"),
        (TaskShape((12,), 9, vocabulary=9, dense=True), "texts"),
        (TaskShape((1, 4, 4, 4), 3), "mlp"),
    ],
    ids=str,
)
def test_the_usual_space_builds_for_its_kind_of_data(shape, called):
    space = usual_space(shape)
    assert type(space).called == called
    with torch.device("meta"):
        assert space.build(space.sample(np.random.default_rng(0)), shape)


def test_vectors_at_each_place_have_no_usual_space():
    with pytest.raises(UserError, match="one"):
        usual_space(TaskShape((1, 4, 4, 4), 3, dense=True))

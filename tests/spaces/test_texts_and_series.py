import numpy as np
import pytest
import torch
from torch import nn

from netwright.core.architecture import Mixture
from netwright.core.errors import ConfigurationError, UserError
from netwright.core.task import TaskShape
from netwright.networks.token_blocks import RowConvolution, SelfAttention
from netwright.results.network_source import write_source
from netwright.spaces import Series, Texts
from netwright.supernets import Supernet
from netwright.testing import check_space

NEXT = TaskShape((6,), 7, vocabulary=7, dense=True)
TEXT = TaskShape((6,), 3, vocabulary=7)
CLASS, EACH_TIME = TaskShape((2, 9), 3), TaskShape((2, 9), 3, dense=True)
TEXTS, SERIES = Texts(channels=4, most=2), Series(widths=(2, 4), stages=2, most=2)


@pytest.mark.parametrize(
    ("space", "shape"), [(TEXTS, NEXT), (TEXTS, TEXT), (SERIES, CLASS), (SERIES, EACH_TIME)], ids=str
)
def test_keeps_the_contract_of_spaces(space, shape):
    check_space(space, shape, samples=4, networks=2)


def test_size_by_hand():
    assert TEXTS.size == (6 * 3) + (6 * 3) ** 2
    assert SERIES.size == 2 * (7 + 7**2) ** 2


@pytest.mark.parametrize("name", ["conv_3", "conv_7", "dilated_3", "gated_7", "attention"])
def test_where_the_next_token_is_asked_for_a_place_sees_none_behind_it(name):
    space = Texts(channels=4, mixers=(name,), most=1)
    torch.manual_seed(0)
    network = space.build(space.at(0), NEXT).eval()
    first, second = torch.tensor([[1, 2, 3, 4, 5, 6]]), torch.tensor([[1, 2, 3, 0, 0, 0]])
    with torch.no_grad():
        a, b = network(first), network(second)
    assert a[:, :, :3].allclose(b[:, :, :3], atol=1e-6)
    assert not a[:, :, 3:].allclose(b[:, :, 3:])
    text = space.build(space.at(0), TEXT).eval()
    assert not any(each.causal for each in text.modules() if isinstance(each, SelfAttention))
    for each in text.modules():
        if isinstance(each, RowConvolution):
            assert each.before == each.after


@pytest.mark.parametrize(
    ("space", "shape"), [(TEXTS, NEXT), (TEXTS, TEXT), (SERIES, CLASS), (SERIES, EACH_TIME)], ids=str
)
def test_supernets_mix_and_extract(space, shape):
    torch.manual_seed(0)
    supernet = Supernet(space, shape)
    x = shape.example(3)
    weights = {each.name: torch.ones(len(each.options)) / len(each.options) for each in space.decisions}
    assert supernet(x, Mixture(weights)).shape == (3, shape.outputs, *(shape.places if shape.dense else ()))
    architecture = space.sample(np.random.default_rng(0))
    alone = supernet.extract(architecture).train()
    for module in alone.modules():
        if isinstance(module, nn.Dropout):
            module.p = 0.0
    supernet.eval()
    assert supernet(x, architecture).allclose(alone(x), atol=1e-5)


@pytest.mark.parametrize(("space", "shape"), [(TEXTS, NEXT), (SERIES, EACH_TIME)], ids=str)
def test_exported_networks_are_plain(space, shape):
    torch.manual_seed(0)
    network = space.build(space.sample(np.random.default_rng(2)), shape).eval()
    x = shape.example(2)
    source = write_source(network, x)
    names = {"torch": torch, "nn": nn, "F": nn.functional, "Tensor": torch.Tensor}
    exec(source.code, names)
    exported = names["build"]().eval()
    exported.load_state_dict(source.tensors)
    assert "netwright" not in source.code
    assert exported(x).equal(network(x))
    if shape.is_tokens:
        assert exported(x[:, :2]).equal(network(x[:, :2]))


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        (Texts, {"mixers": ("convv_3",)}),
        (Texts, {"expansions": ()}),
        (Texts, {"least": 0}),
        (Series, {"operations": ("conv_4",)}),
        (Series, {"widths": ()}),
        (Series, {"stages": 0}),
    ],
)
def test_settings_that_cannot_be(kind, options):
    with pytest.raises(ConfigurationError, match=kind.__name__):
        kind(**options)


@pytest.mark.parametrize("space", [TEXTS, SERIES], ids=str)
def test_images_are_refused(space):
    with pytest.raises(UserError, match="builds networks for"):
        space.build(space.at(0), TaskShape((3, 8, 8), 10))

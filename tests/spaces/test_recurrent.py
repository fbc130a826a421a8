import math

import numpy as np
import pytest
import torch
from torch import nn

from netwright.core.architecture import Mixture
from netwright.core.carrying import Stream
from netwright.core.errors import ConfigurationError, InvalidArchitecture, UserError
from netwright.core.task import TaskShape
from netwright.estimators.cost import Cost
from netwright.networks.counting import count
from netwright.networks.recurrent import LockedDropout
from netwright.results.network_source import write_source
from netwright.spaces import Recurrent
from netwright.supernets import Supernet
from netwright.testing import check_space

DARTS_V2 = (
    "Genotype(recurrent=[('sigmoid', 0), ('relu', 1), ('relu', 1), ('identity', 1), ('tanh', 2), ('sigmoid', 5), "
    "('tanh', 3), ('relu', 5)], concat=range(1, 9))"
)
ENAS = (
    "Genotype(recurrent=[('tanh', 0), ('tanh', 1), ('relu', 1), ('tanh', 3), ('tanh', 3), ('relu', 3), ('relu', 4), "
    "('relu', 7), ('relu', 8), ('relu', 8), ('relu', 8)], concat=[2, 5, 6, 9, 10, 11])"
)
VOCABULARY, CHANNELS, TIMES, TEXTS = 7, 5, 4, 3
SHAPE = TaskShape((TIMES,), VOCABULARY, vocabulary=VOCABULARY, dense=True)
TOKENS = (torch.arange(2 * TIMES * TEXTS) * 5 % VOCABULARY).view(TEXTS, 2 * TIMES)


def values(shape, seed):
    """Numbers that look like nothing, the same everywhere."""
    numbers = torch.arange(math.prod(shape), dtype=torch.float64)
    return (0.3 * torch.sin(numbers * (1 + seed) * 0.7 + seed)).float().view(shape)


def fill(network):
    """The weights with which the authors' code was run for the numbers below; theirs are transposed."""
    with torch.no_grad():
        cell = network.recurrence.cell
        cell.entrance.weight.copy_(values((2 * CHANNELS, 2 * CHANNELS), 0).T)
        for i, node in enumerate(cell.nodes):
            linear = next(each for each in node.modules() if isinstance(each, nn.Linear))
            linear.weight.copy_(values((CHANNELS, 2 * CHANNELS), i + 1).T)
        network.embedding.weight.copy_(values((VOCABULARY, CHANNELS), 20))
        network.head.linear.bias.copy_(values((VOCABULARY,), 30))
    return network


@pytest.fixture(scope="module")
def space():
    return Recurrent(channels=CHANNELS)


@pytest.fixture(scope="module")
def network(space):
    return fill(space.build(space.parse(DARTS_V2), SHAPE)).eval()


def close(found, expected):
    assert found.tolist() == pytest.approx(expected, abs=2e-6)


def test_the_published_cell_gives_what_the_authors_code_gives(network):
    # github.com/quark0/darts, rnn/model.py, with the weights of `fill`: log-probabilities of two windows in a row
    stream, found = Stream(network), []
    with torch.no_grad():
        for window in TOKENS.split(TIMES, 1):
            with stream.next():
                found.append(network(window).log_softmax(1))
    close(found[0][0, :, -1], [-2.205937, -1.653669, -2.275016, -1.701942, -2.084028, -1.920807, -1.948658])
    close(found[1][2, :, -1], [-2.205709, -1.653266, -2.275536, -1.702043, -2.083476, -1.921094, -1.949059])
    assert -float(found[0].sum() + found[1].sum()) == pytest.approx(330.9617, abs=1e-3)


def test_a_mixture_gives_what_the_authors_search_network_gives(space):
    # rnn/model_search.py, in training mode without dropout
    supernet = Supernet(space, SHAPE).train()
    fill(supernet.network)
    alphas = values((36, 5), 40).requires_grad_()
    rows, weights = alphas.softmax(-1).roll(-1, 1), {}  # `none` comes first there, last here
    for node in range(8):
        for source in range(node + 1):
            weights[f"node{node}/{source}"] = rows[node * (node + 1) // 2 + source]
    logits = supernet(TOKENS[:, :TIMES], Mixture(weights)).log_softmax(1)
    close(logits[0, :, -1], [-1.977029, -2.260471, -2.39215, -1.298329, -2.505036, -2.332153, -1.541597])
    close(logits[1, :, 2], [-2.122447, -1.774303, -2.309168, -1.587597, -2.151681, -2.019893, -1.845528])
    loss = nn.functional.nll_loss(logits, TOKENS[:, 1 : TIMES + 1])
    gradient = torch.autograd.grad(loss, alphas)[0]
    assert loss.item() == pytest.approx(1.903554, abs=1e-5)
    assert float(gradient.abs().sum()) == pytest.approx(0.0343118, rel=1e-3)


def test_windows_that_continue_are_one_long_text(network):
    stream = Stream(network)
    whole, parts = network(TOKENS), []
    for window in TOKENS.split(TIMES, 1):
        with stream.next(moves=False):
            network(window)
        with stream.next():
            parts.append(network(window))
    assert torch.cat(parts, 2).equal(whole)
    with stream.again():
        assert network(window).equal(parts[-1])
    assert network(TOKENS).equal(whole)  # and nothing stays in the network


def test_a_carried_state_has_no_history(network):
    stream = Stream(network)
    with stream.next():
        network(TOKENS)
    assert all(not each.requires_grad and each.shape == (TEXTS, CHANNELS) for each in stream.states.values())
    with stream.next():
        assert network(TOKENS[:1]).shape == (1, VOCABULARY, 2 * TIMES)  # a last batch may be smaller


@pytest.mark.parametrize("options", [{}, {"nodes": 3, "output": "loose"}])
def test_keeps_the_contract_of_spaces(options):
    check_space(Recurrent(channels=3, **options), samples=6, networks=2)
    check_space(Recurrent(channels=3, **options), TaskShape((5,), 2, vocabulary=6), samples=2, networks=1)


def test_size_by_hand(space):
    assert space.size == 4**8 * math.factorial(8)


@pytest.mark.parametrize(("text", "options"), [(DARTS_V2, {}), (ENAS, {"nodes": 11, "output": "loose"})])
def test_published_cells_read_back(text, options):
    space = Recurrent(channels=2, **options)
    architecture = space.parse(text)
    assert space.parse(str(architecture)) == architecture
    assert space.genotype(architecture)["concat"] == ([2, 5, 6, 9, 10, 11] if options else [*range(1, 9)])


@pytest.mark.parametrize("change", [("relu', 1", "relu', 2"), ("'sigmoid', 0", "'sigmoyd', 0"), ("(1, 9)", "(1, 8)")])
def test_a_genotype_that_cannot_be(space, change):
    with pytest.raises(InvalidArchitecture):
        space.parse(DARTS_V2.replace(*change, 1))


@pytest.mark.parametrize("output", ["all", "loose"])
def test_the_cost_is_that_of_the_network(output):
    space = Recurrent(channels=6, nodes=3, output=output)
    for seed in range(3):
        architecture = space.sample(np.random.default_rng(seed))
        found = count(space.build(architecture, SHAPE), SHAPE.input)
        steps = 2 * 6 * 12 + 3 * 6 * 12 + 6 * VOCABULARY  # entrance and nodes by hand, and the words
        assert Cost(space, SHAPE).figures(architecture)["macs"] == found.macs == TIMES * steps
        assert Cost(space, SHAPE).figures(architecture)["params"] == found.params


def test_texts_are_answered_without_what_fills_them():
    space = Recurrent(channels=4, nodes=1)
    torch.manual_seed(0)
    network = space.build(space.at(0), TaskShape((3,), 2, vocabulary=5)).eval()
    with torch.no_grad():
        features = torch.randn(1, 3, 4)
        found = network.head(features, torch.tensor([[0, 2, 1]]))
        assert found.allclose(network.head.linear(features[:, 1:].mean(1)))


def test_an_exported_network_is_plain_and_takes_texts_of_any_length(network):
    source = write_source(network, TOKENS[:2, :TIMES])
    names = {"torch": torch, "nn": nn, "F": nn.functional, "Tensor": torch.Tensor}
    exec(source.code, names)
    exported = names["build"]().eval()
    exported.load_state_dict(source.tensors)
    assert "netwright" not in source.code
    assert exported(TOKENS).equal(network(TOKENS))
    assert exported(TOKENS[:1, :1]).equal(network(TOKENS[:1, :1]))
    streams = [Stream(each) for each in (exported, network)]
    for window in TOKENS.split(3, 1):
        with streams[0].next(), streams[1].next():
            assert exported(window).equal(network(window))


def test_dropped_features_are_the_same_at_all_times(space):
    dropout = LockedDropout(0.5).train()
    dropout.redraw(2, 50, torch.empty(0))
    dropped = dropout(torch.ones(2, 6, 50))
    assert dropped.equal(dropped[:, :1].expand_as(dropped))
    assert set(dropped.unique().tolist()) == {0.0, 2.0}
    assert dropout(torch.ones(2, 50)).equal(dropped[:, 0])
    assert dropout.eval()(torch.ones(2, 50)).equal(torch.ones(2, 50))


@pytest.mark.parametrize(
    "options", [{"nodes": 0}, {"activations": ("relo",)}, {"output": "none"}, {"word_dropout": 1.0}]
)
def test_settings_that_cannot_be(options):
    with pytest.raises(ConfigurationError, match="Recurrent"):
        Recurrent(**options)


def test_images_are_refused(space):
    with pytest.raises(UserError, match="for tokens"):
        space.build(space.at(0), TaskShape((3, 8, 8), 10))

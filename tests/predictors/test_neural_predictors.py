"""Graph arrays, the graph convolution, and the pairwise loss against references."""

import numpy as np
import pytest
import torch

from netwright import spaces
from netwright.core.errors import ConfigurationError
from netwright.predictors import NeuralPredictor, RankingNetwork, SemiSupervisedAssessor
from netwright.predictors.graphs import OperationGraphs, chained
from netwright.predictors.neural.neural_predictor import GraphConvolution, GraphNetwork
from netwright.predictors.neural.ranking import pairwise_loss


def test_the_graph_of_a_nasbench201_cell_is_the_known_one():
    """Input, six operations and output: the literature's matrix, without what "none" reads and feeds."""
    space = spaces.NasBench201()
    two = [space.at(7), space.at(15000)]
    adjacency, features, there = OperationGraphs(space).arrays(two)
    order = [0, 2, 3, 4, 5, 6, 7, 1]  # here the output comes second
    known = np.zeros((8, 8))
    for source, targets in {0: (1, 2, 4), 1: (3, 5), 2: (6,), 3: (6,), 4: (7,), 5: (7,), 6: (7,)}.items():
        known[source, list(targets)] = 1
    assert any(0 in each.point for each in two)
    for each, architecture in zip(adjacency, two, strict=True):
        passes = np.array([1, *(option != 0 for option in architecture.point), 1])
        assert np.array_equal(each[np.ix_(order, order)], known * passes[:, None] * passes)
    assert there.all() and (features[:, 2:].sum(axis=2) == 2).all()  # a cell and an operation
    assert np.array_equal(features[0, 2:, -5:].argmax(axis=1), space.at(7).point)


def test_the_graph_of_a_darts_cell_has_its_edges_as_nodes():
    space = spaces.Darts()
    architecture = space.sample(np.random.default_rng(0))
    adjacency, features, there = OperationGraphs(space).arrays([architecture])
    assert there.sum() == 2 * (3 + 8)
    drawn = space.graph(architecture).edges
    follow = sum(first.target == second.source for first in drawn for second in drawn)
    ports = 2 * (2 * 4)  # every node reads two states, each of which is an input or a node; every node leads out
    inputs = sum("input" in each.source for each in drawn)
    assert adjacency.sum() == follow + inputs + len(drawn) and ports == 16
    assert not features[0][there[0] == 0].any() and not adjacency[0][there[0] == 0].any()


def test_decisions_outside_of_cells_are_a_chain():
    there = np.array([[1, 0, 1, 1], [0, 0, 0, 1]], np.float32)
    found = chained(there) * there[:, :, None] * there[:, None, :]
    assert np.argwhere(found).tolist() == [[0, 0, 2], [0, 2, 3]]
    space = spaces.Chain()
    architecture = space.sample(np.random.default_rng(0))
    adjacency, features, there = OperationGraphs(space).arrays([architecture])
    assert there.sum() == len(architecture.decisions) == adjacency.sum() + 1
    assert np.array_equal(features.sum(axis=1)[0], space.encode(architecture))


def test_the_convolution_is_the_papers_formula():
    torch.manual_seed(0)
    layer = GraphConvolution(3, 4)
    states, along, against = torch.rand(1, 5, 3), torch.rand(1, 5, 5), torch.rand(1, 5, 5)
    plus, minus = layer.forwards.weight.T, layer.backwards.weight.T
    expected = (torch.relu(along @ states @ plus) + torch.relu(against @ states @ minus)) / 2
    assert torch.allclose(layer(states, along, against), expected, atol=1e-6)


def test_a_graph_networks_score_does_not_depend_on_the_order_of_nodes_or_on_absent_ones():
    torch.manual_seed(0)
    network = GraphNetwork(6, 2, 8, 8, 0.1).eval()
    adjacency, features = torch.triu(torch.ones(1, 5, 5), 1), torch.rand(1, 5, 6)
    score = network(adjacency, features, torch.ones(1, 5))
    order = torch.tensor([3, 0, 4, 1, 2])
    again = network(adjacency[:, order][:, :, order], features[:, order], torch.ones(1, 5))
    padded = torch.zeros(1, 7, 7), torch.zeros(1, 7, 6), torch.zeros(1, 7)
    padded[0][:, :5, :5], padded[1][:, :5], padded[2][:, :5] = adjacency, features, 1
    assert torch.allclose(score, again, atol=1e-6) and torch.allclose(score, network(*padded), atol=1e-6)


def test_the_pairwise_loss_is_the_mean_over_pairs():
    rng = np.random.default_rng(0)
    scores, values = rng.normal(size=(2, 6)), rng.integers(0, 3, 6).astype(float)
    pairs = [(i, j) for i in range(6) for j in range(6) if values[i] > values[j]]
    lost = [-np.log(1 / (1 + np.exp(-(row[i] - row[j])))) for row in scores for i, j in pairs]
    found = pairwise_loss(torch.tensor(scores), torch.tensor(values))
    assert found.item() == pytest.approx(sum(lost) / len(pairs))
    assert pairwise_loss(torch.tensor(scores), torch.ones(6)).item() == 0


def learnable(n=60):
    space = spaces.Mlp()
    rng = np.random.default_rng(0)
    known = [space.sample(rng) for _ in range(n)]
    return space, known, [float(sum(each.point)) for each in known]


def test_the_neural_predictor_learns_an_order():
    space, known, values = learnable()
    predictor = NeuralPredictor(space, layers=1, hidden=16, head=16, epochs=25, rate=0.01, draws=2)
    predictor.fit(known[:40], values[:40])
    assert np.corrcoef(predictor.predict(known[40:]).mean, values[40:])[0, 1] > 0.6


def test_the_neural_predictor_learns_ranks_so_that_the_scale_of_the_worst_changes_no_order():
    space, known, values = learnable()
    values = np.array(values)
    far = np.where(values < np.quantile(values, 0.2), values - 1e6, values)
    options = {"layers": 1, "hidden": 8, "head": 8, "epochs": 5, "draws": 2}
    found = []
    for given in (values, far):
        predictor = NeuralPredictor(space, **options)
        predictor.fit(known[:40], given[:40])
        found.append(predictor._scores(known[40:], [predictor._network.nothing_dropped()])[0])
    assert np.array_equal(*found)
    predictor = NeuralPredictor(space, **options, ranks=False)
    predictor.fit(known[:40], far[:40])
    assert not np.allclose(predictor._scores(known[40:], [predictor._network.nothing_dropped()])[0], found[0])


def test_curves_say_what_the_architecture_does_not():
    space, known, _ = learnable()
    rng = np.random.default_rng(1)
    values = rng.normal(size=60).tolist()  # nothing to do with the architectures
    curves = [[value + 0.3 * rng.normal() - 3 / epoch for epoch in (1, 2, 3, 4)] for value in values]
    predictor = RankingNetwork(space, networks=2, hidden=16, steps=60)
    predictor.fit(known[:40], values[:40], 0, curves[:40])
    assert np.corrcoef(predictor.predict(known[40:], curves[40:]).mean, values[40:])[0, 1] > 0.7
    with pytest.raises(ConfigurationError, match="expected 20 of 4 epochs"):
        predictor.predict(known[40:])
    with pytest.raises(ConfigurationError, match="not finite"):
        predictor.predict(known[:1], [[1.0, 2.0, 3.0, float("nan")]])
    with pytest.raises(ConfigurationError, match="curves"):
        predictor.update(known[:1], [1.0])
    predictor.fit(known[:40], values[:40])
    with pytest.raises(ConfigurationError, match="without curves"):
        predictor.predict(known[40:], curves[40:])


@pytest.mark.parametrize(
    "options",
    [
        (NeuralPredictor, {"layers": 1, "hidden": 4, "head": 4, "epochs": 1}),
        (RankingNetwork, {"networks": 1, "steps": 2}),
        (SemiSupervisedAssessor, {"networks": 1, "steps": 2, "unlabelled": 4}),
    ],
    ids=lambda each: each[0].__name__,
)
def test_predictors_stay_on_the_cpu_whatever_the_default_device_is(options):
    make, settings = options
    space, rng = spaces.NasBench201(), np.random.default_rng(0)
    known = [space.sample(rng) for _ in range(8)]
    told = []
    for device in ("cpu", "meta"):  # which holds no numbers
        with torch.device(device):
            made = make(space, **settings)
            made.fit(known, range(8))
            found = made.predict(known)
            told.append((found.mean, found.deviation, made.samples(known, 2, np.random.default_rng(1))))
    assert all(np.array_equal(one, other) for one, other in zip(*told, strict=True))

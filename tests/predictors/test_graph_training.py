"""The gradient that is written out, Adam and scores with masks, against PyTorch's own."""

import numpy as np
import pytest
import torch

from netwright import spaces
from netwright.predictors.graphs import OperationGraphs
from netwright.predictors.neural.adam import Adam, cosine, in_one_row
from netwright.predictors.neural.graph_scores import scores_with
from netwright.predictors.neural.graph_training import SquaredError, train
from netwright.predictors.neural.neural_predictor import GraphNetwork


def made(space, layers, dropout=0.0, count=7):
    graphs, rng = OperationGraphs(space), np.random.default_rng(0)
    torch.manual_seed(0)
    arrays = [torch.from_numpy(each) for each in graphs.arrays([space.sample(rng) for _ in range(count)])]
    return GraphNetwork(graphs.features, layers, 12, 9, dropout), arrays


@pytest.mark.parametrize("layers", [1, 3])
@pytest.mark.parametrize("space", [spaces.Darts(), spaces.Mlp(), spaces.NasBench201()])
def test_the_gradient_is_that_of_autograd(space, layers):
    network, arrays = made(space, layers)
    error, chosen = SquaredError(network, *arrays), np.array([4, 1, 6])
    scores = np.random.default_rng(1).random(3, np.float32)
    found = error.differentiate(chosen, scores, error.kept(3, np.random.default_rng(0)))
    loss = torch.nn.functional.mse_loss(network(*(each[chosen] for each in arrays)), torch.from_numpy(scores))
    loss.backward()
    assert found == pytest.approx(loss.item(), rel=1e-5)
    pairs = [torch.stack([each.forwards.weight.grad.T, each.backwards.weight.grad.T]) for each in network.layers]
    head = [each.grad for layer in (network.first, network.last) for each in layer.parameters()]
    for own, expected in zip(error.gradients, [*pairs, *head], strict=True):
        assert np.allclose(own, expected, rtol=1e-3, atol=1e-5 * float(expected.abs().max()))


def test_the_gradient_with_dropout_equals_finite_differences():
    network, arrays = made(spaces.NasBench201(), 2, dropout=0.4)
    error, chosen, scores = SquaredError(network, *arrays), np.arange(7), np.linspace(-1, 1, 7, dtype=np.float32)
    kept = error.kept(7, np.random.default_rng(0))
    assert 0.5 < np.mean([each.mean() for each in kept]) < 0.7 and set(kept[0].ravel()) == {0, 1}
    error.differentiate(chosen, scores, kept)
    gradient = error.gradient.copy()
    direction = gradient / np.linalg.norm(gradient)
    start, step, values = error.weights.copy(), 1e-2, []
    for sign in (1, -1):
        error.weights[:] = start + sign * step * direction
        values.append(error.differentiate(chosen, scores, kept))
    assert (values[0] - values[1]) / (2 * step) == pytest.approx(np.linalg.norm(gradient), rel=0.02)


def test_what_is_learnt_is_in_the_network():
    network, arrays = made(spaces.NasBench201(), 2, dropout=0.1, count=40)
    scores = arrays[1][:, :, -1].sum(1).numpy()
    before = ((network.eval()(*arrays).detach().numpy() - scores) ** 2).mean()
    settings = {"epochs": 40, "batch": 8, "rate": 1e-2, "decay": 1e-4, "rng": np.random.default_rng(0)}
    train(network, arrays, scores, **settings)
    assert ((network(*arrays).detach().numpy() - scores) ** 2).mean() < 0.2 * before


@pytest.mark.parametrize("decay", [0.0, 1e-2])
def test_adam_takes_the_steps_of_pytorchs(decay):
    model = torch.nn.Sequential(torch.nn.Linear(5, 4), torch.nn.ReLU(), torch.nn.Linear(4, 1))
    other = torch.nn.Sequential(torch.nn.Linear(5, 4), torch.nn.ReLU(), torch.nn.Linear(4, 1))
    other.load_state_dict(model.state_dict())
    weights, gradient = in_one_row(model)
    own, theirs = Adam(weights, gradient, decay), torch.optim.Adam(other.parameters(), 0.05, weight_decay=decay)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(theirs, 70)
    inputs, targets = torch.randn(8, 5), torch.randn(8, 1)
    for step in range(70):
        gradient[:] = 0
        theirs.zero_grad()
        for each in (model, other):
            torch.nn.functional.mse_loss(each(inputs), targets).backward()
        own.step(cosine(0.05, step, 70))
        theirs.step()
        schedule.step()
    for ours, expected in zip(model.parameters(), other.parameters(), strict=True):
        assert torch.allclose(ours, expected, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("layers", [1, 2, 3])
def test_scores_with_masks_are_the_networks_own(layers):
    network, arrays = made(spaces.Darts(), layers, dropout=0.3)
    masks = [*(network.masks() for _ in range(3)), network.nothing_dropped()]
    found = scores_with(network.eval(), *arrays, masks)
    expected = torch.stack([network(*arrays, each) for each in masks])
    assert torch.allclose(found, expected, atol=1e-6) and torch.allclose(found[-1], network(*arrays), atol=1e-6)

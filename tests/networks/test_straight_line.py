"""The line beside a network: scikit-learn's ridge regression, of the strength that is best where one is left out."""

import numpy as np
import pytest
import torch
from sklearn.linear_model import Ridge, RidgeCV
from torch import nn

import netwright as nw
from netwright.networks.straight_line import STRENGTHS, BesideLine, ridge
from netwright.training import TrainingSettings, train
from netwright.training.showing import show_examples


def drawn(n, features, outputs, noise=3.0):
    rng = np.random.default_rng(features)
    x = rng.normal(size=(n, features)) * rng.uniform(0.5, 3, features) + 4 * rng.normal(size=features)
    y = x[:, :5] @ rng.normal(size=(5, outputs)) + noise * rng.normal(size=(n, outputs))
    return torch.tensor(x, dtype=torch.float32), torch.tensor(y, dtype=torch.float32)


@pytest.mark.parametrize(("n", "features", "outputs"), [(200, 20, 2), (60, 100, 1)])
def test_answers_are_those_of_scikit_learn(n, features, outputs):
    x, y = drawn(n, features, outputs)
    plain = ((x - x.mean(0)) / x.std(0, correction=0)).double().numpy()
    largest = np.linalg.eigvalsh(plain.T @ plain)[-1]
    model = RidgeCV(alphas=np.logspace(-6, 4, STRENGTHS) * largest).fit(plain, y.double().numpy())
    weight, bias, left = ridge(x, y)
    errors = [
        Ridge(model.alpha_).fit(np.delete(plain, i, 0), np.delete(y, i, 0)).predict(plain[[i]]) - y[i].numpy()
        for i in range(n)
    ]
    assert np.allclose(np.sqrt(np.mean(np.square(errors), 0)).ravel(), left, rtol=1e-3)
    assert np.allclose(x @ weight + bias, model.predict(plain).reshape(n, -1), atol=1e-4)


def test_where_inputs_say_nothing_the_line_is_the_mean():
    rng = torch.Generator().manual_seed(1)
    x, y = torch.randn(40, 300, generator=rng), torch.randn(40, 1, generator=rng) + 7
    weight, bias, left = ridge(x, y)
    assert float(left) == pytest.approx(float(y.std()) * np.sqrt(40 / 39), rel=1e-3)
    assert not weight.any() and float(bias) == pytest.approx(float(y.mean()), abs=1e-6)
    constant, bias, _ = ridge(torch.ones(9, 3), torch.arange(9.0)[:, None])
    assert not constant.any() and float(bias) == pytest.approx(4)


def test_the_network_begins_at_the_line_and_classes_have_none():
    x, y = drawn(80, 12, 2, noise=0.1)
    made = BesideLine(nn.Sequential(nn.Linear(12, 4), nn.ReLU(), nn.Linear(4, 2)), 12, 2)
    before = made.network(x)
    made.look_at_answers(x, torch.arange(80) % 2)
    assert torch.equal(made(x), before)
    made.look_at_answers(x, y)
    weight, bias, _ = ridge(x, y)
    assert torch.allclose(made(x), x @ weight + bias, atol=1e-4)


def test_training_fits_the_line_and_leaves_it(tmp_path):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(120, 2, 16)).cumsum(2)
    y = 3 * x[:, 0, -1] - x[:, 1, 4] + 0.01 * rng.normal(size=120)
    np.savez(tmp_path / "a.npz", x=x.astype(np.float32), y=y)
    task = nw.tasks.series(tmp_path / "a.npz")
    space = nw.spaces.usual_space(task.shape, task.problem)
    beside, alone = list(space.known(task.shape).items())[:2]
    assert beside[0] == f"{alone[0]} beside a line"
    network = space.build(beside[1], task.shape)
    found = train(network, task.search_data(0), TrainingSettings(epochs=2, batch_size=16), 0)
    assert found.metrics["val_r2"] > 0.99
    fresh = space.build(beside[1], task.shape)
    show_examples(fresh, task.search_data(0), torch.device("cpu"))
    assert torch.equal(fresh.line.weight, network.line.weight) and fresh.line.weight.any()
    assert type(space.build(alone[1], task.shape)) is nn.Sequential

"""The batched training against finite differences, against PyTorch's own gradients, and by hand."""

from itertools import pairwise

import numpy as np
import pytest
import torch

from netwright.predictors import MlpEnsemble
from netwright.predictors.encodings import OneHot
from netwright.predictors.mlp import quick
from netwright.predictors.mlp.networks import Networks, Training
from netwright.spaces import Mlp

SPACE = Mlp()


def examples(n=40, seed=0):
    rng = np.random.default_rng(seed)
    known = [SPACE.sample(rng) for _ in range(n)]
    return known, [float(SPACE.encode(each) @ np.arange(33)) for each in known]


def small(seed=0):
    rng = np.random.default_rng(seed)
    networks = Networks(3, (7, 5, 6), rng)
    networks.parameters += rng.normal(0, 0.1, networks.parameters.shape).astype(np.float32)
    rows = (rng.random((9, 7)) < 0.4).astype(np.float32)
    return networks, rows, rng.normal(size=9).astype(np.float32)


def loss_of(networks, rows, scores, loss):
    error = networks.predict(rows).astype(np.float64) - scores
    return float((np.abs(error) if loss == "mae" else error**2).mean(axis=1).sum())


@pytest.mark.parametrize("loss", ["mae", "mse"])
def test_the_gradient_is_that_of_finite_differences(loss):
    networks, rows, scores = small()
    training = Training(networks, 9, (0.9, 0.99), loss)
    training.differentiate(rows, scores)
    rng, step = np.random.default_rng(1), 1e-2
    for place in rng.choice(len(networks.parameters), 60, replace=False):
        before = networks.parameters[place]
        values = []
        for sign in (1, -1):
            networks.parameters[place] = before + np.float32(sign * step)
            values.append(loss_of(networks, rows, scores, loss))
        networks.parameters[place] = before
        assert (values[0] - values[1]) / (2 * step) == pytest.approx(float(training.gradient[place]), abs=2e-2)


@pytest.mark.parametrize("loss", ["mae", "mse"])
def test_training_is_that_of_torch(loss):
    """The same weights, batches and Adam in PyTorch give the same losses and the same weights."""
    networks, rows, scores = small()
    weights = [torch.tensor(w if w.ndim == 3 else w.reshape(7, 3, 5).swapaxes(0, 1).copy()) for w in networks.weights]
    biases = [torch.tensor(bias.copy()) for bias in networks.biases]
    parameters = [each.clone().requires_grad_() for pair in zip(weights, biases, strict=True) for each in pair]
    optimiser = torch.optim.Adam(parameters, lr=0.01, betas=(0.9, 0.99), eps=1e-7)
    training = Training(networks, 9, (0.9, 0.99), loss)
    wanted = torch.tensor(scores)
    for _ in range(15):
        state = torch.tensor(rows).expand(3, 9, 7)
        for layer in range(3):
            state = state @ parameters[2 * layer] + parameters[2 * layer + 1]
            state = state.relu() if layer < 2 else state
        error = state[:, :, 0] - wanted
        own = (error.abs() if loss == "mae" else error**2).mean(1).sum()
        assert loss_of(networks, rows, scores, loss) == pytest.approx(own.item(), abs=5e-4)
        optimiser.zero_grad()
        own.backward()
        optimiser.step()
        training.step(rows, scores, 0.01)
    assert np.allclose(networks.weights[1], parameters[2].detach().numpy(), atol=2e-3)


def test_a_batch_smaller_than_the_buffers_has_its_own_gradient():
    networks, rows, scores = small()
    large, fitting = Training(networks, 9, (0.9, 0.99), "mse"), Training(networks, 4, (0.9, 0.99), "mse")
    large.differentiate(rows, scores)  # fills the buffers with other numbers
    large.differentiate(rows[:4], scores[:4])
    fitting.differentiate(rows[:4], scores[:4])
    assert np.allclose(large.gradient, fitting.gradient, atol=1e-6)


def test_networks_narrowed_and_adopted_are_the_same_on_the_columns_kept():
    networks, rows, _ = small()
    rows[:, [0, 4]] = 0
    columns = np.array([1, 2, 3, 5, 6])
    narrow = networks.narrowed(columns)
    assert np.allclose(narrow.predict(rows[:, columns]), networks.predict(rows), atol=1e-6)
    narrow.parameters *= 2
    untouched = networks.weights[0][[0, 4]].copy()
    networks.adopt(narrow, columns)
    assert np.allclose(narrow.predict(rows[:, columns]), networks.predict(rows), atol=1e-5)
    assert np.array_equal(networks.weights[0][[0, 4]], untouched)


def test_weights_begin_as_glorot_draws_them():
    networks = Networks(50, (30, 20), np.random.default_rng(0))
    for weight, (inputs, outputs) in zip(networks.weights, pairwise((30, 20, 1)), strict=True):
        limit = np.sqrt(6 / (inputs + outputs))
        assert np.abs(weight).max() <= limit and weight.std() == pytest.approx(limit / np.sqrt(3), rel=0.05)
    assert not any(bias.any() for bias in networks.biases)


def test_it_learns_what_is_linear():
    known, values = examples(120)
    predictor = quick(SPACE)
    predictor.fit(known[:80], values[:80])
    found = predictor.predict(known[80:]).mean
    assert np.corrcoef(found, values[80:])[0, 1] > 0.9


def test_its_samples_are_the_networks():
    known, values = examples()
    predictor = MlpEnsemble(SPACE, OneHot(SPACE), networks=3, layers=1, epochs=3)
    predictor.fit(known, values)
    drawn = predictor.samples(known[:5], 200, np.random.default_rng(0))
    assert len(np.unique(drawn, axis=0)) == 3
    members = np.unique(drawn, axis=0)
    assert np.allclose(members.mean(axis=0), predictor.predict(known[:5]).mean)
    assert np.allclose(members.std(axis=0), predictor.predict(known[:5]).deviation)


@pytest.mark.parametrize(
    ("n", "options", "steps"), [(40, {"epochs": 3}, 6), (40, {"steps": 7}, 7), (5, {"epochs": 2}, 2)]
)
def test_the_number_of_steps(monkeypatch, n, options, steps):
    rates = []
    monkeypatch.setattr(Training, "step", lambda self, rows, scores, rate: rates.append((len(rows), rate)))
    known, values = examples(n)
    MlpEnsemble(SPACE, layers=1, **options).fit(known, values)
    assert len(rates) == steps and {rate for _, rate in rates} == {0.01}
    assert sum(size for size, _ in rates[: -(-n // 32)]) == n  # every example once an epoch
    rates.clear()
    MlpEnsemble(SPACE, layers=1, schedule="cosine", steps=20).fit(known, values)
    falling = [rate for _, rate in rates]
    assert falling[0] < falling[4] > falling[10] > falling[-1] > 0

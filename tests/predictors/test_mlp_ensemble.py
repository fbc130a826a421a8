"""The batched training against PyTorch's gradients, against Adam as published, and by hand."""

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
    """Networks with biases, rows with their ones for each network, and scores."""
    rng = np.random.default_rng(seed)
    networks = Networks(3, 7, 5, 3, rng)
    networks.parameters += rng.normal(0, 0.1, networks.parameters.shape).astype(np.float32)
    return networks, with_ones(rng.random((3, 9, 7)) < 0.4), rng.normal(size=(3, 9)).astype(np.float32)


def with_ones(rows):
    return np.concatenate((rows, np.ones((*rows.shape[:-1], 1))), axis=-1).astype(np.float32)


def outputs(networks, rows):
    """(count, n): what each network says of its own rows."""
    return np.stack([networks.predict(own[:, :-1])[number] for number, own in enumerate(rows)])


def loss_of(networks, rows, scores, loss):
    error = outputs(networks, rows).astype(np.float64) - scores
    return float((np.abs(error) if loss == "mae" else error**2).mean(axis=1).sum())


def in_torch(networks, rows):
    """The networks' layers as parameters, and a function of these that says what the networks say of the rows."""
    layers = [torch.tensor(each.copy()).requires_grad_() for each in (networks.first, *networks.hidden, networks.last)]

    def said():
        state = torch.tensor(rows[:, :, :-1])
        for number, layer in enumerate(layers):
            state = state @ layer[:, :, :-1].mT + layer[:, :, -1][:, None]
            state = state.relu() if number < len(layers) - 1 else state
        return state[:, :, 0]

    return layers, said


def torch_loss(said, scores, loss):
    error = said - torch.tensor(scores)
    return (error.abs() if loss == "mae" else error**2).mean(1).sum()


@pytest.mark.parametrize("loss", ["mae", "mse"])
def test_the_gradient_is_that_of_autograd(loss):
    networks, rows, scores = small()
    layers, said = in_torch(networks, rows)
    torch_loss(said(), scores, loss).backward()
    training = Training(networks, (0.9, 0.99), loss)
    training.differentiate(rows, scores)
    first, hidden, last = networks.views(training.gradient)
    for own, layer in zip((first, *hidden, last), layers, strict=True):
        assert np.allclose(own, layer.grad, atol=1e-6)


class Adam:
    """Algorithm 1 of Kingma and Ba (2015), step by step; torch.optim takes seconds to be imported."""

    def __init__(self, layers, rate, decays, epsilon):
        self.layers, self.rate, self.decays, self.epsilon, self.steps = layers, rate, decays, epsilon, 0
        self.moments = [(torch.zeros_like(each), torch.zeros_like(each)) for each in layers]

    @torch.no_grad()
    def step(self):
        self.steps += 1
        corrections = [1 - decay**self.steps for decay in self.decays]
        for layer, moments in zip(self.layers, self.moments, strict=True):
            for moment, decay, value in zip(moments, self.decays, (layer.grad, layer.grad**2), strict=True):
                moment.copy_(decay * moment + (1 - decay) * value)
            mean, square = (moment / one for moment, one in zip(moments, corrections, strict=True))
            layer -= self.rate * mean / (square.sqrt() + self.epsilon)
            layer.grad = None


@pytest.mark.parametrize("loss", ["mae", "mse"])
def test_training_is_that_of_adam_on_torchs_gradients(loss):
    networks, rows, scores = small()
    layers, said = in_torch(networks, rows)
    optimiser = Adam(layers, 0.01, (0.9, 0.99), 1e-7)
    training = Training(networks, (0.9, 0.99), loss)
    for _ in range(15):
        own = torch_loss(said(), scores, loss)
        assert loss_of(networks, rows, scores, loss) == pytest.approx(own.item(), abs=5e-4)
        own.backward()
        optimiser.step()
        training.step(rows, scores, 0.01)
    for mine, theirs in zip((networks.first, *networks.hidden, networks.last), layers, strict=True):
        assert np.allclose(mine, theirs.detach(), atol=2e-3)


def test_batches_of_different_sizes_have_their_own_gradients():
    networks, rows, scores = small()
    both, alone = Training(networks, (0.9, 0.99), "mse"), Training(networks, (0.9, 0.99), "mse")
    both.differentiate(rows, scores)
    both.differentiate(rows[:, :4], scores[:, :4])
    alone.differentiate(rows[:, :4], scores[:, :4])
    assert np.array_equal(both.gradient, alone.gradient)


def test_each_network_learns_from_its_own_rows_alone():
    networks, rows, scores = small()
    training = Training(networks, (0.9, 0.99), "mae")
    training.differentiate(rows, scores)
    before = training.gradient.copy()
    training.differentiate(rows, scores + np.array([[0.0], [9.0], [0.0]], dtype=np.float32))
    for own, other in zip(networks.views(before), networks.views(training.gradient), strict=True):
        axis = own.ndim - 3  # the networks
        same = [np.array_equal(own.take(n, axis), other.take(n, axis)) for n in range(3)]
        assert same == [True, False, True]


def test_weights_that_are_not_used_leave_no_denormal_moments():
    networks, rows, scores = small()
    training = Training(networks, (0.9, 0.99), "mse")
    training.step(rows, scores, 0.0)
    rows[:, :, 0] = 0
    for _ in range(1100):
        training.step(rows, scores, 0.0)
    moments = np.abs(training._first_moment)
    assert not moments[training.gradient == 0].any() and moments.any()
    assert not ((moments > 0) & (moments < np.finfo(np.float32).tiny)).any()


def test_networks_narrowed_and_adopted_are_the_same_on_the_columns_kept():
    networks, rows, _ = small()
    rows = rows[0, :, :-1]
    rows[:, [0, 4]] = 0
    columns = np.array([1, 2, 3, 5, 6])
    narrow = networks.narrowed(columns)
    assert np.allclose(narrow.predict(rows[:, columns]), networks.predict(rows), atol=1e-6)
    narrow.parameters *= 2
    untouched = networks.first[:, :, [0, 4]].copy()
    networks.adopt(narrow, columns)
    assert np.allclose(narrow.predict(rows[:, columns]), networks.predict(rows), atol=1e-5)
    assert np.array_equal(networks.first[:, :, [0, 4]], untouched)


def test_weights_begin_as_glorot_draws_them():
    networks = Networks(50, 30, 20, 2, np.random.default_rng(0))
    shapes = (30, 20), (20, 20), (20, 1)
    for layer, (inputs, outputs) in zip((networks.first, *networks.hidden, networks.last), shapes, strict=True):
        limit, weights = np.sqrt(6 / (inputs + outputs)), layer[:, :, :-1]
        assert weights.shape == (50, outputs, inputs) and not layer[:, :, -1].any()
        assert np.abs(weights).max() <= limit and weights.std() == pytest.approx(limit / np.sqrt(3), rel=0.05)


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
    monkeypatch.setattr(Training, "step", lambda self, rows, scores, rate: rates.append((rows.shape[1], rate)))
    known, values = examples(n)
    MlpEnsemble(SPACE, layers=1, **options).fit(known, values)
    assert len(rates) == steps and {rate for _, rate in rates} == {0.01}
    assert sum(size for size, _ in rates[: -(-n // 32)]) == n  # every example once an epoch
    rates.clear()
    MlpEnsemble(SPACE, layers=1, schedule="cosine", steps=20).fit(known, values)
    falling = [rate for _, rate in rates]
    assert falling[0] < falling[4] > falling[10] > falling[-1] > 0

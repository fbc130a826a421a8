"""Several multilayer perceptrons trained at once: batched matrix products, gradients written out, Adam in place.

All networks read the same rows and have the same form, so one step of all of them is one matrix product for the first
layer and one batched product for each later layer. Everything is float32 and written into buffers that stay.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

EPSILON = 1e-7  # of Adam, as in Keras


class Networks:
    """`count` networks of the same `widths` (inputs, hidden layers...): ReLU after each hidden layer, one output.

    Weights begin as Glorot and Bengio (2010) draw them (at zero without a generator), biases at zero.
    `weights[l]` has shape (count, in, out), or
    (in, count * out) in the first layer; `biases[l]` (count, 1, out).
    """

    def __init__(self, count: int, widths: Sequence[int], rng: np.random.Generator | None = None) -> None:
        self.count, self.widths = count, (*widths, 1)
        shapes = list(pairwise(self.widths))
        self.parameters = np.zeros(sum(count * (i + 1) * o for i, o in shapes), dtype=np.float32)
        self.weights, self.biases = self.views(self.parameters)
        if rng is None:
            return
        for weight, (inputs, outputs) in zip(self.weights, shapes, strict=True):
            limit = np.float32(np.sqrt(6.0 / (inputs + outputs)))
            weight[...] = (2.0 * rng.random(weight.shape, dtype=np.float32) - 1.0) * limit

    def views(self, flat: np.ndarray) -> tuple[list[np.ndarray], list[np.ndarray]]:
        """Each layer's weights and biases as parts of one flat array that is as long as `parameters`."""
        weights: list[np.ndarray] = []
        biases: list[np.ndarray] = []
        start, count = 0, self.count
        for layer, (inputs, outputs) in enumerate(pairwise(self.widths)):
            end = start + count * inputs * outputs
            shape = (count, inputs, outputs) if layer else (inputs, count * outputs)
            weights.append(flat[start:end].reshape(shape))
            biases.append(flat[end : end + count * outputs].reshape(count, 1, outputs))
            start = end + count * outputs
        return weights, biases

    def narrowed(self, inputs: np.ndarray) -> Networks:
        """Networks with equal weights that read only these columns."""
        networks = Networks(self.count, (len(inputs), *self.widths[1:-1]))
        for own, copy in zip((*self.weights, *self.biases), (*networks.weights, *networks.biases), strict=True):
            copy[...] = own[inputs] if own is self.weights[0] else own
        return networks

    def adopt(self, networks: Networks, inputs: np.ndarray) -> None:
        """Take the weights of networks that were narrowed to these columns; those of other columns stay."""
        for own, new in zip((*self.weights, *self.biases), (*networks.weights, *networks.biases), strict=True):
            own[inputs if own is self.weights[0] else ...] = new

    def predict(self, rows: np.ndarray) -> np.ndarray:
        """float32 (count, n) for rows (n, inputs)."""
        state = (rows @ self.weights[0]).reshape(len(rows), self.count, self.widths[1]).transpose(
            1, 0, 2
        ) + self.biases[0]
        for weight, bias in zip(self.weights[1:], self.biases[1:], strict=True):
            state = np.maximum(state, 0.0, out=state) @ weight + bias
        return state[:, :, 0]


class Training:
    """Gradient steps of these networks on batches of at most `most` rows; see `step`."""

    def __init__(self, networks: Networks, most: int, decays: tuple[float, float], loss: str) -> None:
        self.networks, self._decays, self._loss = networks, decays, loss
        self.gradient = np.zeros_like(networks.parameters)
        self._weights, self._biases = networks.views(self.gradient)
        self._first_moment, self._second_moment = np.zeros_like(self.gradient), np.zeros_like(self.gradient)
        self._spare = np.zeros_like(self.gradient)
        self._steps = 0
        widths, count = networks.widths[1:], networks.count
        self._states = [np.zeros((count, most, width), np.float32) for width in widths]
        self._deltas = [np.zeros((count, most, width), np.float32) for width in widths]
        self._dead = np.zeros((count, most, max(widths)), bool)
        self._both = np.zeros((2, most, count * widths[0]), np.float32)  # the first layer, all networks side by side

    def step(self, rows: np.ndarray, scores: np.ndarray, rate: float) -> None:
        """One step of Adam (Kingma and Ba 2015) on the mean loss of these rows, for each network by itself."""
        self.differentiate(rows, scores)
        self._steps += 1
        first, second = self._decays
        gradient, spare = self.gradient, self._spare
        self._first_moment *= first
        self._first_moment += np.multiply(gradient, 1.0 - first, out=spare)
        self._second_moment *= second
        np.multiply(gradient, gradient, out=spare)
        spare *= 1.0 - second
        self._second_moment += spare
        # The bias corrections of both moments, as one rate and one epsilon (their section 2, last paragraph).
        correction = np.sqrt(1.0 - second**self._steps)
        np.sqrt(self._second_moment, out=spare)
        spare += np.float32(EPSILON * correction)
        np.divide(self._first_moment, spare, out=spare)
        spare *= np.float32(rate * correction / (1.0 - first**self._steps))
        self.networks.parameters -= spare

    def differentiate(self, rows: np.ndarray, scores: np.ndarray) -> None:
        """Write the gradient of the mean loss, summed over the networks, to `gradient`."""
        n = len(rows)
        states = [each[:, :n] for each in self._states]
        self._forward(rows, states)
        self._backward(rows, states, scores)

    def _forward(self, rows: np.ndarray, states: list[np.ndarray]) -> None:
        networks, n = self.networks, len(rows)
        together = np.matmul(rows, networks.weights[0], out=self._both[0, :n])
        np.add(together.reshape(n, networks.count, -1).transpose(1, 0, 2), networks.biases[0], out=states[0])
        for layer in range(1, len(states)):
            below = np.maximum(states[layer - 1], 0.0, out=states[layer - 1])
            np.matmul(below, networks.weights[layer], out=states[layer])
            states[layer] += networks.biases[layer]

    def _backward(self, rows: np.ndarray, states: list[np.ndarray], scores: np.ndarray) -> None:
        networks, n = self.networks, len(rows)
        deltas = [each[:, :n] for each in self._deltas]
        error = np.subtract(states[-1], scores[:, None], out=deltas[-1])
        if self._loss == "mae":
            np.sign(error, out=error)
        error *= np.float32((1.0 if self._loss == "mae" else 2.0) / n)
        for layer in range(len(states) - 1, 0, -1):
            delta, below = deltas[layer], states[layer - 1]
            np.matmul(below.transpose(0, 2, 1), delta, out=self._weights[layer])
            np.add.reduce(delta, axis=1, keepdims=True, out=self._biases[layer])
            np.matmul(delta, networks.weights[layer].transpose(0, 2, 1), out=deltas[layer - 1])
            dead = np.less_equal(below, 0.0, out=self._dead[:, :n, : below.shape[2]])
            np.copyto(deltas[layer - 1], 0.0, where=dead)
        np.add.reduce(deltas[0], axis=1, keepdims=True, out=self._biases[0])
        together = self._both[1, :n]
        together.reshape(n, networks.count, -1)[...] = deltas[0].transpose(1, 0, 2)
        np.matmul(rows.T, together, out=self._weights[0])

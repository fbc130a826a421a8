"""Several multilayer perceptrons trained at once: batched matrix products, gradients written out, Adam in place.

All networks have the same form, so that a layer of all of them is one batched product. A batch lies in columns, each
state has a row of ones below it, and the biases are the last column of the weights: forwards a layer is one product,
and the gradients of all hidden layers' weights are one. Everything is float32 and written into buffers that stay.
"""

from __future__ import annotations

from math import sqrt
from typing import Any

import numpy as np
from scipy.linalg import blas as _blas

EPSILON = 1e-7  # of Adam, as in Keras
blas: Any = _blas
TINY, SWEEP = 1e-30, 128  # moments below TINY become zero every SWEEP steps; 0.9**SWEEP is above 1e-6


class Networks:
    """`count` networks: `inputs`, `depth` hidden layers of `width` units with a ReLU after each, and one output.

    Weights begin as Glorot and Bengio (2010) draw them (at zero without a generator), biases at zero. They are parts of
    `parameters`, with the biases in the last column: `first` (count, width, inputs + 1), `hidden` (depth - 1, count,
    width, width + 1) and `last` (count, 1, width + 1).
    """

    def __init__(self, count: int, inputs: int, width: int, depth: int, rng: np.random.Generator | None = None) -> None:
        self.count, self.inputs, self.width, self.depth = count, inputs, width, depth
        size = count * (width * (inputs + 1) + (depth - 1) * width * (width + 1) + width + 1)
        self.parameters = np.zeros(size, dtype=np.float32)
        self.first, self.hidden, self.last = self.views(self.parameters)
        if rng is not None:
            for layer in (self.first, *self.hidden, self.last):
                _draw(layer, rng)

    def views(self, flat: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """`first`, `hidden` and `last` as parts of one flat array that is as long as `parameters`."""
        count, width = self.count, self.width
        first, last = count * width * (self.inputs + 1), len(flat) - count * (width + 1)
        return (
            flat[:first].reshape(count, width, self.inputs + 1),
            flat[first:last].reshape(self.depth - 1, count, width, width + 1),
            flat[last:].reshape(count, 1, width + 1),
        )

    def narrowed(self, inputs: np.ndarray) -> Networks:
        """Networks with equal weights that read only these columns."""
        networks = Networks(self.count, len(inputs), self.width, self.depth)
        networks.first[...] = self.first[:, :, [*inputs, -1]]
        networks.hidden[...], networks.last[...] = self.hidden, self.last
        return networks

    def adopt(self, networks: Networks, inputs: np.ndarray) -> None:
        """Take the weights of networks that were narrowed to these columns; those of other columns stay."""
        self.first[:, :, [*inputs, -1]] = networks.first
        self.hidden[...], self.last[...] = networks.hidden, networks.last

    def predict(self, rows: np.ndarray) -> np.ndarray:
        """float32 (count, n) for rows (n, inputs)."""
        state = np.asarray(rows, dtype=np.float32).T
        for layer in (self.first, *self.hidden):
            state = np.maximum(layer[:, :, :-1] @ state + layer[:, :, -1:], 0.0)
        return (self.last[:, :, :-1] @ state + self.last[:, :, -1:])[:, 0]


def _draw(layer: np.ndarray, rng: np.random.Generator) -> None:
    """Uniform weights whose variance is 2 / (inputs + outputs) (Glorot and Bengio 2010, equation 16)."""
    count, outputs, inputs = layer.shape[0], layer.shape[1], layer.shape[2] - 1
    limit = np.float32(sqrt(6.0 / (inputs + outputs)))
    layer[:, :, :-1] = (2.0 * rng.random((count, outputs, inputs), dtype=np.float32) - 1.0) * limit


class Training:
    """Gradient steps of these networks on batches; see `step`.

    loss: "mae" or "mse".
    """

    def __init__(self, networks: Networks, decays: tuple[float, float], loss: str) -> None:
        self.networks, self._decays, self._loss = networks, decays, loss
        self.gradient = np.zeros_like(networks.parameters)
        self._first, self._hidden, self._last = networks.views(self.gradient)
        self._first_moment, self._second_moment = np.zeros_like(self.gradient), np.zeros_like(self.gradient)
        self._spare = np.zeros_like(self.gradient)
        self._steps = 0
        self._buffers: dict[int, _Buffers] = {}  # by size of the batch
        self._forwards = [networks.first, *networks.hidden]
        self._backwards = [layer[:, :, :-1].transpose(0, 2, 1) for layer in (*networks.hidden, networks.last)]

    def step(self, rows: np.ndarray, scores: np.ndarray, rate: float) -> None:
        """One step of Adam (Kingma and Ba 2015) on the mean loss of these rows, for each network by itself.

        rows: float32 (count, n, inputs + 1), the last column ones.
        scores: float32 (count, n).
        """
        self.differentiate(rows, scores)
        self._steps += 1
        self._move(rate)
        if self._steps % SWEEP == 0:  # what only decays would become a denormal number, which is slow
            self._first_moment[np.abs(self._first_moment) < TINY] = 0.0

    def _move(self, rate: float) -> None:
        """The moments are kept without their factors (1 - decay); these and the corrections of both moments are one
        rate and one epsilon (their section 2, last paragraph).
        """
        first, second = self._decays
        gradient, spare = self.gradient, self._spare
        self._first_moment *= np.float32(first)
        blas.saxpy(gradient, self._first_moment)
        self._second_moment *= np.float32(second)
        self._second_moment += np.multiply(gradient, gradient, out=spare)
        scale = sqrt((1.0 - second**self._steps) / (1.0 - second))
        np.sqrt(self._second_moment, out=spare)
        spare += np.float32(EPSILON * scale)
        np.divide(self._first_moment, spare, out=spare)
        blas.saxpy(spare, self.networks.parameters, a=-rate * scale * (1.0 - first) / (1.0 - first**self._steps))

    def differentiate(self, rows: np.ndarray, scores: np.ndarray) -> None:
        """Write the gradient of the mean loss, summed over the networks, to `gradient`."""
        n = rows.shape[1]
        if n not in self._buffers:
            self._buffers[n] = _Buffers(self.networks, n)
        buffers = self._buffers[n]
        self._forward(rows, buffers)
        self._backward(rows, buffers, scores)

    def _forward(self, rows: np.ndarray, buffers: _Buffers) -> None:
        below = rows.transpose(0, 2, 1)
        for layer, state, units in zip(self._forwards, buffers.states, buffers.units, strict=True):
            np.matmul(layer, below, out=units)
            below = np.maximum(state, 0.0, out=state)
        np.matmul(self.networks.last, below, out=buffers.error)

    def _backward(self, rows: np.ndarray, buffers: _Buffers, scores: np.ndarray) -> None:
        self._differentiate_loss(buffers.error, scores)
        np.greater(buffers.states[:, :, :-1], 0.0, out=buffers.alive, casting="unsafe")
        above = buffers.error
        for number in range(len(self._backwards) - 1, -1, -1):
            delta = buffers.deltas[number]
            np.matmul(self._backwards[number], above, out=delta)
            above = np.multiply(delta, buffers.slopes[number], out=delta)
        np.matmul(buffers.error, buffers.transposed[-1], out=self._last)
        np.matmul(buffers.deltas[1:], buffers.transposed[:-1], out=self._hidden)
        np.matmul(buffers.deltas[0], rows, out=self._first)

    def _differentiate_loss(self, error: np.ndarray, scores: np.ndarray) -> None:
        """Outputs (count, 1, n) become the gradient by them."""
        error -= scores[:, None]
        if self._loss == "mae":
            np.sign(error, out=error)
        error *= np.float32((1.0 if self._loss == "mae" else 2.0) / error.shape[2])


class _Buffers:
    """Room for a batch of n.

    states: (depth, count, width + 1, n) of the hidden layers, the last row ones; units: each layer's without the ones.
    deltas: the gradients by the units' sums; error: that by the outputs. alive: 1 where a state is above zero, else 0;
    slopes: each layer's. transposed: the states with a row for each example.
    """

    def __init__(self, networks: Networks, n: int) -> None:
        shape = networks.depth, networks.count, networks.width, n
        self.states = np.ones((*shape[:2], shape[2] + 1, n), dtype=np.float32)
        self.alive = np.zeros(shape, dtype=np.float32)
        self.deltas = np.zeros(shape, dtype=np.float32)
        self.error = np.zeros((networks.count, 1, n), dtype=np.float32)
        self.units, self.slopes = list(self.states[:, :, :-1]), list(self.alive)
        self.transposed = self.states.transpose(0, 1, 3, 2)

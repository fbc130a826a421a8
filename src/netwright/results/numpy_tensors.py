"""What of PyTorch the code that reads files and puts answers into words uses, in numpy.

The text below goes into an exported `predict.py` as it stands, in place of `import torch`, so that the very code which
prepared the training data runs where only numpy is.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np


class Best(NamedTuple):
    """The largest values along an axis, and their places."""

    values: Any
    indices: Any


class Tensor(np.ndarray):
    """An array with the methods of a tensor that are needed here."""

    @property
    def device(self) -> Any:
        return "cpu"

    def dim(self) -> int:
        return self.ndim

    def numel(self) -> int:
        return self.size

    def float(self) -> Any:
        return self.astype(np.float32, copy=False)

    def double(self) -> Any:
        return self.astype(np.float64, copy=False)

    def long(self) -> Any:
        return self.astype(np.int64, copy=False)

    def to(self, kind: Any) -> Any:
        return self.astype(kind, copy=False) if isinstance(kind, np.dtype) else self

    def cpu(self) -> Any:
        return self

    def detach(self) -> Any:
        return self

    def contiguous(self) -> Any:
        return tensor_of(np.ascontiguousarray(self))

    def numpy(self) -> Any:
        return np.asarray(self)

    def is_floating_point(self) -> bool:
        return self.dtype.kind == "f"

    def is_complex(self) -> bool:
        return self.dtype.kind == "c"

    def view(self, *shape: Any) -> Any:
        if len(shape) == 1 and isinstance(shape[0], type | np.dtype):
            return super().view(shape[0])
        return self.reshape(*shape)

    def view_as(self, other: Any) -> Any:
        return self.reshape(other.shape)

    def unflatten(self, axis: int, sizes: Sequence[int]) -> Any:
        return self.reshape(*self.shape[:axis], *sizes, *self.shape[axis + 1 :])

    def movedim(self, source: int, target: int) -> Any:
        return np.moveaxis(self, source, target)

    def new_empty(self, shape: Sequence[int]) -> Any:
        return torch.empty(shape, dtype=self.dtype)

    def split(self, size: int) -> list[Any]:
        return [self[at : at + size] for at in range(0, len(self), size)]

    def clamp(self, min: Any = None, max: Any = None) -> Any:
        return np.clip(self, min, max)

    def abs(self) -> Any:
        return np.abs(self)

    def exp(self) -> Any:
        return np.exp(self)

    def sqrt(self) -> Any:
        return np.sqrt(self)

    def square(self) -> Any:
        return np.square(self)

    def arcsinh(self) -> Any:
        return np.arcsinh(self)

    def isnan(self) -> Any:
        return np.isnan(self)

    def isinf(self) -> Any:
        return np.isinf(self)

    def where(self, chosen: Any, other: Any) -> Any:
        return torch.where(chosen, self, other)

    def softmax(self, axis: int) -> Any:
        powers = np.exp(self - np.amax(np.asarray(self), axis, keepdims=True))
        return powers / np.sum(np.asarray(powers), axis, keepdims=True)

    def sigmoid(self) -> Any:
        return np.exp(-np.logaddexp(0, -self))

    def max(self, axis: Any = None, **options: Any) -> Any:
        if axis is None or options:
            return super().max(axis, **options)
        return Best(super().max(axis), self.argmax(axis))

    def topk(self, count: int) -> Best:
        places = np.argsort(-np.asarray(self), -1, kind="stable")[..., :count]
        return Best(np.take_along_axis(self, places, -1), tensor_of(places))


def tensor_of(values: Any, dtype: Any = None) -> Any:
    """Values as an array of tensors' methods; fractions written in Python become float32, as in PyTorch."""
    found = np.asarray(values, dtype)
    if dtype is None and found.dtype == np.float64 and not isinstance(values, np.ndarray):
        found = found.astype(np.float32)
    return np.ndarray.view(found, Tensor)


class Drawn:
    """Random numbers from a seed."""

    def manual_seed(self, seed: int) -> Drawn:
        self.random = np.random.default_rng(seed)
        return self


class torch:
    """Functions and kinds of numbers under the names that they have in PyTorch."""

    uint8, uint16, int32, int64 = (np.dtype(name) for name in ("uint8", "uint16", "int32", "int64"))
    float32, float64, bool = np.dtype("float32"), np.dtype("float64"), np.dtype("bool")
    nan, finfo, Generator = np.nan, np.finfo, Drawn
    tensor = as_tensor = from_numpy = staticmethod(tensor_of)

    @staticmethod
    def zeros(*sizes: Any, dtype: Any = None) -> Any:
        return tensor_of(np.zeros(sizes if isinstance(sizes[0], int) else sizes[0], dtype or np.float32))

    @staticmethod
    def empty(shape: Any, dtype: Any = None) -> Any:
        return tensor_of(np.empty(tuple(shape), dtype or np.float32))

    @staticmethod
    def full(shape: Any, value: Any, dtype: Any = None) -> Any:
        return tensor_of(np.full(shape, value, dtype))

    @staticmethod
    def arange(*numbers: int) -> Any:
        return tensor_of(np.arange(*numbers, dtype=np.int64))

    @staticmethod
    def frombuffer(content: Any, dtype: Any) -> Any:
        return tensor_of(np.frombuffer(content, dtype).copy())

    @staticmethod
    def stack(parts: Sequence[Any], axis: int = 0) -> Any:
        return tensor_of(np.stack(parts, axis))

    @staticmethod
    def cat(parts: Sequence[Any], axis: int = 0) -> Any:
        return tensor_of(np.concatenate(parts, axis))

    @staticmethod
    def where(chosen: Any, these: Any, others: Any) -> Any:
        return tensor_of(np.where(chosen, these, others))

    @staticmethod
    def isfinite(values: Any) -> Any:
        return np.isfinite(values)

    @staticmethod
    def isnan(values: Any) -> Any:
        return np.isnan(values)

    @staticmethod
    def bincount(values: Any, minlength: int = 0) -> Any:
        return tensor_of(np.bincount(values, minlength=minlength))

    @staticmethod
    def multinomial(weights: Any, count: int, generator: Drawn) -> Any:
        shares = np.asarray(weights, np.float64)
        return tensor_of(generator.random.choice(len(shares), count, p=shares / shares.sum()))

    @staticmethod
    @contextmanager
    def inference_mode() -> Iterator[None]:
        yield


class F:
    """Functions under the names that they have in torch.nn.functional."""

    @staticmethod
    def cross_entropy(outputs: Any, wanted: Any, reduction: str = "none") -> Any:
        """Of logits (n, classes, ...) and classes (n, ...): the loss at each place."""
        logits = np.asarray(outputs)
        lowered = logits - logits.max(1, keepdims=True)
        logged = lowered - np.log(np.exp(lowered).sum(1, keepdims=True))
        return tensor_of(-np.take_along_axis(logged, np.asarray(wanted)[:, None], 1)[:, 0])

"""A network without its residual links: what a sum adds to something computed from it is left out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode
from torch.utils.weak import WeakIdKeyDictionary

_SUMS = frozenset(("add", "add_", "__add__", "__iadd__", "__radd__"))
_EMPTY = frozenset(("zeros_like", "ones_like", "full_like", "empty_like", "rand_like", "randn_like", "new_zeros"))
_ACTIVATIONS = frozenset(
    (
        *("relu", "relu_", "relu6", "hardtanh", "hardtanh_", "leaky_relu", "leaky_relu_", "elu", "elu_", "prelu"),
        *("gelu", "silu", "silu_", "mish", "hardswish", "hardswish_", "tanh", "sigmoid", "softplus", "selu", "celu"),
    )
)


class WithoutResiduals(TorchFunctionMode):
    """Inside, the sum of two tensors is the one of them that the other is a shortcut to.

    A shortcut is the tensor itself that the other one was computed from, or its projection: another shape of it by
    operations without activation, where the other one has come through an activation since the two parted. Sums of
    other forms (`torch.stack(...).sum(0)`, concatenations) are left as they are.
    """

    def __init__(self) -> None:
        super().__init__()
        self._numbers: Any = WeakIdKeyDictionary()  # of each tensor, in the order in which they were made
        self._before: list[int] = []  # the numbers that it was computed from, as bits
        self._linear: list[int] = []  # those of them that lead to it without an activation
        self._shapes: list[torch.Size] = []

    def __torch_function__(
        self, func: Any, types: Any, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        name = getattr(func, "__name__", "")
        if name in _SUMS and len(args) == 2 and not kwargs:
            kept = self._without_shortcut(*args)
            if kept is not None:
                return kept
        result = func(*args, **(kwargs or {}))
        if isinstance(result, Tensor) and result.dim():
            used = () if name in _EMPTY else tuple(_tensors((*args, *(kwargs or {}).values())))
            self._note(result, used, activated=name in _ACTIVATIONS)
        return result

    def depends(self, result: Tensor, on: Tensor) -> bool:
        """Whether a tensor was computed from another one, or is it."""
        made, earlier = self._numbers.get(result), self._numbers.get(on)
        if made is None or earlier is None:
            return False
        return made == earlier or bool(self._before[made] >> earlier & 1)

    def _note(self, result: Tensor, used: Sequence[Tensor], *, activated: bool) -> None:
        before = linear = 0
        for each in used:
            number = self._number(each)
            if number is not None:
                before |= self._before[number] | 1 << number
                linear |= self._linear[number] | 1 << number
        self._add(result, before, 0 if activated else linear)

    def _number(self, tensor: Tensor) -> int | None:
        """None for weights, which stand for nothing that was computed."""
        if isinstance(tensor, nn.Parameter) or not tensor.dim():
            return None
        if tensor not in self._numbers:
            self._add(tensor, 0, 0)
        return self._numbers[tensor]

    def _add(self, tensor: Tensor, before: int, linear: int) -> None:
        self._numbers[tensor] = len(self._before)
        self._before.append(before)
        self._linear.append(linear)
        self._shapes.append(tensor.shape)

    def _without_shortcut(self, first: Any, second: Any) -> Tensor | None:
        """What is left of a sum; None where nothing is to be left out."""
        if not isinstance(first, Tensor) or not isinstance(second, Tensor):
            tensor, other = (first, second) if isinstance(first, Tensor) else (second, first)
            return cast("Tensor", tensor) if type(other) in (int, float) and other == 0 else None
        numbers = self._number(first), self._number(second)
        if numbers[0] is None or numbers[1] is None or numbers[0] == numbers[1]:
            return None
        for (shortcut, other), left in ((numbers, second), (numbers[::-1], first)):
            if self._is_shortcut(shortcut, other):  # pyright: ignore[reportArgumentType]
                return left
        return None

    def _is_shortcut(self, number: int, other: int) -> bool:
        if self._before[other] >> number & 1:
            return True
        shared = self._linear[number] & self._before[other]
        fork = shared.bit_length() - 1  # the last tensor that both came from
        parted = fork >= 0 and not self._linear[other] >> fork & 1
        return parted and self._shapes[fork] != self._shapes[number]


def _tensors(values: Sequence[Any]) -> Iterator[Tensor]:
    for each in values:
        if isinstance(each, Tensor):
            yield each
        elif isinstance(each, (list, tuple)):
            yield from _tensors(cast("Sequence[Any]", each))


def outputs_noted(modules: Sequence[nn.Module], note: Callable[[nn.Module, Tensor], None]) -> list[Any]:
    """Handles of hooks that tell what each module gives."""

    def after(module: nn.Module, _inputs: Any, output: Tensor) -> None:
        note(module, output)

    return [each.register_forward_hook(after) for each in modules]

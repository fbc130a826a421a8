"""The operations that a network carries out for one example, in their order, without computing anything."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_leaves
from torch.utils.hooks import RemovableHandle

from netwright.networks.counting import answered, evaluation, stand_ins

_NOT_COUNTED = frozenset({"__get__", "__set__", "size", "dim", "numel", "is_floating_point", "__len__", "stride"})


@dataclass(frozen=True, eq=False)
class Operation:
    """One call of a function of PyTorch.

    function: that was called.
    arguments, named: what it was called with, tensors on the meta device.
    result: what it gave.
    """

    function: Any
    arguments: tuple[Any, ...]
    named: dict[str, Any]
    result: Any

    @property
    def name(self) -> str:
        """The function's own name, as "conv2d"; that of an operator as "add"."""
        return str(getattr(self.function, "__name__", self.function)).strip("_")

    @property
    def inputs(self) -> list[Tensor]:
        return [each for each in tree_leaves((self.arguments, self.named)) if isinstance(each, Tensor)]

    @property
    def outputs(self) -> list[Tensor]:
        return [each for each in tree_leaves(self.result) if isinstance(each, Tensor)]


@dataclass(frozen=True, eq=False)
class Execution:
    """What a network does for one example.

    operations: in their order. example: the input. answers: the tensors that come out. weights: parameters and buffers
    on the meta device, those of recurrent layers left out. layers: of each operation the innermost module that calls
    it, by its name in `named_modules()`; empty where that was not asked.
    """

    operations: tuple[Operation, ...]
    example: Tensor
    answers: tuple[Tensor, ...]
    weights: tuple[Tensor, ...]
    layers: tuple[str, ...] = ()


def executed(module: nn.Module, shape: Sequence[int], batch: int = 1, *, layers: bool = False) -> Execution:
    """Follow a network in evaluation mode on the meta device; it stays as it is.

    module: on any device.
    shape: of one example, such as (channels, height, width), or (length,) of tokens.
    batch: how many examples it answers at once.
    layers: whether to note which module calls each operation.

    A forward pass that looks at values cannot be followed and raises what PyTorch raises for it.
    """
    noted = _Noted()
    with evaluation(module), torch.device("meta"):
        tensors = stand_ins(module)
        example = torch.empty(batch, *shape)
        with noted, torch.no_grad(), _watched(module, noted) if layers else nullcontext():
            answer = functional_call(module, tensors, (example,), tie_weights=False) if tensors else module(example)
    answers = tuple(each for each in tree_leaves(answer) if isinstance(each, Tensor))
    weights = (*tensors.values(), *(each for each in module.state_dict().values() if each.device.type == "meta"))
    return Execution(tuple(noted.operations), example, answers, weights, tuple(noted.callers) if layers else ())


class _Noted(TorchFunctionMode):
    """Notes every function of PyTorch that gives tensors, and which module was running, the innermost last."""

    def __init__(self) -> None:
        super().__init__()
        self.operations: list[Operation] = []
        self.running, self.callers = [""], list[str]()

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = dict(kwargs or {})
        args, result = answered(func, args, kwargs)
        if getattr(func, "__name__", "") not in _NOT_COUNTED and any(
            isinstance(each, Tensor) for each in tree_leaves(result)
        ):
            self.operations.append(Operation(func, tuple(args), kwargs, result))
            self.callers.append(self.running[-1])
        return result


@contextmanager
def _watched(module: nn.Module, noted: _Noted) -> Generator[None]:
    """Has modules say when they begin and end."""
    handles: list[RemovableHandle] = []
    for name, part in module.named_modules():
        handles.append(part.register_forward_pre_hook(lambda *_, name=name: noted.running.append(name)))
        handles.append(part.register_forward_hook(lambda *_: _ended(noted)))
    try:
        yield
    finally:
        for each in handles:
            each.remove()


def _ended(noted: _Noted) -> None:
    noted.running.pop()

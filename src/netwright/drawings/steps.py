"""What a network does for one example, layer by layer, and what each reads: seen by running it without numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_leaves

from netwright.networks.counting import answered, evaluation, stand_ins

INPUT = -1  # the number of what goes into the network
_PASSED_ON = frozenset(
    (
        *("view", "reshape", "flatten", "unflatten", "permute", "transpose", "movedim", "squeeze", "unsqueeze", "T"),
        *("getitem", "chunk", "split", "unbind", "narrow", "select", "contiguous", "expand", "expand_as", "repeat"),
        *("to", "float", "type_as", "detach", "clone", "view_as", "alias", "pad", "stack", "tensor_split", "mT", "t"),
    )
)
_ACTIVATIONS = frozenset((F.relu, F.relu6, F.silu, F.hardswish, F.elu, F.leaky_relu))  # slow on the meta device
_SAID_NOTHING = frozenset(("get", "set", "size", "dim", "numel", "is_floating_point", "len", "stride", "setitem"))


@dataclass(frozen=True, slots=True)
class Step:
    """A layer, or a function between layers.

    owner: name of the layer, or of the module whose `forward` calls the function; "" for the network itself.
    function: name of the function; empty for a layer.
    reads: numbers of earlier steps, or INPUT.
    shape: of what comes out, without the batch.
    """

    owner: str
    function: str
    reads: tuple[int, ...]
    shape: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Steps:
    """steps: in their order. last: the numbers of those that give the answer."""

    steps: tuple[Step, ...]
    last: tuple[int, ...]


def steps_of(module: nn.Module, shape: Sequence[int]) -> Steps:
    """Follow a network in evaluation mode on PyTorch's meta device; it stays as it is.

    module: on any device.
    shape: of one example, such as (channels, height, width), or (length,) of tokens.

    A forward pass that looks at values cannot be followed and raises what PyTorch raises for it.
    """
    noted = _Noted()
    handles = [handle for name, part in module.named_modules() for handle in noted.watch(name, part)]
    try:
        with evaluation(module), torch.device("meta"):
            tensors = stand_ins(module)
            example = torch.empty(1, *shape)
            noted.makers[id(example)] = (INPUT,)
            with noted, torch.no_grad():
                answer = functional_call(module, tensors, (example,), tie_weights=False) if tensors else module(example)
    finally:
        for handle in handles:
            handle.remove()
    return Steps(tuple(noted.steps), noted.made_by(_tensors(answer)))


class _Noted(TorchFunctionMode):
    """Notes layers and the functions between them. makers: of each tensor, the numbers of the steps that gave it."""

    def __init__(self) -> None:
        super().__init__()
        self.steps: list[Step] = []
        self.makers: dict[int, tuple[int, ...]] = {}
        self._alive: list[Tensor] = []  # so that no two tensors have the same id
        self._owners = [""]
        self._inside = 0  # of how many layers

    def watch(self, name: str, part: nn.Module) -> Iterable[Any]:
        leaf = next(part.children(), None) is None
        yield part.register_forward_pre_hook(self._enter(name, leaf=leaf))
        yield part.register_forward_hook(self._leave(name, part, leaf=leaf))

    def _enter(self, name: str, *, leaf: bool) -> Callable[..., None]:
        def before(_module: nn.Module, _inputs: Any) -> None:
            self._owners.append(name)
            self._inside += leaf

        return before

    def _leave(self, name: str, part: nn.Module, *, leaf: bool) -> Callable[..., Any]:
        passes = leaf and _passes(part)

        def after(_module: nn.Module, inputs: tuple[Any, ...], output: Any) -> Any:
            self._owners.pop()
            if not leaf:
                return None
            if passes:
                self._inside -= 1
                self._keep(output, self.made_by(_tensors(inputs)))
                return None
            if any(output is each for each in inputs):  # a layer that passes on what it gets has a result of its own
                output = output.view(output.shape)
            self._inside -= 1
            if not self._inside:
                self._note(Step(name, "", self.made_by(_tensors(inputs)), _shape(output)), output)
            return output

        return after

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = dict(kwargs or {})
        in_place = func in _ACTIVATIONS and (kwargs.get("inplace") or True in args[1:2])
        args, result = (args, args[0]) if in_place else answered(func, args, kwargs)
        if not self._inside:
            name = str(getattr(func, "__name__", func)).strip("_")
            given = _tensors((args, kwargs))
            if name in _PASSED_ON:
                self._keep(result, self.made_by(given))
            elif name not in _SAID_NOTHING and given and any(each.is_floating_point() for each in _tensors(result)):
                self._note(Step(self._owners[-1], name, self.made_by(given), _shape(result)), result)
        return result

    def _note(self, step: Step, output: Any) -> None:
        self.steps.append(step)
        self._keep(output, (len(self.steps) - 1,))

    def _keep(self, output: Any, makers: tuple[int, ...]) -> None:
        for tensor in _tensors(output):
            self._alive.append(tensor)
            self.makers[id(tensor)] = makers

    def made_by(self, tensors: Iterable[Tensor]) -> tuple[int, ...]:
        """The steps that gave these tensors, each once."""
        return tuple(dict.fromkeys(maker for each in tensors for maker in self.makers.get(id(each), ())))


def _passes(part: nn.Module) -> bool:
    """Whether a layer answers with the numbers that it gets, when it is not trained."""
    dropout = type(part).__name__.endswith("Dropout") and next(part.parameters(), None) is None
    return dropout or isinstance(part, (nn.Identity, nn.Flatten, nn.Unflatten, nn.Dropout, nn.Dropout1d, nn.Dropout2d))


def _tensors(value: Any) -> list[Tensor]:
    return [each for each in tree_leaves(value) if isinstance(each, Tensor)]


def _shape(value: Any) -> tuple[int, ...]:
    tensors = _tensors(value)
    return tuple(tensors[0].shape[1:]) if tensors else ()

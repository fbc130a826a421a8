"""Counts a network's parameters, multiply-adds and activations without computing or allocating anything."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_map_only
from torch.utils.hooks import RemovableHandle

from netwright.networks.cells import CellNetwork
from netwright.networks.operations import Zero

BYTES = 4  # of a float32 number


@dataclass(frozen=True, slots=True)
class Count:
    """What a network costs for one example.

    params: numbers in its parameters, each counted once however often it is used; buffers are left out.
    macs: multiply-adds of convolutions, linear and recurrent layers and matrix products in evaluation mode. Biases,
    normalisation, activations, pooling and sums count nothing, and an auxiliary head is not run.
    activation_memory: bytes of what its leaf layers write to new memory, in float32: every output of a module without
    children, left out where it shares the input's memory (identity, flattening, in-place activation, inactive
    dropout) and where it is all zeros by design. Training holds these from the forward to the backward pass, so that
    they give its peak; sums between layers and workspace of the kernels are not in it.
    """

    params: int = 0
    macs: int = 0
    activation_memory: int = 0

    def __add__(self, other: Count) -> Count:
        return Count(
            self.params + other.params,
            self.macs + other.macs,
            self.activation_memory + other.activation_memory,
        )


def count(module: nn.Module, shape: Sequence[int]) -> Count:
    """The cost of a network for one example of this shape, such as (channels, height, width), or (length,) of tokens.

    The module may live on any device, PyTorch's meta device included; it stays as it is. A forward pass that looks at
    values cannot be counted and raises what PyTorch raises for it.
    """
    return sum(count_layers(module, shape).values(), Count())


def count_predicting(module: nn.Module, shape: Sequence[int]) -> Count:
    """As `count`, without the second classifier of a network of cells, which only training needs."""
    second = isinstance(module, CellNetwork) and module.auxiliary is not None
    layers = count_layers(module, shape).items()
    return sum((each for name, each in layers if not (second and name.startswith("auxiliary."))), Count())


def count_layers(module: nn.Module, shape: Sequence[int]) -> dict[str, Count]:
    """The cost of each layer by its name in `module.named_modules()`; names that cost nothing are left out."""
    counts = {name: Count(params=own) for name, own in _parameters(module)}
    for name, macs, memory in _run(module, shape):
        counts[name] = counts.get(name, Count()) + Count(0, macs, memory)
    return counts


def _parameters(module: nn.Module) -> Generator[tuple[str, int]]:
    """Each module's own parameters; one that several modules share belongs to the first."""
    seen: set[int] = set()
    for name, part in module.named_modules():
        own = {id(each): each.numel() for each in part.parameters(recurse=False) if id(each) not in seen}
        seen.update(own)
        if own:
            yield name, sum(own.values())


def _run(module: nn.Module, shape: Sequence[int]) -> list[tuple[str, int, int]]:
    """Run one example through the network on the meta device: (layer, multiply-adds, new bytes) as it happens."""
    found: list[tuple[str, int, int]] = []
    running = [""]  # names of the leaf layers in progress, innermost last
    handles: list[RemovableHandle] = []
    watch = _Watch(lambda macs: found.append((running[-1], macs, 0)))
    try:
        for name, part in module.named_modules():
            if next(part.children(), None) is None and not isinstance(part, Zero):
                before, after = _hooks(name, running, found)
                handles += (part.register_forward_pre_hook(before), part.register_forward_hook(after))
        with evaluation(module), torch.device("meta"), watch:
            tensors = stand_ins(module)
            example = torch.empty(1, *shape)
            functional_call(module, tensors, (example,), tie_weights=False) if tensors else module(example)
    finally:
        for handle in handles:
            handle.remove()
    return found


def _hooks(
    name: str, running: list[str], found: list[tuple[str, int, int]]
) -> tuple[Callable[..., None], Callable[..., None]]:
    def before(_module: nn.Module, _inputs: Any) -> None:
        running.append(name)

    def after(_module: nn.Module, inputs: tuple[Any, ...], output: Any) -> None:
        running.pop()
        given = {_memory(each) for each in inputs if isinstance(each, Tensor)}
        written = [each for each in _flat(output) if _memory(each) not in given]
        if written:
            found.append((name, 0, BYTES * sum(each.numel() for each in written)))

    return before, after


def _flat(output: Any) -> list[Tensor]:
    """The tensors of a layer's output, which may be nested."""
    if isinstance(output, Tensor):
        return [output]
    if isinstance(output, dict):
        output = list(output.values())
    return [each for part in output for each in _flat(part)] if isinstance(output, (list, tuple)) else []


def _memory(tensor: Tensor) -> int:
    """What tells apart the memory of two living tensors, on the meta device too."""
    return tensor.untyped_storage()._cdata


def stand_ins(module: nn.Module) -> dict[str, Tensor]:
    """Stand-ins for all tensors of the network that are not on the meta device, shared where they are.

    Each module is named once: `functional_call` would put the stand-in back for one that is exchanged a second time.
    Recurrent layers are left as they are, because the list of weights that they keep would not be put back.
    """
    found: dict[str, Tensor] = {}
    made: dict[int, Tensor] = {}
    for name, part in module.named_modules():
        for key, each in () if isinstance(part, nn.RNNBase) else _own_tensors(part):
            if each.device.type != "meta":
                place = f"{name}.{key}" if name else key
                found[place] = made.setdefault(id(each), each.detach().to("meta"))
    return found


def _own_tensors(part: nn.Module) -> Generator[tuple[str, Tensor]]:
    yield from part.named_parameters(recurse=False, remove_duplicate=False)
    yield from part.named_buffers(recurse=False, remove_duplicate=False)


@contextmanager
def evaluation(module: nn.Module) -> Generator[None]:
    """Evaluation mode inside, every part's own mode afterwards."""
    training = [part for part in module.modules() if part.training]
    module.eval()
    try:
        yield
    finally:
        for part in training:
            part.training = True


class _Watch(TorchFunctionMode):
    """Tells `note` the multiply-adds of every convolution and matrix product, wherever it is called from.

    What only depends on shapes in a way known here is answered with the shape alone, because PyTorch's meta device
    takes a thousand times as long for it, and seconds when it is first asked.
    """

    def __init__(self, note: Callable[[int], None]) -> None:
        super().__init__()
        self._note = note

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        args, result = answered(func, args, kwargs)
        formula = _FORMULAS.get(func)
        if formula is not None:
            self._note(formula(result, *args, **kwargs))
        return result


def answered(func: Any, args: Any, kwargs: Any) -> tuple[Any, Any]:
    """What a function is called with on the meta device, and what it gives there: its shape alone where that is known.

    Recurrent layers keep weights of their own, for which there are no stand-ins; they are moved.
    """
    if func in _RECURRENT:
        args = tree_map_only(Tensor, lambda each: each.to("meta"), args)
    if func in _OWN_MEMORY and kwargs.get("inplace") and args and isinstance(args[0], Tensor):
        return args, args[0]
    shape = _SHAPES[func](*args, **kwargs) if func in _SHAPES else None
    return args, func(*args, **kwargs) if shape is None else torch.empty(shape, device="meta")


def _same(inputs: Tensor, *_: Any, inplace: bool = False, **__: Any) -> tuple[int, ...] | None:
    return None if inplace else tuple(inputs.shape)


def _sum(first: Any, second: Any, **_: Any) -> tuple[int, ...] | None:
    alike = isinstance(first, Tensor) and isinstance(second, Tensor) and first.shape == second.shape
    return tuple(first.shape) if alike else _spread(first, second)


def _spread(first: Any, second: Any = 0.0, **_: Any) -> tuple[int, ...] | None:
    """Of what is computed number by number, one of two being repeated along an axis where it is shorter."""
    tensors = [each for each in (first, second) if isinstance(each, Tensor)]
    if not all(each.is_floating_point() for each in tensors):
        return None
    axes = max(each.dim() for each in tensors)
    shapes = [(1,) * (axes - each.dim()) + tuple(each.shape) for each in tensors]
    fits = all(len({*extents} - {1}) < 2 for extents in zip(*shapes, strict=True))
    return (
        tuple(next((each for each in extents if each != 1), 1) for extents in zip(*shapes, strict=True))
        if fits
        else None
    )


def _alone(inputs: Tensor, *_: Any, **__: Any) -> tuple[int, ...] | None:
    return tuple(inputs.shape) if inputs.is_floating_point() else None


def _summed(inputs: Tensor, axis: Any = None, *rest: Any, **named: Any) -> tuple[int, ...] | None:
    shape = inputs.shape
    plain = isinstance(axis, int) and not rest and not named
    return (*shape[:axis], *shape[axis % len(shape) + 1 :]) if plain else None


def _stacked(parts: Sequence[Tensor], axis: int = 0, **_: Any) -> tuple[int, ...]:
    first = tuple(parts[0].shape)
    place = axis % (len(first) + 1)
    return (*first[:place], len(parts), *first[place:])


def _joined(parts: Sequence[Tensor], axis: int = 0, **_: Any) -> tuple[int, ...] | None:
    first = tuple(parts[0].shape)
    place = axis % len(first)
    if not all(each.is_floating_point() and each.dim() == len(first) for each in parts):
        return None
    return (*first[:place], sum(each.shape[place] for each in parts), *first[place + 1 :])


def _added_matrices(_added: Tensor, first: Tensor, second: Tensor, *_: Any, **__: Any) -> tuple[int, ...]:
    return (*first.shape[:-1], second.shape[-1])


def _pooled(inputs: Tensor, size: Any) -> tuple[int, ...] | None:
    return (*inputs.shape[:-2], size, size) if isinstance(size, int) else None


def _looked_up(inputs: Tensor, weight: Tensor, *_: Any, **__: Any) -> tuple[int, ...] | None:
    return (*inputs.shape, weight.shape[1])


def _projected(inputs: Tensor, weight: Tensor, *_: Any, **__: Any) -> tuple[int, ...] | None:
    fits = weight.dim() == 2 and inputs.shape[-1] == weight.shape[1]
    return (*inputs.shape[:-1], weight.shape[0]) if fits else None


def _convolved(
    inputs: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> tuple[int, ...] | None:
    """PyTorch's formula for the size a convolution gives; None where PyTorch itself has to say."""
    batch, channels, *extents = inputs.shape
    if isinstance(padding, str) or channels != weight.shape[1] * groups:
        return None
    options = [_each(value, len(extents)) for value in (stride, padding, dilation)]
    sizes = [
        (extent + 2 * pad - spread * (kernel - 1) - 1) // step + 1
        for extent, kernel, step, pad, spread in zip(extents, weight.shape[2:], *options, strict=True)
    ]
    return (batch, weight.shape[0], *sizes) if min(sizes) > 0 else None


def _each(value: Any, axes: int) -> tuple[int, ...]:
    return (value,) * axes if isinstance(value, int) else tuple(value)


def _convolution(result: Tensor, _inputs: Tensor, weight: Tensor, *_: Any, **__: Any) -> int:
    """Each output meets one filter: the weights but for their first axis."""
    return result.numel() * (weight.numel() // max(1, weight.shape[0]))


def _transposed_convolution(_result: Tensor, inputs: Tensor, weight: Tensor, *_: Any, **__: Any) -> int:
    return inputs.numel() * (weight.numel() // max(1, weight.shape[0]))


def _product(result: Tensor, first: Tensor, *_: Any, **__: Any) -> int:
    return result.numel() * first.shape[-1]


def _added_product(result: Tensor, _added: Tensor, first: Tensor, *_: Any, **__: Any) -> int:
    return result.numel() * first.shape[-1]


def _attention(result: Tensor, query: Tensor, key: Tensor, *_: Any, **__: Any) -> int:
    """Queries by keys, then the weights by values."""
    return query.numel() * key.shape[-2] + result.numel() * key.shape[-2]


def _multi_head_attention(_result: Any, query: Tensor, key: Tensor, value: Tensor, *_: Any, **__: Any) -> int:
    """Projections of queries, keys, values and outputs; then as in `_attention` (Vaswani et al. 2017)."""
    width, keys = query.shape[-1], key.shape[0]
    projections = width * (2 * query.numel() + key.numel() + value.numel())
    return projections + 2 * query.numel() * keys


def _recurrent(_result: Any, inputs: Tensor, *rest: Any, **__: Any) -> int:
    """Each step of each example meets every weight matrix once: of all gates, layers, directions and projections."""
    weights = next(each for each in rest if isinstance(each, list))
    return inputs.numel() // inputs.shape[-1] * sum(each.numel() for each in weights if each.dim() == 2)


def _recurrent_cell(
    _result: Any, inputs: Tensor, _state: Any, into_gates: Tensor, between_gates: Tensor, *_: Any, **__: Any
) -> int:
    return inputs.numel() // inputs.shape[-1] * (into_gates.numel() + between_gates.numel())


_VF: Any = torch._VF
_RECURRENT = frozenset((_VF.lstm, _VF.gru, _VF.rnn_tanh, _VF.rnn_relu))
_FORMULAS: dict[Any, Callable[..., int]] = {
    **dict.fromkeys((torch.conv1d, torch.conv2d, torch.conv3d), _convolution),
    **dict.fromkeys((torch.conv_transpose1d, torch.conv_transpose2d, torch.conv_transpose3d), _transposed_convolution),
    **dict.fromkeys(
        (F.linear, torch.matmul, torch.mm, torch.bmm, Tensor.matmul, Tensor.__matmul__, Tensor.mm, Tensor.bmm), _product
    ),
    **dict.fromkeys((torch.addmm, torch.baddbmm, Tensor.addmm, Tensor.baddbmm), _added_product),
    **dict.fromkeys(_RECURRENT, _recurrent),
    **dict.fromkeys((_VF.lstm_cell, _VF.gru_cell, _VF.rnn_tanh_cell, _VF.rnn_relu_cell), _recurrent_cell),
    F.scaled_dot_product_attention: _attention,
    F.multi_head_attention_forward: _multi_head_attention,
}
_OWN_MEMORY = frozenset({F.relu, F.relu6, F.hardtanh, F.silu, F.hardswish, F.hardsigmoid, F.leaky_relu, F.elu})
"""Functions that, asked to work in place, give what they were given."""

_SHAPES: dict[Any, Callable[..., tuple[int, ...] | None]] = {
    torch.conv2d: _convolved,
    F.linear: _projected,
    F.embedding: _looked_up,  # of any numbers: a shape does not say that its examples are tokens
    F.adaptive_avg_pool2d: _pooled,
    torch.baddbmm: _added_matrices,
    torch.cat: _joined,
    torch.stack: _stacked,
    **dict.fromkeys((Tensor.sum, Tensor.mean, Tensor.amax), _summed),
    **dict.fromkeys((torch.add, Tensor.add, Tensor.__add__), _sum),
    **dict.fromkeys((Tensor.sub, Tensor.__sub__, Tensor.mul, Tensor.__mul__, Tensor.div, Tensor.__truediv__), _spread),
    **dict.fromkeys(
        (Tensor.clamp, torch.sqrt, Tensor.pow, Tensor.__pow__, Tensor.cos, Tensor.sin, Tensor.sign), _alone
    ),
    **dict.fromkeys(
        (
            *(F.batch_norm, F.layer_norm, F.group_norm),
            *(F.relu, F.relu6, F.gelu, F.silu, F.hardswish, F.hardsigmoid, F.leaky_relu, F.elu),
            *(torch.relu, torch.sigmoid, torch.tanh, Tensor.relu, Tensor.sigmoid, Tensor.tanh),
        ),
        _same,
    ),
}

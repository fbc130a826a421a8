"""A CUDA device that is not there: tensors with numbers on the CPU that say they lie on cuda:0.

Within `gpu()`, `device="cuda"`, `.to("cuda")` and so on give `Placed` tensors. An operation on tensors of both devices
raises, as CUDA does; so does `.numpy()`. Whatever makes the host wait for the device (`item()`, `.cpu()`, a copy to the
device that is not asked to be non-blocking, a result whose shape depends on numbers) is counted in `waits`.

PyTorch itself takes the tensors for such of its "lazy" device, which has no kernels here either, and whose gradients
are computed in the thread that asks.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import torch
import torch._dynamo  # which PyTorch imports when it first wraps a function, and not within the modes
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_flatten, tree_map, tree_map_only

aten = torch.ops.aten
CUDA = torch.device("cuda", 0)
LAZY = torch.device("lazy", 0)
MEMORY = 80 * 2**30
COPIES = (aten._to_copy.default, aten.copy_.default)
WAITING = (
    aten._local_scalar_dense.default,
    aten.nonzero.default,
    aten.masked_select.default,
    aten.equal.default,
    aten._unique2.default,
    aten.unique_dim.default,
)


class Placed(Tensor):
    """A tensor of the pretended device; `numbers` is what it holds, on the CPU."""

    numbers: Tensor

    @staticmethod
    def __new__(cls, numbers: Tensor) -> Placed:
        assert not isinstance(numbers, Placed)
        made = Tensor._make_wrapper_subclass(
            cls,
            numbers.shape,
            strides=numbers.stride(),
            storage_offset=numbers.storage_offset(),
            dtype=numbers.dtype,
            device=LAZY,
        )
        made.numbers = numbers
        return made

    def __repr__(self, **_: Any) -> str:
        return f"Placed({tuple(self.shape)})"

    @classmethod
    def __torch_dispatch__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return _carried_out(func, args, kwargs or {}, Counter())


class Places(TorchFunctionMode):
    """Turns the name of the pretended device into one that PyTorch has here, and back."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if func is torch.device:
            return func(*args, **kwargs)
        if args and isinstance(args[0], Placed):
            name = getattr(func, "__self__", None)
            if name is Tensor.device:
                return CUDA
            if name is Tensor.is_cuda:
                return True
            if name is Tensor.is_cpu:
                return False
            if func is Tensor.get_device:
                return 0
            if func is Tensor.cuda:
                return args[0]
            if func is Tensor.tolist:
                return args[0].to("cpu").tolist()
            if func is Tensor.__reduce_ex__:
                return args[0].numbers.__reduce_ex__(args[1])
            if func in (Tensor.numpy, Tensor.__array__):
                raise TypeError("can't convert cuda:0 device type tensor to numpy. Use Tensor.cpu() to copy it first")
        if func is Tensor.__deepcopy__ and isinstance(args[0], Placed):
            return _deep_copy(*args)
        args, kwargs = tree_map(_renamed, args), tree_map(_renamed, kwargs)
        if func in (torch.tensor, torch.as_tensor) and kwargs.get("device") == LAZY:
            return func(*args, **{**kwargs, "device": "cpu"}).to(LAZY)
        if func is Tensor.new_tensor and isinstance(args[0], Placed):
            return torch.tensor(args[1], dtype=kwargs.get("dtype", args[0].dtype)).to(LAZY)
        return func(*args, **kwargs)


def _renamed(value: Any) -> Any:
    if isinstance(value, torch.device):
        return LAZY if value.type == "cuda" else value
    if isinstance(value, str) and value.partition(":")[0] == "cuda":
        return LAZY
    return value


def _deep_copy(tensor: Any, memo: dict[int, Any]) -> Any:
    copied = tensor.detach().clone().requires_grad_(tensor.requires_grad)
    if isinstance(tensor, torch.nn.Parameter):
        copied = torch.nn.Parameter(copied.detach(), tensor.requires_grad)
    memo[id(tensor)] = copied
    return copied


class Work(TorchDispatchMode):
    """Carries out operations of the pretended device. waits: how often the host waited, by function of the package."""

    def __init__(self) -> None:
        super().__init__()
        self.waits: Counter[str] = Counter()
        self.operations: Counter[str] = Counter()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        placed = any(isinstance(each, Placed) for each in tree_flatten((args, kwargs))[0])
        if not placed and kwargs.get("device") != LAZY:
            return func(*args, **kwargs)
        self.operations[func.__name__] += 1
        return _carried_out(func, args, kwargs, self.waits)


def _carried_out(func: Any, args: Any, kwargs: dict[str, Any], waits: Counter[str]) -> Any:
    """The operation on the numbers, its results placed where they would lie."""
    tensors = [each for each in tree_flatten((args, kwargs))[0] if isinstance(each, Tensor)]
    target = kwargs.get("device")
    if func in COPIES:
        between = _copied_between(func, args, target)
        if between and (isinstance(tensors[0 if func is COPIES[0] else 1], Placed) or not _non_blocking(args, kwargs)):
            waits[_asker()] += 1
    else:
        _require_one_device(func, tensors)
    if func in WAITING or (func.__name__.startswith(("index.", "index_put")) and _by_mask(args)):
        waits[_asker()] += 1
    if target == LAZY:
        kwargs = {**kwargs, "device": torch.device("cpu")}
    bare_args, bare = tree_map_only(Placed, lambda each: each.numbers, (args, kwargs))
    result = func(*bare_args, **bare)
    on_host = func is COPIES[0] and target is not None and target.type == "cpu"
    if on_host:
        return result
    same = {id(each.numbers): each for each in tensors if isinstance(each, Placed)}
    return tree_map_only(Tensor, lambda each: same[id(each)] if id(each) in same else Placed(each), result)


def _asker() -> str:
    """The function of the package that asked for what is under way."""
    frame: Any = sys._getframe(1)
    while frame is not None and f"{os.sep}netwright{os.sep}" not in frame.f_code.co_filename:
        frame = frame.f_back
    return "" if frame is None else f"{Path(frame.f_code.co_filename).stem}.{frame.f_code.co_name}"


def _copied_between(func: Any, args: Any, target: Any) -> bool:
    if func is aten.copy_.default:
        return isinstance(args[0], Placed) != isinstance(args[1], Placed)
    return target is not None and isinstance(args[0], Placed) != (target == LAZY)


def _non_blocking(args: Any, kwargs: dict[str, Any]) -> bool:
    return bool(kwargs.get("non_blocking") or (len(args) > 2 and args[2] is True))


def _by_mask(args: Any) -> bool:
    given = args[1] if len(args) > 1 and isinstance(args[1], (list, tuple)) else ()
    return any(isinstance(each, Tensor) and each.dtype == torch.bool for each in given)


def _require_one_device(func: Any, tensors: list[Tensor]) -> None:
    """As CUDA: only single numbers may lie on the CPU, and the places of an index."""
    if not any(isinstance(each, Placed) for each in tensors):
        return
    allowed = func.__name__.startswith(("index.", "index_put"))
    others = [each for each in tensors if not isinstance(each, Placed) and each.dim() > 0 and not allowed]
    if others:
        shapes = ", ".join(str(tuple(each.shape)) for each in others)
        raise RuntimeError(f"{func.__name__}: tensors on cuda:0, but on the cpu those of shape {shapes}")


def _load(*args: Any, map_location: Any = None, **options: Any) -> Any:
    """Stored tensors, on the pretended device where they are asked for there."""
    found = _FROM_FILE(*args, map_location="cpu", **options)
    there = map_location is not None and torch.device(map_location).type == "cuda"
    return tree_map_only(Tensor, Placed, found) if there else found


_FROM_FILE = torch.load


class PlacedGenerator(torch.Generator):
    """A generator of the CPU; asked for on the pretended device, it says that it is there."""

    def __new__(cls, device: Any = "cpu") -> PlacedGenerator:
        made = super().__new__(cls)
        made.place = torch.device(device)
        return made

    @property
    def device(self) -> torch.device:
        return CUDA if self.place.type == "cuda" else self.place


@contextlib.contextmanager
def gpu() -> Iterator[Work]:
    """Within, there is one CUDA device. Gives what counts its work."""
    cuda = torch.cuda
    state = torch.zeros(16, dtype=torch.uint8)
    known: dict[str, Any] = {
        "is_available": lambda: True,
        "is_initialized": lambda: True,
        "init": lambda: None,
        "device_count": lambda: 1,
        "current_device": lambda: 0,
        "device": lambda _: contextlib.nullcontext(),
        "manual_seed": lambda _: None,
        "manual_seed_all": lambda _: None,
        "get_rng_state": lambda *_: state.clone(),
        "set_rng_state": lambda *_: None,
        "synchronize": lambda *_: None,
        "empty_cache": lambda: None,
        "is_bf16_supported": lambda **_: True,
        "get_device_capability": lambda *_: (9, 0),
        "get_device_name": lambda *_: "a pretended device",
        "mem_get_info": lambda *_: (MEMORY, MEMORY),
        "max_memory_allocated": lambda *_: 1,
        "reset_peak_memory_stats": lambda *_: None,
    }
    swapped = torch.__future__.get_swap_module_params_on_conversion()
    with contextlib.ExitStack() as stack:
        for name, value in known.items():
            stack.enter_context(mock.patch.object(cuda, name, value))
        stack.enter_context(mock.patch.object(torch, "load", _load))
        stack.enter_context(mock.patch.object(torch, "Generator", PlacedGenerator))
        stack.enter_context(mock.patch.object(torch, "inference_mode", torch.no_grad))  # which such tensors know
        stack.callback(torch.__future__.set_swap_module_params_on_conversion, swapped)
        torch.__future__.set_swap_module_params_on_conversion(True)
        stack.enter_context(Places())
        yield stack.enter_context(Work())

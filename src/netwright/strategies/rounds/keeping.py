"""What a method knows, as its attributes hold it, in a form that is kept with each epoch; and back."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol, cast, runtime_checkable

import numpy as np

from netwright.core.architecture import Architecture, Mixture
from netwright.core.errors import ConfigurationError

if TYPE_CHECKING:
    from netwright.core.space import Space
    from netwright.core.strategy import Strategy

OWN = ("_arguments", "_run", "_decoder", "_known", "space")  # attributes that are no knowledge
KINDS: dict[str, type] = {"list": list, "tuple": tuple, "set": set, "frozenset": frozenset, "deque": deque}
KEPT = (
    "numbers, text, tensors, NumPy arrays, architectures, mixtures, lists, tuples, sets and dicts of them, and what "
    "has state_dict and load_state_dict"
)


@runtime_checkable
class Stateful(Protocol):
    """What gives its own state and takes it back, as optimisers and modules of PyTorch do."""

    def state_dict(self) -> Mapping[str, Any]: ...

    def load_state_dict(self, state_dict: Any) -> Any: ...


class _Unkept(Exception):
    """Something has no form that can be kept."""


def kept(owner: Strategy) -> dict[str, Any]:
    """The attributes of a method, as tensors and plain values; ConfigurationError names one that cannot be kept.

    Left out is what the constructor was given and nothing has changed since.
    """
    found: dict[str, Any] = {}
    for name, value in vars(owner).items():
        if name in OWN:
            continue
        try:
            found[name] = _packed(value)
        except _Unkept as problem:
            if value is owner.arguments.get(name, owner):
                continue
            raise ConfigurationError(
                f"{type(owner).__name__}.{name} holds {problem}, which cannot be kept with an epoch; kept are {KEPT}"
            ) from None
    return found


def restore(owner: Strategy, state: Mapping[str, Any]) -> None:
    """Give a fresh method the attributes that were kept.

    A tensor that is there already is filled, so that an optimiser goes on moving it.
    """
    for name, value in state.items():
        setattr(owner, name, _unpacked(value, vars(owner).get(name), owner.space, f"{type(owner).__name__}.{name}"))


def _packed(value: Any) -> Any:
    import torch  # not at the top, so that strategies can be named without waiting for it

    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, torch.Tensor):
        return {"tensor": value.detach().clone(), "leaf": value.requires_grad}
    if isinstance(value, (np.ndarray, np.generic)):
        return _packed_array(value)
    if isinstance(value, Architecture):
        return {"architecture": value.to_json()}
    if isinstance(value, Mixture):
        return {"mixture": _packed(dict(value.weights)), "active": _packed(dict(value.active))}
    if isinstance(value, Mapping):
        return {"dict": [[_packed(key), _packed(each)] for key, each in cast("Mapping[Any, Any]", value).items()]}
    for name, kind in KINDS.items():
        if type(value) is kind:
            return {name: [_packed(each) for each in value]}
    if isinstance(value, Stateful) and not isinstance(value, type):
        return {"state": dict(value.state_dict())}
    raise _Unkept(f"a {type(value).__name__}")


def _packed_array(value: np.ndarray | np.generic) -> Any:
    import torch

    try:
        return {"array": torch.from_numpy(np.array(value))}
    except TypeError:
        raise _Unkept(f"an array of {value.dtype}") from None


def _unpacked(kept: Any, now: Any, space: Space, where: str) -> Any:
    """What was kept; `now` is what a fresh object holds there."""
    if not isinstance(kept, Mapping):
        return kept
    (kind, value), *more = kept.items()
    if kind == "tensor":
        return _unpacked_tensor(value, kept["leaf"], now)
    if kind == "array":
        found = value.cpu().numpy()
        return found if found.shape else found[()]
    if kind == "architecture":
        return space.parse(value)
    if kind == "mixture":
        return Mixture(_unpacked(value, None, space, where), _unpacked(more[0][1], None, space, where))
    if kind == "dict":
        known = now if isinstance(now, Mapping) else {}
        pairs = [(_unpacked(key, None, space, where), each) for key, each in value]
        return {key: _unpacked(each, known.get(key), space, where) for key, each in pairs}
    if kind in KINDS:
        known = [*now, *[None] * len(value)] if isinstance(now, (list, tuple)) else [None] * len(value)
        return KINDS[kind](_unpacked(each, old, space, where) for each, old in zip(value, known, strict=False))
    if not isinstance(now, Stateful):
        raise ConfigurationError(
            f"{where} is kept by its state_dict, but a fresh object of the same arguments holds {now!r} there; "
            "make it in the constructor"
        )
    now.load_state_dict(value)
    return now


def _unpacked_tensor(value: Any, leaf: bool, now: Any) -> Any:
    import torch

    if isinstance(now, torch.Tensor) and (now.shape, now.dtype, now.device) == (value.shape, value.dtype, value.device):
        with torch.no_grad():
            now.copy_(value)
        return now
    return value.requires_grad_(leaf)

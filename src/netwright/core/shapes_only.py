"""Networks that are built for their layers and shapes alone, on PyTorch's meta device, whose tensors hold no values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from torch.nn import init
from torch.utils._device import DeviceContext

_INITIALISE = frozenset((init.constant_, init.kaiming_uniform_, init.normal_, init.uniform_))  # those a mode is told of


class ShapesOnly(DeviceContext):
    """As `torch.device("meta")`, without the initialisation of weights: a quarter less time for a network."""

    def __init__(self) -> None:
        super().__init__("meta")

    def __torch_function__(
        self, func: Any, types: Any, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        if func in _INITIALISE:
            tensor = args[0] if args else (kwargs or {})["tensor"]
            if tensor.is_meta:
                return tensor
        of_the_device: Any = super()
        return of_the_device.__torch_function__(func, types, args, kwargs)

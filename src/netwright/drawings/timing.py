"""How long each layer of a network takes on this machine, for one example at a time."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor, nn

REPEATS = 15
WARM = 3  # runs before that, which are not counted


def latencies_of(module: nn.Module, example: Tensor, repeats: int = REPEATS) -> dict[str, float]:
    """Milliseconds of each layer by its name, the median of some runs in evaluation mode; layers without time left out.

    module: on the device of the example; it stays as it is.
    example: a batch, usually of one.
    repeats: runs.

    Functions between layers are not in it, and clocks around each layer make the sum larger than the time of the whole.
    """
    import torch

    from netwright.networks.counting import evaluation

    spent: dict[str, list[float]] = {}
    begun: dict[str, float] = {}
    hooks = [
        hook
        for name, part in module.named_modules()
        if next(part.children(), None) is None
        for hook in (
            part.register_forward_pre_hook(_begin(name, begun)),
            part.register_forward_hook(_end(name, begun, spent)),
        )
    ]
    try:
        with evaluation(module), torch.no_grad():
            for run in range(WARM + repeats):
                if run == WARM:
                    spent.clear()
                module(example)
    finally:
        for hook in hooks:
            hook.remove()
    calls = {name: len(times) // repeats for name, times in spent.items()}
    return {name: 1000 * calls[name] * statistics.median(times) for name, times in spent.items() if calls[name]}


def _begin(name: str, begun: dict[str, float]) -> Callable[..., None]:
    def before(_module: Any, _inputs: Any) -> None:
        begun[name] = time.perf_counter()

    return before


def _end(name: str, begun: dict[str, float], spent: dict[str, list[float]]) -> Callable[..., None]:
    def after(_module: Any, _inputs: Any, _output: Any) -> None:
        spent.setdefault(name, []).append(time.perf_counter() - begun[name])

    return after

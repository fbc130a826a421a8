"""Layers that go on where they ended on the batch before, and the series of batches that they go through.

Where a problem says that its examples continue each other (`Problem.continues`), batch k + 1 holds what follows on
batch k, example by example. A recurrent layer then begins a batch in the state in which it ended the one before,
without its history (truncated back-propagation through time, Williams and Peng 1990).
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

if TYPE_CHECKING:
    from torch import nn


STREAMS = 32
"""Side by side when a text is judged, whatever fits on the device, because each begins without a state."""
FEWEST = 8
"""Windows of each of them at least; shorter texts have fewer streams."""


@runtime_checkable
class Carrying(Protocol):
    """A module with a state: it begins where `state` says (None for the beginning), a tensor of an example a row.

    While `carries` is true, its forward puts the state that it ends in there, detached. Its forward must be plain
    PyTorch, because exported code has it as it is written. It may be given fewer examples than the state has, then the
    first of them.
    """

    carries: bool
    state: Any


class Stream:
    """One series of batches that a network goes through; nothing else that the network is given moves its states.

    network: whose carrying layers are meant. Between batches they hold no state.
    """

    def __init__(self, network: nn.Module) -> None:
        modules: dict[str, Any] = dict(network.named_modules())  # pyright: ignore[reportUnknownArgumentType]
        self._layers: dict[str, Carrying] = {name: each for name, each in modules.items() if isinstance(each, Carrying)}
        self._before: dict[str, Any] = {}
        self._now: dict[str, Any] = {}

    def restart(self) -> None:
        """Begin a new series."""
        self._before, self._now = {}, {}

    @contextmanager
    def next(self, *, moves: bool = True) -> Generator[None]:
        """Inside, the network is given the next batch.

        moves: whether it goes on behind it afterwards; not where the same batch will be the next one once more.
        """
        with self._from(self._now, carries=moves):
            yield
            if moves:
                self._before, self._now = self._now, {name: each.state for name, each in self._layers.items()}

    @contextmanager
    def again(self) -> Generator[None]:
        """Inside, the network is given the last batch once more."""
        with self._from(self._before, carries=False):
            yield

    @contextmanager
    def _from(self, states: Mapping[str, Any], *, carries: bool) -> Generator[None]:
        for name, layer in self._layers.items():
            layer.state, layer.carries = states.get(name), carries
        try:
            yield
        finally:
            for layer in self._layers.values():
                layer.state, layer.carries = None, False

    @property
    def states(self) -> Mapping[str, Any]:
        """Where each layer goes on, by its name."""
        return self._now

    def state_dict(self) -> dict[str, Any]:
        return {"before": dict(self._before), "now": dict(self._now)}

    def load_state_dict(self, states: Mapping[str, Mapping[str, Any]]) -> None:
        self._before, self._now = (dict(states[name]) for name in ("before", "now"))

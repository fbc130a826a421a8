"""Randomness is an argument: every generator is derived from the search's seed and a place, never shared."""

from __future__ import annotations

from typing import Any

import numpy as np

_MIX = (0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB)
_MASK = (1 << 64) - 1
_BLOCK = 1024  # seeds that are made at once


def derived_seed(seed: int, *path: int) -> int:
    """A 63-bit integer that depends on every number given (splitmix64 finaliser, Steele et al. 2014)."""
    state = _mixed(seed & _MASK, len(path))
    for step in path:
        state = _mixed(state, step)
    return state >> 1


def _mixed(state: int, step: int) -> int:
    state = (state + _MIX[0] * ((step & _MASK) + 1)) & _MASK
    state = ((state ^ (state >> 30)) * _MIX[1]) & _MASK
    state = ((state ^ (state >> 27)) * _MIX[2]) & _MASK
    return state ^ (state >> 31)


class Seeds:
    """`seeds(number)` is `derived_seed(seed, number)` for numbers from 0, made by the thousand."""

    def __init__(self, seed: int) -> None:
        self._state = _mixed(seed & _MASK, 1)
        self._first = 0
        self._seeds: list[int] = []

    def __call__(self, number: int) -> int:
        place = number - self._first
        if not 0 <= place < len(self._seeds):
            self._first = number - number % _BLOCK
            self._seeds = self._block(self._first)
            place = number - self._first
        return self._seeds[place]

    def _block(self, first: int) -> list[int]:
        """`_mixed` with whole arrays, whose numbers drop what is beyond 64 bits."""
        mix = np.array(_MIX, dtype=np.uint64)
        steps = np.arange(first + 1, first + 1 + _BLOCK, dtype=np.uint64)
        state = np.uint64(self._state) + mix[0] * steps
        state = (state ^ (state >> np.uint64(30))) * mix[1]
        state = (state ^ (state >> np.uint64(27))) * mix[2]
        return ((state ^ (state >> np.uint64(31))) >> np.uint64(1)).tolist()


class Generators:
    """`generators(number, step)` is the generator of that trial and, with weight sharing, of so many rounds before it:
    one object, moved to a counter-based stream of its own.

    The generator is valid until the next call; strategies draw from it inside `ask` and do not keep it.
    """

    def __init__(self, seed: int) -> None:
        key = derived_seed(seed)
        self._bits = np.random.Philox(key=key)
        self._generator = np.random.Generator(self._bits)
        # The state of a fresh Philox, in plain numbers: those of NumPy take four times as long to be read.
        self._counter = [0, 0, 0, 0]
        self._state: Any = {
            **self._bits.state,
            "state": {"counter": self._counter, "key": [key, 0]},
            "buffer": [0, 0, 0, 0],
        }

    def __call__(self, number: int, step: int = 0) -> np.random.Generator:
        # Number and step are the high words of Philox's 256-bit counter, so streams cannot meet.
        self._counter[2], self._counter[3] = step, number
        self._bits.state = self._state
        return self._generator

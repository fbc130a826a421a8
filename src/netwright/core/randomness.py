"""Randomness is an argument: every generator is derived from the search's seed and a place, never shared."""

from __future__ import annotations

import numpy as np

_MIX = (0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB)
_MASK = (1 << 64) - 1


def derived_seed(seed: int, *path: int) -> int:
    """A 63-bit integer that depends on every number given (splitmix64 finaliser, Steele et al. 2014)."""
    state = seed & _MASK
    for step in (len(path), *path):
        state = (state + _MIX[0] * ((step & _MASK) + 1)) & _MASK
        state = ((state ^ (state >> 30)) * _MIX[1]) & _MASK
        state = ((state ^ (state >> 27)) * _MIX[2]) & _MASK
        state ^= state >> 31
    return state >> 1


class Generators:
    """`generators(number, step)` is the generator of that trial and, with weight sharing, of so many rounds before it:
    one object, moved to a counter-based stream of its own.

    The generator is valid until the next call; strategies draw from it inside `ask` and do not keep it.
    """

    def __init__(self, seed: int) -> None:
        self._bits = np.random.Philox(key=derived_seed(seed))
        self._generator = np.random.Generator(self._bits)
        self._state = self._bits.state

    def __call__(self, number: int, step: int = 0) -> np.random.Generator:
        # Number and step are the high words of Philox's 256-bit counter, so streams cannot meet.
        state = self._state
        state["state"]["counter"][:] = (0, 0, step, number)
        self._bits.state = state
        return self._generator

"""What the checks are written with: a rule that must hold, and the global generators that must not be touched."""

from __future__ import annotations

import random
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any

import numpy as np


def require(holds: object, broken: str | Callable[[], str]) -> None:
    """Raise AssertionError with this message unless the rule holds (also under `python -O`).

    broken: the message, or what makes it where that takes long, as to write down every weight of a mixture.
    """
    if not holds:
        raise AssertionError(broken if isinstance(broken, str) else broken())


@contextmanager
def must_not_raise(what: str, *allowed: type[BaseException]) -> Generator[None]:
    """Turn an exception, unless of an allowed kind, into an AssertionError that says what was being done."""
    try:
        yield
    except (AssertionError, *allowed):
        raise
    except Exception as problem:
        raise AssertionError(f"{what} raised {type(problem).__name__}: {problem}") from problem


def must_raise(what: str, wanted: type[BaseException], action: Any) -> BaseException:
    """The exception that `action()` raises; AssertionError where it raises none, or another kind."""
    try:
        action()
    except wanted as expected:
        return expected
    except Exception as problem:
        raise AssertionError(f"{what} raised {type(problem).__name__}, expected {wanted.__name__}") from problem
    raise AssertionError(f"{what} raised nothing, expected {wanted.__name__}")


@contextmanager
def global_randomness_untouched(what: str) -> Generator[None]:
    """AssertionError where the body moves the global generator of Python, numpy or torch."""
    before = _global_states()
    yield
    after = _global_states()
    moved = [name for name in before if before[name] != after[name]]
    require(not moved, f"{what} changed the global random generator of {' and '.join(moved)}; use the one it is given")


def _global_states() -> dict[str, Any]:
    legacy: Any = np.random.get_state()  # noqa: NPY002 - it is this state that must not move
    states = {"Python's random": random.getstate(), "numpy": (legacy[1].tobytes(), *legacy[2:])}
    torch = sys.modules.get("torch")
    if torch is not None:
        states["torch"] = torch.get_rng_state().numpy().tobytes()
        if torch.cuda.is_available() and torch.cuda.is_initialized():
            states["torch.cuda"] = tuple(state.numpy().tobytes() for state in torch.cuda.get_rng_state_all())
    return states

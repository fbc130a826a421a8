"""Warnings that point at the line of the person's own which led to them, however deep in here they arise."""

from __future__ import annotations

import inspect
import warnings

PACKAGE = __name__.partition(".")[0]


def warn(text: str, kind: type[Warning] = UserWarning) -> None:
    """A warning at the innermost line outside of this package; of a thread that is all inside, its first."""
    here = inspect.currentframe()
    frame, level = here and here.f_back, 2
    while frame is not None and frame.f_back is not None and _is_inside(frame.f_globals.get("__name__", "")):
        frame, level = frame.f_back, level + 1
    warnings.warn(text, kind, stacklevel=level)


def _is_inside(module: str) -> bool:
    return module == PACKAGE or module.startswith(f"{PACKAGE}.")

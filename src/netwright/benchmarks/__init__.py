"""Tables of known results, and honest comparisons of strategies on them."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from netwright.benchmarks.comparing import Standing, compare
    from netwright.benchmarks.comparison import Comparison
    from netwright.benchmarks.problem import Problem
    from netwright.benchmarks.readers.nasbench101 import nasbench101
    from netwright.benchmarks.readers.nasbench201 import nasbench201
    from netwright.benchmarks.readers.nasbench_macro import nasbench_macro

_NAMES = {
    "Comparison": "netwright.benchmarks.comparison",
    "Problem": "netwright.benchmarks.problem",
    "Standing": "netwright.benchmarks.comparing",
    "compare": "netwright.benchmarks.comparing",
    "nasbench101": "netwright.benchmarks.readers.nasbench101",
    "nasbench201": "netwright.benchmarks.readers.nasbench201",
    "nasbench_macro": "netwright.benchmarks.readers.nasbench_macro",
}

__all__ = [
    "Comparison",
    "Problem",
    "Standing",
    "compare",
    "nasbench101",
    "nasbench201",
    "nasbench_macro",
]


def __getattr__(name: str) -> Any:
    """Parts are imported when they are first asked for."""
    if name not in _NAMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = getattr(importlib.import_module(_NAMES[name]), name)
    globals()[name] = found
    return found

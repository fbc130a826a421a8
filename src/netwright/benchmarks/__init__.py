"""Tables of known results, and honest comparisons of strategies on them."""

from __future__ import annotations

from typing import TYPE_CHECKING

__all__ = [
    "BenchmarkProblem",
    "Comparison",
    "FrontComparison",
    "Searches",
    "Standing",
    "compare",
    "compare_fronts",
    "nasbench101",
    "nasbench201",
    "nasbench_macro",
]

if TYPE_CHECKING:
    from netwright.benchmarks.comparing import Standing, compare
    from netwright.benchmarks.comparison import Comparison
    from netwright.benchmarks.elsewhere import Searches
    from netwright.benchmarks.fronts import FrontComparison, compare_fronts
    from netwright.benchmarks.problem import BenchmarkProblem
    from netwright.benchmarks.readers.nasbench101 import nasbench101
    from netwright.benchmarks.readers.nasbench201 import nasbench201
    from netwright.benchmarks.readers.nasbench_macro import nasbench_macro

    Problem = BenchmarkProblem  # as it was called before
else:
    from netwright.core.on_demand import on_demand

    _WHERE = {
        "BenchmarkProblem": "netwright.benchmarks.problem:BenchmarkProblem",
        "Comparison": "netwright.benchmarks.comparison:Comparison",
        "FrontComparison": "netwright.benchmarks.fronts:FrontComparison",
        "Problem": "netwright.benchmarks.problem:BenchmarkProblem",  # as it was called before
        "Searches": "netwright.benchmarks.elsewhere:Searches",
        "Standing": "netwright.benchmarks.comparing:Standing",
        "compare": "netwright.benchmarks.comparing:compare",
        "compare_fronts": "netwright.benchmarks.fronts:compare_fronts",
        "nasbench101": "netwright.benchmarks.readers.nasbench101:nasbench101",
        "nasbench201": "netwright.benchmarks.readers.nasbench201:nasbench201",
        "nasbench_macro": "netwright.benchmarks.readers.nasbench_macro:nasbench_macro",
    }
    __getattr__, __dir__ = on_demand(__name__, _WHERE)

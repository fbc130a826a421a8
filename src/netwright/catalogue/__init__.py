"""From a text to an object: every method, space, strategy, estimator, predictor and reader of data, by name.

Nothing is listed by hand: what is there is found by reading the folders that hold it, without importing them. What
installed packages offer as entry points comes after it, and code of somebody's own is `module:Name` or `file.py:Name`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

__all__ = ["code_named", "construct", "load", "names", "own_spaces", "pairs", "shipped", "split", "strategy"]

if TYPE_CHECKING:
    from netwright.catalogue.arguments import construct, pairs, split
    from netwright.catalogue.loading import code_named, load, names
    from netwright.catalogue.making import strategy
    from netwright.catalogue.reading import own_spaces, shipped
else:  # so that naming what there is takes no time
    from netwright.core.on_demand import on_demand

    _NAMES = {
        "arguments": ("construct", "pairs", "split"),
        "loading": ("code_named", "load", "names"),
        "making": ("strategy",),
        "reading": ("own_spaces", "shipped"),
    }
    _WHERE = {name: f"netwright.catalogue.{module}:{name}" for module, names in _NAMES.items() for name in names}
    __getattr__, __dir__ = on_demand(__name__, _WHERE)

"""From a text to an object: every method, space, strategy, estimator, predictor and reader of data, by name.

Nothing is listed by hand: what is there is found by reading the folders that hold it, without importing them. What
installed packages offer as entry points comes after it, and code of somebody's own is `module:Name` or `file.py:Name`.
"""

from netwright.catalogue.arguments import construct, pairs, split
from netwright.catalogue.loading import code_named, load, names
from netwright.catalogue.making import strategy
from netwright.catalogue.reading import shipped

__all__ = ["code_named", "construct", "load", "names", "pairs", "shipped", "split", "strategy"]

"""Contract tests for plug-ins: `check_space`, `check_strategy` and `check_estimator` define what netwright expects.

Each raises AssertionError with a message that says which rule was broken and how.
"""

from netwright.testing.estimator import check_estimator
from netwright.testing.space import check_space
from netwright.testing.strategy import check_strategy

__all__ = ["check_estimator", "check_space", "check_strategy"]

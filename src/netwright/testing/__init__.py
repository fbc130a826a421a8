"""Contract tests for plug-ins: these checks define what netwright expects of a space, a strategy, an estimator, a
predictor and a problem.

Each raises AssertionError with a message that says which rule was broken and how. `check_round_strategy` is for
strategies that train shared weights.
"""

from netwright.testing.check_estimator import check_estimator
from netwright.testing.check_predictor import check_predictor
from netwright.testing.check_problem import check_problem
from netwright.testing.check_round_strategy import check_round_strategy
from netwright.testing.check_space import check_space
from netwright.testing.check_strategy import check_strategy

__all__ = [
    "check_estimator",
    "check_predictor",
    "check_problem",
    "check_round_strategy",
    "check_space",
    "check_strategy",
]

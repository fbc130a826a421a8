"""Zero-cost proxies: scores of untrained networks, as estimators, as filters and to begin a search with."""

from netwright.estimators.zero_cost.every_score import EveryScore as EveryScore
from netwright.estimators.zero_cost.filter import Filter as Filter
from netwright.estimators.zero_cost.ranking import best_of_random as best_of_random
from netwright.estimators.zero_cost.ranking import rank_random as rank_random
from netwright.estimators.zero_cost.zero_cost import BASELINES as BASELINES
from netwright.estimators.zero_cost.zero_cost import PROXIES as PROXIES
from netwright.estimators.zero_cost.zero_cost import ZeroCost as ZeroCost

PROVIDES = ("est.zero_cost",)

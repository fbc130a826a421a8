"""Performance estimation strategies: what a candidate costs and how good it is."""

from netwright.estimators.cost import Cost as Cost
from netwright.estimators.function import Function as Function
from netwright.estimators.predicted import Predicted as Predicted
from netwright.estimators.shared_weights import SharedWeights as SharedWeights
from netwright.estimators.stack import Stack as Stack
from netwright.estimators.table import Table as Table
from netwright.estimators.training import Training as Training
from netwright.estimators.zero_cost import Filter as Filter
from netwright.estimators.zero_cost import ZeroCost as ZeroCost

"""Performance estimation strategies: what a candidate costs and how good it is."""

from netwright.estimators.cost import Cost as Cost

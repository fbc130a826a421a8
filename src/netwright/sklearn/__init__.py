"""Networks that are searched for, as scikit-learn's estimators: `NetworkClassifier` and `NetworkRegressor`."""

from netwright.sklearn.classifier import NetworkClassifier
from netwright.sklearn.regressor import NetworkRegressor

__all__ = ["NetworkClassifier", "NetworkRegressor"]

"""The predictor to take where nothing else is known."""

from __future__ import annotations

from typing import TYPE_CHECKING

from netwright.core.kinds import kinds_checked
from netwright.predictors.calibrated import Calibrated
from netwright.predictors.encodings import Flow
from netwright.predictors.gaussian_process import GaussianProcess
from netwright.predictors.kernels import Matern52
from netwright.predictors.ranked import Ranked

if TYPE_CHECKING:
    from netwright.core.decision_space import DecisionSpace


@kinds_checked
def best(space: DecisionSpace, folds: int = 5) -> Calibrated:
    """A Gaussian process on statistics of the paths, learning ranks, with calibrated deviations.

    It was among the best predictors on NAS-Bench-201 with 200 examples (docs/predictors.md has the figures) and is no
    paper's. Other spaces have not been measured. Fitting costs `folds` + 1 fits of the Gaussian process, each O(n^3).

    space: the space whose architectures are meant.
    folds: of the cross-validation that calibrates the deviations.
    """
    process = GaussianProcess(space, Matern52(space, Flow(space)), clip=None)
    return Calibrated(Ranked(process), folds)

"""Each decision as one number an option."""

from __future__ import annotations

import numpy as np

from netwright.predictors.encodings.encoding import Encoding, one_hot_rows


class OneHot(Encoding):
    """One for each option that is taken, in the order of the decisions; a decision that is not active is all zeros.

    space: the space whose architectures are meant.
    """

    @property
    def dimension(self) -> int:
        return sum(self.space.decisions.sizes)

    def rows(self, points: np.ndarray) -> np.ndarray:
        return one_hot_rows(points, self.space.decisions.sizes)

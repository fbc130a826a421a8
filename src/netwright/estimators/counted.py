"""Counts what a network costs and leaves its training to the end of the search."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import torch

from netwright.core.architecture import Architecture
from netwright.core.errors import UserError
from netwright.core.estimator import Estimator
from netwright.core.trial import Measurement, Proposal
from netwright.estimators.cost import Cost
from netwright.networks.counting import count_predicting

if TYPE_CHECKING:
    from netwright.estimators.training import Training

PROVIDES = ("obj.cost",)


class Counted(Estimator):
    """What an architecture costs when it predicts; the one that is chosen is trained finally, as the training says.

    Nothing is trained before, so that an architecture that is known already is trained once, on all examples but the
    test split.

    training: how the network is trained finally; its space, task, settings and device are this estimator's.
    """

    metrics: ClassVar[tuple[str, ...]] = Cost.metrics

    def __init__(self, training: Training) -> None:
        self.training = training
        self.space, self.task, self.settings = training.space, training.task, training.settings
        self.device: Any = training.device
        self.validation, self.split_seed = training.validation, training.split_seed

    def estimate(self, proposal: Proposal, seed: int) -> Measurement:
        """Count the candidate, without a second classifier that only training needs; `seed` changes nothing.

        Raises UserError for a mixture.
        """
        if not isinstance(proposal.candidate, Architecture):
            raise UserError("Counted counts architectures; a mixture of all options is no network that can be trained")
        with torch.device("meta"):
            network = self.space.build(proposal.candidate, self.task.shape)
            found = count_predicting(network, self.task.shape.input)
        return Measurement({name: float(getattr(found, name)) for name in self.metrics})

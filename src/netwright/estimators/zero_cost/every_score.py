"""All scores of an architecture in one measurement, for a table of them: a score that is not finite is one of them."""

from __future__ import annotations

from netwright.core.architecture import Architecture
from netwright.core.errors import UserError
from netwright.core.estimator import Estimator
from netwright.core.trial import Measurement, Proposal
from netwright.estimators.zero_cost.zero_cost import ZeroCost


class EveryScore(Estimator):
    """Parameters ("params"), "flops" (twice the multiply-adds), and every score of `zero_cost`, finite or not."""

    def __init__(self, zero_cost: ZeroCost) -> None:
        self.zero_cost, self.space, self.device = zero_cost, zero_cost.space, zero_cost.device
        self.metrics = ("params", "flops", *zero_cost.proxies)

    def estimate(self, proposal: Proposal, seed: int) -> Measurement:
        """Raises OutOfMemory, and UserError for a mixture."""
        architecture = proposal.candidate
        if not isinstance(architecture, Architecture):
            raise UserError("only architectures have scores; a mixture of all options has none of its own")
        cost = self.zero_cost.cost.figures(architecture)
        baselines = {"params": float(cost["params"]), "flops": 2.0 * cost["macs"]}
        return Measurement({**baselines, **self.zero_cost.scores(architecture, seed)})

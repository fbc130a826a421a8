"""Parameters, multiply-adds and activation memory of an architecture, where the space says how without building it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any, cast

from netwright.core.architecture import Architecture
from netwright.core.estimator import Estimator
from netwright.core.space import Space
from netwright.core.task import TaskShape
from netwright.core.trial import Measurement, Proposal
from netwright.estimators.cost_sums import model_of
from netwright.estimators.costs import CostModel, ModelledCosts

PROVIDES = ("obj.cost",)


class Cost(ModelledCosts, Estimator):
    """Counts what a network costs for one example, as `netwright.networks.counting.Count` says, without building it.

    How it knows without building depends on what the space says of itself:

    - `additive_cost: ClassVar[bool] = True`: each option of each decision adds its own amount, whatever the others
      take. The amounts are found once, by counting one network that holds every option. Where the rest of the network
      is not always the same, `cost_frame(point)` names what it depends on.
    - `cost_terms(point)` names the parts that an architecture is made of, and `cost_part(term, shape)` builds one of
      them and gives its input's shape. Each part is counted when it is first met.
    - neither, or the space has no decisions: the network is built on PyTorch's meta device and counted; the last few
      thousand are remembered.

    The first use takes from a part of a second to a few, and checks what the space says on some random architectures;
    a later one takes a few millionths of a second, where the space says either of the first two.

    space: of the architectures that are counted.
    shape: what one example looks like.

    Raises InvalidArchitecture for another space's architecture, and UserError where the space's claim is found wrong.
    """

    metrics = ("params", "macs", "activation_memory")
    analytic = True

    def __init__(self, space: Space, shape: TaskShape | Mapping[str, Any]) -> None:
        self.space = space
        self.shape = shape if isinstance(shape, TaskShape) else TaskShape.from_json(shape)

    def estimate(self, proposal: Proposal, seed: int) -> Measurement:
        """Count the candidate; `seed` and the proposal's fidelity change nothing."""
        if not isinstance(proposal.candidate, Architecture):
            return Measurement({name: float(each.detach()) for name, each in self.expected(proposal.candidate).items()})
        return Measurement(self.figures(proposal.candidate))

    def figures(self, architecture: Architecture) -> dict[str, int]:
        """The metrics of an architecture, as exact integers; `activation_memory` in bytes."""
        params, macs, memory = cast("tuple[int, int, int]", self._model(self.content(architecture)))
        return {"params": params, "macs": macs, "activation_memory": memory}

    @property
    def model(self) -> CostModel:
        return self._model

    @cached_property
    def _model(self) -> CostModel:
        return model_of(self.networks, self.shape)

    def configuration(self) -> dict[str, Any]:
        """The estimator as JSON; the shape as {"input": [...], "classes": n}, which the constructor takes too."""
        configuration = super().configuration()
        configuration["arguments"]["shape"] = self.shape.as_json()
        return configuration

"""What networks of a space cost, one by one and on average over a mixture, whichever way a single one is known."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Protocol

from netwright.core.architecture import Mixture
from netwright.core.decision_space import DecisionSpace
from netwright.core.errors import UserError
from netwright.core.roles import ChoosesTraining
from netwright.core.space import Space

if TYPE_CHECKING:
    from torch import Tensor

    from netwright.core.architecture import Architecture, Content
    from netwright.estimators.expected import MeanCost
    from netwright.estimators.local_costs import LocalCosts

Amounts = tuple[float, ...]  # one of each metric


class CostModel(Protocol):
    """From what an architecture holds to what its network costs.

    summed: of how many architectures at most a mean is taken by summing over all.
    """

    summed: int

    def __call__(self, content: Content) -> Sequence[float]: ...

    @property
    def parts(self) -> tuple[Amounts, list[list[Amounts]]] | None:
        """The cost of the rest of a network, and of each option of each decision; None where they do not add up."""
        ...


class Costs(ABC):
    """Metrics of a space's networks that are known without training one, and their mean over a mixture.

    space: of the networks.
    metrics: their names.
    """

    space: Space
    metrics: tuple[str, ...]

    @abstractmethod
    def figures(self, architecture: Architecture) -> Mapping[str, float]:
        """The metrics of an architecture."""

    @abstractmethod
    def expected(self, mixture: Mixture) -> dict[str, Tensor]:
        """The mean over the networks that a mixture stands for, each decision drawn by its own hard weights.

        Scalars in float64 with the graph of the weights, so that they have a gradient. Raises UserError where the cost
        is no sum over decisions and the space too large to be summed over.
        """

    @property
    @abstractmethod
    def knows_mean(self) -> bool:
        """Whether the mean over a mixture is known."""

    @property
    @abstractmethod
    def additive(self) -> tuple[Amounts, list[list[Amounts]]] | None:
        """What the rest of a network costs, and what each option of each decision adds; None where it is no sum."""

    @cached_property
    def local(self) -> LocalCosts | None:
        """What decisions add in turn, each given a few before it; None where that is not known."""
        from netwright.estimators.local_costs import local_costs

        return local_costs(self)

    @cached_property
    def of_uniform(self) -> dict[str, float]:
        """The expected cost where all options weigh the same."""
        import torch

        table = self.space.decisions if isinstance(self.space, DecisionSpace) else ()
        weighed = [each for each in table if each.kind != "sources"]
        even = Mixture({each.name: torch.ones(len(each.options) + len(each.soft)) for each in weighed})
        return {name: float(each) for name, each in self.expected(even).items()}


class ModelledCosts(Costs):
    """Costs that follow from a model of what an architecture holds."""

    @property
    @abstractmethod
    def model(self) -> CostModel:
        """Of the networks alone."""

    @property
    def networks(self) -> Space:
        """The space that knows the networks alone."""
        return self.space.space if isinstance(self.space, ChoosesTraining) else self.space

    def content(self, architecture: Architecture) -> Content:
        """What the architecture of the networks alone holds; raises InvalidArchitecture for another space's."""
        if architecture.space is not self.space:
            self.space.validate(architecture)
        if isinstance(self.space, ChoosesTraining):
            architecture = self.space.untrained(architecture)
        return architecture.content

    def expected(self, mixture: Mixture) -> dict[str, Tensor]:
        return dict(zip(self.metrics, self._expected(mixture), strict=True))

    @cached_property
    def _expected(self) -> MeanCost:
        from netwright.estimators.expected import MeanCost

        if not isinstance(self.networks, DecisionSpace):
            raise UserError(
                f"{self.space.name} has no decisions, so that there are no mixtures of its networks to count"
            )
        return MeanCost(self.networks, self.model)

    @property
    def knows_mean(self) -> bool:
        try:
            return bool(self._expected)
        except UserError:
            return False

    @property
    def additive(self) -> tuple[Amounts, list[list[Amounts]]] | None:
        return self.model.parts


class CostsTogether(Costs):
    """Several costs of one space as one; of equal names the first one counts.

    costs: at least one.
    """

    def __init__(self, *costs: Costs) -> None:
        self.costs, self.space = costs, costs[0].space
        self.metrics = tuple(name for each in costs for name in each.metrics)

    def figures(self, architecture: Architecture) -> dict[str, float]:
        return {name: value for each in self.costs for name, value in each.figures(architecture).items()}

    def expected(self, mixture: Mixture) -> dict[str, Tensor]:
        return {name: value for each in self.costs for name, value in each.expected(mixture).items()}

    @property
    def knows_mean(self) -> bool:
        return all(each.knows_mean for each in self.costs)

    @property
    def additive(self) -> tuple[Amounts, list[list[Amounts]]] | None:
        found = [each.additive for each in self.costs]
        parts = [each for each in found if each is not None]
        if len(parts) < len(found):
            return None
        frame = tuple(amount for each, _ in parts for amount in each)
        several = zip(*(options for _, options in parts), strict=True)
        return frame, [[sum(each, ()) for each in zip(*decision, strict=True)] for decision in several]

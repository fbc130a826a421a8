"""Networks that make the weights of others, in place of a supernet: `SharedWeights(space, task, weights=...)`."""

from netwright.estimators.hypernetworks.graph import GraphHypernetwork
from netwright.estimators.hypernetworks.memory_bank import MemoryBankHypernetwork
from netwright.estimators.hypernetworks.static import StaticHypernetwork

PROVIDES = ("super.hypernet",)

__all__ = ["GraphHypernetwork", "MemoryBankHypernetwork", "StaticHypernetwork"]

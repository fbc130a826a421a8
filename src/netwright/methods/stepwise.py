"""Searches that go step by step between small and large networks: NetAdapt, MobileNetV3, RCNet and others."""

from __future__ import annotations

from typing import TYPE_CHECKING

from netwright.methods.mobile import mnasnet
from netwright.strategies.stepwise import CostBenefit, EdgeRemoval, NetAdapt, PartialOrder

if TYPE_CHECKING:
    from netwright.core.decision_space import DecisionSpace

__all__ = ["autoshrink", "mobilenetv3", "netadapt", "partial_order_pruning", "rcnet"]

PAPERS = {
    "autoshrink": (
        "netwright search DATA --method autoshrink",
        "its cells of depthwise convolutions, for which those of Genetic CNN stand, and recurrent cells",
    ),
    "mobilenetv3": (
        "netwright search DATA --method mobilenetv3:target=300k",
        "the 8,000 networks of its first search, and latency on a phone, for which multiply-adds stand unless told "
        "otherwise",
    ),
    "partial_order_pruning": (
        "netwright search DATA --method partial-order-pruning",
        "its decoder for segmentation; latency is of this machine where it is asked for",
    ),
    "rcnet": (
        "netwright search DATA --method rcnet",
        "its performance of single blocks, in whose place each network is trained",
    ),
}
SPACES = {
    "autoshrink": "genetic-cnn:nodes=(8,8,8),widths=(8,16,32),kernel=3",
    "mobilenetv3": "mobile:form=mobilenetv3,expansions=(1.5,2,2.5,3,3.5,4,4.5,5,5.5,6),"
    "multipliers=(0.5,0.625,0.75,0.875,1.0)",
    "netadapt": "mobile:form=mobilenetv3,expansions=(1.5,2,2.5,3,3.5,4,4.5,5,5.5,6),"
    "multipliers=(0.5,0.625,0.75,0.875,1.0)",
    "rcnet": "mobile:form=once-for-all",
    "partial_order_pruning": "residual",
}


def netadapt(
    space: DecisionSpace,
    metric: str = "macs",
    target: str | float | None = None,
    step: float = 0.03,
    decay: float = 0.96,
    inherit: bool = True,
    child_share: float = 0.25,
) -> NetAdapt:
    """NetAdapt (Yang et al. 2018): a large network is cut down to a target, each step where it loses the least.

    The published one removes filters of a trained network by their norm, here options of decisions give way to smaller
    ones, and children take over the weights that stay. Step, decay and share of the training are ours for few rounds:
    the authors' steps are half a millisecond of some twenty, and fall by 0.98 or so a round, from memory. Published on
    ImageNet: 1.7 times quicker than MobileNetV1 at the same accuracy.

    space: the one to search; narrower and less expanded forms of MobileNetV3 unless told otherwise.
    metric: the cost, known without training: "macs", "params", or with a limit or objective on it
        "latency_predicted_ms".
    target: of the cost, as 30M; None to go on as far as it goes.
    step: of the first round, as a share of the first network's cost.
    decay: of the step, a round.
    inherit: whether a proposal begins from the weights of the network that it comes from.
    child_share: of the full training that it then takes.
    """
    return NetAdapt(space, metric, target, step, decay, "score", inherit=inherit, child_share=_of(inherit, child_share))


def mobilenetv3(
    space: DecisionSpace,
    metric: str = "macs",
    target: str | float | None = None,
    weight: float = -0.07,
    trials: int = 50,
    step: float = 0.01,
    rate: float = 3.5e-4,
    batch: int = 10,
    inherit: bool = True,
    child_share: float = 0.25,
) -> NetAdapt:
    """MobileNetV3 (Howard et al. 2019): the search of MnasNet, then NetAdapt on the best network that it has found.

    First an LSTM is rewarded with accuracy * (cost / target) ^ weight. Then proposals of each round save at least a
    hundredth of what the first network costs, are trained from its weights for a while, and the one is taken that loses
    least for what it saves, until the target is reached. Expansions of layers and channels of stages shrink, as in the
    paper. Published on ImageNet: 75.2 % top-1 with 219 M multiply-adds (Large), 67.4 % with 56 M (Small).

    space: the one to search; narrower and less expanded forms of MobileNetV3 unless told otherwise.
    metric: the cost, known without training: "macs", "params", or with a limit or objective on it
        "latency_predicted_ms", which is the paper's, of a phone.
    target: of the cost, as 30M; None for no bound: then NetAdapt goes on as far as it goes.
    weight: of the cost in the reward; -0.07 in the paper for the large network, -0.15 for the small one.
    trials: of the first search; 8,000 in MnasNet's paper.
    step: what a round saves, as a share of the first network's cost; 0.01 in the paper.
    rate: of the controller's Adam.
    batch: networks of one step of its learning.
    inherit: whether a proposal begins from the weights of the network that it comes from.
    child_share: of the full training that it then takes; 10,000 steps in the paper.
    """
    first = mnasnet(space, metric, weight, target, rate=rate, batch=batch)
    share = _of(inherit, child_share)
    return NetAdapt(
        *(space, metric, target, step, 1.0, "ratio", None, inherit, share),
        first=first,
        trials=trials,
        reward=first.reward,
    )


def _of(inherit: bool, child_share: float) -> float:
    return child_share if inherit else 1.0


def rcnet(
    space: DecisionSpace,
    metric: str = "macs",
    budget: str | float | None = None,
    first: int | None = None,
    inherit: bool = False,
    child_share: float = 1.0,
) -> CostBenefit:
    """RCNet (Xiong et al. 2019): the smallest network grows by what gains most for its cost, within a budget.

    Accuracy is taken for a submodular function of what a network is made of, so that gains need be measured anew only
    where they may be the highest. The paper measures blocks by themselves and is about several budgets at once; here
    each network is trained, and one budget is kept, others by limits. Details are from memory. Published on ImageNet:
    74.7 % top-1 within the multiply-adds of MobileNetV2 (from memory).

    space: the one to search.
    metric: the cost, known without training.
    budget: that a network may cost, as 30M; None for no bound but the space's.
    first: changes that each round evaluates of those that were never evaluated; None for all of them, which are some
        hundred for the space of once-for-all.
    inherit: whether a change begins from the weights of the network that it changes.
    child_share: of the full training that it then takes.
    """
    return CostBenefit(space, metric, budget, ("ratio", "gain"), first, inherit, child_share)


def partial_order_pruning(
    space: DecisionSpace, metric: str = "macs", least: str | float | None = None, most: str | float | None = None
) -> PartialOrder:
    """Partial order pruning (Li et al. 2019): random networks in a range of cost, without those below poor ones.

    A network that is nowhere wider or deeper than another is taken for no more accurate; so what lies below one that
    was beaten by something cheaper is left out. The published spaces are residual networks whose stages have widths and
    depths of their own, timed by a table of layers on the device. Published on ImageNet and Cityscapes: 71.4 % mean
    intersection over union at 113.9 frames a second, from memory.

    space: the one to search; residual networks unless told otherwise.
    metric: the cost, known without training: "macs", or with a limit or objective on it "latency_predicted_ms".
    least, most: of the range, as 10M; None for no bound.
    """
    return PartialOrder(space, metric, least, most)


def autoshrink(space: DecisionSpace, proposals: int = 10, weight: float = 0.1, keep: float = 0.01) -> EdgeRemoval:
    """AutoShrink (Zhang et al. 2020): a graph with all edges loses those whose loss is rewarded most, one a round.

    The reward is accuracy - weight * log10(multiply-adds), as in the authors' program, which begins with 8 nodes and
    trains each proposal for 20 epochs on a part of CIFAR-10. Its nodes are depthwise and pointwise convolutions that
    are concatenated; here they are those of Genetic CNN, which are added up. Published: up to 48 % fewer parameters and
    34 % fewer multiply-adds than others of its time.

    space: the one to search; stages of Genetic CNN with 8 nodes unless told otherwise.
    proposals: edges of each round that are left out in turn; 10 in the program.
    weight: of the logarithm of the cost; 0.1 in the program.
    keep: share of the edges at which it ends; 0.01 in the program.
    """
    return EdgeRemoval(space, proposals, f"score - {weight} * log(macs) / log(10)", keep)

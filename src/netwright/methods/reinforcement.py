"""Controllers: by policy gradient (NAS-RL, NASNet, CNAS), by Q-learning (MetaQNN, BlockQNN, IRLAS), and MemNAS."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from netwright.core.checks import not_negative, one_of
from netwright.methods.weight_sharing import resolved
from netwright.strategies.reinforcement import (
    ClippedRatio,
    Factorised,
    GrowTrim,
    Learning,
    Lstm,
    Policy,
    PolicyGradient,
    QLearning,
)
from netwright.strategies.reinforcement.reward import SCALED

if TYPE_CHECKING:
    from netwright.core.decision_space import DecisionSpace
    from netwright.engine.search import Search
    from netwright.tasks.task import Task

__all__ = ["blockqnn", "cnas", "irlas", "memnas", "metaqnn", "nas_rl", "nasnet", "ppo", "reinforce"]

PAPERS = {
    "blockqnn": ("netwright search DATA --method blockqnn", "its 32 workers, which tell of 64 blocks at once"),
    "cnas": (
        "netwright search DATA --method cnas",
        "the attention by which its controller chooses inputs, the decay and the clip of the controller",
    ),
    "irlas": ("netwright search DATA --method irlas", "its search by gradient"),
    "memnas": (
        "netwright search DATA --method memnas",
        "its own space and its estimate of essential feature maps, for which stand those of the widest place",
    ),
    "metaqnn": ("netwright search DATA --method metaqnn", ""),
    "nas_rl": ("netwright search DATA --method nas-rl", "its anchor points: sources are chosen by a softmax each"),
    "nasnet": ("netwright search DATA --method nasnet --space nasnet", "the 20,000 networks of its search"),
}

SPACES = {
    "blockqnn": "blockqnn:most=8,channels=8,repeats=1",
    "irlas": "blockqnn:most=8,channels=8,repeats=1",
    "metaqnn": "metaqnn:layers=8,filters=(8,16,32,64),dense=(64,32)",
    "nas_rl": "skip-chain:least=2,most=6,filters=(8,16,24,32)",
    "nasnet": "nasnet:cells=5,channels=8",
}

Kind = Literal["lstm", "factorised"]
RATES = {"lstm": 2e-3, "factorised": 5e-2}
"""Learning rates for a few hundred evaluations."""
BLOCK_REWARD = "score - 0.01 * log(macs) - 0.08 * log(density)"
MEMORY_REWARD = "score - 0.03 * log(4 * params + activation_memory)"
BLOCK_SCHEDULE = (
    *((1.0, 95 * 64), (0.9, 7 * 64), (0.8, 7 * 64), (0.7, 7 * 64), (0.6, 10 * 64), (0.5, 10 * 64), (0.4, 10 * 64)),
    *((0.3, 10 * 64), (0.2, 10 * 64), (0.1, 12 * 64)),
)
"""Epsilon, and for how many blocks: of BlockQNN, 178 times 64."""


def reinforce(
    space: DecisionSpace,
    policy: Kind = "lstm",
    rate: float | None = None,
    batch: int = 1,
    baseline: float = 0.9,
    entropy: float = 0.0,
    hidden: int = 64,
    reward: str = SCALED,
    repeats: bool = False,
    curriculum: int = 0,
) -> PolicyGradient:
    """REINFORCE (Williams 1992; Zoph and Le 2017) for a few hundred evaluations.

    Published for NAS-Bench-201 at 12,000 simulated seconds, by a factorised policy: 93.85 ± 0.37 % test accuracy on
    CIFAR-10 (Dong and Yang 2020).

    space: the one to search.
    policy: "lstm", whose answers depend on those before, or "factorised", which has a distribution for each question.
    rate: of Adam; None for 0.002 with "lstm" and 0.05 with "factorised", which are ours.
    batch: trials of one step of learning.
    baseline: how much of the moving average of rewards stays with each further one; 0.9 in NAS-Bench-201.
    entropy: weight of the policy's entropy.
    hidden: units of the LSTM.
    reward: of a trial, "scaled" or a combination of metrics.
    repeats: whether an architecture may be asked again; without, SpaceExhausted is raised where there is none left.
    curriculum: trials after which one more operation may be drawn, at first only one; 0 for all from the beginning.
    """
    learning = Learning(None, _rate(policy, rate), baseline=baseline, entropy=entropy)
    return PolicyGradient(space, _policy(policy, hidden), learning, batch, reward, repeats, curriculum=curriculum)


def ppo(
    space: DecisionSpace,
    policy: Kind = "lstm",
    rate: float | None = None,
    batch: int = 10,
    steps: int = 4,
    clip: float = 0.2,
    baseline: float = 0.9,
    entropy: float = 0.0,
    hidden: int = 64,
    reward: str = SCALED,
    repeats: bool = False,
) -> PolicyGradient:
    """PPO (Schulman et al. 2017; Zoph et al. 2018) for a few hundred evaluations.

    space: the one to search.
    policy: "lstm", whose answers depend on those before, or "factorised", which has a distribution for each question.
    rate: of Adam; None for 0.002 with "lstm" and 0.05 with "factorised", which are ours.
    batch: trials of one step of learning.
    steps: of Adam on each batch.
    clip: how far from 1 the ratio of probabilities counts; 0.2 in the paper.
    baseline: how much of the moving average of rewards stays with each further one.
    entropy: weight of the policy's entropy.
    hidden: units of the LSTM.
    reward: of a trial, "scaled" or a combination of metrics.
    repeats: whether an architecture may be asked again; without, SpaceExhausted is raised where there is none left.
    """
    learning = Learning(ClippedRatio(clip), _rate(policy, rate), steps, baseline, entropy)
    return PolicyGradient(space, _policy(policy, hidden), learning, batch, reward, repeats)


def nas_rl(space: DecisionSpace, rate: float = 6e-4, batch: int = 8, reward: str = "score ^ 3") -> PolicyGradient:
    """NAS-RL (Zoph and Le 2017): an LSTM of two layers proposes, and learns by REINFORCE.

    The paper's 20 parameter servers and 100 controllers are one here. Its reward is the cube of the best validation
    accuracy of the last five epochs. Published on CIFAR-10: 3.65 % test error with 37.4 M parameters, after 12,800
    networks.

    space: the one to search.
    rate: of Adam; 0.0006 in the paper, which is slow for a few hundred evaluations.
    batch: networks of one step of learning; 8 in the paper.
    reward: of a trial, a combination of metrics and of `score`, that of the first objective.
    """
    return PolicyGradient(space, Lstm(35, layers=2, deviation=0.08), Learning(None, rate), batch, reward)


def nasnet(
    space: DecisionSpace, rate: float = 3.5e-4, batch: int = 10, steps: int = 4, reward: str = "score"
) -> PolicyGradient:
    """NASNet (Zoph et al. 2018): an LSTM proposes cells, and learns by PPO.

    Learning rate, baseline, entropy and weights are the paper's; batch and steps, of which it does not speak, are ours.
    Published on CIFAR-10, for a search of 20,000 networks: 2.65 % test error with 3.3 M parameters and cutout.

    space: the one to search; the paper's is `nasnet`.
    rate: of Adam; 0.00035 in the paper, which is slow for a few hundred evaluations.
    batch: networks of one step of learning.
    steps: of Adam on each batch.
    reward: of a trial, a combination of metrics and of `score`, that of the first objective.
    """
    learning = Learning(ClippedRatio(), rate, steps, baseline=0.95, entropy=1e-5)
    return PolicyGradient(space, Lstm(100), learning, batch, reward)


def metaqnn(
    space: DecisionSpace, models: int | None = None, window: int | None = 1, reward: str = "score"
) -> QLearning:
    """MetaQNN (Baker et al. 2017): Q-learning with an epsilon that falls and a replay of all networks so far.

    A state is the question and the answers before it. Published on CIFAR-10, for 2,700 networks and 100 GPU days:
    6.92 % test error with 11.2 M parameters.

    space: the one to search.
    models: networks over which epsilon falls, in the paper's proportions; None for its 2,700.
    window: how many answers before a question its states tell apart.
    reward: of a trial, see `QLearning`; the paper's is the validation accuracy.
    """
    return QLearning(space, models, window, reward=reward)


def blockqnn(
    space: DecisionSpace, models: int | None = None, window: int | None = 3, reward: str = BLOCK_REWARD
) -> QLearning:
    """BlockQNN (Zhong et al. 2018): Q-learning of a block, each of whose answers has its part of the reward.

    The reward is the accuracy after a short training less what the logarithms of multiply-adds and of density weigh:
    1 and 8, for accuracies in percent, which is a guess. The table learns after each block, where the paper's does so
    after each 64. Published on CIFAR-10, for 11,392 blocks and 96 GPU days: 3.54 % test error.

    space: the one to search.
    models: blocks over which epsilon falls, in the paper's proportions; None for its 11,392.
    window: how many answers before a question its states tell apart.
    reward: of a trial, see `QLearning`.
    """
    return QLearning(space, models, window, replay=64, shaped=True, reward=reward, schedule=BLOCK_SCHEDULE)


def irlas(
    space: DecisionSpace,
    models: int | None = None,
    window: int | None = 3,
    expert: str = "resnext",
    likeness: float = 0.1,
) -> QLearning:
    """IRLAS (Guo et al. 2019): Q-learning that is also rewarded for a topology like that of an expert's network.

    What makes the expert's topology is learnt meanwhile, by the features that set it apart from what was drawn; these
    are shares of nodes by how many they read, how far these are, and how many read them, where the paper has its code
    of each layer. Its program is not public. Published on CIFAR-10: 2.60 % test error.

    space: the one to search.
    models: networks over which epsilon falls, in BlockQNN's proportions; None for its 11,392.
    window: how many answers before a question its states tell apart.
    expert: "resnext", "resnet", "densenet", "chain", or an architecture of the space.
    likeness: what it counts beside the score, which is scaled to 0..1; ours.
    """
    reward = f"scaled + {not_negative('irlas', 'likeness', likeness)} * likeness"
    return QLearning(
        space, models, window, replay=64, shaped=True, reward=reward, schedule=BLOCK_SCHEDULE, expert=expert
    )


def memnas(
    space: DecisionSpace,
    initial: int = 10,
    batch: int = 5,
    candidates: int = 40,
    reward: str = MEMORY_REWARD,
) -> GrowTrim:
    """MemNAS (Liu et al. 2020): the best networks grow and are trimmed, and a network that reads the set ranks them.

    The reward counts the memory of parameters and of activations beside the score, by their logarithm with a weight of
    our own, as are all numbers here; its program is not public. Published on ImageNet: 75.4 % top-1 accuracy with
    42.1 % less memory than MobileNetV2.

    space: the one to search.
    initial: random networks first.
    batch: networks of each round that are trained.
    candidates: networks of each round that are ranked.
    reward: of a trial, a combination of metrics and of `score`, that of the first objective.
    """
    return GrowTrim(space, initial, batch, candidates, reward=reward)


def cnas(
    space: DecisionSpace,
    task: Task,
    *,
    epochs: int = 480,
    rate: float = 3e-4,
    warm_up: float = 1 / 3,
    seed: int = 0,
    device: str = "auto",
    **settings: Any,
) -> Search:
    """CNAS (Guo et al. 2020): a controller on shared weights, for which one operation after the other is opened.

    Defaults are those of the authors' program: for each of the operations of DARTS 20 epochs of uniform paths and 40 of
    what the controller draws, with a constant learning rate; the first operation stays first, the others come in random
    order. A step of the controller follows each of the weights, where the program has an epoch of each in turn. Left
    out are the attention by which its controller chooses inputs, the decay of the controller's weights and the clip of
    its gradient. In trials without shared weights `reinforce:curriculum=30` does the same. Published on CIFAR-10:
    2.60 ± 0.06 % test error; the figure is from memory.

    space: the one to search.
    task: the data.
    epochs: of the training of the shared weights; 60 for each of 8 operations in the authors' program.
    rate: of the controller's Adam; 0.0003 in the authors' program.
    warm_up: the share of a stage in which paths are uniform.
    seed: everything random follows from it.
    device: "auto", "cpu", "cuda", "cuda:1", ...
    settings: any training setting and any option of `SharedWeights`, by name.
    """
    from netwright.strategies.reinforcement import CurriculumController

    published = {
        "split": 0.6,
        "batch_size": 96,
        "learning_rate": 0.01,
        "schedule": "constant",
        "nesterov": True,
        "gradient_clip": None,
    }
    found = resolved(task, epochs, published, settings)
    learning = Learning(None, rate, baseline=0.99, entropy=0.005)
    strategy = CurriculumController(space, Lstm(128, sharing="options"), learning, warm_up)
    return found.search(strategy, seed=seed, device=device)


def _rate(policy: Kind, rate: float | None) -> float:
    return RATES[one_of("", "policy", policy, tuple(RATES))] if rate is None else rate


def _policy(policy: Kind, hidden: int) -> Policy:
    one_of("", "policy", policy, tuple(RATES))
    return Lstm(hidden) if policy == "lstm" else Factorised()

"""Networks of convolutions and attention for tokens; where the next token is asked for, each place looks back only."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, ClassVar

from torch import nn

from netwright.core.architecture import Architecture
from netwright.core.choose import Choose
from netwright.core.closest import named
from netwright.core.decision_space import DecisionSpace
from netwright.core.errors import ConfigurationError, nearest
from netwright.core.task import TaskShape
from netwright.networks.recurrent import NextToken, OneAnswer
from netwright.networks.token_blocks import RowBlock, RowConvolution, RowNetwork, SelfAttention

PROVIDES = ("space.text_net",)

MIXERS: dict[str, Callable[..., nn.Module]] = {
    "conv_3": partial(RowConvolution, kernel=3),
    "conv_7": partial(RowConvolution, kernel=7),
    "dilated_3": partial(RowConvolution, kernel=3, dilation=4),
    "gated_3": partial(RowConvolution, kernel=3, gated=True),
    "gated_7": partial(RowConvolution, kernel=7, gated=True),
    "attention": partial(SelfAttention, heads=4),
}
_SPREAD = 0.02  # deviation of the first features
KNOWN: Sequence[Mapping[str, Any]] = (
    {"mixer": "gated_3", "depth": 2, "expansion": 2},
    {"mixer": "attention", "depth": 2, "expansion": 4},
    {"mixer": "gated_7", "depth": 4, "expansion": 2},
    {"mixer": "attention", "depth": 4, "expansion": 4},
)
"""In the order in which they are worth trying."""


class Texts(DecisionSpace):
    """Networks for tokens: one to a few blocks, each with a convolution or attention and a small network a place.

    channels: features of each token.
    least, most: blocks.
    mixers: any of "conv_3", "conv_7", "dilated_3", "gated_3", "gated_7" and "attention".
    expansions: hidden features of the small network, in units of `channels`.
    dropout: probability of dropping what a block adds.

    Where an answer is asked for at each place, places see only those before them. Raises ConfigurationError for values
    outside of these.
    """

    called = "texts"

    channels: int = 64
    least: int = 1
    most: int = 4
    mixers: Sequence[str] = tuple(MIXERS)
    expansions: Sequence[int] = (1, 2, 4)
    dropout: float = 0.1

    width_parameter: ClassVar[str] = "channels"
    traced_shape: ClassVar[TaskShape] = TaskShape((4,), 3, vocabulary=5)

    def __post_init__(self) -> None:
        if self.channels < 1 or not 1 <= self.least <= self.most:
            raise ConfigurationError(
                f"Texts needs at least 1 channel and 1 <= least <= most, found {self.channels}, {self.least} and "
                f"{self.most}"
            )
        for each in self.mixers:
            if each not in MIXERS:
                raise ConfigurationError(f"Texts has no mixer {each!r}{nearest(each, MIXERS)}")
        if not self.mixers or not self.expansions or min(self.expansions) < 1 or not 0 <= self.dropout < 1:
            raise ConfigurationError(
                f"Texts needs mixers, expansions of at least 1 and a dropout below 1, found {list(self.mixers)}, "
                f"{list(self.expansions)} and {self.dropout}"
            )

    def tracing_twin(self) -> DecisionSpace:
        return self.replace(channels=1)

    def known(self, shape: TaskShape) -> Mapping[str, Architecture]:
        """Gated convolutions (Dauphin et al. 2017) and transformers (Vaswani et al. 2017) of a few blocks."""
        return named(self, (each for each in KNOWN if each["mixer"] in self.mixers), _called)

    def network(self, choose: Choose, shape: TaskShape) -> nn.Module:
        shape.require(type(self).__name__, "tokens", dense=None)
        channels = self.channels
        mixers = {name: partial(MIXERS[name], channels, causal=shape.dense) for name in self.mixers}

        def block(_: int) -> nn.Module:
            mixer = choose.one("mixer", mixers)
            return RowBlock(channels, mixer, choose.value("expansion", self.expansions), self.dropout)

        embedding = nn.Embedding(shape.vocabulary, channels)
        nn.init.normal_(embedding.weight, std=_SPREAD)
        head: Any = (NextToken if shape.dense else OneAnswer)(channels, shape.outputs)
        if shape.dense and shape.outputs == shape.vocabulary:
            head.linear.weight = embedding.weight
        blocks = choose.repeat("depth", self.least, self.most, block)
        return RowNetwork(embedding, shape.input[0], channels, blocks, head, self.dropout)


def _called(architecture: Architecture) -> str:
    """What an architecture of equal blocks is called."""
    answers = architecture.decisions
    depth, mixer = answers.get("depth", 1), str(answers.get("depth/0/mixer", ""))
    kind = "transformer" if mixer == "attention" else f"{mixer.replace('_', ' convolutions of ')} places"
    return f"{kind}, {depth} block{'s' * (depth != 1)}"

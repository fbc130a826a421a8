"""Networks that read a whole text and answer once: a bag of words, convolutions over phrases, or attention."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import ClassVar

from torch import nn

from netwright.core.architecture import Architecture
from netwright.core.choose import Choose
from netwright.core.closest import named
from netwright.core.decision_space import DecisionSpace
from netwright.core.decisions import Label
from netwright.core.errors import ConfigurationError, nearest
from netwright.core.task import TaskShape
from netwright.networks.recurrent import OneAnswer
from netwright.networks.text_readers import Bag, Phrases
from netwright.networks.token_blocks import RowBlock, RowNetwork, SelfAttention

PROVIDES = ("space.text_net",)

READERS = ("bag", "convolutions", "attention")
_SIZES = {1: (3,), 3: (3, 4, 5)}  # of convolutions in words, by how many are beside each other
_HEADS = 4
_SPREAD = 0.02  # deviation of the first features of attention


class TextClasses(DecisionSpace):
    """Networks that give one answer for a text.

    A reader is "bag" (the mean of features of words and, where that is chosen, of pairs of words; Joulin et al. 2017),
    "convolutions" (over phrases of 3, or of 3, 4 and 5 words, the largest answer of each filter; Kim 2014) or
    "attention" (one to a few blocks of it). Each has decisions of its own.

    readers: any of the three.
    channels: features of a word.
    pairs: rows of the table that pairs of words share; 0 for none.
    filters: of each size of convolution.
    beside: sizes of convolution beside each other, 1 or 3.
    blocks: of attention at most.
    dropouts: probabilities of leaving out words of a bag, or features.

    Raises ConfigurationError for values outside of these.
    """

    called = "text-classes"

    readers: Sequence[str] = READERS
    channels: Sequence[int] = (16, 32, 64, 128)
    pairs: Sequence[int] = (0, 16384, 65536)
    filters: Sequence[int] = (32, 64, 128)
    beside: Sequence[int] = (1, 3)
    blocks: int = 2
    dropouts: Sequence[float] = (0.2, 0.5, 0.7)

    traced_shape: ClassVar[TaskShape] = TaskShape((4,), 3, vocabulary=5)

    def __post_init__(self) -> None:
        for name in ("readers", "channels", "pairs", "filters", "beside", "dropouts"):
            if not getattr(self, name):
                raise ConfigurationError(f"TextClasses: {name} is empty; list at least one to choose from")
        for each in self.readers:
            if each not in READERS:
                raise ConfigurationError(f"TextClasses has no reader {each!r}{nearest(each, READERS)}")
        if min((*self.channels, *self.filters, self.blocks)) < 1 or min(self.pairs) < 0:
            raise ConfigurationError(
                "TextClasses: channels, filters and blocks must be at least 1, and pairs at least 0"
            )
        if not set(self.beside) <= set(_SIZES):
            raise ConfigurationError(f"TextClasses: beside takes 1 and 3, found {list(self.beside)}")
        if not 0 <= min(self.dropouts) <= max(self.dropouts) < 1:
            raise ConfigurationError(f"TextClasses: dropouts must be from 0 to below 1, found {list(self.dropouts)}")

    def network(self, choose: Choose, shape: TaskShape) -> nn.Module:
        shape.require(type(self).__name__, "tokens")
        makers = {"bag": self._bag, "convolutions": self._convolutions, "attention": self._attention}
        return choose.one("reader", {each: partial(makers[each], choose, shape) for each in self.readers})

    def _bag(self, choose: Choose, shape: TaskShape) -> nn.Module:
        channels, pairs = choose.value("channels", self.channels), choose.value("pairs", self.pairs)
        return Bag(shape.vocabulary, channels, pairs, shape.outputs, choose.value("dropout", self.dropouts))

    def _convolutions(self, choose: Choose, shape: TaskShape) -> nn.Module:
        channels, filters = choose.value("channels", self.channels), choose.value("filters", self.filters)
        sizes, dropout = _SIZES[choose.value("beside", self.beside)], choose.value("dropout", self.dropouts)
        return Phrases(shape.vocabulary, channels, filters, sizes, shape.outputs, dropout)

    def _attention(self, choose: Choose, shape: TaskShape) -> nn.Module:
        channels, dropout = choose.value("channels", self.channels), choose.value("dropout", self.dropouts)
        embedding = nn.Embedding(shape.vocabulary, channels)
        nn.init.normal_(embedding.weight, std=_SPREAD)

        def block(_: int) -> nn.Module:
            return RowBlock(channels, SelfAttention(channels, _HEADS), 2, dropout)

        blocks = choose.repeat("depth", 1, self.blocks, block)
        return RowNetwork(embedding, shape.input[0], channels, blocks, OneAnswer(channels, shape.outputs), dropout)

    def known(self, shape: TaskShape) -> Mapping[str, Architecture]:
        """Bags of words and of pairs, convolutions over phrases, and one block of attention."""
        return named(self, (each for each in KNOWN if each["reader"] in self.readers), self._called)

    def _called(self, architecture: Architecture) -> str:
        """What an architecture is called, after its reader, features and pairs."""
        answers = architecture.decisions
        reader = str(answers.get("reader", self.readers[0]))
        channels = answers.get(f"reader/{reader}/channels", self.channels[0])
        if reader == "bag":
            pairs = answers.get("reader/bag/pairs", self.pairs[0])
            return f"bag of words{' and pairs' if pairs else ''} with {channels} features"
        if reader == "convolutions":
            return f"text-CNN of {answers.get('reader/convolutions/filters', self.filters[0])} filters"
        return f"attention with {channels} features"


KNOWN: Sequence[Mapping[str, Label]] = (
    {"reader": "bag", "channels": 64, "pairs": 0, "dropout": 0.5},
    {"reader": "bag", "channels": 32, "pairs": 16384, "dropout": 0.5},
    {"reader": "convolutions", "channels": 64, "filters": 64, "beside": 3, "dropout": 0.5},
    {"reader": "attention", "channels": 64, "depth": 1, "dropout": 0.2},
)
"""In the order in which they are worth trying."""

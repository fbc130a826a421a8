"""The next token of a text: cross entropy a token, its perplexity, and bits a character or byte."""

from __future__ import annotations

import inspect
import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor

from netwright.core.carrying import FEWEST, STREAMS
from netwright.core.errors import ConfigurationError, DataError, nearest
from netwright.core.problem import Metric, Problem, Tally
from netwright.problems.portable import tokens as answering

if TYPE_CHECKING:
    pass

__all__ = ["Language"]

PROVIDES = ("task.lm",)

UNITS = ("characters", "words", "bytes")
PERPLEXITY = Metric("perplexity", "minimize")
BITS = {
    "characters": Metric("bits_per_character", "minimize"),
    "bytes": Metric("bits_per_byte", "minimize"),
}


class Language(Problem):
    """The token that follows on each token of a text.

    vocabulary: the tokens, in the order of their numbers.
    unit: what tokens are: "characters", "words" or "bytes".

    Examples are windows of a text, each of which begins where the one before ended; targets are int64 (n, length), the
    tokens that follow; outputs are logits (n, vocabulary, length). Raises ConfigurationError for fewer than two tokens,
    for one that occurs twice, and for another unit.
    """

    kind: ClassVar[str] = "next token"
    network_of: ClassVar[str] = "A language model of"
    answered: ClassVar[str] = "perplexity"
    score_name: ClassVar[str] = "inverse_perplexity"
    continues: ClassVar[bool] = True
    dense: bool = True

    def __init__(self, vocabulary: Sequence[str], *, unit: str = "characters") -> None:
        self.vocabulary, self.unit = tuple(vocabulary), unit
        if unit not in UNITS:
            raise ConfigurationError(f"tokens are one of {', '.join(UNITS)}, found {unit!r}{nearest(unit, UNITS)}")
        if len(self.vocabulary) < 2 or len(set(self.vocabulary)) < len(self.vocabulary):
            raise ConfigurationError(
                f"a vocabulary needs at least 2 tokens, all different, found {len(self.vocabulary)} of which "
                f"{len(set(self.vocabulary))} differ"
            )

    @property
    def outputs(self) -> int:
        return len(self.vocabulary)

    @property
    def metrics(self) -> tuple[Metric, ...]:
        return (PERPLEXITY, *([BITS[self.unit]] if self.unit in BITS else []))

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        return F.cross_entropy(outputs, targets.long(), reduction="none").flatten(1).mean(1)

    def mean_loss(self, outputs: Tensor, targets: Tensor, smoothing: float = 0.0) -> Tensor:
        return F.cross_entropy(outputs, targets.long())

    def tally(self) -> Tally:
        return Surprise(self)

    # Data.

    def check(self, targets: Tensor, which: str) -> None:
        if targets.dim() != 2 or targets.dtype.is_floating_point:
            raise DataError(
                f"{which} targets must be whole numbers of the shape (windows, length), found {targets.dtype} "
                f"{tuple(targets.shape)}"
            )
        if int(targets.min()) < 0 or int(targets.max()) >= self.outputs:
            raise DataError(f"{which} targets lie outside 0..{self.outputs - 1}, the numbers of the vocabulary")

    def describe(self, targets: Tensor) -> Sequence[str]:
        return (f"asked for: the next of {self.outputs:,} {self.unit}, at each of {targets[0].numel()} places",)

    def constants(self) -> Mapping[str, Any]:
        return {"VOCABULARY": self.vocabulary, "UNIT": self.unit, "STREAMS": STREAMS, "FEWEST": FEWEST}

    def code(self) -> str:
        return inspect.getsource(answering)

    def constant(self, targets: Tensor) -> tuple[str, Tensor]:
        counts = torch.bincount(targets.long().flatten(), minlength=self.outputs).double() + 1e-3
        frequencies = (counts / counts.sum()).log().float()
        return f"how frequent the {self.unit} are", frequencies[:, None].expand(-1, targets.shape[1])


class Surprise(Tally):
    """Adds up how unlikely each token was held, over all tokens."""

    def __init__(self, problem: Language) -> None:
        self.problem = problem
        self.losses: list[Tensor] = []
        self.count = 0

    def add(self, outputs: Tensor, targets: Tensor) -> None:
        each = F.cross_entropy(outputs, targets.long(), reduction="none")
        self.losses.append(each.double().sum())
        self.count += targets.numel()

    def figures(self) -> dict[str, float]:
        loss = torch.stack(self.losses).sum().item() / self.count
        found = {"loss": loss, "perplexity": math.exp(min(loss, 700.0)) if loss == loss else math.nan}
        if self.problem.unit in BITS:
            found[BITS[self.problem.unit].name] = loss / math.log(2)
        return found

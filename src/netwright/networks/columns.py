"""The first part of networks for tables: rows of numbers and of categories become features."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate

import torch
from torch import Tensor, nn

from netwright.networks.numbers import Numbers


class Rows(nn.Module):
    """Rows of a table, (n, inputs), as features (n, features): those of the numbers, then those of the categories.

    columns: how many inputs each column became, in their order: 1 of a number; of a category one for each text that it
        may be, of which one is above 0, or none where it is another.
    numbers: what reads the numbers; None where there are none.
    size: features of a category with more texts than that, which are looked up; others are taken as 0 and 1.

    `blocks` has the number of features of each column.
    """

    of_numbers: Tensor

    def __init__(self, columns: Sequence[int], numbers: Numbers | None, size: int) -> None:
        super().__init__()
        starts = [0, *accumulate(columns)]
        pairs = list(zip(starts, columns, strict=False))
        of_numbers = [start for start, width in pairs if width == 1]
        few = [(start, width) for start, width in pairs if 1 < width <= size]
        many = [(start, width) for start, width in pairs if width > max(1, size)]
        self.whole = len(of_numbers) == len(columns)
        self.numbers = numbers
        self.register_buffer("of_numbers", torch.tensor(of_numbers, dtype=torch.long))
        self.few = ZeroOrOne(few) if few else None
        self.many = LookedUp(many, size) if many else None
        self.blocks = [
            *([] if numbers is None else numbers.blocks),
            *[width for _, width in few],
            *[size] * len(many),
        ]

    def look_at(self, inputs: Tensor) -> None:
        """Fit what reads the numbers. inputs: of training examples, as the network gets them."""
        if self.numbers is not None:
            self.numbers.fit(inputs if self.whole else inputs.index_select(1, self.of_numbers))

    def forward(self, inputs: Tensor) -> Tensor:
        parts = []
        if self.numbers is not None:
            parts.append(self.numbers(inputs if self.whole else inputs.index_select(1, self.of_numbers)))
        parts += [part(inputs) for part in (self.few, self.many) if part is not None]
        return torch.cat(parts, 1) if len(parts) > 1 else parts[0]


class ZeroOrOne(nn.Module):
    """The inputs of categories as 0 and 1, (n, texts of all). groups: first input and number of texts of each."""

    places: Tensor

    def __init__(self, groups: Sequence[tuple[int, int]]) -> None:
        super().__init__()
        places = [start + each for start, width in groups for each in range(width)]
        self.register_buffer("places", torch.tensor(places, dtype=torch.long))

    def forward(self, inputs: Tensor) -> Tensor:
        return inputs.index_select(1, self.places).sign().relu()


class LookedUp(nn.Module):
    """Learnt features of categories, (n, categories * size); one row more a category for texts that are not known.

    groups: first input and number of texts of each.
    size: features of each.
    """

    places: Tensor
    number: Tensor
    first: Tensor

    def __init__(self, groups: Sequence[tuple[int, int]], size: int) -> None:
        super().__init__()
        most = max(width for _, width in groups)
        places = [[start + min(each, width - 1) for each in range(most)] for start, width in groups]
        numbers = [[float(each + 1 if each < width else 0) for each in range(most)] for _, width in groups]
        rows = [0, *accumulate(width + 1 for _, width in groups)]
        self.most = most
        self.register_buffer("places", torch.tensor(places, dtype=torch.long).flatten())
        self.register_buffer("number", torch.tensor(numbers))
        self.register_buffer("first", torch.tensor(rows[:-1], dtype=torch.float32))
        self.table = nn.Embedding(rows[-1], size)

    def forward(self, inputs: Tensor) -> Tensor:
        there = inputs.index_select(1, self.places).sign().relu().unflatten(1, (-1, self.most))
        rows = (there * self.number).amax(2) + self.first
        return self.table(rows.long()).flatten(1)

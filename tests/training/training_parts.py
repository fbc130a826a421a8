"""Small data and networks with all that the loop handles: normalisation, dropout, drop path, an auxiliary head."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from netwright.core.task import Augmentation, Data, Examples
from netwright.problems.classification import Classification
from netwright.training import seeded


class DropPath(nn.Module):
    """Leaves a residual path out for some examples."""

    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner
        self.drop_path_probability = 0.0
        self.seen: list[float] = []

    def forward(self, x: Tensor) -> Tensor:
        y = self.inner(x)
        if not self.training:
            return x + y
        self.seen.append(self.drop_path_probability)
        keep = 1 - self.drop_path_probability
        return x + y * torch.bernoulli(torch.full((len(x), 1, 1, 1), keep, device=x.device)) / keep


class Small(nn.Module):
    """A convolutional network with batch normalisation, dropout, drop path and, if wished, an auxiliary head."""

    def __init__(self, channels: int = 1, classes: int = 10, auxiliary: bool = False, dropout: float = 0.1) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(channels, 8, 3, padding=1, bias=False), nn.BatchNorm2d(8), nn.ReLU())
        self.path = DropPath(nn.Sequential(nn.Conv2d(8, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU()))
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(8, classes)
        self.auxiliary = nn.Linear(8, classes) if auxiliary else None

    def forward(self, x: Tensor) -> Tensor | tuple[Tensor, Tensor]:
        stem = self.stem(x)
        logits = self.head(self.dropout(self.path(stem).mean((2, 3))))
        if self.auxiliary is not None and self.training:
            return logits, self.auxiliary(stem.mean((2, 3)))
        return logits


def small(seed: int = 0, **options) -> Small:
    with seeded(seed):
        return Small(**options)


def image_data(
    train: int = 40, held_out: int = 20, channels: int = 1, side: int = 8, augmentation: Augmentation | None = None
) -> Data:
    """Random images whose class shows in the brightness of one row."""
    generator = torch.Generator().manual_seed(1)
    total = train + held_out
    labels = torch.randint(0, side, (total,), generator=generator)
    inputs = torch.randint(0, 120, (total, channels, side, side), generator=generator, dtype=torch.uint8)
    inputs[torch.arange(total), :, labels] += 120
    scaled = inputs.double() / 255
    mean, std = (tuple(each.tolist()) for each in (scaled.mean((0, 2, 3)), scaled.std((0, 2, 3))))
    augmentation = Augmentation(flip=True, padding=1, cutout=3) if augmentation is None else augmentation
    examples, unseen = Examples(inputs[:train], labels[:train]), Examples(inputs[train:], labels[train:])
    return Data(examples, unseen, mean, std, Classification([str(each) for each in range(side)]), augmentation)


def vector_data(train: int = 40, held_out: int = 20, features: int = 6) -> Data:
    generator = torch.Generator().manual_seed(2)
    inputs = torch.randn(train + held_out, features, generator=generator) * 3 + 1
    labels = (inputs[:, 0] > 1).long()
    mean, std = tuple(inputs.mean(0).tolist()), tuple(inputs.std(0).tolist())
    examples, unseen = Examples(inputs[:train], labels[:train]), Examples(inputs[train:], labels[train:])
    return Data(examples, unseen, mean, std, Classification("ab"))


def same_bits(first: nn.Module, second: nn.Module) -> bool:
    pairs = zip(first.state_dict().items(), second.state_dict().items(), strict=True)
    return all(a == b and torch.equal(x, y) for (a, x), (b, y) in pairs)

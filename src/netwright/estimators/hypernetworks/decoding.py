"""From an embedding of each weight to its numbers, in the shape that the layer needs."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from netwright.estimators.hypernetworks.computation import Weight

GAIN = math.sqrt(2.0)  # of a layer behind which half of the numbers become 0 (He et al. 2015)


class Decoder(nn.Module):
    """Kernels and vectors from embeddings, for any number of weights at once.

    As the decoder of graph hypernetworks: a layer gives a number of features for each position of the largest kernel,
    of which smaller kernels take the middle; two more give the weights between the most outputs and inputs, of which
    smaller layers take the first; larger layers repeat them (Knyazev et al. 2021, their GHN-1).

    width: numbers of an embedding.
    weights: that it must be ready for.
    largest: outputs and inputs of a kernel that are made; more are repetitions.
    """

    def __init__(self, width: int, weights: Iterable[Weight], largest: int) -> None:
        super().__init__()
        known = list(weights)
        kernels = [each for each in known if each.is_kernel]
        self.kernel = _largest(each.kernel for each in kernels)
        self.outputs = min(largest, max((each.shape[0] for each in kernels), default=1))
        self.inputs = min(largest, max((each.inputs for each in kernels), default=1))
        self.numbers = min(largest, max((math.prod(each.shape) for each in known if not each.is_kernel), default=1))
        positions = self.kernel[0] * self.kernel[1]
        self.spread = _layer(width, 4 * width * positions)
        self.deepen = _layer(4 * width, 8 * width)
        self.finish = _layer(8 * width, self.outputs * self.inputs, gain=1.0)
        self.vectors = nn.Sequential(_layer(width, 2 * width), nn.ReLU(), _layer(2 * width, self.numbers, gain=1.0))

    def forward(self, embeddings: Tensor, weights: Sequence[Weight]) -> dict[str, Tensor]:
        """The weights by name.

        embeddings: (weights, width).
        """
        found: dict[str, Tensor] = {}
        groups: dict[tuple[int, int] | None, list[int]] = {}
        for place, each in enumerate(weights):
            groups.setdefault(each.kernel if each.is_kernel else None, []).append(place)
        for kernel, places in groups.items():
            chosen = embeddings[torch.tensor(places, device=embeddings.device)]
            members = [weights[place] for place in places]
            found |= self._vectors(chosen, members) if kernel is None else self._kernels(chosen, members, kernel)
        return found

    def _kernels(self, embeddings: Tensor, weights: Sequence[Weight], kernel: tuple[int, int]) -> Mapping[str, Tensor]:
        """Those of kernels of one size."""
        n, (height, width) = len(weights), kernel
        features = self.spread(embeddings).relu().view(n, -1, *self.kernel)
        features = centred(features, (min(height, self.kernel[0]), min(width, self.kernel[1])))
        features = self.deepen(features.permute(0, 2, 3, 1)).relu()
        outputs = min(self.outputs, max(each.shape[0] for each in weights))
        inputs = min(self.inputs, max(each.inputs for each in weights))
        matrix = self.finish.weight.view(self.outputs, self.inputs, -1)[:outputs, :inputs].flatten(0, 1)
        bias = self.finish.bias.view(self.outputs, self.inputs)[:outputs, :inputs].flatten()
        made = F.linear(features, matrix, bias).view(*features.shape[:3], outputs, inputs).permute(0, 3, 4, 1, 2)
        made = centred(made, kernel)
        return {each.name: scaled(repeated(one, each), each) for one, each in zip(made, weights, strict=True)}

    def _vectors(self, embeddings: Tensor, weights: Sequence[Weight]) -> Mapping[str, Tensor]:
        made = self.vectors(embeddings)
        return {each.name: started(one, each) for one, each in zip(made, weights, strict=True)}


def repeated(made: Tensor, weight: Weight) -> Tensor:
    """As many outputs and inputs as the weight has, the first ones of these or all of them again and again.

    made: (outputs, inputs, height, width).
    """
    outputs, inputs = weight.shape[0], weight.inputs
    made = made[:outputs, :inputs]
    times = -(-outputs // made.shape[0]), -(-inputs // made.shape[1])
    if times != (1, 1):
        made = made.repeat(*times, 1, 1)[:outputs, :inputs]
    return made.reshape(weight.shape)


def scaled(made: Tensor, weight: Weight) -> Tensor:
    """Kernels whose layer gives numbers about as large as it reads.

    made: of about unit variance, in the shape of the weight.
    """
    return made * (GAIN / math.sqrt(math.prod(weight.shape[1:])))


def started(made: Tensor, weight: Weight) -> Tensor:
    """A vector that differs by at most 1 from where the layer would begin.

    made: (numbers,), fewer are repeated.
    """
    numbers = math.prod(weight.shape)
    flat = made.repeat(-(-numbers // len(made)))[:numbers] if numbers > len(made) else made[:numbers]
    return weight.start + (0.2 * flat).tanh().view(weight.shape)


def centred(made: Tensor, kernel: tuple[int, int]) -> Tensor:
    """The middle of the last two axes, with zeros around where the kernel is larger."""
    height, width = (wanted - there for wanted, there in zip(kernel, made.shape[-2:], strict=True))
    if height == width == 0:
        return made
    return F.pad(made, (width // 2, width - width // 2, height // 2, height - height // 2))


def _largest(kernels: Iterable[tuple[int, int]]) -> tuple[int, int]:
    known = list(kernels) or [(1, 1)]
    return max(height for height, _ in known), max(width for _, width in known)


def _layer(inputs: int, outputs: int, gain: float = GAIN) -> nn.Linear:
    """A linear layer that gives numbers of unit variance, where what it reads is about that before a ReLU."""
    layer = nn.Linear(inputs, outputs)
    nn.init.normal_(layer.weight, std=gain / math.sqrt(inputs))
    nn.init.zeros_(layer.bias)
    return layer

"""What a score of an untrained network is made of: what it watches, which passes it needs, and its formula."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, ClassVar, Literal

from torch import Tensor, nn
from torch.nn.modules.batchnorm import _NormBase
from torch.nn.modules.conv import _ConvNd

if TYPE_CHECKING:
    from netwright.estimators.zero_cost.passes import Passes

Need = Literal["forward", "gradients", "curvature", "input_gradient", "second_gradients"]
NORMALISATIONS: tuple[type[nn.Module], ...] = (_NormBase, nn.LayerNorm, nn.GroupNorm)
ACTIVATIONS: tuple[type[nn.Module], ...] = (
    *(nn.ReLU, nn.ReLU6, nn.LeakyReLU, nn.PReLU, nn.ELU, nn.GELU, nn.SiLU, nn.Mish, nn.Hardswish),
    *(nn.Tanh, nn.Sigmoid, nn.Softplus),
)


class Proxy(ABC):
    """A score of an untrained network, of which larger is better. One object scores one network, once.

    needs: the passes that it is computed from.
    of_numbers: whether it moves or replaces the inputs, so that it is not for tokens.
    """

    needs: ClassVar[tuple[Need, ...]] = ()
    of_numbers: ClassVar[bool] = False

    def watch(self, network: nn.Module, hook: Callable[[Iterable[nn.Module], Callable[..., None]], None]) -> None:
        """Have a function called after each forward pass of some modules, during the shared forward pass.

        hook(modules, function): registers function(module, inputs, output) as a forward hook.
        """
        return  # most scores look at nothing but gradients

    @abstractmethod
    def score(self, passes: Passes) -> Tensor:
        """The score, without dimensions and on the network's device; not finite where there is none."""


def is_weighted(module: nn.Module) -> bool:
    """Whether its weight is one that the scores are taken over: of a convolution or a linear layer."""
    return isinstance(module, (_ConvNd, nn.Linear))


def weighted(network: nn.Module) -> list[nn.Module]:
    """The convolutions and linear layers, each once, in the order in which the network names them."""
    return [each for each in network.modules() if is_weighted(each)]


def first_output(output: Tensor | tuple[Tensor, ...] | list[Tensor]) -> Tensor:
    """The logits of a network, also where an auxiliary classifier's follow them."""
    return output if isinstance(output, Tensor) else output[0]

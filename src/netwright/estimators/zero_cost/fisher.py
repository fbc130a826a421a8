"""Fisher information of a layer's channels (Turner et al. 2020, "BlockSwap"; Abdelfattah et al. 2021)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, ClassVar

from torch import Tensor, nn

from netwright.estimators.zero_cost.grad_norm import total
from netwright.estimators.zero_cost.proxy import Need, Proxy, weighted

if TYPE_CHECKING:
    from netwright.estimators.zero_cost.passes import Passes


class Fisher(Proxy):
    """How the loss changes when a channel is switched off, summed over the weights of all channels.

    For a channel with activations A and gradients g of the mean loss: 1/(2N) sum over n of (sum over positions of
    A g)^2 (Theis et al. 2018), at the outputs of all convolutions and linear layers. As a score of networks each
    channel counts once for each of its weights (Abdelfattah et al. 2021): what BlockSwap sums is a layer's own.
    """

    needs: ClassVar[tuple[Need, ...]] = ("gradients",)

    def __init__(self) -> None:
        self._found: list[Tensor] = []

    def watch(self, network: nn.Module, hook: Callable[[Iterable[nn.Module], Callable[..., None]], None]) -> None:
        hook(weighted(network), self._after)

    def _after(self, module: nn.Module, inputs: Any, output: Tensor) -> None:
        if not output.requires_grad:
            return
        activations = output.detach()
        weights = module.weight.numel() // activations.shape[1]  # pyright: ignore  # of a channel

        def with_gradient(gradient: Tensor) -> None:
            handle.remove()  # later passes through the same graph are for other scores
            changes = _by_channel(activations, gradient.detach())
            self._found.append(weights * changes.square().mean(0).sum() / 2)

        handle = output.register_hook(with_gradient)

    def score(self, passes: Passes) -> Tensor:
        return total(self._found, passes)


def _by_channel(activations: Tensor, gradient: Tensor) -> Tensor:
    """(examples, channels): the product summed over all positions."""
    if activations.dim() <= 2:
        return activations * gradient
    return (activations * gradient).flatten(2).sum(2)

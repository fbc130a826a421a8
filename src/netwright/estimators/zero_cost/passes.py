"""The forward and backward passes of an untrained network, each run once for all scores that need it."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, TypeAlias

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _NormBase

from netwright.core.task import Examples
from netwright.estimators.zero_cost.proxy import Need, Proxy, first_output, weighted
from netwright.training.randomness import seeded

Gradients = Sequence[Tensor | None]
Loss: TypeAlias = Callable[[Tensor, Any], Tensor]
"""The mean loss of outputs and targets."""


class Passes:
    """What the scores of one network are computed from; what no score needs stays None.

    network: in training mode, so that batch normalisation uses the minibatch, and leaves its running statistics alone.
    inputs, targets: the minibatch. weights: of the convolutions and linear layers. gradients: of the mean loss
        for each of them, None where the loss does not depend on it; with a graph where "curvature" is needed.
    second_gradients: on another minibatch. input_gradient: of the sum of all logits, like the inputs.
    """

    def __init__(self, network: nn.Module, inputs: Tensor, targets: Any, loss: Loss = F.cross_entropy) -> None:
        self.network, self.inputs, self.targets, self.loss = network, inputs, targets, loss
        self.weights: list[nn.Parameter] = list(dict.fromkeys(each.weight for each in weighted(network)))  # pyright: ignore
        self.gradients: Gradients | None = None
        self.second_gradients: Gradients | None = None
        self.input_gradient: Tensor | None = None

    @property
    def shape(self) -> tuple[int, ...]:
        """Of one example."""
        return tuple(self.inputs.shape[1:])

    def run(self, needs: set[Need], watchers: Sequence[Proxy], second: Examples | None) -> None:
        """Run the passes that are needed, those of one kind once."""
        if not needs:
            return
        backward = bool(needs - {"forward"})
        inputs = self.inputs.detach().requires_grad_("input_gradient" in needs)
        with torch.set_grad_enabled(backward), self._hooked(watchers):
            logits = first_output(self.network(inputs))
        curved, jacobian = "curvature" in needs, "input_gradient" in needs
        if needs & {"gradients", "curvature", "second_gradients"}:
            self.gradients = self._loss_gradients(logits, self.targets, curved, keep=curved or jacobian)
        if jacobian:
            self.input_gradient = _gradients(logits.sum(), [inputs], create_graph=False, keep=curved)[0]
        if "second_gradients" in needs and second is not None:
            with torch.enable_grad():
                logits = first_output(self.network(second.inputs))
            self.second_gradients = self._loss_gradients(logits, second.targets, curved=False, keep=False)

    def _loss_gradients(self, logits: Tensor, targets: Any, curved: bool, keep: bool) -> Gradients:
        return _gradients(self.loss(logits, targets), self.weights, create_graph=curved, keep=keep)

    @contextmanager
    def _hooked(self, watchers: Sequence[Proxy]) -> Generator[None]:
        handles: list[Any] = []

        def hook(modules: Iterable[nn.Module], function: Callable[..., None]) -> None:
            handles.extend(each.register_forward_hook(function) for each in modules)

        try:
            for each in watchers:
                each.watch(self.network, hook)
            yield
        finally:
            for handle in handles:
                handle.remove()


def _gradients(of: Tensor, by: Sequence[Tensor], *, create_graph: bool, keep: bool) -> Gradients:
    if not by or not of.requires_grad:
        return [None] * len(by)
    with torch.enable_grad():
        return torch.autograd.grad(of, by, allow_unused=True, create_graph=create_graph, retain_graph=keep)


def scores(
    network: nn.Module,
    first: Examples,
    made: Mapping[str, Proxy],
    *,
    second: Examples | None = None,
    seed: int = 0,
    loss: Loss = F.cross_entropy,
) -> dict[str, float]:
    """Score a network, which is afterwards as it was: its weights, buffers, gradients, modes and hooks.

    first, second: normalised minibatches on the network's device; the second for what needs gradients of two. Whatever
        is random, such as dropout, follows from `seed`. A score that does not exist is not finite. Waits for the device
        once, at the end.
    loss: the mean loss of outputs and targets.
    """
    first = in_memory_order(network, first)
    second = None if second is None else in_memory_order(network, second)
    passes = Passes(network, first.inputs, first.targets, loss)
    needs: set[Need] = {need for each in made.values() for need in each.needs}
    with _as_it_was(network), seeded(seed, first.inputs.device):
        network.train()
        passes.run(needs, list(made.values()), second)
        found = [each.score(passes).detach().double() for each in made.values()]
    return dict(zip(made, torch.stack(found).tolist(), strict=True)) if found else {}


def in_memory_order(network: nn.Module, examples: Examples) -> Examples:
    """The same examples with their channels last where the network's weights have them so."""
    if examples.inputs.dim() != 4 or not has_channels_last(network):
        return examples
    return Examples(examples.inputs.contiguous(memory_format=torch.channels_last), examples.targets)


def has_channels_last(network: nn.Module) -> bool:
    return any(
        each.dim() == 4 and each.is_contiguous(memory_format=torch.channels_last) and not each.is_contiguous()
        for each in network.parameters()
    )


@contextmanager
def _as_it_was(network: nn.Module) -> Generator[None]:
    """Inside, batch normalisation keeps no statistics and the weights have gradients; modes are put back after it."""
    modes = {each: each.training for each in network.modules()}
    tracking = [each for each in network.modules() if isinstance(each, _NormBase) and each.track_running_stats]
    frozen = [each.weight for each in weighted(network) if not each.weight.requires_grad]  # pyright: ignore
    try:
        for norm in tracking:
            norm.track_running_stats = False
        for weight in frozen:
            weight.requires_grad_(True)  # pyright: ignore
        yield
    finally:
        for norm in tracking:
            norm.track_running_stats = True
        for weight in frozen:
            weight.requires_grad_(False)  # pyright: ignore
        for module, mode in modes.items():
            module.training = mode

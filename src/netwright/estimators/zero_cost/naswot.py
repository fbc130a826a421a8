"""How differently a minibatch's examples switch the activations (Mellor et al. 2021, "NAS without Training")."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, ClassVar

import torch
from torch import Tensor, nn

from netwright.estimators.zero_cost.proxy import ACTIVATIONS, Need, Proxy, first_output

if TYPE_CHECKING:
    from netwright.estimators.zero_cost.passes import Passes

# Products of bytes, which x86 processors do several times faster than those of floats.
INTEGER_PRODUCTS = torch.backends.cpu.get_cpu_capability().startswith("AVX") and hasattr(torch, "_int_mm")
LEAST_INTEGERS = 64  # activations; of few the product gains nothing


class Naswot(Proxy):
    """log |det K|, where K counts for each pair of examples how many activations both switch on, or both off.

    K = N_A - d_H, the number of activations less the Hamming distance of the binary codes (equations 1 and 2); an
    activation is on where its input is positive. Activations that the network's output does not depend on, as on a
    branch that leads nowhere, are left out, as in the authors' code. With C the codes as zeros and ones and d the
    diagonal of C C', K is 2 C C' - d 1' - 1 d' + N_A, so that one matrix product an activation is enough; and several
    activations of the same tensor share it.
    """

    needs: ClassVar[tuple[Need, ...]] = ("forward",)

    def __init__(self) -> None:
        self._products: list[tuple[nn.Module, Tensor, int]] = []  # of each call: C C', and how many activations
        self._known: dict[int, tuple[weakref.ref[Tensor], int, Tensor]] = {}

    def watch(self, network: nn.Module, hook: Callable[[Iterable[nn.Module], Callable[..., None]], None]) -> None:
        hook(activations(network), self._after)

    @torch.no_grad()
    def _after(self, module: nn.Module, inputs: tuple[Any, ...], output: Tensor) -> None:
        given: Tensor = inputs[0]
        both = self._known_product(given)
        if both is None:
            # What an in-place ReLU left in its input has the same sign.
            both = _both_on((output if isinstance(module, nn.ReLU) else given.relu()).detach())
            self._known[id(given)] = weakref.ref(given), given._version, both
        self._products.append((module, both, given[0].numel()))

    def _known_product(self, given: Tensor) -> Tensor | None:
        """The product of a tensor that was seen before and not written to since."""
        reference, version, both = self._known.get(id(given), (None, -1, None))
        same = reference is not None and reference() is given and given._version == version
        return both if same else None

    def score(self, passes: Passes) -> Tensor:
        used = used_activations(passes.network, passes.inputs) if self._products else set[nn.Module]()
        counted = [(both, count) for module, both, count in self._products if module in used]
        if not counted:
            return torch.full((), -torch.inf, device=passes.inputs.device)
        total = counted[0][0].double().clone()
        for both, _ in counted[1:]:
            total += both
        on = total.diagonal()
        agreements = 2 * total - on[:, None] - on[None, :] + sum(count for _, count in counted)
        return torch.linalg.slogdet(agreements)[1]


def activations(network: nn.Module) -> list[nn.Module]:
    return [each for each in network.modules() if isinstance(each, ACTIVATIONS)]


def used_activations(network: nn.Module, inputs: Tensor) -> set[nn.Module]:
    """Those with an output that the network's output depends on, by the graph of a pass of two of the inputs."""
    made: list[tuple[nn.Module, Any]] = []

    def note(module: nn.Module, _inputs: tuple[Any, ...], output: Tensor) -> None:
        made.append((module, output.grad_fn))

    handles = [each.register_forward_hook(note) for each in activations(network)]
    two = inputs[:2].detach()
    try:
        with torch.enable_grad():
            output = first_output(network(two.requires_grad_(two.is_floating_point())))
    finally:
        for handle in handles:
            handle.remove()
    reached = _ancestors(output.grad_fn)
    return {module for module, node in made if node in reached}


def _ancestors(node: Any) -> set[Any]:
    """This node of an autograd graph, and all that it was computed from."""
    found: set[Any] = set()
    left = [node]
    while left:
        node = left.pop()
        if node is not None and node not in found:
            found.add(node)
            left += [before for before, _ in node.next_functions]
    return found


def _both_on(values: Tensor) -> Tensor:
    """(n, n): how many of the values (n, ...), none negative, are positive in both of two rows; exact below 2^24."""
    if values.dim() == 4 and values.is_contiguous(memory_format=torch.channels_last):
        values = values.permute(0, 2, 3, 1)  # as they lie in memory: their order counts for nothing
    values = values.flatten(1)
    if values.device.type == "cpu" and INTEGER_PRODUCTS and values.shape[1] >= LEAST_INTEGERS:
        codes = values.bool().view(torch.int8)
        return torch._int_mm(codes, codes.T)  # pyright: ignore[reportPrivateImportUsage]
    codes = values.sign()
    return codes @ codes.T

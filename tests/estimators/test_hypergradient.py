"""Second-order gradients against a brute-force unrolled one, on a network small enough to differentiate through."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torch.func import functional_call

import netwright as nw
from netwright.estimators.sharing.hypergradient import second_order
from netwright.supernets import Supernet

RATE = 0.05


def made() -> tuple[Supernet, nw.Mixture, list[tuple[Tensor, Tensor]]]:
    torch.manual_seed(0)
    space = nw.spaces.NasBench201(channels=2, cells=1)
    supernet = Supernet(space, nw.TaskShape((1, 6, 6), 3), fused=False).double()
    weights = {
        each.name: torch.softmax(torch.randn(len(each.options), dtype=torch.float64), 0).requires_grad_()
        for each in space.decisions
    }
    batches = [(torch.randn(6, 1, 6, 6, dtype=torch.float64), torch.randint(3, (6,))) for _ in range(2)]
    return supernet, nw.Mixture(weights), batches


def unrolled(supernet: Supernet, mixture: nw.Mixture, batches: list[tuple[Tensor, Tensor]]) -> list[Tensor]:
    """d/dp L_val(w - xi (dL_train/dw + decay w), p), by differentiating through the step itself."""
    (x, y), (u, v) = batches
    names, weights = zip(*supernet.named_parameters(), strict=True)
    training = nn.functional.cross_entropy(supernet(x, mixture), y)
    gradients = torch.autograd.grad(training, weights, create_graph=True)
    moved = {name: w - RATE * (g + 0.1 * w.detach()) for name, w, g in zip(names, weights, gradients, strict=True)}
    loss = nn.functional.cross_entropy(functional_call(supernet, moved, (u, mixture)), v)
    return list(torch.autograd.grad(loss, list(mixture.weights.values())))


@pytest.mark.parametrize(
    ("exact", "scale", "tolerance"), [(True, 0.01, 1e-9), (False, 1e-6, 1e-4)], ids=["exact", "finite difference"]
)
def test_second_order_equals_the_unrolled_gradient(exact: bool, scale: float, tolerance: float) -> None:
    supernet, mixture, ((x, y), (u, v)) = (parts := made())
    expected = unrolled(*parts)
    weights, leaves = list(supernet.parameters()), list(mixture.weights.values())
    before = [each.detach().clone() for each in weights]

    def step(gradients: list[Tensor]) -> None:
        for weight, gradient in zip(weights, gradients, strict=True):
            weight.sub_(gradient + 0.1 * weight, alpha=RATE)

    found, loss = second_order(
        lambda: nn.functional.cross_entropy(supernet(x, mixture), y),
        lambda: nn.functional.cross_entropy(supernet(u, mixture), v),
        *(weights, leaves, step, RATE),
        exact=exact,
        scale=scale,
    )
    first = torch.autograd.grad(nn.functional.cross_entropy(supernet(u, mixture), v), leaves)
    scale = max(each.abs().max().item() for each in expected)
    for a, b in zip(found, expected, strict=True):
        torch.testing.assert_close(a, b, rtol=tolerance, atol=tolerance * scale)
    assert any(not torch.allclose(a, b, rtol=1e-2) for a, b in zip(expected, first, strict=True))
    assert torch.isfinite(loss)
    assert all(torch.equal(a, b) for a, b in zip(before, weights, strict=True))
    assert all(each.requires_grad for each in weights)

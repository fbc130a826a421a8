"""The Hessian of the validation loss, of the fused supernet as searches ask for it, against all of it written out."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

import netwright as nw
from netwright.estimators import SharedWeights
from netwright.strategies.differentiable import Differentiable, EigenvalueMonitor
from netwright.strategies.differentiable.curved import Curved
from netwright.strategies.differentiable.layout import Layout

SPACE = nw.spaces.Darts(cells=2, channels=2, nodes=2)


@pytest.fixture(scope="module")
def estimator() -> SharedWeights:
    images, labels = np.random.default_rng(0).normal(size=(64, 8, 8, 1)), np.arange(64) % 4
    task = nw.tasks.arrays(images.astype(np.float32), labels)
    made = SharedWeights(SPACE, task, epochs=1, batch_size=16, device="cpu", precision="float32")
    made.begin(3)
    return made


def written_out(estimator: SharedWeights, layout: Layout, logits: Tensor) -> tuple[Tensor, Tensor]:
    """Gradient and Hessian by the logits, of the unfused supernet on the minibatch of the last probe."""
    weights = estimator.weights
    batch = weights.validation(weights.probes - 1)
    plain = nw.supernets.Supernet(SPACE, weights.shape, fused=False)
    plain.load_state_dict(weights.supernet.state_dict())

    def loss(flat: Tensor) -> Tensor:
        rows = torch.softmax(flat.view(logits.shape).masked_fill(~layout.exists, -torch.inf), 1)
        return torch.nn.functional.cross_entropy(plain(batch[0], nw.Mixture(layout.rows(rows))), batch[1])

    gradient = torch.autograd.functional.jacobian(loss, logits.flatten())
    return gradient, torch.autograd.functional.hessian(loss, logits.flatten())  # pyright: ignore


def test_the_product_along_a_direction_is_that_of_the_hessian(estimator: SharedWeights) -> None:
    layout = Layout(SPACE)
    logits = torch.randn(layout.exists.shape, generator=torch.Generator().manual_seed(0)) * layout.exists
    rows = torch.softmax(logits.masked_fill(~layout.exists, -torch.inf), 1)
    mixture = nw.Mixture(layout.rows(rows.requires_grad_()))
    first = estimator.advance(nw.Proposal(mixture, "probe"))
    at = Curved(logits, layout.exists, layout.matrix(first.gradient or {}, logits))
    _, hessian = written_out(estimator, layout, logits)
    for seed in range(2):
        vector = torch.randn(logits.shape, generator=torch.Generator().manual_seed(seed)) * layout.exists
        along = layout.rows(at.pushed(vector))
        told = estimator.advance(nw.Proposal(mixture, "probe", again=True, along=along))
        found = at.product(vector, layout.matrix(told.gradient or {}, logits))
        torch.testing.assert_close(found.flatten(), hessian @ vector.flatten(), rtol=1e-3, atol=1e-5)
    assert all(each.requires_grad and each.grad is None for each in estimator.weights.parameters)


def test_the_monitor_of_a_search_finds_the_largest_eigenvalue(estimator: SharedWeights) -> None:
    strategy = Differentiable(SPACE, monitor=EigenvalueMonitor(stop=False, iterations=100))
    for number in range(200):
        proposal = strategy.ask(np.random.default_rng(number))
        if "eigenvalue" in strategy.figures():  # the next round would move the weights
            break
        assert proposal is not None
        strategy.tell(nw.Trial(0, proposal, "completed", estimator.advance(proposal)))
    layout = Layout(SPACE)
    _, hessian = written_out(estimator, layout, strategy._parameters.logits)
    expected = float(np.linalg.eigvalsh(hessian.double().numpy())[-1])
    assert strategy.figures()["eigenvalue"] == pytest.approx(expected, rel=0.02)

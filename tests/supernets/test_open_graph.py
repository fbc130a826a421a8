"""Supernets of cells with operations on vertices: NAS-Bench-101's networks, and those of NAS-Bench-1Shot1."""

from __future__ import annotations

import copy
import math
import pickle

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import netwright as nw
from netwright.core.errors import ConfigurationError, UserError
from netwright.networks.graph_cell import OneShotGraphCell
from netwright.spaces import NasBench101
from netwright.strategies.paths.categorical import Categoricals
from netwright.strategies.paths.fair import FairPaths
from netwright.supernets import Supernet

IMAGE = nw.TaskShape((3, 8, 8), 4)
SHARED = NasBench101(channels=7, stacks=2, modules=1)
ONE_SHOT = NasBench101(channels=3, stacks=2, modules=1, vertices=5, one_shot=True)
SMALL = NasBench101(channels=4, stacks=1, modules=2, vertices=4)
TINY = NasBench101(channels=2, stacks=1, modules=1, vertices=3, one_shot=True)
C3, C1, MP = "conv3x3-bn-relu", "conv1x1-bn-relu", "maxpool3x3"


@pytest.mark.parametrize("affine", [False, True], ids=["plain", "affine"])
@pytest.mark.parametrize("space", [SHARED, ONE_SHOT, SMALL, TINY], ids=["101", "1shot1", "four", "three"])
def test_a_path_equals_the_stand_alone_network_bit_for_bit(space: NasBench101, affine: bool) -> None:
    torch.manual_seed(0)
    supernet = Supernet(space, IMAGE, affine=affine)
    if affine:
        with torch.no_grad():
            for parameter in supernet.parameters():
                parameter.add_(0.1 * torch.randn_like(parameter))
    rng, x = np.random.default_rng(1), torch.randn(3, *IMAGE.input)
    for _ in range(12):
        architecture = space.sample(rng)
        alone = supernet.extract(architecture).train()
        assert torch.equal(supernet(x, architecture), alone(x)), architecture


def decided(space: NasBench101, architecture: nw.Architecture) -> dict[str, Tensor]:
    labels = architecture.decisions
    return {
        each.name: torch.tensor([float(option == labels[each.name]) for option in each.options])
        for each in space.decisions
    }


@pytest.mark.parametrize("space", [ONE_SHOT, TINY], ids=["five", "three"])
def test_a_mixture_that_is_decided_equals_the_path(space: NasBench101) -> None:
    torch.manual_seed(0)
    supernet, x, rng = Supernet(space, IMAGE), torch.randn(3, *IMAGE.input), np.random.default_rng(2)
    for _ in range(6):
        architecture = space.sample(rng)
        found = supernet(x, nw.Mixture(decided(space, architecture)))
        torch.testing.assert_close(found, supernet(x, architecture), rtol=1e-4, atol=1e-5)


def test_the_gradient_of_a_mixture_equals_finite_differences() -> None:
    torch.manual_seed(0)
    supernet = Supernet(ONE_SHOT, IMAGE).double()
    x = torch.randn(3, *IMAGE.input, dtype=torch.float64)
    weights = {
        each.name: torch.rand(len(each.options), dtype=torch.float64).requires_grad_() for each in ONE_SHOT.decisions
    }
    supernet(x, nw.Mixture(weights)).square().sum().backward()
    for name in ("edge0_1", "edge1_3", "edge0_4", "edge3_4", "vertex2"):
        sides = []
        for step in (1e-6, -1e-6):
            moved = {key: each.detach().clone() for key, each in weights.items()}
            moved[name][1] += step
            sides.append(supernet(x, nw.Mixture(moved)).square().sum().item())
        gradient = weights[name].grad
        assert gradient is not None
        assert gradient[1].item() == pytest.approx((sides[0] - sides[1]) / 2e-6, rel=1e-4, abs=1e-7)


def test_the_networks_of_one_shot_are_as_wide_as_their_authors_have_them() -> None:
    """Every vertex has all channels; the output has a place for each, and zeros where there is no edge."""
    architecture = ONE_SHOT.from_matrix(
        [[0, 1, 1, 0], [0, 0, 0, 1], [0, 0, 0, 1], [0, 0, 0, 0]], ["input", C3, MP, "output"]
    )
    network = ONE_SHOT.build(architecture, IMAGE).eval()
    stem, cell = network[0], network[1]
    assert isinstance(cell, OneShotGraphCell) and cell.channels == (3, 3) and cell.places == (0, 1, None)
    x = stem(torch.randn(2, *IMAGE.input))
    one, two = (cell.inner[i](cell.projections[str(i)](x)) for i in (0, 1))
    torch.testing.assert_close(cell(x), torch.cat([one, two, torch.zeros_like(one)], 1))
    convolutions = [each for each in network[-2].modules() if isinstance(each, nn.Conv2d)]
    assert [(each.in_channels, each.out_channels) for each in convolutions] == [(18, 6)]  # the second stack's


def test_mixtures_of_the_benchmarks_own_networks_are_refused_with_what_can_be() -> None:
    supernet = Supernet(SMALL, IMAGE)
    weights = {each.name: torch.full((len(each.options),), 0.5) for each in SMALL.decisions}
    with pytest.raises(UserError, match=r"a mixture of all architectures has no sizes.*single-path.*one_shot=true"):
        supernet(torch.randn(2, *IMAGE.input), nw.Mixture(weights))


def test_a_mixture_stands_for_the_allowed_architecture_with_the_largest_product() -> None:
    space, rng = NasBench101(vertices=4, edges=3), np.random.default_rng(0)
    names = [each.name for each in space.decisions]
    for _ in range(10):
        weights = {each.name: torch.from_numpy(rng.dirichlet([1.0] * len(each.options))) for each in space.decisions}
        weights["edge0_1"] = torch.tensor([0.01, 0.99])
        found = space.discretize(nw.Mixture(weights))
        space.validate(found)

        def product(point: tuple[int, ...], weights: dict[str, Tensor] = weights) -> float:
            return math.prod(float(weights[name][option]) for name, option in zip(names, point, strict=True))

        best = max(product(each.point) for each in space.enumerate())
        assert product(found.point) == pytest.approx(best)


@pytest.mark.parametrize(
    "copied", [copy.deepcopy, lambda each: pickle.loads(pickle.dumps(each))], ids=["copy", "pickle"]
)
def test_a_copy_is_its_own(copied) -> None:
    supernet = Supernet(SHARED, IMAGE)
    other, x = copied(supernet), torch.randn(2, *IMAGE.input)
    architecture = SHARED.sample(np.random.default_rng(0))
    assert torch.equal(other(x, architecture), supernet(x, architecture))


def test_recomputing_gives_the_same_gradients() -> None:
    found = []
    for recompute in (False, True):
        torch.manual_seed(0)
        supernet = Supernet(SHARED, IMAGE, recompute=recompute)
        torch.manual_seed(1)
        x = torch.randn(2, *IMAGE.input)
        supernet(x, SHARED.sample(np.random.default_rng(0))).square().mean().backward()
        found.append([each.grad for each in supernet.parameters() if each.grad is not None])
    for one, other in zip(*found, strict=True):
        torch.testing.assert_close(one, other)


def test_strategies_that_draw_from_probabilities_keep_to_what_goes_together() -> None:
    space, rng = NasBench101(), np.random.default_rng(0)
    probabilities = Categoricals(space)
    for p in probabilities.probabilities[:21]:
        p[:] = 0.02, 0.98  # nearly every edge, of which nine may be there
    drawn = [probabilities.draw(rng) for _ in range(3)]
    for each in (*drawn, probabilities.likeliest()):
        space.validate(each)
    assert sum(probabilities.likeliest().point[:21]) == 18  # without three of the input's, six lie on paths
    with pytest.raises(ConfigurationError, match="does not allow every combination"):
        FairPaths(space)


@pytest.mark.parametrize(("recipe", "space"), [("asng", SMALL), ("single_path_one_shot", SMALL), ("gdas", TINY)])
def test_recipes_search_these_spaces(recipe: str, space: NasBench101) -> None:
    task = nw.tasks.arrays(np.random.default_rng(0).normal(size=(64, 1, 4, 4)).astype("float32"), np.arange(64) % 2)
    run = getattr(nw.methods, recipe)(space, task, epochs=1).run(trials=4)
    assert run.best is not None
    space.validate(run.best.architecture)

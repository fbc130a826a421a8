"""The space of mobile networks: published ones and their sizes, cost without building, one supernet for all sizes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from netwright.core.architecture import Mixture
from netwright.core.errors import ConfigurationError
from netwright.core.task import TaskShape
from netwright.estimators import Cost
from netwright.networks.blocks import Residual
from netwright.networks.counting import count
from netwright.spaces import Mobile, known_mobile, published_mobile
from netwright.spaces.mobile_forms import FORMS
from netwright.supernets import Supernet

IMAGENET = TaskShape((3, 224, 224), 1000)
SMALL = TaskShape((3, 32, 32), 10)
MACS = {  # millions, as the papers and programs say
    "mobilenet_v1": 568.7,  # 569 in the paper
    "fpnasnet": 301.2,  # "less than 300M" in the abstract
    "mobilenet_v2": 300.8,  # 300.774272 in torchvision's counter
    "mobilenet_v3_large": 216.6,
    "mobilenet_v3_small": 56.5,
    "proxylessnas_mobile": 320.4,
    "mnasnet_a1": 311.6,  # 312 in the paper
    "fbnet_a": 249.9,  # 249.921848 in the authors' program
    "atomnas_a": 258.2,  # 258 in the paper
    "atomnas_b": 326.0,  # 326
    "atomnas_c": 359.8,  # 360
}


def built(space: Mobile, architecture, shape: TaskShape) -> Any:
    with torch.device("meta"):
        return space.build(architecture, shape)


@pytest.mark.parametrize("name", known_mobile())
def test_published_networks_have_the_parameters_of_their_programs(name):
    network = built(*published_mobile(name), IMAGENET)
    assert sum(each.numel() for each in network.parameters()) == known_mobile()[name].params
    if name in MACS:
        assert count(network, IMAGENET.input).macs / 1e6 == pytest.approx(MACS[name], abs=0.06)


@pytest.mark.parametrize(("name", "counted"), [("fbnet_a", 4_286_480), ("fbnet_b", 4_777_296 + 192 * 7)])
def test_fbnets_have_the_weights_that_their_authors_count(name, counted):
    """Without biases and normalisation; their FBNet-B has two depthwise 3x3 in place of one 5x5 on 192 channels."""
    network = built(*published_mobile(name), IMAGENET)
    assert sum(each.numel() for each in network.parameters() if each.dim() > 1) == counted


@pytest.mark.parametrize("form", FORMS)
def test_cost_without_building_is_that_of_the_network(form):
    space = Mobile(form)
    shape = SMALL if FORMS[form].hidden else TaskShape((1, 60, 90), 7)
    cost, rng = Cost(space, shape), np.random.default_rng(2)
    for _ in range(3):
        architecture = space.sample(rng)
        found = count(built(space, architecture, shape), shape.input)
        assert cost.figures(architecture) == {
            "params": found.params,
            "macs": found.macs,
            "activation_memory": found.activation_memory,
        }


@pytest.mark.parametrize(
    ("form", "size"),
    [
        ("shufflenet", 4**20),
        ("proxylessnas", 6**6 * 7**15),
        ("fbnet", 9 ** (1 + 15) * 8**6),
        ("once-for-all", 5 * ((3 * 3) ** 2 + (3 * 3) ** 3 + (3 * 3) ** 4) ** 5),
        ("mnasnet", (4 * 2 * 2 * 3 * 3) ** 7 * 2 * 2 * 3**5),
    ],
)
def test_sizes_of_the_spaces(form, size):
    assert Mobile(form).size == size


@pytest.mark.parametrize("form", [name for name, each in FORMS.items() if each.kind != "blocks"])
def test_a_path_of_the_supernet_gives_what_the_extracted_network_gives(form):
    space = Mobile(form, width=0.1 if "atomnas" in form else 0.25)
    torch.manual_seed(0)
    supernet = Supernet(space, SMALL, affine=True, kernel_transform=True)
    for name, each in supernet.named_parameters():
        if "transforms" in name or each.dim() == 1:  # what starts alike for all sizes
            nn.init.normal_(each, 0.5, 0.2)
    supernet.eval()
    rng = np.random.default_rng(3)
    images = torch.randn(4, 3, 32, 32)
    for _ in range(2):
        architecture = space.sample(rng)
        alone = supernet.extract(architecture).train()
        for each in alone.modules():
            if isinstance(each, nn.Dropout):
                each.eval()
        with torch.no_grad():
            torch.testing.assert_close(supernet(images, architecture), alone(images), rtol=1e-4, atol=1e-4)


def test_the_input_is_added_where_the_shape_stays_whatever_is_chosen():
    space, architecture = published_mobile("mobilenet_v3_large")
    network = built(space, architecture, IMAGENET)
    added = [len([each for each in part if isinstance(each, Residual)]) for part in network[2:7]]
    assert added == [1, 2, 3, 1, 2] and isinstance(network[1], Residual)  # 15 bottlenecks, 5 that change the shape


def test_resolutions_are_shares_of_the_images_own():
    space = Mobile(resolutions=(0.5, 1.0))
    architecture = {**space.at(0).decisions, "resolution": 0.5}
    half = built(space, space.architecture(architecture), SMALL)
    assert half[0].size == (16, 16)
    whole = built(space, space.architecture({**architecture, "resolution": 1.0}), SMALL)
    ratio = count(whole, SMALL.input).macs / count(half, SMALL.input).macs
    assert 3 < ratio < 4.01


def test_mixtures_of_resolutions_lie_between_them():
    space = Mobile("mcu", width=0.5, resolutions=(0.5, 1.0))
    supernet: Any = Supernet(space, SMALL)
    resized = supernet.network[0]
    images = torch.randn(2, 3, 32, 32)
    share = torch.tensor([0.25, 0.75], requires_grad=True)
    with supernet.selection.during((None, {"resolution": share}, {})):
        mixed = resized(images)
    small = nn.functional.interpolate(images, (16, 16), mode="bilinear")
    small = nn.functional.interpolate(small, (32, 32), mode="bilinear")
    torch.testing.assert_close(mixed, 0.25 * small + 0.75 * images)
    mixed.sum().backward()
    assert share.grad is not None and share.grad[1] == pytest.approx(images.sum().item(), abs=1e-2)


def test_settings_replace_the_published_ones():
    space = Mobile("once-for-all", kernels=(3,), expansions=(3, 6), multipliers=(0.5, 1.0), resolutions=(1.0,))
    options = {each.name.rpartition("/")[2]: each.options for each in space.decisions}
    assert options == {"width": (80, 160), "depth": (2, 3, 4), "expansion": (3, 6)}
    narrow = built(Mobile("proxylessnas", width=0.5), Mobile("proxylessnas", width=0.5).at(0), SMALL)
    assert narrow[0][0].out_channels == 16


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"form": "fbnet2"}, "has no form 'fbnet2'; did you mean 'fbnetv2'"),
        ({"form": "fbnet", "kernels": (3,)}, "kernels are of no use for form 'fbnet'"),
        ({"channels": (8, 16)}, "lists 2 numbers; form 'once-for-all' has 5 stages"),
        ({"kernels": (3, 4)}, "must be odd"),
        ({"resolutions": (1.5,)}, "at most 1"),
        ({"width": 0.0}, "above 0"),
    ],
)
def test_what_cannot_be_is_said(settings, said):
    with pytest.raises(ConfigurationError, match=said):
        Mobile(**settings)


def test_known_networks_are_called_so_where_they_are_it():
    assert {"fbnet_b", "fbnet_c", "like fbnet_a"} <= set(Mobile("fbnet").known(SMALL))
    assert "mobilenet_v3_large" in Mobile("mobilenetv3").known(SMALL)
    assert "like mobilenet_v3_large" in Mobile().known(SMALL)
    with pytest.raises(ConfigurationError, match="did you mean 'mobilenet_v2'"):
        published_mobile("mobilenetv2")


@pytest.mark.parametrize("form", ["fbnetv2", "once-for-all", "fbnet", "atomnas"])
def test_a_mixture_that_is_decided_gives_what_its_path_gives(form):
    """Masks on the largest layer (Wan et al. 2020): one-hot weights leave the chosen sizes alone."""
    space = Mobile(form, width=0.25, multipliers=(0.25, 0.5) if form == "atomnas" else ())
    torch.manual_seed(1)
    supernet = Supernet(space, TaskShape((3, 16, 16), 10)).eval()
    rng = np.random.default_rng(4)
    images = torch.randn(6, 3, 16, 16)
    architecture = space.sample(rng)
    if form not in ("fbnet", "atomnas"):
        largest_image = {**architecture.decisions, "resolution": 1.0}  # others are brought back to it in a mixture
        architecture = space.architecture(largest_image)
    weights = {}
    for decision, chosen in zip(space.decisions, architecture.content, strict=True):
        weights[decision.name] = torch.eye(len(decision.options))[max(0, chosen)].requires_grad_()
    mixture = Mixture(weights, {name: tuple(range(len(each))) for name, each in weights.items()})
    mixed = supernet(images, mixture)
    torch.testing.assert_close(mixed, supernet(images, architecture), rtol=1e-3, atol=1e-3)
    mixed.square().sum().backward()
    slopes = [each.grad.abs().sum() for each in weights.values() if each.grad is not None]
    assert len(slopes) > 0.8 * len(weights) and sum(float(each) > 0 for each in slopes) > 0.8 * len(slopes)

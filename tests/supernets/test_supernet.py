"""A supernet gives what each of its networks gives alone, and mixtures whose gradients finite differences confirm."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import netwright as nw
from netwright.core.choose import Choose
from netwright.core.errors import ConfigurationError, InvalidArchitecture, UserError
from netwright.networks.operations import relu_conv_norm
from netwright.supernets import Supernet

IMAGE = nw.TaskShape((3, 10, 10), 5)


class Nested(nw.DecisionSpace):
    """Ten lines of a user's own: an operation with an open kernel inside, an open width, and an open depth."""

    def network(self, choose: Choose, shape: nw.TaskShape) -> nn.Module:
        width = choose.value("width", [4, 6, 8])

        def block(_: int) -> nn.Module:
            return choose.one(
                "op",
                {
                    "conv": lambda: nn.Sequential(
                        nn.Conv2d(width, width, k := choose.value("kernel", [1, 3, 5]), padding=k // 2),
                        nn.BatchNorm2d(width),
                        nn.ReLU(inplace=True),
                    ),
                    "dense": lambda: relu_conv_norm(width, width, 3),
                    "skip": lambda: nn.Identity(),
                },
            )

        return nn.Sequential(
            nn.Conv2d(shape.channels, width, 3, padding=1),
            choose.repeat("depth", 1, 3, block),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
            nn.Linear(width, shape.classes),
        )


SPACES: list[tuple[nw.Space, nw.TaskShape]] = [
    (nw.spaces.NasBench201(channels=4, cells=1), IMAGE),
    (nw.spaces.Darts(channels=4, cells=3, nodes=2), IMAGE),
    (nw.spaces.NasNet(channels=4, cells=2, nodes=2, operations="enas", output="all"), IMAGE),
    (nw.spaces.NasNet(channels=4, cells=3, nodes=3, operations="enas"), IMAGE),
    (nw.spaces.NasNet(channels=2, cells=3, nodes=2, operations=("skip_connect", "none"), auxiliary=True), IMAGE),
    (nw.spaces.EnasMacro(layers=4, channels=4), IMAGE),
    (nw.spaces.EnasMacro(layers=4, channels=4, joins="concatenation", doubling=True), IMAGE),
    (nw.spaces.Chain(width=4, stages=2, most=2), nw.TaskShape((1, 8, 8), 5)),
    (nw.spaces.Mlp(activations=("relu",), normalisations=("batch",), dropouts=(0.0,)), nw.TaskShape((12,), 5)),
    (Nested(), IMAGE),
]


def named(pair: Any) -> str:
    return type(pair[0]).__name__ if isinstance(pair, tuple) else ""


def every_output(given: Any) -> tuple[Tensor, ...]:
    """The logits, and those of an auxiliary classifier where there is one."""
    return given if isinstance(given, tuple) else (given,)


def mixture(space: nw.Space, seed: int = 0, *, dtype: torch.dtype = torch.float32) -> nw.Mixture:
    generator = torch.Generator().manual_seed(seed)
    weights: dict[str, Tensor] = {}
    for decision in space.decisions:
        if decision.kind != "sources":
            logits = torch.randn(len(decision.options) + len(decision.soft), generator=generator, dtype=dtype)
            weights[decision.name] = torch.softmax(logits, 0).requires_grad_()
    return nw.Mixture(weights)


@pytest.mark.parametrize("affine", [False, True], ids=["plain", "affine"])
@pytest.mark.parametrize(("space", "shape"), SPACES, ids=[named(each) for each in SPACES])
def test_a_path_equals_the_stand_alone_network_bit_for_bit(space: nw.Space, shape: nw.TaskShape, affine: bool) -> None:
    torch.manual_seed(0)
    supernet = Supernet(space, shape, affine=affine)
    if affine:
        with torch.no_grad():
            for parameter in supernet.parameters():
                parameter.add_(0.1 * torch.randn_like(parameter))
    rng, x = np.random.default_rng(1), torch.randn(3, *shape.input)
    kind = type(space.build(space.sample(rng), shape))
    for _ in range(8):
        architecture = space.sample(rng)
        alone = supernet.extract(architecture).train()
        assert type(alone) is kind
        for ours, own in zip(every_output(supernet(x, architecture)), every_output(alone(x)), strict=True):
            assert torch.equal(ours, own), architecture


@pytest.mark.parametrize(("space", "shape"), SPACES, ids=[named(each) for each in SPACES])
def test_the_gradient_of_a_mixture_equals_finite_differences(space: nw.Space, shape: nw.TaskShape) -> None:
    """Along random directions, each of a quarter of the decisions."""
    torch.manual_seed(0)
    supernet = Supernet(space, shape).double()
    x, labels = torch.randn(3, *shape.input, dtype=torch.float64), torch.tensor([0, 1, 4])
    mixed = mixture(space, dtype=torch.float64)

    def loss(at: nw.Mixture) -> Tensor:
        return sum((nn.functional.cross_entropy(each, labels) for each in every_output(supernet(x, at))), x.sum() * 0)

    loss(mixed).backward()
    step, quarters = 1e-7, min(4, len(mixed.weights))
    for names in [list(mixed.weights)[start::quarters] for start in range(quarters)] * 2:
        direction = {name: torch.randn_like(mixed.weights[name]) for name in names}
        along = sum(float(mixed.weights[name].grad @ direction[name]) for name in names)  # pyright: ignore
        sides = [loss(nw.Mixture({**mixed.weights, **moved(mixed, direction, sign * step)})).item() for sign in (1, -1)]
        assert along == pytest.approx((sides[0] - sides[1]) / (2 * step), rel=1e-4, abs=1e-7)


def moved(mixed: nw.Mixture, direction: dict[str, Tensor], step: float) -> dict[str, Tensor]:
    return {name: mixed.weights[name].detach() + step * each for name, each in direction.items()}


@pytest.mark.parametrize(("space", "shape"), SPACES[:4], ids=[named(each) for each in SPACES[:4]])
def test_a_mixture_that_is_decided_equals_the_path(space: nw.Space, shape: nw.TaskShape) -> None:
    """With weight 1 on one option and 0 on the others, and 0 on the sources that are not kept."""
    supernet = Supernet(space, shape)
    x = torch.randn(3, *shape.input)
    architecture = space.sample(np.random.default_rng(3))
    weights: dict[str, Tensor] = {}
    for decision in space.decisions:
        label = architecture.decisions.get(decision.name)
        if decision.kind == "sources":
            weights[decision.name] = torch.tensor([float(source in label) for source, _ in decision.edges])  # pyright: ignore
            continue
        vector = torch.zeros(len(decision.options) + len(decision.soft))
        vector[0 if label is None else decision.options.index(label)] = 1.0
        weights[decision.name] = vector
    torch.testing.assert_close(supernet(x, nw.Mixture(weights)), supernet(x, architecture), rtol=1e-4, atol=1e-5)


def test_options_that_are_not_active_are_not_computed() -> None:
    space = nw.spaces.NasBench201(channels=4, cells=1)
    supernet = Supernet(space, IMAGE, fused=False)
    mixed = mixture(space)
    active = {decision.name: (3,) for decision in space.decisions}
    supernet(torch.randn(2, 3, 10, 10), nw.Mixture(mixed.weights, active)).sum().backward()
    for name, parameter in supernet.named_parameters():
        if ".options." in name:
            assert (parameter.grad is not None) == (".options.3." in name), name


def test_recomputing_gives_the_same_gradients() -> None:
    space = nw.spaces.Darts(channels=4, cells=2, nodes=2)
    x = torch.randn(2, 3, 8, 8)
    found: list[list[Tensor]] = []
    for recompute in (False, True):
        torch.manual_seed(0)
        supernet = Supernet(space, nw.TaskShape((3, 8, 8), 5), recompute=recompute)
        mixed = mixture(space)
        supernet(x, mixed).square().mean().backward()
        found.append([each.grad for each in (*mixed.weights.values(), *supernet.parameters()) if each.grad is not None])
    assert len(found[0]) == len(found[1])
    for a, b in zip(*found, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(
    "copied", [copy.deepcopy, lambda each: pickle.loads(pickle.dumps(each))], ids=["copy", "pickle"]
)
def test_a_copy_of_a_recomputing_supernet_is_its_own(copied: Callable[[Supernet], Supernet]) -> None:
    space, x = nw.spaces.Darts(channels=4, cells=2, nodes=2), torch.randn(2, 3, 8, 8)
    supernet = Supernet(space, nw.TaskShape((3, 8, 8), 5), recompute=True)
    other, mixed = copied(supernet), mixture(space)
    torch.testing.assert_close(other(x, mixed), supernet(x, mixed))
    other(x, mixed).sum().backward()
    assert all(each.grad is None for each in supernet.parameters())
    assert any(each.grad is not None for each in other.parameters())


@pytest.mark.parametrize("kernel", [1, 3, 5])
def test_a_smaller_kernel_is_the_centre_of_the_largest(kernel: int) -> None:
    """(Cai et al. 2020, section 3.2)."""
    torch.manual_seed(0)
    space = Nested()
    supernet = Supernet(space, IMAGE)
    chosen = {"width": 6, "depth": 1, "depth/0/op": "conv", "depth/0/op/conv/kernel": kernel}
    own = next(
        p
        for n, p in supernet.extract(space.architecture(chosen)).named_parameters()
        if p.shape[2:] == (kernel,) * 2 and p.shape[1] == 6
    )
    (largest,) = (
        p
        for p in supernet.parameters()
        if p.shape == (8, 8, 5, 5) and torch.equal(p[:6, :6, 2, 2], own[:, :, kernel // 2, kernel // 2])
    )
    margin = (5 - kernel) // 2
    assert torch.equal(own, largest[:6, :6, margin : 5 - margin, margin : 5 - margin])


def test_smaller_kernels_may_pass_a_learnt_map_that_starts_as_the_identity() -> None:
    x, space = torch.randn(2, 3, 10, 10), Nested()
    torch.manual_seed(0)
    plain = Supernet(space, IMAGE)
    torch.manual_seed(0)
    mapped = Supernet(space, IMAGE, kernel_transform=True)
    rng = np.random.default_rng(0)
    for _ in range(5):
        architecture = space.sample(rng)
        torch.testing.assert_close(plain(x, architecture), mapped(x, architecture))
    small = space.architecture({"width": 8, "depth": 1, "depth/0/op": "conv", "depth/0/op/conv/kernel": 3})
    mapped(x, small).sum().backward()
    gradients = [p.grad for name, p in mapped.named_parameters() if "transforms.3" in name and "depth" not in name]
    assert any(each is not None and each.abs().sum() > 0 for each in gradients)


def test_partial_channels_pass_a_quarter_and_keep_the_shape() -> None:
    space = nw.spaces.Darts(channels=8, cells=3, nodes=2)
    whole, part = Supernet(space, IMAGE), Supernet(space, IMAGE, partial_channels=4)

    def inside(supernet: Supernet) -> int:
        return sum(each.numel() for name, each in supernet.named_parameters() if ".options." in name)

    assert inside(part) < inside(whole) / 3
    x, mixed = torch.randn(2, 3, 10, 10), mixture(space)
    assert part(x, mixed).shape == (2, 5)
    architecture = space.sample(np.random.default_rng(0))
    assert part(x, architecture).shape == (2, 5)
    with pytest.raises(UserError, match="part of the channels"):
        part.extract(architecture)


class Growing(nw.DecisionSpace):
    """Its classifier depends on what was chosen, outside of any decision."""

    def network(self, choose: Choose, shape: nw.TaskShape) -> nn.Module:
        edges = choose.edges("node", [0, 1], 1, {"a": lambda _: nn.Identity(), "b": lambda _: nn.Identity()})
        return nn.Sequential(nn.Flatten(), nn.Linear(shape.features, 2 + len(edges.sources)))


class Opaque(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.width = width


class Unsliceable(nw.DecisionSpace):
    def network(self, choose: Choose, shape: nw.TaskShape) -> nn.Module:
        return Opaque(choose.value("width", [2, 4]))


class Compared(nw.DecisionSpace):
    """A width that only a comparison made, so that the supernet cannot follow it."""

    def network(self, choose: Choose, shape: nw.TaskShape) -> nn.Module:
        width = choose.value("width", [4, 16])
        inner = nn.Sequential(nn.Conv2d(shape.channels, width, 1), nn.Dropout(0.1 if width > 8 else 0.6))
        return nn.Sequential(inner, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(width, shape.classes))


class Reflecting(nw.DecisionSpace):
    def network(self, choose: Choose, shape: nw.TaskShape) -> nn.Module:
        width = choose.value("width", [4, 8])
        layer = nn.Conv2d(shape.channels, width, 3, padding=1, padding_mode="reflect")
        return nn.Sequential(layer, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(width, shape.classes))


REFUSED: list[tuple[str, Callable[[], Supernet], type[Exception], str]] = [
    ("text as a value", lambda: Supernet(nw.spaces.Mlp(), nw.TaskShape((4,), 2)), UserError, "activation.*relu"),
    ("structure", lambda: Supernet(Growing(), IMAGE), UserError, "cannot share their weights"),
    ("a size behind a comparison", lambda: Supernet(Compared(), IMAGE), UserError, "other results"),
    ("padding that is not zeros", lambda: Supernet(Reflecting(), IMAGE), UserError, "padding mode 'reflect'"),
    ("a layer of its own kind", lambda: Supernet(Unsliceable(), IMAGE), UserError, "Opaque.*width"),
    (
        "partial channels without edges",
        lambda: Supernet(nw.spaces.Chain(), IMAGE, partial_channels=4),
        ConfigurationError,
        "Darts",
    ),
    (
        "partial channels that do not divide",
        lambda: Supernet(nw.spaces.Darts(channels=6, cells=2), IMAGE, partial_channels=4),
        ConfigurationError,
        "6 channels",
    ),
]


@pytest.mark.parametrize(("make", "kind", "message"), [each[1:] for each in REFUSED], ids=[each[0] for each in REFUSED])
def test_what_cannot_be_shared_is_refused_before_anything_is_trained(
    make: Callable[[], Supernet], kind: type[Exception], message: str
) -> None:
    with pytest.raises(kind, match=message):
        make()


def test_a_space_that_is_refused_is_refused_again() -> None:
    space = Growing()
    for _ in range(2):
        with pytest.raises(UserError, match="cannot share their weights"):
            Supernet(space, IMAGE)


def test_the_networks_of_a_space_are_checked_once_with_the_same_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    built: list[nw.Space] = []
    build = Nested.build
    monkeypatch.setattr(Nested, "build", lambda self, *given: built.append(self) or build(self, *given))
    space, other = Nested(), Nested()
    counts = []
    for each, affine in ((space, False), (space, False), (space, True), (other, True)):
        Supernet(each, IMAGE, affine=affine)
        counts.append(len(built))
    assert counts == [10, 10, 20, 30]


def test_a_mixture_must_weigh_every_option() -> None:
    space = nw.spaces.NasBench201(channels=4, cells=1)
    supernet, x = Supernet(space, IMAGE), torch.randn(2, 3, 10, 10)
    weights = dict(mixture(space).weights)
    first = next(iter(weights))
    with pytest.raises(InvalidArchitecture, match=r"4 weights for .*expected 5"):
        supernet(x, nw.Mixture({**weights, first: weights[first][:4]}))
    del weights[first]
    with pytest.raises(InvalidArchitecture, match="no weights"):
        supernet(x, nw.Mixture(weights))

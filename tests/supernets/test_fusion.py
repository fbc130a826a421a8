"""The fast forms of mixed nodes give what the plain form gives: losses and all gradients."""

from __future__ import annotations

import copy
import gc
import weakref
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

import netwright as nw
from netwright.core.architecture import Mixture
from netwright.core.choose import Choose
from netwright.core.task import TaskShape
from netwright.networks.cells import DenseCell
from netwright.networks.heads import pooled_classifier
from netwright.networks.operations import average_pool, operation
from netwright.supernets import Supernet
from netwright.supernets.fusion import depthwise, layout, tiles
from netwright.supernets.fusion.depthwise import Window, convolve
from netwright.supernets.fusion.folded import FoldedMiddle, FoldedSum
from netwright.supernets.fusion.reading import Chain, Dense, Reduction, Shared, read
from netwright.supernets.mixed import MixedEdges

SMALL = nw.spaces.Darts(cells=3, channels=4, nodes=3)
TINY = nw.spaces.Darts(cells=2, channels=4, nodes=2)
BENCH = nw.spaces.NasBench201(channels=4, cells=1)


class Unusual(nw.DecisionSpace):
    """Cells whose options are partly of the known forms, partly of none."""

    def network(self, choose: Choose, shape: TaskShape) -> nn.Module:
        def twice() -> nn.Module:
            return nn.Sequential(average_pool(3), operation("nor_conv_1x1", 4))

        options = {
            "sep": lambda _: operation("sep_conv_5x5", 4),
            "wide": lambda _: operation("conv_7x1_1x7", 4),
            "own": lambda _: nn.Sequential(nn.Conv2d(4, 4, 3, padding=1), nn.Tanh()),
            "twice": lambda _: twice(),
            "affine": lambda _: nn.Sequential(nn.ReLU(), nn.BatchNorm2d(4)),
            "sigmoid": lambda _: nn.Sigmoid(),
            "dil": lambda _: operation("dil_conv_3x3", 4),
        }
        with choose.scope("cell"):
            nodes = [choose.edges(f"node{i}", range(i), None, options) for i in (1, 2, 3)]
        return nn.Sequential(
            nn.Conv2d(shape.channels, 4, 1), DenseCell(nodes), pooled_classifier(4, shape.classes, normalise=True)
        )


def mixture_of(space: nw.Space, dtype: torch.dtype, *, sources: bool = True, **active: Any) -> Mixture:
    generator = torch.Generator().manual_seed(1)
    weights: dict[str, Tensor] = {}
    for decision in space.decisions:
        if decision.kind == "sources":
            if sources:
                weights[decision.name] = torch.rand(len(decision.edges), generator=generator, dtype=dtype) + 0.5
        else:
            count = len(decision.options) + len(decision.soft)
            weights[decision.name] = torch.randn(count, generator=generator, dtype=dtype).softmax(0)
    return Mixture({name: each.requires_grad_() for name, each in weights.items()}, **active)


def supernet_of(space: nw.Space, size: tuple[int, int], dtype: torch.dtype, **options: Any) -> Supernet:
    torch.manual_seed(0)
    return Supernet(space, TaskShape((3, *size), 5), **options).to(dtype)


def results(supernet: Supernet, mixture: Mixture, batch: int) -> list[Tensor]:
    """Loss, gradients of the mixture and of the weights; zeros where there is none."""
    torch.manual_seed(3)
    dtype = next(supernet.parameters()).dtype
    images = torch.randn(batch, 3, supernet.shape.height, supernet.shape.width, dtype=dtype)
    loss = cross_entropy(supernet(images, mixture), torch.arange(batch) % 5)
    wanted = [*mixture.weights.values(), *supernet.parameters()]
    found = torch.autograd.grad(loss, wanted, allow_unused=True)
    return [loss.detach(), *(torch.zeros_like(w) if g is None else g for g, w in zip(found, wanted, strict=True))]


def difference(found: Sequence[Tensor], expected: Sequence[Tensor]) -> float:
    """Of all numbers, relative to the largest of the gradients."""
    scale = max(float(each.detach().abs().max()) for each in expected)
    return max(float((a - b).detach().abs().max()) for a, b in zip(found, expected, strict=True)) / scale


def compared(
    space: nw.Space, size: tuple[int, int] = (8, 8), batch: int = 2, dtype: torch.dtype = torch.float64, **options: Any
) -> float:
    mixing = {name: options.pop(name) for name in ("sources", "active") if name in options}
    mixture = mixture_of(space, dtype, **mixing)
    fast, plain = (supernet_of(space, size, dtype, fused=fused, **options) for fused in (True, False))
    return difference(results(fast, mixture, batch), results(plain, mixture, batch))


@pytest.fixture(params=["cpu", "elsewhere"])
def path(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Runs on a CPU what other devices do, too."""
    if request.param == "elsewhere":
        monkeypatch.setattr(layout, "on_cpu", lambda x: False)
    return request.param


@pytest.mark.parametrize(
    ("space", "size", "options"),
    [
        (SMALL, (8, 8), {}),
        (SMALL, (9, 9), {"normalise_pooling": True, "sources": False}),
        (SMALL, (7, 10), {"partial_channels": 2}),
        (BENCH, (9, 9), {}),
        (BENCH, (8, 8), {"normalise_pooling": True}),
        (Unusual(), (6, 5), {}),
    ],
)
@pytest.mark.usefixtures("path")
def test_fast_equals_plain(space: nw.Space, size: tuple[int, int], options: Mapping[str, Any]) -> None:
    assert compared(space, size, **options) < 1e-10


def test_many_tiles_give_what_one_gives(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tiles, "TILE", 1)
    assert compared(SMALL, (9, 9), normalise_pooling=True) < 1e-10


def test_moments_are_of_all_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tiles, "TILE", 1)
    left, right = (torch.randn(3, 19, columns, dtype=torch.float64) for columns in (2, 5))
    assert [part.shape[1] for part, _ in tiles.tiled(left, right)] == [8, 8, 3]
    total, (square, product) = tiles.moments(left, [left, right])
    torch.testing.assert_close(total, left.sum(1))
    torch.testing.assert_close(square, left.transpose(1, 2) @ left)
    torch.testing.assert_close(product, left.transpose(1, 2) @ right)


@pytest.mark.parametrize("options", [{"affine": True}, {"drop_path": True}, {"recompute": True}])
def test_supernet_options_keep_the_results(options: Mapping[str, Any]) -> None:
    assert compared(TINY, **options) < 1e-10


@pytest.mark.parametrize("count", [1, 2])
def test_only_active_options(count: int) -> None:
    active = {
        decision.name: tuple((i + 3 * j) % 7 for j in range(count))
        for i, decision in enumerate(TINY.decisions)
        if decision.kind != "sources"
    }
    assert compared(TINY, active=active) < 1e-10


def test_float32_is_as_exact_as_the_plain_form() -> None:
    truth, mixture = None, None
    errors: dict[bool, float] = {}
    for fused, dtype in ((False, torch.float64), (True, torch.float32), (False, torch.float32)):
        mixture = mixture_of(TINY, dtype)
        supernet = supernet_of(TINY, (16, 16), torch.float32, fused=fused).to(dtype)
        torch.manual_seed(3)
        images = torch.randn(4, 3, 16, 16).to(dtype)
        loss = cross_entropy(supernet(images, mixture), torch.arange(4))
        wanted = [*mixture.weights.values(), *supernet.parameters()]
        found = torch.cat([g.flatten() for g in torch.autograd.grad(loss, wanted, allow_unused=True) if g is not None])
        if truth is None:
            truth = found
        else:
            errors[fused] = float((found.double() - truth).norm() / truth.norm())
    assert errors[True] < max(5 * errors[False], 1e-5)


def test_mixed_precision_stays_near() -> None:
    mixture = mixture_of(TINY, torch.float32)
    fast, plain = (supernet_of(TINY, (8, 8), torch.float32, fused=fused) for fused in (True, False))
    images = torch.randn(8, 3, 8, 8)
    expected = plain(images, mixture)
    with torch.autocast("cpu", torch.bfloat16):
        found, near = fast(images, mixture), plain(images, mixture)
    bound = 4 * float((near.float() - expected).norm().detach()) + 1e-3
    assert float((found.float() - expected).norm().detach()) < bound
    found.float().sum().backward()
    assert all(each.grad is not None and each.grad.isfinite().all() for each in mixture.weights.values())


@pytest.mark.usefixtures("path")
def test_unwanted_gradients_are_not_computed() -> None:
    supernet = supernet_of(TINY, (8, 8), torch.float64)
    expected = results(supernet, mixture_of(TINY, torch.float64), 2)
    count = len(mixture_of(TINY, torch.float64).weights)
    images, labels = _batch()

    mixture = mixture_of(TINY, torch.float64)
    for each in supernet.parameters():
        each.requires_grad_(False)
    cross_entropy(supernet(images, mixture), labels).backward()
    found = [each.grad for each in mixture.weights.values()]
    assert difference(found, expected[1 : 1 + count]) < 1e-10  # type: ignore[arg-type]
    assert all(each.grad is None for each in supernet.parameters())

    for each in supernet.parameters():
        each.requires_grad_(True)
    fixed = Mixture({name: each.detach() for name, each in mixture.weights.items()})
    cross_entropy(supernet(images, fixed), labels).backward()
    grads = [torch.zeros_like(each) if each.grad is None else each.grad for each in supernet.parameters()]
    assert difference(grads, expected[1 + count :]) < 1e-10


def _batch() -> tuple[Tensor, Tensor]:
    torch.manual_seed(3)
    return torch.randn(2, 3, 8, 8, dtype=torch.float64), torch.arange(2) % 5


def test_nothing_is_kept_after_a_pass() -> None:
    supernet = supernet_of(TINY, (8, 8), torch.float64)
    images, _ = _batch()
    kept: list[weakref.ref[Tensor]] = []
    for each in supernet.modules():
        if isinstance(each, MixedEdges):
            each.register_forward_hook(lambda module, inputs, output: kept.append(weakref.ref(output)))
    gc.collect()
    gc.disable()
    try:
        supernet(images, mixture_of(TINY, torch.float64)).sum().backward()
        assert len(kept) == 4
        assert not [each for each in kept if each() is not None]
    finally:
        gc.enable()
    assert not supernet.selection.scratch


def test_nothing_is_kept_after_an_exception() -> None:
    supernet = supernet_of(TINY, (8, 8), torch.float64)
    images, _ = _batch()
    node = next(each for each in supernet.modules() if isinstance(each, MixedEdges))

    def fail(*_: Any) -> None:
        raise RuntimeError("on purpose")

    hook = node.register_forward_hook(fail)
    with pytest.raises(RuntimeError, match="on purpose"):
        supernet(images, mixture_of(TINY, torch.float64))
    assert not supernet.selection.scratch
    hook.remove()
    assert supernet(images, mixture_of(TINY, torch.float64)).isfinite().all()


def test_a_copy_computes_with_its_own_weights() -> None:
    supernet = supernet_of(TINY, (8, 8), torch.float64)
    twin = copy.deepcopy(supernet)
    with torch.no_grad():
        for each in supernet.parameters():
            each.zero_()
    fresh = results(supernet_of(TINY, (8, 8), torch.float64), mixture_of(TINY, torch.float64), 2)
    assert difference(results(twin, mixture_of(TINY, torch.float64), 2), fresh) == 0
    assert not [name for name in twin.state_dict() if "group" in name]


def test_states_that_differ_between_siblings_are_not_shared() -> None:
    supernet, plain = (supernet_of(TINY, (8, 8), torch.float64, fused=fused) for fused in (True, False))
    mixture = mixture_of(TINY, torch.float64)
    given = [torch.randn(2, 4, 8, 8, dtype=torch.float64) for _ in range(5)]
    found: list[list[Tensor]] = []
    for each in (supernet, plain):
        first, second = [node for node in each.modules() if isinstance(node, MixedEdges)][:2]
        with each.selection.during((None, mixture.weights, {})):
            found.append([first(given[:2]), second(given[2:5]), second(given[:3])])
    assert difference(*found) < 1e-12


@pytest.mark.parametrize("kernel", [1, 3, 5, 7])
@pytest.mark.parametrize(("stride", "dilation"), [(1, 1), (2, 1), (1, 2), (2, 2), (1, 3)])
def test_depthwise_gradients(kernel: int, stride: int, dilation: int) -> None:
    window = Window(kernel, stride, dilation)
    for height, width in ((8, 8), (9, 7), (2, 3), (1, 1)):
        x = torch.randn(2, 3, height, width, dtype=torch.float64).contiguous(memory_format=torch.channels_last)
        x.requires_grad_()
        weight = torch.randn(3, 1, kernel, kernel, dtype=torch.float64, requires_grad=True)
        output = convolve(x, weight, window)
        gradient = torch.randn_like(output)
        expected = torch.autograd.grad(output, (x, weight), gradient)
        found = depthwise.gradients(gradient, x.detach(), weight.detach(), window, (True, True))
        for a, b in zip(found, expected, strict=True):
            assert a is not None
            torch.testing.assert_close(a, b, rtol=1e-11, atol=1e-11)


def test_folded_gradients_equal_finite_differences() -> None:
    def wanted(*shape: int) -> Tensor:
        values = torch.randn(*shape, dtype=torch.float64)
        return (values.contiguous(memory_format=torch.channels_last) if len(shape) == 4 else values).requires_grad_()

    z, other, matrix, kernels = wanted(2, 4, 3, 4), wanted(2, 4, 3, 4), wanted(2, 2, 2), wanted(4, 1, 3, 3)
    weights = torch.rand(2, 2, dtype=torch.float64).requires_grad_()
    torch.autograd.gradcheck(lambda *a: FoldedMiddle.apply(*a, Window(3), 1e-5, None), (z, matrix, kernels))
    torch.autograd.gradcheck(
        lambda p, *a: FoldedSum.apply(p, 1e-5, None, *a),
        (weights, z, other, matrix, matrix.detach().mul(2).requires_grad_()),
    )


@pytest.mark.parametrize(
    ("name", "stride", "kind"),
    [
        ("sep_conv_3x3", 1, Chain),
        ("dil_conv_5x5", 2, Chain),
        ("nor_conv_3x3", 1, Dense),
        ("skip_connect", 2, Reduction),
        ("skip_connect", 1, Shared),
        ("max_pool_3x3", 2, Shared),
        ("conv_7x1_1x7", 1, type(None)),
    ],
)
def test_options_are_recognised(name: str, stride: int, kind: type) -> None:
    module = operation(name, 4, stride, affine=False, track_running_stats=False)
    assert isinstance(read(module).kind, kind)


@pytest.mark.parametrize("norm", [{"affine": True, "track_running_stats": False}, {"affine": False}])
def test_other_normalisations_are_left_alone(norm: dict[str, bool]) -> None:
    assert read(operation("sep_conv_3x3", 4, **norm)).kind is None


def test_a_hook_keeps_an_option_from_being_shared() -> None:
    module = operation("dil_conv_3x3", 4, affine=False, track_running_stats=False)
    next(module.children()).register_forward_hook(lambda *_: None)
    assert read(module).kind is None

"""Which arithmetic and memory order a training uses: a rule, so the same network on the same device gets the same.

Measured on an Intel Xeon with AVX-512 BF16 and AMX, PyTorch 2.13, 1 thread: time of forward and backward of
ReLU, convolution, batch normalisation, in bfloat16 as a share of float32, both channels last.

    convolution                      32x32x16    16x16x72    8x8x64      8x8x8      (batches of 64, 32, 64, 64)
    3x3                                0.48        0.37       0.48       0.91
    1x1                                0.69        0.73       0.83       1.14
    3x3 depthwise                      0.75        1.04       0.94       1.22
    5x5 depthwise                      2.30        2.95       2.85       2.44
    3x3 depthwise, dilation 2          2.33        2.89       2.42       2.36

The order channels last took 0.9 to 1.1 times as long as channels first for dense convolutions in float32, 0.8 to 1.1
for 3x3 depthwise, 0.4 to 0.6 for larger or dilated depthwise ones and for pooling. So larger and dilated depthwise
convolutions are held in float32 where the rest runs in bfloat16. Whole training steps of small residual networks
then took, in bfloat16 as a share of float32 (both channels last, batches of 64):

    network                         32x32x36    32x32x16    8x8x64     8x8x16
    3x3 convolutions                  0.62        0.73       0.78       0.88
    inverted residuals, kernel 5      0.73        0.75       0.70       1.01     (all in bfloat16: 1.60 1.53 1.51 2.11)
    3x3 and both inverted residuals   0.57        0.59       0.66       0.96     (all in bfloat16: 1.02 1.17 1.14 1.56)
    separable, dilated and pooling    0.91        1.07       1.01       1.05     (all in bfloat16: 1.89 2.10 1.39 1.35)
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from netwright.core.trees import first, tensors
from netwright.training.arithmetic import arithmetic
from netwright.training.settings import TrainingSettings

LARGE_LAYER = 4_000_000
"""Multiply-adds of one layer in one batch from which bfloat16 pays: below, the conversions cost what it saves."""
LEAST_MATRIX = 16 * 16
"""Input times output channels of a layer from which the matrix units for bfloat16 are filled."""
LONG_ROW = 64
"""Pixels of a row from which on some convolutions are not safe: see `needs_channels_first`."""
FILLED = 16
"""Channels that are computed at a time: of more, but no multiple, some convolutions are not safe."""


@dataclass(frozen=True, slots=True)
class Precision:
    """The choice: `dtype` is "float32", "tf32" (products on CUDA; elsewhere as "float32") or "bfloat16" (autocast;
    weights stay float32), and the memory order."""

    dtype: str
    channels_last: bool

    @contextmanager
    def applied(self, network: nn.Module, device: torch.device, *, deterministic: bool = True) -> Iterator[None]:
        """Within the block the network's memory order and the device's computing are as the choice says.

        Slow layers are held in float32.

        deterministic: see `netwright.training.arithmetic`.
        """
        memory_format = torch.channels_last if self.channels_last else torch.contiguous_format
        network.to(memory_format=memory_format)  # pyright: ignore[reportCallIssue]
        held = slow_layers_in_float32(network, device) if self.dtype == "bfloat16" else nullcontext()
        try:
            with held, arithmetic(device, self.dtype, deterministic=deterministic):
                yield
        finally:
            network.to(memory_format=torch.contiguous_format)  # pyright: ignore[reportCallIssue]

    def autocast(self, device: torch.device) -> AbstractContextManager[Any]:
        """The context in which the network runs; can be entered again and again."""
        return torch.autocast(device.type, torch.bfloat16) if self.dtype == "bfloat16" else nullcontext()


def choose_precision(
    network: nn.Module,
    example: Any,
    settings: TrainingSettings,
    device: torch.device,
    counts: Mapping[nn.Module, float] | None = None,
) -> Precision:
    """Follows the settings, and the rule of this module where they say "auto".

    example: one or more examples as network input, for counting the multiply-adds.
    counts: these, where they are known (see `multiply_adds`). On CUDA, bfloat16 where the device has it. On CPU,
        bfloat16 where the processor has instructions for it and layers that gain from it hold at least half of the
        multiply-adds.
    """
    channels_last = settings.channels_last
    if channels_last == "auto":
        channels_last = any(each.dim() == 4 for each in tensors(example)) and any(
            isinstance(module, nn.Conv2d) for module in network.modules()
        )
    dtype = settings.precision
    if dtype == "auto":
        dtype = "bfloat16" if _bfloat16_pays(network, example, settings.batch_size, device, counts) else "float32"
    return Precision(dtype, channels_last and not needs_channels_first(network, example, device, dtype))


def needs_channels_first(
    network: nn.Module, example: Any, device: torch.device, dtype: str = "float32", *, held: bool = True
) -> bool:
    """Whether training the network with its channels last writes or reads beyond its memory on the CPU.

    Two gradients by the weights of convolutions do (found by trying sizes with PyTorch 2.13; all are right with
    channels first): that of a strided 1x1 convolution of 2 to 15 channels to at most 16, where rows are 64 pixels or
    longer; and in bfloat16 that of one which is dilated over rows and not strided, where it is grouped or takes more
    than 16 channels that are no multiple of 16.

    network: that is trained.
    example: of its inputs.
    device: that computes.
    dtype: see `Precision`.
    held: whether layers that are slow in bfloat16 run in float32, as `Precision.applied` has them.
    """
    if device.type != "cpu":
        return False
    rows = max((max(each.shape[2:]) for each in tensors(example) if each.dim() == 4), default=0)
    if rows >= LONG_ROW and any(map(_is_strided_and_narrow, network.modules())):
        return True
    return dtype == "bfloat16" and any(
        _is_dilated_and_uneven(module) and not (held and slow_in_bfloat16(module)) for module in network.modules()
    )


def _is_strided_and_narrow(module: nn.Module) -> bool:
    if not isinstance(module, nn.Conv2d) or module.groups > 1 or max(module.kernel_size) > 1 or max(module.stride) < 2:
        return False
    return module.in_channels < 16 and module.out_channels <= 16


def _is_dilated_and_uneven(module: nn.Module) -> bool:
    if not isinstance(module, (nn.Conv2d, nn.ConvTranspose2d)) or module.dilation[0] < 2 or module.stride[0] > 1:
        return False
    return module.groups > 1 or (module.in_channels > FILLED and module.in_channels % FILLED > 0)


def _bfloat16_pays(
    network: nn.Module,
    example: Tensor,
    batch_size: int,
    device: torch.device,
    counts: Mapping[nn.Module, float] | None,
) -> bool:
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    if device.type != "cpu" or not cpu_has_bfloat16():
        return False
    counts = multiply_adds(network, example) if counts is None else counts
    relevant = {module: count for module, count in counts.items() if not slow_in_bfloat16(module)}
    gaining = sum(count for module, count in relevant.items() if _gains(module, count * batch_size))
    return gaining > 0 and gaining >= sum(relevant.values()) / 2


def cpu_has_bfloat16() -> bool:
    """Whether this processor multiplies bfloat16 matrices in hardware (AVX-512 BF16 or AMX)."""
    tests = ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
    return torch.backends.mkldnn.is_available() and any(getattr(torch.cpu, test, bool)() for test in tests)


def slow_in_bfloat16(module: nn.Module) -> bool:
    """Whether this is a depthwise convolution with a kernel above 3 or dilated, which has no fast kernel on CPU."""
    if not isinstance(module, nn.Conv2d) or module.groups == 1 or module.groups != module.in_channels:
        return False
    return max(module.kernel_size) > 3 or max(module.dilation) > 1


def _gains(module: nn.Module, count: float) -> bool:
    if not isinstance(module, nn.Conv2d) or module.groups > 1:
        return False
    return module.in_channels * module.out_channels >= LEAST_MATRIX and count >= LARGE_LAYER


def multiply_adds(network: nn.Module, example: Any, *, evaluating: bool = True) -> dict[nn.Module, float]:
    """Multiply-adds for one example of every convolution and linear layer that it passes through, by one forward.

    evaluating: whether that pass is one of evaluation, which leaves the network as it was.
    """
    counts: dict[nn.Module, float] = {}

    def count(module: nn.Module, _: object, output: Tensor) -> None:
        weight = module.weight  # a parameter, or computed from others by a weight norm
        assert isinstance(weight, Tensor)
        counts[module] = counts.get(module, 0) + output.numel() * weight[0].numel() / len(first(example))

    kinds = (nn.Conv1d, nn.Conv2d, nn.Linear)
    layers: list[nn.Module] = [module for module in network.modules() if isinstance(module, kinds)]
    with _hooked(layers, lambda layer: [layer.register_forward_hook(count)]), torch.no_grad():
        was_training = network.training
        network.train(not evaluating)
        network(example)
        network.train(was_training)
    return counts


@contextmanager
def slow_layers_in_float32(network: nn.Module, device: torch.device) -> Iterator[None]:
    """Within the block, layers that are slow in bfloat16 on CPU run in float32 inside autocast."""
    layers = [module for module in network.modules() if slow_in_bfloat16(module)] if device.type == "cpu" else []
    with _hooked(layers, _hold):
        yield


def _hold(layer: nn.Module) -> list[Any]:
    def before(_: nn.Module, inputs: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        torch.set_autocast_enabled("cpu", False)
        return tuple(each.float() for each in inputs)

    def after(_: nn.Module, __: object, output: Tensor | None) -> Tensor | None:
        torch.set_autocast_enabled("cpu", True)
        return None if output is None else output.bfloat16()  # None where the layer itself failed

    return [layer.register_forward_pre_hook(before), layer.register_forward_hook(after, always_call=True)]


@contextmanager
def _hooked(layers: list[nn.Module], hook: Callable[[nn.Module], list[Any]]) -> Iterator[None]:
    handles = [handle for layer in layers for handle in hook(layer)]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()

"""The gradient of the weights of a depthwise convolution on a CPU, put together from cases that are fast.

oneDNN has a fast form for kernels at most 3 wide without dilation (of any height, up to that of the image); any other
case takes it 10 to 100 times as long. So a dilated convolution is taken apart into its phases, which are convolutions
without dilation, and a wide kernel into windows 3 wide. All windows read one padded copy of the input, each from
another offset.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import pad

_aten = torch.ops.aten
_WIDE = 3  # columns of the widest kernel that is fast


def weight_gradient(gradient: Tensor, x: Tensor, kernel: int, stride: int = 1, dilation: int = 1) -> Tensor:
    """Gradient (c, 1, kernel, kernel) of the weight of a depthwise convolution of x (n, c, h, w).

    The kernel's size is odd, the padding dilation * (kernel // 2); the gradient has the shape of the output.
    """
    dilation = dilation if kernel > 1 else 1
    if dilation > 1 and stride > 1:
        # A strided convolution is one without stride of which the results between are not used.
        full = gradient.new_zeros(x.shape).contiguous(memory_format=torch.channels_last)
        full[:, :, ::stride, ::stride] = gradient
        gradient, stride = full, 1
    if dilation == 1 and kernel <= min(_WIDE, x.shape[2]):
        return _fast(gradient, x, kernel, kernel, stride, kernel // 2)
    return _windows(gradient, x, kernel, stride, dilation)


def _windows(gradient: Tensor, x: Tensor, kernel: int, stride: int, step: int) -> Tensor:
    """The case of a wide kernel or of a dilation, by so many steps, of which only one is not 1: stride and step.

    x is copied into rows that begin with zeros, `margin` columns of the gradient wide, and the gradient likewise. Where
    the gradient is not zero, whatever a kernel reads beyond a row is then the zeros at the start of the next one, so
    shifting all of x by columns is reading it from another offset.
    """
    half = kernel // 2
    c = gradient.shape[1]
    h, w = (-(-extent // step) for extent in gradient.shape[2:])
    margin = -(-half // stride) if kernel > _WIDE else 0
    width, height = w + margin, max(h, -(-kernel // stride))
    padded = _phases(gradient, step, (height, width), margin)
    spread = _phases(x, step, (stride * height, stride * width), stride * margin, slack=kernel * c)
    firsts = range(0, kernel - 1, _WIDE - 1)  # first column of each window; they overlap by one
    parts: list[Tensor] = []
    for first in firsts:
        offset = spread.storage_offset() + (first - half + 1) * c
        shifted = spread.as_strided(spread.shape, spread.stride(), offset)
        parts.append(_fast(padded, shifted, kernel, _WIDE, stride, half))
    # The last column of a window that reads to the left lacks the row's end; the next window has it.
    return torch.cat([*(part[..., : _WIDE - 1] for part in parts[:-1]), parts[-1]], 3)


def _phases(x: Tensor, step: int, extents: tuple[int, int], margin: int, slack: int = 0) -> Tensor:
    """The step * step subsampled images of each of x (n, c, h, w), as a batch, inside larger images of zeros.

    extents: of those images; margin: columns at their left; slack: free numbers before and after all in memory.
    """
    n, c, h, w = x.shape
    rows, columns = -(-h // step), -(-w // step)
    if h % step or w % step:
        x = pad(x, (0, columns * step - w, 0, rows * step - h))
    shape = step, step, n, *extents, c
    buffer = x.new_empty(2 * slack + torch.Size(shape).numel())
    images = buffer[slack : len(buffer) - slack].view(shape)
    if rows < extents[0]:
        buffer.zero_()
    for edge in (
        buffer[:slack],
        buffer[len(buffer) - slack :],
        images[..., :margin, :],
        images[..., margin + columns :, :],
    ):
        if edge.numel():
            edge.zero_()
    inner = images[..., :rows, margin : margin + columns, :].permute(2, 3, 0, 4, 1, 5)
    inner.copy_(x.permute(0, 2, 3, 1).unflatten(2, (columns, step)).unflatten(1, (rows, step)))
    return images.flatten(0, 2).permute(0, 3, 1, 2)


def _fast(gradient: Tensor, x: Tensor, height: int, width: int, stride: int, padding: int) -> Tensor:
    weight = x.new_empty(x.shape[1], 1, height, width)
    arguments = ([stride] * 2, [padding, width // 2], [1, 1], False, [0, 0], x.shape[1], [False, True, False])
    return _aten.convolution_backward(gradient, x, weight, None, *arguments)[1]

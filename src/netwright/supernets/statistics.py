"""By which statistics the batch normalisations of a supernet normalise: the batch's own, or running ones."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor, nn

Norm = nn.BatchNorm1d | nn.BatchNorm2d


def norms_of(network: nn.Module) -> list[Norm]:
    return [each for each in network.modules() if isinstance(each, (nn.BatchNorm1d, nn.BatchNorm2d))]


def statistics_per_batch(network: nn.Module, *, running: bool = False) -> None:
    """Batch normalisation by the batch's own statistics, in training and evaluation mode.

    running: whether running statistics are kept beside, which `moving` moves and `settled` normalises by. They are
        those of mixtures: where paths are trained one by one, a path's running averages would be another path's.
    """
    for norm in norms_of(network):
        norm.track_running_stats = False
        if not running:
            norm.running_mean = norm.running_var = norm.num_batches_tracked = None


def keeps(norm: Norm) -> bool:
    """Whether it has running statistics."""
    return norm.running_mean is not None


def moves(norm: Norm) -> bool:
    """Whether a pass now moves its running statistics."""
    return keeps(norm) and norm.training and norm.track_running_stats


def is_settled(norm: Norm) -> bool:
    """Whether it now normalises by its running statistics."""
    return keeps(norm) and not norm.training


@contextmanager
def moving(norms: Sequence[Norm]) -> Generator[None]:
    """Inside, each pass moves the running statistics of what it normalises, a tenth of the way to the batch's."""
    before = [each.track_running_stats for each in norms]
    for each in norms:
        each.track_running_stats = keeps(each)
    try:
        yield
    finally:
        for each, was in zip(norms, before, strict=True):
            each.track_running_stats = was


@contextmanager
def repeated(norms: Sequence[Norm], moved: bool) -> Generator[None]:
    """Inside, a pass is computed again as it was, and running statistics that it moved then do not move again."""
    before = [each.momentum for each in norms]
    try:
        with moving(norms if moved else ()):
            for each in norms:
                each.momentum = 0.0
            yield
    finally:
        for each, momentum in zip(norms, before, strict=True):
            each.momentum = momentum


def move(norms: Sequence[Norm], mean: Tensor, inverse: Tensor, count: int) -> None:
    """Move running statistics as the norms themselves would.

    norms: all of one momentum and one number of channels.
    mean, inverse: of all their channels in their order, the mean and one over the deviation that was divided by, flat.
    count: values a channel.
    """
    first = norms[0]
    unbiased = (inverse.double().square().reciprocal() - first.eps).clamp_min(0) * (count / max(1, count - 1))
    for name, found in (("running_mean", mean), ("running_var", unbiased)):
        kept = [getattr(each, name) for each in norms]
        parts = found.to(kept[0].dtype).flatten().split([len(each) for each in kept])
        torch._foreach_lerp_(kept, list(parts), first.momentum or 0.0)  # pyright: ignore


def alike(norms: Sequence[Sequence[Norm]]) -> None:
    """Give normalisations that have the same input the running statistics of the first, which alone has moved."""
    first, *others = norms
    for source, *targets in zip(first, *others, strict=True):
        if targets and moves(source):
            for name in ("running_mean", "running_var"):
                for target in targets:
                    getattr(target, name).copy_(getattr(source, name))


def settled_statistics(norms: Sequence[Norm]) -> tuple[Tensor, Tensor]:
    """The running means of all channels, in the norms' order, and one over their deviations."""
    means, variances = ([getattr(each, name) for each in norms] for name in ("running_mean", "running_var"))
    return torch.cat(means), (torch.cat(variances) + norms[0].eps).rsqrt()

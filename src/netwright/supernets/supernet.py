"""All networks of a space in one, sharing their weights, from the same `network` method as each of them."""

from __future__ import annotations

import itertools
import weakref
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager, nullcontext
from functools import cache
from typing import Any, Self

import numpy as np
import torch
from torch import nn
from torch.utils.checkpoint import checkpoint

from netwright.core.architecture import Architecture, Mixture
from netwright.core.decision_space import DecisionSpace
from netwright.core.errors import InvalidArchitecture, UserError
from netwright.core.kinds import kinds_checked
from netwright.core.members import one_answer
from netwright.core.task import TaskShape
from netwright.supernets import preparing
from netwright.supernets.fusion import fuse
from netwright.supernets.joined import open_cells
from netwright.supernets.merging import merge_kernels
from netwright.supernets.mixed import MixedOperation
from netwright.supernets.mixing import Mixer
from netwright.supernets.open_graph import OpenGraphCell
from netwright.supernets.pairing import copy_weights
from netwright.supernets.recurrent import open_recurrent_cells
from netwright.supernets.selection import Selection, setting_of
from netwright.supernets.shared_network import SharedNetwork
from netwright.supernets.sliced import make_elastic
from netwright.supernets.statistics import Norm, moves, moving, norms_of, repeated, statistics_per_batch

PROVIDES = ("super.mixed_op", "super.path")

COMPARED = 2  # of them whose results are compared, too
CHECKED = 8  # architectures drawn to check that each has its weights in the supernet

_last: tuple[Callable[[], DecisionSpace | None], tuple[object, ...]] = (lambda: None, ())  # supernet that was checked


class Supernet(SharedNetwork):
    """Runs any architecture of a space, or any mixture of all, on shared weights.

    `supernet(x, candidate)`: x (n, channels, height, width) or (n, features); gives what the network gives, such as
    logits (n, classes). For an `Architecture` only the chosen options are computed, and the result equals that of the
    stand-alone network with the same weights; for a `Mixture` every active option, weighted. Cells that share
    decisions do not share weights. Weights are drawn from torch's current generator.

    space: the space whose architectures are meant.
    shape: of the examples.
    affine: whether batch normalisations inside the parts that leave something open have a scale and shift. Their
        statistics are those of the batch, in evaluation mode, too.
    normalise_pooling: batch normalisation after each option that only pools, as the authors of DARTS have it; the
        stand-alone networks have none there.
    partial_channels: k lets 1/k of the channels pass the operations of each edge (Xu et al. 2020).
    kernel_transform: smaller kernels pass a learnt linear map (Cai et al. 2020).
    drop_path: keep the places where paths may be dropped; on a node's edges one for all that is mixed on the edge.
    skip_dropout: put in places where skip connections may be dropped.
    fused: compute what the options of a cell have in common once.
    recompute: keep only the inputs of each part that leaves something open, and compute it anew in the backward pass:
        less memory, more time.
    running_statistics: whether batch normalisations also keep running statistics, which passes inside `moving` move,
        and by which those inside `settled` normalise.
    merged: options that differ in their kernels alone share all else, and are one convolution in a mixture (Wang et al.
        2020); nothing is fused then.
    group_series: convolutions whose groups are open have a term for each number of them, summed from the most groups on
        (Howard-Jenkins et al. 2020), in place of the first columns of one weight.

    Raises UserError for a space whose networks cannot share weights: text as the value of a decision, sizes of layers
    that cannot be sliced, structure that depends on the architecture. ConfigurationError where partial channels
    cannot be.
    """

    @kinds_checked
    def __init__(
        self,
        space: DecisionSpace,
        shape: TaskShape,
        *,
        affine: bool = False,
        normalise_pooling: bool = False,
        partial_channels: int = 1,
        kernel_transform: bool = False,
        drop_path: bool = False,
        skip_dropout: bool = False,
        fused: bool = True,
        recompute: bool = False,
        running_statistics: bool = False,
        merged: bool = False,
        group_series: bool = False,
    ) -> None:
        super().__init__()
        self.space, self.shape = space, shape
        self.running_statistics = running_statistics
        self.partial_channels = partial_channels
        self.selection = Selection()
        self.network = space.network(Mixer(self.selection), shape)
        open_cells(self.network)
        open_recurrent_cells(self.network)
        make_elastic(self.network, self.selection, kernel_transform=kernel_transform, group_series=group_series)
        statistics_per_batch(self.network, running=running_statistics)
        preparing.not_in_place(self.network)
        if drop_path:
            preparing.with_drop_path_on_edges(self.network)
        else:
            preparing.without_drop_path(self.network)
        if not affine:
            preparing.without_affine(self.network)
        if partial_channels > 1:
            preparing.with_partial_channels(self.network, partial_channels)
        else:
            self._check_once((shape, affine, kernel_transform, drop_path, running_statistics, group_series))
        if normalise_pooling:
            preparing.with_normalised_pooling(self.network)
        if skip_dropout:
            preparing.with_dropout_on_skips(self.network)
        if merged:
            merge_kernels(self.network)
        elif fused:
            fuse(self.network)
        if recompute:
            for block in preparing.blocks(self.network):
                _recompute(block, self.selection)

    def train(self, mode: bool = True) -> Self:
        """Training mode, or evaluation mode, in which nothing is dropped; both normalise by the batch's statistics."""
        super().train(mode)
        for norm in self._norms:
            norm.train()
        return self

    @contextmanager
    def moving(self) -> Generator[None]:
        """Inside, each pass moves the running statistics of what it normalises, where they are kept."""
        with moving(self._norms):
            yield

    @contextmanager
    def settled(self) -> Generator[None]:
        """Inside, evaluation mode by running statistics, where they are kept."""
        was = self.training
        super().train(False)
        try:
            yield
        finally:
            self.train(was)

    @property
    def _norms(self) -> list[Norm]:
        return norms_of(self.network) if self.running_statistics else []

    @property
    def mixes(self) -> bool:  # pyright: ignore[reportIncompatibleVariableOverride]
        """Whether it can run mixtures: not where sizes follow from edges, as in NAS-Bench-101."""
        return not any(isinstance(each, OpenGraphCell) and each.shared for each in self.modules())

    def parameter_free(self) -> Mapping[str, frozenset[str]]:
        """For each decision between modules, the hard options that somewhere have nothing to learn."""
        found: dict[str, set[str]] = {}
        hard = {decision.name: decision.options for decision in self.space.decisions}
        for operation in self.modules():
            if isinstance(operation, MixedOperation) and operation.decision is not None:
                free = found.setdefault(operation.decision, set())
                for label, option in zip(operation.labels, operation.options, strict=True):
                    if label in hard[operation.decision] and next(option.parameters(), None) is None:
                        free.add(label)
        return {name: frozenset(labels) for name, labels in found.items()}

    def forward(self, x: Any, candidate: Architecture | Mixture) -> Any:
        if isinstance(candidate, Mixture):
            self.require_whole(candidate)
        else:
            self.space.require_own(candidate)
        with self.selection.during(setting_of(candidate)):
            return self.network(x)

    def require_whole(self, mixture: Mixture) -> None:
        """Raise InvalidArchitecture unless the mixture weighs every option of every decision."""
        places = self.space.decisions.places
        for name, active in mixture.active.items():
            count = len(mixture.weights.get(name, ()))
            if name not in places or any(not 0 <= i < count for i in active):
                raise InvalidArchitecture(f"the mixture's active options {active} of {name!r} are none of its {count}")
        for decision in self.space.decisions:
            weights = mixture.weights.get(decision.name)
            if decision.kind == "sources":
                if weights is not None and len(weights) != len(decision.edges):
                    raise InvalidArchitecture(
                        f"the mixture has {len(weights)} weights for {decision.name!r}, expected one for each of "
                        f"{len(decision.edges)} sources"
                    )
                continue
            expected = len(decision.options) + len(decision.soft)
            if weights is None or len(weights) != expected:
                found = "no weights" if weights is None else f"{len(weights)} weights"
                raise InvalidArchitecture(f"the mixture has {found} for {decision.name!r}, expected {expected}")

    def extract(self, architecture: Architecture) -> nn.Module:
        """The stand-alone network of an architecture, as `space.build` gives it, with copies of the shared weights.

        Running statistics are those of a new network. Raises UserError with partial channels, whose operations are
        smaller than those of the stand-alone networks.
        """
        if self.partial_channels > 1:
            raise UserError(
                "operations on part of the channels have no weights for the stand-alone networks; train those anew"
            )
        self.space.validate(architecture)
        place = next(self.parameters()).device
        with torch.random.fork_rng(devices=[place] if place.type == "cuda" else []):
            alone = self.space.build(architecture, self.shape).to(place)
        with self.selection.during(setting_of(architecture)):
            copy_weights(self.network, alone)
        return alone

    def _check_once(self, settings: tuple[object, ...]) -> None:
        """Check, unless the last supernet that was checked was one of this very space with these settings."""
        global _last
        if _last[0]() is not self.space or _last[1] != settings:
            self._check_shared()
            _last = (weakref.ref(self.space), settings)

    def _check_shared(self) -> None:
        """UserError unless the networks of some random architectures find their weights here."""
        rng = np.random.default_rng(0)
        for _ in range(min(CHECKED, self.space.size)):
            architecture = self.space.sample(rng)
            with torch.device("meta"):
                alone = self.space.build(architecture, self.shape)
            try:
                with self.selection.during(setting_of(architecture)):
                    copy_weights(self.network, alone)
            except UserError as problem:
                raise self._refused(str(problem)) from None
        for _ in range(min(COMPARED, self.space.size)):
            self._compare(self.space.sample(rng))

    def _compare(self, architecture: Architecture) -> None:
        """UserError unless the path of an architecture gives what its network gives alone."""
        alone = self.extract(architecture)
        results: list[torch.Tensor] = []
        with torch.no_grad():
            for run in (alone, lambda inputs: self(inputs, architecture)):
                with torch.random.fork_rng(devices=[]):
                    torch.default_generator.manual_seed(0)  # torch.manual_seed would reach every GPU's, too
                    output = run(self.shape.example(4))
                results.append(one_answer(output[0] if isinstance(output, tuple) else output))
        if not torch.allclose(*results, rtol=1e-3, atol=1e-4):
            raise self._refused(
                f"the path of {architecture} gives other results than its own network; a size may be used where it "
                "cannot be followed (comparisons, int(), float(), lists)"
            )

    def _refused(self, why: str) -> UserError:
        return UserError(
            f"the networks of {self.space} cannot share their weights: {why}; what is not inside a decision must be "
            "the same for all of them"
        )


def _recompute(block: nn.Module, selection: Selection) -> None:
    """Make a module keep its inputs only, and run again, on the same selection, in the backward pass."""
    object.__setattr__(block, "selection", selection)
    block.__class__ = _recomputing(type(block))


@cache
def _recomputing(kind: type[nn.Module]) -> type[nn.Module]:
    def forward(self: Any, *inputs: Any) -> Any:
        if not torch.is_grad_enabled():
            return kind.forward(self, *inputs)
        shared: Selection = self.selection
        setting = shared.now

        norms = norms_of(self)
        moved, passes = any(map(moves, norms)), itertools.count()

        def again(*values: Any) -> Any:
            with shared.during(setting), repeated(norms, moved) if next(passes) else nullcontext():
                return kind.forward(self, *values)

        return checkpoint(again, *inputs, use_reentrant=False)

    def reduced(self: nn.Module, protocol: object) -> Any:
        return _recomputing_object, (kind,), self.__dict__

    return type(kind.__name__, (kind,), {"forward": forward, "__reduce_ex__": reduced})


def _recomputing_object(kind: type[nn.Module]) -> nn.Module:
    """An empty one, for copies and other processes."""
    return kind.__new__(_recomputing(kind))

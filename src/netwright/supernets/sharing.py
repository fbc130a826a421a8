"""What gives the weights that all networks of a space share: a supernet, or another giver, such as a hypernetwork."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from netwright.core.checks import whole_number
from netwright.core.configuration import Configured
from netwright.core.decision_space import DecisionSpace
from netwright.core.errors import ConfigurationError
from netwright.core.space import Space
from netwright.supernets.shared_network import SharedNetwork
from netwright.supernets.supernet import Supernet

if TYPE_CHECKING:
    from netwright.core.task import TaskShape


class Sharing(Configured, ABC):
    """How the networks of a space share their weights: what `SharedWeights(space, task, weights=...)` takes.

    needs: the kind of spaces whose networks it gives weights to; of decisions, unless a subclass takes any.
    shrinks: whether its network gets smaller while it is trained, and keeps the limits of a search by that.
    """

    needs: ClassVar[type[Space]] = DecisionSpace
    shrinks: ClassVar[bool] = False

    @abstractmethod
    def network(
        self, space: Any, shape: TaskShape, *, drop_path: bool, skip_dropout: bool, twice: bool
    ) -> SharedNetwork:
        """A network with new weights, drawn from torch's current generator.

        space, shape: whose networks, on what examples; the space is of the kind that `needs` says.
        drop_path: whether paths are dropped while it is trained; modules with `drop_path_probability` are told it.
        skip_dropout: whether skip connections are.
        twice: whether it is differentiated twice.
        """

    def mean_step(self, left: float) -> float:
        """How long a training step takes on average, as a share of the first; by default as long.

        left: of what the network costs, the share that a limit leaves, at most 1.
        """
        return 1.0


class Form(Configured):
    """In what a supernet departs from the plain one.

    options: its arguments of `Supernet`.
    """

    options: ClassVar[Mapping[str, Any]] = {}

    def arguments_of_supernet(self) -> Mapping[str, Any]:
        return self.options


class Affine(Form):
    """Batch normalisations inside the parts that leave something open have a scale and shift."""

    options: ClassVar[Mapping[str, Any]] = {"affine": True}


class NormalisedPooling(Form):
    """Batch normalisation after each option that only pools, as the authors of DARTS have it."""

    options: ClassVar[Mapping[str, Any]] = {"normalise_pooling": True}


class PartialChannels(Form):
    """Only a part of the channels passes the operations of each edge (Xu et al. 2020).

    share: k lets 1/k of them pass.
    """

    def __init__(self, share: int = 4) -> None:
        self.share = whole_number(self, "share", share)

    def arguments_of_supernet(self) -> Mapping[str, Any]:
        return {"partial_channels": self.share}


class KernelTransform(Form):
    """Smaller kernels pass a learnt linear map (Cai et al. 2020)."""

    options: ClassVar[Mapping[str, Any]] = {"kernel_transform": True}


class RunningStatistics(Form):
    """Batch normalisations keep running statistics, too."""

    options: ClassVar[Mapping[str, Any]] = {"running_statistics": True}


class Unfused(Form):
    """What the options of a cell have in common is computed for each of them anew."""

    options: ClassVar[Mapping[str, Any]] = {"fused": False}


class Recompute(Form):
    """Only the inputs of each open part are kept for the backward pass: less memory, more time."""

    options: ClassVar[Mapping[str, Any]] = {"recompute": True}


class Merged(Form):
    """Options that differ in their kernels alone are one convolution in a mixture (Wang et al. 2020)."""

    options: ClassVar[Mapping[str, Any]] = {"merged": True}


class GroupSeries(Form):
    """Convolutions whose groups are open have a term for each number of them (Howard-Jenkins et al. 2020)."""

    options: ClassVar[Mapping[str, Any]] = {"group_series": True}


class InSupernet(Sharing):
    """All networks in one supernet, which holds every option.

    forms: in what it departs from the plain one, as `[PartialChannels(4), NormalisedPooling()]`; each once.
    """

    def __init__(self, forms: Sequence[Form] = ()) -> None:
        self.forms = tuple(forms)
        kinds = [type(each).__name__ for each in self.forms]
        if len(set(kinds)) < len(kinds):
            raise ConfigurationError(f"InSupernet: forms = {list(self.forms)}; expected each once")

    @property
    def options(self) -> dict[str, Any]:
        """The arguments of `Supernet` that the forms stand for."""
        return {name: value for each in self.forms for name, value in each.arguments_of_supernet().items()}

    def network(
        self, space: DecisionSpace, shape: TaskShape, *, drop_path: bool, skip_dropout: bool, twice: bool
    ) -> SharedNetwork:
        options = {**self.options, "fused": False} if twice else self.options
        return Supernet(space, shape, drop_path=drop_path, skip_dropout=skip_dropout, **options)


FORMS: Mapping[str, type[Form]] = {
    "affine": Affine,
    "normalise_pooling": NormalisedPooling,
    "kernel_transform": KernelTransform,
    "running_statistics": RunningStatistics,
    "recompute": Recompute,
    "merged": Merged,
    "group_series": GroupSeries,
}


def supernet_of(options: Mapping[str, Any]) -> InSupernet:
    """The supernet that these arguments of `Supernet` describe."""
    forms: list[Form] = [kind() for name, kind in FORMS.items() if options.get(name)]
    if options.get("partial_channels", 1) > 1:
        forms.append(PartialChannels(options["partial_channels"]))
    if not options.get("fused", True):
        forms.append(Unfused())
    return InSupernet(forms)

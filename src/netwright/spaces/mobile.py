"""Networks for phones and microcontrollers: inverted bottlenecks in the spaces of many papers."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any, ClassVar

from torch import nn

from netwright.core.architecture import Architecture
from netwright.core.choose import Choose
from netwright.core.closest import closest
from netwright.core.decision_space import DecisionSpace
from netwright.core.decisions import Point
from netwright.core.errors import ConfigurationError, nearest
from netwright.core.task import TaskShape
from netwright.networks.mobile_blocks import divisible
from netwright.spaces.mobile_forms import FORMS, Form, Stage
from netwright.spaces.mobile_known import KNOWN, KnownMobile, mobile_network
from netwright.spaces.mobile_writers import Atoms, Blocks, Layers, Part, Sizes, Writer

PROVIDES = ("space.mobile_blocks", "space.elastic_dims")

WRITERS: Mapping[str, type[Writer]] = {"layers": Layers, "sizes": Sizes, "blocks": Blocks, "atoms": Atoms}


class Mobile(DecisionSpace):
    """Image networks of inverted bottlenecks: a stem, stages at falling resolutions, a wide last convolution.

    What is decided is that of a published space, by the name in `form`:

    - "once-for-all" (Cai et al. 2020): the resolution, and the layers of each stage, each with its kernel and
      expansion; in one supernet all of them are parts of the largest. "mobilenetv3", "mobilenetv3-small" (Howard et al.
      2019) and "mcu" (for microcontrollers, ours) likewise, "fbnetv2" (Wan et al. 2020) with the channels of each
      stage, and whether its layers weigh channels and by which activation. "mobilenetv1" (Berman et al. 2020): the
      channels of each layer alone.
    - "proxylessnas" (Cai et al. 2019), "fbnet" (Wu et al. 2019): kernel, expansion and groups of each layer, or that it
      is left out, "dna" (Li et al. 2020) likewise with weighed channels; "fpnas" (Cui et al. 2019): expansion,
      whether half of the channels go by, and whether there is a shortcut; "shufflenet" (Guo et al. 2020): the unit of
      each layer.
    - "atomnas", "atomnas-small" (Mei et al. 2020): in each layer how many channels in the middle have which kernel.
    - "mnasnet" (Tan et al. 2019): for each block of layers their operation, kernel, weighing of channels, shortcut,
      channels and number.

    Images from 8x8 digits to photographs: of the five times that 224 pixels are halved, small images keep the last ones
    that leave 4 pixels (32x32: three, in the later stages). The decisions are the same for all of them.

    form: the name of a published space.
    width: by which the channels of all stages are multiplied; what is beside 1 is rounded to multiples of 8.
    channels: one number a stage in place of the form's; none for those.
    kernels, expansions, resolutions, multipliers: that are chosen from, in place of the form's; none for those. Of
        resolutions the shares of the images' own. Multipliers are of the channels of each stage, with "atomnas" of the
        most that may have a kernel, where every whole number may be chosen by default.
    last: channels of the last convolution; None for the form's.

    Raises ConfigurationError for a name that is no form, and for settings that the form has no use for.
    """

    called = "mobile"

    form: str = "once-for-all"
    width: float = 1.0
    channels: Sequence[int] = ()
    kernels: Sequence[int] = ()
    expansions: Sequence[float] = ()
    resolutions: Sequence[float] = ()
    multipliers: Sequence[float] = ()
    last: int | None = None

    made: ClassVar[Callable[[Callable[[], nn.Module]], nn.Module]] = staticmethod(lambda make: make())

    def __post_init__(self) -> None:
        if self.form not in FORMS:
            raise ConfigurationError(f"Mobile has no form {self.form!r}{nearest(self.form, FORMS)}")
        form = FORMS[self.form]
        if self.width <= 0:
            raise ConfigurationError(f"Mobile: width must be above 0, found {self.width!r}")
        if self.channels and len(self.channels) != len(form.stages):
            raise ConfigurationError(
                f"Mobile: channels lists {len(self.channels)} numbers; form {self.form!r} has {len(form.stages)} stages"
            )
        self._check_lists(form)

    def _check_lists(self, form: Form) -> None:
        useless = {
            "layers": ("kernels", "expansions", "resolutions", "multipliers"),
            "blocks": ("expansions", "resolutions"),
            "atoms": ("resolutions",),
        }
        for name in useless.get(form.kind, ()):
            if getattr(self, name):
                raise ConfigurationError(
                    f"Mobile: {name} are of no use for form {self.form!r}; expected a form that chooses them, as "
                    '"once-for-all"'
                )
        for name in ("channels", "kernels", "expansions", "resolutions", "multipliers"):
            listed = getattr(self, name)
            if listed and min(listed) <= 0:
                raise ConfigurationError(f"Mobile: {name} must list numbers above 0, found {list(listed)!r}")
        if any(each % 2 == 0 for each in self.kernels):
            raise ConfigurationError(f"Mobile: kernels must be odd, found {list(self.kernels)!r}")
        if self.resolutions and max(self.resolutions) > 1:
            raise ConfigurationError(f"Mobile: resolutions are shares of at most 1, found {list(self.resolutions)!r}")

    @cached_property
    def _writer(self) -> Writer:
        form = FORMS[self.form]
        stages = tuple(self._stage(form, number) for number in range(len(form.stages)))
        form = replace(
            form,
            stages=stages,
            stem=self._wide(form.stem),
            first=self._wide(form.first) if form.first else 0,
            last=form.last if self.last is None else self.last,
            kernels=tuple(self.kernels) or form.kernels,
            expansions=tuple(self.expansions) or form.expansions,
            resolutions=tuple(self.resolutions) or form.resolutions,
        )
        if form.kind in ("blocks", "atoms"):
            form = replace(form, multipliers=tuple(self.multipliers) or form.multipliers)
        return WRITERS[form.kind](form)

    def _wide(self, channels: float) -> int:
        return int(channels) if self.width == 1 else divisible(channels * self.width)

    def _stage(self, form: Form, number: int) -> Stage:
        """A stage with the channels that are asked for; kernels and expansions given replace its own choices."""
        stage = form.stages[number]
        given = (self.channels[number],) if self.channels else stage.channels
        if self.multipliers and form.kind == "sizes":
            given = tuple(sorted({divisible(max(given) * each) for each in self.multipliers}))
        own = tuple(sorted({self._wide(each) for each in given}))
        return replace(
            stage,
            channels=own,
            kernels=() if self.kernels and len(stage.kernels) != 1 else stage.kernels,
            expansions=() if self.expansions and len(stage.expansions) != 1 else stage.expansions,
        )

    def network(self, choose: Choose, shape: TaskShape) -> nn.Module:
        shape.require(type(self).__name__, "images")
        return self._writer.network(choose, shape, self.made)

    def tracing_twin(self) -> DecisionSpace:
        """The same questions without layers, which ask nothing."""
        return _MobileQuestions(*self.call()[0], **self.call()[1])

    def atoms(self) -> Mapping[str, tuple[str, str]]:
        """By decision on how many channels have a kernel, the name of their layer in the network, and its branch.

        Raises ConfigurationError for a form that decides no such thing.
        """
        if not isinstance(self._writer, Atoms):
            raise ConfigurationError(
                f"form {self.form!r} of Mobile has no atomic blocks; expected form=atomnas or form=atomnas-small"
            )
        return self._writer.atoms()

    def blocks(self) -> Mapping[str, Sequence[str]]:
        """The stages, each with its decisions.

        Raises ConfigurationError where channels or the resolution are decided: stages then depend on each other.
        """
        form = self._writer.form
        if form.kind == "blocks" or len(form.resolutions) > 1 or any(len(each.channels) > 1 for each in form.stages):
            raise ConfigurationError(
                f"form {self.form!r} of Mobile decides on channels or on the resolution, so that its stages depend on "
                "each other; expected form=dna, fpnas or fbnet, or form=once-for-all,resolutions=(1.0,)"
            )
        stages = [f"stage{number + 1}" for number in range(len(form.stages))]
        return {stage: [each.name for each in self.decisions if each.name.startswith(f"{stage}/")] for stage in stages}

    def inherit(
        self, parent_network: nn.Module, child_network: nn.Module, parent: Architecture, child: Architecture
    ) -> int:
        """Layers take over those in the same place; of other sizes the common part."""
        from netwright.core.inheriting import take_over

        return take_over(self, parent_network, child_network, parent, child, overlap=True)

    def known(self, shape: TaskShape) -> Mapping[str, Architecture]:
        """The published networks of this form, or the closest to them, and the smallest whose kernels are 3x3."""
        found = {self._like(each): closest(self, each.answers) for each in KNOWN if each.settings["form"] in self._kin}
        least = {"depth": 0, "layers": 0, "kernel": 3, "expansion": 0, "width": 0, "resolution": 1.0, "filters": 1.0}
        least |= {
            "operation": "mbconv3",
            "skip": "identity",
            "channels3": self._wide(48),
            "channels5": 0,
            "channels7": 0,
        }
        form = FORMS[self.form]
        if form.kind == "layers":
            small = {f"mobile network of {form.operations[0]}": closest(self, {})}
        else:
            small = {"small mobile network of 3x3 kernels": closest(self, least)}
        return {**small, **found}

    @property
    def _kin(self) -> tuple[str, ...]:
        """The forms whose published networks this form has, too."""
        return (self.form, "mobilenetv3") if self.form == "once-for-all" else (self.form,)

    def _like(self, known: KnownMobile) -> str:
        """What the closest architecture to a published one is called: by its name where it is that one."""
        settings = {"form": self.form, **{each: getattr(self, each) for each in ("channels", "last", "width")}}
        theirs = {"form": self.form, "channels": (), "last": None, "width": 1.0, **known.settings}
        same = settings == theirs and closest(self, known.answers).decisions.items() >= known.answers.items()
        return known.name if same else f"like {known.name}"

    # What the cost of a network is the sum of.

    @property
    def additive_cost(self) -> bool:
        """Whether each option of each decision adds its own amount: where the operation of each layer is decided."""
        return FORMS[self.form].kind == "layers"

    def cost_terms(self, point: Point) -> list[Hashable]:
        """Names of the parts that the architecture at this point is made of; equal parts have equal names."""
        return [*self._writer.parts(self.decisions.labels(point))]

    def cost_part(self, term: Any, shape: TaskShape) -> tuple[nn.Module, tuple[int, ...]]:
        """The part of that name, and the shape of its input, for examples of this shape."""
        assert isinstance(term, Part)
        return self._writer.made(term, shape)


class _MobileQuestions(Mobile):
    """The same questions, and nothing in the place of layers."""

    made: ClassVar[Callable[[Callable[[], nn.Module]], nn.Module]] = staticmethod(lambda make: nn.Identity())


def published_mobile(name: str) -> tuple[Mobile, Architecture]:
    """The space that a published mobile network belongs to, and its architecture there.

    name: as "mobilenet_v2".

    Raises ConfigurationError for one that is not known.
    """
    known = mobile_network(name)
    space = Mobile(**known.settings)
    return space, space.architecture(known.answers)

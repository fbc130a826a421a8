"""How the three kinds of mobile spaces write a network down, and of which parts its cost is the sum."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

from torch import nn

from netwright.core.choose import Choose
from netwright.core.decisions import Label
from netwright.core.task import TaskShape
from netwright.networks.blocks import halved
from netwright.networks.mobile_blocks import (
    ACTIVATIONS,
    AtomicBlock,
    Resized,
    SqueezeExcite,
    added,
    convolution,
    divisible,
    fitting_strides,
    inverted_bottleneck,
    is_open,
    mobile_head,
    whole,
)
from netwright.networks.shuffle_blocks import SHUFFLE_KERNELS, shuffle_unit, split_bottleneck
from netwright.spaces.mobile_forms import SPLIT, Form, Stage

SQUEEZED = 4  # channels for one in the middle of a weighing of channels
Made = Callable[[Callable[[], nn.Module]], nn.Module]
"""What becomes of a layer that could be made: the layer, or nothing where only questions matter."""


class Part(NamedTuple):
    """A part of a network by what it follows from, and the strides and the scale of what it reads."""

    kind: str
    settings: tuple[Any, ...]
    halvings: int
    scale: float


@dataclass(frozen=True)
class Writer(ABC):
    """Writes the networks of a form down.

    form: of the space.
    """

    form: Form

    def network(self, choose: Choose, shape: TaskShape, made: Made) -> nn.Module:
        """The network that the answers give.

        choose: asked for what is open.
        shape: of the examples.
        made: makes a layer, or leaves it out.
        """
        strides = self.strides(shape)
        layers: OrderedDict[str, nn.Module] = OrderedDict()
        if len(self.form.resolutions) > 1:
            layers["resolution"] = _resized(shape, choose.value("resolution", self.form.resolutions))
        layers["stem"] = self.stem(shape.channels, strides[0])
        if self.form.first:
            layers["first"] = self.first()
        before = self.stages(choose, strides[1:], layers, made)
        layers["head"] = self.end(before, shape.classes)
        return nn.Sequential(layers)

    @abstractmethod
    def stages(self, choose: Choose, strides: Sequence[int], layers: dict[str, nn.Module], made: Made) -> Any:
        """Add the stages, whose first layers have these strides, to the layers; the channels that they give."""

    @abstractmethod
    def parts_of_stages(self, answers: Mapping[str, Label], scale: float) -> tuple[list[Part], int]:
        """The parts of the stages of the network of these answers, and the channels that they give."""

    @abstractmethod
    def layer(self, settings: tuple[Any, ...], stride: int) -> nn.Module:
        """The layer of a part."""

    def read(self, settings: tuple[Any, ...]) -> int:
        """The channels that the layer of a part reads."""
        return settings[0]

    def strides(self, shape: TaskShape) -> list[int]:
        """Of the stem and of the first layer of each stage, on images of this shape."""
        return fitting_strides(min(shape.height, shape.width), [2, *(each.stride for each in self.form.stages)])

    def stem(self, inputs: int, stride: int) -> nn.Module:
        """What reads the image."""
        return convolution(inputs, self.form.stem, 3, stride, activation=self.form.activation)

    def first(self) -> nn.Module:
        """The layer that is not widened."""
        form = self.form
        same = form.stem == form.first
        return inverted_bottleneck(form.stem, form.first, 3, activation=form.begins, residual=same)

    def end(self, inputs: int, classes: int) -> nn.Sequential:
        """The last convolution where there is one, the mean over all pixels, the classifier."""
        form = self.form
        widen = [convolution(inputs, form.last, 1, activation=form.end)] if form.last else []
        head = mobile_head(form.last or inputs, classes, hidden=form.hidden, activation=form.end, dropout=form.dropout)
        return nn.Sequential(*widen, *head)

    @property
    def begin(self) -> int:
        """Channels that the first stage reads."""
        return self.form.first or self.form.stem

    # What the cost of a network is the sum of.

    def parts(self, answers: Mapping[str, Label]) -> list[Part]:
        """The parts of the network of these answers; a decision that has one option only is not among them."""
        scale = float(answers.get("resolution", self.form.resolutions[0]))  # pyright: ignore[reportArgumentType]
        found = [Part("resolution", (), 0, scale)] if len(self.form.resolutions) > 1 else []
        found.append(Part("stem", (), 0, scale))
        found += [Part("first", (), 1, scale)] if self.form.first else []
        inner, channels = self.parts_of_stages(answers, scale)
        return [*found, *inner, Part("head", (channels,), 1 + len(self.form.stages), scale)]

    def made(self, part: Part, shape: TaskShape) -> tuple[nn.Module, tuple[int, ...]]:
        """A part, and the shape of its input for examples of this shape."""
        strides, full = self.strides(shape), len(self.form.resolutions) > 1
        if part.kind == "resolution":
            return _resized(shape, part.scale), shape.input
        sides = _sides(shape, part.scale if full else 1.0, strides[: part.halvings])
        if part.kind == "stem":
            return self.stem(shape.channels, strides[0]), (shape.channels, *sides)
        if part.kind == "first":
            return self.first(), (self.form.stem, *sides)
        if part.kind == "head":
            return self.end(part.settings[0], shape.classes), (part.settings[0], *sides)
        stride = strides[part.halvings] if part.kind == "entry" else 1
        return self.layer(part.settings, stride), (self.read(part.settings), *sides)


class Layers(Writer):
    """The operation of each layer is decided, or that it is left out where it keeps its input's shape."""

    def stages(self, choose: Choose, strides: Sequence[int], layers: dict[str, nn.Module], made: Made) -> Any:
        before = self.begin
        for number, (stage, stride) in enumerate(zip(self.form.stages, strides, strict=True)):
            outputs = stage.channels[0]
            row: list[nn.Module] = []
            with choose.scope(f"stage{number + 1}"):
                for place in range(stage.most):
                    keeps = self._keeps(stage, place, before)
                    settings = (before, outputs, place == 0, keeps, stage.activation)
                    options: dict[str, Callable[[], nn.Module]] = {
                        name: partial(made, partial(self.layer, (*settings, name), 1 if place else stride))
                        for name in self.form.operations
                    }
                    if keeps and self._may_skip:
                        options["skip"] = nn.Identity
                    row.append(choose.one(f"layer{place + 1}", options))
                    before = outputs
            layers[f"stage{number + 1}"] = nn.Sequential(*row)
        return before

    @property
    def _may_skip(self) -> bool:
        return self.form.skips

    def _keeps(self, stage: Stage, place: int, before: int) -> bool:
        return place > 0 or (stage.stride == 1 and before == stage.channels[0])

    def layer(self, settings: tuple[Any, ...], stride: int) -> nn.Module:
        inputs, outputs, entry, keeps, activation, name = settings
        if name in SHUFFLE_KERNELS:
            return shuffle_unit(name, inputs, outputs, stride, changes=entry)
        kernel, expansion, *more = name.split("_")
        if self.form.operations == SPLIT:
            settings = (inputs, outputs, int(kernel[1:]), stride, int(expansion[1:]))
            return split_bottleneck(*settings, split="split" in more, shortcut="add" in more)
        wide = inputs * int(expansion[1:])
        weigh = partial(SqueezeExcite, wide, max(1, round(inputs / SQUEEZED)), self.form.gate)
        return inverted_bottleneck(
            *(inputs, outputs, int(kernel[1:]), stride),
            wide=wide,
            groups=next((int(each[1:]) for each in more if each.startswith("g")), 1),
            squeeze=weigh if "se" in more else None,
            activation=activation,
            residual=keeps,
        )

    def parts_of_stages(self, answers: Mapping[str, Label], scale: float) -> tuple[list[Part], int]:
        found: list[Part] = []
        before = self.begin
        for number, stage in enumerate(self.form.stages):
            outputs = stage.channels[0]
            for place in range(stage.most):
                name = answers.get(f"stage{number + 1}/layer{place + 1}", self.form.operations[0])
                keeps = self._keeps(stage, place, before)
                settings = (before, outputs, place == 0, keeps, stage.activation, name)
                if name != "skip":
                    kind = "layer" if place else "entry"
                    found.append(Part(kind, settings, 1 + number + (place > 0), scale))
                before = outputs
        return found, before


class Sizes(Writer):
    """How many pixels, channels and layers there are, and each layer's kernel and expansion, are decided."""

    def stages(self, choose: Choose, strides: Sequence[int], layers: dict[str, nn.Module], made: Made) -> Any:
        before: Any = self.begin
        for number, (stage, stride) in enumerate(zip(self.form.stages, strides, strict=True)):
            with choose.scope(f"stage{number + 1}"):
                outputs = choose.value("width", stage.channels)
                make = partial(self._asked, choose, made, number, before, outputs, stride)
                layers[f"stage{number + 1}"] = choose.repeat("depth", stage.least or stage.most, stage.most, make)
            before = outputs
        return before

    def _asked(
        self, choose: Choose, made: Made, number: int, before: Any, outputs: Any, stride: int, place: int
    ) -> nn.Module:
        stage = self.form.stages[number]
        kernel = choose.value("kernel", self._kernels(stage))
        expansion = choose.value("expansion", self._expansions(stage))
        weighs = (False, True) if stage.squeeze is None else (stage.squeeze,)
        activations = ("relu", "hswish") if stage.activation is None else (stage.activation,)

        def weighing(make: Callable[[bool], nn.Module]) -> nn.Module:
            return _decided(choose, "squeeze", {("none", "weighed")[each]: partial(make, each) for each in weighs})

        def activation() -> nn.Module:
            return _decided(choose, "activation", {each: ACTIVATIONS[each] for each in activations})

        inputs = outputs if place else before
        wide = self._wide(stage, inputs, expansion)
        layer = partial(
            *(self._layer, stage, inputs, outputs, kernel, wide, self._keeps(number, place)),
            *(weighing, activation, 1 if place else stride),
        )
        return made(layer) if len(weighs) == len(activations) == 1 else layer()

    def _layer(
        self,
        stage: Stage,
        inputs: Any,
        outputs: Any,
        kernel: Any,
        wide: Any,
        keeps: bool,
        weighing: Callable[[Callable[[bool], nn.Module]], nn.Module],
        activation: Callable[[], nn.Module],
        stride: int,
    ) -> nn.Module:
        middle = inputs if wide is None else wide

        def weigh(on: bool) -> nn.Module:
            return SqueezeExcite(middle, divisible(middle / SQUEEZED), self.form.gate) if on else nn.Identity()

        squeeze, weighed = weighing(weigh), stage.squeeze is not False
        if self.form.plain:
            return nn.Sequential(inverted_bottleneck(inputs, outputs, kernel, stride), activation())
        return inverted_bottleneck(
            *(inputs, outputs, kernel, stride),
            wide=wide,
            squeeze=(lambda: squeeze) if weighed else None,
            activation=activation,
            residual=keeps,
        )

    def _kernels(self, stage: Stage) -> tuple[int, ...]:
        return stage.kernels or self.form.kernels

    def _expansions(self, stage: Stage) -> tuple[float, ...]:
        return stage.expansions or self.form.expansions

    def _wide(self, stage: Stage, inputs: Any, expansion: Any) -> Any:
        """Channels in the middle; None where no layer of the stage is widened."""
        return None if self._expansions(stage) == (1,) else divisible(inputs * expansion)

    def _keeps(self, number: int, place: int) -> bool:
        """Whether the input is added: where channels and resolution are the same whatever is chosen."""
        stage = self.form.stages[number]
        before = self.form.stages[number - 1].channels if number else (self.begin,)
        return place > 0 or (stage.stride == 1 and len(stage.channels) == 1 and before == stage.channels)

    def layer(self, settings: tuple[Any, ...], stride: int) -> nn.Module:
        number, inputs, outputs, kernel, wide, keeps, squeeze, activation = settings
        stage = self.form.stages[number]
        return self._layer(
            *(stage, inputs, outputs, kernel, wide, keeps), lambda make: make(squeeze), ACTIVATIONS[activation], stride
        )

    def read(self, settings: tuple[Any, ...]) -> int:
        return settings[1]

    def parts_of_stages(self, answers: Mapping[str, Label], scale: float) -> tuple[list[Part], int]:
        found: list[Part] = []
        before = self.begin
        for number, stage in enumerate(self.form.stages):
            within = f"stage{number + 1}/"
            outputs: Any = answers.get(within + "width", stage.channels[0])
            for place in range(answers.get(within + "depth", stage.most)):  # pyright: ignore[reportArgumentType]
                inside = f"{within}depth/{place}/"
                kernel = answers.get(inside + "kernel", self._kernels(stage)[0])
                wide = self._wide(stage, before, answers.get(inside + "expansion", self._expansions(stage)[0]))
                squeeze = answers.get(inside + "squeeze") == "weighed" or stage.squeeze is True
                activation = answers.get(inside + "activation", stage.activation)
                keeps = self._keeps(number, place)
                settings = (number, before, outputs, kernel, wide, keeps, squeeze, activation)
                found.append(Part("layer" if place else "entry", settings, 1 + number + (place > 0), scale))
                before = outputs
        return found, before


class Blocks(Writer):
    """Each block's layers are alike: their operation, kernel, weighing, shortcut, channels and number are decided."""

    def stages(self, choose: Choose, strides: Sequence[int], layers: dict[str, nn.Module], made: Made) -> Any:
        before = self.begin
        for number, (stage, stride) in enumerate(zip(self.form.stages, strides, strict=True)):
            with choose.scope(f"block{number + 1}"):
                asked = {name: choose.value(name, options) for name, options in self._questions(stage).items()}
                row: list[nn.Module] = []
                for settings in self._settings(asked, stage, before):
                    before = settings[1]
                    row.append(made(partial(self.layer, settings, stride if len(row) == 0 else 1)))
            layers[f"block{number + 1}"] = nn.Sequential(*row)
        return before

    def _questions(self, stage: Stage) -> Mapping[str, tuple[Any, ...]]:
        return {
            "operation": self.form.operations,
            "kernel": self.form.kernels,
            "squeeze": (0.0, 0.25),
            "skip": ("none", "identity", "pool"),
            "filters": self.form.multipliers,
            "layers": (-1, 0, 1) if stage.most > 1 else (0, 1),
        }

    def _settings(self, asked: Mapping[str, Any], stage: Stage, before: int) -> list[tuple[Any, ...]]:
        """Of each layer of a block."""
        outputs = divisible(stage.channels[0] * asked["filters"])
        found: list[tuple[Any, ...]] = []
        for _ in range(stage.most + asked["layers"]):
            same = bool(found) or (stage.stride == 1 and before == outputs)
            found.append(
                (before, outputs, asked["operation"], asked["kernel"], asked["squeeze"], same and asked["skip"])
            )
            before = outputs
        return found

    def layer(self, settings: tuple[Any, ...], stride: int) -> nn.Module:
        inputs, outputs, operation, kernel, share, skip = settings
        if operation == "conv":
            body: nn.Module = convolution(inputs, outputs, kernel, stride)
        else:
            wide = None if operation == "sepconv" else inputs * int(operation.removeprefix("mbconv"))
            weigh = partial(SqueezeExcite, wide or inputs, max(1, round(inputs * share)), self.form.gate)
            body = inverted_bottleneck(*(inputs, outputs, kernel, stride), wide=wide, squeeze=weigh if share else None)
        return added(body, skip if skip else "none")

    def parts_of_stages(self, answers: Mapping[str, Label], scale: float) -> tuple[list[Part], int]:
        found: list[Part] = []
        before = self.begin
        for number, stage in enumerate(self.form.stages):
            questions = self._questions(stage)
            asked = {n: answers.get(f"block{number + 1}/{n}", options[0]) for n, options in questions.items()}
            for place, settings in enumerate(self._settings(asked, stage, before)):
                found.append(Part("layer" if place else "entry", settings, 1 + number + (place > 0), scale))
                before = settings[1]
        return found, before


class Atoms(Writer):
    """In each layer the number of channels in the middle that have a kernel of each size is decided.

    A layer that keeps its input's shape may have none at all, and is then left out; others have one at least.
    """

    def stages(self, choose: Choose, strides: Sequence[int], layers: dict[str, nn.Module], made: Made) -> Any:
        for number, (stage, stride) in enumerate(zip(self.form.stages, strides, strict=True)):
            row: list[nn.Module] = []
            for place in range(stage.most):
                with choose.scope(f"stage{number + 1}/layer{place + 1}"):
                    widths = [choose.value(name, options) for name, options in self._questions(number, place).items()]
                settings = (*self._given(number, place), *widths)
                row.append(made(partial(self.layer, settings, 1 if place else stride)))
            layers[f"stage{number + 1}"] = nn.Sequential(*row)
        return self.form.stages[-1].channels[0]

    def _given(self, number: int, place: int) -> tuple[int, int, bool]:
        """Channels that a layer takes and gives, and whether it adds its input."""
        stage = self.form.stages[number]
        before = self.form.stages[number - 1].channels[0] if number else self.begin
        inputs, outputs = stage.channels[0] if place else before, stage.channels[0]
        return inputs, outputs, place > 0 or (stage.stride == 1 and inputs == outputs)

    def _questions(self, number: int, place: int) -> Mapping[str, tuple[int, ...]]:
        """Of each kernel how many channels may have it; of the smallest one at least where something must be there."""
        inputs, _, keeps = self._given(number, place)
        most = round(inputs * max(self.form.expansions))
        shares = [max(1, round(most * each)) for each in self.form.multipliers]
        some = sorted({*shares, most}) if shares else range(1, most + 1)
        least = min(self.form.kernels)
        return {
            f"channels{kernel}": (*(() if kernel == least and not keeps else (0,)), *some)
            for kernel in self.form.kernels
        }

    def layer(self, settings: tuple[Any, ...], stride: int) -> nn.Module:
        inputs, outputs, keeps, *widths = settings
        if not any(widths):
            return nn.Identity()
        of_kernels = dict(zip(self.form.kernels, widths, strict=True))
        activation = self.form.activation
        return AtomicBlock(inputs, outputs, of_kernels, stride, activation=activation, residual=keeps)

    def parts_of_stages(self, answers: Mapping[str, Label], scale: float) -> tuple[list[Part], int]:
        found: list[Part] = []
        for number, stage in enumerate(self.form.stages):
            for place in range(stage.most):
                asked = self._questions(number, place)
                names = {name: f"stage{number + 1}/layer{place + 1}/{name}" for name in asked}
                widths = [answers.get(full, asked[name][0]) for name, full in names.items()]
                if any(widths):
                    kind, settings = "layer" if place else "entry", (*self._given(number, place), *widths)
                    found.append(Part(kind, settings, 1 + number + (place > 0), scale))
        return found, self.form.stages[-1].channels[0]

    def atoms(self) -> Mapping[str, tuple[str, str]]:
        """By decision, the name of the layer in the network, and the branch of it whose channels it counts."""
        return {
            f"stage{number + 1}/layer{place + 1}/channels{kernel}": (f"stage{number + 1}.{place}", str(kernel))
            for number, stage in enumerate(self.form.stages)
            for place in range(stage.most)
            for kernel in self.form.kernels
        }


def _decided(choose: Choose, name: str, options: Mapping[str, Callable[[], nn.Module]]) -> nn.Module:
    """One module of several, or the only one as it is."""
    return choose.one(name, options) if len(options) > 1 else next(iter(options.values()))()


def _resized(shape: TaskShape, scale: Any) -> nn.Module:
    """Images at this share of their resolution; as they are where that is 1."""
    if not is_open(scale) and scale == 1:
        return nn.Identity()
    return Resized((whole(shape.height * scale), whole(shape.width * scale)))


def _sides(shape: TaskShape, scale: float, strides: Sequence[int]) -> tuple[int, int]:
    """Height and width of images at this scale after convolutions of these strides."""
    height, width = whole(shape.height * scale), whole(shape.width * scale)
    for stride in strides:
        height, width = (halved(height), halved(width)) if stride == 2 else (height, width)
    return height, width

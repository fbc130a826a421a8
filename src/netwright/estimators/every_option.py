"""One network that holds every option of every decision side by side, to look at them all in one pass."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any, TypeVar, cast

import torch
from torch import nn

from netwright.core.building import EdgeSum
from netwright.core.choose import Choose, Offered, offered
from netwright.core.decision_space import DecisionSpace
from netwright.core.decisions import Label
from netwright.core.errors import UserError
from netwright.core.routes import NEXT, Routes, block_name, is_always_there, led_on, preceding
from netwright.core.task import TaskShape
from netwright.networks.executed import Execution, executed

T = TypeVar("T")


class Part(nn.Module):
    """A module that is in the network only where `decision` takes one of `labels`, or one of `more` decisions does.

    more: further decisions with labels of theirs; of all of them one alone is why the module is there.
    """

    def __init__(
        self,
        decision: str,
        labels: Iterable[Label],
        module: nn.Module,
        more: Iterable[tuple[str, Iterable[Label]]] = (),
    ) -> None:
        super().__init__()
        self.labels = tuple(labels)
        self.owners = [(decision, self.labels), *((each, tuple(others)) for each, others in more)]
        self.module = module

    def forward(self, inputs: Any) -> Any:
        return self.module(inputs)


class Options(nn.Module):
    """Runs every option, and gives what the first one gives."""

    def __init__(self, parts: Iterable[Part]) -> None:
        super().__init__()
        self.parts = nn.ModuleList(parts)

    def forward(self, inputs: Any) -> Any:
        outputs = [part(inputs) for part in self.parts]
        return outputs[0]


_WRAPPING = re.compile(r"\.parts\.\d+\.module(?=\.)|\.module(?=\.)")


def unwrapped(name: str) -> str:
    """The name that a tensor of the network of all options has in a network of its own."""
    return _WRAPPING.sub("", name)


class EveryRoute(nn.Module):
    """Runs all blocks and all ways between them; each block reads what the first way to it gives.

    blocks: their layers. ways: of each block, by the number of the block that may follow.
    """

    def __init__(self, blocks: Sequence[nn.Module], ways: Sequence[Mapping[int, nn.Module]]) -> None:
        super().__init__()
        self.following = [tuple(each) for each in ways]
        self.blocks = nn.ModuleList(blocks)
        self.ways = nn.ModuleList(nn.ModuleList(each.values()) for each in ways)

    def forward(self, inputs: Any) -> Any:
        found = {0: inputs}
        for number, after in enumerate(self.following):
            states = self.blocks[number](found[number])
            for place, way in zip(after, cast("nn.ModuleList", self.ways[number]), strict=True):
                given = way(states)
                found.setdefault(place, given)
        return found[len(self.blocks)]


class EveryOption(Choose):
    """Fills each hole with all its options. A space that asks for a plain value cannot be written down so."""

    def one(
        self, name: str, options: Mapping[str, Callable[[], nn.Module]], *, soft: Collection[str] = ()
    ) -> nn.Module:
        hard = [label for label in options if label not in soft]
        made: dict[str, nn.Module] = {}
        for label in hard:
            with self.scope(name), self.scope(label):
                made[label] = options[label]()
        return self._options(self.full_name(name), made)

    def value(self, name: str, options: Sequence[Any]) -> Any:
        if len(options) == 1:
            return options[0]
        raise UserError(
            f"the space says additive_cost = True, but asks for the plain value {self.full_name(name)!r}, whose cost "
            "cannot be told apart; give it cost_terms instead, or neither"
        )

    def repeat(self, name: str, least: int, most: int, make: Callable[[int], nn.Module]) -> nn.Module:
        made: list[nn.Module] = []
        for i in range(most):
            with self.scope(name), self.scope(str(i)):
                module = make(i)
            made.append(module if i < least else Part(self.full_name(name), range(i + 1, most + 1), module))
        return nn.Sequential(*made)

    def route(self, routes: Routes) -> nn.Module:
        blocks: list[nn.Module] = []
        ways: list[dict[int, nn.Module]] = []
        for number, after in enumerate(routes.following):
            before = [] if is_always_there(routes, number) else preceding(routes, number)
            led = [(self.full_name(f"{block_name(i)}/{NEXT}"), [block_name(number)]) for i in before]
            with self.scope(block_name(number)):
                block = routes.block(number)
            way = led_on(self, routes, number)
            if led and len(after) == 1:
                way = Part(*led[0], way, led[1:])
            blocks.append(Part(*led[0], block, led[1:]) if led else block)
            each = cast("Options", way).parts if len(after) > 1 else [way]
            ways.append(dict(zip(after, each, strict=True)))
        return EveryRoute(blocks, ways)

    def edges(
        self,
        name: str,
        sources: Sequence[int],
        keep: int | None,
        options: Offered,
        *,
        soft: Collection[str] = (),
    ) -> EdgeSum:
        operations: list[nn.Module] = []
        with self.scope(name):
            for source in sorted(sources):
                made: dict[str, nn.Module] = {}
                for label, make in offered(options, source).items():
                    if label not in soft:
                        with self.scope(str(source)), self.scope(label):
                            made[label] = make(source)
                operations.append(self._options(self.full_name(str(source)), made))
        return EdgeSum(sorted(sources), operations)

    @staticmethod
    def _options(decision: str, made: Mapping[str, nn.Module]) -> nn.Module:
        if len(made) == 1:
            return next(iter(made.values()))
        return Options(Part(decision, [label], module) for label, module in made.items())


class EveryLayer:
    """The network of all options on the meta device, and of which option each of its layers is a part.

    space: that says `additive_cost`.
    shape: of one example.
    """

    def __init__(self, space: DecisionSpace, shape: TaskShape) -> None:
        self._space, self._shape = space, shape
        with torch.device("meta"):
            self.network = space.network(EveryOption(), shape)
        self._owners = {name: part for name, part in self.network.named_modules() if isinstance(part, Part)}

    def executed(self, batch: int) -> Execution:
        """The operations of all layers, for so many examples at once."""
        return executed(self.network, self._shape.input, batch, layers=True)

    def options(self, layers: Mapping[str, T], nothing: T, plus: Callable[[T, T], T]) -> list[list[T]]:
        """What the layers of each option of each decision come to.

        layers: the amount of each, by its name. nothing: that of an option without layers. plus: adds two.
        """
        table = self._space.decisions
        found = [[nothing] * size for size in table.sizes]
        for layer, amount in layers.items():
            part = self._owner(layer)
            if part is None:
                continue
            for decision, labels in part.owners:
                place = table.places[decision]
                for label in labels:
                    option = table.option_index[place][label]
                    found[place][option] = plus(found[place][option], amount)
        return found

    def _owner(self, layer: str) -> Part | None:
        """The innermost part that this layer is in."""
        while layer:
            if layer in self._owners:
                return self._owners[layer]
            layer = layer.rpartition(".")[0]
        return None

"""Networks of your own beside a space: contenders of the same search, which nothing is changed in."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from netwright.core.architecture import Architecture
from netwright.core.beside_table import NETWORK, SEARCHED, BesideTable
from netwright.core.decision_space import DecisionSpace, with_decisions
from netwright.core.errors import ConfigurationError, NetwrightError, shown
from netwright.core.graph import Edge, Graph, Node
from netwright.core.inheriting import layers, taken_over
from netwright.core.roles import BringsNetworks, ChoosesTraining
from netwright.core.serial import parse_json
from netwright.core.space import Space, text_of
from netwright.networks.counting import count

if TYPE_CHECKING:
    from netwright.core.choose import Choose
    from netwright.core.decisions import DecisionTable
    from netwright.core.task import TaskShape

PROVIDES = ("core.space_dsl",)

TRIED = 2  # examples that a network is given before a search


class Beside(DecisionSpace):
    """The architectures of a space and, as one more each, networks of your own: searched, trained and counted alike.

    There is one decision more, "network": "searched" for those of the space, or the name of one of yours, of which
    nothing else is decided. To search the training, too, put `WithTraining` around this space.

    space: of the architectures.
    networks: by name, a function that makes one of the task's shape, `build(shape) -> nn.Module`; or a function without
        arguments, or a class of `nn.Module`, which may take the shape.

    Raises ConfigurationError for a space without decisions, no networks, and what cannot be called.
    """

    def __init__(self, space: Space, networks: Mapping[str, Callable[..., nn.Module]]) -> None:
        found = with_decisions(type(self), space)
        if isinstance(found, BringsNetworks):
            raise ConfigurationError("Beside: the space has networks beside it already; give all of them at once")
        if isinstance(found, ChoosesTraining):
            raise ConfigurationError("Beside: the space chooses the training, too; put WithTraining around Beside")
        _check(networks)
        self.space, self.networks = found, dict(networks)  # pyright: ignore[reportAttributeAccessIssue]
        self.traced_shape = found.traced_shape  # pyright: ignore[reportAttributeAccessIssue]

    # Which of them an architecture is.

    def own(self, name: str) -> Architecture:
        """The network of yours of this name as an architecture.

        name: of `networks`.
        """
        return self.architecture({NETWORK: name})

    def searched(self, architecture: Architecture) -> Architecture | None:
        """What an architecture is in the space alone; None for a network of your own.

        architecture: of this space.
        """
        self.require_own(architecture)
        which, *inner = architecture.content[: 1 + len(self.space.decisions)]
        return Architecture(self.space, tuple(inner)) if which == 0 else None

    def _adopted(self, architecture: Architecture) -> Architecture:
        """An architecture of the space alone as one of this space."""
        return Architecture(self, (0, *architecture.content))

    def known(self, shape: TaskShape) -> Mapping[str, Architecture]:
        """Yours first, then those that the space knows."""
        theirs = {name: self._adopted(each) for name, each in self.space.known(shape).items()}
        return {name: self.own(name) for name in self.networks} | {
            name: each for name, each in theirs.items() if name not in self.networks
        }

    # The decisions.

    @cached_property
    def name(self) -> str:
        return "+".join((self.space.name, *self.networks))

    def described(self) -> Any:
        return {"space": self.space.id, "beside": list(self.networks)}

    @cached_property
    def decisions(self) -> DecisionTable:
        return BesideTable(self.space.decisions, tuple(self.networks))

    def network(self, choose: Choose, shape: TaskShape) -> nn.Module:
        label = choose.value(NETWORK, (SEARCHED, *self.networks))
        return self.space.network(choose, shape) if label == SEARCHED else self.made(label, shape)

    # What the space knows better.

    def format(self, architecture: Architecture) -> str:
        """As the space alone writes it; of a network of your own its name."""
        searched = self.searched(architecture)
        return super().format(architecture) if searched is None else self.space.format(searched)

    def parse(self, text: str) -> Architecture:
        """Read what `str(architecture)` gives here or in the space alone, or its JSON."""
        data = parse_json(text) if text_of(text).lstrip().startswith("{") else None
        answers = self.unwrapped(data, "decisions")
        if isinstance(answers, dict) and NETWORK in answers:
            return self.architecture(answers)
        return self._adopted(self.space.parse(text))

    def build(self, architecture: Architecture, shape: TaskShape) -> nn.Module:
        self.validate(architecture)
        searched = self.searched(architecture)
        if searched is None:
            return self.made(str(architecture.decisions[NETWORK]), shape)
        return self.space.build(searched, shape)

    def canonical(self, architecture: Architecture) -> Architecture:
        searched = self.searched(architecture)
        return architecture if searched is None else self._adopted(self.space.canonical(searched))

    def graph(self, architecture: Architecture) -> Graph:
        """That of the space; a network of your own is one node."""
        searched = self.searched(architecture)
        if searched is not None:
            return self.space.graph(searched)
        name = str(architecture.decisions[NETWORK])
        nodes = Node("input"), Node(name, name), Node("output")
        return Graph(nodes, (Edge("input", name), Edge(name, "output")))

    def drawn(self, architecture: Architecture) -> Graph:
        searched = self.searched(architecture)
        return self.graph(architecture) if searched is None else self.space.drawn(searched)

    def inherit(
        self, parent_network: nn.Module, child_network: nn.Module, parent: Architecture, child: Architecture
    ) -> int:
        before, after = self.searched(parent), self.searched(child)
        if before is None or after is None:
            return taken_over(layers(parent_network), layers(child_network))
        return self.space.inherit(parent_network, child_network, before, after)

    # The networks.

    def made(self, name: str, shape: TaskShape) -> nn.Module:
        """A network of yours with fresh weights; ConfigurationError for what is no module.

        name: of `networks`.
        shape: of the task.
        """
        found = _called(name, self.networks[name], shape)
        if not isinstance(found, nn.Module):
            raise ConfigurationError(f"network {name!r} is {shown(found)}; expected its function to give an nn.Module")
        return found

    def require_fits(self, shape: TaskShape) -> None:
        """Give each of your networks two examples; ConfigurationError for one that does not answer them, or fails.

        shape: of the task.
        """
        for name in self.networks:
            wanted = (TRIED, shape.outputs, *(shape.places if shape.dense else ()))
            found = self._tried(name, shape)
            if found != wanted:
                raise ConfigurationError(
                    f"network {name!r} answers {TRIED} examples of shape {shape.input} with a tensor of shape {found}; "
                    f"expected {wanted}, {shape.outputs} outputs an example{' at every place' if shape.dense else ''}"
                )

    def _tried(self, name: str, shape: TaskShape) -> tuple[int, ...]:
        """The shape of what a network answers."""
        generator = torch.Generator().manual_seed(0)
        state = torch.get_rng_state()
        doing = "cannot be made"
        try:
            network = self.made(name, shape).eval()
            doing = f"fails on {TRIED} examples of shape {shape.input}"
            with torch.no_grad():
                answers = network(shape.example(TRIED, generator=generator))
            doing = "cannot be counted on PyTorch's meta device"
            with torch.device("meta"):
                count(self.made(name, shape), shape.input)
        except NetwrightError:
            raise
        except Exception as problem:  # code of somebody's own may raise anything
            reason = " ".join(str(problem).partition("\n")[0].split())
            raise ConfigurationError(f"network {name!r} {doing}: {type(problem).__name__}: {reason}") from problem
        finally:
            torch.set_rng_state(state)
        if not isinstance(answers, torch.Tensor):
            raise ConfigurationError(f"network {name!r} answers with {type(answers).__name__}; expected one tensor")
        return tuple(answers.shape)

    def configuration(self) -> dict[str, Any]:
        found = super().configuration()
        found["arguments"]["networks"] = {name: _place(each) for name, each in self.networks.items()}
        return found

    def __repr__(self) -> str:
        networks = ", ".join(f"{name!r}: {_place(each)}" for name, each in self.networks.items())
        return f"Beside({self.space!r}, {{{networks}}})"


def _place(network: Callable[..., Any]) -> str:
    """Where a function or class stands, which is the same in every process."""
    kind = network if inspect.isroutine(network) or isinstance(network, type) else type(network)
    return f"{kind.__module__}:{kind.__qualname__}"


def _check(networks: Mapping[str, Callable[..., nn.Module]]) -> None:
    if not isinstance(networks, Mapping) or not networks:
        raise ConfigurationError(f"Beside: networks is {shown(networks)}; expected at least one, by name")
    for name, network in networks.items():
        if not isinstance(name, str) or not name or name == SEARCHED:
            raise ConfigurationError(f"Beside: a network cannot be called {shown(name)}; expected another name")
        if isinstance(network, nn.Module) or not callable(network):
            raise ConfigurationError(
                f"Beside: network {name!r} is {shown(network)}; expected a function that makes one, build(shape), or a "
                "class of nn.Module, so that each training begins with fresh weights"
            )


def _called(name: str, network: Callable[..., Any], shape: TaskShape) -> Any:
    """What a function or class makes: of the shape, where it takes one argument or one that is called so."""
    try:
        parameters = list(inspect.signature(network).parameters.values())
    except (TypeError, ValueError):  # of something that says nothing of its arguments
        return network(shape)
    positional = [each for each in parameters if each.kind in (each.POSITIONAL_ONLY, each.POSITIONAL_OR_KEYWORD)]
    needed = [each for each in positional if each.default is each.empty]
    needed += [each for each in parameters if each.kind is each.KEYWORD_ONLY and each.default is each.empty]
    if len(needed) > 1:
        names = ", ".join(each.name for each in needed)
        raise ConfigurationError(
            f"network {name!r} needs the arguments {names}; expected one, the task's shape, or none: give the others "
            "defaults"
        )
    named = next((each for each in parameters if each.name == "shape"), None)
    if named is None:
        named = next(iter(needed), None)
    if named is None:
        return network()
    return network(shape) if named.kind is named.POSITIONAL_ONLY else network(**{named.name: shape})

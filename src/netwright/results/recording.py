"""Runs a network once and notes what each of its modules was called with, then follows every module one level deep."""

from __future__ import annotations

import inspect
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, fx, nn

from netwright.core.carrying import Carrying
from netwright.core.errors import UserError
from netwright.core.trees import moved
from netwright.results.baking import plain_copy
from netwright.results.constructors import torch_class
from netwright.results.forward import Writer
from netwright.results.one_level import Arguments, follow

CONTAINERS = (nn.Sequential, nn.ModuleList, nn.ModuleDict, nn.ParameterList, nn.ParameterDict)


@dataclass(eq=False)
class Recording:
    """A network's copy on the CPU, and by module id: its code, and which tensors and modules take part at all."""

    network: nn.Module
    forwards: dict[int, tuple[str, ...]] = field(default_factory=dict)
    transparent: set[int] = field(default_factory=set)
    called: set[int] = field(default_factory=set)
    tensors: dict[int, dict[str, Tensor]] = field(default_factory=dict)  # those that a forward reads, by owner

    def used(self, module: nn.Module) -> bool:
        """Whether the module takes part when the network predicts, itself or something in it."""
        if id(module) in self.transparent:
            return False
        here = id(module) in self.called or id(module) in self.tensors
        return here or any(self.used(child) for child in module.children())


def is_container(module: nn.Module) -> bool:
    return type(module) in CONTAINERS


def is_layer(module: nn.Module) -> bool:
    """A layer of torch.nn, which is written as a call; everything else becomes a class."""
    cls = torch_class(module)
    return cls is not None and not issubclass(cls, CONTAINERS)


def is_row(module: nn.Module) -> bool:
    """A Sequential by another name."""
    return torch_class(module) is nn.Sequential


def record(network: nn.Module, example: Any) -> Recording:
    """Follow the network on an example batch. Raises UserError where something cannot be written down as code."""
    own = plain_copy(network)
    _refuse_hooks(own)
    recording = Recording(own)
    calls = _calls(recording, moved(example, "cpu"))
    graphs: dict[int, list[fx.Graph]] = {}
    modules: dict[int, nn.Module] = {id(each): each for each in own.modules()}
    for key, seen in calls.items():
        if isinstance(modules[key], Carrying):
            recording.forwards[key] = _as_written(modules[key])
            continue
        graphs[key] = [follow(modules[key], arguments) for arguments in seen.values()]
        _note_tensors(recording, modules[key], graphs[key][0])
        if all(_passes_on(graph) for graph in graphs[key]) and not modules[key].state_dict():
            recording.transparent.add(key)
    for key, found in graphs.items():
        recording.forwards[key] = _one_text(recording, modules[key], found)
    return recording


def _refuse_hooks(network: nn.Module) -> None:
    for path, module in network.named_modules():
        where = f"{type(module).__name__}{f' at {path}' if path else ''}"
        if module._forward_hooks or module._forward_pre_hooks:
            raise UserError(
                f"{where} has forward hooks, which cannot be written down as code; do what they do in a forward"
            )


def _calls(recording: Recording, example: Any) -> dict[int, dict[str, Arguments]]:
    """What each module that becomes a class was called with, one example of each form; inner modules first."""
    calls: dict[int, dict[str, Arguments]] = {}

    def hook(module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        recording.called.add(id(module))
        if not is_layer(module) and not is_container(module) and not is_row(module):
            arguments = Arguments(_copied(args), _copied(kwargs))
            calls.setdefault(id(module), {}).setdefault(arguments.signature(), arguments)

    handles = [each.register_forward_pre_hook(hook, with_kwargs=True) for each in recording.network.modules()]
    try:
        with torch.no_grad():
            recording.network(example)
    finally:
        for handle in handles:
            handle.remove()
    return calls


def _copied(value: Any) -> Any:
    """Arguments as they are now, whatever is later done to them in place."""
    if isinstance(value, Tensor):
        return value.detach().clone()
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return type(value)(*map(_copied, value))
    if isinstance(value, list | tuple):
        return type(value)(map(_copied, value))
    if isinstance(value, dict):
        return {key: _copied(each) for key, each in value.items()}
    return value


def _passes_on(graph: fx.Graph) -> bool:
    """Whether what comes out is the first argument, untouched."""
    nodes = list(graph.nodes)
    return [each.op for each in nodes] == ["placeholder", "output"] and nodes[1].args == (nodes[0],)


def _note_tensors(recording: Recording, module: nn.Module, graph: fx.Graph) -> None:
    for node in graph.nodes:
        if node.op == "get_attr":
            path, _, name = str(node.target).rpartition(".")
            owner = module.get_submodule(path)
            recording.tensors.setdefault(id(owner), {})[name] = getattr(owner, name)


def _as_written(module: nn.Module) -> tuple[str, ...]:
    """The forward of a layer that carries a state, whose steps depend on what it was given before: its own lines."""
    try:
        found = inspect.getsource(type(module).forward)
    except OSError:
        raise UserError(
            f"the forward of {type(module).__name__} cannot be written down, because the text of its class is not at "
            "hand; define it in a file"
        ) from None
    first, *lines = textwrap.dedent(found).rstrip().split("\n")
    return first, *textwrap.dedent("\n".join(lines)).split("\n")


def _one_text(recording: Recording, module: nn.Module, graphs: list[fx.Graph]) -> tuple[str, ...]:
    skipped = {path for path, each in module.named_modules() if id(each) in recording.transparent}
    texts = {Writer(module, graph, skipped).write() for graph in graphs}
    if len(texts) > 1:
        raise UserError(
            f"{type(module).__name__} takes different steps in different places of the network, depending on the "
            "shapes it is given; make two classes or two objects of it"
        )
    return texts.pop()


def children(module: nn.Module) -> Iterator[tuple[str, nn.Module]]:
    """Direct children, a shared one as often as it occurs."""
    return ((name, child) for name, child in module._modules.items() if child is not None)

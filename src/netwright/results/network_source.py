"""Turns a network, whatever modules it is made of, into the plain PyTorch code that a person would have written."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn

from netwright.core.carrying import Carrying
from netwright.core.errors import UserError
from netwright.core.kinds import kinds_checked
from netwright.core.trees import joined, mapped
from netwright.results.classes import Body, Classes, Declaration
from netwright.results.constructors import constructor, torch_class
from netwright.results.expressions import Argument, Call, Entry, Expression, Listing, Literal, Text, plain, quoted
from netwright.results.expressions import layout as lay_out
from netwright.results.forward import path_code
from netwright.results.recording import Recording, children, is_container, is_layer, is_row, record

_NO_STATE = {"carries": "False", "state": "None"}  # of a layer that is not carrying its state on


@dataclass(frozen=True, eq=False)
class Source:
    """A network as code.

    classes: the classes it is made of, those that are needed first first.
    build: the body of a function that gives the network, without indentation.
    tensors: by state-dict key, what it must be loaded with, on the CPU.
    left_out: state-dict keys of the network that take no part in predicting (an auxiliary head) and are not in the
        code.
    """

    classes: tuple[str, ...]
    build: tuple[str, ...]
    tensors: dict[str, Tensor]
    left_out: tuple[str, ...]

    @property
    def code(self) -> str:
        """Classes and `build`, without the imports."""
        body = "".join(f"    {line}\n" for line in self.build)
        return "\n\n".join([*self.classes, f"def build() -> nn.Module:\n{body}"])


@kinds_checked
def write_source(network: nn.Module, example: Any, reserved: Collection[str] = ()) -> Source:
    """The code of a network as it predicts (in eval mode).

    network: whose forward is written out.
    example: a batch of at least two inputs, (n, channels, height, width) or (n, features); what it holds is of no
        consequence.
    reserved: names that no class may have. Keys of the state dict stay as they are, so that the network's weights fit
        the code; modules that have no effect when predicting (drop path) are left out, and plain tensors that a forward
        reads become buffers.

    Raises UserError, naming the class and line, where a forward depends on the values it computes with.
    """
    recording = record(network, example)
    _check_batch_size(recording, record(network, joined([example, mapped(lambda each: each[:1], example)])))
    return _Writer(recording, reserved).source(set(recording.network.state_dict()))


def _check_batch_size(first: Recording, second: Recording) -> None:
    """UserError where the code is another for a batch of one example more."""
    for (path, one), other in zip(first.network.named_modules(), second.network.modules(), strict=True):
        if first.forwards.get(id(one)) != second.forwards.get(id(other)) or _shapes(first, one) != _shapes(
            second, other
        ):
            where = f" at {path}" if path else ""
            raise UserError(
                f"the forward of {type(one).__name__}{where} does other things for a batch of another size, so that it "
                "cannot be written down for all; use x.shape[0] as it is, without int(), range() or a branch"
            )


def _shapes(recording: Recording, module: nn.Module) -> dict[str, tuple[int, ...]]:
    return {name: tuple(each.shape) for name, each in recording.tensors.get(id(module), {}).items()}


class _Writer:
    def __init__(self, recording: Recording, reserved: Collection[str]) -> None:
        self._recording = recording
        self._network = recording.network
        self._classes = Classes(reserved)
        self._calls: dict[int, Call] = {}
        self._heights: dict[int, int] = {}

    def source(self, known: set[str]) -> Source:
        """Innermost modules first, so that what they are called is known where they are needed."""
        everything = {id(each): each for each in self._network.modules() if self._becomes_class(each)}
        for height in range(1, self._height(self._network) + 1):
            level = [each for each in everything.values() if self._height(each) == height]
            for module, call in zip(level, self._classes.add([self._body(each) for each in level]), strict=True):
                self._calls[id(module)] = call
        tensors = dict(self._tensors(self._network, ""))
        return Source(tuple(self._classes.code), self._build(), tensors, tuple(sorted(known - set(tensors))))

    def _becomes_class(self, module: nn.Module) -> bool:
        if module is self._network:
            return not is_layer(module) and not is_container(module)
        return self._recording.used(module) and not is_layer(module) and not is_container(module)

    def _height(self, module: nn.Module) -> int:
        if id(module) not in self._heights:
            inner = [] if is_layer(module) else [self._height(each) for _, each in children(module)]
            self._heights[id(module)] = max(inner, default=0) + self._becomes_class(module)
        return self._heights[id(module)]

    # One module.

    def _body(self, module: nn.Module) -> Body:
        declared = [
            Declaration("parameter", name, Call("nn.Parameter", (Argument(_zeros(each)),)))
            for name, each in self._own_parameters(module)
        ]
        declared += [Declaration("buffer", name, _zeros(each)) for name, each in self._own_buffers(module)]
        if is_row(module):
            call = Call("super().__init__", self._row_arguments(module))
            return Body(type(module).__name__, "nn.Sequential", (Declaration("base", "", call), *declared), ())
        declared += [
            Declaration("module", name, self._expression(child))
            for name, child in children(module)
            if self._recording.used(child)
        ]
        if isinstance(module, Carrying):
            declared += [Declaration("attribute", name, Text(value)) for name, value in _NO_STATE.items()]
        forward = self._recording.forwards.get(id(module), ())
        return Body(type(module).__name__, "nn.Module", tuple(declared), forward)

    def _expression(self, module: nn.Module) -> Expression:
        if id(module) in self._calls:
            return self._calls[id(module)]
        if is_container(module):
            return self._container(module)
        cls = torch_class(module)
        assert cls is not None
        return constructor(module, cls)

    def _container(self, module: nn.Module) -> Expression:
        name = f"nn.{type(module).__name__}"
        if isinstance(module, nn.Sequential):
            return Call(name, self._row_arguments(module))
        if isinstance(module, nn.ModuleList):
            listed = Listing(tuple(each for _, each in self._kept(module)))
            return Call(name, (Argument(listed),) if listed.items else ())
        if isinstance(module, nn.ModuleDict):
            kept = [(key, child) for key, child in children(module) if self._recording.used(child)]
            return Call(name, (Argument(_display([(key, self._expression(child)) for key, child in kept])),))
        parameters = [
            (key, Call("nn.Parameter", (Argument(_zeros(p)),)))
            for key, p in module._parameters.items()
            if p is not None
        ]
        if isinstance(module, nn.ParameterList):
            return Call(name, (Argument(Listing(tuple(each for _, each in parameters))),))
        return Call(name, (Argument(_display(parameters)),))

    def _row_arguments(self, module: nn.Module) -> tuple[Argument, ...]:
        kept = self._kept(module)
        if [name for name, _ in kept] == [str(i) for i in range(len(kept))]:
            return tuple(Argument(each) for _, each in kept)
        pairs = [Listing((Text(quoted(name)), each), "()") for name, each in kept]
        return (Argument(Call("OrderedDict", (Argument(Listing(tuple(pairs))),))),)

    def _kept(self, module: nn.Module) -> list[tuple[str, Expression]]:
        """The items of a row by name: what takes no part is an Identity where something follows it."""
        items = list(children(module))
        while items and not self._recording.used(items[-1][1]):
            items.pop()
        return [
            (name, self._expression(child) if self._recording.used(child) else Call("nn.Identity", ()))
            for name, child in items
        ]

    # Tensors.

    def _own_parameters(self, module: nn.Module) -> list[tuple[str, Tensor]]:
        return [(name, each) for name, each in module._parameters.items() if each is not None]

    def _own_buffers(self, module: nn.Module) -> list[tuple[str, Tensor]]:
        """Buffers of the state dict, then other tensors that are read."""
        read = self._recording.tensors.get(id(module), {})
        found = {
            name: each
            for name, each in module._buffers.items()
            if each is not None and (name not in module._non_persistent_buffers_set or name in read)
        }
        return list((found | {name: each for name, each in read.items() if name not in module._parameters}).items())

    def _tensors(self, module: nn.Module, prefix: str) -> Iterator[tuple[str, Tensor]]:
        if is_layer(module):
            yield from module.state_dict(prefix=prefix).items()
            return
        for name, each in (*self._own_parameters(module), *self._own_buffers(module)):
            yield prefix + name, each.detach()
        for name, child in children(module):
            if self._recording.used(child):
                yield from self._tensors(child, f"{prefix}{name}.")

    # The whole.

    def _build(self) -> tuple[str, ...]:
        code = lay_out(plain(self._expression(self._network)), 4, 10)
        ties = list(self._ties())
        if not ties:
            return tuple(f"return {code}".split("\n    "))
        return (
            *f"network = {code}".split("\n    "),
            "# In several places at once, with the same weights.",
            *ties,
            "return network",
        )

    def _ties(self) -> Iterator[str]:
        """Assignments that make modules and parameters shared again that the network shares."""
        first: dict[int, str] = {}
        tied: list[str] = []
        for path, module in self._network.named_modules(remove_duplicate=False):
            if not path or path.startswith(tuple(f"{each}." for each in tied)) or not self._recording.used(module):
                continue
            if id(module) in first and module.state_dict():
                tied.append(path)
                yield _assignment(self._network, path, first[id(module)])
            first.setdefault(id(module), path)
        for path, parameter in self._network.named_parameters(remove_duplicate=False):
            owner = self._network.get_submodule(path.rpartition(".")[0])
            if path.startswith(tuple(f"{each}." for each in tied)) or not (
                owner is self._network or self._recording.used(owner)
            ):
                continue
            if id(parameter) in first:
                yield _assignment(self._network, path, first[id(parameter)])
            first.setdefault(id(parameter), path)


def _assignment(network: nn.Module, path: str, source: str) -> str:
    parent, _, name = path.rpartition(".")
    value = path_code(network, source, "network")
    place = path_code(network, path, "network")
    if place.startswith("getattr("):
        owner = path_code(network, parent, "network") if parent else "network"
        return f"setattr({owner}, {quoted(name)}, {value})"
    return f"{place} = {value}"


def _zeros(tensor: Tensor) -> Call:
    sizes = tuple(Argument(Literal(size, f"size_{axis}")) for axis, size in enumerate(tensor.shape))
    shape: tuple[Argument, ...] = sizes or (Argument(Text("()")),)
    dtype: Any = str(tensor.dtype)
    return Call("torch.zeros", shape if dtype == "torch.float32" else (*shape, Argument(Text(dtype), "dtype")))


def _display(entries: list[tuple[str, Any]]) -> Expression:
    return Listing(tuple(Entry(key, value) for key, value in entries), "{}")

"""The steps of one module as the body of a `forward` method that a person could have written."""

from __future__ import annotations

import builtins
import keyword
import operator
import re
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, fx, nn
from torch.fx.node import map_arg

from netwright.core.errors import UserError
from netwright.results.expressions import WIDTH, constant, function_names, identifier, is_attribute, quoted
from netwright.results.one_level import VALUE

ATOM, UNARY, TIMES, PLUS, AND, XOR, OR, COMPARE = 9, 8, 7, 6, 5, 4, 3, 2
_BINARY: dict[Callable[..., Any], tuple[str, int]] = {
    operator.add: ("+", PLUS),
    operator.sub: ("-", PLUS),
    operator.mul: ("*", TIMES),
    operator.truediv: ("/", TIMES),
    operator.floordiv: ("//", TIMES),
    operator.mod: ("%", TIMES),
    operator.matmul: ("@", TIMES),
    operator.and_: ("&", AND),
    operator.xor: ("^", XOR),
    operator.or_: ("|", OR),
    operator.lt: ("<", COMPARE),
    operator.le: ("<=", COMPARE),
    operator.gt: (">", COMPARE),
    operator.ge: (">=", COMPARE),
    operator.eq: ("==", COMPARE),
    operator.ne: ("!=", COMPARE),
}
_UNARY = {operator.neg: "-", operator.pos: "+", operator.invert: "~"}
_IN_PLACE = {
    operator.iadd: ("add_", "+"),
    operator.isub: ("sub_", "-"),
    operator.imul: ("mul_", "*"),
    operator.itruediv: ("div_", "/"),
}
_COMPARISONS = (operator.eq, operator.ne, operator.lt, operator.le, operator.gt, operator.ge)
_WITHOUT_EFFECT = (getattr, operator.getitem, *_COMPARISONS)
_RESERVED = {"self", "torch", "nn", "F", "math", *dir(builtins)}
_LONGEST_INLINE = 88


def path_code(owner: nn.Module, path: str, start: str = "self") -> str:
    """Code for a part of a module: `self.layers[0].conv`."""
    code = start
    current: Any = owner
    for atom in path.split("."):
        indexed = isinstance(current, nn.Sequential | nn.ModuleList | nn.ParameterList)
        if indexed and atom.isdecimal() and list(_keys(current)) == [str(i) for i in range(len(current))]:
            code += f"[{int(atom)}]"
        elif isinstance(current, nn.ModuleDict):
            code += f"[{quoted(atom)}]"
        elif is_attribute(atom):
            code += f".{atom}"
        else:
            code = f"getattr({code}, {quoted(atom)})"
        current = getattr(current, atom)
    return code


def _keys(container: nn.Module) -> Any:
    return container._parameters if isinstance(container, nn.ParameterList) else container._modules


class Writer:
    """Writes the graph of one module; `skipped` are the paths of children that pass their input on as it is."""

    def __init__(self, module: nn.Module, graph: fx.Graph, skipped: set[str]) -> None:
        self._module = module
        self._graph = graph
        self._skipped = skipped
        self._names: dict[fx.Node, str] = {}
        self._waiting: dict[fx.Node, tuple[str, int]] = {}  # not yet written: each used once, in order
        self._lines: list[str] = []
        self._taken = set(_RESERVED)
        self._uses: dict[fx.Node, int] = {}

    def write(self) -> tuple[str, ...]:
        """The signature line, then the lines of the body without indentation."""
        self._leave_out_unused()
        self._uses = {node: sum(_mentioned(user).count(node) for user in node.users) for node in self._graph.nodes}
        arguments: list[str] = ["self"]
        gives = ""
        for node in self._graph.nodes:
            if node.op == "output":
                self._lines.append(f"return {self._inlined(node)[0]}")
                gives = _kind(node.meta[VALUE])
            elif node.op == "placeholder":
                kind = _kind(node.meta[VALUE])
                arguments.append(self._new_name(str(node.target), node) + (f": {kind}" if kind else ""))
            else:
                self._step(node)
        return (f"def forward({', '.join(arguments)}){f' -> {gives}' if gives else ''}:", *self._lines)

    def _leave_out_unused(self) -> None:
        """Drop sizes, items and comparisons that nobody reads, and children that change nothing."""
        for node in list(self._graph.nodes):
            if node.op == "call_module" and node.target in self._skipped:
                node.replace_all_uses_with(node.args[0])
                self._graph.erase_node(node)
        for node in reversed(list(self._graph.nodes)):
            pure = node.op == "get_attr" or (node.op == "call_function" and node.target in _WITHOUT_EFFECT)
            pure = pure or (node.op == "call_method" and node.target in ("size", "dim"))
            if pure and not node.users:
                self._graph.erase_node(node)

    def _step(self, node: fx.Node) -> None:
        if node.op == "get_attr":
            self._names[node] = path_code(self._module, str(node.target))
            return
        code, level = self._inlined(node)
        if node.target is operator.setitem or not node.users:
            self._flush()
            self._lines.append(code)
        elif self._uses[node] == 1 and len(code) <= _LONGEST_INLINE:
            self._waiting[node] = code, level
        else:
            self._flush()
            self._assign(node, code)

    def _inlined(self, node: fx.Node) -> tuple[str, int]:
        """Code of a step and how tightly it binds. What waits is written inside it where the order stays the same."""
        operands = [each for each in _mentioned(node) if each in self._waiting]
        if operands != list(self._waiting)[len(self._waiting) - len(operands) :]:
            self._flush()
        code, level = self._code(node)
        if len(code) > WIDTH - 16 and operands and any(each in self._waiting for each in operands):
            self._flush()
            code, level = self._code(node)
        for each in operands:
            self._waiting.pop(each, None)
        return code, level

    def _flush(self) -> None:
        """Give everything that waits a name, in order."""
        for node, (code, _) in list(self._waiting.items()):
            del self._waiting[node]
            self._assign(node, code)

    def _assign(self, node: fx.Node, code: str) -> None:
        name = self._reused(node) or self._new_name(_speaking(node), node)
        self._names[node] = name
        self._lines.append(f"{name} = {code}")

    def _reused(self, node: fx.Node) -> str | None:
        """The name of a tensor that is read here for the last time, so that `x` goes on as `x`."""
        if not isinstance(node.meta[VALUE], Tensor):
            return None
        order = list(self._graph.nodes)
        later = order[order.index(node) + 1 :]
        waiting = " ".join(code for code, _ in self._waiting.values())
        for each in _mentioned_deeply(node):
            name = self._names.get(each)
            if name is None or not name.isidentifier() or not isinstance(each.meta[VALUE], Tensor):
                continue
            bound = [other for other, its in self._names.items() if its == name]
            read_later = any(user in later for user in each.users) or re.search(rf"\b{name}\b", waiting)
            if bound[-1] is each and not read_later:
                return name
        return None

    def _new_name(self, wish: str, node: fx.Node) -> str:
        name = base = identifier(wish, "x")
        number = 2
        while name in self._taken or keyword.iskeyword(name):
            name, number = f"{base}_{number}", number + 1
        self._taken.add(name)
        self._names[node] = name
        return name

    # Code of single steps.

    def _code(self, node: fx.Node) -> tuple[str, int]:
        if node.op == "output":
            return self._value(node.args[0], 0), ATOM
        if node.op == "call_module":
            return f"{path_code(self._module, str(node.target))}({self._arguments(node.args, node.kwargs)})", ATOM
        if node.op == "call_method":
            return f"{self._receiver(node)}.{node.target}({self._arguments(node.args[1:], node.kwargs)})", ATOM
        return self._function(node)

    def _function(self, node: fx.Node) -> tuple[str, int]:
        target, args = node.target, node.args
        if target in _BINARY and len(args) == 2:
            sign, level = _BINARY[target]  # pyright: ignore[reportArgumentType]
            return f"{self._value(args[0], level)} {sign} {self._value(args[1], level + 1)}", level
        if target in _UNARY:
            return f"{_UNARY[target]}{self._value(args[0], UNARY)}", UNARY  # pyright: ignore[reportArgumentType]
        if target in _IN_PLACE:
            method, sign = _IN_PLACE[target]  # pyright: ignore[reportArgumentType]
            if isinstance(args[0], fx.Node) and isinstance(args[0].meta[VALUE], Tensor):
                return f"{self._receiver(node)}.{method}({self._value(args[1], 0)})", ATOM
            level = PLUS if sign in "+-" else TIMES
            return f"{self._value(args[0], level)} {sign} {self._value(args[1], level + 1)}", level
        if target is getattr:
            return f"{self._receiver(node)}.{_attribute(args[1])}", ATOM
        if target is operator.getitem:
            return f"{self._receiver(node)}[{self._index(args[1])}]", ATOM
        if target is operator.setitem:
            return f"{self._receiver(node)}[{self._index(args[1])}] = {self._value(args[2], 0)}", 0
        if target is operator.pow:
            return f"{self._value(args[0], ATOM)} ** {self._value(args[1], ATOM)}", UNARY
        name = function_names().get(id(target))
        if name is None:
            where = f"{getattr(target, '__module__', '?')}.{getattr(target, '__qualname__', target)}"
            raise UserError(
                f"the forward of {type(self._module).__name__} calls {where}, which is not part of torch; "
                "compute it with torch's own functions"
            )
        return f"{name}({self._arguments(args, node.kwargs)})", ATOM

    def _receiver(self, node: fx.Node) -> str:
        return self._value(node.args[0], ATOM)

    def _arguments(self, args: Any, kwargs: Any) -> str:
        given = [self._value(each, 0) for each in args]
        return ", ".join([*given, *(f"{_attribute(key)}={self._value(each, 0)}" for key, each in kwargs.items())])

    def _index(self, index: Any) -> str:
        if isinstance(index, tuple) and index:
            return ", ".join(map(self._index, index)) + ("," if len(index) == 1 else "")
        if isinstance(index, slice):
            parts = ["" if each is None else self._value(each, 0) for each in (index.start, index.stop)]
            step = "" if index.step is None else f":{self._value(index.step, 0)}"
            return ":".join(parts) + step
        return "..." if index is Ellipsis else self._value(index, 0)

    def _value(self, value: Any, level: int) -> str:
        """Code of an argument, in brackets where it binds less tightly than `level`."""
        if isinstance(value, fx.Node):
            if value in self._waiting:
                code, own = self._waiting[value]
                return code if own >= level else f"({code})"
            return self._names[value]
        if isinstance(value, list | tuple):
            inner = ", ".join(self._value(each, 0) for each in value)
            if isinstance(value, list):
                return f"[{inner}]"
            return f"({inner}{',' if len(value) == 1 else ''})"
        if isinstance(value, dict):
            return "{" + ", ".join(f"{constant(key)}: {self._value(each, 0)}" for key, each in value.items()) + "}"
        if isinstance(value, slice):
            return f"slice({', '.join(self._value(each, 0) for each in (value.start, value.stop, value.step))})"
        return self._constant(value, level)

    def _constant(self, value: Any, level: int) -> str:
        if value is Ellipsis:
            return "..."
        if isinstance(value, torch.dtype | torch.memory_format | torch.layout):
            return str(value)
        if isinstance(value, torch.device):
            return repr(str(value))
        try:
            code = constant(value)
        except TypeError:
            raise UserError(
                f"the forward of {type(self._module).__name__} uses a {type(value).__name__}, which cannot be written "
                "as a constant; use numbers, strings, tuples and tensors"
            ) from None
        negative = isinstance(value, int | float) and not isinstance(value, bool) and code.startswith("-")
        return f"({code})" if negative and level >= UNARY else code


def _attribute(name: Any) -> str:
    if not isinstance(name, str) or not is_attribute(name):
        raise UserError(f"{name!r} cannot be written as the name of an attribute or argument")
    return name


def _mentioned(node: fx.Node) -> list[fx.Node]:
    """The steps that a step reads, in the order they are written, as often as they are."""
    found: list[fx.Node] = []
    map_arg((node.args, node.kwargs), lambda each: found.append(each) or each)
    return found


def _mentioned_deeply(node: fx.Node) -> list[fx.Node]:
    """The same, and what those read that stand inside this step's code; nearest first."""
    found, todo = [], [node]
    while todo:
        for each in _mentioned(todo.pop(0)):
            if each not in found:
                found.append(each)
                todo.append(each)
    return found


def _kind(value: Any) -> str:
    """The annotation of an argument or result; empty where there is none to be sure of."""
    if isinstance(value, Tensor):
        return "Tensor"
    if type(value) in (list, tuple) and value and all(isinstance(each, Tensor) for each in value):
        return "list[Tensor]" if isinstance(value, list) else "tuple[Tensor, ...]"
    return ""


def _speaking(node: fx.Node) -> str:
    """A name for what a step gives."""
    if node.op == "call_module":
        words = [atom for atom in str(node.target).split(".") if not atom.isdecimal()]
        return words[-1].lower() if words else "x"
    if node.op == "call_function" and node.target is getattr:
        return str(node.args[1])
    if node.op == "call_function" and node.target in _BINARY:
        return "total" if node.target is operator.add else "x"
    return getattr(node.target, "__name__", str(node.target)).strip("_")

"""What one module computes, in terms of its children: its `forward` followed with torch.fx, one level deep.

While it is followed, every step is also carried out on an example, so that sizes, lengths and flags are known;
only a decision that depends on the values inside a tensor stops it.
"""

from __future__ import annotations

import builtins
import inspect
import operator
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, fx, nn

from netwright.core.errors import UserError

VALUE = "value"


@dataclass(frozen=True, eq=False)
class Arguments:
    """What a module was called with."""

    args: tuple[Any, ...]
    kwargs: Mapping[str, Any]

    def signature(self) -> str:
        """Number, nesting and shapes of the arguments: calls that differ in none of them take the same way."""
        return repr((_outline(self.args), _outline(dict(self.kwargs))))


def _outline(value: Any) -> Any:
    if isinstance(value, Tensor):
        return ("tensor", tuple(value.shape), str(value.dtype))
    if isinstance(value, list | tuple):
        return (type(value).__name__, [_outline(each) for each in value])
    if isinstance(value, dict):
        return {key: _outline(each) for key, each in value.items()}
    return repr(value)


def follow(module: nn.Module, arguments: Arguments) -> fx.Graph:
    """The graph of one call; each node's example value is in `node.meta["value"]`.

    Raises UserError, naming the class and the line, where what is done depends on the values of the input.
    """
    tracer = _Tracer(arguments)
    try:
        with torch.no_grad(), _sizes_one_by_one(tracer):
            return tracer.trace(module)
    except Exception as problem:
        raise UserError(_explained(module, problem)) from problem


def _explained(module: nn.Module, problem: BaseException) -> str:
    here = {__file__, inspect.getfile(fx.Proxy), inspect.getfile(fx.Tracer)}
    trace, where = problem.__traceback__, ""
    while trace is not None:
        name = trace.tb_frame.f_code.co_filename
        if name not in here and f"{Path(torch.__file__).parent}" not in name and "netwright/results" not in name:
            where = f" ({Path(name).name}, line {trace.tb_lineno})"
        trace = trace.tb_next
    return (
        f"the forward of {type(module).__name__}{where} cannot be written down as plain code: {problem}. "
        "A network to export must do the same steps whatever values its input holds"
    )


class Known(fx.Proxy):
    """A step whose value on the example is known."""

    @property
    def value(self) -> Any:
        return self.node.meta[VALUE]

    def __len__(self) -> int:
        return len(self.value)

    def __int__(self) -> int:
        return int(self._plain())

    def __index__(self) -> int:
        return operator.index(self._plain())

    def __float__(self) -> float:
        return float(self._plain())

    def __setitem__(self, key: Any, value: Any) -> None:
        self.tracer.create_proxy("call_function", operator.setitem, (self, key, value), {})

    def __getattr__(self, name: str) -> Any:
        return KnownAttribute(self, name)

    def _plain(self) -> Any:
        if isinstance(self.value, Tensor):
            raise TypeError("a number is taken out of a tensor")
        return self.value


def _in_place(function: Callable[[Any, Any], Any]) -> Callable[[Known, Any], Any]:
    def method(self: Known, other: Any) -> Any:
        return self.tracer.create_proxy("call_function", function, (self, other), {})

    return method


for _name in ("iadd", "isub", "imul", "itruediv"):
    setattr(Known, f"__{_name}__", _in_place(getattr(operator, _name)))


class KnownAttribute(Known):
    """`step.name`: a method that is about to be called, or an attribute, for which a step is made once it is used."""

    def __init__(self, root: Known, name: str) -> None:
        self.root, self.attr, self.tracer = root, name, root.tracer
        self._node: fx.Node | None = None

    @property
    def node(self) -> fx.Node:  # pyright: ignore[reportIncompatibleVariableOverride]
        if self._node is None:
            assert isinstance(self.tracer, _Tracer)
            self._node = self.tracer.step("call_function", getattr, (self.root, self.attr), {}).node
        return self._node

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.tracer.create_proxy("call_method", self.attr, (self.root, *args), kwargs)


class _Tracer(fx.Tracer):
    proxy_buffer_attributes = True

    def __init__(self, arguments: Arguments) -> None:
        super().__init__()
        self._arguments = arguments
        self._given: dict[str, Any] = {}
        self._working = False

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        return True

    def proxy(self, node: fx.Node) -> Known:
        return Known(node, self)

    def create_proxy(self, *step: Any, **options: Any) -> Any:
        """A step; where it gives None, or a tuple, list or dictionary, exactly that, holding steps."""
        return self._opened(self.step(*step, **options))

    def step(self, *step: Any, **options: Any) -> Known:
        made = super().create_proxy(*step, **options)
        assert isinstance(made, Known)
        return made

    def _opened(self, step: Known) -> Any:
        value = step.value
        if type(value) in (tuple, list):
            return type(value)(step[i] for i in range(len(value)))  # pyright: ignore[reportIndexIssue]
        if type(value) is dict:
            return {key: step[key] for key in value}  # pyright: ignore[reportIndexIssue]
        return None if value is None else step

    def to_bool(self, obj: fx.Proxy) -> bool:
        assert isinstance(obj, Known)
        if isinstance(obj.value, Tensor):
            raise TypeError("a branch depends on the values of a tensor")
        return bool(obj.value)

    def iter(self, obj: fx.Proxy) -> Iterator[Any]:
        assert isinstance(obj, Known)
        return iter([obj[i] for i in range(len(obj.value))])  # pyright: ignore[reportIndexIssue]

    def keys(self, obj: fx.Proxy) -> Any:
        assert isinstance(obj, Known)
        return list(obj.value.keys())

    def call_module(self, m: nn.Module, forward: Callable[..., Any], args: Any, kwargs: Any) -> Any:
        return forward(*args, **kwargs) if self._working else super().call_module(m, forward, args, kwargs)

    def getattr(self, attr: str, attr_val: Any, parameter_proxy_cache: dict[str, Any]) -> Any:
        return attr_val if self._working else super().getattr(attr, attr_val, parameter_proxy_cache)

    def create_args_for_root(
        self, root_fn: Any, is_module: bool, concrete_args: Any = None
    ) -> tuple[Callable[..., Any], list[Any]]:
        """A step for each argument that was given; what was not given keeps its default and is no argument."""
        bound = inspect.signature(root_fn).bind(self.root, *self._arguments.args, **self._arguments.kwargs)
        parameters = bound.signature.parameters
        args: list[Any] = [self.root]
        kwargs: dict[str, Any] = {}
        for name, value in list(bound.arguments.items())[1:]:
            kind = parameters[name].kind
            if kind is inspect.Parameter.VAR_POSITIONAL:
                args.extend(self._placeholder(f"{name}_{i}", each) for i, each in enumerate(value))
            elif kind is inspect.Parameter.VAR_KEYWORD:
                kwargs.update({key: self._placeholder(key, each) for key, each in value.items()})
            elif kind is inspect.Parameter.KEYWORD_ONLY or len(args) <= list(parameters).index(name) - 1:
                kwargs[name] = self._placeholder(name, value)
            else:
                args.append(self._placeholder(name, value))
        return lambda *given: root_fn(*given, **kwargs), args

    def _placeholder(self, name: str, value: Any) -> Any:
        self._given[name] = value
        return self.create_proxy("placeholder", name, (), {})

    def create_node(
        self,
        kind: str,
        target: Any,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        name: str | None = None,
        type_expr: Any = None,
    ) -> fx.Node:
        node = super().create_node(kind, target, args, kwargs, name, type_expr)
        with self._at_work():
            node.meta[VALUE] = self._value(node)
        return node

    @contextmanager
    def _at_work(self) -> Iterator[None]:
        before, self._working = self._working, True
        try:
            yield
        finally:
            self._working = before

    def _value(self, node: fx.Node) -> Any:
        args: Any = _values(node.args)
        kwargs: Any = _values(node.kwargs)
        if node.op == "placeholder":
            return self._given[str(node.target)]
        if node.op == "get_attr":
            return operator.attrgetter(str(node.target))(self.root)
        if node.op == "call_module":
            return self.root.get_submodule(str(node.target))(*args, **kwargs)
        if node.op == "call_function":
            assert callable(node.target)
            return node.target(*args, **kwargs)
        if node.op == "call_method":
            return getattr(args[0], str(node.target))(*args[1:], **kwargs)
        return args[0]


@contextmanager
def _sizes_one_by_one(tracer: _Tracer) -> Iterator[None]:
    """Within the block `len(x)` and `torch.zeros(n, 1)` are followed too: PyTorch takes steps only in a tuple."""
    kept = {name: getattr(torch, name) for name in ("zeros", "ones", "empty", "rand", "randn")}

    def taking(make: Callable[..., Any]) -> Callable[..., Any]:
        def made(*sizes: Any, **options: Any) -> Any:
            steps = any(isinstance(each, Known) for each in sizes)
            if not steps or not all(isinstance(each, int) or _is_size(each) for each in sizes):
                return make(*sizes, **options)
            return tracer.create_proxy("call_function", make, (sizes,), options)

        return made

    def length(of: Any) -> Any:
        return tracer.create_proxy("call_function", own_length, (of,), {}) if isinstance(of, Known) else own_length(of)

    own_length = builtins.len
    for name, make in kept.items():
        setattr(torch, name, taking(make))
    builtins.len = length  # Python's own makes a fixed number of what it is told
    try:
        yield
    finally:
        builtins.len = own_length
        for name, make in kept.items():
            setattr(torch, name, make)


def _is_size(step: Any) -> bool:
    return isinstance(step, Known) and isinstance(step.value, int)


def _values(arguments: Any) -> Any:
    """The arguments of a step with the example's values, lists and dictionaries as plain ones."""
    if isinstance(arguments, fx.Node):
        return arguments.meta[VALUE]
    if isinstance(arguments, tuple) and hasattr(arguments, "_fields"):
        return type(arguments)(*(_values(each) for each in arguments))
    if isinstance(arguments, list | tuple):
        made = [_values(each) for each in arguments]
        return made if isinstance(arguments, list) else tuple(made)
    if isinstance(arguments, dict):
        return {key: _values(each) for key, each in arguments.items()}
    if isinstance(arguments, slice):
        return slice(_values(arguments.start), _values(arguments.stop), _values(arguments.step))
    return arguments

"""Layers of torch.nn as the constructor calls that make them again, each checked by making it."""

from __future__ import annotations

import inspect
from typing import Any, cast

import torch
from torch import nn

from netwright.core.errors import UserError
from netwright.results.expressions import (
    NO_DEFAULT,
    Argument,
    Call,
    Expression,
    Literal,
    Text,
    function_names,
    plain_value,
    same,
)

_RECURRENT = ("input_size", "hidden_size", "num_layers", "bias", "batch_first", "dropout", "bidirectional", "proj_size")
_RECURRENT_DEFAULTS = {
    "num_layers": 1,
    "bias": True,
    "batch_first": False,
    "dropout": 0.0,
    "bidirectional": False,
    "proj_size": 0,
    "nonlinearity": "tanh",
}
_NOT_WRITTEN = {"device", "dtype", "_weight", "_freeze", "_stacklevel", "min_value", "max_value", "mode"}


def torch_class(module: nn.Module) -> type[nn.Module] | None:
    """The class of torch.nn that this module is, also under another name; None where it computes anything else."""
    for cls in type(module).__mro__:
        if _is_torch(cls):
            return cls
        changed = [name for name, value in vars(cls).items() if callable(value) or isinstance(value, property)]
        if set(changed) - {"__init__", "extra_repr", "__repr__", "_get_name"}:
            return None
    return None


def _is_torch(cls: type) -> bool:
    return cls.__module__.startswith("torch.nn.modules.") and cls is not nn.Module


def constructor(module: nn.Module, cls: type[nn.Module]) -> Call:
    """The call that makes a layer like `module`; UserError where no call is known that makes the same."""
    problem = "it has parameters that its constructor doesn't make"
    for shortened in (True, False):
        values = composite_arguments(module) or _values(module, cls, shortened)
        try:
            with torch.device("meta"):  # neither time nor random numbers are spent on its weights
                made = cls(**values).eval()
        except (TypeError, ValueError, RuntimeError) as error:
            problem = str(error)
            continue
        problem = _difference(module, made)
        if not problem:
            return _call(module, cls, values)
    raise UserError(
        f"a layer {type(module).__name__} cannot be written down as nn.{cls.__name__}(...): {problem}. "
        "Wrap what it computes in a module of your own with a plain forward, or use another layer"
    )


def _values(module: nn.Module, cls: type[nn.Module], shortened: bool) -> dict[str, Any]:
    """Every constructor argument whose value the module tells; shortened: (3, 3) as 3."""
    found: dict[str, Any] = {}
    for name in _parameters(cls):
        if name in _NOT_WRITTEN and not (name == "mode" and issubclass(cls, nn.Upsample | nn.EmbeddingBag)):
            continue
        value = _value(module, name)
        if value is not NO_DEFAULT:
            found[name] = plain_value(_short(value) if shortened else value)
    dtype = next((each.dtype for each in module.parameters(recurse=False)), torch.float32)
    if dtype != torch.float32:
        found["dtype"] = dtype
    return found


def _parameters(cls: type[nn.Module]) -> dict[str, Any]:
    """Names of the constructor's arguments with their defaults."""
    if issubclass(cls, nn.RNNBase):
        plain = [name for name in _RECURRENT if name != "proj_size"]
        names = _RECURRENT if cls is nn.LSTM else [*plain, "nonlinearity"] if cls is nn.RNN else plain
        return {name: _RECURRENT_DEFAULTS.get(name, NO_DEFAULT) for name in names}
    signature = inspect.signature(cls.__init__)
    kinds = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    listed = [each for each in list(signature.parameters.values())[1:] if each.kind not in kinds]
    return {each.name: each.default for each in listed}


def _value(module: nn.Module, name: str) -> Any:
    if name == "bias" and not isinstance(getattr(module, "bias", None), bool):
        in_projection = getattr(module, "in_proj_bias", None)
        return (module.bias if hasattr(module, "bias") else in_projection) is not None
    if name == "add_bias_kv":
        return getattr(module, "bias_k", None) is not None
    if name == "output_padding" and not isinstance(module, nn.modules.conv._ConvTransposeNd):
        return NO_DEFAULT
    value = getattr(module, name, NO_DEFAULT)
    return tuple(value) if isinstance(value, torch.Size) else value


def _short(value: Any) -> Any:
    if isinstance(value, tuple) and value and all(same(each, value[0]) for each in value):
        return value[0]
    return value


def _difference(module: nn.Module, made: nn.Module) -> str:
    """What tells the two layers apart, in words; empty where nothing does."""
    ours, theirs = module.state_dict(), made.state_dict()
    if {k: (v.shape, v.dtype) for k, v in ours.items()} != {k: (v.shape, v.dtype) for k, v in theirs.items()}:
        return "its tensors have other names, shapes or types"
    if [(name, type(each)) for name, each in module.named_children()] != [
        (name, type(each)) for name, each in made.named_children()
    ]:
        return "other layers stand in it than its constructor makes"
    for (name, part), own in zip(made.named_children(), module.children(), strict=True):
        inner = _difference(own, part)
        if inner:
            return f"of its {name}, {inner}"
    for name, value in vars(made).items():
        if name.startswith("_") or name in ("training", "enable_nested_tensor"):
            continue
        if not _alike(vars(module).get(name), value):
            return f"its {name} is {vars(module).get(name)!r}, which the constructor makes {value!r}"
    return ""


def _alike(first: Any, second: Any) -> bool:
    if callable(first) and callable(second):
        return first is second
    first, second = plain_value(first), plain_value(second)
    return type(first) is type(second) and repr(first) == repr(second)


def _call(module: nn.Module, cls: type[nn.Module], values: dict[str, Any]) -> Call:
    defaults = _parameters(cls)
    arguments: list[Argument] = []
    by_position = True
    for name, value in values.items():
        default = defaults.get(name, NO_DEFAULT)
        by_position = by_position and default is NO_DEFAULT
        arguments.append(Argument(_expression(value, name), "" if by_position else name, default))
    where = "nn" if getattr(nn, cls.__name__, None) is cls else cls.__module__
    return Call(f"{where}.{cls.__name__}", tuple(arguments))


def _expression(value: Any, name: str) -> Expression:
    """An argument as code: a layer as the call that makes it, a function of torch by its name."""
    if isinstance(value, nn.Module):
        cls = torch_class(value)
        if cls is None:
            raise UserError(
                f"a {type(value).__name__} is the {name} of a layer; only layers of torch.nn are written there"
            )
        return constructor(value, cls)
    if callable(value):
        code = function_names().get(id(value))
        if code is None:
            raise UserError(f"the {name} of a layer is a function that is not part of torch; use one of torch's own")
        return Text(code)
    return Literal(value, name)


def composite_arguments(module: nn.Module) -> dict[str, Any] | None:
    """Arguments by name, some of them layers and functions themselves; None for a layer that holds no others.

    None also where other layers were put in the places of its own.
    """
    try:
        return _arguments(module)
    except AttributeError:
        return None


def _arguments(module: nn.Module) -> dict[str, Any] | None:
    if isinstance(module, nn.TransformerEncoderLayer | nn.TransformerDecoderLayer):
        return _transformer_layer(module)
    if isinstance(module, nn.TransformerEncoder):
        nested = {"enable_nested_tensor": bool(module.use_nested_tensor), "mask_check": module.mask_check}
        return {"encoder_layer": module.layers[0], "num_layers": len(module.layers), "norm": module.norm} | nested
    if isinstance(module, nn.Transformer):
        layer = _transformer_layer(cast("nn.TransformerEncoderLayer", module.encoder.layers[0]))
        counts = {f"num_{name}_layers": len(getattr(module, name).layers) for name in ("encoder", "decoder")}
        return layer | counts
    if isinstance(module, nn.TransformerDecoder):
        return {"decoder_layer": module.layers[0], "num_layers": len(module.layers), "norm": module.norm}
    return None


def _transformer_layer(module: nn.TransformerEncoderLayer | nn.TransformerDecoderLayer) -> dict[str, Any]:
    attention = module.self_attn
    return {
        "d_model": attention.embed_dim,
        "nhead": attention.num_heads,
        "dim_feedforward": module.linear1.out_features,
        "dropout": module.dropout.p,
        "activation": module.activation,
        "layer_norm_eps": module.norm1.eps,
        "batch_first": attention.batch_first,
        "norm_first": module.norm_first,
        "bias": module.linear1.bias is not None,
    }
